"""Repeats: what was created under an idempotency key, so that the same request sent again is answered, not done, again.

As draft-ietf-httpapi-idempotency-key-header has it. The key is taken by a row that is written in the same transaction
as what it creates, together with the answer: either all of it is there, or nothing. So a crash leaves no key behind,
and who does not know what became of a request sends it again.

Of a long answer only the address is kept, where the thing can be read again.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec

from roliascan.database import Contended, Database, Duplicate, Tx, instant_text
from roliascan.errors import Conflict, Unprocessable

LASTS = timedelta(hours=24)
LONGEST = 255  # characters of a key
LONGEST_BODY = (
    7_000  # bytes: quoted at worst twice as many, in a statement of less than the 16 KB that RDS Proxy pins for
)
_ELSEWHERE = "{}"  # in the place of a long one; who does not know what it means answers it, with the address


class KeyReused(Unprocessable):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for another request; take a new one for each thing to create."


class KeyInUse(Conflict):
    code = "idempotency_key_in_use"
    detail = "A request with this Idempotency-Key is still under way; ask again in a moment."


class AlreadyTaken(Exception):
    """Another request took the key meanwhile; its answer is there now."""


class Remembered(msgspec.Struct):
    """The answer to a request: where the thing is that it created, and its JSON, if that `is_kept`."""

    request: str
    expires_at: str
    location: str
    body: str

    @property
    def is_kept(self) -> bool:
        return self.body != _ELSEWHERE


def name(person_id: str, key: str) -> str:
    """What a person's key is kept under: everybody has keys of their own."""
    return hashlib.sha256(f"{person_id} {key}".encode()).hexdigest()


def find(db: Database, id: str, *, now: datetime) -> Remembered | None:
    """What was created under this name. What has expired is deleted."""
    found = db.one("SELECT request, expires_at, location, body FROM idempotency_keys WHERE id = :id", Remembered, id=id)
    if found is None or found.expires_at > instant_text(now):
        return found
    db.run(_end, id, now=now)
    return None


def _end(tx: Tx, id: str, *, now: datetime) -> None:
    # Not within the transaction that takes the key: MySQL would lock the gap where no row is, and those who create
    # other things at the same time would wait for each other.
    tx.write("DELETE FROM idempotency_keys WHERE id = :id AND expires_at <= :now", id=id, now=now)


def take(tx: Tx, id: str, *, request: str, now: datetime) -> None:
    """Begins the transaction that creates. Raises AlreadyTaken, and KeyInUse where another holds the key for long.

    `request`: a digest of all that was asked.
    """
    try:
        tx.insert_many("idempotency_keys", [{"id": id, "request": request, "expires_at": now + LASTS}])
    except Duplicate as duplicate:
        raise AlreadyTaken from duplicate
    except Contended as contended:
        if tx.kind == "sqlite":  # where one waits for any other
            raise
        raise KeyInUse from contended


def keep(tx: Tx, id: str, *, location: str, body: str) -> None:
    """Ends that transaction with the answer."""
    body = body if len(body.encode()) <= LONGEST_BODY else _ELSEWHERE
    sql = "UPDATE idempotency_keys SET location = :location, body = :body WHERE id = :id"
    tx.write(sql, id=id, location=location, body=body)


class _Id(msgspec.Struct):
    id: str


def forget(tx: Tx, *, now: datetime, most: int) -> int:
    """Deletes keys that have expired; how many."""
    sql = "SELECT id FROM idempotency_keys WHERE expires_at <= :now ORDER BY expires_at LIMIT :most"
    rows = tx.read(sql, _Id, now=now, most=most)
    sql = "DELETE FROM idempotency_keys WHERE expires_at <= :now AND id IN (:ids)"
    return tx.write(sql, now=now, ids=[row.id for row in rows])
