"""Committing: showing all files of an upload session at once, as what they were sent for."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from roliascan.database import Database, Tx, pieces
from roliascan.errors import Conflict, Invalid, Problem
from roliascan.library import pages, series, uploads
from roliascan.library.pages import Coming
from roliascan.people import sessions
from roliascan.people.persons import Person, require_right
from roliascan.storage import Storage


class UploadIncomplete(Conflict):
    code = "upload_incomplete"
    detail = "Not every file of this upload session is complete."


def commit(
    db: Database, storage: Storage, session_id: str, *, person: Person, order: list[str] | None, now: datetime
) -> None:
    """Shows all files of a session at once: as pages of the chapter, as the cover of the series, or by themselves.

    `order`: the uploads of a chapter in the order in which they are appended, whatever pages they asked for. Again is
    fine, and changes nothing.

    Raises NotFound, Removed, NotAllowed, Invalid, UploadClosed, UploadIncomplete, PageExists, TooManyPages.
    """
    for key in db.run(_commit, session_id, person=person, order=order, now=now):
        storage.delete(key)


class _Id(msgspec.Struct):
    id: str


class _Ready(msgspec.Struct):
    id: str
    position: int
    file_id: str
    width: int | None
    height: int | None


_READY = """
SELECT u.id, u.position, u.file_id, f.width, f.height FROM upload_files u JOIN files f ON f.id = u.file_id
WHERE u.session_id = :id ORDER BY u.position FOR UPDATE
"""


def _commit(tx: Tx, session_id: str, *, person: Person, order: list[str] | None, now: datetime) -> list[str]:
    session = uploads.hold(tx, session_id, person=person)
    if session.state == "committed":
        return []
    uploads.require_open(session.state, session.expires_at, now=now)
    ready = _ordered(_complete(tx, session_id), order, is_chapter=session.target_kind == "chapter")
    tx.write("UPDATE upload_sessions SET state = 'committed' WHERE id = :id", id=session_id)
    for ids in pieces([one.file_id for one in ready]):
        tx.write("UPDATE files SET state = 'ready' WHERE id IN (:ids)", ids=ids)
    return _SHOW[session.target_kind](tx, session.target_id, ready, order, person=person, now=now)


def _complete(tx: Tx, session_id: str) -> list[_Ready]:
    waiting = tx.read(
        "SELECT id FROM upload_files WHERE session_id = :id AND state = 'waiting' FOR UPDATE", _Id, id=session_id
    )
    ready = tx.read(_READY, _Ready, id=session_id)
    if waiting or not ready:
        raise UploadIncomplete(
            f"Of {len(waiting) + len(ready)} files {len(ready)} are complete; the session tells which."
        )
    return ready


def _ordered(ready: list[_Ready], order: list[str] | None, *, is_chapter: bool) -> list[_Ready]:
    if order is None:
        return ready
    by_id = {one.id: one for one in ready}
    problems = [] if is_chapter else [Problem("order", "is for chapters")]
    problems += [
        Problem(f"order[{at}]", "is not an upload of this session") for at, id in enumerate(order) if id not in by_id
    ]
    problems += [Problem(f"order[{at}]", "is here twice") for at, id in enumerate(order) if id in order[:at]]
    if set(by_id) - set(order):
        problems.append(Problem("order", "must name every upload of the session"))
    if problems:
        raise Invalid(*problems)
    return [by_id[id] for id in order]


def _show_pages(
    tx: Tx, chapter_id: str, ready: list[_Ready], order: list[str] | None, *, person: Person, now: datetime
) -> list[str]:
    coming = [
        Coming(
            one.file_id,
            one.position if order is None and one.position < uploads.APPENDED else None,
            (one.width or 0) > (one.height or 0),
        )
        for one in ready
    ]
    pages.attach_ready(tx, chapter_id, coming, person=person, now=now)
    return []


def _show_cover(
    tx: Tx, series_id: str, ready: list[_Ready], _order: list[str] | None, *, person: Person, now: datetime
) -> list[str]:
    person = sessions.confirm(tx, person, now=now)
    cover = series.Draft(cover_id=ready[0].file_id)
    return series.change(tx, series_id, cover, person=person, version=None, now=now)


def _show_files(
    tx: Tx, _id: None, _ready: list[_Ready], _order: list[str] | None, *, person: Person, now: datetime
) -> list[str]:
    require_right(sessions.confirm(tx, person, now=now), "uploads.generic")
    return []


_SHOW: dict[str, Callable[..., list[str]]] = {"chapter": _show_pages, "series": _show_cover, "generic": _show_files}
