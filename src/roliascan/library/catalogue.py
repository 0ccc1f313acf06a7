"""The catalogue: lists of series, sorted, filtered and searched."""

from typing import Any

import msgspec

from roliascan import text
from roliascan.database import Reader
from roliascan.library import rights
from roliascan.library.series import COLUMNS, FROM, finish
from roliascan.library.shapes import State
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people.persons import Person
from roliascan.storage import AddressOf


class SeriesItem(Listed, rename="camel"):
    """A series in a list."""

    id: str
    slug: str
    title: str
    type: str
    status: str
    direction: str
    language: str
    content_rating: str
    author: str
    description: str
    cover: str | None
    chapter_count: int
    rating: float | None
    rating_count: int
    last_chapter_at: str | None
    state: str
    published_at: str | None
    created_at: str
    updated_at: str


ORDERS = {
    "newest": Order("newest", "s.published_at", "s.id", True, str),
    "updated": Order("updated", "t.active_at", "t.series_id", True, str),
    "title": Order("title", "s.title_key", "s.id", False, str),
    "rating": Order("rating", "t.rating_milli", "t.series_id", True, int),
}
_UNPUBLISHED = Order("created", "s.created_at", "s.id", True, str)

_COVER = "LEFT JOIN files f ON f.id = s.cover_file_id"
_WALKED = {
    "s": f"FROM series s STRAIGHT_JOIN series_stats t ON t.series_id = s.id {_COVER}",
    "t": f"FROM series_stats t STRAIGHT_JOIN series s ON s.id = t.series_id {_COVER}",
}
"""By the table that an order's index is of: read along that index, until a page is full."""


class Filter(msgspec.Struct, kw_only=True):
    """What a list is narrowed to; None: not at all. A `state` other than published shows what the viewer may see."""

    q: str | None = None
    status: str | None = None
    type: str | None = None
    language: str | None = None
    team: str | None = None
    state: State = "published"


def index(
    db: Reader, asked: Asked, wanted: Filter, *, sort: str, viewer: Person | None, address_of: AddressOf
) -> Page[SeriesItem]:
    """Series of a page, in one statement."""
    order = ORDERS[sort] if wanted.state == rights.PUBLIC else _UNPUBLISHED
    part = window(order, asked)
    conditions, values = _conditions(wanted, viewer)
    terms = text.terms(wanted.q) if wanted.q is not None else set()
    if wanted.q is not None and not terms:
        return page_of(list[SeriesItem](), order, asked, exact=False)
    if terms:
        conditions += _FOUND
        values |= {"terms": sorted(terms), "term_count": len(terms)}
    exact = not conditions and wanted.state == rights.PUBLIC
    few = bool(terms) or wanted.team is not None or wanted.state != rights.PUBLIC  # rather found, then sorted
    source = FROM if few else _WALKED[order.key[0]]
    total = "(SELECT value FROM counters WHERE name = 'series')" if exact else "NULL"
    rows = db.read(
        f"SELECT {order.key} AS sort_key, {total} AS total, {COLUMNS} {source} WHERE s.state = :state"
        + conditions
        + part.condition
        + part.tail,
        SeriesItem,
        state=wanted.state,
        **values,
        **part.values,
    )
    finish(rows, address_of)
    return page_of(rows, order, asked, exact=exact)


_FOUND = """ AND s.id IN (SELECT w.series_id FROM search_terms w WHERE w.term IN (:terms)
    GROUP BY w.series_id HAVING COUNT(*) = :term_count)"""


def _conditions(wanted: Filter, viewer: Person | None) -> tuple[str, dict[str, Any]]:
    sql, values = "", dict[str, Any]()
    for column in ("status", "type", "language"):
        if (value := getattr(wanted, column)) is not None:
            sql += f" AND s.{column} = :{column}"
            values[column] = value
    if wanted.team is not None:
        sql += " AND EXISTS (SELECT 1 FROM series_teams z WHERE z.series_id = s.id AND z.team_id = :team)"
        values["team"] = wanted.team
    if wanted.state != rights.PUBLIC and not rights.sees_all(viewer):
        sql += f" AND {rights.OWNS_SERIES}"
        values["viewer"] = rights.viewer_id(viewer)
    return sql, values
