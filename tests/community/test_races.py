"""Many rate and comment at once, over two apps on one database: nothing is lost, nothing counts twice."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import Result

from tests.front import Asker, Site, at_once, refused, told

# Ten thousand ratings take minutes on each database: TEST_LONG=1.
PEOPLE, EACH = (500, 20) if os.environ.get("TEST_LONG") == "1" else (40, 8)
CROWD = 64  # of the people at one moment: more would only wait for the few connections of an app
PATIENCE = 20


@pytest.fixture(params=["series", "chapter"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def things_of(site: Site, kind: str, number: int = 1) -> list[str]:
    """The addresses of series, each with a published chapter, or of the chapters."""
    owner = site.sign_up("uploader")
    made = []
    for _ in range(number):
        series = owner.makes_series()
        chapter = owner.publishes(series)
        made.append(f"series/{series['id']}" if kind == "series" else f"chapters/{chapter['id']}")
    return made


def at(site: Site, person: Asker) -> Asker:
    """The same person, who asks another app."""
    return Asker(site, person.id, person.username, person.token)


def counters(site: Site, kind: str, thing: str) -> list[int]:
    columns = ["rating_sum", "rating_count"] + (["rating_milli"] if kind == "series" else [])
    rest = f"{kind}_stats WHERE {kind}_id = :id"
    return [site.values(column, rest, id=thing.partition("/")[2])[0] for column in columns]


def assert_exact(site: Site, kind: str, thing: str, ratings: list[int]) -> None:
    """That the rows are these ratings, and everything that is counted or told follows from them."""
    rows = site.values("rating", f"{kind}_ratings WHERE {kind}_id = :id", id=thing.partition("/")[2])
    assert sorted(rows) == sorted(ratings)
    total, number = sum(ratings), len(ratings)
    milli = (2000 * total + number) // (2 * number) if number else 0
    assert counters(site, kind, thing) == [total, number, milli][: 3 if kind == "series" else 2]
    shown = told(site.stranger.get(thing))
    assert (shown["rating"], shown["ratingCount"]) == (milli / 1000 if number else None, number)


def test_64_ratings_at_once_by_one_person_are_one(two_sites: tuple[Site, Site], kind: str) -> None:  # DB-07
    (thing,) = things_of(two_sites[0], kind)
    reader = two_sites[0].sign_up()
    answers = at_once(
        64, lambda turn: at(two_sites[turn % 2], reader).put(f"{thing}/rating", {"rating": 1 + turn % 10})
    )
    for turn, answer in enumerate(answers):
        rating = 1 + turn % 10
        assert told(answer) == {"rating": rating, "average": rating, "count": 1}
    mine = told(reader.get(f"{thing}/rating"))["rating"]
    assert_exact(two_sites[0], kind, thing, [mine])


def test_giving_and_taking_back_at_once_is_one_or_none(two_sites: tuple[Site, Site], kind: str) -> None:  # DB-07
    (thing,) = things_of(two_sites[0], kind)
    reader = two_sites[0].sign_up()

    def act(turn: int) -> Result:
        asker = at(two_sites[turn % 2], reader)
        return asker.put(f"{thing}/rating", {"rating": 7}) if turn % 4 < 2 else asker.delete(f"{thing}/rating")

    assert {answer.status_code for answer in at_once(48, act)} == {200, 204}
    mine = told(reader.get(f"{thing}/rating"))["rating"]
    assert_exact(two_sites[0], kind, thing, [mine] if mine else [])


class Rater:
    """Somebody who rates, rates anew and takes back, one after the other, and remembers what was last said yes to."""

    def __init__(self, sites: tuple[Site, Site], seed: int, things: list[str]) -> None:
        self.person = sites[0].sign_up()
        self.sites = sites
        self.things = things
        self.chance = random.Random(seed)
        self.ratings: dict[str, int] = {}
        self.done = 0

    def act(self) -> None:
        thing, rating = self.chance.choice(self.things), self.chance.randint(1, 10)
        asker = at(self.chance.choice(self.sites), self.person)
        if self.chance.random() < 0.7:
            patiently(lambda: asker.put(f"{thing}/rating", {"rating": rating}), 200)
            self.ratings[thing] = rating
        else:
            patiently(lambda: asker.delete(f"{thing}/rating"), 204)
            self.ratings.pop(thing, None)
        self.done += 1


def patiently(ask: Callable[[], Result], status: int) -> Any:
    """What is asked again after "not now"; no other refusal may come, nor that whose outcome nobody knows."""
    for _ in range(PATIENCE):
        answer = ask()
        if answer.status_code != 503:
            return told(answer, status)
        assert refused(answer, 503)["code"] in {"database_contended", "database_unreachable"}
    raise AssertionError("nobody ever got through")


def test_sums_are_exact_after_everybody_rated(two_sites: tuple[Site, Site], kind: str) -> None:  # DB-07
    things = things_of(two_sites[0], kind, 2)
    raters = [Rater(two_sites, seed, things) for seed in range(PEOPLE)]

    def take_turns(turn: int) -> None:
        for rater in raters[turn::CROWD] * EACH:
            rater.act()

    at_once(CROWD, take_turns)
    assert sum(rater.done for rater in raters) == PEOPLE * EACH
    for thing in things:
        assert_exact(two_sites[0], kind, thing, [rater.ratings[thing] for rater in raters if thing in rater.ratings])
    for rater in raters[:20]:
        for thing in things:
            assert told(rater.person.get(f"{thing}/rating"))["rating"] == rater.ratings.get(thing)


def test_raters_and_editors_wait_for_each_other(two_sites: tuple[Site, Site]) -> None:
    """Whoever edits, publishes and hides takes the same locks, in the same order."""
    site = two_sites[0]
    owner = site.sign_up("uploader")
    series = owner.makes_series()
    chapter = owner.publishes(series)
    readers = [site.sign_up() for _ in range(8)]
    paths = [f"series/{series['id']}", f"chapters/{chapter['id']}"]

    def act(turn: int) -> Result:
        one = two_sites[turn % 2]
        if turn % 4 == 0:
            return at(one, owner).patch(paths[turn // 4 % 2], {"title": f"T {turn}"})
        if turn % 8 == 1:
            return at(one, owner).post(f"{paths[1]}/{'hide' if turn % 16 == 1 else 'publish'}")
        return at(one, readers[turn % 8]).put(f"{paths[turn // 8 % 2]}/rating", {"rating": 1 + turn % 10})

    answers = at_once(64, act)
    for answer in answers:
        assert answer.status_code in {200, 404}, answer.text  # 404 while the chapter is hidden
    told(owner.post(f"{paths[1]}/publish"))
    for kind, path in zip(("series", "chapter"), paths, strict=True):
        rows = site.values("rating", f"{kind}_ratings")
        if rows:
            assert counters(site, kind, path)[:2] == [sum(rows), len(rows)]
    shown = told(owner.get(paths[0]))
    assert (shown["chapterCount"], shown["version"]) == (1, 1 + sum(a.status_code == 200 for a in answers[::8]))


def test_what_is_said_while_something_goes_goes_too_or_is_refused(two_sites: tuple[Site, Site]) -> None:
    site = two_sites[0]
    owner = site.sign_up("uploader")
    series = owner.makes_series()
    chapters = [owner.publishes(series, number) for number in range(3)]
    readers = [site.sign_up() for _ in range(8)]

    def act(turn: int) -> Result:
        one = two_sites[turn % 2]
        if turn == 5:
            return at(one, owner).delete(f"chapters/{chapters[0]['id']}")
        if turn == 10:
            return at(one, owner).delete(f"series/{series['id']}")
        reader, chapter = at(one, readers[turn % 8]), f"chapters/{chapters[turn % 3]['id']}"
        if turn % 3 == 0:
            return reader.put(f"series/{series['id']}/rating", {"rating": 5})
        if turn % 3 == 1:
            return reader.put(f"{chapter}/rating", {"rating": 5})
        return reader.post(f"{chapter}/comments", {"body": "At the last moment"})

    answers = at_once(40, act)
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 404, 409, 410}
    if answers[10].status_code != 204:  # somebody came at the last moment
        told(owner.delete(f"series/{series['id']}"), 204)
    for table in ("comments", "chapter_ratings", "series_ratings", "chapter_stats", "series_stats", "chapters"):
        assert site.count(table) == 0, table


def test_a_comment_goes_once(two_sites: tuple[Site, Site]) -> None:
    (chapter,) = things_of(two_sites[0], "chapter")
    reader, moderator = two_sites[0].sign_up(), two_sites[0].sign_up("moderator")
    made = told(reader.post(f"{chapter}/comments", {"body": "First"}), 201)

    def act(turn: int) -> Result:
        one, path = two_sites[turn % 2], f"comments/{made['id']}"
        if turn % 3 == 0:
            return at(one, reader).patch(path, {"body": f"Changed {turn}"})
        return at(one, moderator if turn % 3 == 1 else reader).delete(path)

    answers = at_once(24, act)
    assert sum(answer.status_code == 204 for answer in answers) == 1
    assert {answer.status_code for answer in answers} <= {200, 204, 404}
    assert two_sites[0].count("comments") == 0
