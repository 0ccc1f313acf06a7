"""The same steps on a model and on a site on every database (hypothesis, stateful testing).

A step is one request of somebody, asked of every database; its answer must be the model's. After a step that changed
something, so must be all that a stranger, an uploader, another one and a moderator see of lists, totals, neighbours and
the thing itself: on one database after the other, as the steps go on, and on every one at the end of a walk.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import hypothesis
from hypothesis import Phase, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.front import NOW, PAGE, File, told
from tests.model import model
from tests.model.model import LABELS, WORDS, Answer, Model, Name, Person, Refused
from tests.model.places import NOTHING, Places

STEPS = 50  # of one example

WHO = st.integers(0, 6)
WHICH = st.integers(0, 9)
VERSION = st.sampled_from([None, None, None, "same", "other"])
TITLE = st.sampled_from(sorted(WORDS))
LANGUAGE = st.sampled_from(["und", "en", "ja"])
TEAMS = st.lists(st.integers(0, 3), max_size=2)
REASON = st.sampled_from([None, "Asked for"])
STATES = ["draft", "scheduled", "published", "hidden"]
SERIES = {
    "title": TITLE,
    "author": TITLE,
    "description": st.sampled_from([None, "", "Moon 2", "漫画月"]),
    "type": st.sampled_from(["manga", "manhwa", "comic"]),
    "status": st.sampled_from(["ongoing", "completed"]),
    "direction": st.sampled_from(["ltr", "ttb"]),
    "language": LANGUAGE,
    "contentRating": st.sampled_from(["safe", "mature"]),
    "titles": st.lists(st.fixed_dictionaries({"language": LANGUAGE, "title": TITLE}), max_size=2),
    "teamIds": TEAMS,
}
NUMBER = st.sampled_from([0, 1, 1.0, 1.1, 1.10, 2, 10, 10.5, 999999.999, None])
CHAPTER = {
    "number": NUMBER,
    "label": st.sampled_from([None, *LABELS]),
    "title": st.sampled_from([None, "Rain"]),
    "volume": st.sampled_from([None, "", "1", "a", "A"]),
    "language": LANGUAGE,
    "teamIds": TEAMS,
}
AT = st.sampled_from([None, -3600, 0, 3600])  # seconds from now


def _some(fields: Mapping[str, Any], *needed: str) -> Any:
    optional = {name: one for name, one in fields.items() if name not in needed}
    return st.fixed_dictionaries({name: fields[name] for name in needed}, optional=optional)


class Machine(RuleBasedStateMachine):
    """`places` and `counts` are set by whoever runs it."""

    places: Places
    counts: Counter[str]

    @initialize()
    def people(self) -> None:
        self.places.clock.now = NOW
        self.places.forget()
        self.model = Model()
        self.page: dict[str, Any] = {}
        for role in ("uploader", "uploader", "moderator", "user", "admin"):
            self._sign_up(role)
        self._begin()

    def _begin(self) -> None:
        """Something to go on with: a team of two, its series, one out of sight, chapters in sight and out of it."""
        first, second, *_ = self.model.people.values()
        team = self._found(first, "Moon")
        for person, fields in ((first, {"teamIds": [team.body["id"]]}), (second, {"state": "draft"})):
            self._pass()
            started = self._start_series(person, {"title": "Moon", "author": "MOON", **fields})
            self._release(person, started.body["id"], {"number": 1})
        self._join(first, team.body["id"], second.name, "member")
        self._pass()
        released = self._release(second, next(iter(self.model.series)), {"number": 2, "teamIds": [team.body["id"]]})
        self._hide(second, released.body["id"])

    def _sign_up(self, role: str) -> None:
        name = self.model.name("p")
        self.places.sign_up(name, role)
        self.model.people[name] = Person(name, str(name), role)

    # Steps

    def _step(self, name: str) -> None:
        self._pass()
        self.counts[name] += 1

    def _pass(self) -> None:
        """Time goes on, so that identifiers and instants are in the order of the steps."""
        self.places.clock.forward(seconds=1)
        self.model.now = self.places.clock.now

    def _expected(self, verb: Callable[..., Answer], /, *args: Any) -> Answer:
        try:
            expected = verb(*args)
        except Refused as refusal:
            expected = refusal.answer
        self.counts[f"answered {expected.status}"] += 1
        return expected

    def _ask(self, expected: Answer, who: Person | None, method: str, path: Sequence[str], /, **how: Any) -> None:
        how = {name: value for name, value in how.items() if name != "headers" or value}
        note(f"{who and f'{who.name} ({who.role})'} {method} {'/'.join(path)} {how} -> {expected.status}")
        self.places.expect(expected, _name(who), method, path, **how)

    @precondition(lambda self: len(self.model.people) < 7)
    @rule(role=st.sampled_from(["user", "uploader", "moderator", "admin"]))
    def somebody_signs_up(self, role: str) -> None:
        self._step("sign up")
        self._sign_up(role)

    @rule(who=WHO, role=st.sampled_from(["user", "uploader", "moderator", "admin"]))
    def a_role_changes(self, who: int, role: str) -> None:
        self._step("role")
        person = self._person(who)
        if person is not None:
            note(f"{person.name} becomes {role}")
            person.role = role
            self.places.write("UPDATE users SET role = :role WHERE id = :id", role=role, id=person.name)
            self.places.turn()
            self._look()
            self.places.turn(all=True)

    @rule(who=WHO, fields=_some(SERIES, "title", "author"), state=st.sampled_from([None, "published", "draft"]))
    def a_series_starts(self, who: int, fields: dict[str, Any], state: str | None) -> None:
        self._step("series")
        self._start_series(self._person(who), self._body(fields) | ({"state": state} if state else {}))

    def _start_series(self, person: Person | None, body: dict[str, Any]) -> Answer:
        self._pass()
        expected = self._expected(self.model.create_series, person, body)
        self._ask(expected, person, "POST", ["series"], json=body)
        self._look_at(expected, series=expected)
        return expected

    @rule(
        who=WHO,
        which=WHICH,
        fields=_some(SERIES),
        state=st.sampled_from([None, "published", "draft", "hidden"]),
        version=VERSION,
    )
    def a_series_changes(
        self, who: int, which: int, fields: dict[str, Any], state: str | None, version: str | None
    ) -> None:
        self._step("series change")
        person, name = self._person(who), self._series(which)
        body = self._body(fields) | ({"state": state} if state else {})
        number = self._version(self.model.series.get(name), version)
        expected = self._expected(self.model.change_series, person, name, body, number)
        self._ask(expected, person, "PATCH", ["series", name], json=body, headers=_if_match(number))
        self._look_at(expected, series=expected)

    @rule(who=WHO, which=WHICH, reason=REASON, version=VERSION)
    def a_series_ends(self, who: int, which: int, reason: str | None, version: str | None) -> None:
        self._step("series deletion")
        person, name = self._person(who), self._series(which)
        number = self._version(self.model.series.get(name), version)
        slugs = self.model.series[name].slugs if name in self.model.series else []
        expected = self._expected(self.model.delete_series, person, name, reason, number)
        asked = {"params": {"reason": reason}} if reason else {}
        self._ask(expected, person, "DELETE", ["series", name], headers=_if_match(number), **asked)
        self._look_at(expected)
        for slug in slugs:
            self._ask(self._expected(self.model.show_slug, None, slug), None, "GET", ["series", slug])

    @rule(who=WHO, which=WHICH, fields=_some(CHAPTER))
    def a_chapter_is_added(self, who: int, which: int, fields: dict[str, Any]) -> None:
        self._step("chapter")
        self._add_chapter(self._person(who), self._series(which), self._body(fields))

    def _add_chapter(self, person: Person | None, series: Name, body: dict[str, Any]) -> Answer:
        expected = self._expected(self.model.create_chapter, person, series, body)
        self._ask(expected, person, "POST", ["series", series, "chapters"], json=body)
        self._look_at(expected, chapter=expected)
        return expected

    @precondition(lambda self: self.model.series)
    @rule(which=st.integers(0, 8), number=NUMBER, teams=TEAMS, language=LANGUAGE)
    def its_creator_releases_a_chapter(self, which: int, number: Any, teams: list[int], language: str) -> None:
        """What people mostly do: a chapter with pages, published."""
        self._step("release")
        series = self.model.series[_one_of(list(self.model.series), which)]
        label = {"label": "Extra"} if number is None else {}
        body = self._body({"number": number, "language": language, "teamIds": teams}) | label
        self._release(self.model.people[series.creator], series.name, body)

    def _release(self, person: Person, series: Name, body: dict[str, Any]) -> Answer:
        added = self._add_chapter(person, series, body)
        if added.status == 201:
            self._add_pages(person, added.body["id"], [None])
            self._publish(person, added.body["id"], None)
        return added

    @rule(who=WHO, which=WHICH, fields=_some(CHAPTER), version=VERSION)
    def a_chapter_changes(self, who: int, which: int, fields: dict[str, Any], version: str | None) -> None:
        self._step("chapter change")
        person, name, body = self._person(who), self._chapter(which), self._body(fields)
        number = self._version(self.model.chapters.get(name), version)
        expected = self._expected(self.model.change_chapter, person, name, body, number)
        self._ask(expected, person, "PATCH", ["chapters", name], json=body, headers=_if_match(number))
        self._look_at(expected, chapter=expected)

    @rule(who=WHO, which=WHICH, at=AT)
    def a_chapter_is_published(self, who: int, which: int, at: int | None) -> None:
        self._step("publishing")
        self._publish(self._person(who), self._chapter(which), at)

    def _publish(self, person: Person | None, name: Name, at: int | None) -> None:
        instant = None if at is None else self.model.now + timedelta(seconds=at)
        expected = self._expected(self.model.publish, person, name, instant)
        # by another clock than ours: what counts is the instant
        sent = {} if instant is None else {"at": (instant + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S+09:00")}
        self._ask(expected, person, "POST", ["chapters", name, "publish"], json=sent)
        self._look_at(expected, chapter=expected)

    @rule(who=WHO, which=WHICH)
    def a_chapter_is_hidden(self, who: int, which: int) -> None:
        self._step("hiding")
        self._hide(self._person(who), self._chapter(which))

    def _hide(self, person: Person | None, name: Name) -> None:
        expected = self._expected(self.model.hide, person, name)
        self._ask(expected, person, "POST", ["chapters", name, "hide"])
        self._look_at(expected, chapter=expected)

    @rule(who=WHO, which=WHICH, reason=REASON, version=VERSION)
    def a_chapter_ends(self, who: int, which: int, reason: str | None, version: str | None) -> None:
        self._step("chapter deletion")
        person, name = self._person(who), self._chapter(which)
        number = self._version(self.model.chapters.get(name), version)
        expected = self._expected(self.model.delete_chapter, person, name, reason, number)
        asked = {"params": {"reason": reason}} if reason else {}
        self._ask(expected, person, "DELETE", ["chapters", name], headers=_if_match(number), **asked)
        self._look_at(expected)
        self._ask(self._expected(self.model.show_chapter, None, name), None, "GET", ["chapters", name])

    @rule(
        who=WHO,
        which=WHICH,
        numbers=st.lists(
            st.sampled_from([None, 1, 2, 7]), min_size=1, max_size=3, unique_by=lambda one: one or object()
        ),
    )
    def pages_are_added(self, who: int, which: int, numbers: list[int | None]) -> None:
        self._step("pages")
        self._add_pages(self._person(who), self._chapter(which), numbers)

    def _add_pages(self, person: Person | None, name: Name, numbers: list[int | None]) -> None:
        expected = self._expected(self.model.add_pages, person, name, numbers)
        files = [File("file" if number is None else f"page_{number}", PAGE) for number in numbers]
        note(f"{person} POST chapters/{name}/pages {numbers} -> {expected.status}")
        who = _name(person)
        self.places.expect_each(
            expected, lambda at: at.askers[who].send(at.address(["chapters", name, "pages"]), *files)
        )
        self._look_at(expected, chapter=expected)

    @rule(who=WHO, which=WHICH, order=st.lists(st.integers(0, 3), max_size=4), version=VERSION)
    def pages_are_arranged(self, who: int, which: int, order: list[int], version: str | None) -> None:
        self._step("arranging")
        person, name = self._person(who), self._chapter(which)
        chapter = self.model.chapters.get(name)
        pages = list(chapter.pages.values()) if chapter else []
        ids = [pages[place] if place < len(pages) else NOTHING for place in order]
        number = self._version(chapter, version)
        expected = self._expected(self.model.arrange, person, name, ids, number)
        body = {"json": {"ids": ids}}
        self._ask(expected, person, "PUT", ["chapters", name, "pages"], headers=_if_match(number), **body)
        self._look_at(expected, chapter=expected)

    @precondition(lambda self: len(self.model.teams) < 4)
    @rule(who=WHO, title=TITLE)
    def a_team_is_founded(self, who: int, title: str) -> None:
        self._step("team")
        self._found(self._person(who), title)

    def _found(self, person: Person | None, title: str) -> Answer:
        self._pass()
        expected = self._expected(self.model.create_team, person, title)
        self._ask(expected, person, "POST", ["teams"], json={"name": title})
        self._look_at(expected)
        return expected

    @rule(
        who=WHO,
        which=WHICH,
        fields=_some({"name": TITLE, "description": st.sampled_from([None, "", "We"])}),
        version=VERSION,
    )
    def a_team_changes(self, who: int, which: int, fields: dict[str, Any], version: str | None) -> None:
        self._step("team change")
        person, name = self._person(who), self._team(which)
        number = self._version(self.model.teams.get(name), version)
        expected = self._expected(self.model.change_team, person, name, fields, number)
        self._ask(expected, person, "PATCH", ["teams", name], headers=_if_match(number), json=dict(fields))
        self._look_at(expected)

    @rule(who=WHO, which=WHICH, version=VERSION)
    def a_team_ends(self, who: int, which: int, version: str | None) -> None:
        self._step("team deletion")
        person, name = self._person(who), self._team(which)
        number = self._version(self.model.teams.get(name), version)
        expected = self._expected(self.model.delete_team, person, name, number)
        self._ask(expected, person, "DELETE", ["teams", name], headers=_if_match(number))
        self._look_at(expected)

    @rule(who=WHO, which=WHICH, member=WHO, role=st.sampled_from(["leader", "member"]))
    def somebody_joins(self, who: int, which: int, member: int, role: str) -> None:
        self._step("joining")
        self._join(self._person(who), self._team(which), self._named(member), role)

    def _join(self, person: Person | None, name: Name, other: Name, role: str) -> None:
        expected = self._expected(self.model.set_member, person, name, other, role)
        self._ask(expected, person, "PUT", ["teams", name, "members", other], json={"role": role})
        self._look_at(expected)

    @rule(who=WHO, which=WHICH, member=WHO)
    def somebody_leaves(self, who: int, which: int, member: int) -> None:
        self._step("leaving")
        self._leave(self._person(who), self._team(which), self._named(member))

    @precondition(lambda self: self.model.teams)
    @rule(which=st.integers(0, 8), member=WHICH)
    def a_member_leaves(self, which: int, member: int) -> None:
        """Whatever they did in the team is no longer theirs."""
        self._step("leaving of one's own")
        team = self.model.teams[self._team(which)]
        name = list(team.members)[-1 - member % len(team.members)]
        self._leave(self.model.people[name], team.name, name)

    def _leave(self, person: Person | None, name: Name, other: Name) -> None:
        expected = self._expected(self.model.remove_member, person, name, other)
        self._ask(expected, person, "DELETE", ["teams", name, "members", other])
        self._look_at(expected)

    @rule(
        who=WHO,
        asked=_some(
            {
                "sort": st.sampled_from(["newest", "updated", "title", "rating"]),
                "q": TITLE,
                "state": st.sampled_from(STATES),
                "status": SERIES["status"],
                "type": SERIES["type"],
                "language": LANGUAGE,
                "team": WHICH,
                "limit": st.integers(1, 3),
            }
        ),
    )
    def series_are_listed(self, who: int, asked: dict[str, Any]) -> None:
        self._step("series list")
        self._list_series(self._person(who), self._query(asked))

    @rule(
        who=WHO,
        asked=_some(
            {
                "series": WHICH,
                "state": st.sampled_from(STATES),
                "language": LANGUAGE,
                "team": WHICH,
                "limit": st.integers(1, 3),
            }
        ),
    )
    def releases_are_listed(self, who: int, asked: dict[str, Any]) -> None:
        self._step("feed")
        self._list_releases(self._person(who), self._query(asked))

    @rule(
        who=WHO,
        which=WHICH,
        asked=_some(
            {
                "sort": st.sampled_from(["newest", "number"]),
                "state": st.sampled_from(STATES),
                "language": LANGUAGE,
                "team": WHICH,
                "limit": st.integers(1, 3),
            }
        ),
    )
    def chapters_are_listed(self, who: int, which: int, asked: dict[str, Any]) -> None:
        self._step("chapter list")
        self._list_chapters(self._person(who), self._series(which), self._query(asked))

    @rule(who=WHO, which=WHICH, of=st.sampled_from(["series", "chapters"]), rating=st.integers(1, 10))
    def something_is_rated(self, who: int, which: int, of: str, rating: int) -> None:
        self._step("rating")
        person, name = self._person(who), self._series(which) if of == "series" else self._chapter(which)
        expected = self._expected(self.model.rate, person, name, rating)
        self._ask(expected, person, "PUT", [of, name, "rating"], json={"rating": rating})
        self._look_at_rated(expected, of, name)

    @rule(who=WHO, which=WHICH, of=st.sampled_from(["series", "chapters"]))
    def a_rating_is_taken_back(self, who: int, which: int, of: str) -> None:
        self._step("rating taken back")
        person, name = self._person(who), self._series(which) if of == "series" else self._chapter(which)
        expected = self._expected(self.model.unrate, person, name)
        self._ask(expected, person, "DELETE", [of, name, "rating"])
        self._look_at_rated(expected, of, name)

    def _look_at_rated(self, changed: Answer, of: str, name: Name) -> None:
        if changed.status >= 400:
            return
        self.places.turn()
        for who in self._watchers():
            self._see(self._expected(self.model.show_rating, who, name), who, [of, name, "rating"])
            shown = self.model.show_series if of == "series" else self.model.show_chapter
            self._see(self._expected(shown, who, name), who, [of, name])
            self._list_series(who, {"sort": "rating"})
        self.places.turn(all=True)

    @rule(who=WHO, which=WHICH, words=st.sampled_from(["Good", "漫画", "O'Really; --"]))
    def somebody_comments(self, who: int, which: int, words: str) -> None:
        self._step("comment")
        person, name = self._person(who), self._chapter(which)
        expected = self._expected(self.model.comment, person, name, words)
        self._ask(expected, person, "POST", ["chapters", name, "comments"], json={"body": words})
        self._look_at_comments(expected, name)

    @rule(who=WHO, which=WHICH)
    def a_comment_changes(self, who: int, which: int) -> None:
        self._step("comment change")
        person, name = self._person(who), self._comment(which)
        expected = self._expected(self.model.change_comment, person, name, "Better")
        self._ask(expected, person, "PATCH", ["comments", name], json={"body": "Better"})
        self._look_at_comments(expected, self._chapter_of(name))

    @rule(who=WHO, which=WHICH)
    def a_comment_is_deleted(self, who: int, which: int) -> None:
        self._step("comment deletion")
        person, name = self._person(who), self._comment(which)
        chapter = self._chapter_of(name)
        expected = self._expected(self.model.delete_comment, person, name)
        self._ask(expected, person, "DELETE", ["comments", name])
        self._look_at_comments(expected, chapter)

    def _look_at_comments(self, changed: Answer, chapter: Name) -> None:
        if changed.status >= 400:
            return
        self.places.turn()
        for who in self._watchers():
            path = ["chapters", chapter, "comments"]
            seen = self._expected(self.model.show_chapter, who, chapter)
            if seen.status != 200:
                self._see(seen, who, path)
                continue
            self.places.expect_list(self.model.comment_list(chapter), None, _name(who), path, {"limit": 50})
            for comment in self.model.comments:
                self._see(self._expected(self.model.show_comment, who, comment), who, ["comments", comment])
        self.places.turn(all=True)

    # What is seen

    def _look_at(self, changed: Answer, *, series: Answer | None = None, chapter: Answer | None = None) -> None:
        """After a change all that four people see; after a refusal nothing can be other than before."""
        if changed.status >= 400:
            return
        self.places.turn()
        self._look()
        for who in self._watchers():
            if chapter is not None:
                name, of = chapter.body["id"], chapter.body["series"]["id"]
                self._see(self._expected(self.model.show_chapter, who, name), who, ["chapters", name])
                self._list_chapters(who, of, {})
                self._see(self._expected(self.model.show_series, who, of), who, ["series", of])
            if series is not None:
                name = series.body["id"]
                self._see(self._expected(self.model.show_series, who, name), who, ["series", name])
                self._list_chapters(who, name, {})
        for team in self.model.teams:
            self._see(self._expected(self.model.show_team, team), None, ["teams", team])

        self.places.turn(all=True)

    def _look(self) -> None:
        for who in self._watchers():
            self._list_series(who, {})
            self._list_releases(who, {})
            self._list_series(who, {"state": "draft"})
            self._list_releases(who, {"state": "hidden"})
        self.places.expect_list(self.model.team_list(), len(self.model.teams), None, ["teams"], {})

    def teardown(self) -> None:
        """At the end of a walk everything, everywhere."""
        if hasattr(self, "model"):
            self.places.turn()
            self._look()
            self.places.turn(all=True)
            for who in self._watchers():
                for series in self.model.series:
                    self._list_chapters(who, series, {})
                for chapter in self.model.chapters:
                    self._see(self._expected(self.model.show_chapter, who, chapter), who, ["chapters", chapter])

    def _watchers(self) -> list[Person | None]:
        """A stranger, two who began as uploaders, and one who began as a moderator."""
        return [None, *list(self.model.people.values())[:3]]

    def _see(self, expected: Answer, who: Person | None, path: Sequence[str]) -> None:
        self.places.expect(expected, _name(who), "GET", path)

    def _list_series(self, who: Person | None, asked: Mapping[str, Any]) -> None:
        expected = self.model.series_list(who, asked)
        exact = not asked.keys() - {"sort", "limit", "state"} and asked.get("state", "published") == "published"
        total = len(expected) if exact else None
        self.places.expect_list(expected, total, _name(who), ["series"], {"limit": 50, **asked})

    def _list_releases(self, who: Person | None, asked: Mapping[str, Any]) -> None:
        expected = self.model.chapter_list(who, asked)
        exact = not asked.keys() - {"limit", "state"} and asked.get("state", "published") == "published"
        total = len(expected) if exact else None
        self.places.expect_list(expected, total, _name(who), ["chapters"], {"limit": 50, **asked})

    def _list_chapters(self, who: Person | None, series: Name, asked: Mapping[str, Any]) -> None:
        shown = self._expected(self.model.show_series, who, series)
        expected = self.model.chapter_list(who, asked, series)
        path = ["series", series, "chapters"]
        if not expected and shown.status != 200:
            return self._see(shown, who, path)
        exact = not asked.keys() - {"sort", "limit", "state"} and asked.get("state", "published") == "published"
        total = len(expected) if exact else None
        return self.places.expect_list(expected, total, _name(who), path, {"limit": 50, **asked})

    # From numbers to things; the last of each is nothing

    def _person(self, number: int) -> Person | None:
        return dict(enumerate(self.model.people.values())).get(number)

    def _named(self, number: int) -> Name:
        person = self._person(number)
        return person.name if person else NOTHING

    def _series(self, number: int) -> Name:
        return _one_of([*self.model.series, *(name for name in self.model.gone if name[0] == "s")], number)

    def _chapter(self, number: int) -> Name:
        return _one_of([*self.model.chapters, *(name for name in self.model.gone if name[0] == "c")], number)

    def _comment(self, number: int) -> Name:
        return _one_of(list(self.model.comments), number)

    def _chapter_of(self, comment: Name) -> Name:
        found = self.model.comments.get(comment)
        return found.chapter.name if found else NOTHING

    def _team(self, number: int) -> Name:
        return _one_of(list(self.model.teams), number)

    def _body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        if "teamIds" not in fields:
            return dict(fields)
        return {**fields, "teamIds": [self._team(team) for team in fields["teamIds"]]}

    def _query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        names = {"team": self._team, "series": self._series}
        return {name: names[name](value) if name in names else value for name, value in asked.items()}

    def _version(self, thing: Any, version: str | None) -> int | None:
        if version is None:
            return None
        return (thing.version if thing else 1) + (version == "other")


def _one_of(names: Sequence[Name], number: int) -> Name:
    """Mostly one that exists, the newest most."""
    return names[-1 - number % len(names)] if names and number < 9 else NOTHING


def _name(person: Person | None) -> Name | None:
    return person.name if person else None


def _if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def walk(places: Places, counts: Counter[str], *, steps: int, seed: int | None = None, shrink: bool = True) -> None:
    """At least so many steps, in walks from a new site each, counted. Raises what one of them met, shrunk.

    `seed`: which walks; None: always the same.
    """
    _learn_the_page(places)
    kind = type("Walk", (Machine,), {"places": places, "counts": counts})
    for turn in itertools.count():
        left = steps - steps_of(counts)
        if left <= 0:
            return
        walked = hypothesis.seed(seed + turn)(kind) if seed is not None else kind
        run_state_machine_as_test(walked, settings=_settings(left // (STEPS - 1) + 2, seed=seed, shrink=shrink))


def _settings(examples: int, *, seed: int | None, shrink: bool) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=seed is None,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def steps_of(counts: Counter[str]) -> int:
    return sum(count for name, count in counts.items() if not name.startswith("answered"))


def _learn_the_page(places: Places) -> None:
    """What a page is, but for its identifier and address: there is one image only."""
    site = places.all[0].site
    author = site.sign_up("uploader")
    chapter = author.publishes(author.makes_series())
    (page,) = told(author.get(f"chapters/{chapter['id']}"))["pages"]
    model.PAGE |= {key: value for key, value in page.items() if key not in {"id", "number", "url"}}
