"""Ratings: one of each person for each thing, and means that are the same number wherever they are told."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from falcon.testing import Result
from hypothesis import given, settings

from roliascan.ids import new_id
from roliascan.library.series import mean_milli
from tests.database.kinds import with_foreign_keys
from tests.front import Asker, Site, fields, refused, told
from tests.library.test_visibility import Library

NOTHING = "01a20846-fe00-7ece-bc0b-f87796bb3294"
KINDS = ["series", "chapter"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def thing_of(owner: Asker, kind: str) -> str:
    """The address of a series with a published chapter, or that of the chapter."""
    series = owner.makes_series()
    chapter = owner.publishes(series)
    return f"series/{series['id']}" if kind == "series" else f"chapters/{chapter['id']}"


def rate(person: Asker, thing: str, rating: int) -> Any:
    return told(person.put(f"{thing}/rating", {"rating": rating}))


def asked(person: Asker, path: str) -> list[Result]:
    return [person.get(path), person.put(path, {"rating": 1}), person.delete(path)]


def mute(person: Asker) -> None:
    person.site.write("UPDATE users SET is_muted = :yes WHERE id = :id", yes=True, id=person.id)


def test_a_rating_is_given_changed_and_taken_back(any_site: Site, kind: str) -> None:  # DB-09
    thing = thing_of(any_site.sign_up("uploader"), kind)
    one, other = any_site.sign_up(), any_site.sign_up()
    assert told(one.get(f"{thing}/rating")) == {"rating": None, "average": None, "count": 0}
    assert told(one.get(thing))["rating"] is None
    assert rate(one, thing, 9) == {"rating": 9, "average": 9, "count": 1}
    assert rate(other, thing, 4) == {"rating": 4, "average": 6.5, "count": 2}
    assert told(one.get(f"{thing}/rating")) == {"rating": 9, "average": 6.5, "count": 2}
    for _ in range(2):
        assert rate(one, thing, 1) == {"rating": 1, "average": 2.5, "count": 2}
    assert any_site.count(f"{kind}_ratings") == 2
    assert told(any_site.sign_up().get(f"{thing}/rating")) == {"rating": None, "average": 2.5, "count": 2}
    for _ in range(2):
        told(one.delete(f"{thing}/rating"), 204)
    assert told(one.get(f"{thing}/rating")) == {"rating": None, "average": 4, "count": 1}
    told(other.delete(f"{thing}/rating"), 204)
    assert told(any_site.stranger.get(thing))["rating"] is None
    assert told(any_site.stranger.get(thing))["ratingCount"] == 0
    assert any_site.count(f"{kind}_ratings") == 0


def test_a_series_and_its_chapters_are_rated_apart(any_site: Site) -> None:
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    series = owner.makes_series()
    chapters = [owner.publishes(series, number) for number in (1, 2)]
    rate(reader, f"series/{series['id']}", 3)
    rate(reader, f"chapters/{chapters[0]['id']}", 8)
    assert told(reader.get(f"series/{series['id']}"))["rating"] == 3
    assert told(reader.get(f"chapters/{chapters[0]['id']}"))["rating"] == 8
    assert told(reader.get(f"chapters/{chapters[1]['id']}"))["rating"] is None


# The mean


MEANS = [
    ([8] * 15 + [9], 8.063),  # 8.0625
    ([8] * 13 + [9] * 3, 8.188),  # 8.1875
    ([1, 1, 2], 1.333),
    ([10, 10, 1], 7),
    ([1, 2, 2, 2, 2, 2], 1.833),
    ([10] * 7, 10),
]


def test_a_mean_is_the_same_number_everywhere(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    people = [any_site.sign_up() for _ in range(16)]
    for ratings, mean in MEANS:
        series = owner.makes_series()
        chapter = owner.publishes(series)
        for thing in (f"series/{series['id']}", f"chapters/{chapter['id']}"):
            last = [rate(*one) for one in zip(people, [thing] * 16, ratings, strict=False)][-1]
            assert last == {"rating": ratings[-1], "average": mean, "count": len(ratings)}
            assert told(owner.get(f"{thing}/rating")) == {"rating": None, "average": mean, "count": len(ratings)}
            shown = told(any_site.stranger.get(thing))
            assert (shown["rating"], shown["ratingCount"]) == (mean, len(ratings))
    for sort in ("newest", "rating"):
        listed = told(any_site.stranger.get("series", params={"sort": sort}))["data"]
        seen = {(one["rating"], one["ratingCount"]) for one in listed}
        assert seen == {(mean, len(ratings)) for ratings, mean in MEANS}
    for table in ("series_stats", "chapter_stats"):
        assert sorted(any_site.values("rating_sum", table)) == sorted(sum(ratings) for ratings, _ in MEANS)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 10), min_size=1, max_size=200))
def test_a_mean_is_rounded_by_value(ratings: list[int]) -> None:
    exact = Decimal(1000 * sum(ratings)) / len(ratings)
    assert mean_milli(sum(ratings), len(ratings)) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert 1000 <= mean_milli(sum(ratings), len(ratings)) <= 10_000


def test_the_best_comes_first(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = [owner.makes_series(str(number)) for number in range(4)]
    for one, ratings in zip(series, ([7, 8], [10, 1], [], [9]), strict=True):
        for rating in ratings:
            rate(any_site.sign_up(), f"series/{one['id']}", rating)
    listed = told(any_site.stranger.get("series?sort=rating"))["data"]
    assert [(one["title"], one["rating"]) for one in listed] == [("3", 9), ("0", 7.5), ("1", 5.5), ("2", None)]
    first = told(any_site.stranger.get("series?sort=rating&limit=2"))["page"]["next"]
    assert [one["title"] for one in told(any_site.stranger.get(f"series?sort=rating&cursor={first}"))["data"]] == [
        "1",
        "2",
    ]


def test_a_rating_is_no_edit(any_site: Site, kind: str) -> None:
    owner = any_site.sign_up("uploader")
    thing = thing_of(owner, kind)
    table = "series" if kind == "series" else "chapters"
    rows = f"{table} WHERE id = :id", {"id": thing.partition("/")[2]}
    before = told(owner.get(thing))
    listed = told(owner.get("series?sort=updated"))["data"][0]
    stamp = any_site.values("updated_at", rows[0], **rows[1])
    any_site.clock.forward(hours=1)
    rate(owner, thing, 10)
    assert told(owner.get(thing)) == {**before, "rating": 10, "ratingCount": 1}
    assert any_site.values("updated_at", rows[0], **rows[1]) == stamp
    assert told(owner.get("series?sort=updated"))["data"][0]["updatedAt"] == listed["updatedAt"]
    assert any_site.values("active_at", "series_stats") == [before.get("publishedAt")]
    field = "author" if kind == "series" else "title"
    told(owner.patch(thing, {field: "X"}, headers={"If-Match": f'"{before["version"]}"'}))


def test_what_else_is_counted_stays(any_site: Site) -> None:
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    series = owner.makes_series()
    chapter = owner.publishes(series)
    rate(reader, f"series/{series['id']}", 6)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    rate(reader, f"series/{series['id']}", 7)
    shown = told(reader.get(f"series/{series['id']}"))
    assert (shown["rating"], shown["ratingCount"], shown["chapterCount"]) == (7, 1, 0)


# What is no rating


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["rating"]),
        ({"rating": None}, ["rating"]),
        ({"rating": 0}, ["rating"]),
        ({"rating": 11}, ["rating"]),
        ({"rating": -1}, ["rating"]),
        ({"rating": 5.5}, ["rating"]),
        ({"rating": "5"}, ["rating"]),
        ({"rating": True}, ["rating"]),
        ({"rating": [5]}, ["rating"]),
        ({"rating": 10**18}, ["rating"]),
        ({"rating": 10**400}, ["rating"]),
        ({"rating": 5, "userId": NOTHING}, ["userId"]),
        ({"rating": 5, "user_id": NOTHING}, ["user_id"]),
        ({"rating": 5, "count": 9, "average": 10}, ["average", "count"]),
        ({"rating": 0, "__proto__": {}}, ["__proto__", "rating"]),
    ],
)
def test_what_is_no_rating_is_refused(site: Site, kind: str, body: Any, wrong: list[str]) -> None:
    """AZ-06, IN-02"""
    thing, reader = thing_of(site.sign_up("uploader"), kind), site.sign_up()
    rate(reader, thing, 4)
    assert fields(reader.put(f"{thing}/rating", body)) == wrong
    assert told(reader.get(f"{thing}/rating")) == {"rating": 4, "average": 4, "count": 1}


@with_foreign_keys
def test_the_database_refuses_a_second_rating_and_one_out_of_range(any_site: Site, kind: str) -> None:
    thing, reader = thing_of(any_site.sign_up("uploader"), kind), any_site.sign_up()
    rate(reader, thing, 4)
    insert = (
        f"INSERT INTO {kind}_ratings ({kind}_id, user_id, rating, created_at, updated_at)"
        " VALUES (:id, :user, :rating, :now, :now)"
    )
    now = any_site.clock.now
    for user, rating in ((reader.id, 5), (any_site.sign_up().id, 11), (any_site.sign_up().id, 0), (new_id(now), 5)):
        with pytest.raises(Exception, match=r"(?i)already exists|no longer there|constraint"):
            any_site.write(insert, id=thing.partition("/")[2], user=user, rating=rating, now=now)
    assert any_site.count(f"{kind}_ratings") == 1


# Who may, and who sees


def test_ratings_are_for_who_is_signed_in(any_site: Site, kind: str) -> None:  # AU-11
    thing, reader = thing_of(any_site.sign_up("uploader"), kind), any_site.sign_up()
    rate(reader, thing, 4)
    path = f"{thing}/rating"
    any_site.write("UPDATE users SET is_banned = :yes WHERE id = :id", yes=True, id=reader.id)
    for asker in (any_site.stranger, reader):
        refused(asker.get(path), 401, "not_signed_in")
        refused(asker.put(path, {"rating": 1}), 401, "not_signed_in")
        refused(asker.delete(path), 401, "not_signed_in")
    assert told(any_site.stranger.get(thing))["rating"] == 4
    assert any_site.sign_up().get(path).headers["cache-control"] == "private, no-store"


def test_whoever_is_muted_does_not_rate(any_site: Site, kind: str) -> None:
    thing, reader = thing_of(any_site.sign_up("uploader"), kind), any_site.sign_up()
    rate(reader, thing, 4)
    mute(reader)
    refused(reader.put(f"{thing}/rating", {"rating": 1}), 403, "muted")
    refused(reader.put(f"{thing}/rating", {"rating": 4}), 403, "muted")
    assert told(reader.get(f"{thing}/rating")) == {"rating": 4, "average": 4, "count": 1}
    told(reader.delete(f"{thing}/rating"), 204)
    assert told(reader.get(f"{thing}/rating")) == {"rating": None, "average": None, "count": 0}


def test_ratings_are_seen_by_those_who_see_the_thing(any_site: Site) -> None:  # AZ-10
    library = Library(any_site)
    things = [f"chapters/{one['id']}" for one in library.hidden_chapters]
    things += [f"series/{one['id']}" for one in library.hidden_series]
    for thing in things:
        path, none = f"{thing}/rating", f"{thing.partition('/')[0]}/{NOTHING}/rating"
        assert rate(library.owner, thing, 5)["count"] == 1
        assert rate(any_site.sign_up("moderator"), thing, 6)["count"] == 2
        reader = any_site.sign_up("uploader")
        for answer in asked(reader, path):
            hidden = refused(answer, 404, "not_found")
            assert hidden == {**refused(reader.get(none), 404), "requestId": hidden["requestId"]}
        assert told(library.owner.get(path)) == {"rating": 5, "average": 5.5, "count": 2}


def test_what_was_removed_is_gone_with_its_ratings(any_site: Site) -> None:
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    series = owner.makes_series()
    chapters = [owner.publishes(series, number) for number in (1, 2)]
    things = [*(f"chapters/{one['id']}" for one in chapters), f"series/{series['id']}"]
    for thing in things:
        rate(reader, thing, 5)
    told(owner.delete(things[0]), 204)
    assert told(reader.get(things[2]))["rating"] == 5
    assert (any_site.count("chapter_ratings"), any_site.count("chapter_stats")) == (1, 1)
    told(owner.delete(things[2]), 204)
    for thing in (things[0], things[2]):
        for answer in asked(reader, f"{thing}/rating"):
            refused(answer, 410, "removed")
    for table in ("chapter_ratings", "series_ratings", "chapter_stats", "series_stats"):
        assert any_site.count(table) == 0, table


def test_other_ways_to_write_an_identifier_are_none(any_site: Site) -> None:  # AZ-05
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    series = owner.makes_series()
    one = series["id"]
    for other in (series["slug"], one.upper(), one.replace("-", ""), f"{{{one}}}", f"{one}%20", f"{one}'", "1", "*"):
        for kind in ("series", "chapters"):
            for answer in asked(reader, f"{kind}/{other}/rating"):
                refused(answer, 404, "not_found")
    refused(reader.put(f"chapters/{one}/rating", {"rating": 1}), 404, "not_found")  # AZ-04
    assert any_site.count("series_ratings") == any_site.count("chapter_ratings") == 0
