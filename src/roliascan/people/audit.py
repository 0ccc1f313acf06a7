"""The audit log: what was done by right of a role or a permission, each entry chained to the one before by its hash."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from roliascan.database import Database, Reader, Tx, instant_text
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people.persons import Person

FIRST = "0" * 64
"""What the first entry has as the hash of the one before it."""
STEP = 500  # entries in one statement of a verification


class AuditEntry(msgspec.Struct, rename="camel"):
    """One act: who did what to which thing. `actorId` is null for the operator at the command line."""

    sequence: int
    at: str
    actor_id: str | None
    actor_name: str | None
    action: str
    target_kind: str
    target_id: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


def record(
    tx: Tx,
    *,
    actor: Person | None,
    action: str,
    target_kind: str,
    target_id: str,
    details: dict[str, Any],
    now: datetime,
) -> None:
    """Adds an entry in the transaction of the act that it tells of: both are there, or neither.

    Call it last: everybody else who adds one waits for the counter `audit` until this transaction ends. Who acts
    without a session is the operator, and stands there as null. `details` is what the name of the act leaves open, as
    JSON, and never an address or a secret.

    The hash of an entry is the SHA-256, in lower-case hex, of the UTF-8 of a JSON array without blanks:

        [sequence, at, actor or null, action, target kind, target id, details, hash of the entry before]

    `at` is an instant of 27 characters, `details` is the text as it is stored; characters beyond ASCII stand for
    themselves. Sequences count from 1 without gaps. Who can write to the database can make a whole new chain, but none
    that ends in the hash that somebody wrote down elsewhere.
    """
    sequence = _next(tx)
    # FOR UPDATE reads what others committed since this transaction began, also where it reads from a snapshot.
    before = tx.one("SELECT hash FROM audit WHERE sequence = :sequence FOR UPDATE", _Hash, sequence=sequence - 1)
    row = _Row(
        sequence,
        instant_text(now),
        actor.id if actor and actor.id and actor.session_id else None,
        action,
        target_kind,
        target_id,
        msgspec.json.encode(details, order="sorted").decode(),
        before.hash if before else FIRST,
        "",
    )
    stored = {**msgspec.structs.asdict(row), "at": now, "hash": _hash(row)}
    tx.insert_many("audit", [stored])


class _Hash(msgspec.Struct):
    hash: str


class _Count(msgspec.Struct):
    value: int


_TAKE = """
INSERT INTO counters (name, value) VALUES ('audit', 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1
"""
_HEAD = "SELECT value FROM counters WHERE name = 'audit'"


def _next(tx: Tx) -> int:
    """The number of the next entry; until the transaction ends, nobody else gets one."""
    tx.write(_TAKE)
    head = tx.one(_HEAD, _Count)
    assert head is not None  # noqa: S101 - written just now
    return head.value


class _Row(msgspec.Struct):
    """An entry as it is stored."""

    sequence: int
    at: str
    actor_id: str | None
    action: str
    target_kind: str
    target_id: str
    details: str
    previous_hash: str
    hash: str


def _hash(row: _Row) -> str:
    from hashlib import sha256  # readers never need it

    return sha256(msgspec.json.encode(msgspec.structs.astuple(row)[:-1])).hexdigest()


class Verdict(NamedTuple):
    """How many entries hold, the hash of the last of them, and what is wrong after it, or nothing."""

    entries: int
    last: str
    broken: str = ""


_COLUMNS = "sequence, at, actor_id, action, target_kind, target_id, details, previous_hash, hash"
_WALK = f"SELECT {_COLUMNS} FROM audit WHERE sequence > :after ORDER BY sequence LIMIT {STEP}"


def verify(db: Database) -> Verdict:
    """Walks the chain from its first entry, in steps, while others may add to it; stops at the first that is broken."""
    least, count, last = _head(db), 0, FIRST
    while rows := db.read(_WALK, _Row, after=count):
        for row in rows:
            if problem := _problem(row, count + 1, last):
                return Verdict(count, last, problem)
            count, last = row.sequence, row.hash
    if count < least:
        return Verdict(count, last, f"entry {count + 1} is missing: {least} were written")
    if count > (most := _head(db)):
        return Verdict(count, last, f"entry {count} was added from outside: {most} were written")
    return Verdict(count, last)


def _head(db: Reader) -> int:
    head = db.one(_HEAD, _Count)
    return head.value if head else 0


def _problem(row: _Row, expected: int, before: str) -> str:
    """What is wrong with an entry, or nothing."""
    if row.sequence != expected:
        return f"entry {expected} is missing"
    if row.previous_hash != before:
        return f"entry {expected} does not follow from the one before it"
    return "" if row.hash == _hash(row) else f"entry {expected} was changed"


class Filter(msgspec.Struct, kw_only=True):
    """What the log is narrowed to; None: not at all."""

    actor: str | None = None
    action: str | None = None
    target_kind: str | None = None
    target_id: str | None = None


class _Found(Listed):
    sequence: int
    at: str
    actor_id: str | None
    actor_name: str | None
    action: str
    target_kind: str
    target_id: str
    details: str
    previous_hash: str
    hash: str


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


NEWEST = Order("newest", "a.sequence", "a.hash", True, int, _is_hash)
_CONDITIONS = {
    "actor": " AND a.actor_id = :actor",
    "action": " AND a.action = :action",
    "target_kind": " AND a.target_kind = :target_kind",
    "target_id": " AND a.target_id = :target_id",
}


def index(db: Reader, asked: Asked, wanted: Filter) -> Page[AuditEntry]:
    """Entries of a page, newest first, in one statement."""
    part = window(NEWEST, asked)
    values = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    conditions = "".join(_CONDITIONS[name] for name in values)
    rows = db.read(
        f"SELECT a.sequence AS sort_key, {f'({_HEAD})' if not values else 'NULL'} AS total, a.hash AS id, a.sequence,"
        " a.at, a.actor_id, u.username AS actor_name, a.action, a.target_kind, a.target_id, a.details, a.previous_hash,"
        f" a.hash FROM audit a LEFT JOIN users u ON u.id = a.actor_id WHERE 1 = 1{conditions}"
        + part.condition
        + part.tail,
        _Found,
        **values,
        **part.values,
    )
    page = page_of(rows, NEWEST, asked, exact=not values)
    return Page([_entry(row) for row in page.data], page.page)


def _entry(row: _Found) -> AuditEntry:
    fields = {name: getattr(row, name) for name in AuditEntry.__struct_fields__}
    return AuditEntry(**{**fields, "details": msgspec.json.decode(row.details)})
