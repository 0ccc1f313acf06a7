"""Ending a series with all its chapters: in steps that each fit into a transaction, so that readers never wait."""

from datetime import datetime

import msgspec

from roliascan.database import Database, Reader, Tx
from roliascan.library import chapters, concealing, rights, series
from roliascan.people.persons import Person, require_right
from roliascan.storage import Storage

STEP = 50  # chapters in one transaction


class _Id(msgspec.Struct):
    id: str


class _Slug(msgspec.Struct):
    slug: str


class _Published(msgspec.Struct):
    published_at: str | None


def remove(
    db: Database,
    storage: Storage,
    series_id: str,
    *,
    person: Person,
    reason: str | None,
    version: int | None,
    now: datetime,
) -> None:
    """Hides a series, then ends its chapters step by step, then itself; cut short, doing it again goes on.

    Rows go first: cut short, it can also be shown again, and what is left of it has to be whole. Bytes whose turn did
    not come are swept. Raises NotFound, NotAllowed, PreconditionFailed.
    """
    db.run(_close, series_id, person=person, reason=reason, version=version, now=now)
    while step := _next(db, series_id):
        for key in db.run(_erase, series_id, step):
            storage.delete(key)
    for key in db.run(_end, series_id, reason=reason, now=now):
        storage.delete(key)


def _close(tx: Tx, series_id: str, *, person: Person, reason: str | None, version: int | None, now: datetime) -> None:
    held = series.hold(tx, series_id, person=person, version=version)
    require_right(person, "series.remove", owns=held.owns, leads=held.leads)
    if held.state == rights.PUBLIC:
        tx.write("UPDATE series SET state = 'hidden', updated_at = :now WHERE id = :id", id=series_id, now=now)
        concealing.begin(tx, "series", series_id, now=now)  # cut short, it stays hidden
        series.count(tx, series=-1, chapters=-held.chapter_count)
    told = {"title": held.title, "reason": reason}
    rights.record_override(tx, "delete", person=person, owns=held.leads, kind="series", id=series_id, now=now, **told)


def _next(db: Reader, series_id: str) -> list[str]:
    sql = f"SELECT id FROM chapters WHERE series_id = :id ORDER BY id LIMIT {STEP}"
    return [row.id for row in db.read(sql, _Id, id=series_id)]


def _erase(tx: Tx, series_id: str, chapter_ids: list[str]) -> list[str]:
    # locked first: pages that are being added must be there or be refused before we look for files
    tx.read("SELECT id FROM chapters WHERE id IN (:ids) ORDER BY id FOR UPDATE", _Id, ids=chapter_ids)
    before = tx.one(_SHOWN, _Shown, id=series_id)
    keys = chapters.erase(tx, chapter_ids)
    chapters.recount(tx, series_id)  # it could still be shown again
    after = tx.one(_SHOWN, _Shown, id=series_id)
    if before and after and before.state == rights.PUBLIC:  # as somebody did meanwhile
        series.count(tx, series=0, chapters=after.chapter_count - before.chapter_count)
    return keys


class _Shown(msgspec.Struct):
    state: str
    chapter_count: int


_SHOWN = """
SELECT s.state, t.chapter_count FROM series s JOIN series_stats t ON t.series_id = s.id WHERE s.id = :id FOR UPDATE
"""


def _end(tx: Tx, series_id: str, *, reason: str | None, now: datetime) -> list[str]:
    row = tx.one("SELECT published_at FROM series WHERE id = :id FOR UPDATE", _Published, id=series_id)
    shown = tx.one(_SHOWN, _Shown, id=series_id)
    if row and row.published_at:  # of what nobody could see, nobody is told that it was there
        slugs = tx.read("SELECT slug FROM series_slugs WHERE series_id = :id ORDER BY slug", _Slug, id=series_id)
        series.bury(tx, kind="series", id=series_id, slugs=[one.slug for one in slugs], reason=reason, now=now)
    sql = "SELECT cover_file_id AS id FROM series WHERE id = :id AND cover_file_id IS NOT NULL"
    cover = tx.one(sql, _Id, id=series_id)
    for table in ("series_titles", "series_slugs", "series_teams", "series_stats", "series_ratings", "search_terms"):
        tx.write(f"DELETE FROM {table} WHERE series_id = :id", id=series_id)
    tx.write("DELETE FROM series WHERE id = :id", id=series_id)
    gone = forget_cover(tx, cover.id) if cover else []
    if shown and shown.state == rights.PUBLIC:
        series.count(tx, series=-1, chapters=-shown.chapter_count)
    return gone


def forget_cover(tx: Tx, file_id: str) -> list[str]:
    """Deletes the row of a cover that no series has any more; its storage keys. It may serve several of one person."""
    # locked, so that who gives it to another series at this moment comes before or after
    file = tx.one("SELECT id FROM files WHERE id = :id FOR UPDATE", _Id, id=file_id)
    if file is None or tx.one("SELECT id FROM series WHERE cover_file_id = :id FOR UPDATE", _Id, id=file_id):
        return []
    return chapters.forget_files(tx, [file_id])
