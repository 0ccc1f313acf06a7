"""How often somebody may do something, across all processes: buckets in the database, by GCRA.

A bucket is one instant, `full_at`: when it will hold its whole `count` again. Taking one moves that instant by
`seconds / count`; whoever would move it farther than `seconds` from now has to wait, exactly as long as it is too far
(the generic cell rate algorithm, ITU-T I.371). A bucket without a row is full, so what nobody uses can be forgotten.

The time is the database's, one clock for all processes: with their own, one that is ahead would give what the others
then lack. Rows hold no address and no name: a bucket is called by a hash that only our secret can make.
"""

import hmac
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from roliascan.database import Database, Tx
from roliascan.errors import Busy, TooMany
from roliascan.settings import Limit

WAIT_S = 10.0
_turn = threading.Lock()  # who waits to be counted waits here, and holds no connection that readers could use


class Bucket(NamedTuple):
    """What counts requests together, and how many it allows."""

    name: str
    limit: Limit


def bucket(kind: str, whose: str, limit: Limit, *, secret: str, share: int = 1) -> Bucket:
    """The bucket of somebody (an identifier, an address, a name that they typed) for one kind of request.

    `share`: it allows so many times the limit, because many people use it.
    """
    digest = hmac.digest(secret.encode(), f"limit {kind} {whose}".encode(), "sha256").hex()[:40]
    return Bucket(f"{kind}:{digest}", Limit(limit.count * share, limit.seconds))


def network(client: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 one, which is what one subscriber has."""
    try:
        address = ip_address(client)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else f"{int(address) >> 64:x}"


def site(client: str) -> str:
    """The /48 of an IPv6 address, which may be one owner's: 65,536 of what `network` tells apart. Else ""."""
    net = network(client)
    return f"{int(net, 16) >> 16:x}/48" if net.isalnum() and net != "unknown" else ""


class _Seen(msgspec.Struct):
    moment: str
    name: str | None
    full_at: str | None


# One row with the time at least, whatever there is.
_LOOK = """
SELECT t.moment, r.name, r.full_at FROM (SELECT CURRENT_TIMESTAMP AS moment) t
LEFT JOIN rate_limits r ON r.name IN (:names)
"""


def take(db: Database, buckets: Iterable[Bucket], *, times: int = 1) -> None:
    """Takes `times` from each of these buckets, or from none. Raises TooMany, which costs one read and no lock; Busy.

    Asking for more than a bucket ever holds takes all of it. Of any number of processes at once exactly as many get
    through as there is room for: each writes only over what it has read, and who comes second reads again.
    """
    if not _turn.acquire(timeout=WAIT_S):
        raise Busy
    try:
        _take(db, sorted(buckets), times)
    finally:
        _turn.release()


def _take(db: Database, wanted: list[Bucket], times: int) -> None:
    while True:
        rows = db.read(_LOOK, _Seen, names=[one.name for one in wanted])
        now = datetime.fromisoformat(rows[0].moment)
        known = {row.name: datetime.fromisoformat(row.full_at) for row in rows if row.full_at}
        steps = [_step(one, known.get(one.name), now, times) for one in wanted]
        wait = max(
            step.full_at - now - timedelta(seconds=one.limit.seconds) for step, one in zip(steps, wanted, strict=True)
        )
        if wait > timedelta(0):
            raise TooMany(retry_after=-(-wait // timedelta(seconds=1)))
        if _written(db, steps):
            return


class _Step(NamedTuple):
    """A bucket that is turned from what was read into what it becomes."""

    name: str
    before: datetime | None
    full_at: datetime


def _step(bucket: Bucket, before: datetime | None, now: datetime, times: int) -> _Step:
    count, seconds = bucket.limit.count, bucket.limit.seconds
    # rounded down, or the last one of a full bucket would not fit
    cost = timedelta(microseconds=seconds * 1_000_000 * min(times, count) // count)
    return _Step(bucket.name, before, max(before or now, now) + cost)


class _Outrun(Exception):
    """Somebody else took from a bucket since it was read."""


def _written(db: Database, steps: list[_Step]) -> bool:
    try:
        db.run(_write, steps)
    except _Outrun:
        return False
    return True


def _write(tx: Tx, steps: list[_Step]) -> None:
    for name, before, full_at in steps:
        if before is None:
            sql = "INSERT INTO rate_limits (name, full_at) VALUES (:name, :full_at) ON CONFLICT (name) DO NOTHING"
            done = tx.write(sql, name=name, full_at=full_at)
        else:
            sql = "UPDATE rate_limits SET full_at = :full_at WHERE name = :name AND full_at = :before"
            done = tx.write(sql, name=name, full_at=full_at, before=before)
        if not done:
            raise _Outrun


_KEPT = timedelta(days=1)  # after they are full: longer than any two clocks differ


def forget(tx: Tx, *, now: datetime, most: int) -> int:
    """Deletes rows of buckets that have long been full, which is what no row means; how many."""
    old = "FROM rate_limits WHERE full_at < :before"
    rows = tx.read(f"SELECT name {old} ORDER BY name LIMIT :most", _Name, before=now - _KEPT, most=most)
    return tx.write(f"DELETE {old} AND name IN (:names)", before=now - _KEPT, names=[row.name for row in rows])


class _Name(msgspec.Struct):
    name: str
