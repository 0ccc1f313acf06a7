"""Permissions that are granted to single people: which there are, who gives them, and that they count."""

from typing import Any

import pytest

from roliascan.people.permissions import DESCRIPTIONS
from tests.front import Asker, Site, at_once, fields, refused, told


def grants(admin: Asker, who: Asker) -> list[str]:
    found: list[str] = told(admin.patch(f"admin/users/{who.id}", {}))["granted"]
    return found


def entries(admin: Asker) -> list[Any]:
    found: list[Any] = told(admin.get("admin/audit?limit=100"))["data"]
    return [(one["action"], one["actorId"], one["targetKind"], one["targetId"], one["details"]) for one in found[::-1]]


def test_what_is_granted_counts_until_it_is_taken_back(any_site: Site) -> None:  # AU-11
    admin, user = any_site.sign_up("admin"), any_site.sign_up()
    path = f"admin/users/{user.id}/permissions/create:series"
    refused(user.post("series", {"title": "A", "author": "B"}), 403)
    answer = told(admin.put(path))
    assert (answer["id"], answer["granted"], answer["permissions"]) == (user.id, ["create:series"], ["create:series"])
    user.makes_series()
    told(admin.put(path))  # again is the same
    told(admin.delete(path), 204)
    refused(user.post("series", {"title": "A", "author": "B"}), 403)
    refused(admin.delete(path), 404)
    assert entries(admin) == [
        ("grant", admin.id, "user", user.id, {"permission": "create:series"}),
        ("revoke", admin.id, "user", user.id, {"permission": "create:series"}),
    ]


def test_each_of_administration_is_consulted(any_site: Site) -> None:  # AZ-02
    admin = any_site.sign_up("admin")
    for permission, path in {
        "manage:users": "admin/users",
        "manage:permissions": "admin/permissions",
        "read:audit": "admin/audit",
    }.items():
        user = any_site.sign_up()
        refused(user.get(path), 403)
        told(admin.put(f"admin/users/{user.id}/permissions/{permission}"))
        told(user.get(path))
        for other in {"admin/users", "admin/permissions", "admin/audit"} - {path}:
            refused(user.get(other), 403)


def test_what_a_role_brings_is_not_taken_back(any_site: Site) -> None:
    admin, user = any_site.sign_up("admin"), any_site.sign_up("uploader")
    refused(admin.delete(f"admin/users/{user.id}/permissions/create:series"), 404)
    told(admin.put(f"admin/users/{user.id}/permissions/create:series"))
    told(admin.delete(f"admin/users/{user.id}/permissions/create:series"), 204)
    user.makes_series()


def test_nobody_gives_what_they_do_not_have(any_site: Site) -> None:  # AU-11: no right leads to a higher one
    admin, keeper = any_site.sign_up("admin"), any_site.sign_up("moderator", grants=("manage:permissions",))
    user, equal = any_site.sign_up(), any_site.sign_up("moderator")
    told(keeper.put(f"admin/users/{user.id}/permissions/hide:any"))
    told(keeper.delete(f"admin/users/{user.id}/permissions/hide:any"), 204)
    told(admin.put(f"admin/users/{user.id}/permissions/read:audit"))
    refused(keeper.put(f"admin/users/{user.id}/permissions/manage:users"), 403, "not_allowed")
    refused(keeper.delete(f"admin/users/{user.id}/permissions/read:audit"), 403, "not_allowed")
    for who in (keeper, equal, admin):
        refused(keeper.put(f"admin/users/{who.id}/permissions/hide:any"), 403, "not_allowed")
    assert grants(admin, user) == ["read:audit"]
    assert grants(admin, keeper) == ["manage:permissions"]


def test_a_site_adds_permissions_of_its_own(any_site: Site) -> None:
    admin, user = any_site.sign_up("admin"), any_site.sign_up()
    answer = admin.post("admin/permissions", {"name": "edit:wiki", "description": " Edit it. "})
    made = {"name": "edit:wiki", "description": "Edit it.", "isBuiltIn": False}
    assert told(answer, 201) == made
    assert answer.headers["location"] == "/api/v1/admin/permissions/edit:wiki"
    assert told(admin.get(answer.headers["location"])) == made
    assert told(admin.post("admin/permissions", {"name": "a:b"}), 201)["description"] is None
    told(admin.put(f"admin/users/{user.id}/permissions/edit:wiki"))
    assert told(user.get("auth/me"))["permissions"] == ["edit:wiki"]
    refused(admin.post("admin/permissions", {"name": "edit:wiki"}), 409, "permission_exists")
    refused(admin.post("admin/permissions", {"name": "manage:users"}), 409, "permission_exists")
    assert [entry[:4] for entry in entries(admin)][:2] == [
        ("add", admin.id, "permission", "edit:wiki"),
        ("add", admin.id, "permission", "a:b"),
    ]


