"""The original's contents and chapters, which become series and chapters with their files."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import msgspec

from roliascan import text
from roliascan.cli.original import reading
from roliascan.cli.original.report import Report
from roliascan.cli.original.rows import present
from roliascan.cli.original.uploads import Gone, Uploads
from roliascan.database import Database, Reader, Tx
from roliascan.errors import Busy, Refusal
from roliascan.library import chapters, images, intake, keeping, pages, series
from roliascan.people import persons
from roliascan.storage import Storage
from roliascan.text import tidy

_LANGUAGE = "und"  # the original does not know it


class Taker:
    """Takes works over. A work keeps its identifier, so that doing it again finds it."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        uploads: Uploads,
        *,
        max_bytes: int,
        clock: Callable[[], datetime],
        report: Report,
    ) -> None:
        self._db = db
        self._storage = storage
        self._uploads = uploads
        self._max_bytes = max_bytes
        self._clock = clock
        self._report = report

    # Series.

    def take_series(self, original: Tx) -> None:
        for batch in reading.contents(original):
            people = _people(self._db, batch)
            known = {row.id: row for row in _series_here(self._db, [content.id for content in batch])}
            for content in batch:
                owner = persons.operator(content.created_by_id if content.created_by_id in people else "")
                self._take_content(content, known.get(content.id), owner)
                self._report.step(1)

    def _take_content(self, content: reading.Content, here: "_Series | None", owner: persons.Person) -> None:
        if here is None and series.tombstone(self._db, "series", content.id):
            self._report.tell("series", "unchanged", content.name, "was removed here", id=content.id)
        elif here is None or (here.cover_file_id is None and here.updated_at == content.updated_at):
            self._add_content(content, owner, is_new=here is None)
        else:
            self._report.count("series", "unchanged")

    def _add_content(self, content: reading.Content, owner: persons.Person, *, is_new: bool) -> None:
        with keeping.kept_or_removed(self._storage) as covers:
            if content.cover_image:
                wanted = _Wanted("files", f"the cover of {content.name}", content.cover_image, content.cover_path)
                self._store(covers, wanted, intake.COVERS, images.inspect, work_id=content.id)
        cover = covers[0] if covers else None
        with keeping.removed_without_rows(self._db, self._storage, covers):
            if is_new:
                slug = self._db.run(_insert_series, content, cover, owner=owner)
                self._tell_series(content, slug)
            elif cover:
                self._db.run(_set_cover, content, cover, owner=owner)
        if not is_new:
            self._report.count("series", "unchanged")

    def _tell_series(self, content: reading.Content, slug: str) -> None:
        self._report.tell("series", "added", content.name, slug, id=content.id)
        if content.slug != slug:
            what = f"has the slug {slug}; in the original it is {content.slug!r}"
            self._report.tell("series", "warning", content.name, what, id=content.id)
        for name, said, limit in (("name", content.name, 300), ("author", content.author, 300)):
            if len(tidy(said)) > limit:
                self._report.tell("series", "warning", content.name, f"its {name} was cut at {limit}", id=content.id)

    # Chapters.

    def take_chapters(self, original: Tx) -> None:
        images = _by_chapter(reading.images(original))
        chapter_id, found = next(images, ("", []))
        for batch in reading.chapters(original):
            people = _people(self._db, batch)
            for chapter in batch:
                own: list[reading.Image] = []
                if chapter_id == chapter.id:
                    own = found
                    chapter_id, found = next(images, ("", []))
                owner = persons.operator(chapter.created_by_id if chapter.created_by_id in people else "")
                self._take_chapter(chapter, own, owner)
                self._report.step(1)

    def _take_chapter(self, chapter: reading.Chapter, images: list[reading.Image], owner: persons.Person) -> None:
        here = _chapter_here(self._db, chapter.id)
        if here is None:
            self._add_chapter(chapter, images, owner)
        elif here.updated_at == chapter.updated_at:
            self._complete(chapter, images, here, owner)
        else:  # somebody changed it since it came
            self._report.count("chapters", "unchanged")

    def _add_chapter(self, chapter: reading.Chapter, images: list[reading.Image], owner: persons.Person) -> None:
        if series.tombstone(self._db, "chapter", chapter.id) or not present(self._db, "series", [chapter.content_id]):
            self._report.tell("chapters", "unchanged", _name(chapter), "was removed here", id=chapter.id)
            return
        with keeping.kept_or_removed(self._storage) as stored:
            self._store_pages(stored, chapter, images)
        draft = _draft(self._db, chapter)
        try:
            with keeping.removed_without_rows(self._db, self._storage, stored):
                self._db.run(_insert_chapter, chapter, draft, stored, owner=owner)
        except chapters.ChapterExists as taken:  # somebody added it a moment ago
            self._report.tell("chapters", "refused", _name(chapter), taken.detail, id=chapter.id)
            return
        self._tell_chapter(chapter, draft, len(stored))

    def _tell_chapter(self, chapter: reading.Chapter, draft: chapters.Draft, count: int) -> None:
        self._report.tell("chapters", "added", _name(chapter), f"{count} pages", id=chapter.id)
        self._report.count("pages", "added", count)
        if draft.volume:
            what = f"is there more than once; this one came as volume {draft.volume!r}"
            self._report.tell("chapters", "warning", _name(chapter), what, id=chapter.id)
        if not count:
            self._report.tell("chapters", "warning", _name(chapter), "came as a draft, without a page", id=chapter.id)

    def _complete(
        self, chapter: reading.Chapter, images: list[reading.Image], here: "_Chapter", owner: persons.Person
    ) -> None:
        """What was missing when it came, or was cut off: pages whose files are there now, their order, its showing."""
        there = _pages_here(self._db, chapter.id)
        missing = [image for image in images if image.id not in there]
        with keeping.kept_or_removed(self._storage) as stored:
            self._store_pages(stored, chapter, missing)
        moment = datetime.fromisoformat(chapter.updated_at)
        if stored:
            with keeping.removed_without_rows(self._db, self._storage, stored):
                self._db.run(pages.attach, chapter.id, stored, person=owner, now=moment)
        wanted = _in_order(images, [*there, *(new.file_id for new in stored)])
        if wanted != [*there, *(new.file_id for new in stored)]:
            pages.arrange(
                self._db, self._storage, person=owner, chapter_id=chapter.id, ids=wanted, version=None, now=moment
            )
        if wanted and here.state == "draft":
            self._db.run(_publish, chapter, owner=owner)
        self._report.count("chapters", "unchanged")
        self._report.count("pages", "unchanged", len(there))
        if stored:
            self._report.tell("pages", "added", _name(chapter), f"{len(stored)} more pages", id=chapter.id)
            self._report.count("pages", "added", len(stored) - 1)

    # Files.

    def _store_pages(self, stored: list[keeping.New], chapter: reading.Chapter, wanting: list[reading.Image]) -> None:
        """The file of an image gets its identifier: that is how a repetition knows what came."""
        for image in wanting:
            wanted = _Wanted("pages", f"{_name(chapter)}: {image.address}", image.address, image.path)
            if self._store(stored, wanted, pages.FOLDER, images.prepare, work_id=chapter.id):
                stored[-1] = stored[-1]._replace(file_id=image.id)

    def _store(
        self, stored: list[keeping.New], wanted: "_Wanted", folder: str, inspect: keeping.Inspect, *, work_id: str
    ) -> bool:
        """Whether the file is in now; else it is reported and left out. Raises Busy: no file is to blame for that."""
        try:
            if wanted.path is None:
                raise Gone("that is no address of an uploaded file")
            with self._uploads.open(wanted.path) as source:
                upload = keeping.Upload("file", None, source)
                now = self._clock()
                keeping.store(self._storage, stored, upload, folder, inspect, max_bytes=self._max_bytes, now=now)
        except Busy:
            raise
        except (Refusal, OSError) as error:
            self._report.tell(wanted.kind, "refused", wanted.what, _why(error, wanted), id=work_id)
            return False
        return True

    def tell_files_without_rows(self, original: Tx) -> None:
        """Files of the folder that nothing in the original points to: they are left where they are."""
        waiting: list[str] = []
        for path in self._uploads.walk():
            waiting.append(path)
            if len(waiting) == 10 * reading.BATCH:
                self._tell_unknown(original, waiting)
                waiting.clear()
        self._tell_unknown(original, waiting)

    def _tell_unknown(self, original: Tx, paths: list[str]) -> None:
        nameable = [path for path in paths if path.isprintable()]
        known = reading.known_paths(original, nameable) if nameable else set()
        for path in paths:
            if path not in known:
                self._report.tell("files", "warning", path, "no row points to this file; it was left where it is")


