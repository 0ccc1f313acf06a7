"""Uploads: files that are announced for one target, sent one by one, and taken in together.

An upload session belongs to a person and a target, not to the token that it was opened with. Asking again for the same
target goes on with it while it is open. Nothing of it is seen by anybody else before it is committed.

Locks: the person's row, their open sessions, then what taking in locks. Each transaction locks before it reads: what a
database shows without locks may be as old as the transaction's first look.
"""

from datetime import datetime, timedelta

import msgspec

from roliascan.database import Database, Reader, Tx, instant_text
from roliascan.errors import Conflict, NotFound
from roliascan.ids import is_id
from roliascan.library import chapters, targets
from roliascan.library.targets import Target
from roliascan.library.tickets import Bound, incoming_key
from roliascan.people.persons import Person
from roliascan.storage import AddressOf, Storage

LASTS = timedelta(hours=24)  # since it was last asked for
APPENDED = 1_000_000  # positions from here on ask for no page number: they tell the order in which files were announced


class UploadClosed(Conflict):
    code = "upload_closed"
    detail = "This upload session was committed, was abandoned, or has expired; open another one."


class Upload(msgspec.Struct, rename="camel"):
    """A file of an upload session. `url` is its address, once the session is committed."""

    id: str
    session: str
    page: int | None
    name: str
    size: int
    type: str
    sha256: str
    state: str
    file_id: str | None
    url: str | None


class UploadSession(msgspec.Struct, rename="camel"):
    """An upload session: what it is for, and how far it got. `missing` are the uploads that are not complete."""

    id: str
    target: Target
    state: str
    created_at: str
    expires_at: str
    missing: list[str]
    files: list[Upload]


class Row(msgspec.Struct):
    """An announced file, its session, and the file that it became."""

    id: str
    session_id: str
    position: int
    name: str
    bytes: int
    type: str
    sha256: str
    state: str
    file_id: str | None
    storage_key: str | None
    target_kind: str
    target_id: str | None
    session_state: str
    expires_at: str

    @property
    def page(self) -> int | None:
        return self.position if self.position < APPENDED else None

    @property
    def target(self) -> Target:
        return targets.target_of(self.target_kind, self.target_id)

    @property
    def bound(self) -> Bound:
        return Bound(self.id, self.bytes, self.type, self.sha256)

    @property
    def incoming(self) -> str:
        """Where its bytes are kept until it is complete. No row of files ever says so: nobody reads them there."""
        return incoming_key(self.id)


_COLUMNS = """
SELECT u.id, u.session_id, u.position, u.name, u.bytes, u.type, u.sha256, u.state, u.file_id, f.storage_key,
    s.target_kind, s.target_id, s.state AS session_state, s.expires_at"""
_ROWS = f"""{_COLUMNS}
FROM upload_files u JOIN upload_sessions s ON s.id = u.session_id LEFT JOIN files f ON f.id = u.file_id
"""


def find(db: Reader, upload_id: str, *, person: Person | None) -> Row:
    """An announced file: of this person, or with None for whoever has a ticket. Raises NotFound."""
    sql = f"{_ROWS} WHERE u.id = :id" + (" AND s.user_id = :user_id" if person else "")
    row = db.one(sql, Row, id=upload_id, user_id=person.id if person else "") if is_id(upload_id) else None
    if row is None:
        raise NotFound
    return row


class Session(msgspec.Struct):
    """An upload session as it is selected."""

    id: str
    target_kind: str
    target_id: str | None
    state: str
    created_at: str
    expires_at: str


SESSION = "SELECT id, target_kind, target_id, state, created_at, expires_at FROM upload_sessions"


def hold(tx: Tx, session_id: str, *, person: Person) -> Session:
    """Locks an upload session of this person. Raises NotFound."""
    return _one(tx, session_id, person=person, lock=" FOR UPDATE")


def _one(db: Reader, session_id: str, *, person: Person, lock: str = "") -> Session:
    sql = f"{SESSION} WHERE id = :id AND user_id = :user_id{lock}"
    session = db.one(sql, Session, id=session_id, user_id=person.id) if is_id(session_id) else None
    if session is None:
        raise NotFound
    return session


