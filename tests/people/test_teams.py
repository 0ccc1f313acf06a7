"""Teams: founding, members, leaders, and what they own."""

from typing import Any

import pytest

from roliascan.people.accounts import MOST_TEAMS
from roliascan.people.teams import MOST_MEMBERS
from tests.front import Asker, Site, at_once, everything, fields, refused, told

LINKS = [{"label": "Site", "url": "https://team.example/a?b=c#d"}]


@pytest.fixture
def leader(site: Site) -> Asker:
    return site.sign_up("uploader")


def joins(leader: Asker, team: Any, asker: Asker, role: str = "member") -> Any:
    return told(leader.put(f"teams/{team['id']}/members/{asker.id}", {"role": role}))


def leaves(asker: Asker, team: Any, who: Asker) -> Any:
    return asker.delete(f"teams/{team['id']}/members/{who.id}")


def test_who_founds_a_team_leads_it(any_site: Site) -> None:
    leader = any_site.sign_up("uploader")
    body = {"name": " Tëam ", "description": " Words ", "links": LINKS}
    team = told(leader.post("teams", body), 201)
    assert (team["name"], team["description"], team["links"], team["version"]) == ("Tëam", "Words", LINKS, 1)
    assert team["members"] == [{"id": leader.id, "username": leader.username, "role": "leader"}]
    assert told(any_site.stranger.get(f"teams/{team['id']}")) == team
    (listed,) = told(any_site.stranger.get("teams"))["data"]
    assert listed["memberCount"] == 1
    assert listed.items() <= {**team, "memberCount": 1}.items()


@pytest.mark.parametrize(
    "host", ["localhost", "169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "0x7f.1", "team.example"]
)
def test_what_a_link_leads_to_is_never_asked(  # IN-14
    site: Site, leader: Asker, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **_: asked.append(args))
    monkeypatch.setattr("socket.socket.connect", lambda *args: asked.append(args))
    answer = leader.post("teams", {"name": "T", "links": [{"label": "x", "url": f"http://{host}/latest/meta-data"}]})
    assert answer.status_code in {201, 400}
    assert asked == []


def test_leaders_come_first(any_site: Site) -> None:
    people = [any_site.sign_up("uploader", username=f"name{letter}") for letter in "dbca"]
    team = people[0].makes_team()
    for asker in people[1:3]:
        joins(people[0], team, asker)
    shown = joins(people[0], team, people[3], "leader")
    assert [(one["username"][-1], one["role"]) for one in shown["members"]] == [
        ("a", "leader"),
        ("d", "leader"),
        ("b", "member"),
        ("c", "member"),
    ]


def test_names_of_teams_are_unique(any_site: Site) -> None:
    leader = any_site.sign_up("uploader")
    team = leader.makes_team("Zoë's Team")
    for name in ("Zoë's Team", " zoe's team ", "ZOË’S TEAM".replace("’", "'"), "Zoe\u0301's Team"):
        refused(leader.post("teams", {"name": name}), 409, "team_exists")
    other = leader.makes_team("Another")
    refused(leader.patch(f"teams/{other['id']}", {"name": "ZOE'S TEAM"}), 409, "team_exists")
    assert told(leader.patch(f"teams/{team['id']}", {"name": "Zoe's TEAM"}))["name"] == "Zoe's TEAM"
    assert told(leader.get("teams"))["page"]["total"] == 2


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "A", "description": "x" * 5001}, ["description"]),
        ({"name": "A", "links": [LINKS[0]] * 21}, ["links"]),
        ({"name": "A", "links": [{"label": "", "url": "javascript:alert(1)"}]}, ["links[0].label", "links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "data:text/html,x"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "https://a b"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "https://[a/b"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "https://team.example@evil.example/"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "https:///path"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": ' https://a"onx'}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x", "url": "https://a\njavascript:x"}]}, ["links[0].url"]),
        ({"name": "A", "links": [{"label": "x"}, 5]}, ["links[0].url", "links[1]"]),
        ({"name": "A", "members": [], "createdBy": 1}, ["createdBy", "members"]),
    ],
)
def test_a_team_is_a_name_words_and_links(site: Site, leader: Asker, body: Any, wrong: list[str]) -> None:
    assert fields(leader.post("teams", body)) == wrong
    assert site.count("teams") == 0


