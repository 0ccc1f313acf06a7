"""Rights that change while something is under way, and rights that must not be a way to others."""

from collections.abc import Callable
from typing import Any

import pytest

from roliascan.errors import Refusal
from roliascan.library import images
from roliascan.people import passwords, sessions
from tests.front import PAGE, Asker, File, Site, refused, told

SLOW = "a long enough secret"


def member_of(site: Site, leader: Asker, team: Any) -> Asker:
    member = site.sign_up("uploader")
    told(leader.put(f"teams/{team['id']}/members/{member.id}", {"role": "member"}))
    return member


@pytest.mark.parametrize(
    ("change", "status"), [("role = 'user'", 403), ("is_banned = :yes", 401), ("is_banned = :yes, role = 'user'", 401)]
)
def test_who_lost_the_right_while_the_bytes_came_adds_nothing(any_site: Site, change: str, status: int) -> None:
    """AZ-11, AU-11: the rows are written, or not, by what holds when the last byte is in."""
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    prepare = images.prepare

    def meanwhile(*args: Any, **how: Any) -> Any:
        any_site.write(f"UPDATE users SET {change} WHERE id = :id", id=uploader.id, yes=True)
        return prepare(*args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roliascan.library.images.prepare", meanwhile)
        refused(uploader.send(f"chapters/{chapter['id']}/pages", File("a", PAGE)), status)
    assert (any_site.count("pages"), any_site.count("files"), any_site.stored) == (0, 0, [])


def test_the_old_password_opens_nothing_once_it_is_changed(any_site: Site) -> None:
    """AU-11: a login that was checking the old password when it was changed comes to nothing."""
    signed_up = told(
        any_site.stranger.post(
            "auth/register", {"email": "o@example.org", "username": "olga", "password": "old password"}
        ),
        201,
    )
    owner = Asker(any_site, signed_up["user"]["id"], "olga", signed_up["token"])
    matches = passwords.matches

    def meanwhile(password: str, password_hash: str | None, **more: Any) -> bool:
        fits = matches(password, password_hash, **more)
        patch.undo()
        told(owner.patch("auth/me", {"password": SLOW, "currentPassword": "old password"}))
        return fits

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roliascan.people.passwords.matches", meanwhile)
        refused(any_site.stranger.post("auth/login", {"login": "olga", "password": "old password"}), 401)
    assert any_site.count("sessions") == 1
    told(any_site.stranger.post("auth/login", {"login": "olga", "password": SLOW}))


@pytest.mark.parametrize("what", ["series", "chapters"])
def test_teams_are_no_way_to_what_belongs_to_others(site: Site, what: str) -> None:
    """AZ-03: members and moderators cannot make themselves leaders of a thing by adding a team of their own."""
    leader = site.sign_up("uploader")
    team = leader.makes_team()
    member = member_of(site, leader, team)
    series = leader.makes_series(teamIds=[team["id"]])
    thing = series if what == "series" else leader.makes_chapter(series, teamIds=[team["id"]])
    for asker in (member, site.sign_up("moderator")):
        own = asker.makes_team()
        for wanted in ([team["id"], own["id"]], [own["id"]], []):
            refused(asker.patch(f"{what}/{thing['id']}", {"teamIds": wanted}), 403)
    other = leader.makes_team()
    changed = told(leader.patch(f"{what}/{thing['id']}", {"teamIds": [team["id"], other["id"]]}))
    assert {one["id"] for one in changed["teams"]} == {team["id"], other["id"]}


def test_who_added_a_chapter_without_teams_may_name_its_teams(site: Site) -> None:
    uploader = site.sign_up("uploader")
    team = uploader.makes_team()
    chapter = uploader.makes_chapter(uploader.makes_series())
    changed = told(uploader.patch(f"chapters/{chapter['id']}", {"teamIds": [team["id"]]}))
    assert [one["id"] for one in changed["teams"]] == [team["id"]]


@pytest.mark.parametrize("what", ["series", "chapters"])
def test_nobody_is_told_that_a_draft_was_there(any_site: Site, what: str) -> None:
    """AZ-10: a tombstone stands only where something could be seen."""
    owner = any_site.sign_up("uploader")
    series = owner.makes_series("Secret plan", state="draft")
    thing = series if what == "series" else owner.makes_chapter(series)
    told(owner.delete(f"{what}/{thing['id']}?reason=quarrel"), 204)
    refused(any_site.stranger.get(f"{what}/{thing['id']}"), 404)
    refused(any_site.stranger.get("series/secret-plan"), 404)


def test_each_address_that_a_series_had_says_that_it_was_removed(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series("First name")
    told(owner.patch(f"series/{series['id']}", {"title": "Second name"}))
    told(owner.delete(f"series/{series['id']}?reason=licensed"), 204)
    for address in ("first-name", "second-name", series["id"]):
        assert "licensed" in refused(any_site.stranger.get(f"series/{address}"), 410)["detail"]


@pytest.mark.parametrize(
    "act",
    [
        lambda asker, path, how: asker.post(f"{path}/publish", **how),
        lambda asker, path, how: asker.post(f"{path}/hide", **how),
        lambda asker, path, how: asker.send(f"{path}/pages", File("b", PAGE), **how),
    ],
    ids=["publish", "hide", "add pages"],
)
def test_a_version_that_is_no_more_stops_every_change(site: Site, act: Callable[..., Any]) -> None:
    """DB-11"""
    owner = site.sign_up("uploader")
    chapter = owner.makes_chapter(owner.makes_series())
    owner.adds_pages(chapter)
    path = f"chapters/{chapter['id']}"
    refused(act(owner, path, {"headers": {"If-Match": '"1"'}}), 412)
    told(owner.get(path))
    assert act(owner, path, {"headers": {"If-Match": '"2"'}}).status_code in {200, 201}


def test_long_labels_that_differ_are_two_chapters(site: Site) -> None:
    owner = site.sign_up("uploader")
    series = owner.makes_series()
    for ending in "AB":
        told(owner.post(f"series/{series['id']}/chapters", {"label": "\ufdfa" * 8 + ending}), 201)


def test_only_the_operator_needs_no_session(site: Site) -> None:
    from roliascan.people.persons import Person, operator

    with site.db.begin() as tx:
        assert sessions.confirm(tx, operator(), now=site.clock()) == operator()
        gone = Person("", "x", "", "user", False, "01890000-0000-7000-8000-000000000000", frozenset())
        with pytest.raises(Refusal):
            sessions.confirm(tx, gone, now=site.clock())
