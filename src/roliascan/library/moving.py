"""Moving: a library's files from one storage to another, while the site goes on.

It copies what rows point to and what waits under `incoming/`, and may be run again at any time: what is there already
is passed over. Nothing is deleted or overwritten on either side.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import RawIOBase
from itertools import islice
from typing import BinaryIO, Literal, cast

import msgspec

from roliascan.database import Reader, pieces
from roliascan.library import stocktaking, sweep
from roliascan.library.stocktaking import Finding, Row
from roliascan.storage import KeyTaken, NotStored, Storage, Stored
from roliascan.storage.keys import type_of

THREADS = 4

_AHEAD = 4 * THREADS  # files begun before the first of them is asked for
_BLOCK = 1_000

Outcome = Literal["copied", "there", "missing", "damaged", "taken"]
_DETAILS = {
    "missing": "is not there",
    "damaged": "has other bytes than its row says; it was not copied",
    "taken": "other bytes have this key where it should go; they were left",
}


class Copied(msgspec.Struct, rename="camel"):
    """Numbers of files; `bytes` of those that were copied."""

    copied: int = 0
    bytes: int = 0
    passed_over: int = 0
    findings: int = 0


class _Damaged(Exception):
    """The source has other bytes than were announced."""


class _Job(msgspec.Struct):
    """A file to copy, or to pass over. `there` is what the target has under its key."""

    row: Row
    there: Stored | None
    is_upload: bool = False


def copy(
    db: Reader,
    source: Storage,
    target: Storage,
    *,
    again: bool = False,
    report: Callable[[Finding], None],
    step: Callable[[int, int], None] = lambda _, __: None,
) -> Copied:
    """Copies every file whose bytes have the hash of its row. `again`: also reads what the target has already.

    `step` is called with a number of files and their bytes. Reports as `missing`, `damaged` or `taken` what is not
    copied. Raises what database and storage raise; what was copied until then stays, and is passed over next time.
    """
    total = Copied()
    with ThreadPoolExecutor(THREADS) as threads:

        def work(job: _Job) -> tuple[_Job, Outcome]:
            return job, _copy(job, source, target, again=again)

        for job, outcome in _in_turn(threads, work, _jobs(db, source, target)):
            _count(db, total, job, outcome, report)
            step(1, job.row.bytes)
    return total


def _in_turn(
    threads: ThreadPoolExecutor, work: Callable[[_Job], tuple[_Job, Outcome]], jobs: Iterator[_Job]
) -> Iterator[tuple[_Job, Outcome]]:
    """The results in the order of the jobs, of which only so many are begun ahead."""
    begun = deque(threads.submit(work, job) for job in islice(jobs, _AHEAD))
    while begun:
        yield begun.popleft().result()
        begun.extend(threads.submit(work, job) for job in islice(jobs, 1))


def _count(db: Reader, total: Copied, job: _Job, outcome: Outcome, report: Callable[[Finding], None]) -> None:
    if outcome == "copied":
        total.copied += 1
        total.bytes += job.row.bytes
    elif outcome == "there":
        total.passed_over += 1
    elif _is_wanted(db, job):
        total.findings += 1
        report(stocktaking.finding(db, job.row, outcome, _DETAILS[outcome]))


def _is_wanted(db: Reader, job: _Job) -> bool:
    """Whether its row is still there: it may have been deleted meanwhile, and its bytes with it."""
    if job.is_upload:
        return bool(_uploads(db, [job.row.id]))
    return stocktaking.is_there(db, job.row)


# What there is to copy.


def _jobs(db: Reader, source: Storage, target: Storage) -> Iterator[_Job]:
    for row, there in stocktaking.pairs(stocktaking.rows(db), target.list()):
        if row:
            yield _Job(row, there)
    arrived = source.list("incoming/")
    there_already = target.list("incoming/")
    for row, there in stocktaking.pairs(_waiting(db, arrived), there_already):
        if row:
            yield _Job(row, there, is_upload=True)


def _waiting(db: Reader, arrived: Iterator[Stored]) -> Iterator[Row]:
    """Files that were sent and not yet completed, as what they were announced to be."""
    while block := list(islice(arrived, _BLOCK)):
        found = {row.id: row for row in _uploads(db, [sweep.id_in(file.key) for file in block])}
        for file in block:
            if row := found.get(sweep.id_in(file.key)):
                yield msgspec.structs.replace(row, storage_key=file.key)


def _uploads(db: Reader, ids: list[str]) -> list[Row]:
    sql = "SELECT id, '' AS storage_key, bytes, sha256 FROM upload_files WHERE state = 'waiting' AND id IN (:ids)"
    return [row for some in pieces(list(filter(None, ids))) for row in db.read(sql, Row, ids=some)]


# One file.


def _copy(job: _Job, source: Storage, target: Storage, *, again: bool) -> Outcome:
    row = job.row
    if job.there:
        is_right = job.there.bytes == row.bytes and (not again or _has(target, row))
        return "there" if is_right else "taken"
    try:
        with source.open(row.storage_key) as file:
            checked = cast(BinaryIO, _Checked(file, row))
            target.put(row.storage_key, checked, type=type_of(row.storage_key))
    except KeyTaken:  # by another copy, since the target was listed
        return "there" if _has(target, row) else "taken"
    except NotStored:
        return "missing"
    except _Damaged:
        return "damaged"
    return "copied"


def _has(storage: Storage, row: Row) -> bool:
    try:
        with storage.open(row.storage_key) as file:
            return stocktaking.hash_of(file) == row.sha256
    except NotStored:
        return False


class _Checked(RawIOBase):
    """A file that breaks where it is not what its row says, before its end: a storage keeps nothing of what breaks."""

    def __init__(self, file: BinaryIO, row: Row) -> None:
        self._file = file
        self._row = row
        self._left = row.bytes
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        block = self._file.read(-1 if size is None else size)
        self._hash.update(block)
        self._left -= len(block)
        is_end = self._left == 0 or (not block and size != 0)
        if self._left < 0 or (is_end and (self._left or self._hash.hexdigest() != self._row.sha256)):
            raise _Damaged
        return block

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)
