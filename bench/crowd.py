"""Fills a database with as many series, chapters and pages as a large site has."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bench import bare
from roliascan.database.dialects import instant_text
from roliascan.ids import new_id

START = datetime(2020, 1, 1, tzinfo=UTC)
TEAMS = 50
PAGES_OF_A_CHAPTER = 20
MOST_FILES = 1_000_000  # further pages show these again, which costs a reader the same
LARGEST_SHARE = 10  # one chapter in so many is of the first series, the others are dealt out evenly
DRAFT = 41  # one chapter in so many is not published

Row = tuple[str | None, ...]


class Crowd(NamedTuple):
    """What there is to read: the series with most chapters, and one of its chapters, with pages and neighbours."""

    largest: str
    chapter: str


def fill(url: str, *, series: int = 300, chapters: int = 1_000, pages: int = 1_000) -> Crowd:
    """Fills a migrated, empty database. Chapters of the first series have 20 pages each, as far as `pages` reach."""
    made = _Made(series, chapters, pages, utc="" if bare.kind(url) == "mysql" else "Z")
    with closing(bare.connect(url)) as connection, closing(connection.cursor()) as cursor:
        bare.without_checks(url, cursor)
        for table, (columns, rows) in made.tables().items():
            bare.load(url, cursor, table, columns, rows)
        cursor.execute(f"UPDATE counters SET value = {series} WHERE name = 'series'")
        cursor.execute(f"UPDATE counters SET value = {chapters - chapters // DRAFT} WHERE name = 'chapters'")
        if bare.kind(url) == "postgresql":
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does on a server in service
    return Crowd(made.series[0], made.chapters[made.paged[len(made.paged) // 2]])


class _Made:
    """The rows. All that others point to is remembered, the rest made on the way."""

    def __init__(self, series: int, chapters: int, pages: int, *, utc: str) -> None:
        self.utc = utc
        self.pages = pages
        self.teams = _ids(TEAMS, timedelta(seconds=1))
        self.files = _ids(min(max(pages, series), MOST_FILES), timedelta(seconds=1))
        self.series = _ids(series, timedelta(hours=1))
        self.chapters = _ids(chapters, timedelta(minutes=1))
        self.of_largest = range(0, chapters, LARGEST_SHARE)
        self.paged = self.of_largest[: max(1, pages // PAGES_OF_A_CHAPTER)]

    def tables(self) -> dict[str, tuple[str, Iterable[Row]]]:
        """Columns and rows by table."""
        return {
            "teams": ("id, name, name_key, links, created_at, updated_at", self._teams()),
            "files": (_FILE, self._files()),
            "series": (_SERIES, self._series()),
            "series_slugs": ("slug, series_id", ((f"series-{n}", one) for n, one in enumerate(self.series))),
            "series_stats": (_STATS, self._stats()),
            "chapters": (_CHAPTER, self._chapters()),
            "chapter_teams": ("chapter_id, team_id", self._releases()),
            "pages": ("chapter_id, revision, position, file_id, wide", self._pages()),
        }

    def _teams(self) -> Iterator[Row]:
        now = self._at(START)
        for n, team in enumerate(self.teams):
            yield team, f"Team {n}", f"team {n}", "[]", now, now

    def _files(self) -> Iterator[Row]:
        now = self._at(START)
        for n, file in enumerate(self.files):
            measured = ("250000", "image/webp", "1600", "2400", "1QcSHQRnh493V4dIh4eXh1h4kJUI")
            yield file, f"pages/{file}.webp", f"{n:064x}", *measured, "page", "ready", now

    def _series(self) -> Iterator[Row]:
        shape = ("manga", "ongoing", "rtl", "en", "safe", "published")
        for n, one in enumerate(self.series):
            at, title = self._at(START + timedelta(hours=n)), f"The story of number {n}"
            told = f"What happens to number {n}, and why nobody saw it coming. " * 4
            yield one, f"series-{n}", title, title.lower(), f"Author {n}", told, *shape, self.files[n], at, at, at

    def _stats(self) -> Iterator[Row]:
        at, largest = self._at(START), len(self.of_largest)
        each = (len(self.chapters) - largest) // max(1, len(self.series) - 1)
        for n, one in enumerate(self.series):
            yield one, str(each if n else largest), "800", "100", str(8000 + n % 1000), at, at

    def _chapters(self) -> Iterator[Row]:
        for n, chapter in enumerate(self.chapters):
            at, number = self._at(START + timedelta(minutes=n)), n // LARGEST_SHARE
            published = n % DRAFT != 0 or n % LARGEST_SHARE == 0
            state = ("published", at) if published else ("draft", None)
            named = (str(1000 * number), f"{1000 * number:09d}", f"{n % LARGEST_SHARE}", f"What happened on day {n}")
            count = str(PAGES_OF_A_CHAPTER if n in self.paged else 0)
            yield chapter, self._home(n), "en", "", *named, *state, "1", count, at, at

    def _home(self, n: int) -> str:
        others = len(self.series) - 1
        return self.series[1 + n % others if n % LARGEST_SHARE and others else 0]

    def _releases(self) -> Iterator[Row]:
        for n, chapter in enumerate(self.chapters):
            yield chapter, self.teams[n % TEAMS]
            yield chapter, self.teams[(n + 7) % TEAMS]

    def _pages(self) -> Iterator[Row]:
        """Where there are more pages than chapters can have, the rest are revisions of before."""
        for n in range(self.pages):
            place, position = divmod(n, PAGES_OF_A_CHAPTER)
            revision, chapter = divmod(place, len(self.of_largest))
            file = self.files[n % len(self.files)]
            yield self.chapters[self.of_largest[chapter]], str(revision + 1), str(position + 1), file, "0"

    def _at(self, instant: datetime) -> str:
        return instant_text(instant)[:26] + self.utc


def _ids(count: int, apart: timedelta) -> list[str]:
    return [new_id(START + n * apart) for n in range(count)]


_FILE = "id, storage_key, sha256, bytes, type, width, height, placeholder, purpose, state, created_at"
_SERIES = """id, slug, title, title_key, author, description, type, status, direction, language, content_rating,
    state, cover_file_id, published_at, created_at, updated_at"""
_STATS = "series_id, chapter_count, rating_sum, rating_count, rating_milli, last_chapter_at, active_at"
_CHAPTER = """id, series_id, language, volume, number_milli, number_key, release_key, title, state, published_at,
    revision, page_count, created_at, updated_at"""
