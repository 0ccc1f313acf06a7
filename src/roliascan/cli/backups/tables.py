"""All rows of a database as text: read within one moment, loaded whole or not at all, from any database into any other.

A table is a file of JSON lines, gzipped: the names of its columns, sorted, then each row as a list, sorted by its key.
Truth is 1 or 0, an instant is `instant_text`, everything else is what it is on all of them: text, numbers, null.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from roliascan.cli.backups.manifest import Counted
from roliascan.database import instant_text, profiles, references
from roliascan.database.migrations import SQLALCHEMY_URLS
from roliascan.errors import Conflict, Refusal

MIGRATIONS = {"schema_state", "alembic_version"}  # which only these write
SEEDED = "counters"  # to which they also write the first rows
STEP = 200  # rows in one statement

Tell = Callable[[str], None]


class NotEmpty(Conflict):
    code = "database_not_empty"


class Damaged(Refusal):
    code = "backup_damaged"


class _Table(NamedTuple):
    """`kinds` are its columns, sorted by name, with their types; `order` is what it is read in, as SQL."""

    name: str
    kinds: dict[str, str]
    order: str


# Reading.


def dump(url: str, folder: Path, *, tell: Tell) -> dict[str, Counted]:
    """Writes each table to a file in `folder`, all of them as of one moment; how many rows, and their hash."""
    counted = {}
    with _reading(url) as connection:
        for table in _tables(connection):
            with _path(folder, table.name).open("xb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as file:
                counted[table.name] = _count(_lines(connection, table), file.write)
            tell(f"{table.name}: {counted[table.name].rows} rows")
    return counted


def counts(url: str) -> dict[str, Counted]:
    """What `dump` would answer; nothing is written."""
    with _reading(url) as connection:
        return {table.name: _count(_lines(connection, table), lambda _: 0) for table in _tables(connection)}


def _count(lines: Iterator[bytes], write: Callable[[bytes], Any]) -> Counted:
    """The first line is no row."""
    digest, rows = hashlib.sha256(), -1
    for line in lines:
        digest.update(line)
        write(line)
        rows += 1
    return Counted(rows, digest.hexdigest())


@contextmanager
def _reading(url: str) -> Iterator[sa.Connection]:
    with _connected(url, "BEGIN", isolation="REPEATABLE READ") as connection:
        yield connection


@contextmanager
def _connected(url: str, begin: str, *, isolation: str) -> Iterator[sa.Connection]:
    """A connection in a transaction; SQLite has to be told to `begin` one, and has one isolation only."""
    driver = profiles.driver_for(url, patient=True)
    raw = driver.connect()
    # PostgreSQL tells of its columns in JSON, which our driver leaves as text
    how: dict[str, Any] = {"json_deserializer": json.loads} if driver.kind == "postgresql" else {}
    engine = sa.create_engine(SQLALCHEMY_URLS[driver.kind], creator=lambda: raw, poolclass=sa.NullPool, **how)
    if driver.kind == "sqlite":
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    elif driver.kind == "mysql":
        sa.event.listen(engine, "begin", lambda connection: _begin_on_mysql(connection, isolation))
    else:
        engine = engine.execution_options(isolation_level=isolation)
    try:
        with engine.begin() as connection:
            yield connection
    except (driver.error, sa.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        fault = driver.fault(cause, raw) if isinstance(cause, driver.error) else None
        raise fault or error from error


def _begin_on_mysql(connection: sa.Connection, isolation: str) -> None:
    """For this transaction only: SQLAlchemy would set all of the session, which a pooler gives on to others."""
    connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
    connection.exec_driver_sql("START TRANSACTION")


def _tables(connection: sa.Connection) -> list[_Table]:
    """Each after those that it refers to."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [_table(metadata.tables[name]) for name in _in_order(set(metadata.tables) - MIGRATIONS)]


def _in_order(names: set[str]) -> list[str]:
    needs: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for one in references.all_():
        if one.to_table != one.table and one.table in needs:
            needs[one.table].add(one.to_table)
    ordered: list[str] = []
    while ready := [name for name in needs if name not in ordered and needs[name] <= set(ordered)]:
        ordered += ready
    return ordered


def _table(found: sa.Table) -> _Table:
    """Rows that refer to others of their table come after them: they are one step deep."""
    own = [one.column for one in references.all_() if one.table == one.to_table == found.name]
    key = [column.name for column in found.primary_key.columns]
    order = [*(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in own), *key]
    kinds = {column.name: _kind(column.type) for column in found.columns}
    return _Table(found.name, dict(sorted(kinds.items())), ", ".join(order))