def test_what_nobody_knows_is_not_granted(any_site: Site) -> None:
    admin, user = any_site.sign_up("admin"), any_site.sign_up()
    for wrong in ("edit:wiki", "create:SERIES", "create:series%20", "'", "a" * 60, "%ff", "*", "create:series,x"):
        refused(admin.put(f"admin/users/{user.id}/permissions/{wrong}"), 404)
        refused(admin.delete(f"admin/users/{user.id}/permissions/{wrong}"), 404)
        refused(admin.get(f"admin/permissions/{wrong}"), 404)
    assert (any_site.count("grants"), any_site.count("audit")) == (0, 0)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "wiki"}, ["name"]),
        ({"name": "Edit:wiki"}, ["name"]),
        ({"name": "edit:wiki:more"}, ["name"]),
        ({"name": "edit:w\u0456ki"}, ["name"]),
        ({"name": "a:" + "b" * 49}, ["name"]),
        ({"name": "a:b", "description": ""}, ["description"]),
        ({"name": "a:b", "description": "x" * 501}, ["description"]),
        ({"name": "a:b", "isBuiltIn": True, "role": "admin"}, ["isBuiltIn", "role"]),
    ],
    ids=str,
)
def test_what_cannot_be_a_permission_is_named(site: Site, body: Any, wrong: list[str]) -> None:  # AZ-06
    assert fields(site.sign_up("admin").post("admin/permissions", body)) == wrong
    assert site.count("permissions") == 0


def test_all_that_can_be_granted_is_listed(any_site: Site) -> None:
    admin = any_site.sign_up("admin")
    for name in ("a:b", "edit:wiki", "z:z"):
        told(admin.post("admin/permissions", {"name": name}), 201)
    told(admin.put(f"admin/users/{admin.id}/permissions/mute:user"))  # known twice now, and listed once
    names = sorted([*DESCRIPTIONS, "a:b", "edit:wiki", "z:z"])
    whole = told(admin.get("admin/permissions?limit=100"))
    assert [one["name"] for one in whole["data"]] == names
    assert whole["page"] == {"limit": 100, "number": 1, "total": None, "next": None}
    described = {one["name"]: one["description"] for one in whole["data"] if one["isBuiltIn"]}
    assert described == DESCRIPTIONS
    for limit in (1, 4, 7):
        assert walked(admin, limit) == names
        pages = [told(admin.get(f"admin/permissions?limit={limit}&page={n}"))["data"] for n in range(1, 21)]
        assert [one["name"] for page in pages for one in page] == names[: 20 * limit]


def walked(admin: Asker, limit: int) -> list[str]:
    """The names, by cursors."""
    found: list[str] = []
    cursor = ""
    while True:
        page = told(admin.get(f"admin/permissions?limit={limit}{cursor}"))
        found += [one["name"] for one in page["data"]]
        if page["page"]["next"] is None:
            return found
        cursor = f"&cursor={page['page']['next']}"


def test_a_cursor_of_another_list_is_refused(site: Site) -> None:  # IN-12
    admin = site.sign_up("admin")
    for _ in range(3):
        told(admin.put(f"admin/users/{site.sign_up().id}/permissions/mute:user"))
    lists = ("admin/permissions", "admin/users", "admin/audit")
    cursors = {path: told(admin.get(f"{path}?limit=1"))["page"]["next"] for path in lists}
    for path, cursor in cursors.items():
        for other in set(cursors) - {path}:
            assert fields(admin.get(f"{other}?cursor={cursor}")) == ["cursor"]


def test_of_many_grants_at_once_one_is_made(two_sites: tuple[Site, Site]) -> None:  # DB-08
    admin, user = two_sites[0].sign_up("admin"), two_sites[0].sign_up()
    askers = [Asker(site, token=admin.token) for site in two_sites]
    path = f"admin/users/{user.id}/permissions"
    for answer in at_once(10, lambda turn: askers[turn % 2].put(f"{path}/mute:user")):
        told(answer)
    taken = at_once(10, lambda turn: askers[turn % 2].delete(f"{path}/mute:user"))
    assert sorted(answer.status_code for answer in taken) == [204, *[404] * 9]
    made = at_once(10, lambda turn: askers[turn % 2].post("admin/permissions", {"name": "a:b"}))
    assert sorted(answer.status_code for answer in made) == [201, *[409] * 9]
    assert [entry[0] for entry in entries(admin)] == ["grant", "revoke", "add"]
