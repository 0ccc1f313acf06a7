"""What reading costs on the wire: one round trip to the database for strangers, at most two for who is signed in."""

import hashlib
from typing import Any

from roliascan.web.routes import ANYONE, API, ROUTES, UNCHECKED
from tests.database.kinds import on_servers
from tests.database.proxy import Proxy, between
from tests.front import PAGE, Asker, opened, told

READS = [route for route in ROUTES if route.method == "GET" and route.path not in UNCHECKED]


def filled(admin: Asker) -> dict[str, str]:
    """One of everything there is to read, by the names of the routes' parameters."""
    series = admin.makes_series()
    chapter = admin.publishes(series, pages=2)
    file = {"name": "a.png", "size": len(PAGE), "type": "image/png", "sha256": hashlib.sha256(PAGE).hexdigest()}
    opened = told(admin.post("uploads", {"target": {"generic": True}, "files": [file]}), 201)
    told(admin.post("admin/permissions", {"name": "edit:wiki"}), 201)
    return {
        "series_": series["id"],
        "chapter": chapter["id"],
        "page": chapter["pages"][0]["id"],
        "comment": told(admin.post(f"chapters/{chapter['id']}/comments", {"body": "a"}), 201)["id"],
        "team": admin.makes_team()["id"],
        "user": admin.id,
        "key:path": chapter["pages"][0]["url"].removeprefix("/uploads/"),
        "session": opened["session"],
        "upload": opened["tickets"][0]["id"],
        "permission": "edit:wiki",
    }


def address(path: str, things: dict[str, str]) -> str:
    for name, thing in things.items():
        path = path.replace(f"{{{name}}}", thing)
    assert "{" not in path
    return path


def cost(wire: Proxy, asker: Asker, path: str) -> int:
    told_or_whole(asker.get(path))  # connects, and asks whether the schema fits
    before = wire.trips
    told_or_whole(asker.get(path))
    return wire.trips - before


def told_or_whole(answer: Any) -> None:
    assert answer.status_code in {200, 307}, (answer.status, answer.text[:500])


@on_servers
def test_every_read(database_url: str) -> None:
    """By the routes themselves, so that a new one is counted too."""
    with between(database_url) as wire, opened(wire.url) as site:
        admin = site.sign_up("admin")
        things = filled(admin)
        signed_in = {route.path: cost(wire, admin, address(route.path, things)) for route in READS}
        stranger = {
            route.path: cost(wire, site.stranger, address(route.path, things)) for route in READS if route.who == ANYONE
        }
        assert {path: trips for path, trips in stranger.items() if trips != 1} == {}
        assert {path: trips for path, trips in signed_in.items() if trips > 2} == {}
        assert len(stranger) >= 11
        assert f"{API}/chapters/{{chapter}}" in stranger
