"""Lanes: people who upload, arrange, publish and delete, each in a series of their own, and remember what was answered.

Nobody else changes what is in a lane, so that its owner knows what must be there: exactly what was acknowledged. Of the
one change that was under way when the connection was cut, either all or nothing.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from tests import drawings
from tests.faults.invariants import Act
from tests.faults.tallies import Tally
from tests.faults.wire import NOT_DONE, UNKNOWN, Answer, Cut, Wire
from tests.front import File, form

MOST_CHAPTERS = 7
MOST_PAGES = 12
KINDS = ("png", "jpeg", "webp")
STATES = ("draft", "published", "hidden")
GONE = (404, 410)

_seeds = count(1)


class People(NamedTuple):
    """Tokens."""

    owner: str
    moderator: str
    admin: str


class Commons(NamedTuple):
    """A published series with a published chapter, which all lanes rate and comment on."""

    series: str
    chapter: str


class Chapter(NamedTuple):
    """A chapter as its readers get it: the SHA-256 of each page, in order."""

    number: int
    state: str
    pages: tuple[str, ...] = ()


@dataclass
class Series:
    id: str
    title: str
    state: str = "published"


class Comment(NamedTuple):
    chapter: str
    body: str


class Change(NamedTuple):
    """A request, what it does to the model once it is acknowledged, and how to find out whether it was done.

    `found()` gives what the answer would have been, or something as good, and None where nothing was done.
    """

    method: str
    path: str
    by: str
    apply: Callable[[Any], None]
    found: Callable[[], Any]
    json: Any = None
    form: bytes = b""
    act: Act | None = None


class Lane:
    """One lane, used by one thread at a time. `wire` is set whenever a server starts."""

    def __init__(self, name: str, people: People, commons: Commons, draw: random.Random) -> None:
        self.name = name
        self.people = people
        self.commons = commons
        self.draw = draw
        self.numbers = count(1)
        self.wire = Wire("")
        self.tally = Tally()
        self.acts: list[Act] = []
        self.doubt: Change | None = None
        self.refused = ""  # what a server that is up said to it
        self.series: Series | None = None
        self.chapters: dict[str, Chapter] = {}
        self.gone: list[str] = []
        self.ratings: dict[str, int] = {}
        self.comments: dict[str, Comment] = {}

    # Changing things.

    def step(self) -> None:
        """One change of whatever is possible now. Raises Cut."""
        if change := self._choose():
            self.do(change)

    def do(self, change: Change) -> None:
        """Raises Cut, and remembers the change as a doubt, where no answer came or one that the database was lost."""
        self.doubt = change
        answer = self.wire.ask(change.method, change.path, by=change.by, json=change.json, form=change.form)
        if answer.status == 503 and answer.code != NOT_DONE:
            self.refused = answer.code
            raise Cut(answer.code)
        self.doubt = None
        if answer.status >= 400:
            if answer.status != 503:
                self._wrong(f"{change.method} {change.path} was refused: {answer}")
            return
        self.tally.acknowledged += 1
        self._done(change, answer.json)

    def _done(self, change: Change, told: Any) -> None:
        change.apply(told)
        if change.act:
            self.acts.append(change.act)
            self.tally.acts += 1

    def settle(self) -> None:
        """Looks whether the change under way at the last kill was done; there is no third possibility."""
        if self.doubt is None:
            return
        change, self.doubt = self.doubt, None
        refused, self.refused = self.refused, ""
        self.tally.unknown += 1
        told = change.found()
        if told is not None:
            self.tally.found += 1
            if refused not in ("", UNKNOWN):
                self._wrong(f"{change.method} {change.path} was done, and answered 503 {refused}")
            self._done(change, told)

    def _wrong(self, sentence: str) -> None:
        self.tally.wrong(f"{self.name}: {sentence}")

    def _choose(self) -> Change | None:
        if self.series is None:
            return self.start_series()
        if len(self.chapters) < 2:
            return self.add_chapter(self.series)
        choices: dict[Callable[[], Change | None], int] = {
            self.add_some_pages: 8,
            self.arrange_some_pages: 4,
            self.publish_some: 6,
            self.hide_some: 3,
            self.remove_some: 2,
            self.rate_or_not: 3,
            self.comment_or_not: 4,
            self.turn_series: 1,
            self.remove_series: 1,
        }
        if len(self.chapters) < MOST_CHAPTERS:
            return self.draw.choices([self._add_chapter, *choices], [4, *choices.values()])[0]()
        return self.draw.choices(list(choices), list(choices.values()))[0]()

    # Series.

    def start_series(self) -> Change:
        title = f"{self.name} {next(self.numbers)}"

        def apply(told: Any) -> None:
            self.series = Series(told["id"], title)

        return Change(
            "POST",
            "series",
            self.people.owner,
            apply,
            lambda: self._listed("series", "title", title),
            json={"title": title, "author": "Somebody"},
        )

    def turn_series(self) -> Change:
        """Hidden or shown again, by its owner or by the moderator."""
        series = self._series
        state = "hidden" if series.state == "published" else "published"
        moderated = self.draw.random() < 0.5
        act = Act("hide" if state == "hidden" else "show", "series", series.id) if moderated else None

        def apply(_: Any) -> None:
            series.state = state

        return Change(
            "PATCH",
            f"series/{series.id}",
            self.people.moderator if moderated else self.people.owner,
            apply,
            lambda: self._state_of(series) == state or None,
            json={"state": state},
            act=act,
        )

    def remove_series(self) -> Change:
        """With all of its chapters, in steps: cut short it is hidden, and each of its chapters is whole or gone."""
        series = self._series

        def apply(_: Any) -> None:
            self.series = None
            for chapter_id in list(self.chapters):
                self._forget(chapter_id)
            self.ratings.pop(f"series/{series.id}", None)

        return Change("DELETE", f"series/{series.id}", self.people.owner, apply, lambda: self._removed(series))

    def _removed(self, series: Series) -> bool | None:
        state = self._state_of(series)
        if state is None:
            return True
        if state == "hidden":
            series.state = state
            for chapter_id in list(self.chapters):
                if self.look(chapter_id) is None:
                    self._forget(chapter_id)
            self.do(self.remove_series() if self.draw.random() < 0.5 else self.turn_series())
        return None

    @property
    def _series(self) -> Series:
        assert self.series is not None
        return self.series

    def _state_of(self, series: Series) -> str | None:
        answer = self._get(f"series/{series.id}", by=self.people.admin)
        return None if answer.status in GONE else answer.json["state"]

    # Chapters.

    def _add_chapter(self) -> Change:
        return self.add_chapter(self._series)

    def add_chapter(self, series: Series) -> Change:
        number = next(self.numbers)

        def apply(told: Any) -> None:
            self.chapters[told["id"]] = Chapter(number, "draft")

        path = f"series/{series.id}/chapters"
        return Change(
            "POST",
            path,
            self.people.owner,
            apply,
            lambda: self._listed(f"{path}?state=draft", "number", number),
            json={"number": number},
        )

    def _turn(self, method: str, path: str, chapter_id: str, after: Chapter | None, **how: Any) -> Change:
        """A change from what the chapter is to `after`."""
        before = self.chapters[chapter_id]

        def apply(_: Any) -> None:
            if after is None:
                self._forget(chapter_id)
            else:
                self.chapters[chapter_id] = after

        def found() -> bool | None:
            seen = self.look(chapter_id)
            if seen not in (before, after):
                self._wrong(f"{method} {path} was done by half: from {before} to {seen} instead of {after}")
            return seen == after or None

        how.setdefault("by", self.people.owner)
        return Change(method, path, apply=apply, found=found, **how)

    def _forget(self, chapter_id: str) -> None:
        del self.chapters[chapter_id]
        self.gone.append(chapter_id)
        self.ratings.pop(f"chapters/{chapter_id}", None)
        self.comments = {id: one for id, one in self.comments.items() if one.chapter != chapter_id}

    def _some(self, fits: Callable[[Chapter], bool] = lambda _: True) -> str | None:
        found = [id for id, chapter in self.chapters.items() if fits(chapter)]
        return self.draw.choice(found) if found else None

    def add_some_pages(self) -> Change | None:
        """One to four new images: appended, or numbered and sent in another order."""
        chapter_id = self._some(lambda one: len(one.pages) < MOST_PAGES)
        if chapter_id is None:
            return None
        before = self.chapters[chapter_id]
        images = [drawings.page(KINDS[seed % 3], seed=seed) for seed in self._new_seeds()]
        first = len(before.pages) + 1
        files = [File("file", image) for image in images]
        if self.draw.random() < 0.5:
            files = [File(f"page_{number}", image) for number, image in enumerate(images, first)][::-1]
        hashes = tuple(hashlib.sha256(image).hexdigest() for image in images)
        after = before._replace(pages=before.pages + hashes)
        return self._turn("POST", f"chapters/{chapter_id}/pages", chapter_id, after, form=form(*files))

    def _new_seeds(self) -> list[int]:
        return [next(_seeds) for _ in range(self.draw.randint(1, 4))]

    def arrange_some_pages(self) -> Change | None:
        """In another order, and sometimes without some of them."""
        chapter_id = self._some(lambda one: len(one.pages) > 1)
        if chapter_id is None:
            return None
        before = self.chapters[chapter_id]
        ids = [page["id"] for page in self._get(f"chapters/{chapter_id}", by=self.people.owner).json["pages"]]
        kept = self.draw.sample(range(len(ids)), self.draw.randint(len(ids) // 2, len(ids)))
        after = before._replace(pages=tuple(before.pages[place] for place in kept))
        body = {"ids": [ids[place] for place in kept]}
        return self._turn("PUT", f"chapters/{chapter_id}/pages", chapter_id, after, json=body)

    def publish_some(self) -> Change | None:
        """By its owner; what was hidden is sometimes shown again by the moderator."""
        chapter_id = self._some(lambda one: one.state != "published" and bool(one.pages))
        if chapter_id is None:
            return None
        before = self.chapters[chapter_id]
        how: dict[str, Any] = {}
        if before.state == "hidden" and self.draw.random() < 0.5:
            how = {"by": self.people.moderator, "act": Act("show", "chapter", chapter_id)}
        after = before._replace(state="published")
        return self._turn("POST", f"chapters/{chapter_id}/publish", chapter_id, after, **how)

    def hide_some(self) -> Change | None:
        """By its owner or by the moderator, who tells why."""
        chapter_id = self._some(lambda one: one.state == "published")
        if chapter_id is None:
            return None
        how: dict[str, Any] = {}
        if self.draw.random() < 0.5:
            reason = f"{self.name} {next(self.numbers)}"
            act = Act("hide", "chapter", chapter_id, reason)
            how = {"by": self.people.moderator, "json": {"reason": reason}, "act": act}
        after = self.chapters[chapter_id]._replace(state="hidden")
        return self._turn("POST", f"chapters/{chapter_id}/hide", chapter_id, after, **how)

    def remove_some(self) -> Change | None:
        """By its owner or by the admin."""
        chapter_id = self._some()
        if chapter_id is None:
            return None
        how: dict[str, Any] = {}
        if self.draw.random() < 0.5:
            how = {"by": self.people.admin, "act": Act("delete", "chapter", chapter_id)}
        return self._turn("DELETE", f"chapters/{chapter_id}", chapter_id, None, **how)

    # What readers do.

    def _target(self) -> str:
        own = [f"series/{self._series.id}", *(f"chapters/{id}" for id in self.chapters)]
        return self.draw.choice([*own, f"series/{self.commons.series}", f"chapters/{self.commons.chapter}"])

    def rate_or_not(self) -> Change:
        thing = self._target()
        mine = self.ratings.get(thing)
        rating = None if mine and self.draw.random() < 0.3 else self.draw.choice([n for n in range(1, 11) if n != mine])

        def apply(_: Any) -> None:
            if rating is None:
                del self.ratings[thing]
            else:
                self.ratings[thing] = rating

        def found() -> bool | None:
            now = self._get(f"{thing}/rating", by=self.people.owner).json["rating"]
            if now not in (mine, rating):
                self._wrong(f"the rating of {thing} went from {mine} to {now} instead of {rating}")
            return now == rating or None

        body = None if rating is None else {"rating": rating}
        method = "DELETE" if rating is None else "PUT"
        return Change(method, f"{thing}/rating", self.people.owner, apply, found, json=body)

    def comment_or_not(self) -> Change:
        """Says something new, or says it otherwise, or takes it back; or the moderator does."""
        turn = self.draw.random()
        if not self.comments or turn < 0.5:
            return self._comment()
        comment_id, comment = self.draw.choice(list(self.comments.items()))
        if turn < 0.7:
            return self._comment_on(comment_id, comment, "PATCH", f"{self.name} {next(self.numbers)}")
        return self._comment_on(comment_id, comment, "DELETE", None, moderated=turn < 0.85)

    def _comment(self) -> Change:
        chapter_id = self.draw.choice([*self.chapters, self.commons.chapter])
        body = f"{self.name} {next(self.numbers)}"

        def apply(told: Any) -> None:
            self.comments[told["id"]] = Comment(chapter_id, body)

        path = f"chapters/{chapter_id}/comments"
        return Change(
            "POST",
            path,
            self.people.owner,
            apply,
            lambda: self._listed(path, "body", body),
            json={"body": body},
        )

    def _comment_on(
        self, comment_id: str, before: Comment, method: str, body: str | None, *, moderated: bool = False
    ) -> Change:
        def apply(_: Any) -> None:
            if body is None:
                del self.comments[comment_id]
            else:
                self.comments[comment_id] = before._replace(body=body)

        def found() -> bool | None:
            answer = self._get(f"comments/{comment_id}", by=self.people.admin)
            now = None if answer.status in GONE else answer.json["body"]
            if now not in (before.body, body):
                self._wrong(f"a comment went from {before.body} to {now} instead of {body}")
            return now == body or None

        return Change(
            method,
            f"comments/{comment_id}",
            self.people.moderator if moderated else self.people.owner,
            apply,
            found,
            json=None if body is None else {"body": body},
            act=Act("delete", "comment", comment_id) if moderated else None,
        )

    # Looking.

    def _get(self, path: str, *, by: str = "") -> Answer:
        """Raises Cut."""
        answer = self.wire.ask("GET", path, by=by)
        if answer.status == 503:
            raise Cut(answer.code)
        return answer

    def _rows(self, path: str, *, by: str) -> list[Any]:
        """All rows of a list."""
        rows: list[Any] = []
        cursor = ""
        while True:
            page = self._get(f"{path}{'&' if '?' in path else '?'}limit=100{cursor}", by=by).json
            rows += page["data"]
            if page["page"]["next"] is None:
                return rows
            cursor = f"&cursor={page['page']['next']}"

    def _listed(self, path: str, field: str, value: Any) -> Any:
        """The one row of a list whose field has this value, or None."""
        found = [row for row in self._rows(path, by=self.people.owner) if row[field] == value]
        if len(found) > 1:
            self._wrong(f"{path} has {len(found)} rows whose {field} is {value}")
        return found[0] if found else None

    def look(self, chapter_id: str) -> Chapter | None:
        """A chapter with the hashes of its pages; what the public may see, as a stranger gets it."""
        known = self.chapters.get(chapter_id)
        is_public = known and known.state == self._series.state == "published"
        answer = self._get(f"chapters/{chapter_id}", by="" if is_public else self.people.admin)
        if answer.status in GONE and is_public:
            answer = self._get(f"chapters/{chapter_id}", by=self.people.admin)
        if answer.status in GONE:
            return None
        told = answer.json
        if told["pageCount"] != len(told["pages"]):
            self._wrong(f"chapter {chapter_id} has {len(told['pages'])} pages and counts {told['pageCount']}")
        by = "" if told["state"] == self._series.state == "published" else self.people.admin
        return Chapter(told["number"], told["state"], tuple(self._read(page, by=by) for page in told["pages"]))

    def _read(self, page: Any, *, by: str) -> str:
        """The SHA-256 of a page's bytes, or what is wrong with them."""
        self.tally.pages += 1
        answer = self._get(page["url"], by=by)
        if answer.status != 200:
            return str(answer)
        if len(answer.content) != page["bytes"]:
            return f"{len(answer.content)} bytes of {page['bytes']}"
        return hashlib.sha256(answer.content).hexdigest()

    def check(self) -> None:
        """Compares all that was acknowledged with what is there (I1, I2)."""
        for chapter_id in self.gone[-20:]:
            if (status := self._get(f"chapters/{chapter_id}", by=self.people.admin).status) not in GONE:
                self._wrong(f"chapter {chapter_id}, which was deleted, answers {status}")
        if self.series is not None:
            self._check_series(self.series)
        for thing, rating in self.ratings.items():
            answer = self._get(f"{thing}/rating", by=self.people.owner)
            if answer.status != 200 or answer.json["rating"] != rating:
                self._wrong(f"rated {thing} {rating}: {answer}")
        for chapter_id in (*self.chapters, self.commons.chapter):
            self._check_comments(chapter_id)

    def _check_series(self, series: Series) -> None:
        state = self._state_of(series)
        if state != series.state:
            self._wrong(f"series {series.id} is {state} instead of {series.state}")
        for state in STATES:
            rows = self._rows(f"series/{series.id}/chapters?state={state}", by=self.people.owner)
            there = {row["id"] for row in rows}
            known = {id for id, chapter in self.chapters.items() if chapter.state == state}
            if (state, series.state) == ("published", "hidden"):
                known = set()  # these are listed nowhere
            if there != known:
                self._wrong(f"{state} chapters: {there - known} are too many, {known - there} are missing")
        for chapter_id, chapter in self.chapters.items():
            if (seen := self.look(chapter_id)) != chapter:
                self._wrong(f"chapter {chapter_id} is {seen} instead of {chapter}")

    def _check_comments(self, chapter_id: str) -> None:
        rows = self._rows(f"chapters/{chapter_id}/comments", by=self.people.admin)
        there = {row["id"]: row["body"] for row in rows if row["body"].startswith(f"{self.name} ")}
        known = {id: one.body for id, one in self.comments.items() if one.chapter == chapter_id}
        if there != known:
            self._wrong(f"comments on {chapter_id} are {there} instead of {known}")