class _Wanted(NamedTuple):
    """A file of the original: what it is in a report, its address, and its path below the folder of uploads."""

    kind: str
    what: str
    address: str
    path: str | None


def _why(error: Refusal | OSError, wanted: _Wanted) -> str:
    if isinstance(error, Gone) and (wanted.path or "").startswith("uploadthing/"):
        return f"it is kept elsewhere; download it to {wanted.path} below the folder of uploads, and run this again"
    return error.detail if isinstance(error, Refusal) else f"it cannot be read: {error.strerror or error}"


class _Id(msgspec.Struct):
    id: str


def _people(db: Reader, works: "list[reading.Content] | list[reading.Chapter]") -> set[str]:
    """Those of the creators who are here."""
    return present(db, "users", [work.created_by_id for work in works if work.created_by_id])


# Rows of series.


class _Series(msgspec.Struct):
    id: str
    cover_file_id: str | None
    updated_at: str


def _series_here(db: Reader, ids: list[str]) -> list[_Series]:
    return db.read("SELECT id, cover_file_id, updated_at FROM series WHERE id IN (:ids)", _Series, ids=ids)


def _insert_series(tx: Tx, content: reading.Content, cover: keeping.New | None, *, owner: persons.Person) -> str:
    """Its slug."""
    created = datetime.fromisoformat(content.created_at)
    draft = series.Draft(
        title=_clipped(content.name, 300) or "Untitled",
        author=_clipped(content.author, 300) or "Unknown",
        description=tidy(content.description),
        cover_id=_insert_cover(tx, cover, owner=owner, now=created) if cover else None,
    )
    keeps = content.slug if text.slug(content.slug, "") == content.slug != "" else None
    series.create(tx, draft, person=owner, now=created, id=content.id, slug=keeps)
    tx.write(
        "UPDATE series SET updated_at = :updated WHERE id = :id",
        id=content.id,
        updated=datetime.fromisoformat(content.updated_at),
    )
    (row,) = tx.read("SELECT slug AS id FROM series WHERE id = :id", _Id, id=content.id)
    return row.id


