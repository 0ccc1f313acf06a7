"""One small interface over SQLite, PostgreSQL and MySQL: SQL in, msgspec structs out.

    db.read(sql, Row, name=value)     one statement, one round trip, outside any transaction
    db.run(verb, ...)                 a transaction around verb(tx, ...), tried again when the database asks for that
    with db.begin() as tx: ...        the same, without trying again

Instants go in as aware datetimes in UTC and come out as RFC 3339 text of 27 characters (`instant_text`), which is what
goes on the wire, and sorts. Identifiers are text. A selected column is called like the struct's field in its place.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from roliascan.database import faults
from roliascan.database.deadlines import NEVER, within
from roliascan.database.dialects import instant_text, is_instant_text, spread_lists
from roliascan.database.drivers import Connect, Driver, Turns
from roliascan.database.faults import Contended, Dangling, Duplicate
from roliascan.database.pool import Connection, Pool
from roliascan.database.profiles import BadAddress, driver_for

__all__ = [
    "BadAddress",
    "Contended",
    "Dangling",
    "Database",
    "Duplicate",
    "Reader",
    "Tx",
    "batches",
    "instant_text",
    "is_instant_text",
    "open_database",
    "pieces",
]

ATTEMPTS = 8
RETRY_WITHIN_S = 10.0
POOL_WAIT_S = 10.0
READ_LIMIT_S = 5.0
WRITE_LIMIT_S = 10.0  # of one statement in a transaction
LISTED = 150  # in one statement
INSERT_ROWS, INSERT_BYTES = 100, 12_000  # in one statement: poolers mind those over 16 KB, with all quotes and escapes

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")
V = TypeVar("V")
P = ParamSpec("P")
_Rows = tuple[Sequence[Sequence[Any]], Sequence[Sequence[Any]]]


class Reader(Protocol):
    """What can be asked: a `Database` (each question on its own) or a `Tx` (within its transaction)."""

    def read(self, sql: str, into: type[T], /, **values: Any) -> list[T]: ...

    def one(self, sql: str, into: type[T], /, **values: Any) -> T | None: ...


def open_database(
    url: str,
    *,
    pool_size: int = 4,
    again: Callable[[], str] | None = None,
    around: Callable[[Connect, str], Connect] | None = None,
) -> "Database":
    """The database at `url`; nothing is connected before the first statement. Raises BadAddress.

    `again` reads the address anew, where it may change while we run; see `Renewing`. `around` is given what connects
    and the kind of the database, and gives what connects instead: every statement passes its connections.
    """
    driver = driver_for(url)
    connect = _renewing(url, again) if again else driver.connect
    return Database(driver, Pool(driver, pool_size, POOL_WAIT_S, around(connect, driver.kind) if around else connect))


def _renewing(url: str, again: Callable[[], str]) -> Callable[[float], Any]:
    from roliascan.database.renewing import Renewing  # which most never need

    return Renewing(url, again)


class Database:
    def __init__(self, driver: Driver, pool: Pool, deadline: float = NEVER) -> None:
        self.kind = driver.kind
        self._driver = driver
        self._pool = pool
        self._deadline = deadline

    def until(self, deadline: float) -> "Database":
        """The same for one request, which has to be answered before `deadline`: seconds of time.monotonic().

        No statement is begun later, and the server is told to end each in time; see `OutOfTime`, `Slow`.
        """
        return Database(self._driver, self._pool, deadline)

    def read(self, sql: str, into: type[T], /, **values: Any) -> list[T]:
        """Rows of one statement in one round trip, with a time limit where the server has one."""
        connection = self._pool.take(self._deadline)
        try:
            try:
                rows = self._rows(connection, sql, values)
            except faults.Lost as lost:
                if not connection.may_be_replaced:
                    raise
                connection = self._pool.replace(connection, lost, self._deadline)
                rows = self._rows(connection, sql, values)
        finally:
            self._pool.give(connection)
        return _structs(self._driver, sql, rows, into)

    def _rows(self, connection: Connection, sql: str, values: Mapping[str, Any]) -> _Rows:
        limit_s = within(READ_LIMIT_S, self._deadline)
        found: _Rows = _execute(self._driver, connection, _fetch, sql, values, limit_s=limit_s)
        return found

    def one(self, sql: str, into: type[T], /, **values: Any) -> T | None:
        """The first row, or None."""
        rows = self.read(sql, into, **values)
        return rows[0] if rows else None

    @contextmanager
    def begin(self) -> Iterator["Tx"]:
        """A transaction: committed when the block ends, rolled back when it raises.

        Raises `Contended` where the whole may be tried again (`run` does), `OutcomeUnknown` where a commit was cut.
        """
        tx = Tx(self._driver, self._pool, self._deadline)
        try:
            yield tx
            tx.commit()
        except BaseException:
            tx.roll_back()
            raise
        finally:
            tx.end()

    def run(self, verb: Callable[Concatenate["Tx", P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`verb(tx, ...)` in a transaction, again from the start after a deadlock or a serialization failure."""
        last_start = min(time.monotonic() + RETRY_WITHIN_S, self._deadline)
        for attempt in itertools.count(1):
            try:
                with self.begin() as tx:
                    return verb(tx, *args, **kwargs)
            except Contended:
                pause = random.uniform(0, 0.01 * 2**attempt)  # noqa: S311 - spreads contenders, keeps no secret
                if attempt == ATTEMPTS or time.monotonic() + pause > last_start:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    def if_undone(self, undo: Callable[[], None]) -> None:
        """What to do should the change that was just made be rolled back; here it is committed. See `holding`."""

    def close(self) -> None:
        """Closes what is not in use; the next use connects anew."""
        self._pool.close()


