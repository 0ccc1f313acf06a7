"""Chapters: adding, finding, showing, publishing, hiding and ending them."""

import re
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from roliascan import text
from roliascan.database import Database, Duplicate, Reader, Tx
from roliascan.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem
from roliascan.ids import is_id, new_id
from roliascan.library import rights, series
from roliascan.library.shapes import State
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people import teams
from roliascan.people.persons import Person, may
from roliascan.people.teams import TeamName
from roliascan.storage import Storage

LARGEST_MILLI = 999_999_999


class ChapterExists(Conflict):
    code = "chapter_exists"
    detail = "This series has this chapter already: same language, volume, number and releasing teams."


class NoPages(Conflict):
    code = "no_pages"
    detail = "A chapter needs at least one page before it can be published."


class SeriesName(msgspec.Struct):
    """A series where it is only named."""

    id: str
    slug: str
    title: str


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
    """Another size or encoding of a page."""

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
    previous: str | None
    next: str | None
    rating_sum: int | None
    rating_count: int | None
    version: int
    series_state: str
    release_key: str
    owns: bool


class _PageRow(msgspec.Struct, array_like=True):
    number: int
    id: str
    key: str
    width: int
    height: int
    bytes: int
    type: str
    wide: bool
    placeholder: str | None


_PAGES = msgspec.json.Decoder(list[_PageRow], strict=False)  # two of the databases write booleans as 0 and 1
_BESIDE = msgspec.json.Decoder(list[tuple[str, str, str, int | None, str | None, str | None]])

_TEAMS = """(SELECT json_arrayagg(json_array(g.id, g.name)) FROM chapter_teams h JOIN teams g ON g.id = h.team_id
     WHERE h.chapter_id = c.id)"""


def _beside_sql(side: str, nearest: str) -> str:
    """SQL: the chapters of the nearest number before or after `c` in its language; there may be several releases."""
    same = "{0}.series_id = c.series_id AND {0}.language = c.language AND {0}.state = 'published'"
    return f"""(SELECT json_arrayagg(json_array(n.release_key, n.volume, n.id, n.number_milli, n.label, n.title))
     FROM chapters n WHERE {same.format("n")} AND n.number_key = (
       SELECT {nearest}(o.number_key) FROM chapters o
       WHERE {same.format("o")} AND o.number_key {side} c.number_key))"""  # noqa: S608 - our own text


_SHOW = f"""
SELECT c.id, c.series_id, s.slug AS series_slug, s.title AS series_title, c.number_milli, c.label, c.title, c.volume,
    c.language, {_TEAMS} AS teams, c.state, c.published_at, c.publish_at, c.page_count,
    (SELECT json_arrayagg(json_array(p.position, f.id, f.storage_key, f.width, f.height, f.bytes, f.type, p.wide,
       f.placeholder))
     FROM pages p JOIN files f ON f.id = p.file_id WHERE p.chapter_id = c.id AND p.revision = c.revision) AS pages,
    {_beside_sql("<", "MAX")} AS previous, {_beside_sql(">", "MIN")} AS next,
    t.rating_sum, t.rating_count, c.version, s.state AS series_state, c.release_key, {{owns}} AS owns
FROM chapters c JOIN series s ON s.id = c.series_id LEFT JOIN chapter_stats t ON t.chapter_id = c.id
WHERE c.id = :id
"""  # noqa: S608 - our own text
_SHOW_PUBLIC = _SHOW.format(owns=":no")
_SHOW_TO = _SHOW.format(owns=rights.OWNS_CHAPTER)


def show(db: Reader, chapter_id: str, *, viewer: Person | None, files_at: str) -> Chapter:
    """A chapter with its pages and neighbours, in one statement. `files_at` is what addresses of files begin with.

    Raises NotFound, and Removed where a tombstone stands.
    """
    if not is_id(chapter_id):
        raise NotFound
    if viewer is None:
        row = db.one(_SHOW_PUBLIC, _Row, id=chapter_id, no=False)
    else:
        row = db.one(_SHOW_TO, _Row, id=chapter_id, viewer=rights.viewer_id(viewer))
    if row is None:
        raise series.tombstone(db, "chapter", chapter_id) or NotFound
    rights.require_sight(viewer, owns=row.owns, states=(row.state, row.series_state))
    return Chapter(
        id=row.id,
        series=SeriesName(row.series_id, row.series_slug, row.series_title),
        number=number(row.number_milli),
        label=row.label,
        title=row.title,
        volume=row.volume or None,
        language=row.language,
        teams=series.team_names(row.teams) if row.teams else [],
        state=row.state,
        published_at=row.published_at,
        publish_at=row.publish_at,
        page_count=row.page_count,
        pages=_pages(row.pages, files_at) if row.pages else [],
        previous=_beside(row, row.previous),
        next=_beside(row, row.next),
        rating=round(row.rating_sum / row.rating_count, 3) if row.rating_sum and row.rating_count else None,
        rating_count=row.rating_count or 0,
        version=row.version,
    )


