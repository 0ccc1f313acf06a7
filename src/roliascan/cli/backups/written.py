"""The rows of a backup, as they lie in the file of their table: read one by one, and refused by number.

A table is a file of JSON lines, gzipped: the names of its columns, sorted, then each row as a list, sorted by its key.
Whoever made a backup has made its hashes too, so what a row says is looked at before anything is done with it.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from roliascan.cli.backups.manifest import Counted
from roliascan.cli.importing.names import shown
from roliascan.database import is_instant_text
from roliascan.errors import Refusal
from roliascan.storage.keys import is_key

LONGEST = 16 << 20  # bytes of a row: none of ours comes near, and a few kilobytes of gzip may say to be without end

Value = str | int | float | bool | None
Row = list[Value]


class Damaged(Refusal):
    """`detail` is given what is wrong and where; what to do about it is the same for all."""

    code = "backup_damaged"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail}. Nothing was restored: take another copy of the backup, or make it anew.")


class _Rule(NamedTuple):
    """What the values of a column have to be, and in words what others are not."""

    place: int
    column: str
    holds: Callable[[str], bool]
    words: str


_INSTANT = "is no instant as a backup has them, such as 2026-01-02T03:04:05.678901Z"
_KEY = (
    "is no key that a file may have: at most 200 characters, of A-Z a-z 0-9 . _ - with / between them,"
    " and nowhere a dot after another or at the start of a name"
)


def path(folder: Path, table: str) -> Path:
    return folder / f"{table}.jsonl.gz"


def lines(folder: Path, table: str) -> Iterator[bytes]:
    """The names of the columns, then the rows, as they are written."""
    with gzip.open(path(folder, table), "rb") as file:
        yield from file


def check(folder: Path, expected: Mapping[str, Counted]) -> None:
    """Reads all of it, for what is seen without a database. Raises Damaged."""
    for table, counted in expected.items():
        for _ in rows(folder, table, counted):
            pass


def rows(folder: Path, table: str, expected: Counted) -> Iterator[Row]:
    """The names of the columns, then the rows. Raises Damaged; at the end also where they are not those `expected`."""
    where, digest, number = path(folder, table), hashlib.sha256(), -1
    columns: Row = []
    rules: list[_Rule] = []
    for number, line in enumerate(_bounded(where)):
        digest.update(line)
        row = _decoded(line, where, number)
        if number == 0:
            columns, rules = row, _rules(table, row)
        elif len(row) != len(columns):
            raise wrong(where, number, f"{len(row)} values for {len(columns)} columns")
        for rule in rules if number else ():
            value = row[rule.place]
            if value is not None and not (isinstance(value, str) and rule.holds(value)):
                raise wrong(where, number, f"{quoted(value)} {rule.words}", rule.column)
        yield row
    if Counted(number, digest.hexdigest()) != expected:
        raise Damaged(f"{where} has other rows than the manifest says")


def wrong(where: Path, number: int, why: str, column: str = "") -> Damaged:
    """A row that is no row, or not one of ours. Row 1 is the second line of the file."""
    return Damaged(f"{where}: row {number}{column and f', {column}'}: {why}")


def quoted(value: Value) -> str:
    return shown(msgspec.json.encode(value).decode(), 80)


def _bounded(where: Path) -> Iterator[bytes]:
    if not where.is_file():  # also what would be waited for without end, such as a pipe
        raise Damaged(f"{where} is not there")
    try:
        with gzip.open(where, "rb") as file:
            yield from iter(lambda: file.readline(LONGEST), b"")
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(f"{where} cannot be read: {error}") from error


_ROW = msgspec.json.Decoder(Row)


def _decoded(line: bytes, where: Path, number: int) -> Row:
    try:
        return _ROW.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(where, number, f"this is no row: {error}") from error


def _rules(table: str, columns: Row) -> list[_Rule]:
    """By the names of columns: SQLite itself tells no instant from a text."""
    found = []
    for place, column in enumerate(map(str, columns)):
        if is_instant(column):
            found.append(_Rule(place, column, is_instant_text, _INSTANT))
        elif (table, column) == ("files", "storage_key"):
            found.append(_Rule(place, column, is_key, _KEY))
    return found


def is_instant(column: str) -> bool:
    """Whether instants are in a column of this name; that these are all is tested against the migrations."""
    return column == "at" or column.endswith(("_at", "_until"))
