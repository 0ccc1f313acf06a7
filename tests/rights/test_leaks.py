"""Nothing hidden leaks: what everybody is told, in every way there is, is what the model says that they see."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.front import Asker, Site, everything, ids, refused, told
from tests.rights.model import PUBLISHED, Chapter, Model, Series
from tests.rights.table import SUBJECTS
from tests.rights.world import World

Checks = tuple[Callable[[World, Asker], None], ...]
SEERS = [name for name in SUBJECTS if name not in {"leader", "muted", "admin"}]
"""Of those who see the same, one."""

HIDDEN = ("draft", "scheduled", "hidden")
OWNERS = ("lone", "demoted", "A", "B", "N")
SERIES_STATES = ("draft", "scheduled", "published", "hidden", "withheld")
CHAPTER_STATES = (*SERIES_STATES, "shelved")


@pytest.fixture
def world(site: Site) -> World:
    """Of each owner and state a series, a cover and a chapter with a page."""
    world = World(site)
    for owner in OWNERS:
        for state in SERIES_STATES:
            world.made("cover", owner, state)
        for state in CHAPTER_STATES:
            world.made("chapter", owner, state)
    return world


def listed(asker: Asker, path: str, wanted: Iterable[Series | Chapter], *, total: bool, **params: str) -> None:
    """A list is exactly this, on one page and by cursors, and counts no more."""
    expected = sorted(one.id for one in wanted)
    page = told(asker.get(path, params={"limit": "100", **params}))
    assert sorted(ids(page)) == expected, (asker.username, path, params)
    assert page["page"]["next"] is None
    assert page["page"]["total"] == (len(expected) if total else None), (asker.username, path, params)
    assert sorted(one["id"] for one in everything(asker, path, limit="7", **params)) == expected


def check_catalogue(world: World, asker: Asker) -> None:
    model = Model(world.site)
    who = model.somebody(asker.id)
    for state in (PUBLISHED, *HIDDEN):
        of_state = [one for one in model.series.values() if one.state == state]
        seen = of_state if state == PUBLISHED or who.sees_all else [one for one in of_state if who.owns(one)]
        for sort in ("newest", "updated", "title", "rating"):
            listed(asker, "series", seen, total=state == PUBLISHED, state=state, sort=sort)
        listed(asker, "series", seen, total=False, state=state, q="series")
        for team in world.teams.values():
            listed(asker, "series", [one for one in seen if team in one.teams], total=False, state=state, team=team)


def check_releases(world: World, asker: Asker) -> None:
    model = Model(world.site)
    who = model.somebody(asker.id)
    for state in (PUBLISHED, *HIDDEN):
        of_state = [one for one in model.chapters.values() if one.state == state]
        if state == PUBLISHED:
            seen = [one for one in of_state if one.is_public]
        else:
            seen = [one for one in of_state if who.sees_all or who.owns(one)]
        listed(asker, "chapters", seen, total=state == PUBLISHED, state=state)
        for team in world.teams.values():
            listed(asker, "chapters", [one for one in seen if team in one.teams], total=False, state=state, team=team)
        for series in model.series.values():
            _inside(asker, series, [one for one in seen if one.series is series], state, sees=who.sees(series))


def _inside(asker: Asker, series: Series, inside: list[Chapter], state: str, *, sees: bool) -> None:
    path = f"series/{series.id}/chapters"
    if inside:
        listed(asker, "chapters", inside, total=False, state=state, series=series.id)
        for sort in ("number", "newest"):
            listed(asker, path, inside, total=state == PUBLISHED, state=state, sort=sort)
    elif sees:
        assert told(asker.get(path, params={"state": state}))["data"] == []
    else:
        refused(asker.get(path, params={"state": state}), 404, "not_found")


def check_things(world: World, asker: Asker) -> None:
    """Series and chapters by every address, and what they tell of those beside and below them."""
    model = Model(world.site)
    who = model.somebody(asker.id)
    for series in model.series.values():
        answers = [asker.get(f"series/{address}") for address in (series.id, series.slug)]
        if not who.sees(series):
            assert {refused(answer, 404)["code"] for answer in answers} == {"not_found"}
            continue
        below = [one for one in model.chapters.values() if one.series is series and one.state == PUBLISHED]
        for shown in map(told, answers):
            assert shown["chapterCount"] == len(below)
            assert shown["lastChapterAt"] == max((one.published_at or "" for one in below), default=None)
    for chapter in model.chapters.values():
        answer = asker.get(f"chapters/{chapter.id}")
        if not who.sees(chapter):
            refused(answer, 404, "not_found")
            continue
        shown = told(answer)
        beside = [shown[side] and shown[side]["number"] * 1000 for side in ("previous", "next")]
        assert tuple(beside) == model.beside(chapter), (asker.username, chapter)


def check_files(world: World, asker: Asker) -> None:
    model = Model(world.site)
    who = model.somebody(asker.id)
    for chapter in model.chapters.values():
        for key in chapter.pages:
            _file(asker, key, seen=who.sees(chapter), public=chapter.is_public)
    for series in model.series.values():
        if series.cover:
            _file(asker, series.cover, seen=who.sees(series), public=series.is_public)


def _file(asker: Asker, key: str, *, seen: bool, public: bool) -> None:
    answer = asker.get(f"/uploads/{key}")
    known = asker.ask("HEAD", f"/uploads/{key}", headers={"If-None-Match": "*"})
    assert (answer.status_code, known.status_code) == ((200, 304) if seen else (404, 404)), (asker.username, key)
    if seen:
        assert ("immutable" in answer.headers["cache-control"]) == public


@pytest.mark.parametrize("checks", [(check_catalogue, check_releases), (check_things, check_files)])
def test_everybody_is_told_of_what_they_see_and_of_nothing_else(world: World, checks: Checks) -> None:
    """AZ-10"""
    for name in SEERS:
        for check in checks:
            check(world, world.people[name])


def test_teams_and_people_tell_of_nothing_that_is_hidden(world: World) -> None:
    """AZ-10: neither how much they have, nor what."""
    paths = ["teams", *(f"teams/{team}" for team in world.teams.values())]
    paths += [f"users/{asker.id}" for asker in world.people.values() if asker.id]
    hidden = {one.id for one in Model(world.site).series.values() if one.state != PUBLISHED}
    before = {path: _without_request(world.site.stranger.get(path).json) for path in paths}
    for asker in (world.people["leader"], world.admin):
        assert {path: _without_request(asker.get(path).json) for path in paths} == before
    assert not [path for path in paths if any(id in str(before[path]) for id in hidden)]
    world.admin.makes_chapter(world.admin.makes_series(teamIds=[world.teams["A"]], state="draft"))
    assert {path: _without_request(world.site.stranger.get(path).json) for path in paths} == before


def _without_request(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "requestId"}


# Validators.


def public_paths(world: World) -> list[str]:
    """All that a stranger can ask for."""
    model = Model(world.site)
    lists = [f"series?sort={sort}" for sort in ("newest", "updated", "title", "rating")]
    lists += ["series?q=series", "series?state=draft", "chapters", "chapters?state=hidden", "teams", "/ready"]
    lists += [f"{noun}?team={team}" for noun in ("series", "chapters") for team in world.teams.values()]
    things = [f"series/{one.id}{end}" for one in model.series.values() for end in ("", "/chapters")]
    things += [f"chapters/{one.id}" for one in model.chapters.values()]
    files = [f"/uploads/{key}" for one in model.chapters.values() for key in one.pages]
    return lists + things + files + [f"teams/{team}" for team in world.teams.values()]


def test_a_strangers_validators_stay_when_something_hidden_changes(world: World) -> None:
    """AZ-10, AZ-16: neither an ETag nor a status tells that something happened where they do not see."""
    paths, stranger, admin = public_paths(world), world.site.stranger, world.admin

    def validators() -> dict[str, tuple[int, str | None]]:
        answers = {path: stranger.get(path) for path in paths}
        return {path: (answer.status_code, answer.headers.get("etag")) for path, answer in answers.items()}

    before = validators()
    world.site.clock.forward(hours=1)
    model = Model(world.site)
    for series in [one for one in model.series.values() if one.state in {"draft", "hidden"}]:
        changed = {"title": "Series renamed", "author": "C", "titles": [{"language": "en", "title": "Series X"}]}
        told(admin.patch(f"series/{series.id}", changed))
        told(admin.patch(f"series/{series.id}", {"state": "draft" if series.state == "hidden" else "hidden"}))
        admin.publishes({"id": series.id}, 900_000)
    for chapter in [one for one in model.chapters.values() if not one.is_public]:
        told(admin.patch(f"chapters/{chapter.id}", {"title": "Renamed", "number": chapter.number / 1000 + 0.5}))
        admin.adds_pages({"id": chapter.id})
        if chapter.state != PUBLISHED:
            told(admin.post(f"chapters/{chapter.id}/hide"))
    for series in [one for one in model.series.values() if one.state == PUBLISHED]:
        admin.adds_pages(admin.makes_chapter({"id": series.id}, 0.5))
    assert validators() == before


def test_somebody_elses_validator_and_cursor_open_nothing(world: World) -> None:
    """AZ-16: 304 would say that it is there, and still the same; a cursor carries no rights."""
    model = Model(world.site)
    paths = [f"series/{one.id}" for one in model.series.values() if one.state != PUBLISHED]
    paths += [f"chapters/{one.id}" for one in model.chapters.values() if not one.is_public]
    paths += [f"/uploads/{key}" for one in model.chapters.values() if not one.is_public for key in one.pages]
    for path in paths:
        owned = world.admin.get(path)
        assert owned.headers["cache-control"] == "private, no-store"
        for validator in (owned.headers["etag"], "*", f"W/{owned.headers['etag']}"):
            for asker in (world.site.stranger, world.people["user"], world.people["banned"]):
                refused(asker.get(path, headers={"If-None-Match": validator}), 404, "not_found")
    for path in ("series?state=draft", "series?state=hidden", "chapters?state=draft"):
        owned = world.admin.get(path)
        assert owned.json["data"]
        answer = world.site.stranger.get(path, headers={"If-None-Match": owned.headers["etag"]})
        assert told(answer)["data"] == []
    for path in ("series", "chapters"):
        for state in HIDDEN:
            page = told(world.admin.get(f"{path}?state={state}&limit=1"))["page"]["next"]
            asked = {"state": state, "cursor": page}
            assert told(world.site.stranger.get(path, params=asked))["data"] == []
            assert told(world.people["user"].get(path, params=asked))["data"] == []