def _pages(written: str, files_at: str) -> list[ChapterPage]:
    found = _PAGES.decode(written)
    found.sort(key=_number_of)
    return [
        ChapterPage(p.id, p.number, files_at + p.key, p.width, p.height, p.bytes, p.type, p.wide, p.placeholder, [])
        for p in found
    ]


def _number_of(page: _PageRow) -> int:
    return page.number


def _beside(row: _Row, written: str | None) -> Neighbour | None:
    """Of several releases of one number the one of the same teams, then of the same volume."""
    found = _BESIDE.decode(written) if written else []
    if not found:
        return None
    _, _, chapter_id, milli, label, title = min(
        found, key=lambda one: (one[0] != row.release_key, one[1] != row.volume, one[2])
    )
    return Neighbour(chapter_id, number(milli), label, title)


def number(milli: int | None) -> int | float | None:
    """A number of thousandths as people write it: 10500 is 10.5, 10000 is 10."""
    if milli is None:
        return None
    return milli // 1000 if milli % 1000 == 0 else milli / 1000


_ITEM = f"""c.id, c.series_id, s.slug AS series_slug, s.title AS series_title, c.number_milli, c.label, c.title, c.volume,
    c.language, {_TEAMS} AS teams, c.state, c.published_at, c.page_count"""  # noqa: S608 - our own text

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
    wanted.series = series_id
    order = BY_NUMBER if sort == "number" else NEWEST
    page = _list(db, asked, wanted, order=order, total="t.chapter_count", viewer=viewer)
    if not page.data:  # nothing tells yet whether there is such a series
        series.show(db, series_id, viewer=viewer, files_at="")
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
        f"SELECT {order.key} AS sort_key, {total if exact else 'NULL'} AS total, {_ITEM}"  # noqa: S608
        f" FROM chapters c JOIN series s ON s.id = c.series_id {stats} WHERE c.state = :state"
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
    if may(viewer, "see:any"):
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
        series.team_names(row.teams) if row.teams else [],
        row.state,
        row.published_at,
        row.page_count,
    )


class Draft(msgspec.Struct, kw_only=True):
    """What a chapter is called, when it is added or changed. What is unset stays, or takes its default."""

    number: Decimal | UnsetType | None = UNSET
    label: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    volume: str | UnsetType | None = UNSET
    language: str | UnsetType = UNSET
    team_ids: list[str] | UnsetType = UNSET


def thousandths(value: Decimal | None) -> int | None:
    """An exact chapter number, 0 to 999999.999, in thousandths. Raises Invalid."""
    if value is None:
        return None
    milli = value * 1000 if value.is_finite() and abs(value) < 10**7 else Decimal(-1)
    if milli != int(milli) or not 0 <= milli <= LARGEST_MILLI:
        raise Invalid(Problem("number", "must be 0 to 999999.999 with at most 3 decimals"))
    return int(milli)


def number_key(milli: int | None, label: str | None) -> str:
    """The key that sorts chapters by value on every database; labels come after all numbers. Raises Invalid."""
    if milli is not None:
        return f"{milli:09d}"
    folded = re.sub(r"\s+", " ", text.fold(label or "")).strip()
    if not folded:
        raise Invalid(Problem("label", "is needed where there is no number"))
    return f"~{folded}"[:130]


def release_key(team_ids: list[str]) -> str:
    """Equal for the same set of releasing teams."""
    return sha256(",".join(sorted(team_ids)).encode()).hexdigest()[:32] if team_ids else ""


def create(tx: Tx, series_id: str, draft: Draft, *, person: Person, now: datetime) -> str:
    """Adds a chapter as a draft; its identifier. Raises NotFound, NotAllowed, NotInTeam, Invalid, ChapterExists."""
    held = _series(tx, series_id, person=person)
    rights.require_edit(person, "create:chapter", owns=held.owns, override="delete:any")
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    chapter_id = new_id(now)
    team_ids = teams.require_membership(tx, person=person, team_ids=wanted.get("team_ids", []))
    milli = thousandths(wanted.get("number"))
    row: dict[str, Any] = {
        "id": chapter_id,
        "series_id": series_id,
        "language": wanted.get("language", "und"),
        "volume": wanted.get("volume") or "",
        "number_milli": milli,
        "label": wanted.get("label"),
        "number_key": number_key(milli, wanted.get("label")),
        "release_key": release_key(team_ids),
        "title": wanted.get("title"),
        "state": "draft",
        "revision": 0,
        "page_count": 0,
        "version": 1,
        "created_by": rights.viewer_id(person),
        "created_at": now,
        "updated_at": now,
    }
    try:
        tx.insert_many("chapters", [row])
    except Duplicate as taken:
        raise ChapterExists from taken
    tx.insert_many("chapter_teams", [{"chapter_id": chapter_id, "team_id": team} for team in team_ids])
    return chapter_id