def require_open(state: str, expires_at: str, *, now: datetime) -> None:
    if state != "open" or expires_at <= instant_text(now):
        raise UploadClosed


# How far it got.


def show(db: Reader, upload_id: str, *, person: Person, address_of: AddressOf) -> Upload:
    """Raises NotFound."""
    return _shown(find(db, upload_id, person=person), address_of)


def _shown(row: Row, address_of: AddressOf) -> Upload:
    key = row.storage_key if row.session_state == "committed" else None
    return Upload(
        id=row.id,
        session=row.session_id,
        page=row.page,
        name=row.name,
        size=row.bytes,
        type=row.type,
        sha256=row.sha256,
        state=row.state,
        file_id=row.file_id,
        url=address_of(key) if key is not None else None,
    )


class _OfSession(Row):
    created_at: str


_OF_SESSION = f"""{_COLUMNS}, s.created_at
FROM upload_sessions s LEFT JOIN upload_files u ON u.session_id = s.id LEFT JOIN files f ON f.id = u.file_id
WHERE s.id = :id AND s.user_id = :user_id ORDER BY u.position, u.id
"""
"""One row without a file where the session has none."""


def show_session(db: Reader, session_id: str, *, person: Person, address_of: AddressOf) -> UploadSession:
    """Raises NotFound."""
    found = db.read(_OF_SESSION, _OfSession, id=session_id, user_id=person.id) if is_id(session_id) else []
    if not found:
        raise NotFound
    session, rows = found[0], [row for row in found if row.id]
    return UploadSession(
        id=session_id,
        target=targets.target_of(session.target_kind, session.target_id),
        state=session.session_state,
        created_at=session.created_at,
        expires_at=session.expires_at,
        missing=[row.id for row in rows if row.state != "complete"],
        files=[_shown(row, address_of) for row in rows],
    )


# Ending.


def remove(db: Database, storage: Storage, upload_id: str, *, person: Person, now: datetime) -> None:
    """Takes one file out of its session, whether it came or not: rows first, then bytes.

    Raises NotFound, UploadClosed.
    """
    session_id = find(db, upload_id, person=person).session_id
    for key in db.run(_remove, session_id, upload_id, person=person, now=now):
        storage.delete(key)


def _remove(tx: Tx, session_id: str, upload_id: str, *, person: Person, now: datetime) -> list[str]:
    session = hold(tx, session_id, person=person)
    require_open(session.state, session.expires_at, now=now)
    return _forget(tx, "id = :id", upload_id)


def abandon(db: Database, storage: Storage, session_id: str, *, person: Person) -> None:
    """Ends a session with all that was sent for it; doing so again is fine. Raises NotFound, UploadClosed."""
    for key in db.run(_abandon, session_id, person=person):
        storage.delete(key)


def _abandon(tx: Tx, session_id: str, *, person: Person) -> list[str]:
    if hold(tx, session_id, person=person).state == "committed":
        raise UploadClosed("This upload session was committed: delete what it became.")
    return close(tx, session_id)


def close(tx: Tx, session_id: str) -> list[str]:
    """Turns a session, which is locked and not committed, to abandoned; the storage keys to delete afterwards."""
    tx.write("UPDATE upload_sessions SET state = 'abandoned' WHERE id = :id", id=session_id)
    return _forget(tx, "session_id = :id", session_id)


class _Kept(msgspec.Struct):
    id: str
    file_id: str | None


def _forget(tx: Tx, which: str, id: str) -> list[str]:
    """Deletes the rows of uploads that were not committed, and of the files that they became; their keys."""
    gone = tx.read(f"SELECT id, file_id FROM upload_files WHERE {which}", _Kept, id=id)
    tx.write(f"DELETE FROM upload_files WHERE {which}", id=id)
    keys = chapters.forget_files(tx, [one.file_id for one in gone if one.file_id])
    return [*(incoming_key(one.id) for one in gone), *keys]