def test_a_team_changes(any_site: Site) -> None:
    leader = any_site.sign_up("uploader")
    team = told(leader.post("teams", {"name": "A", "description": "D", "links": LINKS}), 201)
    path = f"teams/{team['id']}"
    any_site.clock.forward(seconds=1)
    changed = told(leader.patch(path, {"name": "B", "links": []}))
    assert (changed["name"], changed["description"], changed["links"], changed["version"]) == ("B", "D", [], 2)
    assert changed["updatedAt"] > team["updatedAt"]
    assert told(leader.patch(path, {"description": None}))["description"] is None
    assert fields(leader.patch(path, {"name": None})) == ["name"]


@pytest.mark.parametrize("role", ["owner", "Leader", "", None, 5, ["leader"]])
def test_members_lead_or_not(site: Site, leader: Asker, role: Any) -> None:
    team = leader.makes_team()
    assert fields(leader.put(f"teams/{team['id']}/members/{leader.id}", {"role": role})) == ["role"]


def test_members_come_and_go(any_site: Site) -> None:
    leader, other = any_site.sign_up("uploader"), any_site.sign_up()
    team = leader.makes_team()
    assert len(joins(leader, team, other)["members"]) == 2
    assert len(joins(leader, team, other)["members"]) == 2
    assert joins(leader, team, other, "leader")["members"][1]["role"] == "leader"
    assert told(leaves(other, team, other), 204) is None
    refused(leaves(leader, team, other), 404)
    refused(leaves(other, team, other), 404)
    refused(leader.put(f"teams/{team['id']}/members/{team['id']}", {"role": "member"}), 404)
    assert len(told(any_site.stranger.get(f"teams/{team['id']}"))["members"]) == 1


def test_a_team_has_room_for_so_many(any_site: Site) -> None:
    """What shows them all stays small, and on MariaDB whole."""
    leader, other = any_site.sign_up("uploader"), any_site.sign_up()
    team = leader.makes_team()
    keys = [f"{number:04}" for number in range(MOST_MEMBERS - 2)]
    now = any_site.clock.now
    account = {"password_hash": "!", "role": "user", "is_banned": False, "is_muted": False, "created_at": now}
    named = ("username", "username_key", "email", "email_key")
    with any_site.db.begin() as tx:
        rows = [
            {"id": f"00000000-0000-7000-8000-{key:0>12}", **dict.fromkeys(named, key * 7), **account, "updated_at": now}
            for key in keys
        ]
        tx.insert_many("users", rows)
        joined = [{"team_id": team["id"], "user_id": row["id"], "role": "member", "joined_at": now} for row in rows]
        tx.insert_many("team_members", joined)
    assert len(joins(leader, team, other)["members"]) == MOST_MEMBERS
    assert len(joins(leader, team, other, "leader")["members"]) == MOST_MEMBERS  # who is there may be another
    late = any_site.sign_up()
    refused(leader.put(f"teams/{team['id']}/members/{late.id}", {"role": "member"}), 409, "team_full")
    told(leaves(other, team, other), 204)
    assert len(joins(leader, team, late)["members"]) == MOST_MEMBERS


def test_nobody_can_fill_the_account_of_another(site: Site, leader: Asker) -> None:
    """Who founds teams puts into them whom they like."""
    victim, now = site.sign_up(), site.clock.now
    stamps = {"version": 1, "links": "[]", "created_at": now, "updated_at": now}
    ids = [f"00000000-0000-7000-8000-{number:012}" for number in range(MOST_TEAMS + 1)]
    with site.db.begin() as tx:
        tx.insert_many("teams", [{"id": id, "name": id, "name_key": id, **stamps} for id in ids])
        joined = [{"team_id": id, "user_id": victim.id, "role": "member", "joined_at": now} for id in ids]
        tx.insert_many("team_members", joined)
    assert [team["id"] for team in told(victim.get("auth/me"))["teams"]] == ids[:MOST_TEAMS]


def test_only_leaders_manage_members(site: Site, leader: Asker) -> None:
    member, other = site.sign_up("uploader"), site.sign_up("moderator")
    team = leader.makes_team()
    joins(leader, team, member)
    path = f"teams/{team['id']}/members"
    for asker in (member, other):
        refused(asker.put(f"{path}/{member.id}", {"role": "leader"}), 403)
        refused(asker.put(f"{path}/{other.id}", {"role": "member"}), 403)
        refused(leaves(asker, team, leader), 403)
        refused(asker.patch(f"teams/{team['id']}", {"name": "Ours"}), 403)
        refused(asker.delete(f"teams/{team['id']}"), 403)
    other_team = other.makes_team()
    refused(other.put(f"{path}/{other.id}", {"role": "leader"}), 403)  # leading one team is not leading another
    refused(leader.delete(f"teams/{other_team['id']}"), 403)


