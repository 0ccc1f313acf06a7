"""Stocktaking: do the rows of files and what is stored belong together? It only looks, and beside running traffic.

Both sides are walked in the order of their keys' bytes (`files.storage_key` sorts so on every database, see
`migrations.tables.key`), so that memory is bounded whatever there is. Who stores writes bytes, then the row; who
deletes takes the row, then the bytes. What seems wrong is therefore looked at again, in the order that tells.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import BinaryIO

import msgspec

from roliascan.database import Reader
from roliascan.ids import earliest
from roliascan.library import sweep
from roliascan.storage import NotStored, Storage, Stored

_BLOCK = 1_000  # rows of one statement, and suspects kept in memory
_BYTES = 1 << 20  # read at a time
_PLACES = 20  # told of one file
_FEW = 20  # files that are asked for one by one


class Row(msgspec.Struct):
    """A row of `files`, and what has to be stored for it."""

    id: str
    storage_key: str
    bytes: int
    sha256: str


class Place(msgspec.Struct, rename="camel"):
    """Where a file is shown. Without a chapter it is the cover; `page` counts from 1."""

    series_id: str
    series: str
    chapter_id: str | None
    chapter: str | None
    page: int | None
    is_current: bool


class Finding(msgspec.Struct, rename="camel"):
    """`wrong` is `missing`, `size`, `hash`, `stray` (what a sweep would delete) or `foreign` (no key of ours)."""

    key: str
    wrong: str
    detail: str
    owner: str | None = None
    places: list[Place] = []


class Counts(msgspec.Struct, rename="camel"):
    """How many of each.

    `on_their_way`: stored and without a row, but young, or waited for by an upload; or the row came meanwhile.
    """

    rows: int = 0
    stored: int = 0
    hashed: int = 0
    on_their_way: int = 0
    findings: int = 0


class _Look(msgspec.Struct):
    """A stocktaking under way. `suspects` are stored files without a row, `lacking` rows without the right file.

    Both are looked at again by blocks.
    """

    db: Reader
    storage: Storage
    before: datetime
    hashes: bool
    sample: int | None
    report: Callable[[Finding], None]
    pause: Callable[[], None]
    counts: Counts
    suspects: list[str] = []
    lacking: list[Row] = []
    chosen: list[Row] = []
    seen: int = 0

    def find(self, finding: Finding) -> None:
        self.counts.findings += 1
        self.report(finding)


def compare(
    db: Reader,
    storage: Storage,
    *,
    now: datetime,
    grace: timedelta = sweep.GRACE,
    hashes: bool = False,
    sample: int | None = None,
    report: Callable[[Finding], None],
    step: Callable[[int], None] = lambda _: None,
    pause: Callable[[], None] = lambda: None,
) -> Counts:
    """Reports what is wrong, as it is found; `hashes`: also reads each file, or `sample` of them by chance.

    `step` is called with numbers of rows. `pause` gives others the time to end a deletion that they began: it is called
    at most once for each thousand files without a row.
    """
    look = _Look(db, storage, now - grace, hashes, sample, report, pause, Counts())
    for row, stored in pairs(rows(db), storage.list()):
        if row:
            look.counts.rows += 1
            _check(look, row, stored)
            step(1)
        if stored:
            look.counts.stored += 1
        if stored and not row:
            _suspect(look, stored.key)
    _clear(look)
    _look_again(look)
    for row in sorted(look.chosen, key=lambda row: row.storage_key):
        _check_hash(look, row)
    _look_again(look)
    return look.counts


_ROWS = f"""
SELECT id, storage_key, bytes, sha256 FROM files WHERE storage_key > :after ORDER BY storage_key LIMIT {_BLOCK}
"""


def rows(db: Reader) -> Iterator[Row]:
    """Every row of `files` in the order of their keys' bytes, a statement for each thousand."""
    after = ""
    while found := db.read(_ROWS, Row, after=after):
        yield from found
        after = found[-1].storage_key


def pairs(rows: Iterator[Row], files: Iterator[Stored]) -> Iterator[tuple[Row | None, Stored | None]]:
    """What has the same key on both sides together, the others alone; both come in the order of their keys."""
    row, file = next(rows, None), next(files, None)
    while row or file:
        takes_row = row is not None and (file is None or row.storage_key <= file.key)
        takes_file = file is not None and (row is None or file.key <= row.storage_key)
        yield row if takes_row else None, file if takes_file else None
        row = next(rows, None) if takes_row else row
        file = next(files, None) if takes_file else file


# Rows.


def _check(look: _Look, row: Row, stored: Stored | None) -> None:
    if stored is None or stored.bytes != row.bytes:
        _lack(look, row)
    elif look.sample is not None:
        _choose(look, row, look.sample)
    elif look.hashes:
        _check_hash(look, row)


def _choose(look: _Look, row: Row, most: int) -> None:
    """Each row is chosen as likely as any other, without knowing how many there are (Vitter 1985, algorithm R)."""
    look.seen += 1
    if len(look.chosen) < most:
        look.chosen.append(row)
    elif (place := random.randrange(look.seen)) < most:  # noqa: S311 - keeps no secret
        look.chosen[place] = row


