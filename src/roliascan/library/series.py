"""Series: starting, showing, changing them, and the tombstones of those that ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from roliascan import text
from roliascan.database import Reader, Tx
from roliascan.errors import Invalid, NotFound, PreconditionFailed, Problem, Removed
from roliascan.ids import is_id, new_id
from roliascan.library import rights, slugs
from roliascan.library.naming import team_names
from roliascan.library.shapes import ContentRating, Direction, SeriesType, State, Status
from roliascan.people import teams
from roliascan.people.persons import Person, require_right
from roliascan.people.teams import TeamName
from roliascan.storage import AddressOf


class AltTitle(msgspec.Struct):
    """A title in another language (BCP 47 tag)."""

    language: str
    title: str


class Series(msgspec.Struct, rename="camel"):
    """A series with its other titles and its teams."""

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
    titles: list[AltTitle]
    teams: list[TeamName]
    version: int


class _Row(Series):
    """A series as selected: lists as JSON text, the cover as a storage key, the rating in thousandths."""

    titles_json: str | None
    teams_json: str | None
    owns: bool


COLUMNS = """s.id, s.slug, s.title, s.type, s.status, s.direction, s.language, s.content_rating, s.author,
    s.description, f.storage_key AS cover, t.chapter_count, t.rating_milli AS rating, t.rating_count, t.last_chapter_at,
    s.state, s.published_at, s.created_at, s.updated_at"""
FROM = """FROM series s JOIN series_stats t ON t.series_id = s.id LEFT JOIN files f ON f.id = s.cover_file_id"""


class Shown(Protocol):
    """What a list and a single series have in common."""

    cover: str | None
    rating: float | None
    rating_count: int


def finish(rows: Sequence[Shown], address_of: AddressOf) -> None:
    """Turns what was selected into what is shown: a key into an address, thousandths into a number."""
    for row in rows:
        if row.cover is not None:
            row.cover = address_of(row.cover)
        row.rating = row.rating / 1000 if row.rating is not None and row.rating_count else None


def mean_milli(rating_sum: int, rating_count: int) -> int:
    """The mean of ratings in thousandths, halves up, in whole numbers only: equal wherever it is told. 0 of none."""
    return (2000 * rating_sum + rating_count) // (2 * rating_count) if rating_count else 0


def mean(rating_sum: int, rating_count: int) -> float | None:
    """The mean of ratings as people see it, with three decimals; None of none."""
    return mean_milli(rating_sum, rating_count) / 1000 if rating_count else None


_SHOW = f"""
SELECT {COLUMNS}, '' AS titles, '' AS teams, s.version,
    (SELECT json_arrayagg(json_array(a.position, a.language, a.title)) FROM series_titles a
     WHERE a.series_id = s.id) AS titles_json,
    (SELECT json_arrayagg(json_array(g.id, g.name)) FROM series_teams h JOIN teams g ON g.id = h.team_id
     WHERE h.series_id = s.id) AS teams_json,
    {{owns}} AS owns
{FROM} WHERE {{which}}
"""
_TITLES = msgspec.json.Decoder(list[tuple[int, str, str]])
_BY_ID = "s.id = :wanted"
_BY_SLUG = "s.id = (SELECT k.series_id FROM series_slugs k WHERE k.slug = :wanted)"
_SHOWS = {
    (signed_in, which): _SHOW.format(owns=rights.OWNS_SERIES if signed_in else ":no", which=which)
    for signed_in in (False, True)
    for which in (_BY_ID, _BY_SLUG)
}


def show(db: Reader, wanted: str, *, viewer: Person | None, address_of: AddressOf, changed: bool = False) -> Series:
    """A series by identifier, by slug, or by a slug that it once had (then its `slug` is another), in one statement.

    `changed`: the viewer has just changed it, perhaps by giving it away. Raises NotFound, and Removed where a tombstone
    stands.
    """
    sql = _SHOWS[viewer is not None, _BY_ID if is_id(wanted) else _BY_SLUG]
    row = db.one(sql, _Row, wanted=wanted, viewer=rights.viewer_id(viewer), no=False)
    if row is None:
        raise tombstone(db, "series", wanted) or NotFound
    rights.require_sight(viewer, owns=row.owns or changed, states=(row.state,))
    finish([row], address_of)
    titles = _TITLES.decode(row.titles_json) if row.titles_json else []
    row.titles = [AltTitle(language, title) for _, language, title in sorted(titles)]
    row.teams = team_names(row.teams_json)
    return Series(*(getattr(row, name) for name in Series.__struct_fields__))


class _Reason(msgspec.Struct):
    reason: str | None


def tombstone(db: Reader, kind: str, wanted: str) -> Removed | None:
    """The refusal for what was deleted on purpose, by identifier or slug."""
    column = "id" if is_id(wanted) else "slug"
    sql = f"SELECT reason FROM tombstones WHERE kind = :kind AND {column} = :wanted"
    row = db.one(sql, _Reason, kind=kind, wanted=wanted)
    return Removed(row.reason) if row else None


class Draft(msgspec.Struct, kw_only=True):
    """What a series is made of, when it is started or changed. What is unset stays, or takes its default."""

    title: str | UnsetType = UNSET
    author: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    type: SeriesType | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET
    language: str | UnsetType = UNSET
    content_rating: ContentRating | UnsetType = UNSET
    titles: list[AltTitle] | UnsetType = UNSET
    team_ids: list[str] | UnsetType = UNSET
    cover_id: str | UnsetType | None = UNSET
    state: State | UnsetType = UNSET


_DEFAULTS = {
    "author": "Unknown",
    "description": "",
    "type": "manga",
    "status": "ongoing",
    "language": "und",
    "content_rating": "safe",
    "state": "published",
}
_DIRECTIONS = {"manga": "rtl", "webtoon": "ttb", "manhwa": "ttb"}
_PLAIN = ("title", "author", "description", "type", "status", "direction", "language", "content_rating")


def create(
    tx: Tx, draft: Draft, *, person: Person, now: datetime, id: str | None = None, slug: str | None = None
) -> str:
    """Starts a series; its identifier. Raises NotAllowed, NotInTeam, Invalid.

    One that is taken over from elsewhere brings its `id`, and the `slug` that it would like to keep.
    """
    require_right(person, "series.create")
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    columns = {name: (_DEFAULTS | wanted).get(name) for name in (*_PLAIN, "state")}
    columns["description"] = columns["description"] or ""
    columns["direction"] = columns["direction"] or _DIRECTIONS.get(str(columns["type"]), "ltr")
    series_id = id or new_id(now)
    row: dict[str, Any] = {
        **columns,
        "id": series_id,
        "slug": series_id,  # until one of its own is claimed, within this transaction
        "title_key": text.sort_key(str(columns["title"])),
        "published_at": now if columns["state"] == rights.PUBLIC else None,
        "cover_file_id": _cover(tx, wanted.get("cover_id"), person=person),
        "created_by": rights.viewer_id(person),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    tx.insert_many("series", [row])
    tx.write(
        "UPDATE series SET slug = :slug WHERE id = :id",
        id=series_id,
        slug=slugs.claim(tx, series_id=series_id, title=slug or row["title"]),
    )
    tx.write(
        "INSERT INTO series_stats (series_id, chapter_count, rating_sum, rating_count, rating_milli, active_at)"
        " VALUES (:id, 0, 0, 0, 0, :now)",
        id=series_id,
        now=now,
    )
    foreign = _set_teams(tx, series_id, wanted.get("team_ids", []), person=person)
    _set_titles(tx, series_id, wanted.get("titles", []))
    _index_words(tx, series_id)
    if columns["state"] == rights.PUBLIC:
        count(tx, series=1, chapters=0)
    teams.record_naming(tx, foreign, person=person, now=now, series=series_id)
    return series_id


class _Held(msgspec.Struct):
    title: str
    state: str
    published_at: str | None
    version: int
    chapter_count: int
    cover_file_id: str | None
    owns: bool
    leads: bool


_HOLD = f"""
SELECT s.title, s.state, s.published_at, s.version, t.chapter_count, s.cover_file_id, {rights.OWNS_SERIES} AS owns,
    {rights.LEADS_SERIES} AS leads
