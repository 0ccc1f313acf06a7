"""Counters and lists equal what a simple model says, after whatever sequence of operations."""

from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.front import Asker, Site, everything, refused, told

CHAPTER_STATES = st.sampled_from(["publish", "hide", "schedule", "publish"])
STATES = ("published", "hidden", "draft")
ANY = st.integers(0, 1000)


class Series(NamedTuple):
    id: str
    state: str


class Chapter(NamedTuple):
    id: str
    series: str
    number: int
    state: str
    pages: int
    published_at: str | None


class Library(RuleBasedStateMachine):
    """Operations on a site, and a model of what strangers must see of it."""

    site: Site
    owner: Asker

    @initialize()
    def begin(self) -> None:
        self.series: dict[str, Series] = {}
        self.chapters: dict[str, Chapter] = {}
        left = [one for state in STATES for one in everything(self.owner, "series", state=state)]
        for series in left:
            told(self.owner.delete(f"series/{series['id']}"), 204)
        for choice in range(2):
            self.starts_series("published")
            self.adds_chapter(choice, number=1, pages=1, publish=True)
            self.adds_chapter(choice, number=2, pages=0, publish=False)

    def one_of(self, things: dict[str, Any], choice: int) -> Any:
        return list(things.values())[choice % len(things)] if things else None

    @precondition(lambda self: len(self.series) < 4)
    @rule(state=st.sampled_from(["published", "draft"]))
    def starts_series(self, state: str) -> None:
        self.site.clock.forward(seconds=1)
        made = self.owner.makes_series("Equal", state=state)
        self.series[made["id"]] = Series(made["id"], state)

    @rule(choice=ANY, state=st.sampled_from(STATES))
    def turns_series(self, choice: int, state: str) -> None:
        if series := self.one_of(self.series, choice):
            told(self.owner.patch(f"series/{series.id}", {"state": state}))
            self.series[series.id] = series._replace(state=state)

    @rule(choice=ANY)
    def hides_series_or_shows_it(self, choice: int) -> None:
        series = self.one_of(self.series, choice)
        self.turns_series(choice, "hidden" if series.state == "published" else "published")

    @precondition(lambda self: len(self.series) > 2)
    @rule(choice=ANY)
    def ends_series(self, choice: int) -> None:
        if series := self.one_of(self.series, choice):
            told(self.owner.delete(f"series/{series.id}"), 204)
            del self.series[series.id]
            self.chapters = {key: one for key, one in self.chapters.items() if one.series != series.id}

    @rule(choice=ANY, number=st.integers(0, 5), pages=st.integers(0, 2), publish=st.booleans())
    def adds_chapter(self, choice: int, number: int, pages: int, publish: bool) -> None:
        series = self.one_of(self.series, choice)
        if series is None:
            return
        if any((one.series, one.number) == (series.id, number) for one in self.chapters.values()):
            answer = self.owner.post(f"series/{series.id}/chapters", {"number": number})
            refused(answer, 409, "chapter_exists")
            return
        made = self.owner.makes_chapter({"id": series.id}, number)
        if pages:
            self.owner.adds_pages(made, pages)
        self.chapters[made["id"]] = Chapter(made["id"], series.id, number, "draft", pages, None)
        if publish:
            self.turn(self.chapters[made["id"]], "publish")

    @rule(choice=ANY, verb=CHAPTER_STATES)
    def turns_chapter(self, choice: int, verb: str) -> None:
        self.site.clock.forward(seconds=1)
        if chapter := self.one_of(self.chapters, choice):
            self.turn(chapter, verb)

    def turn(self, chapter: Chapter, verb: str) -> None:
        body = {"at": "2030-01-01T00:00:00Z"} if verb == "schedule" else None
        answer = self.owner.post(f"chapters/{chapter.id}/{'hide' if verb == 'hide' else 'publish'}", body)
        if verb != "hide" and not chapter.pages:
            refused(answer, 409, "no_pages")
            return
        now = self.site.clock.now.isoformat(timespec="microseconds")[:26] + "Z"
        first = chapter.published_at or (now if verb == "publish" else None)
        state = {"publish": "published", "hide": "hidden", "schedule": "scheduled"}[verb]
        assert (told(answer)["state"], answer.json["publishedAt"]) == (state, first)
        self.chapters[chapter.id] = chapter._replace(state=state, published_at=first)

    @precondition(lambda self: len(self.chapters) > 4)
    @rule(choice=ANY)
    def ends_chapter(self, choice: int) -> None:
        if chapter := self.one_of(self.chapters, choice):
            told(self.owner.delete(f"chapters/{chapter.id}"), 204)
            del self.chapters[chapter.id]

    @precondition(lambda self: sum(one.pages for one in self.chapters.values()) < 8)
    @rule(choice=ANY)
    def adds_page(self, choice: int) -> None:
        if chapter := self.one_of(self.chapters, choice):
            self.owner.adds_pages({"id": chapter.id})
            self.chapters[chapter.id] = chapter._replace(pages=chapter.pages + 1)

    @invariant()
    def strangers_see_what_is_published(self) -> None:
        seen = {one.id for one in self.series.values() if one.state == "published"}
        chapters = [one for one in self.chapters.values() if one.state == "published" and one.series in seen]
        listed = told(self.site.stranger.get("series?limit=100"))
        assert {one["id"] for one in listed["data"]} == seen
        assert listed["page"]["total"] == len(seen)
        feed = told(self.site.stranger.get("chapters?limit=100"))
        assert {one["id"] for one in feed["data"]} == {one.id for one in chapters}
        assert feed["page"]["total"] == len(chapters)
        for series in listed["data"]:
            own = [one for one in chapters if one.series == series["id"]]
            assert series["chapterCount"] == len(own)
            assert series["lastChapterAt"] == max((one.published_at or "" for one in own), default=None)
        updated = told(self.site.stranger.get("series?limit=100&sort=updated"))["data"]
        active = [one["lastChapterAt"] or one["createdAt"] for one in updated]
        assert active == sorted(active, reverse=True)

    @invariant()
    def bytes_and_rows_agree(self) -> None:
        assert len(self.site.stored) == self.site.count("files") == self.site.count("pages")
        assert len(self.site.stored) == sum(one.pages for one in self.chapters.values())

    @invariant()
    def hidden_counts_agree_too(self) -> None:
        wrong = (
            "series_stats t WHERE t.chapter_count <> (SELECT COUNT(*) FROM chapters c WHERE c.series_id = t.series_id"
            " AND c.state = 'published')"
        )
        assert self.site.count(wrong) == 0


def machine_of(site: Site) -> type[Library]:
    owner = site.sign_up("uploader")

    class Here(Library):
        pass

    Here.site, Here.owner = site, owner
    return Here


def test_counters_equal_what_they_count(any_site: Site) -> None:  # AZ-10
    examples = settings(max_examples=3, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine_of(any_site), settings=examples)
