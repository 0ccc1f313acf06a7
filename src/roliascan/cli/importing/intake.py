"""Takes what was found into the library: publishes what is new, leaves what is there, names what is bad."""

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from roliascan.cli.importing import chapters as readings
from roliascan.cli.importing import finding
from roliascan.cli.importing.archives import Limits
from roliascan.cli.importing.chapters import Chapter, Item, Page
from roliascan.cli.importing.finding import Found, Series
from roliascan.database import Database
from roliascan.errors import Busy, Invalid, Refusal
from roliascan.library import chapters, images, intake, series
from roliascan.library.keeping import Upload
from roliascan.library.naming import number
from roliascan.people.persons import Person
from roliascan.storage import Storage
from roliascan.text import tidy

Into: TypeAlias = series.Draft | str
"""The draft of a series until it is known, or started, and then its identifier."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


RESULTS = ("added", "unchanged", "warning", "refused")


class Outcome(NamedTuple):
    """What became of something: a `result`, and for the last two the reason in `detail`."""

    result: str
    path: str
    series: str
    chapter: str
    detail: str = ""


class Importer:
    """Takes series after series; `report` is told each outcome as it happens, `step` when an item is done."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        *,
        person: Person,
        limits: Limits,
        clock: Callable[[], datetime],
        report: Callable[[Outcome], None],
        step: Callable[[], None],
    ) -> None:
        self._db = db
        self._storage = storage
        self._person = person
        self._limits = limits
        self._clock = clock
        self._report = report
        self._step = step

    def take(self, found: Found) -> None:
        """Raises Busy, after naming where it stopped, when database or storage are gone: no chapter is to blame."""
        for skipped in found.skipped:
            result = "refused" if skipped.is_loss else "warning"
            self._report(Outcome(result, str(skipped.path), "", "", skipped.reason))
        for one in finding.catalogue(found.shelves, self._limits):
            self._take_series(one)

    def _take_series(self, found: Series) -> None:
        into: Into = _series_draft(found)
        for item in found.items:
            into = self._take_item(found, item, into)
            self._step()

    def _take_item(self, found: Series, item: Item, into: Into) -> Into:
        try:
            for chapter in readings.read(item, self._limits, alone=len(found.items) == 1):
                into = self._take_chapter(found, item, chapter, into)
        except Busy:
            raise
        except (Refusal, OSError) as error:  # OSError: a disk or a share that fails while it is read
            self._report(Outcome("refused", str(item.path), found.title, "", _why(error)))
        return into

    def _take_chapter(self, found: Series, item: Item, chapter: Chapter, into: Into) -> Into:
        name = _name(chapter)
        for warning in chapter.warnings:
            self._report(Outcome("warning", str(item.path), found.title, name, warning))
        try:
            return self._publish(found, item, chapter, into)
        except (Refusal, OSError) as error:
            self._report(Outcome("refused", str(item.path), found.title, name, f"chapter {name}: {_why(error)}"))
            if isinstance(error, Busy):
                raise
        return into

    def _publish(self, found: Series, item: Item, chapter: Chapter, into: Into) -> Into:
        """Publishes the chapter unless it is there; the series' identifier."""
        draft = _chapter_draft(found, chapter)
        into, known = self._look(into, draft)
        if known is None:
            try:
                taken = self._add(found, item, chapter, draft, into)
            except chapters.ChapterExists:  # another import was quicker
                into, known = self._look(into, draft)
                if known is None:
                    raise
            else:
                self._report(Outcome("added", str(item.path), found.title, _name(chapter), _count(chapter)))
                return taken.series_id
        self._report(_known(item, found, chapter, known))
        return into

    def _look(self, into: Into, draft: chapters.Draft) -> tuple[Into, intake.Known | None]:
        if isinstance(into, series.Draft):
            into = intake.series_called(self._db, str(into.title)) or into
        return into, intake.chapter_known(self._db, into, draft) if isinstance(into, str) else None

    def _add(self, found: Series, item: Item, chapter: Chapter, draft: chapters.Draft, into: Into) -> intake.Taken:
        cover = None if isinstance(into, str) else self._cover(found, item, chapter)
        with closing(_uploads(chapter.pages)) as uploads, ExitStack() as opened:
            return intake.take_in(
                self._db,
                self._storage,
                into=into,
                draft=draft,
                uploads=uploads,
                cover=Upload("cover", None, opened.enter_context(cover.open())) if cover else None,
                person=self._person,
                max_bytes=self._limits.page,
                now=self._clock(),
            )

    def _cover(self, found: Series, item: Item, chapter: Chapter) -> Page:
        """What shows a new series: the picture beside its chapters if that is good, else the first page."""
        try:
            page = finding.cover_of(found, self._limits)
            if page is not None:
                with page.open() as source:
                    images.inspect(source, max_bytes=self._limits.page)
                return page
        except (Refusal, OSError) as error:
            self._report(Outcome("warning", str(found.cover or item.path), found.title, "", f"no cover: {_why(error)}"))
        return chapter.pages[0]


def _why(error: Refusal | OSError) -> str:
    if isinstance(error, Invalid) and error.problems:
        return "; ".join(f"{problem.field} {problem.message}" for problem in error.problems) + "."
    return error.detail if isinstance(error, Refusal) else f"{error.strerror or error}."


def _count(chapter: Chapter) -> str:
    return "1 page" if len(chapter.pages) == 1 else f"{len(chapter.pages)} pages"


def _uploads(pages: Sequence[Page]) -> Generator[Upload, None, None]:
    """Each page is opened when the one before is done with."""
    with ExitStack() as opened:
        for page in pages:
            opened.close()
            yield Upload(page.name, None, opened.enter_context(page.open()))


def _known(item: Item, found: Series, chapter: Chapter, known: intake.Known) -> Outcome:
    """The same again changes nothing; other pages under the same number are somebody's to decide about."""
    if _hashes(chapter.pages) == known.hashes:
        return Outcome("unchanged", str(item.path), found.title, _name(chapter))
    detail = f"chapter {_name(chapter)} is there already with other pages; it was left as it is"
    return Outcome("refused", str(item.path), found.title, _name(chapter), detail)


def _hashes(pages: Sequence[Page]) -> list[str]:
    hashes = []
    for page in pages:
        digest = sha256()
        with page.open() as source:
            while piece := source.read(1 << 16):
                digest.update(piece)
        hashes.append(digest.hexdigest())
    return hashes


def _series_draft(found: Series) -> series.Draft:
    draft = series.Draft(
        title=_clipped(found.title, 300),
        author=_clipped(found.author, 300) or "Unknown",
        description=_clipped(found.description, 5_000),
        language=_language(found.language),
    )
    if found.direction == "rtl":
        draft.direction = "rtl"
    return draft


def _chapter_draft(found: Series, chapter: Chapter) -> chapters.Draft:
    return chapters.Draft(
        number=None if chapter.number_milli is None else Decimal(chapter.number_milli) / 1000,
        label=_clipped(chapter.label or "", 100) or None,
        title=_clipped(chapter.title, 300) or None,
        volume=_clipped(chapter.volume, 20) or None,
        language=_language(chapter.language or found.language),
    )


def _clipped(text: str, length: int) -> str:
    return tidy(tidy(text.replace("\0", ""))[:length])


def _language(text: str) -> str:
    return text if len(text) <= 20 and _LANGUAGE.fullmatch(text) else "und"


def _name(chapter: Chapter) -> str:
    if chapter.number_milli is None:
        return chapter.label or ""
    return str(number(chapter.number_milli))
