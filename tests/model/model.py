"""What a site is, in plain Python without a database: who may do what, and what everybody then sees.

Written from the rules, not from the code. Each verb gives the answer that an asker should get: a status with the code
of the refusal, or with the body. Things are called by names of the model's own, such as `s1`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple, Protocol, TypeVar

from tests.front import NOW

UPLOADERS = {"uploader", "moderator", "admin"}
SEERS = {"moderator", "admin"}
PUBLIC = "published"


class Versioned(Protocol):
    version: int


T = TypeVar("T", bound=Versioned)


class Name(str):
    """Stands for an identifier."""

    __slots__ = ()


class Address(NamedTuple):
    """Stands for the address of a page."""

    page: Name


class Answer(NamedTuple):
    status: int
    body: Any = None
    """What is told; of a refusal its code."""


class Refused(Exception):
    """A no, with its status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.answer = Answer(status, code)


class Word(NamedTuple):
    """What becomes of a text, looked up and not computed: its slug, the key that it sorts by, what search finds."""

    slug: str
    key: str
    terms: frozenset[str]


def _word(slug: str, key: str, terms: str) -> Word:
    return Word(slug, key, frozenset(terms.split()))


WORDS: Mapping[str, Word] = {
    "Moon": _word("moon", "moon", "moon"),
    "MOON": _word("moon", "moon", "moon"),
    "Möon": _word("moon", "moon", "moon"),
    "Moon 2": _word("moon-2", "moon 2", "moon 2"),
    "Moon's River": _word("moons-river", "moon's river", "moon s river"),
    "50% river_bed": _word("50-river-bed", "50% river_bed", "50 river_bed"),
    "漫画月": _word("manhuayue", "漫画月", "漫画 画月"),
    "!?": _word("series", "!?", ""),
}
LABELS = {"Extra": "extra", "EXTRA": "extra", "Éxtra": "extra", "Side  story": "side story"}


@dataclass
class Person:
    name: Name
    username: str
    role: str


@dataclass
class Team:
    name: Name
    title: str
    description: str | None
    members: dict[Name, str]
    now: datetime
    version: int = 1
    updated_at: datetime = NOW


@dataclass
class Series:
    name: Name
    creator: Name
    now: datetime
    words: dict[str, Any]
    teams: set[Name]
    state: str
    published_at: datetime | None
    slug: str = ""
    slugs: list[str] = field(default_factory=list)
    ratings: dict[Name, int] = field(default_factory=dict)
    version: int = 1
    updated_at: datetime = NOW


@dataclass
class Chapter:
    name: Name
    series: Series
    creator: Name
    now: datetime
    words: dict[str, Any]
    teams: set[Name]
    state: str = "draft"
    published_at: datetime | None = None
    publish_at: datetime | None = None
    pages: dict[int, Name] = field(default_factory=dict)
    ratings: dict[Name, int] = field(default_factory=dict)
    version: int = 1

    @property
    def number_key(self) -> tuple[int, Any]:
        """By value, labels after all numbers."""
        number = self.words["number"]
        return (0, number) if number is not None else (1, LABELS[self.words["label"]])

    @property
    def key(self) -> tuple[Any, ...]:
        """What no two chapters share."""
        return (self.series.name, self.words["language"], self.words["volume"], self.number_key, frozenset(self.teams))


@dataclass
class Comment:
    name: Name
    chapter: Chapter
    author: Person
    words: str
    now: datetime
    updated_at: datetime


