"""Arrivals: the bytes of announced files, from where they are sent to until they are what they were announced as."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from roliascan.database import Database, Tx
from roliascan.errors import Conflict, Invalid, NotAllowed, NotFound, TooLarge, UnsupportedType
from roliascan.library import filing, keeping, targets, tickets, uploads
from roliascan.library.keeping import New
from roliascan.library.targets import KINDS
from roliascan.library.uploads import Row
from roliascan.people import sessions
from roliascan.people.persons import Person
from roliascan.storage import KeyTaken, NotStored, Storage

if TYPE_CHECKING:
    from _hashlib import HASH


class TicketExpired(NotAllowed):
    code = "ticket_expired"
    detail = "This ticket has expired; ask for another one."


class NotAsAnnounced(Invalid):
    code = "not_as_announced"
    detail = "These are not the bytes that were announced; send the file whole, or announce it as it is."


class NotUploaded(Conflict):
    code = "not_uploaded"
    detail = "The bytes of this upload are not here yet; send them as its ticket says."


class Sent(msgspec.Struct, frozen=True):
    """What comes with a ticket: its address' parameters, and what HTTP says of the body."""

    expires: int
    signature: str
    type: str
    length: int
    source: BinaryIO


def receive(db: Database, storage: Storage, upload_id: str, sent: Sent, *, secret: str, now: datetime) -> None:
    """Keeps the bytes of an upload for whoever has its ticket; the same again is fine, and changes nothing.

    Raises NotFound where the ticket is none of ours, TicketExpired, UploadClosed, UnsupportedType, TooLarge before a
    byte is read; NotAsAnnounced after.
    """
    row = uploads.find(db, upload_id, person=None)
    _check(row, sent, secret=secret, now=now)
    if row.state == "complete":
        return
    if tickets.to_storage(storage, row.bound, datetime.fromtimestamp(sent.expires, UTC)):
        raise TicketExpired  # STORAGE_URL changed since: another ticket leads past us, and costs nobody the way here
    source = _Announced(sent.source, row.bytes, row.sha256)
    try:
        storage.put(row.incoming, cast(BinaryIO, source), type="application/octet-stream")
    except KeyTaken:
        return
    if not _is_waited_for(db, row):
        storage.delete(row.incoming)
        raise NotFound


def _check(row: Row, sent: Sent, *, secret: str, now: datetime) -> None:
    if not tickets.is_ours(row.bound, expires=sent.expires, signature=sent.signature, secret=secret):
        raise NotFound
    if sent.expires <= now.timestamp():
        raise TicketExpired
    uploads.require_open(row.session_state, row.expires_at, now=now)
    if sent.type != row.type:
        raise UnsupportedType(f"Send the file with Content-Type: {row.type}, as its ticket says.")
    if sent.length > row.bytes:
        raise TooLarge(f"This file was announced with {row.bytes:,} bytes.")
    if sent.length < row.bytes:
        raise NotAsAnnounced


class _Announced:
    """Bytes on their way into a storage, which keeps nothing when they end and are not those that were announced."""

    def __init__(self, source: BinaryIO, size: int, sha256: str) -> None:
        from hashlib import sha256 as digest

        self._source = source
        self._left = size
        self._sha256 = sha256
        self._digest: HASH = digest()

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(self._left if size < 0 else min(size, self._left))
        self._digest.update(block)
        self._left -= len(block)
        is_last = not block or self._left == 0
        if is_last and (self._left or self._digest.hexdigest() != self._sha256):
            raise NotAsAnnounced
        return block


def _is_waited_for(db: Database, row: Row) -> bool:
    """Whether, after the bytes took their time, they are still needed: else nobody would ever take them away."""
    try:
        return uploads.find(db, row.id, person=None).state == "waiting"
    except NotFound:
        return False


def complete(db: Database, storage: Storage, upload_id: str, *, person: Person, max_bytes: int, now: datetime) -> None:
    """Looks at the bytes that came, and makes them a file under a key of its own; again is fine, and changes nothing.

    Raises NotFound, Removed, NotAllowed, UploadClosed before a byte is read; NotUploaded, NotAsAnnounced, and images'
    refusals, after which the upload is gone: announce the file as it is.
    """
    row = uploads.find(db, upload_id, person=person)
    if row.state != "complete":
        uploads.require_open(row.session_state, row.expires_at, now=now)
        targets.require_right(db, row.target, person=person)
        try:
            _take_in(db, storage, row, person=person, max_bytes=max_bytes, now=now)
        except NotUploaded:
            if uploads.find(db, upload_id, person=person).state != "complete":  # or somebody took them in meanwhile
                raise
        except (Invalid, TooLarge, UnsupportedType):  # the same bytes would be refused again, and cost as much again
            uploads.remove(db, storage, upload_id, person=person, now=now)
            raise
    storage.delete(row.incoming)


def _take_in(db: Database, storage: Storage, row: Row, *, person: Person, max_bytes: int, now: datetime) -> None:
    with keeping.kept_or_removed(storage) as stored:
        new = _keep(storage, stored, row, max_bytes=max_bytes, now=now)
        found = new.found
        if (found.sent_bytes, found.sent_type, found.sent_sha256) != (row.bytes, row.type, row.sha256):
            raise NotAsAnnounced(
                detail=f"This was announced as {row.type}, and is {found.sent_type}: announce what it is."
            )
    with keeping.removed_without_rows(db, storage, stored):
        is_first = db.run(_record, row, new, person=person, now=now)
    if not is_first:
        keeping.remove(storage, stored)


def _keep(storage: Storage, stored: list[New], row: Row, *, max_bytes: int, now: datetime) -> New:
    try:
        source = storage.open(row.incoming)
    except NotStored:
        raise NotUploaded from None
    with source:
        upload = keeping.Upload(row.name or row.id, row.page, source, row.name)
        kind = KINDS[row.target_kind]
        most = min(max_bytes, row.bytes)  # whoever took the bytes: what is more is not even read
        return keeping.store(storage, stored, upload, kind.folder, kind.inspect, max_bytes=most, now=now)


class _State(msgspec.Struct):
    state: str


def _record(tx: Tx, row: Row, new: New, *, person: Person, now: datetime) -> bool:
    """Writes the row that makes it a file, which nobody sees yet; whether nobody else did meanwhile."""
    session = uploads.hold(tx, row.session_id, person=person)
    uploads.require_open(session.state, session.expires_at, now=now)
    held = tx.one("SELECT state FROM upload_files WHERE id = :id FOR UPDATE", _State, id=row.id)
    if held is None:
        raise NotFound
    if held.state == "complete":
        return False
    person = sessions.confirm(tx, person, now=now)  # the bytes took their time
    name = filing.name_of(row.name, new)
    purpose = KINDS[row.target_kind].purpose
    tx.insert_many("files", keeping.file_rows(new, purpose=purpose, state="pending", name=name, person=person, now=now))
    sql = "UPDATE upload_files SET state = 'complete', file_id = :file_id WHERE id = :id"
    tx.write(sql, id=row.id, file_id=new.file_id)
    return True
