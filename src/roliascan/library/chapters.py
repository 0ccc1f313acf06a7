"""Chapters: adding, changing, publishing, hiding and ending them."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from roliascan import text
from roliascan.database import Database, Duplicate, Reader, Tx, pieces
from roliascan.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem
from roliascan.ids import is_id, new_id
from roliascan.library import concealing, rights, series
from roliascan.people import teams
from roliascan.people.persons import Person, require_right
from roliascan.storage import Storage

LARGEST_MILLI = 999_999_999
_FARTHEST = timedelta(days=3653)  # ahead: farther is a slip of the pen


class ChapterExists(Conflict):
    code = "chapter_exists"
    detail = "This series has this chapter already: same language, volume, number and releasing teams."


class NoPages(Conflict):
    code = "no_pages"
    detail = "A chapter needs at least one page before it can be published."


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
    key = f"~{folded}"
    return key if len(key) <= 130 else f"{key[:97]}#{_digest(key)}"


def release_key(team_ids: list[str]) -> str:
    """Equal for the same set of releasing teams."""
    return _digest(",".join(sorted(team_ids))) if team_ids else ""


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:32]


def create(tx: Tx, series_id: str, draft: Draft, *, person: Person, now: datetime, id: str | None = None) -> str:
    """Adds a chapter as a draft; its identifier, which one that is taken over from elsewhere brings.

    Raises NotFound, NotAllowed, NotInTeam, Invalid, ChapterExists.
    """
    held = _series(tx, series_id, person=person)
    require_right(person, "chapters.create", owns=held.owns, leads=held.leads)
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    chapter_id = id or new_id(now)
    team_ids = sorted(set(wanted.get("team_ids", [])))
    foreign = teams.require_membership(tx, person=person, team_ids=team_ids)
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
    rights.record_override(
        tx, "add_chapter", person=person, owns=held.owns, kind="series", id=series_id, now=now, chapter=chapter_id
    )
    teams.record_naming(tx, foreign, person=person, now=now, chapter=chapter_id)
    return chapter_id


class _Series(msgspec.Struct):
    state: str
    owns: bool
    leads: bool


def _series(tx: Tx, series_id: str, *, person: Person) -> _Series:
    """The series of a new chapter. It is not locked: the foreign key sees to it that it stays."""
    sql = f"SELECT s.state, {rights.OWNS_SERIES} AS owns, {rights.LEADS_SERIES} AS leads FROM series s WHERE s.id = :id"
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
    leads: bool
    also: str | None = None


_HOLD = f"""
SELECT c.series_id, c.number_milli, c.label, c.state, c.published_at, c.revision, c.page_count, c.version,
    s.state AS series_state, {rights.OWNS_CHAPTER} AS owns, {rights.LEADS_CHAPTER} AS leads, {{also}} AS also
