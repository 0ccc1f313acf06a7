"""Announcing: which files somebody wants to send for a target, in which session, and the tickets to send them with."""

from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from roliascan.database import Database, Tx, instant_text
from roliascan.errors import Invalid, Problem, TooLarge, TooMany
from roliascan.ids import new_id
from roliascan.library import filing, targets, tickets
from roliascan.library.pages import PageExists
from roliascan.library.targets import KINDS, Target
from roliascan.library.tickets import Bound, Issue
from roliascan.library.uploads import APPENDED, LASTS, SESSION, Session
from roliascan.people.persons import Person

MOST_OPEN = 10  # sessions of one person


class TooManyUploads(TooLarge):
    code = "too_many_uploads"
    detail = "This is more files than one upload session takes; delete those that you do not need."


class TooManySessions(TooMany):
    code = "too_many_upload_sessions"
    detail = f"You have {MOST_OPEN} open upload sessions; commit or delete one of them."


class Announced(NamedTuple):
    """A file that somebody wants to send: its size in bytes, and the page that it is to become, if it asks for one."""

    name: str
    size: int
    type: str
    sha256: str
    page: int | None


class UploadTicket(msgspec.Struct, rename="camel"):
    """How to send a file, with `headers` or as a form with `fields`; or, for what is complete, that it is `done`."""

    id: str
    done: bool | UnsetType = UNSET
    page: int | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    fields: dict[str, str] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


class Tickets(msgspec.Struct):
    """A ticket for each file, in the order in which they were announced, and the session that they belong to."""

    session: str
    tickets: list[UploadTicket]


def ask(
    db: Database,
    *,
    person: Person,
    target: Target,
    announced: list[Announced],
    issue: Issue,
    max_bytes: int,
    now: datetime,
) -> Tickets:
    """A ticket for each file, in the session of this target that is open, or in a new one.

    A file that was announced there before (same page, size, type and hash) is that upload again, and done if it is
    complete. Raises Invalid, NotFound, Removed, NotAllowed, PageExists, TooManyUploads, TooManySessions.
    """
    _check(target, announced, max_bytes)
    session_id, rows = db.run(_ask, target, announced, person=person, now=now)
    return Tickets(session_id, [_ticket(row, issue, now) for row in rows])


def _check(target: Target, announced: list[Announced], max_bytes: int) -> None:
    problems = []
    asked: set[int] = set()
    for place, one in enumerate(announced):
        where = f"files[{place}]"
        if one.size > max_bytes:
            problems.append(Problem(f"{where}.size", f"may be at most {max_bytes:,} bytes"))
        if not (one.type.startswith("image/") or KINDS[target.kind].documents):
            problems.append(Problem(f"{where}.type", "must be an image"))
        if one.page is not None and target.kind != "chapter":
            problems.append(Problem(f"{where}.page", "is for chapters"))
        if one.page in asked:
            problems.append(Problem(f"{where}.page", "is here twice"))
        asked |= {one.page} if one.page else set()
    if problems:
        raise Invalid(*problems)


def _ticket(row: "_Announced", issue: Issue, now: datetime) -> UploadTicket:
    if row.state == "complete":
        return UploadTicket(row.id, done=True)
    expires_at = (now + tickets.LASTS).replace(microsecond=0)
    ticket = issue(Bound(row.id, row.bytes, row.type, row.sha256), expires_at)
    return UploadTicket(
        row.id,
        page=row.position if row.position < APPENDED else None,
        method=ticket.method,
        url=ticket.url,
        headers=ticket.headers if ticket.fields is None else UNSET,
        fields=UNSET if ticket.fields is None else ticket.fields,
        expires_at=instant_text(ticket.expires_at or expires_at),
    )


class _Announced(msgspec.Struct):
    id: str
    position: int
    bytes: int
    type: str
    sha256: str
    state: str


class _Id(msgspec.Struct):
    id: str


def _ask(
    tx: Tx, target: Target, announced: list[Announced], *, person: Person, now: datetime
) -> tuple[str, list[_Announced]]:
    # One at a time of what a person asks: so two that come at once find one session, and so many may be open.
    tx.one("SELECT id FROM users WHERE id = :id FOR UPDATE", _Id, id=person.id)
    open_sql = f"{SESSION} WHERE user_id = :id AND state = 'open' AND expires_at > :now ORDER BY created_at FOR UPDATE"
    opened = tx.read(open_sql, Session, id=person.id, now=now)
    targets.require_right(tx, target, person=person)
    wanted = (target.kind, target.id)
    session_id = next((one.id for one in opened if (one.target_kind, one.target_id) == wanted), None)
    if session_id is None:
        if len(opened) >= MOST_OPEN:
            raise TooManySessions
        session_id = _open(tx, target, person=person, now=now)
    else:
        sql = "UPDATE upload_sessions SET expires_at = :expires_at WHERE id = :id"
        tx.write(sql, id=session_id, expires_at=now + LASTS)
    return session_id, _announce(tx, session_id, announced, most=KINDS[target.kind].most, now=now)


def _open(tx: Tx, target: Target, *, person: Person, now: datetime) -> str:
    session_id = new_id(now)
    row = {
        "id": session_id,
        "user_id": person.id,
        "target_kind": target.kind,
        "target_id": target.id,
        "state": "open",
        "created_at": now,
        "expires_at": now + LASTS,
    }
    tx.insert_many("upload_sessions", [row])
    return session_id


def _announce(tx: Tx, session_id: str, announced: list[Announced], *, most: int, now: datetime) -> list[_Announced]:
    """The rows of these files: those that were announced before, each for one of them only, and new ones."""
    sql = "SELECT id, position, bytes, type, sha256, state FROM upload_files WHERE session_id = :id ORDER BY position"
    known = tx.read(sql, _Announced, id=session_id)
    taken = {row.position for row in known}
    found, new = [], []
    for one in announced:
        again = next((row for row in known if _is_same(row, one)), None)
        if again is not None:
            known.remove(again)
        elif one.page in taken:
            raise PageExists(f"This session has another file for page {one.page}; delete that upload first.")
        else:
            again = _Announced(new_id(now), one.page or _next(taken), one.size, one.type, one.sha256, "waiting")
            taken.add(again.position)
            new.append({**msgspec.structs.asdict(again), "session_id": session_id, "name": filing.label(one.name)})
        found.append(again)
    if len(taken) > most:
        raise TooManyUploads(None if most > 1 else "A series has one cover: delete the upload that you do not want.")
    tx.insert_many("upload_files", new)
    return found


def _is_same(row: _Announced, one: Announced) -> bool:
    asks = row.position if row.position < APPENDED else None
    return (asks, row.bytes, row.type, row.sha256) == (one.page, one.size, one.type, one.sha256)


def _next(taken: set[int]) -> int:
    return max([APPENDED - 1, *taken]) + 1
