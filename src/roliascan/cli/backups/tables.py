"""All rows of a database as text: read within one moment, loaded whole or not at all, from any database into any other.

Truth is 1 or 0, an instant is `instant_text`, everything else is what it is on all of them: text, numbers, null.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from roliascan.cli.backups import written
from roliascan.cli.backups.manifest import Counted
from roliascan.cli.backups.written import Damaged, Row, Value
from roliascan.cli.importing.names import shown
from roliascan.database import instant_text, profiles, references
from roliascan.database.migrations import SQLALCHEMY_URLS
from roliascan.errors import Conflict, Refusal

MIGRATIONS = {"schema_state", "alembic_version"}  # which only these write
SEEDED = "counters"  # to which they also write the first rows
STEP, STEP_CHARACTERS = 200, 1 << 20  # in one statement, before the last row; a server of MySQL takes some 16 MB

Tell = Callable[[str], None]


class NotEmpty(Conflict):
    code = "database_not_empty"


class OtherIsolation(Refusal):
    code = "other_isolation"
    detail = (
        "The server's transactions are not isolated enough for a backup of one moment: its operator must set"
        " transaction_isolation to REPEATABLE-READ, which is what MySQL has unless told otherwise."
    )


class _Table(NamedTuple):
    """`kinds` are its columns, sorted by name, with what is in them; `order` is what it is read in, as SQL."""

    name: str
    kinds: dict[str, str]
    order: str


# Reading.


def dump(url: str, folder: Path, *, tell: Tell) -> dict[str, Counted]:
    """Writes each table to a file in `folder`, all of them as of one moment; how many rows, and their hash."""
    counted = {}
    with _reading(url) as connection:
        for table in _tables(connection):
            with written.path(folder, table.name).open("xb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as file:
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


_READ = {"sqlite": "BEGIN", "mysql": "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}
_WRITE = {"sqlite": "BEGIN IMMEDIATE", "mysql": "START TRANSACTION"}
"""What opens a transaction on those databases that have to be told."""
_ISOLATION = "SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')"


@contextmanager
def _reading(url: str) -> Iterator[sa.Connection]:
    """All that is read is of one moment. Raises OtherIsolation."""
    with _connected(url, _READ, isolation="REPEATABLE READ") as connection:
        if connection.dialect.name == "mysql":  # where a snapshot is none at a lower level, and says nothing
            found = connection.exec_driver_sql(_ISOLATION).all()
            if {value for _, value in found} - {"REPEATABLE-READ", "SERIALIZABLE"}:
                raise OtherIsolation
        yield connection


@contextmanager
def _connected(url: str, begin: Mapping[str, str], *, isolation: str) -> Iterator[sa.Connection]:
    """A connection in a transaction. Only PostgreSQL takes its isolation with it, without a SET."""
    driver = profiles.driver_for(url, patient=True)
    raw = driver.connect()
    # PostgreSQL tells of its columns in JSON, which our driver leaves as text
    how: dict[str, Any] = {"json_deserializer": json.loads} if driver.kind == "postgresql" else {}
    engine = sa.create_engine(
        SQLALCHEMY_URLS[driver.kind], creator=lambda: raw, poolclass=sa.NullPool, hide_parameters=True, **how
    )
    if driver.kind in begin:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin[driver.kind]))
    else:
        engine = engine.execution_options(isolation_level=isolation)
    try:
        with engine.begin() as connection:
            if driver.kind == "postgresql":  # else it tells instants in its own zone, where some are in no year of ours
                connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
            yield connection
    except (driver.error, sa.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        fault = driver.fault(cause, raw) if isinstance(cause, driver.error) else None
        raise fault or error from error


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
    if isinstance(type_, sa.Boolean) or getattr(type_, "display_width", None) == 1:  # TINYINT(1) of MySQL
        return "boolean"
    return "number" if isinstance(type_, sa.Integer) else "text"


def _lines(connection: sa.Connection, table: _Table) -> Iterator[bytes]:
    yield _line(list(table.kinds))
    sql = f"SELECT {', '.join(table.kinds)} FROM {table.name} ORDER BY {table.order}"
    for row in connection.exec_driver_sql(sql, execution_options={"stream_results": True, "yield_per": 1000}):
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


# Loading.


def load(url: str, folder: Path, expected: dict[str, Counted], *, tell: Tell) -> None:
    """Loads all of it, in one transaction, into tables that are there and empty. Raises NotEmpty, Damaged."""
    with _connected(url, _WRITE, isolation="READ COMMITTED") as connection:
        tables = {table.name: table for table in _tables(connection)}
        if lacking := set(expected) ^ set(tables):
            raise Damaged(f"The backup has other tables than this database: {shown(', '.join(sorted(lacking)))}")
        _require_empty(connection, tables)
        connection.exec_driver_sql(f"DELETE FROM {SEEDED}")
        for name, table in tables.items():
            _load(connection, table, folder, expected[name])
            tell(f"{name}: {expected[name].rows} rows")


def _require_empty(connection: sa.Connection, tables: dict[str, _Table]) -> None:
    filled = [
        name
        for name in tables
        if name != SEEDED and connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first()
    ]
    if filled:
        raise NotEmpty(f"The database has rows already ({', '.join(filled)}): restore into an empty one.")


def _load(connection: sa.Connection, table: _Table, folder: Path, expected: Counted) -> None:
    where = written.path(folder, table.name)
    found = written.rows(folder, table.name, expected)
    if next(found, None) != list(table.kinds):
        raise Damaged(f"{where} has other columns than this database, as if it were of another version")
    for first, step in _steps(found):
        for number, row in enumerate(step, first):
            _check(table, where, number, row)
        _insert(connection, table, where, first, step)
    if _count(_lines(connection, table), lambda _: 0) != expected:
        raise Damaged(f"{where}: read again from the database, its rows have another order or form")


def _steps(found: Iterator[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Rows for one statement, and the number of the first."""
    step: list[Row] = []
    size = 0
    for number, row in enumerate(found, 1):
        step.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(step) == STEP or size >= STEP_CHARACTERS:
            yield number - len(step) + 1, step
            step, size = [], 0
    if step:
        yield number - len(step) + 1, step