FROM chapters c JOIN series s ON s.id = c.series_id JOIN series_stats t ON t.series_id = s.id WHERE c.id = :id
"""


def hold(tx: Tx, chapter_id: str, *, person: Person, version: int | None = None) -> Held:
    """Locks a chapter that the person may see, its series and its counters, always in this order.

    Raises NotFound, Removed, PreconditionFailed.
    """
    return look(tx, chapter_id, person=person, version=version, lock=" FOR UPDATE")


def look(
    db: Reader, chapter_id: str, *, person: Person, version: int | None = None, lock: str = "", also: str = "NULL"
) -> Held:
    """A chapter that the person may see. `also` is SQL: a text to read along with it.

    Raises NotFound, Removed, PreconditionFailed.
    """
    viewer = rights.viewer_id(person)
    row = db.one(_HOLD.format(also=also) + lock, Held, id=chapter_id, viewer=viewer) if is_id(chapter_id) else None
    if row is None:
        raise series.tombstone(db, "chapter", chapter_id) or NotFound
    rights.require_sight(person, owns=row.owns, states=(row.state, row.series_state))
    if version is not None and version != row.version:
        raise PreconditionFailed
    return row


def change(tx: Tx, chapter_id: str, draft: Draft, *, person: Person, version: int | None, now: datetime) -> None:
    """Changes what is given. Raises NotFound, NotAllowed, NotInTeam, PreconditionFailed, Invalid, ChapterExists."""
    held = hold(tx, chapter_id, person=person, version=version)
    require_right(person, "chapters.change", owns=held.owns, leads=held.leads)
    wanted = {name: getattr(draft, name) for name in Draft.__struct_fields__ if getattr(draft, name) is not UNSET}
    changes: dict[str, Any] = {name: wanted[name] for name in ("label", "title", "language") if name in wanted}
    if "volume" in wanted:
        changes["volume"] = wanted["volume"] or ""
    if "number" in wanted or "label" in wanted:
        milli = thousandths(wanted["number"]) if "number" in wanted else held.number_milli
        changes |= {"number_milli": milli, "number_key": number_key(milli, wanted.get("label", held.label))}
    foreign: frozenset[str] = frozenset()
    if "team_ids" in wanted:
        require_right(person, "chapters.give", owns=held.owns, leads=held.leads)
        team_ids = sorted(set(wanted["team_ids"]))
        foreign = _set_teams(tx, chapter_id, team_ids, person=person)
        changes["release_key"] = release_key(team_ids)
    assignments = "".join(f", {column} = :{column}" for column in changes)
    sql = f"UPDATE chapters SET version = version + 1, updated_at = :now{assignments} WHERE id = :id"
    try:
        tx.write(sql, id=chapter_id, now=now, **changes)
    except Duplicate as taken:
        raise ChapterExists from taken
    owns = held.leads if "team_ids" in wanted else held.owns
    record_override(tx, "edit", held, person=person, owns=owns, id=chapter_id, now=now, fields=sorted(wanted))
    teams.record_naming(tx, foreign, person=person, now=now, chapter=chapter_id)


def record_override(
    tx: Tx, action: str, held: Held, *, person: Person, id: str, now: datetime, owns: bool | None = None, **details: Any
) -> None:
    """Last of what changes a chapter: an entry in the audit log where it belongs to others."""
    rights.record_override(
        tx,
        action,
        person=person,
        owns=held.owns if owns is None else owns,
        kind="chapter",
        id=id,
        now=now,
        series=held.series_id,
        **details,
    )


class _Id(msgspec.Struct):
    id: str


def _set_teams(tx: Tx, chapter_id: str, team_ids: list[str], *, person: Person) -> frozenset[str]:
    """Those of the new teams to which the person does not belong."""
    before = {
        row.id for row in tx.read("SELECT team_id AS id FROM chapter_teams WHERE chapter_id = :id", _Id, id=chapter_id)
    }
    foreign = teams.require_membership(tx, person=person, team_ids=set(team_ids) - before)
    tx.write("DELETE FROM chapter_teams WHERE chapter_id = :id", id=chapter_id)
    tx.insert_many("chapter_teams", [{"chapter_id": chapter_id, "team_id": team} for team in team_ids])
    return foreign


def publish(
    tx: Tx, chapter_id: str, *, person: Person, at: datetime | None, version: int | None = None, now: datetime
) -> None:
    """Shows a chapter now, or schedules it for later; publishing again ends a hiding. The first date stays for good.

    Raises NotFound, NotAllowed, PreconditionFailed, Invalid, NoPages.
    """
    held = hold(tx, chapter_id, person=person, version=version)
    act = "chapters.unhide" if _was_shown(held) and at is None else "chapters.publish"
    require_right(person, act, owns=held.owns, leads=held.leads)
    if at is not None and at > now + _FARTHEST:
        raise Invalid(Problem("at", "must be within the next ten years"))
    if held.page_count == 0:
        raise NoPages
    first = datetime.fromisoformat(held.published_at) if held.published_at else None
    if at is not None and at > now:
        _turn(tx, chapter_id, state="scheduled", publish_at=at, published_at=first, now=now)
        if held.state == rights.PUBLIC:
            concealing.begin(tx, "chapter", chapter_id, now=now)
            _count(tx, held, by=-1)
    elif held.state != rights.PUBLIC:
        _turn(tx, chapter_id, state=rights.PUBLIC, publish_at=None, published_at=first or now, now=now)
        _count(tx, held, by=1)
    action = "show" if _was_shown(held) and at is None else "publish"
    record_override(tx, action, held, person=person, id=chapter_id, now=now, at=at)


_DUE = "state = 'scheduled' AND publish_at <= :now AND page_count > 0"


def due(db: Reader, *, now: datetime, after: str, most: int) -> list[str]:
    """Chapters whose time has come, in the order of their identifiers."""
    sql = f"SELECT id FROM chapters WHERE {_DUE} AND id > :after ORDER BY id LIMIT :most"
    return [row.id for row in db.read(sql, _Id, now=now, after=after, most=most)]


def publish_due(tx: Tx, chapter_id: str, *, now: datetime) -> bool:
    """Shows a chapter whose time has come, as publishing it now would; False where somebody was faster."""
    due = "AND c.state = 'scheduled' AND c.publish_at <= :now AND c.page_count > 0 FOR UPDATE"
    held = tx.one(_HOLD.format(also="NULL") + due, Held, id=chapter_id, viewer=None, now=now)
    if held is None:
        return False
    first = datetime.fromisoformat(held.published_at) if held.published_at else now
    _turn(tx, chapter_id, state=rights.PUBLIC, publish_at=None, published_at=first, now=now)
    _count(tx, held, by=1)
    return True


def _was_shown(held: Held) -> bool:
    """Whether publishing would only end a hiding."""
    return held.state == "hidden" and held.published_at is not None


def hide(
    tx: Tx, chapter_id: str, *, person: Person, reason: str | None, version: int | None = None, now: datetime
) -> None:
    """Takes a chapter out of sight. Raises NotFound, NotAllowed, PreconditionFailed."""
    held = hold(tx, chapter_id, person=person, version=version)
    require_right(person, "chapters.hide", owns=held.owns, leads=held.leads)
    published_at = datetime.fromisoformat(held.published_at) if held.published_at else None
    _turn(tx, chapter_id, state="hidden", publish_at=None, published_at=published_at, reason=reason, now=now)
    if held.published_at:
        concealing.begin(tx, "chapter", chapter_id, now=now)
    if held.state == rights.PUBLIC:
        _count(tx, held, by=-1)
    record_override(tx, "hide", held, person=person, id=chapter_id, now=now, reason=reason)


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


def recount(tx: Tx, series_id: str) -> None:
    """Counts the chapters of a series anew, after some were erased."""
    tx.write(_STATS, id=series_id, by=0)
    published = "SELECT COUNT(*) FROM chapters WHERE series_id = :id AND state = 'published'"
    tx.write(f"UPDATE series_stats SET chapter_count = ({published}) WHERE series_id = :id", id=series_id)


_LATEST = "(SELECT MAX(c.published_at) FROM chapters c WHERE c.series_id = :id AND c.state = 'published')"
_STATS = f"""
UPDATE series_stats SET chapter_count = chapter_count + :by, last_chapter_at = {_LATEST},
    active_at = COALESCE({_LATEST}, (SELECT s.created_at FROM series s WHERE s.id = :id))
