"""Who sees and edits what, worked out in plain Python from the rows: whom nobody told of SQL."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.front import Site
from tests.rights.dump import rows_of

PUBLISHED = "published"
EDITING = {"uploader", "moderator", "admin"}


@dataclass
class Series:
    """`maker`: who started it; nobody where it was imported. `cover`: its key."""

    id: str
    slug: str
    state: str
    maker: str | None
    cover: str | None
    teams: set[str] = field(default_factory=set)

    @property
    def is_public(self) -> bool:
        return self.state == PUBLISHED


@dataclass
class Chapter:
    id: str
    series: Series
    state: str
    maker: str | None
    number: int
    published_at: str | None
    teams: set[str] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)

    @property
    def is_public(self) -> bool:
        return self.state == self.series.state == PUBLISHED


@dataclass
class Somebody:
    """`id` is empty for strangers, and for who is banned."""

    id: str
    role: str
    teams: set[str]
    grants: set[str]

    @property
    def sees_all(self) -> bool:
        return self.role in {"moderator", "admin"} or bool(self.grants & {"hide:any", "edit:any", "delete:any"})

    def owns_series(self, series: Series) -> bool:
        return bool(self.id) and (series.maker == self.id or bool(series.teams & self.teams))

    def owns_chapter(self, chapter: Chapter) -> bool:
        if chapter.teams:
            return bool(self.id) and bool(chapter.teams & self.teams)
        return bool(self.id) and (chapter.maker == self.id or self.owns_series(chapter.series))

    def owns(self, thing: Series | Chapter) -> bool:
        return self.owns_series(thing) if isinstance(thing, Series) else self.owns_chapter(thing)

    def sees(self, thing: Series | Chapter) -> bool:
        return thing.is_public or self.sees_all or self.owns(thing)

    def edits(self, thing: Series | Chapter) -> bool:
        needed = "update:series" if isinstance(thing, Series) else "update:chapter"
        may = self.role in EDITING or needed in self.grants
        return (self.owns(thing) and may) or self.role in {"moderator", "admin"} or "edit:any" in self.grants


class Model:
    """What the database holds right now."""

    def __init__(self, site: Site) -> None:
        rows = {table: rows_of(site, table) for table in _TABLES}
        keys = {row["id"]: row["storage_key"] for row in rows["files"]}
        self.series = {
            row["id"]: Series(row["id"], row["slug"], row["state"], row["created_by"], keys.get(row["cover_file_id"]))
            for row in rows["series"]
        }
        for row in rows["series_teams"]:
            self.series[row["series_id"]].teams.add(row["team_id"])
        self.chapters = {row["id"]: self._chapter(row) for row in rows["chapters"]}
        for row in rows["chapter_teams"]:
            self.chapters[row["chapter_id"]].teams.add(row["team_id"])
        for row in rows["pages"]:
            self.chapters[row["chapter_id"]].pages.append(keys[row["file_id"]])
        self._people = {row["id"]: row for row in rows["users"]}
        self._teams = _sets(rows["team_members"], "user_id", "team_id")
        self._grants = _sets(rows["grants"], "user_id", "permission")

    def _chapter(self, row: dict[str, Any]) -> Chapter:
        series = self.series[row["series_id"]]
        return Chapter(row["id"], series, row["state"], row["created_by"], row["number_milli"], row["published_at"])

    def somebody(self, id: str) -> Somebody:
        """A person, or a stranger where there is no identifier."""
        row = self._people.get(id)
        if row is None or row["is_banned"]:
            return Somebody("", "", set(), set())
        return Somebody(id, row["role"], self._teams[id], self._grants[id])

    def beside(self, chapter: Chapter) -> tuple[int | None, int | None]:
        """The numbers of the published chapters before and after, in thousandths."""
        numbers = {c.number for c in self.chapters.values() if c.series is chapter.series and c.state == PUBLISHED}
        before, after = (n for n in numbers if n < chapter.number), (n for n in numbers if n > chapter.number)
        return max(before, default=None), min(after, default=None)


_TABLES = ("users", "grants", "team_members", "files", "series", "series_teams", "chapters", "chapter_teams", "pages")


def _sets(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row[key]].add(row[value])
    return found