_TYPES: dict[str, tuple[type, str]] = {
    "boolean": (int, "is neither 0 nor 1"),
    "instant": (str, "is no instant"),
    "number": (int, "is no whole number"),
    "text": (str, "is no text"),
}


def _check(table: _Table, where: Path, number: int, row: Row) -> None:
    """SQLite keeps whatever it is given in a column of whatever type. Raises Damaged."""
    for value, (column, kind) in zip(row, table.kinds.items(), strict=True):
        type_, words = _TYPES[kind]
        if value is not None and (type(value) is not type_ or (kind == "boolean" and value not in {0, 1})):
            raise written.wrong(where, number, f"{written.quoted(value)} {words}", column)


def _insert(connection: sa.Connection, table: _Table, where: Path, first: int, step: list[Row]) -> None:
    """What is refused together is sent row by row, which tells whose fault it is. Raises Damaged."""
    error = _refused(connection, table, step)
    if error and len(step) == 1:
        said = shown(str(getattr(error, "orig", error)).partition("\n")[0]).rstrip(".")
        raise written.wrong(where, first, f"the database does not take it: {said}") from error
    for number, row in enumerate(step if error else (), first):
        _insert(connection, table, where, number, [row])


_THEIRS = (sa.exc.IntegrityError, sa.exc.DataError, ValueError, OverflowError)
_CHECKED = [(3819,), (4025,)]  # by a CHECK of MySQL, of MariaDB: to PyMySQL a fault of the server


def _refused(connection: sa.Connection, table: _Table, step: list[Row]) -> Exception | None:
    """Sends rows in one statement; why the database takes none of them. Raises what is no fault of theirs."""
    connection.exec_driver_sql("SAVEPOINT step")
    try:
        _send(connection, table, step)
    except (*_THEIRS, sa.exc.OperationalError) as error:
        if not isinstance(error, _THEIRS) and getattr(error, "orig", error).args[:1] not in _CHECKED:
            raise
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT step")
        return error
    connection.exec_driver_sql("RELEASE SAVEPOINT step")
    return None


def _send(connection: sa.Connection, table: _Table, step: list[Row]) -> None:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    one = f"({', '.join([mark] * len(table.kinds))})"
    sql = f"INSERT INTO {table.name} ({', '.join(table.kinds)}) VALUES {', '.join([one] * len(step))}"
    values = chain.from_iterable(
        [_own(value, kind) for value, kind in zip(row, table.kinds.values(), strict=True)] for row in step
    )
    connection.exec_driver_sql(sql, tuple(values))


def _own(value: Value, kind: str) -> Any:
    """A value as the database's driver wants it: reflection said of which kind its column is there."""
    if kind == "instant" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return bool(value) if kind == "boolean" else value