WHERE series_id = :id
"""


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
    require_right(person, "chapters.remove", owns=held.owns, leads=held.leads)
    if held.state == rights.PUBLIC:
        tx.write("UPDATE chapters SET state = 'hidden' WHERE id = :id", id=chapter_id)
        _count(tx, held, by=-1)
    if held.published_at:  # of what nobody could see, nobody is told that it was there
        series.bury(tx, kind="chapter", id=chapter_id, slugs=[""], reason=reason, now=now)
    keys = erase(tx, [chapter_id])
    record_override(tx, "delete", held, person=person, id=chapter_id, now=now, reason=reason)
    return keys


def erase(tx: Tx, chapter_ids: list[str]) -> list[str]:
    """Deletes the rows of chapters and all that hangs on them; the storage keys that no row points to any more."""
    sql = "SELECT DISTINCT file_id AS id FROM pages WHERE chapter_id IN (:ids)"
    file_ids = [row.id for row in tx.read(sql, _Id, ids=chapter_ids)]
    for table in ("pages", "chapter_teams", "chapter_stats", "chapter_ratings", "comments"):
        tx.write(f"DELETE FROM {table} WHERE chapter_id IN (:ids)", ids=chapter_ids)
    tx.write("DELETE FROM chapters WHERE id IN (:ids)", ids=chapter_ids)
    return forget_files(tx, file_ids)


class _Key(msgspec.Struct):
    storage_key: str


def forget_files(tx: Tx, file_ids: list[str]) -> list[str]:
    """Deletes the rows of files, of their variants, and those that tell how they were uploaded; all their keys."""
    keys = []
    for ids in pieces(file_ids):
        # Locked first, so that nobody adds a variant to what goes.
        for column in ("id", "original_id"):
            sql = f"SELECT storage_key FROM files WHERE {column} IN (:ids) FOR UPDATE"
            keys += [row.storage_key for row in tx.read(sql, _Key, ids=ids)]
        tx.write("DELETE FROM upload_files WHERE file_id IN (:ids)", ids=ids)
        for column in ("original_id", "id"):
            tx.write(f"DELETE FROM files WHERE {column} IN (:ids)", ids=ids)
    return keys
