"""Many at once, against one app and against two over one database: what must be one stays one, nothing is lost."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from traceback import walk_tb
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.database import Duplicate
from tests.front import PAGE, Asker, File, Site, at_once, everything, key_of, opened, refused, told

MANY = 50


class Crowd:
    """One person in many places: each turn asks another of the apps."""

    def __init__(self, sites: tuple[Site, ...]) -> None:
        self.sites = sites
        self.asker = sites[0].sign_up("uploader")

    def __call__(self, turn: int) -> Asker:
        return Asker(self.sites[turn % len(self.sites)], token=self.asker.token)

    def at_once(self, number: int, act: Callable[[Asker, int], Result]) -> list[Result]:
        answers = at_once(number, lambda turn: act(self(turn), turn))
        for answer in answers:
            if answer.status_code >= 400:
                refused(answer, answer.status_code)
            assert answer.status_code < 500, answer.text
        return answers


@pytest.fixture
def crowd(two_sites: tuple[Site, Site]) -> Crowd:
    return Crowd(two_sites)


@pytest.fixture(params=[1, 2], ids=["one app", "two apps"])
def any_crowd(request: pytest.FixtureRequest, two_sites: tuple[Site, Site]) -> Crowd:
    return Crowd(two_sites[: request.param])


def statuses(answers: list[Result]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def test_fifty_equal_titles_get_fifty_slugs(any_crowd: Crowd) -> None:  # IN-09
    answers = any_crowd.at_once(MANY, lambda asker, _: asker.post("series", {"title": "Equal", "author": "A"}))
    assert {told(answer, 201)["slug"] for answer in answers} == {"equal", *(f"equal-{n}" for n in range(2, MANY + 1))}
    assert told(any_crowd.asker.get("series"))["page"]["total"] == MANY
    assert len(everything(any_crowd.asker, "series", limit=7)) == MANY


def test_of_fifty_renamings_to_one_title_each_gets_a_slug(crowd: Crowd) -> None:
    series = [crowd.asker.makes_series(f"Title {number}") for number in range(20)]
    answers = crowd.at_once(20, lambda asker, turn: asker.patch(f"series/{series[turn]['id']}", {"title": "Equal"}))
    assert {told(answer)["slug"] for answer in answers} == {"equal", *(f"equal-{n}" for n in range(2, 21))}


def test_of_fifty_equal_chapters_there_is_one(any_crowd: Crowd) -> None:  # DB-08
    series = any_crowd.asker.makes_series()
    path = f"series/{series['id']}/chapters"
    bodies: list[tuple[dict[str, Any], int]] = [({"number": 10.5}, MANY), ({"label": "Extra"}, 20)]
    for body, number in bodies:
        answers = any_crowd.at_once(number, lambda asker, _: asker.post(path, body))  # noqa: B023
        assert statuses(answers) == {201: 1, 409: number - 1}
        assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"chapter_exists"}
    assert any_crowd.sites[0].count("chapters") == 2


def test_of_two_chapters_one_gets_the_number(crowd: Crowd) -> None:
    series = crowd.asker.makes_series()
    chapters = [crowd.asker.makes_chapter(series, number) for number in range(20)]
    answers = crowd.at_once(20, lambda asker, turn: asker.patch(f"chapters/{chapters[turn]['id']}", {"number": 99}))
    assert statuses(answers) == {200: 1, 409: 19}


def test_no_page_is_lost_and_none_comes_twice(any_crowd: Crowd) -> None:  # UP-15
    chapter = any_crowd.asker.makes_chapter(any_crowd.asker.makes_series())
    path = f"chapters/{chapter['id']}"
    first = {page["id"] for page in any_crowd.asker.adds_pages(chapter, 3)["pages"]}

    def act(asker: Asker, turn: int) -> Result:
        if turn < 20:
            return asker.send(f"{path}/pages", *[File("file", PAGE)] * (1 + turn % 2))
        shown = told(asker.get(path))
        ids = [page["id"] for page in shown["pages"]]
        # what is left out goes: only who has seen all pages may put them in order
        return asker.put(f"{path}/pages", {"ids": ids[::-1]}, headers={"If-Match": f'"{shown["version"]}"'})

    answers = any_crowd.at_once(30, act)
    assert statuses(answers[:20]) == {201: 20}
    assert set(statuses(answers[20:])) <= {200, 412}
    shown = told(any_crowd.asker.get(path))
    ids = [page["id"] for page in shown["pages"]]
    numbers = [page["number"] for page in shown["pages"]]
    assert len(ids) == len(set(ids)) == shown["pageCount"] == 3 + 30
    assert first < set(ids)
    assert numbers == sorted(set(numbers))
    assert sorted(any_crowd.sites[0].stored) == sorted(key_of(page["url"]) for page in shown["pages"])
    assert any_crowd.sites[0].count("files") == any_crowd.sites[0].count("pages") == 33
    changes = sum(answer.status_code in {200, 201} for answer in answers)
    assert shown["version"] == 1 + 1 + changes


def test_a_page_of_one_number_is_one_page(crowd: Crowd) -> None:  # UP-15
    chapter = crowd.asker.makes_chapter(crowd.asker.makes_series())
    path = f"chapters/{chapter['id']}/pages"
    answers = crowd.at_once(20, lambda asker, _: asker.send(path, File("page_7", PAGE), File("file", PAGE)))
    assert statuses(answers) == {201: 1, 409: 19}
    assert [page["number"] for page in told(crowd.asker.get(f"chapters/{chapter['id']}"))["pages"]] == [7, 8]
    assert len(crowd.sites[0].stored) == 2


def test_of_twenty_writers_of_one_version_one_writes(crowd: Crowd) -> None:  # DB-11
    series = crowd.asker.makes_series()
    chapter, team = crowd.asker.makes_chapter(series), crowd.asker.makes_team()
    for path, field in (
        (f"series/{series['id']}", "author"),
        (f"chapters/{chapter['id']}", "title"),
        (f"teams/{team['id']}", "description"),
    ):
        answers = crowd.at_once(
            20,
            lambda asker, turn: asker.patch(path, {field: f"of {turn}"}, headers={"If-Match": '"1"'}),  # noqa: B023
        )
        assert statuses(answers) == {200: 1, 412: 19}
        (won,) = (turn for turn, answer in enumerate(answers) if answer.status_code == 200)
        shown = told(crowd.asker.get(path))
        assert (shown[field], shown["version"]) == (f"of {won}", 2)


def test_counters_stay_right_while_everybody_turns_everything(crowd: Crowd) -> None:  # AZ-12
    asker, site = crowd.asker, crowd.sites[0]
    series = [asker.makes_series() for _ in range(2)]
    chapters = [asker.publishes(one, number) for one in series for number in range(3)]

    def act(asker: Asker, turn: int) -> Result:
        chapter = chapters[turn % 6]
        if turn % 5 == 4:
            state = {"state": "hidden" if turn % 2 else "published"}
            return asker.patch(f"series/{series[turn % 2]['id']}", state)
        return asker.post(f"chapters/{chapter['id']}/{'hide' if turn % 3 else 'publish'}")

    assert set(statuses(crowd.at_once(MANY, act))) == {200}
    for one in series:
        told(asker.patch(f"series/{one['id']}", {"state": "published"}))
        published = site.count("chapters WHERE state = 'published' AND series_id = :id", id=one["id"])
        assert told(asker.get(f"series/{one['id']}"))["chapterCount"] == published
    assert told(asker.get("series"))["page"]["total"] == 2
    assert told(asker.get("chapters"))["page"]["total"] == site.count("chapters WHERE state = 'published'")


def test_what_comes_while_a_series_goes_goes_too_or_is_refused(crowd: Crowd) -> None:
    asker, site = crowd.asker, crowd.sites[0]
    series = asker.makes_series()
    chapters = [asker.publishes(series, number) for number in range(4)]

    def act(asker: Asker, turn: int) -> Result:
        if turn == 0:
            return asker.delete(f"series/{series['id']}")
        if turn % 3 == 0:
            return asker.post(f"series/{series['id']}/chapters", {"number": 100 + turn})
        if turn % 3 == 1:
            return asker.send(f"chapters/{chapters[turn % 4]['id']}/pages", File("file", PAGE))
        return asker.post(f"chapters/{chapters[turn % 4]['id']}/hide")

    answers = crowd.at_once(24, act)
    assert set(statuses(answers)) <= {200, 201, 204, 404, 409, 410}
    if answers[0].status_code != 204:  # a chapter came at the last moment
        refused(answers[0], 409, "no_longer_there")
        told(asker.delete(f"series/{series['id']}"), 204)
    for table in ("series", "chapters", "pages", "files", "series_stats", "chapter_teams"):
        assert site.count(table) == 0, table
    assert site.stored == []
    for path in ("series", "chapters"):
        assert told(asker.get(path))["page"]["total"] == 0


def test_a_chapter_goes_once(crowd: Crowd) -> None:
    asker, site = crowd.asker, crowd.sites[0]
    series = asker.makes_series()
    chapter = asker.publishes(series)
    path = f"chapters/{chapter['id']}"

    def act(asker: Asker, turn: int) -> Result:
        return asker.delete(path) if turn % 2 else asker.send(f"{path}/pages", File("file", PAGE))

    answers = crowd.at_once(20, act)
    assert statuses(answers[1::2]) == {204: 1, 410: 9}
    assert set(statuses(answers[::2])) <= {201, 410}
    assert site.stored == []
    assert (site.count("files"), site.count("pages"), site.count("tombstones")) == (0, 0, 1)
    assert told(asker.get(f"series/{series['id']}"))["chapterCount"] == 0


def test_what_was_refused_leaves_no_open_cursor(sqlite_url: str) -> None:
    """Kept by an exception, it would be cleared in any thread, which then waits while it holds up the interpreter."""
    with opened(sqlite_url) as site:
        with pytest.raises(Duplicate) as refusal:
            site.db.run(lambda tx: tx.write("INSERT INTO counters (name, value) VALUES ('teams', 0)"))
        frames = [frame for frame, _ in walk_tb(refusal.value.__context__.__traceback__)]  # type: ignore[union-attr]
        cursors = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, sqlite3.Cursor)]
        assert cursors, "the driver's cursor is somewhere below"
        for cursor in cursors:
            with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
                cursor.fetchone()