class Model:
    def __init__(self) -> None:
        self.now = NOW
        self.people: dict[Name, Person] = {}
        self.teams: dict[Name, Team] = {}
        self.series: dict[Name, Series] = {}
        self.chapters: dict[Name, Chapter] = {}
        self.comments: dict[Name, Comment] = {}
        self.gone: dict[Name, str | None] = {}
        """What was removed after it had been seen, with the reason."""
        self.gone_slugs: dict[str, str | None] = {}
        self._made: dict[str, int] = {}

    def name(self, kind: str) -> Name:
        self._made[kind] = self._made.get(kind, 0) + 1
        return Name(f"{kind}{self._made[kind]}")

    # Rights

    def owns_series(self, who: Person | None, series: Series, role: str = "") -> bool:
        return who is not None and (series.creator == who.name or self._in(who, series.teams, role))

    def owns_chapter(self, who: Person | None, chapter: Chapter, role: str = "") -> bool:
        if who is None:
            return False
        if chapter.teams:
            return self._in(who, chapter.teams, role)
        return chapter.creator == who.name or self.owns_series(who, chapter.series, role)

    def _in(self, who: Person, teams: Iterable[Name], role: str) -> bool:
        return any(
            self.teams[team].members.get(who.name, "-") in ({role} if role else {"leader", "member"}) for team in teams
        )

    def sees_series(self, who: Person | None, series: Series) -> bool:
        return series.state == PUBLIC or self.owns_series(who, series) or _is(who, SEERS)

    def sees_chapter(self, who: Person | None, chapter: Chapter) -> bool:
        shown = chapter.state == chapter.series.state == PUBLIC
        return shown or self.owns_chapter(who, chapter) or _is(who, SEERS)

    def _seen_series(self, who: Person | None, name: Name, version: int | None = None) -> Series:
        series = self.series.get(name)
        if series is None:
            raise Refused(410, "removed") if name in self.gone else Refused(404, "not_found")
        if not self.sees_series(who, series):
            raise Refused(404, "not_found")
        return _at(series, version)

    def _seen_chapter(self, who: Person | None, name: Name, version: int | None = None) -> Chapter:
        chapter = self.chapters.get(name)
        if chapter is None:
            raise Refused(410, "removed") if name in self.gone else Refused(404, "not_found")
        if not self.sees_chapter(who, chapter):
            raise Refused(404, "not_found")
        return _at(chapter, version)

    def _named(self, who: Person, teams: Iterable[Name]) -> None:
        """Only teams that there are, and that one belongs to."""
        wanted = set(teams)
        if wanted - self.teams.keys():
            raise Refused(400, "invalid")
        if not _is(who, SEERS) and not all(who.name in self.teams[team].members for team in wanted):
            raise Refused(403, "not_in_team")

    # Series

    def create_series(self, who: Person | None, fields: Mapping[str, Any]) -> Answer:
        person = _uploader(who)
        teams = fields.get("teamIds", [])
        self._named(person, teams)
        words = {**_SERIES, **{key: value for key, value in fields.items() if key not in {"teamIds", "state"}}}
        words["description"] = words["description"] or ""
        words["direction"] = words["direction"] or _DIRECTIONS.get(words["type"], "ltr")
        state = fields.get("state", PUBLIC)
        series = Series(
            name=self.name("s"),
            creator=person.name,
            now=self.now,
            words=words,
            teams=set(teams),
            state=state,
            published_at=self.now if state == PUBLIC else None,
            updated_at=self.now,
        )
        self._claim(series)
        self.series[series.name] = series
        return Answer(201, self.series_body(series))

    def _claim(self, series: Series) -> None:
        base = WORDS[series.words["title"]].slug
        taken = {slug: one for one in [*self.series.values(), series] for slug in one.slugs}
        number, slug = 1, base
        while slug in taken and not (slug == base and taken[slug] is series):
            number += 1
            slug = f"{base}-{number}"
        series.slug = slug
        if slug not in series.slugs:
            series.slugs.append(slug)

    def change_series(self, who: Person | None, name: Name, fields: Mapping[str, Any], version: int | None) -> Answer:
        person = _signed_in(who)
        series = self._seen_series(person, name, version)
        _may_edit(person, self.owns_series(person, series), SEERS)
        if "teamIds" in fields:
            if not self.owns_series(person, series, "leader") and person.role != "admin":
                raise Refused(403, "not_allowed")
            self._named(person, set(fields["teamIds"]) - series.teams)
            series.teams = set(fields["teamIds"])
        renamed = fields.get("title", series.words["title"]) != series.words["title"]
        series.words |= {key: value for key, value in fields.items() if key not in {"teamIds", "state"}}
        series.words["description"] = series.words["description"] or ""
        if renamed:
            self._claim(series)
        series.state = fields.get("state", series.state)
        if series.state == PUBLIC:
            series.published_at = series.published_at or self.now
        series.version += 1
        series.updated_at = self.now
        return Answer(200, self.series_body(series))

    def delete_series(self, who: Person | None, name: Name, reason: str | None, version: int | None) -> Answer:
        person = _signed_in(who)
        series = self._seen_series(person, name, version)
        _may_edit(person, self.owns_series(person, series, "leader"), {"admin"})
        if series.published_at:
            self.gone[name] = reason
            self.gone_slugs |= dict.fromkeys(series.slugs, reason)
        for chapter in self.of_series(series):
            del self.chapters[chapter.name]
        del self.series[name]
        return Answer(204)

    def of_series(self, series: Series) -> list[Chapter]:
        return [one for one in self.chapters.values() if one.series is series]

    # Chapters

    def create_chapter(self, who: Person | None, name: Name, fields: Mapping[str, Any]) -> Answer:
        person = _uploader(who)
        series = self._seen_series(person, name)
        _may_edit(person, self.owns_series(person, series), {"admin"})
        self._named(person, fields.get("teamIds", []))
        words = _chapter_words({**_CHAPTER, **fields})
        chapter = Chapter(Name("?"), series, person.name, self.now, words, set(fields.get("teamIds", [])))
        self._alone(chapter)
        chapter.name = self.name("c")
        self.chapters[chapter.name] = chapter
        return Answer(201, self.chapter_body(chapter))

    def _alone(self, chapter: Chapter) -> None:
        if any(one.key == chapter.key for one in self.chapters.values() if one.name != chapter.name):
            raise Refused(409, "chapter_exists")

    def change_chapter(self, who: Person | None, name: Name, fields: Mapping[str, Any], version: int | None) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name, version)
        _may_edit(person, self.owns_chapter(person, chapter), SEERS)
        words = {**chapter.words, **fields}
        if "number" in fields or "label" in fields:
            words = _chapter_words(words)
        words["volume"] = words["volume"] or None
        if "teamIds" in fields:
            if not self.owns_chapter(person, chapter, "leader") and person.role != "admin":
                raise Refused(403, "not_allowed")
            self._named(person, set(fields["teamIds"]) - chapter.teams)
        words.pop("teamIds", None)
        teams = set(fields.get("teamIds", chapter.teams))
        self._alone(Chapter(name, chapter.series, chapter.creator, chapter.now, words, teams))
        chapter.words, chapter.teams = words, teams
        chapter.version += 1
        return Answer(200, self.chapter_body(chapter))

    def publish(self, who: Person | None, name: Name, at: datetime | None) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name)
        was_shown = chapter.state == "hidden" and chapter.published_at is not None
        _may_edit(person, self.owns_chapter(person, chapter), SEERS if was_shown and at is None else {"admin"})
        if not chapter.pages:
            raise Refused(409, "no_pages")
        if at is not None and at > self.now:
            chapter.state, chapter.publish_at = "scheduled", at
            chapter.version += 1
        elif chapter.state != PUBLIC:
            chapter.state, chapter.publish_at = PUBLIC, None
            chapter.published_at = chapter.published_at or self.now
            chapter.version += 1
        return Answer(200, self.chapter_body(chapter))

    def hide(self, who: Person | None, name: Name) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name)
        _may_edit(person, self.owns_chapter(person, chapter), SEERS)
        chapter.state, chapter.publish_at = "hidden", None
        chapter.version += 1
        return Answer(200, self.chapter_body(chapter))

    def delete_chapter(self, who: Person | None, name: Name, reason: str | None, version: int | None) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name, version)
        _may_edit(person, self.owns_chapter(person, chapter), {"admin"})
        if chapter.published_at:
            self.gone[name] = reason
        del self.chapters[name]
        return Answer(204)

    # Pages

    def add_pages(self, who: Person | None, name: Name, numbers: list[int | None]) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name)
        _may_edit(person, self.owns_chapter(person, chapter), {"admin"})
        pages = dict(chapter.pages)
        for number in sorted(numbers, key=lambda one: one is None):
            position = number or max(pages, default=0) + 1
            if position in pages:
                raise Refused(409, "page_exists")
            pages[position] = Name("?")
        chapter.pages = {place: self.name("g") if pages[place] == "?" else pages[place] for place in sorted(pages)}
        chapter.version += 1
        return Answer(201, self.chapter_body(chapter))

    def arrange(self, who: Person | None, name: Name, ids: list[Name], version: int | None) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name, version)
        _may_edit(person, self.owns_chapter(person, chapter), {"admin"})
        if len(set(ids)) < len(ids) or not set(ids) <= set(chapter.pages.values()):
            raise Refused(400, "invalid")
        if not ids and chapter.state in {PUBLIC, "scheduled"}:
            raise Refused(409, "no_pages")
        chapter.pages = dict(enumerate(ids, start=1))
        chapter.version += 1
        return Answer(200, self.chapter_body(chapter))

    # Teams

    def create_team(self, who: Person | None, title: str) -> Answer:
        person = _uploader(who)
        self._only_team(title, Name("?"))
        team = Team(self.name("t"), title, None, {person.name: "leader"}, self.now, updated_at=self.now)
        self.teams[team.name] = team
        return Answer(201, self.team_body(team))

    def _only_team(self, title: str, name: Name) -> None:
        if any(WORDS[one.title].key == WORDS[title].key for one in self.teams.values() if one.name != name):
            raise Refused(409, "team_exists")

    def _led(self, who: Person | None, name: Name, version: int | None = None) -> Team:
        person = _signed_in(who)
        team = self._team(name)
        if team.members.get(person.name) != "leader" and person.role != "admin":
            raise Refused(403, "not_allowed")
        return _at(team, version)

    def _team(self, name: Name) -> Team:
        if name not in self.teams:
            raise Refused(404, "not_found")
        return self.teams[name]

    def change_team(self, who: Person | None, name: Name, fields: Mapping[str, Any], version: int | None) -> Answer:
        team = self._led(who, name, version)
        if "name" in fields:
            self._only_team(fields["name"], name)
            team.title = fields["name"]
        team.description = fields.get("description", team.description)
        team.version += 1
        team.updated_at = self.now
        return Answer(200, self.team_body(team))

    def delete_team(self, who: Person | None, name: Name, version: int | None) -> Answer:
        self._led(who, name, version)
        used = [one.teams for one in self.series.values()] + [one.teams for one in self.chapters.values()]
        if any(name in teams for teams in used):
            raise Refused(409, "team_in_use")
        del self.teams[name]
        return Answer(204)

    def set_member(self, who: Person | None, name: Name, member: Name, role: str) -> Answer:
        team = self._led(who, name)
        if role != "leader":
            self._keep_a_leader(team, member)
        if member not in self.people:
            raise Refused(404, "not_found")
        team.members[member] = role
        return Answer(200, self.team_body(team))

    def remove_member(self, who: Person | None, name: Name, member: Name) -> Answer:
        person = _signed_in(who)
        team = self._team(name) if person.name == member else self._led(who, name)
        self._keep_a_leader(team, member)
        if member not in team.members:
            raise Refused(404, "not_found")
        del team.members[member]
        return Answer(204)

    def _keep_a_leader(self, team: Team, without: Name) -> None:
        if {one for one, role in team.members.items() if role == "leader"} == {without}:
            raise Refused(409, "last_leader")

    # Ratings and comments

    def _rated(self, who: Person, name: Name) -> Series | Chapter:
        return self._seen_series(who, name) if name[0] == "s" else self._seen_chapter(who, name)

    def rate(self, who: Person | None, name: Name, rating: int) -> Answer:
        person = _signed_in(who)
        thing = self._rated(person, name)
        thing.ratings[person.name] = rating
        return Answer(200, _rating_body(thing, person))

    def unrate(self, who: Person | None, name: Name) -> Answer:
        person = _signed_in(who)
        self._rated(person, name).ratings.pop(person.name, None)
        return Answer(204)

    def show_rating(self, who: Person | None, name: Name) -> Answer:
        person = _signed_in(who)
        return Answer(200, _rating_body(self._rated(person, name), person))

    def comment(self, who: Person | None, name: Name, words: str) -> Answer:
        person = _signed_in(who)
        chapter = self._seen_chapter(person, name)
        comment = Comment(self.name("m"), chapter, person, words, self.now, self.now)
        self.comments[comment.name] = comment
        return Answer(201, _comment_body(comment))

    def change_comment(self, who: Person | None, name: Name, words: str) -> Answer:
        person = _signed_in(who)
        comment = self._seen_comment(person, name)
        if comment.author is not person:
            raise Refused(403, "not_allowed")
        comment.words, comment.updated_at = words, self.now
        return Answer(200, _comment_body(comment))

    def delete_comment(self, who: Person | None, name: Name) -> Answer:
        person = _signed_in(who)
        comment = self._comment(name)
        if comment.author is not person:
            self._seen_comment(person, name)
            if person.role not in SEERS:
                raise Refused(403, "not_allowed")
        del self.comments[name]
        return Answer(204)

    def _comment(self, name: Name) -> Comment:
        """It goes with its chapter, without a word."""
        comment = self.comments.get(name)
        if comment is None or comment.chapter.name not in self.chapters:
            raise Refused(404, "not_found")
        return comment

    def _seen_comment(self, who: Person | None, name: Name) -> Comment:
        comment = self._comment(name)
        if not self.sees_chapter(who, comment.chapter):
            raise Refused(404, "not_found")
        return comment

    def show_comment(self, who: Person | None, name: Name) -> Answer:
        return Answer(200, _comment_body(self._seen_comment(who, name)))

    def comment_list(self, name: Name) -> list[Any]:
        found = [one for one in self.comments.values() if one.chapter.name == name]
        return [_comment_body(one) for one in sorted(found, key=lambda one: one.now, reverse=True)]

    # What people see

    def series_list(self, who: Person | None, asked: Mapping[str, Any]) -> list[Any]:
        """Bodies of what a list holds, in its order."""
        state, sort = asked.get("state", PUBLIC), asked.get("sort", "newest")
        found = [one for one in self.series.values() if one.state == state and self.sees_series(who, one)]
        for key in ("status", "type", "language"):
            found = [one for one in found if key not in asked or one.words[key] == asked[key]]
        found = [one for one in found if "team" not in asked or asked["team"] in one.teams]
        if "q" in asked:
            terms = WORDS[asked["q"]].terms
            found = [one for one in found if terms and terms <= self._terms(one)]
        if sort == "title" and state == PUBLIC:
            return [self.series_item(one) for one in sorted(found, key=lambda one: WORDS[one.words["title"]].key)]
        keys: dict[str, Callable[[Series], Any]] = {
            "newest": lambda one: one.published_at,
            "updated": lambda one: self._last_chapter_at(one) or one.now,
            "rating": lambda one: _mean(one) or 0,
            "created": lambda one: one.now,
        }
        order = keys[sort if state == PUBLIC else "created"]
        return [self.series_item(one) for one in sorted(found, key=lambda one: (order(one), one.now), reverse=True)]

    def _terms(self, series: Series) -> set[str]:
        texts = [series.words["title"], series.words["author"], series.words["description"]]
        texts += [one["title"] for one in series.words["titles"]]
        return {term for text in texts if text for term in WORDS[text].terms}

    def show_series(self, who: Person | None, name: Name) -> Answer:
        return Answer(200, self.series_body(self._seen_series(who, name)))

    def show_slug(self, who: Person | None, slug: str) -> Answer:
        """By any slug that it ever had: of today's, itself; of another, where it is now."""
        found = next((one for one in self.series.values() if slug in one.slugs), None)
        if found is None:
            raise Refused(410, "removed") if slug in self.gone_slugs else Refused(404, "not_found")
        if not self.sees_series(who, found):
            raise Refused(404, "not_found")
        return Answer(200, self.series_body(found)) if found.slug == slug else Answer(308)

    def show_chapter(self, who: Person | None, name: Name) -> Answer:
        return Answer(200, self.chapter_body(self._seen_chapter(who, name)))

    def show_team(self, name: Name) -> Answer:
        return Answer(200, self.team_body(self._team(name)))

    def team_list(self) -> list[Any]:
        return [
            {
                "id": one.name,
                "name": one.title,
                "description": one.description,
                "memberCount": len(one.members),
                "createdAt": _instant(one.now),
            }
            for one in sorted(self.teams.values(), key=lambda one: one.now, reverse=True)
        ]

    def chapter_list(self, who: Person | None, asked: Mapping[str, Any], series: Name | None = None) -> list[Any]:
        state, sort = asked.get("state", PUBLIC), asked.get("sort", "newest" if series is None else "number")
        wanted = series or asked.get("series")
        found = [one for one in self.chapters.values() if one.state == state and self._is_listed(who, one)]
        found = [one for one in found if wanted is None or one.series.name == wanted]
        found = [one for one in found if "language" not in asked or one.words["language"] == asked["language"]]
        found = [one for one in found if "team" not in asked or asked["team"] in one.teams]
        if sort == "number":
            found.sort(key=lambda one: (one.number_key, one.now))
        else:
            found.sort(key=lambda one: (one.published_at if state == PUBLIC else one.now, one.now), reverse=True)
        return [self.chapter_item(one) for one in found]

    def _is_listed(self, who: Person | None, chapter: Chapter) -> bool:
        """What is published goes with its series; the rest is for those whose it is."""
        if chapter.state == PUBLIC:
            return chapter.series.state == PUBLIC
        return self.owns_chapter(who, chapter) or _is(who, SEERS)

    def shown_chapters(self, series: Series | None = None) -> list[Chapter]:
        return [
            one
            for one in self.chapters.values()
            if one.state == PUBLIC and (one.series is series or (series is None and one.series.state == PUBLIC))
        ]

    def _last_chapter_at(self, series: Series) -> datetime | None:
        return max((one.published_at for one in self.shown_chapters(series) if one.published_at), default=None)

    # Bodies

    def series_item(self, series: Series) -> dict[str, Any]:
        shown = {key: value for key, value in series.words.items() if key != "titles"}
        return {
            **shown,
            "id": series.name,
            "slug": series.slug,
            "cover": None,
            "chapterCount": len(self.shown_chapters(series)),
            "rating": _mean(series),
            "ratingCount": len(series.ratings),
            "lastChapterAt": _instant(self._last_chapter_at(series)),
            "state": series.state,
            "publishedAt": _instant(series.published_at),
            "createdAt": _instant(series.now),
            "updatedAt": _instant(series.updated_at),
        }

    def series_body(self, series: Series) -> dict[str, Any]:
        titles, teams = series.words["titles"], self._team_names(series.teams)
        return {**self.series_item(series), "titles": titles, "teams": teams, "version": series.version}

    def _team_names(self, teams: Iterable[Name]) -> list[Any]:
        found = sorted((self.teams[team] for team in teams), key=lambda one: (one.title, one.now))
        return [{"id": one.name, "name": one.title} for one in found]

    def chapter_item(self, chapter: Chapter) -> dict[str, Any]:
        series = chapter.series
        return {
            **chapter.words,
            "id": chapter.name,
            "series": {"id": series.name, "slug": series.slug, "title": series.words["title"]},
            "teams": self._team_names(chapter.teams),
            "state": chapter.state,
            "publishedAt": _instant(chapter.published_at),
            "pageCount": len(chapter.pages),
        }

    def chapter_body(self, chapter: Chapter) -> dict[str, Any]:
        return {
            **self.chapter_item(chapter),
            "publishAt": _instant(chapter.publish_at),
            "pages": [
                {"id": page, "number": place, "url": Address(page), **PAGE} for place, page in chapter.pages.items()
            ],
            "previous": self._beside(chapter, -1),
            "next": self._beside(chapter, 1),
            "rating": _mean(chapter),
            "ratingCount": len(chapter.ratings),
            "version": chapter.version,
        }

    def _beside(self, chapter: Chapter, direction: int) -> dict[str, Any] | None:
        """The nearest number in the same language; of several, of the same teams, of the same volume, the oldest."""
        language = chapter.words["language"]
        others = [one for one in self.shown_chapters(chapter.series) if one.words["language"] == language]
        keys = {one.number_key for one in others if _sign(one.number_key, chapter.number_key) == direction}
        if not keys:
            return None
        nearest = min(keys) if direction > 0 else max(keys)
        found = min(
            (one for one in others if one.number_key == nearest),
            key=lambda one: (one.teams != chapter.teams, one.words["volume"] != chapter.words["volume"], one.now),
        )
        return {"id": found.name, **{key: found.words[key] for key in ("number", "label", "title")}}

    def team_body(self, team: Team) -> dict[str, Any]:
        members = [
            {"id": name, "username": self.people[name].username, "role": role} for name, role in team.members.items()
        ]
        members.sort(key=lambda one: (one["role"] != "leader", one["username"]))
        return {
            "id": team.name,
            "name": team.title,
            "description": team.description,
            "links": [],
            "members": members,
            "version": team.version,
            "createdAt": _instant(team.now),
            "updatedAt": _instant(team.updated_at),
        }


