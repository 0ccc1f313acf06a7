"""The words that migrations are written in: columns, and whole tables with their keys, alike on all databases."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

Column = sa.Column[Any]


def identifier(name: str, *, null: bool = False) -> Column:
    """A UUID: 16 bytes on PostgreSQL, its 36 characters elsewhere."""
    kind = sa.Text().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
    return sa.Column(
        name, kind.with_variant(mysql.CHAR(36, charset="ascii", collation="ascii_bin"), "mysql"), nullable=null
    )


def instant(name: str, *, null: bool = False) -> Column:
    """A point in time in UTC with microseconds; on SQLite the 27 characters of `dialects.instant_text`."""
    kind = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    return sa.Column(name, kind.with_variant(mysql.DATETIME(fsp=6), "mysql"), nullable=null)


def key(name: str, length: int, *, null: bool = False, default: str | None = None) -> Column:
    """Text that is compared and sorted byte by byte (UTF-8), whatever the database's language.

    MySQL ignores trailing blanks in comparisons, so what goes into a key has none.
    """
    kind = sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=null, server_default=default)


def text(name: str, length: int, *, null: bool = False) -> Column:
    return sa.Column(name, sa.String(length), nullable=null)


def long_text(name: str, *, null: bool = False) -> Column:
    """Text without a bound of the database's own. It has no default, because MySQL allows none."""
    return sa.Column(name, sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql"), nullable=null)


def boolean(name: str, *, default: bool | None = None) -> Column:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=_default(default))


def small(name: str) -> Column:
    return sa.Column(name, sa.SmallInteger(), nullable=False, autoincrement=False)


def integer(name: str, *, null: bool = False, default: int | None = None) -> Column:
    return sa.Column(name, sa.Integer(), nullable=null, server_default=_default(default), autoincrement=False)


def big(name: str, *, null: bool = False, default: int | None = None) -> Column:
    return sa.Column(name, sa.BigInteger(), nullable=null, server_default=_default(default), autoincrement=False)


def _default(value: int | None) -> Any:
    """A constant: `true` and `false` for booleans, a number otherwise."""
    if isinstance(value, bool):
        return sa.true() if value else sa.false()
    return None if value is None else sa.text(str(value))


def table(
    name: str,
    *columns: Column,
    key: str = "id",
    unique: Sequence[str] = (),
    references: Mapping[str, str] | None = None,
    one_of: Mapping[str, str] | None = None,
    check: Mapping[str, str] | None = None,
    indexes: Sequence[str] = (),
) -> None:
    """Creates a table. Several columns are written "a, b".

    references: column to table, or to table.column where that is not `id`. one_of: column to its values, "a b c".
    check: column to its condition. Every reference needs an index that it is the first column of; where the database
    has no foreign keys it is left out.

    MySQL cannot take back half a migration, so there what already stands is passed over.
    """
    constraints = [
        sa.PrimaryKeyConstraint(*split(key), name=f"pk_{name}"),
        *(sa.UniqueConstraint(*split(names), name=named("uq", name, names)) for names in unique),
        *(_reference(name, column, target) for column, target in _kept(references).items()),
        *(_one_of(name, column, values) for column, values in (one_of or {}).items()),
        *(sa.CheckConstraint(rule, name=f"ck_{name}_{column}") for column, rule in (check or {}).items()),
    ]
    innodb = {"mysql_engine": "InnoDB", "mysql_default_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
    op.create_table(name, *columns, *constraints, if_not_exists=_is_mysql(), **innodb)
    standing = _indexes(name)
    for names in indexes:
        if (called := named("ix", name, names)) not in standing:
            op.create_index(called, name, split(names))


def drop(*names: str) -> None:
    """Drops tables, in this order; all or, where somebody holds one, none."""
    if _is_mysql():  # which commits after each statement
        op.execute(f"DROP TABLE IF EXISTS {', '.join(names)}")
        return
    for name in names:
        op.drop_table(name)


def record(revision: int, *, oldest_code: int) -> None:
    """Ends each migration: the schema is at `revision`, and code that needs less than `oldest_code` must not use it."""
    if revision > 1:  # in one statement, because code reads it meanwhile, and MySQL commits each
        op.execute(f"UPDATE schema_state SET revision = {revision}, oldest_code = {oldest_code}")
        return
    op.execute("DELETE FROM schema_state")
    op.execute(f"INSERT INTO schema_state (id, revision, oldest_code) VALUES (1, {revision}, {oldest_code})")


def split(names: str) -> list[str]:
    return names.split(", ")


def named(kind: str, table_name: str, names: str) -> str:
    """What a key or an index over these columns is called."""
    return "_".join([kind, table_name, *split(names)])


def _kept(references: Mapping[str, str] | None) -> Mapping[str, str]:
    return (references or {}) if op.get_context().opts.get("foreign_keys", True) else {}


def _reference(name: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    to = target if "." in target else f"{target}.id"
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{name}_{column}", ondelete="RESTRICT")


def _one_of(name: str, column: str, values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{name}_{column}")


def _is_mysql() -> bool:
    return op.get_context().dialect.name == "mysql"


def _indexes(name: str) -> set[str | None]:
    """The indexes that a run before this one left on MySQL."""
    if not _is_mysql() or op.get_context().as_sql:
        return set()
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(name)}
