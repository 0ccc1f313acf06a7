"""Lists of chapters: the feed of the site, and the chapters of a series."""

from typing import Any

import msgspec

from roliascan.database import Reader
from roliascan.errors import NotFound
from roliascan.ids import is_id
from roliascan.library import rights, series
from roliascan.library.naming import CHAPTER_TEAMS, SeriesName, number, team_names
from roliascan.library.shapes import State
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people.persons import Person
from roliascan.people.teams import TeamName


class ChapterItem(Listed, rename="camel"):
    """A chapter in a list."""

    id: str
    series: SeriesName
    number: int | float | None
    label: str | None
    title: str | None
    volume: str | None
    language: str
    teams: list[TeamName]
    state: str
    published_at: str | None
    page_count: int


class _ItemRow(Listed):
    id: str
    series_id: str
    series_slug: str
    series_title: str
    number_milli: int | None
    label: str | None
    title: str | None
    volume: str
    language: str
    teams: str | None
    state: str
    published_at: str | None
    page_count: int


_ITEM = f"""c.id, c.series_id, s.slug AS series_slug, s.title AS series_title, c.number_milli, c.label, c.title,
    c.volume, c.language, {CHAPTER_TEAMS} AS teams, c.state, c.published_at, c.page_count"""

NEWEST = Order("newest", "c.published_at", "c.id", True, str)
BY_NUMBER = Order("number", "c.number_key", "c.id", False, str)
CREATED = Order("created", "c.created_at", "c.id", True, str)


class Filter(msgspec.Struct, kw_only=True):
    """What a list of chapters is narrowed to; `state` other than published shows only what the viewer may see."""

    series: str | None = None
    language: str | None = None
    team: str | None = None
    state: State = "published"


def feed(db: Reader, asked: Asked, wanted: Filter, *, viewer: Person | None) -> Page[ChapterItem]:
    """Releases of the whole site, newest first, in one statement."""
    return _list(
        db, asked, wanted, order=NEWEST, total="(SELECT value FROM counters WHERE name = 'chapters')", viewer=viewer
    )


def index(
    db: Reader, series_id: str, asked: Asked, wanted: Filter, *, sort: str, viewer: Person | None
) -> Page[ChapterItem]:
    """Chapters of a series by number or newest first, in one statement. Raises NotFound for a series not to be seen."""
    if not is_id(series_id):
        raise NotFound
    wanted.series = series_id
    order = BY_NUMBER if sort == "number" else NEWEST
    page = _list(db, asked, wanted, order=order, total="t.chapter_count", viewer=viewer)
    if not page.data:  # nothing tells yet whether there is such a series
        series.show(db, series_id, viewer=viewer, address_of=str)
    return page


def _list(
    db: Reader, asked: Asked, wanted: Filter, *, order: Order, total: str, viewer: Person | None
) -> Page[ChapterItem]:
    if order is NEWEST and wanted.state != rights.PUBLIC:
        order = CREATED
    part = window(order, asked)
    conditions, values = _conditions(wanted, viewer)
    exact = wanted.language is None and wanted.team is None and wanted.state == rights.PUBLIC
    if "counters" in total and wanted.series is not None:
        exact = False
    stats = "JOIN series_stats t ON t.series_id = c.series_id" if exact and "t." in total else ""
    rows = db.read(
        f"SELECT {order.key} AS sort_key, {total if exact else 'NULL'} AS total, {_ITEM}"
        f" FROM chapters c STRAIGHT_JOIN series s ON s.id = c.series_id {stats} WHERE c.state = :state"
        + conditions
        + part.condition
        + part.tail,
        _ItemRow,
        state=wanted.state,
        **values,
        **part.values,
    )
    return page_of([_item(row) for row in rows], order, asked, exact=exact)


def _conditions(wanted: Filter, viewer: Person | None) -> tuple[str, dict[str, Any]]:
    sql, values = "", dict[str, Any]()
    if wanted.series is not None:
        sql, values = " AND c.series_id = :series_id", {"series_id": wanted.series}
    if wanted.language is not None:
        sql += " AND c.language = :language"
        values["language"] = wanted.language
    if wanted.team is not None:
        sql += " AND EXISTS (SELECT 1 FROM chapter_teams z WHERE z.chapter_id = c.id AND z.team_id = :team)"
        values["team"] = wanted.team
    if rights.sees_all(viewer):
        return sql + ("" if wanted.state != rights.PUBLIC else " AND s.state = 'published'"), values
    if wanted.state != rights.PUBLIC:
        return f"{sql} AND {rights.OWNS_CHAPTER}", {**values, "viewer": rights.viewer_id(viewer)}
    return f"{sql} AND s.state = 'published'", values


def _item(row: _ItemRow) -> ChapterItem:
    return ChapterItem(
        row.sort_key,
        row.total,
        row.id,
        SeriesName(row.series_id, row.series_slug, row.series_title),
        number(row.number_milli),
        row.label,
        row.title,
        row.volume or None,
        row.language,
        team_names(row.teams) if row.teams else [],
        row.state,
        row.published_at,
        row.page_count,
    )