PAGE: dict[str, Any] = {}
"""What every page is, as there is but one image; filled in by who knows it."""

_SERIES: Mapping[str, Any] = {
    "description": "",
    "type": "manga",
    "status": "ongoing",
    "direction": None,
    "language": "und",
    "contentRating": "safe",
    "titles": [],
}
_DIRECTIONS = {"manga": "rtl", "manhwa": "ttb", "webtoon": "ttb"}
_CHAPTER: Mapping[str, Any] = {"number": None, "label": None, "title": None, "volume": None, "language": "und"}


def _chapter_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    words = {key: value for key, value in fields.items() if key != "teamIds"}
    words["volume"] = words["volume"] or None
    if words["number"] is None and words["label"] is None:
        raise Refused(400, "invalid")
    return words


def _mean(thing: Series | Chapter) -> float | None:
    """With three decimals, halves up."""
    if not thing.ratings:
        return None
    mean = Decimal(sum(thing.ratings.values())) / len(thing.ratings)
    return float(mean.quantize(Decimal("0.001"), ROUND_HALF_UP))


def _rating_body(thing: Series | Chapter, person: Person) -> dict[str, Any]:
    return {"rating": thing.ratings.get(person.name), "average": _mean(thing), "count": len(thing.ratings)}


def _comment_body(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.name,
        "body": comment.words,
        "createdAt": _instant(comment.now),
        "updatedAt": _instant(comment.updated_at),
        "user": {"id": comment.author.name, "username": comment.author.username},
    }


def _is(who: Person | None, roles: set[str]) -> bool:
    return who is not None and who.role in roles


def _signed_in(who: Person | None) -> Person:
    if who is None:
        raise Refused(401, "not_signed_in")
    return who


def _uploader(who: Person | None) -> Person:
    person = _signed_in(who)
    if person.role not in UPLOADERS:
        raise Refused(403, "not_allowed")
    return person


def _may_edit(person: Person, owns: bool, anyway: set[str]) -> None:
    """Owners who are uploaders may, and some roles anywhere."""
    if person.role not in anyway and not (owns and person.role in UPLOADERS):
        raise Refused(403, "not_allowed")


def _at(thing: T, version: int | None) -> T:
    if version is not None and version != thing.version:
        raise Refused(412, "precondition_failed")
    return thing


def _sign(one: tuple[int, Any], other: tuple[int, Any]) -> int:
    return (one > other) - (one < other)


def _instant(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None
