"""Who may do what: by role, by what is granted on top, by owning, and by leading a team."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.people.permissions import DESCRIPTIONS, ROLES
from tests.front import FORM, PAGE, Asker, File, Site, form, refused, told

UPLOADER = {"create:series", "update:series", "create:chapter", "update:chapter", "upload:file", "create:team"}


def test_roles_are_as_the_contract_says() -> None:
    assert list(ROLES) == ["user", "uploader", "moderator", "admin"]
    assert ROLES["user"] == set()
    assert ROLES["uploader"] == UPLOADER
    assert ROLES["moderator"] >= UPLOADER | {"hide:any", "delete:comment", "mute:user"}
    assert ROLES["admin"] == set(DESCRIPTIONS)
    assert all(less < more for less, more in pairwise(ROLES.values()))


def test_the_role_tells_the_permissions(any_site: Site) -> None:
    for role, permissions in ROLES.items():
        me = told(any_site.sign_up(role).get("auth/me"))
        assert (me["role"], me["permissions"]) == (role, sorted(permissions))


class Library:
    """A series of an uploader and their team, with a chapter of each, and everybody."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.creator, self.leader, self.member, self.other = (site.sign_up("uploader") for _ in range(4))
        self.demoted = site.sign_up("uploader")
        team = self.leader.makes_team()
        told(self.leader.put(f"teams/{team['id']}/members/{self.member.id}", {"role": "member"}))
        told(self.leader.put(f"teams/{team['id']}/members/{self.demoted.id}", {"role": "member"}))
        told(self.leader.put(f"teams/{team['id']}/members/{self.creator.id}", {"role": "member"}))
        self.team = team
        self.series = self.creator.makes_series(teamIds=[team["id"]])
        told(self.leader.delete(f"teams/{team['id']}/members/{self.creator.id}"), 204)
        site.write("UPDATE users SET role = 'user' WHERE id = :id", id=self.demoted.id)
        self.chapter = self.leader.publishes(self.series, 1, teamIds=[team["id"]])
        self.plain = self.creator.publishes(self.series, 2)
        self.people: dict[str, Asker] = {
            "stranger": site.stranger,
            "user": site.sign_up("user"),
            "other": self.other,
            "demoted": self.demoted,
            "creator": self.creator,
            "member": self.member,
            "leader": self.leader,
            "moderator": site.sign_up("moderator"),
            "admin": site.sign_up("admin"),
        }


Act = Callable[[Library, Asker], Result]


def pages(library: Library, asker: Asker, chapter: Any) -> Result:
    return asker.post(f"chapters/{chapter['id']}/pages", body=form(File("f", PAGE)), headers={"Content-Type": FORM})


def announce(asker: Asker, target: Any) -> Result:
    file = {"name": "a.png", "size": 1, "type": "image/png", "sha256": "0" * 64}
    return asker.post("uploads", {"target": target, "files": [file]})


