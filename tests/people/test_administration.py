"""Users as administrators and moderators see and change them: roles, bans, mutes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.people import passwords, users
from roliascan.people.permissions import ROLES
from tests.front import Asker, Site, everything, fields, ids, refused, told

SOME_ID = "01a20846-fe00-7ece-bc0b-f87796bb3294"
TOMORROW = "2026-11-24T12:00:00Z"


def changed(asker: Asker, who: Asker, **change: Any) -> Any:
    return told(asker.patch(f"admin/users/{who.id}", change))


def entries(admin: Asker, **filters: str) -> list[Any]:
    """The audit log, oldest first: action, actor, target, details."""
    found: list[Any] = told(admin.get("admin/audit", params={"limit": "100", **filters}))["data"]
    return [(one["action"], one["actorId"], one["targetId"], one["details"]) for one in reversed(found)]


def test_an_administrator_sees_a_user(site: Site) -> None:
    admin, user = site.sign_up("admin"), site.sign_up("uploader", username="aiko", grants=("mute:user",))
    assert told(admin.get("admin/users?q=aiko"))["data"] == [
        {
            "id": user.id,
            "username": "aiko",
            "email": "aiko@tests.example",
            "role": "uploader",
            "isBanned": False,
            "banReason": None,
            "bannedUntil": None,
            "isMuted": False,
            "permissions": sorted(ROLES["uploader"] | {"mute:user"}),
            "granted": ["mute:user"],
            "createdAt": "2026-11-23T12:00:00.000000Z",
        }
    ]
    assert changed(admin, user) == told(admin.get("admin/users?q=aiko"))["data"][0]
    assert entries(admin) == []  # nothing was changed


def test_a_role_counts_at_the_next_request(site: Site) -> None:  # AU-11
    admin, user = site.sign_up("admin"), site.sign_up()
    refused(user.post("series", {"title": "A", "author": "B"}), 403)
    assert changed(admin, user, role="uploader")["role"] == "uploader"
    user.makes_series()
    assert changed(admin, user, role="uploader")["role"] == "uploader"
    changed(admin, user, role="user")
    refused(user.post("series", {"title": "A", "author": "B"}), 403)
    assert entries(admin) == [
        ("set_role", admin.id, user.id, {"from": "user", "to": "uploader"}),
        ("set_role", admin.id, user.id, {"from": "uploader", "to": "user"}),
    ]


def test_a_demoted_administrator_promotes_nobody(site: Site) -> None:  # AU-11: what the original let them do
    admin, other = site.sign_up("admin"), site.sign_up("admin")
    changed(admin, other, role="user")
    for who in (admin, other):
        refused(other.patch(f"admin/users/{who.id}", {"role": "admin"}), 403, "not_allowed")
    assert told(other.get("auth/me"))["role"] == "user"


def test_who_is_banned_is_a_stranger_at_once(site: Site) -> None:  # AU-11
    admin, user = site.sign_up("admin"), site.sign_up("uploader")
    draft = user.makes_series(state="draft")
    banned = changed(admin, user, isBanned=True, banReason=" Spam \U0001f4a5 ")
    assert (banned["isBanned"], banned["banReason"], banned["bannedUntil"]) == (True, "Spam \U0001f4a5", None)
    refused(user.get("auth/me"), 401, "not_signed_in")
    refused(user.get(f"series/{draft['id']}"), 404)
    refused(user.post("series", {"title": "A", "author": "B"}), 401)
    told(user.get("series"))
    assert site.count("sessions WHERE user_id = :id", id=user.id) == 0
    free = changed(admin, user, isBanned=False)
    assert (free["isBanned"], free["banReason"], free["bannedUntil"]) == (False, None, None)
    refused(user.get("auth/me"), 401)  # signed out everywhere: they have to sign in again
    assert entries(admin) == [
        ("ban", admin.id, user.id, {"reason": "Spam \U0001f4a5", "until": None}),
        ("unban", admin.id, user.id, {}),
    ]


def test_a_ban_ends_by_itself(site: Site) -> None:
    admin = site.sign_up("admin")
    body = {"email": "r@tests.example", "username": "reader", "password": "correct horse"}
    user = Asker(site, told(site.stranger.post("auth/register", body), 201)["user"]["id"])
    credentials = {"login": "reader", "password": "correct horse"}
    banned = changed(admin, user, isBanned=True, bannedUntil="2026-11-24T14:00:00.5+02:00")
    assert banned["bannedUntil"] == "2026-11-24T12:00:00.500000Z"
    refused(site.stranger.post("auth/login", credentials), 401, "invalid_credentials")
    assert ids(told(admin.get("admin/users?isBanned=true"))) == [user.id]
    site.clock.forward(hours=24, seconds=1)
    told(site.stranger.post("auth/login", credentials))
    assert told(admin.get("admin/users?isBanned=true"))["data"] == []
    assert changed(admin, user)["isBanned"] is False
    again = changed(admin, user, isBanned=True)  # the end of the first ban is not that of the second
    assert (again["isBanned"], again["bannedUntil"]) == (True, None)


def test_a_ban_is_changed_and_kept(site: Site) -> None:
    admin, user = site.sign_up("admin"), site.sign_up()
    changed(admin, user, isBanned=True, banReason="One", bannedUntil=TOMORROW)
    same = changed(admin, user, isBanned=True)
    assert (same["banReason"], same["bannedUntil"]) == ("One", "2026-11-24T12:00:00.000000Z")
    assert changed(admin, user, banReason="Two")["bannedUntil"] == "2026-11-24T12:00:00.000000Z"
    forever = changed(admin, user, bannedUntil=None)
    assert (forever["isBanned"], forever["banReason"], forever["bannedUntil"]) == (True, "Two", None)
    assert [(action, details["reason"]) for action, _, _, details in entries(admin)] == [
        ("ban", "One"),
        ("ban", "Two"),
        ("ban", "Two"),
    ]


def test_no_session_starts_while_a_ban_comes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # AZ-11
    admin = site.sign_up("admin")
    body = {"email": "r@tests.example", "username": "reader", "password": "correct horse"}
    user = Asker(site, told(site.stranger.post("auth/register", body), 201)["user"]["id"])
    really = passwords.matches

    def slowly(password: str, password_hash: str | None, **how: Any) -> bool:
        changed(admin, user, isBanned=True, bannedUntil=TOMORROW)
        return really(password, password_hash, **how)

    monkeypatch.setattr(passwords, "matches", slowly)
    refused(site.stranger.post("auth/login", {"login": "reader", "password": "correct horse"}), 401)
    assert site.count("sessions WHERE user_id = :id", id=user.id) == 0


@pytest.mark.parametrize("lost", ["role = 'user'", "is_banned = :yes"])
def test_who_lost_the_right_a_moment_ago_does_nothing(site: Site, lost: str) -> None:  # AU-11, AZ-11
    """Between the look at who asks and the locks, they were demoted or banned."""
    user = site.sign_up()
    site.sign_up("admin")
    really = users.hold, users._lock_admins
    asks: list[Callable[[Asker], Result]] = [
        lambda who: who.patch(f"admin/users/{user.id}", {"role": "admin"}),
        lambda who: who.patch(f"admin/users/{user.id}", {"isMuted": True}),
        lambda who: who.put(f"admin/users/{user.id}/permissions/manage:users"),
    ]
    for ask in asks:
        admin = site.sign_up("admin")
        with pytest.MonkeyPatch.context() as patch:

            def first(verb: Any, *args: Any, **how: Any) -> Any:
                patch.undo()
                site.write(f"UPDATE users SET {lost} WHERE id = :id", id=admin.id, yes=True)  # noqa: B023
                return verb(*args, **how)

            patch.setattr(users, "hold", partial(first, really[0]))
            patch.setattr(users, "_lock_admins", partial(first, really[1]))
            refused(ask(admin), 403 if "role" in lost else 401)
    assert told(user.get("auth/me"))["permissions"] == []
    assert site.count("audit") == 0


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"role": "root"}, ["role"]),
        ({"role": None}, ["role"]),
        ({"isBanned": "yes", "isMuted": 1}, ["isBanned", "isMuted"]),
        ({"isBanned": True, "bannedUntil": "2026-11-23T12:00:00Z"}, ["bannedUntil"]),
        ({"isBanned": True, "bannedUntil": "2026-11-24T12:00:00"}, ["bannedUntil"]),
        ({"isBanned": True, "bannedUntil": "9999-12-31T23:59:59-23:59"}, ["bannedUntil"]),
        ({"isBanned": True, "bannedUntil": "0001-01-01T00:00:00+23:59"}, ["bannedUntil"]),
        ({"isBanned": True, "banReason": ""}, ["banReason"]),
        ({"isBanned": True, "banReason": "x" * 501}, ["banReason"]),
        ({"isBanned": True, "banReason": "a\0b"}, ["banReason"]),
        ({"isBanned": False, "banReason": "x", "bannedUntil": TOMORROW}, ["banReason", "bannedUntil"]),
        ({"banReason": "x", "bannedUntil": TOMORROW}, ["banReason", "bannedUntil"]),
        *(
            ({name: "x", "isMuted": True}, [name])
            for name in ("id", "email", "username", "password_hash", "permissions")
        ),
        *(({name: "x", "isMuted": True}, [name]) for name in ("is_banned", "granted", "createdAt", "__proto__")),
    ],
    ids=str,
)
def test_what_cannot_be_is_named_and_changes_nothing(site: Site, change: Any, wrong: list[str]) -> None:  # AZ-06
    admin, user = site.sign_up("admin"), site.sign_up()
    assert fields(admin.patch(f"admin/users/{user.id}", change)) == wrong
    assert (changed(admin, user)["isMuted"], entries(admin)) == (False, [])
    told(user.get("auth/me"))


def test_nulls_clear_what_is_clear(site: Site) -> None:
    admin, user = site.sign_up("admin"), site.sign_up()
    changed(admin, user, isBanned=False, banReason=None, bannedUntil=None, isMuted=False, role="user")
    changed(admin, user, banReason=None, bannedUntil=None)
    assert entries(admin) == []


def test_each_act_of_one_change_is_one_entry(site: Site) -> None:  # PR-06
    admin, user = site.sign_up("admin"), site.sign_up()
    changed(admin, user, role="moderator", isBanned=True, isMuted=True)
    assert [action for action, *_ in entries(admin)] == ["set_role", "ban", "mute"]
    changed(admin, user, isMuted=False)
    assert [action for action, *_ in entries(admin)] == ["set_role", "ban", "mute", "unmute"]


def test_who_mutes_reaches_lower_roles_only(site: Site) -> None:  # AZ-01
    moderator = site.sign_up("moderator")
    granted = site.sign_up("user", grants=("mute:user",))
    people = {role: site.sign_up(role) for role in ROLES}
    for who in (people["user"], people["uploader"]):
        muted = changed(moderator, who, isMuted=True)
        assert (muted["isMuted"], muted["email"]) == (True, None)  # AZ-07: addresses are for who manages users
        assert told(who.get("auth/me"))["isMuted"]
    for who in (people["moderator"], people["admin"], moderator):
        refused(moderator.patch(f"admin/users/{who.id}", {"isMuted": True}), 403, "not_allowed")
    for who in (*people.values(), granted):
        refused(granted.patch(f"admin/users/{who.id}", {"isMuted": True}), 403, "not_allowed")
    for more in ({"role": "user"}, {"isBanned": True}, {"banReason": None}, {"bannedUntil": None}):
        refused(moderator.patch(f"admin/users/{people['user'].id}", {"isMuted": False, **more}), 403)
    assert told(people["user"].get("auth/me"))["isMuted"]
    assert [entry[:3] for entry in entries(people["admin"])] == [
        ("mute", moderator.id, people["user"].id),
        ("mute", moderator.id, people["uploader"].id),
    ]


def test_who_was_granted_to_manage_users_gets_no_further(site: Site) -> None:  # AU-11, AZ-01
    keeper = site.sign_up("moderator", grants=("manage:users",))
    people = {role: site.sign_up(role) for role in ROLES}
    assert changed(keeper, people["user"], role="uploader")["email"]  # what is granted is consulted
    changed(keeper, people["user"], isBanned=True)
    for who in (people["moderator"], people["admin"], keeper):
        for change in ({"role": "user"}, {"role": "admin"}, {"isBanned": True}, {"isMuted": True}):
            refused(keeper.patch(f"admin/users/{who.id}", change), 403, "not_allowed")
    for role in ("moderator", "admin"):
        refused(keeper.patch(f"admin/users/{people['uploader'].id}", {"role": role}), 403, "not_allowed")
    assert changed(keeper, people["uploader"])["role"] == "uploader"


@pytest.mark.parametrize("role", ["stranger", "user", "uploader", "moderator"])
def test_administration_is_for_administrators(site: Site, role: str) -> None:  # AZ-01, AZ-02
    asker, user = site.stranger if role == "stranger" else site.sign_up(role), site.sign_up()
    status = 401 if role == "stranger" else 403
    for path in ("admin/users", "admin/permissions", "admin/permissions/mute:user", "admin/audit"):
        refused(asker.get(path), status)
        refused(asker.get(f"{path}/"), status)  # AZ-08
    refused(asker.post("admin/permissions", {"name": "a:b"}), status)
    refused(asker.patch(f"admin/users/{user.id}", {"role": "admin"}), status)
    refused(asker.put(f"admin/users/{asker.id or user.id}/permissions/manage:users"), status)
    refused(asker.delete(f"admin/users/{user.id}/permissions/manage:users"), status)
    assert (site.count("grants"), site.count("permissions"), site.count("audit")) == (0, 0, 0)


@pytest.mark.parametrize("method", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_makes_another_method_of_it(site: Site, method: str) -> None:  # AZ-08
    admin, user = site.sign_up("admin"), site.sign_up()
    path = f"admin/users/{user.id}/permissions/mute:user"
    refused(admin.post(path, headers={method: "PUT"}), 405)
    refused(admin.get(path, headers={method: "PUT"}), 405)
    assert site.count("grants") == 0


def test_who_is_nobody_is_not_found(site: Site) -> None:  # AZ-05
    admin, user = site.sign_up("admin"), site.sign_up()
    for wrong in (SOME_ID, user.id.upper(), f"{user.id}%20", "1", "-1", "null", "'", user.username):
        refused(admin.patch(f"admin/users/{wrong}", {"isMuted": True}), 404, "not_found")
        refused(admin.put(f"admin/users/{wrong}/permissions/mute:user"), 404)
        refused(admin.delete(f"admin/users/{wrong}/permissions/mute:user"), 404)
    assert site.count("audit") == 0


# The list


def test_users_are_listed_newest_first(site: Site) -> None:
    admin = site.sign_up("admin")
    people: list[Asker] = []
    for role in ("user", "moderator", "user", "user"):
        site.clock.forward(seconds=len(people) % 2)
        people.append(site.sign_up(role))
    newest = [one.id for one in reversed(people)]
    listed = [one["id"] for one in everything(admin, "admin/users", limit=2)]
    assert sorted(listed) == sorted([*newest, admin.id])
    times = [one["createdAt"] for one in everything(admin, "admin/users", limit=3)]
    assert times == sorted(times, reverse=True)
    assert [one["id"] for one in everything(admin, "admin/users", role="moderator")] == [people[1].id]
    assert len(everything(admin, "admin/users", role="user", limit=1)) == 3
    changed(admin, people[0], isBanned=True)
    assert ids(told(admin.get("admin/users?isBanned=true"))) == [people[0].id]
    assert len(everything(admin, "admin/users", isBanned="false", role="user")) == 2
    assert told(admin.get("admin/users"))["page"]["total"] is None


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ali", ["Alice", "alina"]),
        ("ALI", ["Alice", "alina"]),
        ("a1i", ["Alice", "alina"]),
        ("alice", ["Alice"]),
        ("wonder", ["Alice"]),
        ("WONDER.LAND@", ["Alice"]),
        ("lice", []),
        ("tests.example", []),
        ("\u30ea\u30ab", ["\u30ea\u30ab\u30b3"]),
        ("%", []),
        ("_", []),
        ("a%", []),
        ("ali_e", []),
        ("\\", []),
        ("' OR 1=1 --", []),
        ('";', []),
        ("", []),
        (" ", []),
        ("\U0010ffff", []),
    ],
    ids=ascii,
)
def test_a_search_finds_how_names_and_addresses_begin(site: Site, q: str, found: list[str]) -> None:  # IN-07
    admin = site.sign_up("admin", username="zed")
    for username, email in {"Alice": "wonder.land", "alina": "a", "\u30ea\u30ab\u30b3": "r"}.items():
        body = {"username": username, "email": f"{email}@tests.example", "password": "correct horse"}
        told(site.stranger.post("auth/register", body), 201)
    listed = told(admin.get("admin/users", params={"q": q}))
    assert sorted(one["username"] for one in listed["data"]) == sorted(found)
    assert listed["page"]["total"] is None


def test_a_search_is_paged_and_narrowed(site: Site) -> None:
    admin = site.sign_up("admin", username="zed")
    people = [site.sign_up("uploader" if n % 2 else "user", username=f"some{n}body") for n in range(5)]
    for q in ("some", "s0me"):
        assert {one["id"] for one in everything(admin, "admin/users", q=q, limit=2)} == {one.id for one in people}
    assert len(everything(admin, "admin/users", q="some", role="uploader", limit=1)) == 2


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("page=0", ["page"]),
        ("page=1&cursor=x", ["page"]),
        ("role=root", ["role"]),
        ("isBanned=maybe", ["isBanned"]),
        ("is_banned=true", ["is_banned"]),
        ("q=%00", ["q"]),
        ("cursor=WyJuZXdlc3QiLDEsMl0", ["cursor"]),
        ("sort=email", ["sort"]),
    ],
)
def test_what_cannot_be_asked_is_named(site: Site, query: str, wrong: list[str]) -> None:  # IN-12
    assert fields(site.sign_up("admin").get(f"admin/users?{query}")) == wrong


def test_what_administrators_see_is_kept_by_nobody(site: Site) -> None:  # AZ-16
    admin = site.sign_up("admin")
    tags = {}
    for path in ("admin/users", "admin/permissions", "admin/audit"):
        answer = admin.get(path)
        assert answer.headers["cache-control"] == "private, no-store"
        assert "Authorization" in answer.headers["vary"]
        tags[path] = answer.headers["etag"]
    other = site.sign_up()
    for path, tag in tags.items():
        refused(other.get(path, headers={"If-None-Match": tag}), 403)
        assert other.ask("HEAD", path, headers={"If-None-Match": "*"}).status_code == 403


def test_no_address_shows_elsewhere(site: Site) -> None:  # AZ-07
    admin, moderator, user = site.sign_up("admin"), site.sign_up("moderator"), site.sign_up(username="canary")
    changed(admin, user, isMuted=True)
    texts = [
        moderator.patch(f"admin/users/{user.id}", {"isMuted": False}).text,
        site.stranger.get(f"users/{user.id}").text,
        admin.get("admin/audit").text,
    ]
    assert not [text for text in texts if "canary@" in text]
    assert "canary@" in admin.get("admin/users").text


# The last of them


def test_the_last_administrator_stays(site: Site) -> None:  # AZ-13
    admin = site.sign_up("admin")
    for change in ({"role": "user"}, {"isBanned": True}, {"isBanned": True, "bannedUntil": TOMORROW}):
        refused(admin.patch(f"admin/users/{admin.id}", change), 409, "last_admin")
    other = site.sign_up("admin")
    changed(admin, other, isBanned=True, bannedUntil=TOMORROW)  # who is banned keeps no site
    refused(admin.patch(f"admin/users/{admin.id}", {"role": "moderator"}), 409, "last_admin")
    changed(admin, admin, isMuted=True)
    site.clock.forward(days=1)
    changed(admin, admin, role="user")
    assert told(admin.get("auth/me"))["role"] == "user"


def test_who_was_made_a_teams_last_leader_is_not_trapped(site: Site) -> None:  # AZ-13
    """They hand it on, or end it; and an administrator who takes it over can ban them."""
    admin, founder, stranger, other = (site.sign_up(role) for role in ("admin", "uploader", "user", "user"))
    handed, emptied, taken = (founder.makes_team(name) for name in ("Handed", "Emptied", "Taken"))
    for team in (handed, emptied, taken):
        told(founder.put(f"teams/{team['id']}/members/{stranger.id}", {"role": "leader"}))
        told(founder.delete(f"teams/{team['id']}/members/{founder.id}"), 204)
        refused(stranger.delete(f"teams/{team['id']}/members/{stranger.id}"), 409, "last_leader")
    told(stranger.put(f"teams/{handed['id']}/members/{other.id}", {"role": "leader"}))
    told(stranger.delete(f"teams/{handed['id']}/members/{stranger.id}"), 204)
    told(stranger.delete(f"teams/{emptied['id']}"), 204)
    refused(admin.patch(f"admin/users/{stranger.id}", {"isBanned": True}), 409, "last_leader")
    told(admin.put(f"teams/{taken['id']}/members/{admin.id}", {"role": "leader"}))
    changed(admin, stranger, isBanned=True)
    refused(stranger.get("auth/me"), 401)


def test_the_last_leader_is_not_banned(site: Site) -> None:  # AZ-13
    admin, leader, second = site.sign_up("admin"), site.sign_up("uploader"), site.sign_up("uploader")
    team = leader.makes_team()
    path = f"teams/{team['id']}/members"
    told(leader.put(f"{path}/{second.id}", {"role": "member"}))
    refused(admin.patch(f"admin/users/{leader.id}", {"isBanned": True, "role": "user"}), 409, "last_leader")
    assert told(leader.get("auth/me"))["role"] == "uploader"
    told(leader.put(f"{path}/{second.id}", {"role": "leader"}))
    changed(admin, leader, isBanned=True, bannedUntil=TOMORROW)
    refused(admin.patch(f"admin/users/{second.id}", {"isBanned": True}), 409, "last_leader")
    refused(second.delete(f"{path}/{second.id}"), 409, "last_leader")  # a leader who is banned leads nobody
    refused(second.put(f"{path}/{second.id}", {"role": "member"}), 409, "last_leader")
    told(second.delete(f"{path}/{leader.id}"), 204)
    told(second.put(f"{path}/{leader.id}", {"role": "leader"}))
    site.clock.forward(days=1)
    told(second.delete(f"{path}/{second.id}"), 204)
