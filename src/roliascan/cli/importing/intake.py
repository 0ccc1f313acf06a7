"""Takes what was found into the library: publishes what is new, leaves what is there, names what is bad."""

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from roliascan.cli.importing import chapters as readings
from roliascan.cli.importing import finding
from roliascan.cli.importing.archives import Limits
from roliascan.cli.importing.chapters import Chapter, Item, Page
from roliascan.cli.importing.finding import Found, Series
from roliascan.database import Database
from roliascan.errors import Refusal
from roliascan.library import chapters, covers, intake, series
from roliascan.library.naming import number
from roliascan.library.pages import Upload
from roliascan.people.persons import Person
from roliascan.storage import Storage
from roliascan.text import tidy

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class Outcome(NamedTuple):
    """What became of something: `added`, `unchanged`, `warning`, or `refused` with the reason in `detail`."""

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
        for skipped in found.skipped:
            result = "refused" if skipped.is_loss else "warning"
            self._report(Outcome(result, str(skipped.path), "", "", skipped.reason))
        for shelf in found.shelves:
            for one in finding.catalogue(shelf, self._limits):
                self._take_series(one)

    def _take_series(self, found: Series) -> None:
        into: series.Draft | str = intake.series_called(self._db, _clipped(found.title, 300)) or _series_draft(found)
        for item in found.items:
            into = self._take_item(found, item, into)
            self._step()

    def _take_item(self, found: Series, item: Item, into: series.Draft | str) -> series.Draft | str:
        try:
            for chapter in readings.read(item, self._limits, alone=len(found.items) == 1):
                into = self._take_chapter(found, item, chapter, into)
        except Refusal as refusal:
            self._report(Outcome("refused", str(item.path), found.title, "", refusal.detail))
        return into

    def _take_chapter(
        self, found: Series, item: Item, chapter: Chapter, into: series.Draft | str
    ) -> series.Draft | str:
        name = _name(chapter)
        for warning in chapter.warnings:
            self._report(Outcome("warning", str(item.path), found.title, name, warning))
        try:
            draft = _chapter_draft(found, chapter)
            known = intake.chapter_known(self._db, into, draft) if isinstance(into, str) else None
            if known is not None:
                self._report(_known(item, found, chapter, known))
                return into
            taken = self._add(chapter, draft, into)
        except Refusal as refusal:
            detail = f"chapter {name}: {refusal.detail}"
            self._report(Outcome("refused", str(item.path), found.title, name, detail))
            return into
        self._report(Outcome("added", str(item.path), found.title, name, f"{len(chapter.pages)} pages"))
        if not isinstance(into, str):
            self._cover(found, item, chapter, taken.series_id)
        return taken.series_id

    def _add(self, chapter: Chapter, draft: chapters.Draft, into: series.Draft | str) -> intake.Taken:
        with closing(_uploads(chapter.pages)) as uploads:
            return intake.take_in(
                self._db,
                self._storage,
                into=into,
                draft=draft,
                uploads=uploads,
                person=self._person,
                max_bytes=self._limits.page,
                now=self._clock(),
            )

    def _cover(self, found: Series, item: Item, chapter: Chapter, series_id: str) -> None:
        """The picture beside the chapters, else the first page, shows a new series."""
        page = finding.cover_of(found, self._limits) or chapter.pages[0]
        now = self._clock()
        try:
            with page.open() as source:
                cover_id = covers.add(
                    self._db, self._storage, source, person=self._person, max_bytes=self._limits.page, now=now
                )
            draft = series.Draft(cover_id=cover_id)
            self._db.run(series.change, series_id, draft, person=self._person, version=None, now=now)
        except Refusal as refusal:
            self._report(Outcome("warning", str(item.path), found.title, "", f"no cover: {refusal.detail}"))


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