ACTS: dict[str, tuple[Act, str]] = {
    "start a series": (
        lambda _, who: who.post("series", {"title": "A", "author": "B"}),
        "other creator member leader moderator admin",
    ),
    "found a team": (
        lambda _, who: who.post("teams", {"name": who.username}),
        "other creator member leader moderator admin",
    ),
    "edit the series": (
        lambda it, who: who.patch(f"series/{it.series['id']}", {"author": "B"}),
        "creator member leader moderator admin",
    ),
    "hide the series": (
        lambda it, who: who.patch(f"series/{it.series['id']}", {"state": "hidden"}),
        "creator member leader moderator admin",
    ),
    "give the series to others": (
        lambda it, who: who.patch(f"series/{it.series['id']}", {"teamIds": [it.team["id"]]}),
        "creator leader admin",
    ),
    "give the team's chapter to others": (
        lambda it, who: who.patch(f"chapters/{it.chapter['id']}", {"teamIds": [it.team["id"]]}),
        "leader admin",
    ),
    "delete the series": (lambda it, who: who.delete(f"series/{it.series['id']}"), "creator leader admin"),
    "add a chapter": (
        lambda it, who: who.post(f"series/{it.series['id']}/chapters", {"number": 9}),
        "creator member leader admin",
    ),
    "edit the team's chapter": (
        lambda it, who: who.patch(f"chapters/{it.chapter['id']}", {"title": "B"}),
        "member leader moderator admin",
    ),
    "edit the creator's chapter": (
        lambda it, who: who.patch(f"chapters/{it.plain['id']}", {"title": "B"}),
        "creator member leader moderator admin",
    ),
    "publish the team's chapter": (
        lambda it, who: who.post(f"chapters/{it.chapter['id']}/publish"),
        "member leader admin",
    ),
    "hide the team's chapter": (
        lambda it, who: who.post(f"chapters/{it.chapter['id']}/hide"),
        "member leader moderator admin",
    ),
    "delete the team's chapter": (lambda it, who: who.delete(f"chapters/{it.chapter['id']}"), "member leader admin"),
    "add pages": (lambda it, who: pages(it, who, it.chapter), "member leader admin"),
    "arrange pages": (
        lambda it, who: who.put(f"chapters/{it.chapter['id']}/pages", {"ids": [it.chapter["pages"][0]["id"]]}),
        "member leader admin",
    ),
    "take in a file": (
        lambda _, who: who.send("files", File("file", PAGE)),
        "other creator member leader moderator admin",
    ),
    "get a ticket for a page": (
        lambda it, who: announce(who, {"chapterId": it.chapter["id"]}),
        "member leader admin",
    ),
    "get a ticket for a cover": (
        lambda it, who: announce(who, {"seriesId": it.series["id"]}),
        "creator member leader moderator admin",
    ),
    "get a ticket for a file": (
        lambda _, who: announce(who, {"generic": True}),
        "other creator member leader moderator admin",
    ),
    "edit the team": (lambda it, who: who.patch(f"teams/{it.team['id']}", {"description": "D"}), "leader admin"),
    "end the team": (lambda it, who: who.delete(f"teams/{it.team['id']}"), "leader admin"),
    "take somebody in": (
        lambda it, who: who.put(f"teams/{it.team['id']}/members/{it.other.id}", {"role": "member"}),
        "leader admin",
    ),
    "put somebody out": (
        lambda it, who: who.delete(f"teams/{it.team['id']}/members/{it.demoted.id}"),
        "demoted leader admin",
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_exactly_those_may_who_may(site: Site, act: str) -> None:  # AZ-01, AZ-02
    do, allowed = ACTS[act]
    library = Library(site)
    refusals = {name: do(library, asker) for name, asker in library.people.items() if name not in allowed.split()}
    for name, answer in refusals.items():
        refused(answer, 401 if name == "stranger" else 403)
    for name in allowed.split():
        if "delete" in act or "put" in act:  # who comes first leaves nothing to the next
            library = Library(site)
        answer = do(library, library.people[name])
        assert answer.status_code in {200, 201, 204, 409}, (name, answer.text)  # 409 is for who may


def test_a_refusal_changes_nothing(site: Site) -> None:
    library = Library(site)
    before = [
        told(library.creator.get(path)) for path in (f"series/{library.series['id']}", "chapters", "teams", "series")
    ]
    for do, allowed in ACTS.values():
        for name, asker in library.people.items():
            if name not in allowed.split():
                do(library, asker)
    after = [
        told(library.creator.get(path)) for path in (f"series/{library.series['id']}", "chapters", "teams", "series")
    ]
    assert after == before


GRANTS: dict[str, Act] = {
    "create:series": lambda _, who: who.post("series", {"title": "A", "author": "B"}),
    "create:team": lambda _, who: who.post("teams", {"name": "Granted"}),
    "manage:teams": lambda it, who: who.patch(f"teams/{it.team['id']}", {"description": "D"}),
    "hide:any": lambda it, who: who.post(f"chapters/{it.plain['id']}/hide"),
    "delete:any": lambda it, who: who.delete(f"chapters/{it.chapter['id']}"),
    "edit:any": lambda it, who: who.patch(f"series/{it.series['id']}", {"author": "B", "state": "draft"}),
}


def test_what_is_granted_is_consulted(any_site: Site) -> None:
    library = Library(any_site)
    plain = any_site.sign_up("user", grants=("read:audit", "mute:user"))
    for permission, act in GRANTS.items():
        refused(act(library, plain), 403)
        granted = any_site.sign_up("user", grants=(permission, "read:audit"))
        assert permission in told(granted.get("auth/me"))["permissions"]
        assert act(library, granted).status_code in {200, 201, 204}, permission
        any_site.write("DELETE FROM grants WHERE user_id = :id", id=granted.id)
        if permission.startswith("create"):
            refused(act(library, granted), 403)


def test_whoever_may_hide_anything_may_show_it_again(any_site: Site) -> None:
    library = Library(any_site)
    keeper = any_site.sign_up("user", grants=("hide:any",))
    path = f"chapters/{library.chapter['id']}"
    assert told(keeper.post(f"{path}/hide", {"reason": "Why"}))["state"] == "hidden"
    assert told(keeper.post(f"{path}/publish"))["state"] == "published"
    assert told(keeper.patch(f"series/{library.series['id']}", {"state": "hidden"}))["state"] == "hidden"
    assert told(keeper.patch(f"series/{library.series['id']}", {"state": "published"}))["state"] == "published"
    refused(keeper.patch(f"series/{library.series['id']}", {"state": "hidden", "author": "B"}), 403)


def test_hiding_is_no_way_to_publish_what_its_owners_did_not(site: Site) -> None:
    library = Library(site)
    draft = library.leader.makes_chapter(library.series, 5, teamIds=[library.team["id"]])
    library.leader.adds_pages(draft)
    moderator = library.people["moderator"]
    refused(moderator.post(f"chapters/{draft['id']}/publish"), 403)
    told(moderator.post(f"chapters/{draft['id']}/hide"))
    refused(moderator.post(f"chapters/{draft['id']}/publish"), 403)


def test_rights_end_with_the_membership(any_site: Site) -> None:  # AZ-03
    library = Library(any_site)
    added = library.member.makes_chapter(library.series, 7, teamIds=[library.team["id"]])
    told(library.member.get(f"chapters/{added['id']}"))
    told(library.member.delete(f"teams/{library.team['id']}/members/{library.member.id}"), 204)
    refused(library.member.get(f"chapters/{added['id']}"), 404)
    refused(library.member.patch(f"chapters/{added['id']}", {"title": "B"}), 404)
    refused(library.member.patch(f"chapters/{library.chapter['id']}", {"title": "B"}), 403)
    refused(library.member.patch(f"series/{library.series['id']}", {"author": "B"}), 403)
    refused(library.member.post(f"series/{library.series['id']}/chapters", {"number": 8}), 403)


def test_rights_end_when_the_series_goes_to_others(any_site: Site) -> None:  # AZ-03
    library = Library(any_site)
    told(library.leader.patch(f"series/{library.series['id']}", {"teamIds": []}))
    refused(library.member.patch(f"series/{library.series['id']}", {"author": "B"}), 403)
    refused(library.leader.delete(f"series/{library.series['id']}"), 403)
    told(library.leader.patch(f"chapters/{library.chapter['id']}", {"title": "Ours still"}))
    refused(library.leader.patch(f"chapters/{library.plain['id']}", {"title": "Theirs"}), 403)
    told(library.creator.delete(f"series/{library.series['id']}"), 204)


def test_who_gives_a_draft_away_is_told_that_it_worked(any_site: Site) -> None:
    creator, leader = any_site.sign_up("uploader"), any_site.sign_up("uploader")
    team = leader.makes_team()
    told(leader.put(f"teams/{team['id']}/members/{creator.id}", {"role": "member"}))
    series = creator.makes_series(state="draft", teamIds=[team["id"]])
    chapter = leader.makes_chapter(series, teamIds=[team["id"]])
    other = leader.makes_chapter(series, 2)
    assert told(leader.patch(f"chapters/{chapter['id']}", {"teamIds": []}))["teams"] == []
    assert told(leader.patch(f"series/{series['id']}", {"teamIds": []}))["teams"] == []
    refused(leader.get(f"series/{series['id']}"), 404)
    refused(leader.patch(f"series/{series['id']}", {}), 404)
    told(leader.get(f"chapters/{other['id']}"))  # one without a team stays with who added it


def test_nobody_names_a_team_that_they_are_not_in(any_site: Site) -> None:
    library = Library(any_site)
    own = {"teamIds": [library.team["id"]]}
    refused(library.other.post("series", {"title": "A", "author": "B", **own}), 403, "not_in_team")
    refused(library.creator.post(f"series/{library.series['id']}/chapters", {"number": 9, **own}), 403, "not_in_team")
    refused(library.creator.patch(f"chapters/{library.plain['id']}", own), 403, "not_in_team")
    unknown = {"teamIds": ["01a20846-fe00-7ece-bc0b-f87796bb3294"]}
    problem = refused(library.other.post("series", {"title": "A", "author": "B", **unknown}), 400)
    assert problem["errors"][0]["field"] == "teamIds"
    told(library.creator.patch(f"series/{library.series['id']}", {**own, "author": "B"}))  # it stays, by whomever


@pytest.mark.parametrize(
    "field",
    [
        "id",
        "slug",
        "createdBy",
        "created_by",
        "ownerId",
        "version",
        "chapterCount",
        "createdAt",
        "publishedAt",
        "rating",
    ],
)
def test_nobody_sets_what_is_not_theirs_to_set(site: Site, field: str) -> None:  # AZ-06
    library = Library(site)
    before = told(library.creator.get(f"series/{library.series['id']}"))
    asked = [
        library.creator.post("series", {"title": "A", "author": "B", field: 1}),
        library.creator.patch(f"series/{library.series['id']}", {field: 1}),
        library.creator.post(f"series/{library.series['id']}/chapters", {"number": 9, field: 1}),
        library.creator.patch(f"chapters/{library.plain['id']}", {field: 1}),
        library.creator.post("teams", {"name": "A", field: 1}),
        library.leader.patch(f"teams/{library.team['id']}", {field: 1}),
        library.leader.put(f"teams/{library.team['id']}/members/{library.other.id}", {"role": "member", field: 1}),
        library.creator.post(f"chapters/{library.plain['id']}/publish", {field: 1}),
        library.creator.post(f"chapters/{library.plain['id']}/hide", {field: 1}),
        library.creator.put(f"chapters/{library.plain['id']}/pages", {"ids": [], field: 1}),
    ]
    for answer in asked:
        assert [problem["field"] for problem in refused(answer, 400)["errors"]] == [field]
    assert told(library.creator.get(f"series/{library.series['id']}")) == before


def test_the_state_of_a_chapter_is_not_edited(site: Site) -> None:  # AZ-06
    library = Library(site)
    for field, value in (("state", "published"), ("seriesId", library.series["id"]), ("pages", []), ("pageCount", 9)):
        refused(library.creator.patch(f"chapters/{library.plain['id']}", {field: value}), 400)