class _Series(msgspec.Struct):
    state: str
    owns: bool


def _series(tx: Tx, series_id: str, *, person: Person) -> _Series:
    """The series of a new chapter. It is not locked: the foreign key sees to it that it stays."""
    sql = f"SELECT s.state, {rights.OWNS_SERIES} AS owns FROM series s WHERE s.id = :id"  # noqa: S608 - our own text
    row = tx.one(sql, _Series, id=series_id, viewer=rights.viewer_id(person)) if is_id(series_id) else None
    if row is None:
        raise series.tombstone(tx, "series", series_id) or NotFound
    rights.require_sight(person, owns=row.owns, states=(row.state,))
    return row


class Held(msgspec.Struct):
    """A chapter under lock."""

    series_id: str
    number_milli: int | None
    label: str | None
    state: str
    published_at: str | None
    revision: int
    page_count: int
    version: int
    series_state: str
    owns: bool


_HOLD = f"""
SELECT c.series_id, c.number_milli, c.label, c.state, c.published_at, c.revision, c.page_count, c.version,
    s.state AS series_state, {rights.OWNS_CHAPTER} AS owns
FROM chapters c JOIN series s ON s.id = c.series_id JOIN series_stats t ON t.series_id = s.id WHERE c.id = :id
"""  # noqa: S608 - our own text


def hold(tx: Tx, chapter_id: str, *, person: Person, version: int | None = None) -> Held:
    """Locks a chapter that the person may see, its series and its counters, always in this order.

    Raises NotFound, Removed, PreconditionFailed.
    """
    return look(tx, chapter_id, person=person, version=version, lock=" FOR UPDATE")


def look(db: Reader, chapter_id: str, *, person: Person, version: int | None = None, lock: str = "") -> Held:
    """A chapter that the person may see. Raises NotFound, Removed, PreconditionFailed."""
    viewer = rights.viewer_id(person)
    row = db.one(_HOLD + lock, Held, id=chapter_id, viewer=viewer) if is_id(chapter_id) else None
    if row is None:
        raise series.tombstone(db, "chapter", chapter_id) or NotFound
    rights.require_sight(person, owns=row.owns, states=(row.state, row.series_state))
    if version is not None and version != row.version:
        raise PreconditionFailed
    return row


def change(tx: Tx, chapter_id: str, draft: Draft, *, person: Person, version: int | None, now: datetime) -> None:
    """Changes what is given. Raises NotFound, NotAllowed, NotInTeam, PreconditionFailed, Invalid, ChapterExists."""
    held = hold(tx, chapter_id, person=person, version=version)
    rights.require_edit(person, "update:chapter", owns=held.owns)
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    changes: dict[str, Any] = {name: wanted[name] for name in ("label", "title", "language") if name in wanted}
    if "volume" in wanted:
        changes["volume"] = wanted["volume"] or ""
    if "number" in wanted or "label" in wanted:
        milli = thousandths(wanted["number"]) if "number" in wanted else held.number_milli
        changes |= {"number_milli": milli, "number_key": number_key(milli, wanted.get("label", held.label))}
    if "team_ids" in wanted:
        changes["release_key"] = release_key(_set_teams(tx, chapter_id, wanted["team_ids"], person=person))
    assignments = "".join(f", {column} = :{column}" for column in changes)
    sql = f"UPDATE chapters SET version = version + 1, updated_at = :now{assignments} WHERE id = :id"  # noqa: S608
    try:
        tx.write(sql, id=chapter_id, now=now, **changes)
    except Duplicate as taken:
        raise ChapterExists from taken


class _Id(msgspec.Struct):
    id: str


def _set_teams(tx: Tx, chapter_id: str, team_ids: list[str], *, person: Person) -> list[str]:
    before = {
        row.id for row in tx.read("SELECT team_id AS id FROM chapter_teams WHERE chapter_id = :id", _Id, id=chapter_id)
    }
    teams.require_membership(tx, person=person, team_ids=set(team_ids) - before)
    after = sorted(set(team_ids))
    tx.write("DELETE FROM chapter_teams WHERE chapter_id = :id", id=chapter_id)
    tx.insert_many("chapter_teams", [{"chapter_id": chapter_id, "team_id": team} for team in after])
    return after


