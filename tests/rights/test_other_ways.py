"""Other ways to the same thing: addresses, methods, headers, fields and identifiers that are not those of the table."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roliascan.web.routes import ROUTES
from tests.front import Site, fields
from tests.rights.dump import columns, dump
from tests.rights.table import WALKS, Cell, cells
from tests.rights.world import NOTHING, World

CELLS = list(cells([f"{route.method} {route.path}" for route in ROUTES]))
ASKED = {("stranger", "other", "draft"), ("rival", "other", "draft"), ("rival", "other", "published")}
ASKED |= {("demoted", "own", "published"), ("stranger", "own", "published"), ("rival", "other", "deleted")}
DENIED = [
    cell for cell in CELLS if cell.status in {401, 403, 404, 410} and (cell.subject, cell.relation, cell.state) in ASKED
]
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
ELSEWHERE = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Uri")


def other_addresses(path: str) -> Iterator[str]:
    """The same address, as a careless proxy or router could take it."""
    root, _, last = path.rpartition("/")
    yield from (f"{path}/", f"{path}//", f"{root}//{last}", f"{root}/./{last}", f"{root}/%2e/{last}")
    yield from (f"{root}/x/../{last}", f"{root}/x/%2e%2e/{last}", f"{root}%2f{last}", f"{path};x=1", f"{path}.json")
    yield from (f"{path}%20", f"{path}%00", f"{path}%0a", f"{path}%23", f"{path}%3f", f"{root}/{last.upper()}")
    yield from (path.upper(), path.replace("/api/v1", "/API/V1"), f"{root}/%{ord(last[0]):02x}{last[1:]}")


@pytest.mark.parametrize("kinds", WALKS)
def test_what_is_refused_is_refused_in_every_other_way(sqlite_site: Site, kinds: str) -> None:
    """AZ-08"""
    world = World(sqlite_site)
    denied = [cell for cell in DENIED if cell.row.kind in kinds.split()]
    assert len(denied) >= 5
    for cell in denied:
        world.thing(cell)
    before = dump(sqlite_site)
    for cell in denied:
        for path in other_addresses(world.address(cell)):
            answer = world.ask(cell, path=path)
            assert answer.status_code in {cell.status, 400, 403, 404, 405}, (cell, path, answer.text)
        _ask_by_headers(world, cell)
        _ask_by_methods(world, cell)
    assert dump(sqlite_site) == before


def _ask_by_headers(world: World, cell: Cell) -> None:
    """With a harmless method or address in front, and what is meant in a header."""
    method, address, asker = cell.row.route.partition(" ")[0], world.address(cell), world.people[cell.subject]
    for carrier in ("GET", "POST"):
        plain = asker.ask(carrier, address)
        for name in OVERRIDES:
            answer = asker.ask(carrier, address, headers={name: method})
            assert answer.status_code == plain.status_code, (cell, name, carrier)
    for name in ELSEWHERE:
        assert asker.get("/health", headers={name: address}).json == {"status": "ok"}


def _ask_by_methods(world: World, cell: Cell) -> None:
    address, asker = world.address(cell), world.people[cell.subject]
    options = asker.ask("OPTIONS", address)
    assert (options.status_code, options.content) == (200, b"")
    assert asker.ask("TRACE", address).status_code in {404, 405}
    if cell.row.route.startswith("GET "):
        head = asker.ask("HEAD", address)
        assert (head.status_code, head.content) == (cell.status, b"")


# Fields.

KNOWN = {
    "register": "email username password",
    "login": "login password",
    "me": "username email password",
    "series": "title author description type status direction language contentRating titles teamIds coverId state",
    "chapters": "number label title volume language teamIds",
    "publish": "at",
    "hide": "reason",
    "pages": "ids",
    "teams": "name description links",
    "members": "role",
    "comments": "body",
    "users": "role isBanned banReason bannedUntil isMuted",
    "permissions": "name description",
    "rating": "rating",
    "uploads": "target files",
    "commit": "order",
}
"""The fields that may be sent, by the last noun of the address."""

NOT_JSON = (None, "$form", "$ticket", "$bytes", "$wrong ticket")


def bodies() -> dict[str, Cell]:
    """For each route that takes JSON, a cell of who may."""
    sent = [cell for cell in CELLS if cell.row.send not in NOT_JSON and cell.state == "published"]
    return {cell.row.route: cell for cell in sent if cell.status in {200, 201}}


def test_no_column_can_be_set_that_is_not_a_field(sqlite_site: Site) -> None:
    """AZ-06: every column of every table, in every body, as SQL and as JSON would write it."""
    world = World(sqlite_site)
    names = {"__proto__", "constructor", "isAdmin"}.union(*columns(sqlite_site).values())
    names |= {re.sub(r"(?<=\w)_(\w)", lambda match: match[1].upper(), name) for name in names}
    asked = bodies()
    assert len(asked) >= 10
    for cell in asked.values():
        world.thing(cell)
    before = dump(sqlite_site)
    for route, cell in asked.items():
        noun = [word for word in route.split("/") if "{" not in word][-1]
        unknown = sorted(names - set(KNOWN[noun].split()))
        assert len(unknown) >= 100
        for start in range(0, len(unknown), 90):  # not more problems than one answer names
            more = dict.fromkeys(unknown[start : start + 90], "admin")
            assert fields(world.ask(cell, more=more)) == sorted(more), route
    assert dump(sqlite_site) == before


# Identifiers.


OF_ADMIN = {
    (cell.row.route, cell.row.act): cell for cell in CELLS if cell.subject == "admin" and cell.state == "published"
}
FORMS = (
    " {}",
    "{} ",
    "urn:uuid:{}",
    "{{{}}}",
    "[{}]",
    "{},{}",
    "{}' OR '1'='1",
    "{}%",
    "{}*",
    "0{}",
    "-{}",
    "{}\n",
    "'{}'",
)


def test_odd_identifiers_find_nothing(site: Site) -> None:
    """AZ-05: whatever is around it or in its place, and in capitals: an identifier is that of one thing, or of none."""
    world = World(site)
    places = [
        (cell, name)
        for cell in OF_ADMIN.values()
        for name in re.findall(r"\{(\w+)\}", cell.row.route)
        if name != "permission"
    ]
    ids = [world.thing(cell).path[name] for cell, name in places]
    before = dump(site)

    def find(cell: Cell, name: str, written: str) -> None:
        path = world.address(cell, **{name: quote(written, safe="")})
        assert world.ask(cell, path=path).status_code in {404, 405}, (cell, path)

    for (cell, name), id in zip(places, ids, strict=True):
        for written in (id.upper(), id.replace("-", ""), *(form.replace("{}", id) for form in FORMS)):
            find(cell, name, written)

    @settings(max_examples=200)
    @given(st.sampled_from(places), st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
    def find_anything(place: tuple[Cell, str], written: str) -> None:
        find(*place, written)

    find_anything()
    assert dump(site) == before


def test_a_thing_is_not_found_in_the_place_of_another(site: Site) -> None:
    """AZ-04: identifiers of other kinds in each place of each address and of each body."""
    world = World(site)
    admin, people = world.admin, world.people
    series, other = (
        world.kept_series("A", "published").path["series_"],
        world.kept_series("B", "published").path["series_"],
    )
    chapters = [admin.publishes({"id": one}, 77) for one in (series, other)]
    ids = {"series_": series, "chapter": chapters[0]["id"], "team": world.teams["A"], "user": people["leader"].id}
    ids |= {"page": chapters[0]["pages"][0]["id"], "nothing": NOTHING}
    ids |= world.sending.upload(admin.id, "file", None, state="complete")
    for cell in OF_ADMIN.values():
        world.thing(cell)
    before = dump(site)
    for cell in OF_ADMIN.values():
        for place in re.findall(r"\{(\w+)\}", cell.row.route):
            for kind, id in ids.items():
                if kind != place:
                    path = world.address(cell, **{place: id})
                    assert world.ask(cell, path=path).status_code == 404, (cell, path)
    assert dump(site) == before
    page_of_another = chapters[1]["pages"][0]["id"]
    assert fields(admin.put(f"chapters/{chapters[0]['id']}/pages", {"ids": [page_of_another]})) == ["ids[0]"]
    for kind, id in ids.items():
        if kind != "team":
            assert fields(admin.patch(f"series/{series}", {"teamIds": [id]})) == ["teamIds"]
            assert fields(admin.patch(f"chapters/{chapters[0]['id']}", {"teamIds": [id]})) == ["teamIds"]
        assert fields(admin.patch(f"series/{series}", {"coverId": id})) == ["coverId"]
    assert dump(site) == before
