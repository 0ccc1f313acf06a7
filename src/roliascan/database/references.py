"""What points to what: looked through where no foreign keys of the database watch over it."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from roliascan.database import Reader

STEP = 1000
"""Rows in one statement: each stays short, however large the tables are."""

_COLUMNS = {
    "audit": "actor_id users",
    "chapter_ratings": "chapter_id chapters, user_id users",
    "chapter_stats": "chapter_id chapters",
    "chapter_teams": "chapter_id chapters, team_id teams",
    "chapters": "created_by users, series_id series",
    "comments": "chapter_id chapters, user_id users",
    "files": "owner_id users",
    "grants": "granted_by users, permission permissions.name, user_id users",
    "pages": "chapter_id chapters, file_id files",
    "search_terms": "series_id series",
    "series": "cover_file_id files, created_by users",
    "series_ratings": "series_id series, user_id users",
    "series_slugs": "series_id series",
    "series_stats": "series_id series",
    "series_teams": "series_id series, team_id teams",
    "series_titles": "series_id series",
    "sessions": "user_id users",
    "team_members": "team_id teams, user_id users",
    "teams": "created_by users",
    "upload_files": "file_id files, session_id upload_sessions",
    "upload_sessions": "user_id users",
}


class Reference(NamedTuple):
    table: str
    column: str
    to_table: str
    to_column: str


class _Value(msgspec.Struct):
    value: str


def all_() -> list[Reference]:
    """Every reference of the schema; that these are all is tested against the migrations."""
    pairs = [(table, pair.split()) for table, columns in _COLUMNS.items() for pair in columns.split(", ")]
    places = [(table, column, to.partition(".")) for table, (column, to) in pairs]
    return [Reference(table, column, to, key or "id") for table, column, (to, _, key) in places]


def dangling(db: Reader, reference: Reference) -> Iterator[str]:
    """The values of a column that lead nowhere, each once, in short steps over its index. Null is no value."""
    values = _next(db, reference, "IS NOT NULL")
    while values:
        sql = (
            f"SELECT {reference.to_column} AS value FROM {reference.to_table} WHERE {reference.to_column} IN (:values)"
        )
        there = {row.value for row in db.read(sql, _Value, values=values)}
        yield from (value for value in values if value not in there)
        values = _next(db, reference, "> :after", after=values[-1])


def _next(db: Reader, reference: Reference, where: str, **after: str) -> list[str]:
    """Different values among the next rows; what more rows have the last of them is passed over by the next step."""
    table, column = reference.table, reference.column
    sql = f"SELECT {column} AS value FROM {table} WHERE {column} {where} ORDER BY {column} LIMIT {STEP}"
    return list(dict.fromkeys(row.value for row in db.read(sql, _Value, **after)))