def publish(tx: Tx, chapter_id: str, *, person: Person, at: datetime | None, now: datetime) -> None:
    """Shows a chapter now, or schedules it for later; publishing again ends a hiding, and keeps the first date.

    Raises NotFound, NotAllowed, NoPages.
    """
    held = hold(tx, chapter_id, person=person)
    rights.require_edit(
        person, "update:chapter", owns=held.owns, override="hide:any" if held.state == "hidden" else "delete:any"
    )
    if held.page_count == 0:
        raise NoPages
    if at is not None and at > now:
        _turn(tx, chapter_id, state="scheduled", publish_at=at, published_at=None, now=now)
        if held.state == rights.PUBLIC:
            _count(tx, held, by=-1)
    elif held.state != rights.PUBLIC:
        first = datetime.fromisoformat(held.published_at) if held.published_at else now
        _turn(tx, chapter_id, state=rights.PUBLIC, publish_at=None, published_at=first, now=now)
        _count(tx, held, by=1)


def hide(tx: Tx, chapter_id: str, *, person: Person, reason: str | None, now: datetime) -> None:
    """Takes a chapter out of sight. Raises NotFound, NotAllowed."""
    held = hold(tx, chapter_id, person=person)
    rights.require_edit(person, "update:chapter", owns=held.owns, override="hide:any")
    published_at = datetime.fromisoformat(held.published_at) if held.published_at else None
    _turn(tx, chapter_id, state="hidden", publish_at=None, published_at=published_at, reason=reason, now=now)
    if held.state == rights.PUBLIC:
        _count(tx, held, by=-1)


def _turn(
    tx: Tx,
    chapter_id: str,
    *,
    state: str,
    publish_at: datetime | None,
    published_at: datetime | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    tx.write(
        "UPDATE chapters SET state = :state, publish_at = :publish_at, published_at = :published_at,"
        " hidden_reason = :reason, version = version + 1, updated_at = :now WHERE id = :id",
        id=chapter_id,
        state=state,
        publish_at=publish_at,
        published_at=published_at,
        reason=reason,
        now=now,
    )


_LATEST = "(SELECT MAX(c.published_at) FROM chapters c WHERE c.series_id = :id AND c.state = 'published')"
_STATS = f"""
UPDATE series_stats SET chapter_count = chapter_count + :by, last_chapter_at = {_LATEST},
    active_at = COALESCE({_LATEST}, (SELECT s.created_at FROM series s WHERE s.id = :id))
WHERE series_id = :id
"""  # noqa: S608 - our own text


def _count(tx: Tx, held: Held, *, by: int) -> None:
    """After a chapter came into sight or went: its series' counters, and last, for all wait there, the site's."""
    tx.write(_STATS, id=held.series_id, by=by)
    if held.series_state == rights.PUBLIC:
        tx.write("UPDATE counters SET value = value + :by WHERE name = 'chapters'", by=by)


def remove(
    db: Database,
    storage: Storage,
    chapter_id: str,
    *,
    person: Person,
    reason: str | None,
    version: int | None,
    now: datetime,
) -> None:
    """Ends a chapter, with a tombstone; then its files. Raises NotFound, NotAllowed, PreconditionFailed."""
    for key in db.run(_remove, chapter_id, person=person, reason=reason, version=version, now=now):
        storage.delete(key)


def _remove(
    tx: Tx, chapter_id: str, *, person: Person, reason: str | None, version: int | None, now: datetime
) -> list[str]:
    held = hold(tx, chapter_id, person=person, version=version)
    rights.require_edit(person, "update:chapter", owns=held.owns, override="delete:any")
    if held.state == rights.PUBLIC:
        tx.write("UPDATE chapters SET state = 'hidden' WHERE id = :id", id=chapter_id)
        _count(tx, held, by=-1)
    series.bury(tx, kind="chapter", id=chapter_id, slug=None, reason=reason, now=now)
    return erase(tx, [chapter_id])


def erase(tx: Tx, chapter_ids: list[str]) -> list[str]:
    """Deletes the rows of chapters and all that hangs on them; the storage keys that no row points to any more."""
    files = tx.read(
        "SELECT DISTINCT f.id, f.storage_key FROM pages p JOIN files f ON f.id = p.file_id WHERE p.chapter_id IN (:ids)",
        FileKey,
        ids=chapter_ids,
    )
    for table in ("pages", "chapter_teams", "chapter_stats", "chapter_ratings", "comments"):
        tx.write(f"DELETE FROM {table} WHERE chapter_id IN (:ids)", ids=chapter_ids)  # noqa: S608 - names of ours
    tx.write("DELETE FROM chapters WHERE id IN (:ids)", ids=chapter_ids)
    forget_files(tx, [file.id for file in files])
    return [file.storage_key for file in files]


class FileKey(msgspec.Struct):
    """A file and where its bytes are."""

    id: str
    storage_key: str


def forget_files(tx: Tx, file_ids: list[str]) -> None:
    for start in range(0, len(file_ids), 200):
        tx.write("DELETE FROM files WHERE id IN (:ids)", ids=file_ids[start : start + 200])