class Tx:
    """A transaction under way. It opens with its first statement, and costs the server nothing where there is none.

    A statement that failed has ended it, on every database alike (PostgreSQL turns the commit into a rollback without a
    word, MySQL may have rolled back already and commit what follows): catch a refusal around the block, not within.
    """

    def __init__(self, driver: Driver, pool: Pool, deadline: float) -> None:
        self.kind = driver.kind
        self._driver = driver
        self._pool = pool
        self._deadline = deadline
        self._connection = pool.take(deadline)
        self._open = False
        self._failed = False
        self.wrote = False

    def read(self, sql: str, into: type[T], /, **values: Any) -> list[T]:
        return _structs(self._driver, sql, self._execute(_fetch, sql, values), into)

    def one(self, sql: str, into: type[T], /, **values: Any) -> T | None:
        """The first row, or None."""
        rows = self.read(sql, into, **values)
        return rows[0] if rows else None

    def write(self, sql: str, /, **values: Any) -> int:
        """Runs a statement; the number of rows that it inserted, deleted or changed.

        MySQL does not count rows set to what they were, and counts 2 where `DO UPDATE` updated.
        """
        self.wrote = True
        return int(self._execute(_count, sql, values))

    def insert_many(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of equal keys into `table`, in as few statements as their size allows."""
        for batch in batches(rows):
            columns = list(batch[0])
            tuples = ", ".join(f"({', '.join(f':{c}_{i}' for c in columns)})" for i in range(len(batch)))
            values = {f"{c}_{i}": row[c] for i, row in enumerate(batch) for c in columns}
            # table and column names come from our own code, values are parameters
            self.write(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {tuples}", **values)

    def _execute(self, act: Callable[..., Any], sql: str, values: Mapping[str, Any]) -> Any:
        self._refuse_if_failed()
        try:
            if self._open:
                return _execute(self._driver, self._connection, act, sql, values, limit_s=self._limit_s())
            return self._first(act, sql, values)
        except BaseException:
            self._failed = True
            raise

    def _first(self, act: Callable[..., Any], sql: str, values: Mapping[str, Any]) -> Any:
        try:
            return self._opening(act, sql, values)
        except faults.Lost as lost:
            if not self._connection.may_be_replaced:
                raise
            self._connection = self._pool.replace(self._connection, lost, self._deadline)
            return self._opening(act, sql, values)

    def _opening(self, act: Callable[..., Any], sql: str, values: Mapping[str, Any]) -> Any:
        joined, limit_s = self._driver.joined_begin, self._limit_s()
        if not joined:
            _guarded(self._driver, self._connection, self._driver.begin, self._connection.raw)
        self._open = True
        return _execute(self._driver, self._connection, act, sql, values, opening=joined, limit_s=limit_s)

    def _limit_s(self) -> float:
        """For the next statement; 0 where the transaction's own limits are enough."""
        limit_s = within(WRITE_LIMIT_S, self._deadline)
        return limit_s if limit_s < WRITE_LIMIT_S else 0

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise RuntimeError("a statement of this transaction failed, which ended it")

    def commit(self) -> None:
        self._refuse_if_failed()
        if not self._open:
            return
        within(WRITE_LIMIT_S, self._deadline)  # else it is rolled back, which who asked can be told for certain
        try:
            _guarded(self._driver, self._connection, self._driver.commit, self._connection.raw)
        except faults.Lost as lost:
            raise faults.OutcomeUnknown from lost
        self._open = False

    def roll_back(self) -> None:
        if not self._open:
            return
        try:
            self._driver.rollback(self._connection.raw)
        except BaseException as error:
            self._connection.broken = True
            if not isinstance(error, self._driver.error):
                raise
        self._open = False

    def end(self) -> None:
        self._pool.give(self._connection)


def pieces(values: list[V]) -> Iterator[list[V]]:
    """A list in parts, each short enough for `IN (:values)`: of identifiers and keys, statements stay under 16 KB.

    And MySQL looks in an index how many rows there are of each value, which it only guesses of 200 and more.
    """
    for start in range(0, len(values), LISTED):
        yield values[start : start + LISTED]


def batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The rows in pieces, each of which one statement inserts."""
    start = size = 0
    for place, row in enumerate(rows):
        length = sum(
            len(str(value).encode(errors="surrogatepass")) + len("'::timestamptz, '") for value in row.values()
        )
        if place > start and (place - start == INSERT_ROWS or size + length > INSERT_BYTES):
            yield rows[start:place]
            start, size = place, 0
        size += length
    if rows:
        yield rows[start:]


def _execute(
    driver: Driver,
    connection: Connection,
    act: Callable[..., Any],
    sql: str,
    values: Mapping[str, Any],
    *,
    opening: str = "",
    limit_s: float = 0,
) -> Any:
    if list in map(type, values.values()):
        sql, values = spread_lists(sql, values)
    statement = driver.statement(sql)
    if limit_s:
        statement = driver.limited(statement, connection.raw, int(limit_s * 1000) or 1)
    statement = opening + statement
    arguments = (statement, driver.values(values)) if values else (statement,)
    return _guarded(driver, connection, act, connection.raw, arguments)


def _fetch(raw: Any, arguments: tuple[Any, ...]) -> _Rows:
    cursor = raw.cursor()
    try:
        cursor.execute(*arguments)
        return cursor.description, cursor.fetchall()
    finally:
        # Also when it fails: kept by the exception, a cursor of sqlite3's would be cleared by the garbage collector, in
        # some thread that then waits for the connection's mutex with the interpreter's lock in its hand.
        cursor.close()


def _count(raw: Any, arguments: tuple[Any, ...]) -> int:
    with closing(raw.cursor()) as cursor:
        cursor.execute(*arguments)
        return int(cursor.rowcount)


def _guarded(driver: Driver, connection: Connection, act: Callable[..., Any], *args: Any) -> Any:
    """Runs what calls the driver; its exceptions become ours, and a connection that broke is not lent again."""
    try:
        return act(*args)
    except driver.error as error:
        fault = driver.fault(error, connection.raw)
        if fault is None:
            raise
        connection.fails(fault)
        raise fault from error
    except BaseException:
        connection.broken = True  # interrupted at some place of the protocol: the next answer could be this one's
        raise


def _structs(driver: Driver, sql: str, found: _Rows, into: type[T]) -> list[T]:
    description, rows = found
    turns = _turns.get((driver.kind, sql, into))
    if turns is None:
        _check_columns(sql, into, tuple(column[0] for column in description))
        turns = _turns[driver.kind, sql, into] = driver.turns(description, into)
    if turns:
        rows = [_turned(row, turns) for row in rows]
    return [into(*row) for row in rows]


_turns: dict[tuple[str, str, type[msgspec.Struct]], Turns] = {}
"""By texts that were seen to fit: as many as the code has."""


def _check_columns(sql: str, into: type[msgspec.Struct], columns: tuple[str, ...]) -> None:
    if columns != into.__struct_fields__[: len(columns)]:
        raise TypeError(f"the columns {columns} are not the fields {into.__struct_fields__} of {into.__name__}: {sql}")


def _turned(row: Sequence[Any], turns: Turns) -> list[Any]:
    values = list(row)
    for place, turn in turns:
        if values[place] is not None:
            values[place] = turn(values[place])
    return values
