"""A chapter as a reader needs it: its pages, their sizes, and the chapters beside it, in one statement."""

import msgspec

from roliascan.database import Reader
from roliascan.errors import NotFound
from roliascan.ids import is_id
from roliascan.library import rights, series
from roliascan.library.naming import CHAPTER_TEAMS, SeriesName, number, team_names
from roliascan.people.persons import Person
from roliascan.people.teams import TeamName
from roliascan.storage import AddressOf


class ChapterPage(msgspec.Struct):
    """A page as a reader needs it: its address, and its size before it is loaded."""

    id: str
    number: int
    url: str
    width: int
    height: int
    bytes: int
    type: str
    wide: bool
    placeholder: str | None
    variants: list["Variant"]


class Variant(msgspec.Struct):
    """Another size or encoding of a page: `thumbnail`, `data-saver`, `jpeg`; a tall one's parts `slice-001` and so on.

    A page has those of them that are of use for it.
    """

    name: str
    url: str
    width: int
    height: int
    bytes: int
    type: str


class Neighbour(msgspec.Struct):
    """The chapter before or after."""

    id: str
    number: int | float | None
    label: str | None
    title: str | None


class Chapter(msgspec.Struct, rename="camel"):
    """A chapter with its pages, all that a reader needs to show it."""

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
    publish_at: str | None
    page_count: int
    pages: list[ChapterPage]
    previous: Neighbour | None
    next: Neighbour | None
    rating: float | None
    rating_count: int
    version: int


class _Row(msgspec.Struct):
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
    publish_at: str | None
    page_count: int
    pages: str | None
    variants: str | None
    previous: str | None
    next: str | None
    rating_sum: int | None
    rating_count: int | None
    version: int
    series_state: str
    release_key: str
    owns: bool


# Two of the databases write booleans as 0 and 1.
_PAGES = msgspec.json.Decoder(list[tuple[int, str, str, int, int, int, str, bool, str | None]], strict=False)
_VARIANTS = msgspec.json.Decoder(list[tuple[int, str, str, int, int, int, str]])
_BESIDE = msgspec.json.Decoder(list[tuple[str, str, str, int | None, str | None, str | None]])


def _beside_sql(side: str, direction: str) -> str:
    """SQL: the chapters of the nearest number before or after `c` in its language; there may be several releases."""
    same = "{0}.series_id = c.series_id AND {0}.language = c.language AND {0}.state = 'published'"
    return f"""(SELECT json_arrayagg(json_array(n.release_key, n.volume, n.id, n.number_milli, n.label, n.title))
     FROM chapters n WHERE {same.format("n")} AND n.number_key = (
       SELECT o.number_key FROM chapters o WHERE {same.format("o")} AND o.number_key {side} c.number_key
       ORDER BY o.number_key {direction} LIMIT 1))"""


_SHOW = f"""
SELECT c.id, c.series_id, s.slug AS series_slug, s.title AS series_title, c.number_milli, c.label, c.title, c.volume,
    c.language, {CHAPTER_TEAMS} AS teams, c.state, c.published_at, c.publish_at, c.page_count,
    (SELECT json_arrayagg(json_array(p.position, f.id, f.storage_key, f.width, f.height, f.bytes, f.type, p.wide,
       f.placeholder))
     FROM pages p JOIN files f ON f.id = p.file_id WHERE p.chapter_id = c.id AND p.revision = c.revision) AS pages,
    (SELECT json_arrayagg(json_array(q.position, v.variant, v.storage_key, v.width, v.height, v.bytes, v.type))
     FROM pages q STRAIGHT_JOIN files v FORCE INDEX (uq_files_original_id_variant) ON v.original_id = q.file_id
     WHERE q.chapter_id = c.id AND q.revision = c.revision) AS variants,
    {_beside_sql("<", "DESC")} AS previous, {_beside_sql(">", "ASC")} AS next,
    t.rating_sum, t.rating_count, c.version, s.state AS series_state, c.release_key, {{owns}} AS owns
FROM chapters c JOIN series s ON s.id = c.series_id LEFT JOIN chapter_stats t ON t.chapter_id = c.id
WHERE c.id = :id
"""
_SHOW_PUBLIC = _SHOW.format(owns=":no")
_SHOW_TO = _SHOW.format(owns=rights.OWNS_CHAPTER)


def show(
    db: Reader, chapter_id: str, *, viewer: Person | None, address_of: AddressOf, changed: bool = False
) -> Chapter:
    """A chapter with its pages and neighbours, in one statement.

    `changed`: the viewer has just changed it, perhaps by giving it away. Raises NotFound, and Removed where a tombstone
    stands.
    """
    if not is_id(chapter_id):
        raise NotFound
    if viewer is None:
        row = db.one(_SHOW_PUBLIC, _Row, id=chapter_id, no=False)
    else:
        row = db.one(_SHOW_TO, _Row, id=chapter_id, viewer=rights.viewer_id(viewer))
    if row is None:
        raise series.tombstone(db, "chapter", chapter_id) or NotFound
    rights.require_sight(viewer, owns=row.owns or changed, states=(row.state, row.series_state))
    return Chapter(
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
        row.publish_at,
        row.page_count,
        _pages(row, address_of),
        _beside(row, row.previous) if row.previous else None,
        _beside(row, row.next) if row.next else None,
        series.mean(row.rating_sum or 0, row.rating_count or 0),
        row.rating_count or 0,
        row.version,
    )


def _pages(row: _Row, address_of: AddressOf) -> list[ChapterPage]:
    found = sorted(_PAGES.decode(row.pages)) if row.pages else []
    variants = _variants(row.variants, address_of) if row.variants else {}
    return [
        ChapterPage(
            page_id, number, address_of(key), width, height, size, kind, wide, placeholder, variants.get(number, [])
        )
        for number, page_id, key, width, height, size, kind, wide, placeholder in found
    ]


_PLACES = {"thumbnail": 0, "data-saver": 1, "jpeg": 3}
"""In which order variants are listed; slices, by their numbers, between these."""


def _variants(written: str, address_of: AddressOf) -> dict[int, list[Variant]]:
    """By the number of their page."""
    found: dict[int, list[Variant]] = {}
    in_order = sorted(_VARIANTS.decode(written), key=lambda one: (_PLACES.get(one[1], 2), one[1]))
    for page, name, key, width, height, size, kind in in_order:
        found.setdefault(page, []).append(Variant(name, address_of(key), width, height, size, kind))
    return found


def _beside(row: _Row, written: str) -> Neighbour | None:
    """Of several releases of one number the one of the same teams, then of the same volume."""
    found = _BESIDE.decode(written)
    if not found:
        return None
    if len(found) > 1:
        found.sort(key=lambda one: (one[0] != row.release_key, one[1] != row.volume, one[2]))
    _, _, chapter_id, milli, label, title = found[0]
    return Neighbour(chapter_id, number(milli), label, title)