def _kind(type_: sa.types.TypeEngine[Any]) -> str:
    if isinstance(type_, sa.DateTime):
        return "instant"
    return "boolean" if isinstance(type_, sa.Boolean) else ""


def _lines(connection: sa.Connection, table: _Table) -> Iterator[bytes]:
    yield _line(list(table.kinds))
    sql = f"SELECT {', '.join(table.kinds)} FROM {table.name} ORDER BY {table.order}"
    streaming = connection.execution_options(stream_results=True, yield_per=1000)
    for row in streaming.exec_driver_sql(sql):
        yield _line([_plain(value, kind) for value, kind in zip(row, table.kinds.values(), strict=True)])


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any, kind: str) -> Any:
    if isinstance(value, bool):
        return int(value)
    if kind == "instant" and isinstance(value, str) and not value.endswith("Z"):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return instant_text(value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC))
    return str(value) if isinstance(value, UUID) else value


def lines(folder: Path, table: str) -> Iterator[bytes]:
    """What `dump` wrote of a table: the names of its columns, then its rows."""
    with gzip.open(_path(folder, table), "rb") as file:
        yield from file


def _path(folder: Path, table: str) -> Path:
    return folder / f"{table}.jsonl.gz"


# Loading.


def load(url: str, folder: Path, expected: dict[str, Counted], *, tell: Tell) -> None:
    """Loads all of it, in one transaction, into tables that are there and empty. Raises NotEmpty, Damaged."""
    with _connected(url, "BEGIN IMMEDIATE", isolation="READ COMMITTED") as connection:
        tables = {table.name: table for table in _tables(connection)}
        if lacking := set(expected) ^ set(tables):
            raise Damaged(f"The backup has other tables than this database: {', '.join(sorted(lacking))}.")
        _require_empty(connection, tables)
        connection.exec_driver_sql(f"DELETE FROM {SEEDED}")
        for name, table in tables.items():
            path = _path(folder, name)
            if _load(connection, table, path) != expected[name]:
                raise Damaged(f"{path} has other rows than the manifest says; nothing was loaded.")
            tell(f"{name}: {expected[name].rows} rows")


def _require_empty(connection: sa.Connection, tables: dict[str, _Table]) -> None:
    filled = [
        name
        for name in tables
        if name != SEEDED and connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first()
    ]
    if filled:
        raise NotEmpty(f"The database has rows already ({', '.join(filled)}): restore into an empty one.")


def _load(connection: sa.Connection, table: _Table, path: Path) -> Counted:
    try:
        with gzip.open(path, "rb") as file:
            counted = _Counting(file)
            lines = iter(counted)
            if json.loads(next(lines, b"null")) != list(table.kinds):
                raise Damaged(f"{path} has other columns than this database; is it of another version?")
            for rows in _steps(json.loads(line) for line in lines):
                _insert(connection, table, rows)
            return counted.result
    except (OSError, EOFError, ValueError) as error:
        raise Damaged(f"{path} cannot be read: {error}; nothing was loaded.") from error


class _Counting:
    """The lines of a file, counted and hashed as they go by; the first is no row."""

    def __init__(self, lines: Iterator[bytes] | Any) -> None:
        self._lines = lines
        self._digest = hashlib.sha256()
        self._rows = -1

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self._digest.update(line)
            self._rows += 1
            yield line

    @property
    def result(self) -> Counted:
        return Counted(self._rows, self._digest.hexdigest())


def _steps(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while step := list(islice(rows, STEP)):
        yield step


def _insert(connection: sa.Connection, table: _Table, rows: list[list[Any]]) -> None:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    one = f"({', '.join([mark] * len(table.kinds))})"
    sql = f"INSERT INTO {table.name} ({', '.join(table.kinds)}) VALUES {', '.join([one] * len(rows))}"
    values = chain.from_iterable(
        [_own(value, kind) for value, kind in zip(row, table.kinds.values(), strict=True)] for row in rows
    )
    connection.exec_driver_sql(sql, tuple(values))


def _own(value: Any, kind: str) -> Any:
    """A value as the database's driver wants it: reflection said of which kind its column is there."""
    if value is None or not kind:
        return value
    return bool(value) if kind == "boolean" else datetime.fromisoformat(value)