def _insert_cover(tx: Tx, cover: keeping.New, *, owner: persons.Person, now: datetime) -> str:
    tx.insert_many("files", keeping.file_rows(cover, purpose="cover", person=owner, now=now))
    return cover.file_id


def _set_cover(tx: Tx, content: reading.Content, cover: keeping.New, *, owner: persons.Person) -> None:
    """For one that came without, while its file was missing."""
    moment = datetime.fromisoformat(content.updated_at)
    file_id = _insert_cover(tx, cover, owner=owner, now=moment)
    series.change(tx, content.id, series.Draft(cover_id=file_id), person=owner, version=None, now=moment)


# Rows of chapters.


class _Chapter(msgspec.Struct):
    id: str
    state: str
    updated_at: str


def _chapter_here(db: Reader, chapter_id: str) -> _Chapter | None:
    return db.one("SELECT id, state, updated_at FROM chapters WHERE id = :id", _Chapter, id=chapter_id)


def _pages_here(db: Reader, chapter_id: str) -> list[str]:
    rows = db.read(
        "SELECT p.file_id AS id FROM pages p JOIN chapters c ON c.id = p.chapter_id AND c.revision = p.revision"
        " WHERE p.chapter_id = :id ORDER BY p.position",
        _Id,
        id=chapter_id,
    )
    return [row.id for row in rows]


def _insert_chapter(
    tx: Tx, chapter: reading.Chapter, draft: chapters.Draft, stored: list[keeping.New], *, owner: persons.Person
) -> None:
    created, updated = datetime.fromisoformat(chapter.created_at), datetime.fromisoformat(chapter.updated_at)
    chapters.create(tx, chapter.content_id, draft, person=owner, now=created, id=chapter.id)
    if stored:
        pages.attach(tx, chapter.id, stored, person=owner, now=updated)
        chapters.publish(tx, chapter.id, person=owner, at=None, now=created)
    _touch(tx, chapter)


def _publish(tx: Tx, chapter: reading.Chapter, *, owner: persons.Person) -> None:
    chapters.publish(tx, chapter.id, person=owner, at=None, now=datetime.fromisoformat(chapter.created_at))
    _touch(tx, chapter)


def _touch(tx: Tx, chapter: reading.Chapter) -> None:
    """As the original has it: whoever changes the chapter here changes this too, and then it is left alone."""
    updated = datetime.fromisoformat(chapter.updated_at)
    tx.write("UPDATE chapters SET updated_at = :updated WHERE id = :id", id=chapter.id, updated=updated)


class _Volume(msgspec.Struct):
    volume: str


def _draft(db: Reader, chapter: reading.Chapter) -> chapters.Draft:
    """A number keeps its place among the others also where the series has it already: as another volume."""
    draft = chapters.Draft(title=_clipped(chapter.name, 300) or None, language=_LANGUAGE)
    if chapter.number is not None and 0 <= chapter.number <= chapters.LARGEST_MILLI // 1000:
        draft.number = Decimal(chapter.number)
    else:
        draft.label = "Extra" if chapter.number is None else f"Chapter {chapter.number}"
    milli = chapters.thousandths(draft.number) if isinstance(draft.number, Decimal) else None
    rows = db.read(
        "SELECT volume FROM chapters WHERE series_id = :id AND language = :language AND number_key = :key"
        " AND release_key = ''",
        _Volume,
        id=chapter.content_id,
        language=_LANGUAGE,
        key=chapters.number_key(milli, draft.label or None),
    )
    taken = {row.volume for row in rows}
    copies = (f"copy {number}" for number in range(2, len(taken) + 2))
    draft.volume = next((volume for volume in ("", *copies) if volume not in taken), "") or None
    return draft


def _by_chapter(batches: Iterator[list[reading.Image]]) -> Iterator[tuple[str, list[reading.Image]]]:
    """Chapter after chapter, with its images."""
    images = (image for batch in batches for image in batch)
    for chapter_id, own in groupby(images, attrgetter("chapter_id")):
        yield chapter_id, list(own)


def _in_order(images: list[reading.Image], there: list[str]) -> list[str]:
    """Pages as the original has them, then those that were added here."""
    known = set(there)
    old = [image.id for image in images if image.id in known]
    return old + [page for page in there if page not in set(old)]


def _name(chapter: reading.Chapter) -> str:
    return f"{tidy(chapter.content)} {'' if chapter.number is None else chapter.number}".strip()


def _clipped(said: str, length: int) -> str:
    return tidy(tidy(said)[:length])
