"""Every row of a database, to see that nothing changed."""

from functools import cache
from typing import Any

import msgspec

from tests.front import Site

_SQLITE = """SELECT m.name AS place, p.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid"""
_SERVERS = """SELECT table_name AS place, column_name AS name FROM information_schema.columns
    WHERE table_schema = {} ORDER BY table_name, ordinal_position"""
_COLUMNS = {
    "sqlite": _SQLITE,
    "postgresql": _SERVERS.format("'public'"),
    "mysql": _SERVERS.format("database()"),
}


class _Column(msgspec.Struct):
    place: str
    name: str


def columns(site: Site) -> dict[str, list[str]]:
    """The columns of each table, which stay as they are while tests run."""
    kind = site.db.kind
    if kind not in _known:
        found: dict[str, list[str]] = {}
        for column in site.db.read(_COLUMNS[kind], _Column):
            found.setdefault(column.place, []).append(column.name)
        _known[kind] = found
    return _known[kind]


_known: dict[str, dict[str, list[str]]] = {}


@cache
def _row_type(names: tuple[str, ...]) -> type[msgspec.Struct]:
    return msgspec.defstruct("Row", [(name, Any) for name in names])


def rows_of(site: Site, table: str) -> list[dict[str, Any]]:
    """The rows of a table, by column."""
    return _rows(site, table, columns(site)[table])


def dump(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table, sorted."""
    return {table: sorted(_rows(site, table, names), key=repr) for table, names in columns(site).items()}


def _rows(site: Site, table: str, names: list[str]) -> list[dict[str, Any]]:
    rows = site.db.read(f"SELECT {', '.join(names)} FROM {table}", _row_type(tuple(names)))
    return [msgspec.structs.asdict(row) for row in rows]