def test_the_last_leader_stays(any_site: Site) -> None:
    leader, member, admin = any_site.sign_up("uploader"), any_site.sign_up("uploader"), any_site.sign_up("admin")
    team = leader.makes_team()
    joins(leader, team, member)
    path = f"teams/{team['id']}/members/{leader.id}"
    for asker in (leader, admin):
        refused(asker.delete(path), 409, "last_leader")
        refused(asker.put(path, {"role": "member"}), 409, "last_leader")
    joins(leader, team, member, "leader")
    told(leader.put(path, {"role": "member"}))
    refused(leaves(member, team, member), 409, "last_leader")
    told(leaves(leader, team, leader), 204)
    joins(admin, team, leader, "leader")
    told(leaves(leader, team, member), 204)


def test_a_team_that_owns_something_stays(any_site: Site) -> None:
    leader = any_site.sign_up("uploader")
    team, heir = leader.makes_team(), leader.makes_team()
    series = leader.makes_series(teamIds=[team["id"]])
    chapter = leader.publishes(series, teamIds=[team["id"]])
    refused(leader.delete(f"teams/{team['id']}"), 409, "team_in_use")
    told(leader.patch(f"series/{series['id']}", {"teamIds": [heir["id"]]}))
    refused(leader.delete(f"teams/{team['id']}"), 409, "team_in_use")
    told(leader.patch(f"chapters/{chapter['id']}", {"teamIds": [heir["id"]]}))
    assert told(leader.delete(f"teams/{team['id']}"), 204) is None
    refused(leader.get(f"teams/{team['id']}"), 404)
    refused(leader.delete(f"teams/{team['id']}"), 404)
    assert told(leader.get("teams"))["page"]["total"] == 1
    assert any_site.count("team_members") == 1


def test_teams_are_listed_newest_first(any_site: Site) -> None:
    leader = any_site.sign_up("uploader")
    for name in "abcde":
        leader.makes_team(name)
        any_site.clock.forward(seconds=name in "bd")
    listed = [(one["createdAt"], one["id"]) for one in everything(any_site.stranger, "teams", limit=2)]
    assert listed == sorted(listed, reverse=True)
    assert len(listed) == 5


def test_a_team_tells_no_secret_of_its_members(site: Site, leader: Asker) -> None:  # AZ-07
    team = leader.makes_team()
    assert "@" not in site.stranger.get(f"teams/{team['id']}").text


@pytest.mark.parametrize("apps", [1, 2])
def test_two_leaders_cannot_both_leave_at_once(two_sites: tuple[Site, Site], apps: int) -> None:  # AZ-13
    sites = two_sites[:apps]
    for _ in range(4):
        leaders = [sites[0].sign_up("uploader") for _ in range(4)]
        team = leaders[0].makes_team()
        for other in leaders[1:]:
            joins(leaders[0], team, other, "leader")

        def go(turn: int, team: Any = team, leaders: list[Asker] = leaders) -> Any:
            asker = Asker(sites[turn % apps], token=leaders[turn].token)
            path = f"teams/{team['id']}/members/{leaders[turn].id}"
            return asker.delete(path) if turn < 2 else asker.put(path, {"role": "member"})

        answers = at_once(4, go)
        left = [answer for answer in answers if answer.status_code == 409]
        assert [refused(answer, 409, "last_leader") for answer in left], "somebody is refused"
        assert len(left) == 1
        members = told(sites[0].stranger.get(f"teams/{team['id']}"))["members"]
        assert [one["role"] for one in members].count("leader") == 1


def test_of_many_at_once_one_founds_the_team(two_sites: tuple[Site, Site]) -> None:
    leader = two_sites[0].sign_up("uploader")

    def found(turn: int) -> Any:
        name = ("Team", "TEAM", " team ", "te\u0301am")[turn % 4]
        return Asker(two_sites[turn % 2], token=leader.token).post("teams", {"name": name})

    answers = at_once(20, found)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        assert answer.status_code == 201 or refused(answer, 409, "team_exists")
    assert told(leader.get("teams"))["page"]["total"] == two_sites[0].count("teams") == 1