FROM series s JOIN series_stats t ON t.series_id = s.id WHERE s.id = :id"""


def hold(tx: Tx, series_id: str, *, person: Person, version: int | None = None) -> _Held:
    """Locks a series that the person may see. Raises NotFound, Removed, PreconditionFailed."""
    return look(tx, series_id, person=person, version=version, lock=" FOR UPDATE")


def look(db: Reader, series_id: str, *, person: Person, version: int | None = None, lock: str = "") -> _Held:
    """A series that the person may see. Raises NotFound, Removed, PreconditionFailed."""
    viewer = rights.viewer_id(person)
    row = db.one(_HOLD + lock, _Held, id=series_id, viewer=viewer) if is_id(series_id) else None
    if row is None:
        raise tombstone(db, "series", series_id) or NotFound
    rights.require_sight(person, owns=row.owns, states=(row.state,))
    if version is not None and version != row.version:
        raise PreconditionFailed
    return row


def change(tx: Tx, series_id: str, draft: Draft, *, person: Person, version: int | None, now: datetime) -> list[str]:
    """Changes what is given; a new title brings a new slug, the old one redirects.

    The storage keys that no row points to any more: that of a cover which was replaced.

    Raises NotFound, NotAllowed, NotInTeam, PreconditionFailed, Invalid.
    """
    held = hold(tx, series_id, person=person, version=version)
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    only_hides = _only_hides(held, wanted)
    require_right(person, "series.hide" if only_hides else "series.change", owns=held.owns, leads=held.leads)
    changes: dict[str, Any] = {name: wanted[name] for name in _PLAIN if name in wanted}
    if "description" in changes:
        changes["description"] = changes["description"] or ""
    if "title" in changes:
        changes["title_key"] = text.sort_key(changes["title"])
    if changes.get("title", held.title) != held.title:
        changes["slug"] = slugs.claim(tx, series_id=series_id, title=changes["title"])
    if "cover_id" in wanted:
        changes["cover_file_id"] = _cover(tx, wanted["cover_id"], person=person, before=held.cover_file_id)
    if "state" in wanted and wanted["state"] != held.state:
        changes |= _turn(tx, series_id, held, wanted["state"], now=now)
    assignments = "".join(f", {column} = :{column}" for column in changes)
    sql = f"UPDATE series SET version = version + 1, updated_at = :now{assignments} WHERE id = :id"
    tx.write(sql, id=series_id, now=now, **changes)
    foreign: frozenset[str] = frozenset()
    if "team_ids" in wanted:
        require_right(person, "series.give", owns=held.owns, leads=held.leads)
        foreign = _set_teams(tx, series_id, wanted["team_ids"], person=person)
    if "titles" in wanted:
        _set_titles(tx, series_id, wanted["titles"])
    if {"title", "author", "description", "titles"} & set(wanted):
        _index_words(tx, series_id)
    gone = _forget_cover(tx, held.cover_file_id, changes)
    rights.record_override(
        tx,
        _TURNS.get(wanted["state"], "edit") if set(wanted) == {"state"} else "edit",
        person=person,
        owns=held.leads if "team_ids" in wanted else held.owns,
        kind="series",
        id=series_id,
        now=now,
        fields=sorted(wanted),
    )
    teams.record_naming(tx, foreign, person=person, now=now, series=series_id)
    return gone


_TURNS = {"hidden": "hide", rights.PUBLIC: "show"}


def _forget_cover(tx: Tx, before: str | None, changes: Mapping[str, Any]) -> list[str]:
    if before is None or changes.get("cover_file_id", before) == before:
        return []
    from roliascan.library import removal  # which no reader needs

    return removal.forget_cover(tx, before)


def _only_hides(held: _Held, wanted: dict[str, Any]) -> bool:
    """Whether this takes a series out of sight, or shows again what was shown before, and nothing else."""
    if set(wanted) != {"state"}:
        return False
    shown_before = held.state == "hidden" and held.published_at is not None
    return wanted["state"] == "hidden" or (wanted["state"] == rights.PUBLIC and shown_before)


def _turn(tx: Tx, series_id: str, held: _Held, state: str, *, now: datetime) -> dict[str, Any]:
    """What changes when a series is shown or no longer shown: its columns, and the counters of the site."""
    if state == rights.PUBLIC:
        count(tx, series=1, chapters=held.chapter_count)
        return {"state": state} if held.published_at else {"state": state, "published_at": now}
    if held.state == rights.PUBLIC:
        from roliascan.library import concealing  # which no reader needs

        concealing.begin(tx, "series", series_id, now=now)
        count(tx, series=-1, chapters=-held.chapter_count)
    return {"state": state}


def due(db: Reader, *, now: datetime, after: str, most: int) -> list[str]:
    """Series whose time has come, in the order of their identifiers."""
    sql = (
        "SELECT id FROM series WHERE state = 'scheduled' AND publish_at <= :now AND id > :after ORDER BY id LIMIT :most"
    )
    return [row.id for row in db.read(sql, _Id, now=now, after=after, most=most)]


def publish_due(tx: Tx, series_id: str, *, now: datetime) -> bool:
    """Shows a series whose time has come; False where somebody was faster."""
    sql = f"{_HOLD} AND s.state = 'scheduled' AND s.publish_at <= :now FOR UPDATE"
    held = tx.one(sql, _Held, id=series_id, viewer=None, now=now)
    if held is None:
        return False
    tx.write(
        "UPDATE series SET state = 'published', publish_at = NULL, published_at = :now, version = version + 1,"
        " updated_at = :now WHERE id = :id",
        id=series_id,
        now=now,
    )
    count(tx, series=1, chapters=held.chapter_count)
    return True


def count(tx: Tx, *, series: int, chapters: int) -> None:
    """Counters are touched last: everybody waits for them, so nobody should hold them for long."""
    sql = "UPDATE counters SET value = value + :by WHERE name = :name"
    tx.write(sql, by=chapters, name="chapters")
    tx.write(sql, by=series, name="series")


def _set_teams(tx: Tx, series_id: str, team_ids: list[str], *, person: Person) -> frozenset[str]:
    """Those of the new teams to which the person does not belong."""
    before = {
        row.id for row in tx.read("SELECT team_id AS id FROM series_teams WHERE series_id = :id", _Id, id=series_id)
    }
    foreign = teams.require_membership(tx, person=person, team_ids=set(team_ids) - before)
    tx.write("DELETE FROM series_teams WHERE series_id = :id", id=series_id)
    tx.insert_many("series_teams", [{"series_id": series_id, "team_id": team} for team in sorted(set(team_ids))])
    return foreign


def _set_titles(tx: Tx, series_id: str, titles: list[AltTitle]) -> None:
    tx.write("DELETE FROM series_titles WHERE series_id = :id", id=series_id)
    rows = [
        {"series_id": series_id, "position": place, "language": one.language, "title": one.title}
        for place, one in enumerate(titles)
    ]
    tx.insert_many("series_titles", rows)


class _Words(msgspec.Struct):
    words: str


_WORDS = """
SELECT title AS words FROM series WHERE id = :id UNION ALL SELECT author FROM series WHERE id = :id
UNION ALL SELECT description FROM series WHERE id = :id UNION ALL SELECT title FROM series_titles WHERE series_id = :id
"""


def _index_words(tx: Tx, series_id: str) -> None:
    found = text.terms(*(row.words for row in tx.read(_WORDS, _Words, id=series_id)))
    tx.write("DELETE FROM search_terms WHERE series_id = :id", id=series_id)
    tx.insert_many("search_terms", [{"term": term, "series_id": series_id} for term in sorted(found)])


class _Id(msgspec.Struct):
    id: str


def _cover(tx: Tx, file_id: str | None, *, person: Person, before: str | None = None) -> str | None:
    """A cover is an image that the person uploaded by itself. From now on only who sees the series sees it.

    Nobody, whatever they may edit, takes an image of somebody else's so. Raises Invalid.
    """
    if file_id is None or file_id == before:
        return file_id
    sql = "SELECT id FROM files WHERE id = :id AND state = 'ready' AND purpose <> 'page' AND type LIKE 'image/%'"
    sql += " AND owner_id = :owner" if person.id else ""  # at the command line files may be nobody's
    sql += " FOR UPDATE"  # who forgets the file at this moment comes before or after, also without foreign keys
    if not is_id(file_id) or not tx.one(sql, _Id, id=file_id, owner=rights.viewer_id(person)):
        raise Invalid(Problem("coverId", "is not an image that you uploaded"))
    tx.write("UPDATE files SET purpose = 'cover' WHERE id = :id AND purpose = 'file'", id=file_id)
    return file_id


def bury(tx: Tx, *, kind: str, id: str, slugs: list[str], reason: str | None, now: datetime) -> None:
    """Leaves a tombstone for each of its slugs, so that its addresses answer that it was removed, and why."""
    for slug in slugs:
        tx.write(
            "INSERT INTO tombstones (kind, id, slug, reason, at) VALUES (:kind, :id, :slug, :reason, :now)"
            " ON CONFLICT (kind, id, slug) DO NOTHING",
            kind=kind,
            id=id,
            slug=slug,
            reason=reason,
            now=now,
        )
