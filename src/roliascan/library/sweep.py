"""Working off what no request could do: what has become due, what has run out, and what nobody points to.

Everything goes in short steps, each a transaction of its own that looks again before it acts: cut short, the next sweep
goes on, and two at once do each thing once. Of files the row goes first, then the bytes: a row without bytes would be a
broken page, bytes without a row only wait for the next sweep.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from roliascan.database import Contended, Database, Reader, Tx, pieces
from roliascan.errors import Conflict
from roliascan.ids import NONE, earliest, new_id
from roliascan.library import chapters, concealing, series
from roliascan.library.concealing import Concealment, Known
from roliascan.people import limits, repeats, sessions
from roliascan.storage import NotStored, Storage, keys

GRACE = timedelta(hours=24)
"""How long files stay that nobody points to: far longer than any request or upload between bytes and row."""

_STEP = 200  # rows that one transaction deletes
_BLOCK = 1_000  # files looked at in one statement
_FEW = 100  # strays in a block that are no reason to doubt
FOLDERS = ("covers", "files", "incoming", "pages")  # of storage, in the order of their names
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY = re.compile(rf"[a-z]+/({_ID})(?:-[0-9a-f]{{16}})?\.[a-z]+")  # once keys had no random digits

P = ParamSpec("P")
R = TypeVar("R")


class OtherStorage(Conflict):
    code = "other_storage"
    detail = (
        "Most stored files have no row in this database: DATABASE_URL and STORAGE_URL may not belong together, or one"
        " was restored without the other. None of them was deleted; if that is what you want, sweep with --strays."
    )


class Swept(msgspec.Struct, rename="camel"):
    """How many there were of each. `finished`: nothing was left for lack of time, or because others held it."""

    chapters_published: int = 0
    series_published: int = 0
    sessions_ended: int = 0
    uploads_ended: int = 0
    limits_forgotten: int = 0
    keys_forgotten: int = 0
    files_concealed: int = 0
    files_deleted: int = 0
    strays_deleted: int = 0
    finished: bool = True


class _Sweep(msgspec.Struct):
    """A sweep under way. `go_on` is asked before each step, `step` is told of what was looked at."""

    db: Database
    storage: Storage
    now: datetime
    before: datetime
    strays: bool
    served_here: bool
    go_on: Callable[[], bool]
    step: Callable[[int], None]
    swept: Swept

    def may_go_on(self) -> bool:
        if not self.go_on():
            self.swept.finished = False
            return False
        return True

    def run(self, verb: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """`verb` in a transaction; None where others hold it for long, which is left to the next sweep."""
        try:
            return self.db.run(verb, *args, **kwargs)
        except Contended:
            self.swept.finished = False
            return None


def run(
    db: Database,
    storage: Storage,
    *,
    now: datetime,
    grace: timedelta = GRACE,
    strays: bool = False,
    served_here: bool = False,
    go_on: Callable[[], bool] = lambda: True,
    step: Callable[[int], None] = lambda _: None,
) -> Swept:
    """Works off everything, the urgent first, until `go_on` says no.

    `strays`: delete stored files without a row even where most are such. `served_here`: all files are read through this
    service, which asks who may, so that what is hidden needs no new keys. `step` is called with numbers of things
    looked at. Raises OtherStorage, and what database and storage raise; what was done until then stays.
    """
    sweep = _Sweep(db, storage, now, now - grace, strays, served_here, go_on, step, Swept())
    for part in _PARTS:
        if sweep.may_go_on():
            part(sweep)
    return sweep.swept


# What is due.


def _publish(sweep: _Sweep) -> None:
    swept = sweep.swept
    for series_id in _each(sweep, lambda after: series.due(sweep.db, now=sweep.now, after=after, most=_STEP)):
        swept.series_published += bool(sweep.run(series.publish_due, series_id, now=sweep.now))
    for chapter_id in _each(sweep, lambda after: chapters.due(sweep.db, now=sweep.now, after=after, most=_STEP)):
        swept.chapters_published += bool(sweep.run(chapters.publish_due, chapter_id, now=sweep.now))


def _each(sweep: _Sweep, find: Callable[[str], list[str]]) -> Iterator[str]:
    """Each of the identifiers that `find(after)` gives by and by, each once, whatever becomes of it."""
    after = NONE
    while found := find(after):
        for one in found:
            if not sweep.may_go_on():
                return
            yield one
            sweep.step(1)
        after = found[-1]


# What was hidden.


def _conceal(sweep: _Sweep) -> None:
    """Gives new keys to the files of what is no longer seen: bytes first, then the row, and then the old bytes go."""
    for id in _each(sweep, lambda after: concealing.due(sweep.db, after=after, most=_STEP)):
        for one in concealing.of(sweep.db, id):
            if sweep.served_here or _conceal_files(sweep, one):
                sweep.run(concealing.end, one)


def _conceal_files(sweep: _Sweep, one: Concealment) -> bool:
    """Whether there is nothing left to do: all is done, or it is seen again, or another sweep does it."""
    after = one.reached
    while files := concealing.known(sweep.db, one, after=after, most=_STEP):
        for file in files:
            if not sweep.may_go_on():
                return False
            if not concealing.is_due(sweep.db, one):
                return True
            if not _conceal_file(sweep, one, file):
                return False
            sweep.step(1)
        after = files[-1].id
    return True


def _conceal_file(sweep: _Sweep, one: Concealment, file: Known) -> bool:
    """False where others hold it, which is left to the next sweep."""
    folder, _, name = file.storage_key.rpartition("/")
    key = keys.new_key(folder, new_id(sweep.now), name.rpartition(".")[2])
    try:
        with sweep.storage.open(file.storage_key) as source:
            sweep.storage.put(key, source, type=file.type)
    except NotStored:  # nobody can read what is not there
        return True
    moved = sweep.run(concealing.move, one, file, key)
    if moved:
        one.reached = file.id
        sweep.swept.files_concealed += 1
    sweep.storage.delete(file.storage_key if moved else key)
    return moved is not None


# What has run out.


def _end_sessions(sweep: _Sweep) -> None:
    sweep.swept.sessions_ended = _by_steps(sweep, sessions.forget)


def _forget_limits(sweep: _Sweep) -> None:
    sweep.swept.limits_forgotten = _by_steps(sweep, limits.forget)


def _forget_keys(sweep: _Sweep) -> None:
    sweep.swept.keys_forgotten = _by_steps(sweep, repeats.forget)


def _by_steps(sweep: _Sweep, verb: Callable[..., int]) -> int:
    total = 0
    while sweep.may_go_on():
        done = sweep.run(verb, now=sweep.now, most=_STEP) or 0
        total += done
        sweep.step(done)
        if not done:
            break
    return total


class _Id(msgspec.Struct):
    id: str


def _end_uploads(sweep: _Sweep) -> None:
    """Uploads that nobody completed in time, with their files; and the rows of those that ended long ago."""
    expired = "SELECT id FROM upload_sessions WHERE state = 'open' AND expires_at <= :at"
    for session_id in _each(sweep, lambda after: _some(sweep.db, expired, at=sweep.now, after=after)):
        keys = sweep.run(_abandon, session_id, now=sweep.now)
        sweep.swept.uploads_ended += keys is not None
        for key in keys or ():
            sweep.storage.delete(key)
    ended = "SELECT id FROM upload_sessions WHERE state <> 'open' AND expires_at <= :at"
    for session_id in _each(sweep, lambda after: _some(sweep.db, ended, at=sweep.before, after=after)):
        sweep.run(_forget_upload, session_id)


def _some(db: Reader, sql: str, *, at: datetime, after: str) -> list[str]:
    rows = db.read(f"{sql} AND id > :after ORDER BY id LIMIT :most", _Id, at=at, after=after, most=_STEP)
    return [row.id for row in rows]


def _abandon(tx: Tx, session_id: str, *, now: datetime) -> list[str] | None:
    """Ends an upload whose time is over; the keys of its files, or None where somebody was faster."""
    sql = "SELECT id FROM upload_sessions WHERE id = :id AND state = 'open' AND expires_at <= :now FOR UPDATE"
    if tx.one(sql, _Id, id=session_id, now=now) is None:
        return None
    files = tx.read(
        "SELECT f.id FROM upload_files u JOIN files f ON f.id = u.file_id"
        " WHERE u.session_id = :id AND f.state = 'pending'",
        _Id,
        id=session_id,
    )
    tx.write("UPDATE upload_sessions SET state = 'abandoned' WHERE id = :id", id=session_id)
    tx.write("DELETE FROM upload_files WHERE session_id = :id", id=session_id)
    return chapters.forget_files(tx, [file.id for file in files])


def _forget_upload(tx: Tx, session_id: str) -> None:
    tx.write("DELETE FROM upload_files WHERE session_id = :id", id=session_id)
    tx.write("DELETE FROM upload_sessions WHERE id = :id", id=session_id)


# What nobody points to.

_USED = """(EXISTS (SELECT 1 FROM pages p WHERE p.file_id = files.id)
    OR EXISTS (SELECT 1 FROM series s WHERE s.cover_file_id = files.id)
    OR EXISTS (SELECT 1 FROM upload_files u JOIN upload_sessions o ON o.id = u.session_id
      WHERE u.file_id = files.id AND o.state = 'open')
    OR EXISTS (SELECT 1 FROM files o WHERE o.id = files.original_id))"""
"""SQL: whether something shows a file, or will; a variant stays as long as its original."""

_KEPT = f"(files.created_at > :before OR (files.purpose = 'file' AND files.state = 'ready') OR {_USED})"
"""SQL: whether a file stays. One that somebody uploaded by itself is for whoever has its address."""


class _Key(msgspec.Struct):
    storage_key: str


class _File(msgspec.Struct):
    id: str
    is_kept: bool


_FILES = f"SELECT id, {_KEPT} AS is_kept FROM files WHERE id > :after ORDER BY id LIMIT {_BLOCK}"


def _delete_unused(sweep: _Sweep) -> None:
    """Looks at all files by blocks: a statement of bounded time, whether much or nothing is to be deleted."""
    after = NONE
    while sweep.may_go_on() and (files := sweep.db.read(_FILES, _File, after=after, before=sweep.before)):
        for file in files:
            if not file.is_kept and sweep.may_go_on():
                for key in sweep.run(_forget_file, file.id, before=sweep.before) or ():
                    sweep.storage.delete(key)
                    sweep.swept.files_deleted += 1
        after = files[-1].id
        sweep.step(len(files))


def _forget_file(tx: Tx, file_id: str, *, before: datetime) -> list[str]:
    """Deletes the rows of a file that is still of no use, and of its variants; their keys."""
    # locked first, in a statement of its own: who takes it as a cover meanwhile is seen by the next one, or waits
    tx.read("SELECT id FROM files WHERE id = :id FOR UPDATE", _Id, id=file_id)
    if tx.one(f"SELECT id FROM files WHERE id = :id AND NOT {_KEPT}", _Id, id=file_id, before=before) is None:
        return []
    return chapters.forget_files(tx, [file_id])


def _delete_strays(sweep: _Sweep) -> None:
    """Stored files without a row. What has no key of our form was put there by others, and stays.

    Their age is that of the identifier in the key: it was made before the first byte came.
    """
    for folder in FOLDERS:
        keys = (file.key for file in sweep.storage.list(f"{folder}/"))
        while sweep.may_go_on() and (block := list(islice(keys, _BLOCK))):
            _delete_strays_of(sweep, block)
            sweep.step(len(block))


def _delete_strays_of(sweep: _Sweep, block: list[str]) -> None:
    old = [key for key in block if "" < id_in(key) < earliest(sweep.before)]
    strays = without_rows(sweep.db, old)
    if len(strays) > max(_FEW, len(old) // 2) and not sweep.strays:
        raise OtherStorage
    for key in strays:
        # once more, right before it goes: the others may have taken a while
        if sweep.may_go_on() and without_rows(sweep.db, [key]):
            sweep.storage.delete(key)
            sweep.swept.strays_deleted += 1


def id_in(key: str) -> str:
    """The identifier in a key of ours, made when the key was; "" in all others. Of a file it is not the identifier."""
    match = _KEY.fullmatch(key)
    return match[1] if match else ""


_WAITED_FOR = """
SELECT u.id FROM upload_files u JOIN upload_sessions o ON o.id = u.session_id WHERE u.id IN (:ids) AND o.state = 'open'
"""


def without_rows(db: Reader, keys: list[str]) -> list[str]:
    """Which of these keys no file has, and no upload under way waits for."""
    return [key for some in pieces(keys) for key in _without_rows(db, some)]


def _without_rows(db: Reader, keys: list[str]) -> list[str]:
    rows = db.read("SELECT storage_key FROM files WHERE storage_key IN (:keys)", _Key, keys=keys)
    found = {row.storage_key for row in rows}
    without = {key: id_in(key) for key in keys if key not in found}
    waiting = {row.id for row in db.read(_WAITED_FOR, _Id, ids=list(without.values()))} if without else set()
    return [key for key, id in without.items() if id not in waiting]


_PARTS = (
    *(_publish, _conceal),
    *(_end_sessions, _end_uploads, _forget_limits, _forget_keys),
    *(_delete_unused, _delete_strays),
)
