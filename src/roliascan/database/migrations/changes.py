"""Changes of tables that are in use: each adds what the release before does not know, and stops nobody.

Each may run again after it was cut short: what stands is passed over, and a back-fill goes on where it was. Indexes and
`back_fill` commit what the revision did before them, so write a revision in the order in which it may stop.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

from roliascan.database.migrations.locks import LOCK_WAIT_S
from roliascan.database.migrations.tables import Column, named, split

BATCH = 1000  # rows whose locks are held at a time
TELL_EVERY = 20  # batches
IN_BATCHES = "/* in batches, by `roliascan migrate up` */"
# An index that is built beside its table's writers waits for their transactions, and keeps nobody waiting meanwhile.
INDEX_WAIT_S = 60


def add_column(table: str, column: Column) -> None:
    """A column that is null or has a constant default: no row is touched, the table is locked for a moment only.

    MySQL is told to refuse what it cannot add that way.
    """
    kind = _kind()
    if (
        kind != "postgresql"
        and not _offline()
        and column.name in {one["name"] for one in _inspector().get_columns(table)}
    ):
        return
    sa.Table(table, sa.MetaData(), column)
    written = sa.schema.CreateColumn(column).compile(dialect=op.get_context().dialect)
    op.execute(f"ALTER TABLE {table} {_ADD.get(kind, 'ADD COLUMN')} {written}{_INSTANTLY.get(kind, '')}")


_ADD = {"postgresql": "ADD COLUMN IF NOT EXISTS"}
_INSTANTLY = {"mysql": ", ALGORITHM=INSTANT"}


def add_index(table: str, columns: str) -> None:
    """An index, "a, b", that is built while others write. A half-built one, which PostgreSQL leaves, is made anew."""
    _add_index("INDEX", named("ix", table, columns), table, columns)


def add_unique(table: str, columns: str) -> None:
    """The same for a unique key. It is for columns that the release before leaves null, as no two nulls are equal."""
    _add_index("UNIQUE INDEX", named("uq", table, columns), table, columns)


def _add_index(what: str, name: str, table: str, columns: str) -> None:
    listed = ", ".join(split(columns))
    if _kind() == "postgresql":
        with _committing(), _patiently():
            if _is_broken(name):
                op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {what} CONCURRENTLY IF NOT EXISTS {name} ON {table} ({listed})")
    elif _offline() or name not in {one["name"] for one in _inspector().get_indexes(table)}:
        op.execute(f"CREATE {what} {name} ON {table} ({listed}){_ONLINE.get(_kind(), '')}")


_ONLINE = {"mysql": " ALGORITHM=INPLACE LOCK=NONE"}


def back_fill(table: str, assign: str, *, where: str, key: str = "id") -> None:
    """`UPDATE table SET assign WHERE where` in batches of rows by `key`: each is committed, and as long a rest follows.

    `where` must not hold any more for a row that was set: the rows themselves tell where to go on. SQLite, whose
    transaction is the lock of the migration, does it at once.
    """
    statement = f"UPDATE {table} SET {assign} WHERE ({where})"
    if _offline() or _kind() == "sqlite":
        op.execute(f"{IN_BATCHES} {statement}" if _offline() else statement)
        return
    with _committing():
        for done, rows in _batches(table, where, key, statement):
            _tell(f"{table}: {done:,} of {rows:,} rows filled")


def _batches(table: str, where: str, key: str, statement: str) -> Iterator[tuple[int, int]]:
    """Runs them all; yields now and then how many rows are filled, of how many."""
    rows, done, number = int(_value(f"SELECT COUNT(*) FROM {table} WHERE {where}")), 0, 0
    start = _value(f"SELECT {key} FROM {table} WHERE {where} ORDER BY {key} LIMIT 1")
    while start is not None:
        began = time.monotonic()
        end = _value(
            f"SELECT {key} FROM {table} WHERE {key} >= :start ORDER BY {key} LIMIT 1 OFFSET {BATCH}", start=start
        )
        span = f"{key} >= :start" if end is None else f"{key} >= :start AND {key} < :end"
        done += _execute(f"{statement} AND {span}", start=start, **({} if end is None else {"end": end})).rowcount
        number += 1
        if end is None or number % TELL_EVERY == 0:
            yield done, max(done, rows)
        start = end
        time.sleep(time.monotonic() - began)


def _kind() -> str:
    return op.get_context().dialect.name


def _offline() -> bool:
    return op.get_context().as_sql


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())


def _execute(sql: str, **values: Any) -> Any:
    return op.get_bind().execute(sa.text(sql), values)


def _value(sql: str, **values: Any) -> Any:
    return _execute(sql, **values).scalar()


def _tell(sentence: str) -> None:
    op.get_context().opts["tell"](sentence)


def _is_broken(index: str) -> bool:
    """Whether PostgreSQL was interrupted while it built the index: such a one is kept up to date, and never used."""
    broken = f"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('{index}') AND NOT indisvalid"
    return not _offline() and _value(broken) is not None


@contextmanager
def _committing() -> Iterator[None]:
    """Each statement on its own; what came before is committed."""
    failed: sa.exc.DBAPIError | None = None
    try:
        with op.get_context().autocommit_block():
            try:
                yield
            except sa.exc.DBAPIError as error:
                failed = error
                raise
    except sa.exc.SQLAlchemyError:
        if failed is not None:  # where the connection is lost, leaving the block fails as well, and says less
            raise failed from None
        raise


@contextmanager
def _patiently() -> Iterator[None]:
    if _offline():
        yield
        return
    op.execute(f"SET lock_timeout = '{INDEX_WAIT_S}s'")
    yield
    op.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")  # where it failed, the connection ends
