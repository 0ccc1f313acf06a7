"""Rows that may be here already: looked for, or added where they are not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from roliascan.database import Reader, Tx, batches

_KEYS = {
    "counters": "name",
    "permissions": "name",
    "grants": "user_id, permission",
    "comments": "id",
    "series_ratings": "series_id, user_id",
    "chapter_ratings": "chapter_id, user_id",
    "chapter_stats": "chapter_id",
}


class _Id(msgspec.Struct):
    id: str


def present(db: Reader, table: str, ids: Iterable[str]) -> set[str]:
    """Which of these identifiers the table has."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    return {row.id for row in db.read(f"SELECT id FROM {table} WHERE id IN (:ids)", _Id, ids=wanted)}


def insert_new(tx: Tx, table: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Adds the rows whose primary key is not there; how many those were."""
    added = 0
    for batch in batches(rows):
        columns = list(batch[0])
        tuples = ", ".join(f"({', '.join(f':{c}_{i}' for c in columns)})" for i in range(len(batch)))
        values = {f"{c}_{i}": row[c] for i, row in enumerate(batch) for c in columns}
        # table and column names come from our own code, values are parameters
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {tuples} ON CONFLICT ({_KEYS[table]}) DO NOTHING"
        added += tx.write(sql, **values)
    return added
