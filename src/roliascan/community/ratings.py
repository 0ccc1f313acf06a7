"""Ratings of series and chapters, 1 to 10: one of each person for each thing, and their exact sums."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from roliascan.database import Reader, Tx
from roliascan.errors import NotFound
from roliascan.ids import is_id
from roliascan.library import rights, series
from roliascan.people.persons import Person, require_right


class Rating(msgspec.Struct):
    """One's own rating, null while there is none, with the mean and the number of everybody's."""

    rating: int | None
    average: float | None
    count: int


class Thing(NamedTuple):
    """What can be rated: its kind as tombstones call it, the act as RULES do, and the statements about its ratings."""

    kind: str
    act: str
    lock: str
    look: str
    put: str
    drop: str
    sum_up: str


def _statements(noun: str, table: str) -> dict[str, str]:
    """Those that differ in names only."""
    return {
        "lock": f"SELECT id FROM {table} WHERE id = :id FOR UPDATE",
        "put": f"INSERT INTO {noun}_ratings ({noun}_id, user_id, rating, created_at, updated_at)"
        " VALUES (:id, :user_id, :rating, :now, :now)"
        f" ON CONFLICT ({noun}_id, user_id) DO UPDATE SET rating = excluded.rating, updated_at = excluded.updated_at",
        "drop": f"DELETE FROM {noun}_ratings WHERE {noun}_id = :id AND user_id = :user_id",
    }


SERIES = Thing(
    kind="series",
    act="ratings.rate_series",
    look=f"""
SELECT r.rating AS mine, t.rating_sum, t.rating_count, s.state, s.state AS series_state, {rights.OWNS_SERIES} AS owns
FROM series s JOIN series_stats t ON t.series_id = s.id
LEFT JOIN series_ratings r ON r.series_id = s.id AND r.user_id = :viewer WHERE s.id = :id
""",
    sum_up="UPDATE series_stats SET rating_sum = :total, rating_count = :number, rating_milli = :milli"
    " WHERE series_id = :id",
    **_statements("series", "series"),
)
CHAPTER = Thing(
    kind="chapter",
    act="ratings.rate_chapter",
    look=f"""
SELECT r.rating AS mine, COALESCE(t.rating_sum, 0) AS rating_sum, COALESCE(t.rating_count, 0) AS rating_count,
    c.state, s.state AS series_state, {rights.OWNS_CHAPTER} AS owns
FROM chapters c JOIN series s ON s.id = c.series_id LEFT JOIN chapter_stats t ON t.chapter_id = c.id
LEFT JOIN chapter_ratings r ON r.chapter_id = c.id AND r.user_id = :viewer WHERE c.id = :id
""",
    sum_up="INSERT INTO chapter_stats (chapter_id, rating_sum, rating_count) VALUES (:id, :total, :number)"
    " ON CONFLICT (chapter_id) DO UPDATE SET rating_sum = excluded.rating_sum, rating_count = excluded.rating_count",
    **_statements("chapter", "chapters"),
)


class _Row(msgspec.Struct):
    mine: int | None
    rating_sum: int
    rating_count: int
    state: str
    series_state: str
    owns: bool


def show(db: Reader, thing: Thing, wanted: str, *, person: Person) -> Rating:
    """One's rating of a thing that one sees, in one statement. Raises NotFound, Removed."""
    row = _look(db, thing, wanted, person=person)
    return _rating(row.mine, row.rating_sum, row.rating_count)


def rate(tx: Tx, thing: Thing, wanted: str, rating: int, *, person: Person, now: datetime) -> Rating:
    """Rates a thing that one sees, or rates it anew. Raises Muted, NotFound, Removed."""
    require_right(person, thing.act)
    row = _hold(tx, thing, wanted, person=person)
    if row.mine == rating:
        return _rating(rating, row.rating_sum, row.rating_count)
    tx.write(thing.put, id=wanted, user_id=person.id, rating=rating, now=now)
    total, number = row.rating_sum - (row.mine or 0) + rating, row.rating_count + (row.mine is None)
    _sum_up(tx, thing, wanted, total, number)
    return _rating(rating, total, number)


def unrate(tx: Tx, thing: Thing, wanted: str, *, person: Person) -> None:
    """Takes one's rating back, also while muted; where there is none, nothing happens. Raises NotFound, Removed."""
    row = _hold(tx, thing, wanted, person=person)
    if row.mine is None:
        return
    tx.write(thing.drop, id=wanted, user_id=person.id)
    _sum_up(tx, thing, wanted, row.rating_sum - row.mine, row.rating_count - 1)


class _Id(msgspec.Struct):
    id: str


def _hold(tx: Tx, thing: Thing, wanted: str, *, person: Person) -> _Row:
    """Locks the thing, then looks: what a faster one has written is seen, and nobody writes before we have.

    The counters of ratings are written under this lock only, and computed here, so that they are exact and every
    database rounds alike. It is the thing that is locked, and not its counters, because a new rating refers to the
    thing: whoever edits takes the thing first too.
    """
    if is_id(wanted):
        tx.read(thing.lock, _Id, id=wanted)
    return _look(tx, thing, wanted, person=person)


def _look(db: Reader, thing: Thing, wanted: str, *, person: Person) -> _Row:
    row = db.one(thing.look, _Row, id=wanted, viewer=rights.viewer_id(person)) if is_id(wanted) else None
    if row is None:
        raise series.tombstone(db, thing.kind, wanted) or NotFound
    rights.require_sight(person, owns=row.owns, states=(row.state, row.series_state))
    return row


def _sum_up(tx: Tx, thing: Thing, wanted: str, total: int, number: int) -> None:
    milli = series.mean_milli(total, number)
    tx.write(thing.sum_up, id=wanted, total=total, number=number, milli=milli)


def _rating(mine: int | None, total: int, number: int) -> Rating:
    return Rating(mine, series.mean(total, number), number)
