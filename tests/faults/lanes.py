"""Lanes: people who upload, arrange, publish and delete, each in a series of their own, and remember what was answered.

Nobody else changes what is in a lane, so that its owner knows what must be there: exactly what was acknowledged. Of the
one change that was under way when the connection was cut, either all or nothing.
"""

import hashlib
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.faults.invariants import Act
from tests.faults.model import Change, Chapter, Comment, Commons, Filed, People, Series
from tests.faults.tallies import Tally
from tests.faults.wire import NOT_DONE, UNKNOWN, Answer, Cut, Wire

STATES = ("draft", "published", "hidden")
GONE = (404, 410)


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
        self.under_way: Callable[[], None] | None = None  # what goes on where it was cut short
        self.refused = ""  # what a server that is up said to it
        self.series: Series | None = None
        self.files: list[Filed] = []
        self.chapters: dict[str, Chapter] = {}
        self.gone: list[str] = []
        self.ratings: dict[str, int] = {}
        self.comments: dict[str, Comment] = {}

    def do(self, change: Change) -> bool:
        """Whether it was done, and not refused because others do much.

        Raises Cut, and remembers the change as a doubt, where no answer came or one that the database was lost.
        """
        self.doubt = change
        answer = self.wire.ask(change.method, change.path, by=change.by, json=change.json, form=change.form)
        if answer.status == 503 and answer.code != NOT_DONE:
            self.refused = answer.code
            raise Cut(answer.code)
        self.doubt = None
        if answer.status >= 400:
            if answer.status != 503:
                self.under_way = None
                self.wrong(f"{change.method} {change.path} was refused: {answer}")
            return False
        self.tally.acknowledged += 1
        self._done(change, answer.json)
        return True

    def _done(self, change: Change, told: Any) -> None:
        change.apply(told)
        if change.act:
            self.acts.append(change.act)
            self.tally.acts += 1

    def settle(self) -> None:
        """Looks whether the change under way at the last kill was done; there is no third possibility."""
        if self.doubt is not None:
            self._resolve()
        if self.under_way is not None:
            self.under_way()

    def _resolve(self) -> None:
        assert self.doubt is not None
        change, self.doubt = self.doubt, None
        refused, self.refused = self.refused, ""
        self.tally.unknown += 1
        told = change.found()
        if told is not None:
            self.tally.found += 1
            if refused not in ("", UNKNOWN):
                self.wrong(f"{change.method} {change.path} was done, and answered 503 {refused}")
            self._done(change, told)

    def sure(self, method: str, path: str, **how: Any) -> Any:
        """A step that may be repeated and that nobody sees: what it answers. Raises Cut."""
        while (answer := self.wire.ask(method, path, **how)).status == 503:
            if answer.code != NOT_DONE:
                raise Cut(answer.code)
        self.tally.acknowledged += 1
        assert answer.status < 400, f"{method} {path}: {answer}"
        return answer.json

    def wrong(self, sentence: str) -> None:
        self.tally.wrong(f"{self.name}: {sentence}")

    def forget(self, chapter_id: str) -> None:
        del self.chapters[chapter_id]
        self.gone.append(chapter_id)
        self.ratings.pop(f"chapters/{chapter_id}", None)
        self.comments = {id: one for id, one in self.comments.items() if one.chapter != chapter_id}

    @property
    def its_series(self) -> Series:
        assert self.series is not None
        return self.series

    def get(self, path: str, *, by: str = "") -> Answer:
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
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=100{cursor}", by=by).json
            rows += page["data"]
            if page["page"]["next"] is None:
                return rows
            cursor = f"&cursor={page['page']['next']}"

    def listed(self, path: str, field: str, value: Any) -> Any:
        """The one row of a list whose field has this value, or None."""
        found = [row for row in self._rows(path, by=self.people.owner) if row[field] == value]
        if len(found) > 1:
            self.wrong(f"{path} has {len(found)} rows whose {field} is {value}")
        return found[0] if found else None

    def state_of(self, series: Series) -> str | None:
        answer = self.get(f"series/{series.id}", by=self.people.admin)
        return None if answer.status in GONE else answer.json["state"]

    def cover_of(self, series: Series) -> str | None:
        cover = self.get(f"series/{series.id}", by=self.people.admin).json["cover"]
        return self.hash_of(cover, by="" if series.state == "published" else self.people.admin) if cover else None

    def look(self, chapter_id: str) -> Chapter | None:
        """A chapter with the hashes of its pages; what the public may see, as a stranger gets it."""
        known = self.chapters.get(chapter_id)
        is_public = known and known.state == self.its_series.state == "published"
        answer = self.get(f"chapters/{chapter_id}", by="" if is_public else self.people.admin)
        if answer.status in GONE and is_public:
            answer = self.get(f"chapters/{chapter_id}", by=self.people.admin)
        if answer.status in GONE:
            return None
        told = answer.json
        if told["pageCount"] != len(told["pages"]):
            self.wrong(f"chapter {chapter_id} has {len(told['pages'])} pages and counts {told['pageCount']}")
        by = "" if told["state"] == self.its_series.state == "published" else self.people.admin
        return Chapter(told["number"], told["state"], tuple(self._read(page, by=by) for page in told["pages"]))

    def _read(self, page: Any, *, by: str) -> str:
        """The SHA-256 of a page's bytes, or what is wrong with them."""
        self.tally.pages += 1
        return self.hash_of(page["url"], by=by, size=page["bytes"])

    def hash_of(self, url: str, *, by: str, size: int | None = None) -> str:
        answer = self.get(url, by=by)
        if answer.status != 200:
            return str(answer)
        if size is not None and len(answer.content) != size:
            return f"{len(answer.content)} bytes of {size}"
        return hashlib.sha256(answer.content).hexdigest()

    def check(self) -> None:
        """Compares all that was acknowledged with what is there (I1, I2)."""
        for chapter_id in self.gone[-20:]:
            if (status := self.get(f"chapters/{chapter_id}", by=self.people.admin).status) not in GONE:
                self.wrong(f"chapter {chapter_id}, which was deleted, answers {status}")
        for filed in self.files:
            if (now := self.hash_of(filed.url, by="")) != filed.sha256:
                self.wrong(f"file {filed.id} is {now} instead of {filed.sha256}")
        if self.series is not None:
            self._check_series(self.series)
        for thing, rating in self.ratings.items():
            answer = self.get(f"{thing}/rating", by=self.people.owner)
            if answer.status != 200 or answer.json["rating"] != rating:
                self.wrong(f"rated {thing} {rating}: {answer}")
        for chapter_id in (*self.chapters, self.commons.chapter):
            self._check_comments(chapter_id)

    def _check_series(self, series: Series) -> None:
        state = self.state_of(series)
        if state != series.state:
            self.wrong(f"series {series.id} is {state} instead of {series.state}")
        if state is None:
            return
        if (cover := self.cover_of(series)) != series.cover:
            self.wrong(f"the cover of {series.id} is {cover} instead of {series.cover}")
        for state in STATES:
            rows = self._rows(f"series/{series.id}/chapters?state={state}", by=self.people.owner)
            there = {row["id"] for row in rows}
            known = {id for id, chapter in self.chapters.items() if chapter.state == state}
            if (state, series.state) == ("published", "hidden"):
                known = set()  # these are listed nowhere
            if there != known:
                self.wrong(f"{state} chapters: {there - known} are too many, {known - there} are missing")
        for chapter_id, chapter in self.chapters.items():
            if (seen := self.look(chapter_id)) != chapter:
                self.wrong(f"chapter {chapter_id} is {seen} instead of {chapter}")

    def _check_comments(self, chapter_id: str) -> None:
        rows = self._rows(f"chapters/{chapter_id}/comments", by=self.people.admin)
        there = {row["id"]: row["body"] for row in rows if row["body"].startswith(f"{self.name} ")}
        known = {id: one.body for id, one in self.comments.items() if one.chapter == chapter_id}
        if there != known:
            self.wrong(f"comments on {chapter_id} are {there} instead of {known}")
