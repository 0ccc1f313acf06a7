"""Taking in a whole chapter at once: its series where that is new, its pages, and its publication, or nothing of it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from roliascan.database import Database, Reader, Tx
from roliascan.errors import Busy, Refusal
from roliascan.library import chapters, images, keeping, pages, series
from roliascan.library.keeping import Upload
from roliascan.people.persons import Person
from roliascan.storage import Storage
from roliascan.text import sort_key

COVERS = "covers"


class PageRefused(Refusal):
    """`detail` names the page."""

    code = "page_refused"


class Taken(NamedTuple):
    series_id: str
    chapter_id: str
    is_new_series: bool


class Known(msgspec.Struct):
    """A chapter that is there already; `hashes` are the SHA-256 of its pages as they were sent, in order."""

    id: str
    hashes: list[str]


class _Id(msgspec.Struct):
    id: str


class _Hash(msgspec.Struct):
    sha256: str


class _Value(msgspec.Struct):
    value: int


def take_in(
    db: Database,
    storage: Storage,
    *,
    into: series.Draft | str,
    draft: chapters.Draft,
    uploads: Iterable[Upload],
    cover: Upload | None = None,
    person: Person,
    max_bytes: int,
    now: datetime,
) -> Taken:
    """Publishes a chapter with its pages in a series: one that is there, or the one that `into` drafts.

    The drafted one is started, with `cover`, unless a series of its title has come meanwhile. Bytes first, then all
    rows in one transaction. Raises PageRefused, and what the verbs of series, chapters and pages raise.
    """
    with keeping.kept_or_removed(storage) as stored, keeping.kept_or_removed(storage) as covers:
        for upload in uploads:
            with _named(upload):
                pages.store(storage, stored, upload, max_bytes=max_bytes, now=now)
        if cover is not None:
            keeping.store(storage, covers, cover, COVERS, images.inspect, max_bytes=max_bytes, now=now)
    with keeping.removed_without_rows(db, storage, [*stored, *covers]):
        taken = db.run(_take_in, into, draft, stored, covers, person=person, now=now)
    if not taken.is_new_series:
        keeping.remove(storage, covers)
    return taken


@contextmanager
def _named(upload: Upload) -> Iterator[None]:
    """Of hundreds of pages, which one."""
    try:
        yield
    except Busy:
        raise
    except Refusal as refusal:
        raise PageRefused(f"{upload.field}: {refusal.detail}") from refusal


def _take_in(
    tx: Tx,
    into: series.Draft | str,
    draft: chapters.Draft,
    stored: list[keeping.New],
    covers: list[keeping.New],
    *,
    person: Person,
    now: datetime,
) -> Taken:
    series_id, is_new = _series(tx, into, covers, person=person, now=now)
    chapter_id = chapters.create(tx, series_id, draft, person=person, now=now)
    pages.attach(tx, chapter_id, stored, person=person, now=now)
    chapters.publish(tx, chapter_id, person=person, at=None, now=now)
    return Taken(series_id, chapter_id, is_new)


def _series(
    tx: Tx, into: series.Draft | str, covers: list[keeping.New], *, person: Person, now: datetime
) -> tuple[str, bool]:
    """The series' identifier, and whether it was started here."""
    if isinstance(into, str):
        return into, False
    # Titles are not unique, but imports repeat: one at a time looks for the title and starts what is missing.
    tx.read("SELECT value FROM counters WHERE name = 'chapters' FOR UPDATE", _Value)
    known = series_called(tx, str(into.title))
    if known is not None:
        return known, False
    if covers:
        tx.insert_many("files", keeping.file_rows(covers[0], purpose="cover", person=person, now=now))
        into = msgspec.structs.replace(into, cover_id=covers[0].file_id)
    return series.create(tx, into, person=person, now=now), True


def series_called(db: Reader, title: str) -> str | None:
    """The oldest series of this title, regardless of case and accents."""
    sql = "SELECT id FROM series WHERE title_key = :key ORDER BY created_at, id LIMIT 1"
    row = db.one(sql, _Id, key=sort_key(title))
    return row.id if row else None


def chapter_known(db: Reader, series_id: str, draft: chapters.Draft) -> Known | None:
    """The chapter that stands where this one would."""
    milli = chapters.thousandths(draft.number) if isinstance(draft.number, Decimal) else None  # 0 is a number
    row = db.one(
        "SELECT id FROM chapters WHERE series_id = :series_id AND language = :language AND volume = :volume"
        " AND number_key = :number_key AND release_key = :release_key",
        _Id,
        series_id=series_id,
        language=draft.language,
        volume=draft.volume or "",
        number_key=chapters.number_key(milli, draft.label or None),
        release_key=chapters.release_key(draft.team_ids or []),
    )
    return Known(row.id, _hashes(db, row.id)) if row else None


def _hashes(db: Reader, chapter_id: str) -> list[str]:
    rows = db.read(
        "SELECT COALESCE(f.sent_sha256, f.sha256) AS sha256"
        " FROM pages p JOIN chapters c ON c.id = p.chapter_id AND c.revision = p.revision"
        " JOIN files f ON f.id = p.file_id WHERE p.chapter_id = :id ORDER BY p.position",
        _Hash,
        id=chapter_id,
    )
    return [row.sha256 for row in rows]