def _lack(look: _Look, row: Row) -> None:
    look.lacking.append(row)
    if len(look.lacking) == _BLOCK:
        _look_again(look)


def _look_again(look: _Look) -> None:
    """Asks the storage for a few one by one, and for many once for all: there may be as many as rows."""
    rows, look.lacking = look.lacking, []
    if len(rows) <= _FEW:
        for row in rows:
            _find_wrong_size(look, row, next(look.storage.list(row.storage_key), None))
        return
    first, last = rows[0].storage_key, rows[-1].storage_key
    between = takewhile(lambda file: file.key <= last, look.storage.list(after=first[:-1]))
    wanted = {row.storage_key for row in rows}
    found = {file.key: file for file in between if file.key in wanted}
    for row in rows:
        _find_wrong_size(look, row, found.get(row.storage_key))


def _find_wrong_size(look: _Look, row: Row, file: Stored | None) -> None:
    """Bytes first, then the row: while it is there, they have to be. `file` was listed just now."""
    if file is None or file.key != row.storage_key:
        _find(look, row, "missing", f"{row.bytes} bytes are not there")
    elif file.bytes != row.bytes:
        _find(look, row, "size", f"{file.bytes} bytes instead of {row.bytes}")


def _check_hash(look: _Look, row: Row) -> None:
    try:
        with look.storage.open(row.storage_key) as source:
            found = hash_of(source)
    except NotStored:
        _lack(look, row)
        return
    look.counts.hashed += 1
    if found != row.sha256:
        _find(look, row, "hash", f"SHA-256 {found} instead of {row.sha256}")


def hash_of(source: BinaryIO) -> str:
    """SHA-256 of the rest of a file, as lower-case hex."""
    found = hashlib.sha256()
    while block := source.read(_BYTES):
        found.update(block)
    return found.hexdigest()


def _find(look: _Look, row: Row, wrong: str, detail: str) -> None:
    if is_there(look.db, row):
        look.find(finding(look.db, row, wrong, detail))


class _Id(msgspec.Struct):
    id: str


def is_there(db: Reader, row: Row) -> bool:
    """Whether a row that was read before is still there, with its key."""
    sql = "SELECT id FROM files WHERE id = :id AND storage_key = :key"
    return db.one(sql, _Id, id=row.id, key=row.storage_key) is not None


# Where a file is shown.


class _Owner(msgspec.Struct):
    username: str


class _Shown(msgspec.Struct):
    series_id: str
    series: str
    chapter_id: str
    number_milli: int | None
    label: str | None
    page: int
    is_current: bool


_OWNER = "SELECT u.username FROM files f JOIN users u ON u.id = f.owner_id WHERE f.id = :id"
_PAGES = f"""
SELECT s.id AS series_id, s.title AS series, c.id AS chapter_id, c.number_milli, c.label, p.position AS page,
    p.revision = c.revision AS is_current
FROM pages p JOIN chapters c ON c.id = p.chapter_id JOIN series s ON s.id = c.series_id
WHERE p.file_id = (SELECT COALESCE(f.original_id, f.id) FROM files f WHERE f.id = :id)
ORDER BY is_current DESC, c.id, p.revision DESC, p.position LIMIT {_PLACES}
"""
_COVERS = f"""
SELECT id AS series_id, title AS series, NULL AS chapter_id, NULL AS chapter, NULL AS page, 1 = 1 AS is_current
FROM series WHERE cover_file_id = :id ORDER BY id LIMIT {_PLACES}
"""


def finding(db: Reader, row: Row, wrong: str, detail: str) -> Finding:
    """What is wrong with a file, and who knows it: its owner, and where it is shown."""
    owner = db.one(_OWNER, _Owner, id=row.id)
    places = db.read(_COVERS, Place, id=row.id) + [_place(shown) for shown in db.read(_PAGES, _Shown, id=row.id)]
    return Finding(row.storage_key, wrong, detail, owner.username if owner else None, places)


def _place(shown: _Shown) -> Place:
    milli = shown.number_milli
    chapter = shown.label if milli is None else f"{milli / 1000:g}"
    return Place(shown.series_id, shown.series, shown.chapter_id, chapter, shown.page, shown.is_current)


# Stored files without a row.


def _suspect(look: _Look, key: str) -> None:
    if not _is_ours(key):
        look.find(Finding(key, "foreign", "no key of this site's; a sweep leaves it"))
        return
    look.suspects.append(key)
    if len(look.suspects) == _BLOCK:
        _clear(look)


def _is_ours(key: str) -> bool:
    return key.partition("/")[0] in sweep.FOLDERS and sweep.id_in(key) != ""


def _clear(look: _Look) -> None:
    """Looks again at the suspects: a row may have come; and a deletion has taken the row, but not yet the bytes."""
    suspects, look.suspects = look.suspects, []
    old = [key for key in sweep.without_rows(look.db, suspects) if sweep.id_in(key) < earliest(look.before)]
    look.counts.on_their_way += len(suspects) - len(old)
    if not old:
        return
    look.pause()
    for key in sweep.without_rows(look.db, old):
        file = next(look.storage.list(key), None)
        if file is not None and file.key == key:
            look.find(Finding(key, "stray", f"{file.bytes} bytes without a row; the next sweep deletes them"))
