"""The OpenAPI document: valid for others, complete, and true of the app."""

import hashlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from falcon import testing
from openapi_spec_validator import OpenAPIV31SpecValidator

from roliascan.people import teams as people_teams
from roliascan.platforms import start
from roliascan.settings import BadSettings
from roliascan.storage import open_storage
from roliascan.storage.memory import MemoryStorage
from roliascan.web import openapi
from tests.drawings import flat, huge_avif, page
from tests.front import API, FORM, NOW, Asker, File, Site, form, opened
from tests.servers.uploadthing import App
from tests.web.promises import Operation, Promise, Promises

NOBODY = str(uuid.UUID(int=0))
MAX_FILE_SIZE = 100_000
PASSWORD = "correct horse battery"
PARTS = ("series", "chapter", "page", "comment", "team", "user", "key", "session", "permission")
CLOSING = b"--boundary-of-tests--\r\n"

OPERATIONS = """
state_health state_ready documents_docs stored_show documents_openapi
accounts_register accounts_login accounts_logout accounts_me accounts_change accounts_show
sessions_index sessions_remove
series_index series_create series_show series_change series_remove
chapters_index chapters_create chapters_feed chapters_show chapters_change chapters_remove chapters_publish
chapters_hide pages_tell pages_add pages_arrange jpegs_show
comments_index comments_create comments_show comments_change comments_remove
ratings_of_series ratings_rate_series ratings_unrate_series
ratings_of_chapter ratings_rate_chapter ratings_unrate_chapter
files_add
uploads_create uploads_receive uploads_complete uploads_show uploads_remove
uploads_show_session uploads_commit uploads_abandon
callbacks_uploadthing
teams_index teams_create teams_show teams_change teams_remove teams_set_member teams_remove_member
administration_list_users administration_change_user administration_grant administration_revoke
administration_list_permissions administration_add_permission administration_show_permission administration_list_audit
"""


def _form(*files: tuple[str, bytes]) -> dict[str, Any]:
    return {"body": form(*(File(*one) for one in files)), "headers": {"Content-Type": FORM}}


def _announced(data: bytes, **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"name": "a.png", "size": len(data), "type": "image/png", "sha256": digest, **more}


BODIES: dict[str, dict[str, Any]] = {
    "accounts_register": {"json": {"email": "new@example.org", "username": "somebody-new", "password": PASSWORD}},
    "accounts_login": {"json": {"login": "new-one@example.org", "password": PASSWORD}},
    "accounts_change": {"json": {"currentPassword": PASSWORD}},
    "series_create": {"json": {"title": "A Series", "author": "Its Author"}},
    "series_change": {"json": {"description": "Another."}},
    "chapters_create": {"json": {"number": 99}},
    "chapters_change": {"json": {"title": "Another"}},
    "chapters_publish": {"json": {}},
    "chapters_hide": {"json": {"reason": "A reason"}},
    "pages_add": _form(("pages", page())),
    "pages_arrange": {"json": {"ids": []}},
    "comments_create": {"json": {"body": "A comment"}},
    "comments_change": {"json": {"body": "Another"}},
    "ratings_rate_series": {"json": {"rating": 7}},
    "ratings_rate_chapter": {"json": {"rating": 7}},
    "files_add": _form(("file", page())),
    "uploads_create": {"json": {"target": {"generic": True}, "files": [_announced(page())]}},
    "uploads_commit": {"json": {}},
    "teams_create": {"json": {"name": "A Team"}},
    "teams_change": {"json": {"description": "Another."}},
    "teams_set_member": {"json": {"role": "member"}},
    "administration_change_user": {"json": {}},
    "administration_add_permission": {"json": {"name": "edit:wiki"}},
}
"""What each operation with a body takes."""


def test_it_is_valid_for_others() -> None:
    assert not list(OpenAPIV31SpecValidator(openapi.document()).iter_errors())


def test_identifiers_of_operations_stay() -> None:
    names = [one.name for one in Promises(openapi.document()).operations]
    assert sorted(names) == sorted(OPERATIONS.split())


def test_everything_is_described() -> None:
    document = openapi.document()
    operations = Promises(document).operations
    assert all(one.about["summary"] and one.about["description"] for one in operations)
    assert all(parameter["description"] for one in operations for parameter in one.about.get("parameters", []))
    assert [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")] == []


def test_nothing_internal_shows() -> None:
    text = openapi.document_bytes().decode()
    assert not [word for word in ("sort_key", "series_}", "roliascan.", "UNSET", "Page_") if word in text]


def test_types_that_python_has_no_words_for() -> None:
    schemas = openapi.document()["components"]["schemas"]
    chapter, feed = schemas["Chapter"]["properties"], schemas["ChapterItem"]["properties"]
    assert chapter["id"] == {"type": "string", "format": "uuid"}
    assert chapter["publishedAt"] == {"type": ["string", "null"], "format": "date-time"}
    assert chapter["number"]["type"] == feed["number"]["type"] == ["number", "null"]
    assert chapter["state"]["enum"] == ["draft", "scheduled", "published", "hidden"]
    assert chapter["previous"] == {"anyOf": [{"$ref": "#/components/schemas/Neighbour"}, {"type": "null"}]}
    assert schemas["ChapterDraft"]["properties"]["number"]["type"] == ["number", "null"]
    assert "total" not in feed
    assert schemas["PageInfo"]["properties"]["total"]["type"] == ["integer", "null"]


def test_nothing_of_it_is_loaded_at_the_start() -> None:
    loaded = "import sys, roliascan.app; print([n for n in sys.modules if n.startswith('roliascan.web.')])"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout
    assert "roliascan.web.routes" in names
    assert not [late for late in ("openapi", "schemas", "vocabulary", "reference") if late in names]


def test_it_is_made_in_no_time() -> None:
    assert min(_milliseconds() for _ in range(3)) < 500  # 12, mostly


def _milliseconds() -> float:
    openapi.document.cache_clear()
    openapi.document_bytes.cache_clear()
    begun = time.thread_time()
    openapi.document_bytes()
    return (time.thread_time() - begun) * 1000


# Every promise is kept: the app is asked for each answer that is described.


PARAMETERS = ["series", "chapter", "team", "user", "key", "upload", "session"]


class Tour:
    """Four people of a site, and requests whose answers are checked."""

    def __init__(self, site: Site, promises: Promises) -> None:
        self.site = site
        self.promises = promises
        self.admin = site.sign_up("admin")
        self.owner = site.sign_up("uploader", username="owner")
        self.other = site.sign_up("uploader")
        self.reader = site.sign_up()

    def ask(self, expected: str, method: str, path: str, by: Asker | None = None, **more: Any) -> Any:
        """A request; `expected` is a status, and the code of a refusal. The answer's JSON, else its headers."""
        address = path if path.startswith((API, "/uploads", "/health", "/ready", "/docs")) else API + path
        answer = (by or self.site.stranger).ask(method, address, **more)
        self.promises.check(method, address, answer, more.get("json"))
        kind = answer.headers.get("content-type", "")
        given: Any = answer.json if kind.endswith("json") else None
        code = given.get("code", "") if kind.startswith("application/problem") else ""
        assert f"{answer.status_code} {code}".strip() == expected, answer.text
        return dict(answer.headers) if given is None else given

    def series(self, **more: Any) -> Any:
        return self.ask("201", "POST", "/series", self.owner, json={"title": "A Series", "author": "Me", **more})

    def chapter(self, series_id: str, number: float, *, published: bool = True) -> Any:
        path = f"/series/{series_id}/chapters"
        found = self.ask("201", "POST", path, self.owner, json={"number": number})
        if not published:
            return found
        self.ask("201", "POST", f"/chapters/{found['id']}/pages", self.owner, **_form(("pages", page())))
        return self.ask("200", "POST", f"/chapters/{found['id']}/publish", self.owner)


@pytest.fixture
def tour(site_url: str) -> Iterator[Tour]:
    with opened(site_url, MAX_FILE_SIZE=str(MAX_FILE_SIZE)) as site:
        yield Tour(site, Promises(openapi.document()))


def test_every_promise_is_kept(tour: Tour, uploadthing_app: App) -> None:
    series = tour.series(titles=[{"language": "ja", "title": "題"}], description="Words", teamIds=[])
    chapter = tour.chapter(series["id"], 1)
    _people(tour)
    _teams(tour)
    _series(tour)
    _chapters(tour, series["id"])
    _pages(tour, series["id"])
    tour.ask("307", "GET", f"/pages/{chapter['pages'][0]['id']}/jpeg")
    _files(tour, chapter["pages"][0]["url"])
    comment = _comments(tour, chapter["id"])
    _ratings(tour, series["id"], chapter["id"])
    _uploads(tour, series["id"])
    _callbacks(tour, uploadthing_app)
    _service(tour)
    _administration(tour)
    generic = {"target": {"generic": True}, "files": [_announced(page())]}
    asked = tour.ask("201", "POST", f"{API}/uploads", tour.admin, json=generic)
    team = tour.ask("201", "POST", "/teams", tour.owner, json={"name": "The Last"})
    here = {
        "upload": asked["tickets"][0]["id"],
        "session": asked["session"],
        "series": series["id"],
        "chapter": chapter["id"],
        "page": chapter["pages"][0]["id"],
        "comment": comment["id"],
        "team": team["id"],
        "user": team["members"][0]["id"],
        "key": chapter["pages"][0]["url"].removeprefix("/uploads/"),
        "permission": "mute:user",
    }
    _what_every_route_answers(tour, here)
    _what_is_created_once(tour, here)
    _what_is_limited(tour, here)
    missing = {promise for promise in tour.promises.made() - tour.promises.kept if promise.status != "503"}
    # a team or a cover that goes away between two statements of one transaction; a key that another holds meanwhile
    assert {one for one in missing if one.code not in {"no_longer_there", "idempotency_key_in_use"}} == set()


def _people(tour: Tour) -> None:
    new = {"email": "new-one@example.org", "username": "new-one", "password": PASSWORD}
    tour.ask("201", "POST", "/auth/register", json=new)
    tour.ask("409 email_taken", "POST", "/auth/register", json={**new, "username": "another"})
    tour.ask("409 username_taken", "POST", "/auth/register", json={**new, "email": "another@example.org"})
    tour.ask("401 invalid_credentials", "POST", "/auth/login", json={"login": "new-one", "password": "no"})
    told = tour.ask("200", "POST", "/auth/login", json={"login": "new-one", "password": PASSWORD})
    person = Asker(tour.site, token=told["token"])
    me = tour.ask("200", "GET", "/auth/me", person)
    tour.ask("200", "PATCH", "/auth/me", person, json={"username": "newer-one"})
    tour.ask("403 wrong_password", "PATCH", "/auth/me", person, json={"password": "another one"})
    tour.ask("409 username_taken", "PATCH", "/auth/me", person, json={"username": "owner"})
    change = {"email": "owner@tests.example", "currentPassword": PASSWORD}
    tour.ask("409 email_taken", "PATCH", "/auth/me", person, json=change)
    tour.ask("200", "GET", f"/users/{me['id']}")
    sessions = tour.ask("200", "GET", "/auth/sessions", person)["data"]
    tour.ask("400 page_too_deep", "GET", "/auth/sessions?page=1000", person)
    other = next(one["id"] for one in sessions if not one["isCurrent"])
    tour.ask("204", "DELETE", f"/auth/sessions/{other}", person)
    tour.ask("204", "POST", "/auth/logout", person)


def _administration(tour: Tour) -> None:
    user, admin = f"/admin/users/{tour.reader.id}", f"/admin/users/{tour.admin.id}"
    tour.ask("200", "GET", "/admin/users?q=ow&role=uploader&isBanned=false&limit=1", tour.admin)
    tour.ask("403 not_allowed", "PATCH", user, tour.other, json={})
    change = {"role": "uploader", "isBanned": True, "banReason": "Spam", "bannedUntil": _TOMORROW, "isMuted": True}
    tour.ask("200", "PATCH", user, tour.admin, json=change)
    tour.ask("200", "PATCH", user, tour.admin, json={"role": "user", "isBanned": False, "isMuted": False})
    tour.reader = tour.site.sign_up()
    tour.ask("409 last_admin", "PATCH", admin, tour.admin, json={"role": "user"})
    tour.ask("201", "POST", "/teams", tour.other, json={"name": "Led Alone"})
    tour.ask("409 last_leader", "PATCH", f"/admin/users/{tour.other.id}", tour.admin, json={"isBanned": True})
    tour.ask("201", "POST", "/admin/permissions", tour.admin, json={"name": "edit:wiki", "description": "Edit it."})
    tour.ask("409 permission_exists", "POST", "/admin/permissions", tour.admin, json={"name": "edit:wiki"})
    tour.ask("200", "GET", "/admin/permissions?limit=100", tour.admin)
    tour.ask("200", "GET", "/admin/permissions/edit:wiki", tour.admin)
    tour.ask("200", "PUT", f"{user}/permissions/edit:wiki", tour.admin)
    tour.ask("204", "DELETE", f"{user}/permissions/edit:wiki", tour.admin)
    tour.ask("200", "GET", f"/admin/audit?targetKind=user&targetId={tour.reader.id}&limit=5", tour.admin)
    for path in ("users", "permissions", "audit"):
        tour.ask("400 page_too_deep", "GET", f"/admin/{path}?page=1000", tour.admin)


def _teams(tour: Tour) -> None:
    team = tour.ask("201", "POST", "/teams", tour.owner, json={"name": "Team", "links": [_LINK]})
    second = tour.ask("201", "POST", "/teams", tour.owner, json={"name": "Second"})
    path, owner = f"/teams/{team['id']}", team["members"][0]["id"]
    tour.ask("409 team_exists", "POST", "/teams", tour.owner, json={"name": "TEAM"})
    tour.ask("200", "GET", "/teams?limit=1")
    tour.ask("400 page_too_deep", "GET", "/teams?page=1000")
    tour.ask("200", "GET", path)
    tour.ask("200", "PATCH", path, tour.owner, json={"description": "Words", "links": [_LINK]})
    tour.ask("409 team_exists", "PATCH", path, tour.owner, json={"name": "Second"})
    tour.ask("403 not_allowed", "PATCH", path, tour.other, json={})
    tour.ask("412 precondition_failed", "PATCH", path, tour.owner, json={}, headers={"If-Match": '"99"'})
    other = tour.ask("200", "GET", "/auth/me", tour.other)["id"]
    tour.ask("403 not_allowed", "PUT", f"{path}/members/{other}", tour.other, json={"role": "leader"})
    tour.ask("200", "PUT", f"{path}/members/{other}", tour.owner, json={"role": "member"})
    tour.ask("409 last_leader", "PUT", f"{path}/members/{owner}", tour.owner, json={"role": "member"})
    with pytest.MonkeyPatch.context() as small:
        small.setattr(people_teams, "MOST_MEMBERS", 2)
        third = tour.ask("200", "GET", "/auth/me", tour.admin)["id"]
        tour.ask("409 team_full", "PUT", f"{path}/members/{third}", tour.owner, json={"role": "member"})
    tour.ask("403 not_allowed", "DELETE", f"{path}/members/{owner}", tour.other)
    tour.ask("409 last_leader", "DELETE", f"{path}/members/{owner}", tour.owner)
    tour.ask("204", "DELETE", f"{path}/members/{other}", tour.other)
    owned = tour.series(teamIds=[team["id"]])
    tour.ask("403 not_in_team", "POST", "/series", tour.other, json={**_NEW, "teamIds": [team["id"]]})
    own = tour.ask("201", "POST", "/series", tour.other, json=_NEW)["id"]
    tour.ask("403 not_in_team", "PATCH", f"/series/{own}", tour.other, json={"teamIds": [team["id"]]})
    chapters = f"/series/{own}/chapters"
    tour.ask("403 not_in_team", "POST", chapters, tour.other, json={"number": 1, "teamIds": [team["id"]]})
    chapter = tour.ask("201", "POST", chapters, tour.other, json={"number": 1})["id"]
    tour.ask("403 not_in_team", "PATCH", f"/chapters/{chapter}", tour.other, json={"teamIds": [team["id"]]})
    tour.ask("409 team_in_use", "DELETE", path, tour.owner)
    tour.ask("403 not_allowed", "DELETE", path, tour.other)
    tour.ask("412 precondition_failed", "DELETE", path, tour.owner, headers={"If-Match": '"99"'})
    tour.ask("204", "DELETE", f"/series/{owned['id']}", tour.owner)
    tour.ask("204", "DELETE", path, tour.owner)
    tour.ask("204", "DELETE", f"/teams/{second['id']}", tour.admin)


_LINK = {"label": "Site", "url": "https://team.example/"}
_REFUSED_IMAGES = {
    "413 too_large": bytes(MAX_FILE_SIZE + 1),
    "413 image_too_large": huge_avif(),
    "400 image_damaged": page()[:-30],
    "415 not_an_image": b"<html>",
    "415 unsupported_image": flat("bmp", 3, 3),
}
_NEW = {"title": "Another Series", "author": "Another"}
_TOMORROW = (NOW + timedelta(days=1)).isoformat()
_STALE = {"headers": {"If-Match": '"99"'}}


def _series(tour: Tour) -> None:
    tour.ask("403 not_allowed", "POST", "/series", tour.reader, json=_NEW)
    series = tour.series(title="Old Title")
    path = f"/series/{series['id']}"
    tour.ask("200", "GET", "/series?sort=title&limit=2&q=series&status=ongoing&type=manga&language=und")
    tour.ask("400 page_too_deep", "GET", "/series?page=1000")
    tour.ask("200", "GET", f"/series/{series['slug']}")
    tour.ask("200", "PATCH", path, tour.owner, json={"title": "New Title", "description": None, "coverId": None})
    tour.ask("308", "GET", f"/series/{series['slug']}")
    tour.ask("403 not_allowed", "PATCH", path, tour.other, json={})
    tour.ask("412 precondition_failed", "PATCH", path, tour.owner, json={}, **_STALE)
    tour.ask("403 not_allowed", "DELETE", path, tour.other)
    tour.ask("412 precondition_failed", "DELETE", path, tour.owner, **_STALE)
    tour.ask("204", "DELETE", f"{path}?reason=Asked+for", tour.owner)
    tour.ask("410 removed", "GET", path)
    tour.ask("410 removed", "PATCH", path, tour.owner, json={})
    tour.ask("410 removed", "DELETE", path, tour.owner)
    tour.ask("410 removed", "GET", f"{path}/chapters")
    tour.ask("410 removed", "POST", f"{path}/chapters", tour.owner, json={"number": 1})


def _chapters(tour: Tour, series_id: str) -> None:
    chapters = f"/series/{series_id}/chapters"
    draft = tour.chapter(series_id, 10.5, published=False)
    path = f"/chapters/{draft['id']}"
    tour.ask("409 chapter_exists", "POST", chapters, tour.owner, json={"number": 10.5})
    tour.ask("403 not_allowed", "POST", chapters, tour.reader, json={"number": 3})
    tour.ask("201", "POST", chapters, tour.owner, json={"number": None, "label": "Extra", "volume": "2"})
    tour.ask("409 no_pages", "POST", f"{path}/publish", tour.owner, json={})
    tour.ask("200", "GET", path, tour.owner)
    tour.ask("200", "PATCH", path, tour.owner, json={"number": 11, "title": "T", "label": None})
    tour.ask("409 chapter_exists", "PATCH", path, tour.owner, json={"number": 1})
    tour.ask("412 precondition_failed", "PATCH", path, tour.owner, json={}, **_STALE)
    tour.ask("204", "DELETE", path, tour.owner)
    shown = tour.chapter(series_id, 12)
    path = f"/chapters/{shown['id']}"
    tour.ask("200", "GET", f"{chapters}?sort=newest&limit=1")
    tour.ask("400 page_too_deep", "GET", f"{chapters}?page=1000")
    tour.ask("200", "GET", f"/chapters?series={series_id}&language=und")
    tour.ask("400 page_too_deep", "GET", "/chapters?page=1000")
    for method, what in (("PATCH", ""), ("POST", "/publish"), ("POST", "/hide")):
        tour.ask("403 not_allowed", method, path + what, tour.other, json={})
    tour.ask("200", "POST", f"{path}/hide", tour.owner, json={"reason": "Wrong order"})
    tour.ask("200", "POST", f"{path}/publish", tour.owner, json={"at": _TOMORROW})
    tour.ask("200", "POST", f"{path}/publish", tour.owner)
    tour.ask("403 not_allowed", "DELETE", path, tour.other)
    tour.ask("412 precondition_failed", "DELETE", path, tour.owner, **_STALE)
    tour.ask("204", "DELETE", path, tour.owner)
    for method, what in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/publish"), ("POST", "/hide")):
        more: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
        tour.ask("410 removed", method, path + what, tour.owner, **more)
    tour.ask("410 removed", "GET", f"{path}/pages", tour.owner)
    tour.ask("410 removed", "POST", f"{path}/pages", tour.owner, **_form(("pages", page())))
    tour.ask("410 removed", "PUT", f"{path}/pages", tour.owner, json={"ids": []})


def _pages(tour: Tour, series_id: str) -> None:
    chapter = tour.chapter(series_id, 20)
    path, first = f"/chapters/{chapter['id']}/pages", chapter["pages"][0]["id"]
    files = {
        "409 page_exists": [("page_1", page())],
        "413 too_many_files": [("pages", page())] * 101,
        "413 too_many_pages": [("page_1000", page()), ("pages", page())],
        **{expected: [("pages", sent)] for expected, sent in _REFUSED_IMAGES.items()},
    }
    for expected, sent in files.items():
        tour.ask(expected, "POST", path, tour.owner, **_form(*sent))
    tour.ask("403 not_allowed", "POST", path, tour.other, **_form(("pages", page())))
    added = tour.ask("201", "POST", path, tour.owner, **_form(("page_7", page()), ("pages", page())))
    assert [one["number"] for one in added["pages"]] == [1, 7, 8]
    tour.ask("403 not_allowed", "GET", path, tour.other)
    told = tour.ask("200", "GET", path, tour.owner)
    assert [(one["id"], one["number"]) for one in told["pages"]] == [
        (one["id"], one["number"]) for one in added["pages"]
    ]
    assert {one["sha256"] for one in told["pages"]} == {hashlib.sha256(page()).hexdigest()}
    tour.ask("403 not_allowed", "PUT", path, tour.other, json={"ids": [first]})
    tour.ask("412 precondition_failed", "PUT", path, tour.owner, json={"ids": [first]}, **_STALE)
    tour.ask("409 no_pages", "PUT", path, tour.owner, json={"ids": []})
    tour.ask("200", "PUT", path, tour.owner, json={"ids": [first]})


def _comments(tour: Tour, chapter_id: str) -> Any:
    """The operations on comments; one that stays."""
    path, muted = f"/chapters/{chapter_id}/comments", _muted(tour)
    comment = tour.ask("201", "POST", path, tour.reader, json={"body": "Well drawn."})
    own = f"/comments/{comment['id']}"
    tour.ask("403 muted", "POST", path, muted, json={"body": "No"})
    tour.ask("200", "GET", f"{path}?limit=1")
    tour.ask("400 page_too_deep", "GET", f"{path}?page=1000")
    tour.ask("200", "GET", own)
    tour.ask("200", "PATCH", own, tour.reader, json={"body": "Badly told."})
    tour.ask("403 muted", "PATCH", own, muted, json={"body": "No"})
    tour.ask("403 not_allowed", "PATCH", own, tour.other, json={"body": "No"})
    tour.ask("403 not_allowed", "DELETE", own, tour.other)
    tour.ask("204", "DELETE", own, tour.admin)
    gone = _gone(tour)
    tour.ask("410 removed", "GET", f"/chapters/{gone}/comments")
    tour.ask("410 removed", "POST", f"/chapters/{gone}/comments", tour.reader, json={"body": "Late"})
    return tour.ask("201", "POST", path, tour.reader, json={"body": "Stays."})


def _ratings(tour: Tour, series_id: str, chapter_id: str) -> None:
    muted, gone = _muted(tour), {"series": tour.series(), "chapters": {"id": _gone(tour)}}
    tour.ask("204", "DELETE", f"/series/{gone['series']['id']}", tour.owner)
    for kind, thing in (("series", series_id), ("chapters", chapter_id)):
        path = f"/{kind}/{thing}/rating"
        tour.ask("200", "GET", path, tour.reader)
        tour.ask("200", "PUT", path, tour.reader, json={"rating": 7})
        tour.ask("200", "GET", path, tour.reader)
        tour.ask("403 muted", "PUT", path, muted, json={"rating": 7})
        tour.ask("204", "DELETE", path, tour.reader)
        for method, more in (("GET", {}), ("PUT", {"json": {"rating": 7}}), ("DELETE", {})):
            tour.ask("410 removed", method, f"/{kind}/{gone[kind]['id']}/rating", tour.reader, **more)


def _muted(tour: Tour) -> Asker:
    person = tour.site.sign_up()
    tour.site.write("UPDATE users SET is_muted = :yes WHERE id = :id", yes=True, id=person.id)
    return person


def _gone(tour: Tour) -> str:
    """The identifier of a chapter that was removed."""
    chapter = tour.chapter(tour.series()["id"], 1)
    tour.ask("204", "DELETE", f"/chapters/{chapter['id']}", tour.owner)
    return str(chapter["id"])


class Signing(MemoryStorage):
    """As one that shows files itself."""

    def address(self, key: str, **how: Any) -> str:
        return f"https://storage.example/{key}?signed"


def _files(tour: Tour, url: str) -> None:
    made = tour.ask("201", "POST", "/files", tour.owner, **_form(("file", page())))
    tour.ask("201", "POST", "/files", tour.owner, **_form(("file", b"%PDF-1.7")))
    tour.ask("201", "POST", "/series", tour.owner, json={**_NEW, "coverId": made["id"]})
    for expected, sent in _REFUSED_IMAGES.items():
        tour.ask(expected, "POST", "/files", tour.owner, **_form(("file", sent)))
    tour.ask("200", "GET", url)
    with opened(tour.site.settings.database_url, storage=Signing(), FILES="private") as private:
        tour.promises.check("GET", url, private.stranger.get(url))
    tour.ask("206", "GET", url, headers={"Range": "bytes=0-9"})
    tour.ask("416 range_not_satisfiable", "GET", url, headers={"Range": "bytes=999999-"})


def _uploads(tour: Tour, series_id: str) -> None:
    chapter = tour.chapter(series_id, 30, published=False)
    target = {"target": {"chapterId": chapter["id"]}}
    body = {**target, "files": [_announced(page(), page=1)]}
    for who, expected, on in (
        (tour.reader, "403 not_allowed", {"generic": True}),
        (tour.other, "404 not_found", {"chapterId": NOBODY}),
    ):
        tour.ask(expected, "POST", f"{API}/uploads", who, json={**body, "target": on, "files": [_announced(page())]})
    asked = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)
    (ticket,), path = asked["tickets"], f"{API}/uploads/sessions/{asked['session']}"
    other = {**body, "files": [_announced(flat("gif", 3, 3), page=1)]}
    tour.ask("409 page_exists", "POST", f"{API}/uploads", tour.owner, json=other)
    two = {"target": {"seriesId": series_id}, "files": [_announced(page()), _announced(flat("gif", 3, 3))]}
    tour.ask("413 too_many_uploads", "POST", f"{API}/uploads", tour.owner, json=two)
    upload = f"{API}/uploads/{ticket['id']}"
    tour.ask("409 not_uploaded", "POST", f"{upload}/complete", tour.owner)
    tour.ask("409 upload_incomplete", "POST", f"{path}/commit", tour.owner)
    _tickets(tour, ticket)
    tour.ask("200", "POST", f"{upload}/complete", tour.owner)
    tour.ask("200", "GET", upload, tour.owner)
    tour.ask("200", "GET", path, tour.owner)
    tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)
    _refused_commits(tour, chapter, path)
    tour.ask("200", "POST", f"{path}/commit", tour.owner, json={"order": [ticket["id"]]})
    tour.ask("409 upload_closed", "DELETE", path, tour.owner)
    tour.ask("409 upload_closed", "DELETE", upload, tour.owner)
    _refused_uploads(tour)
    _removed_targets(tour, series_id)
    _too_many_sessions(tour, series_id)


def _put(tour: Tour, expected: str, ticket: Any, data: bytes, **more: Any) -> None:
    how = {"headers": ticket["headers"], "body": data, **more}
    tour.ask(expected, "PUT", ticket["url"], **how)


def _tickets(tour: Tour, ticket: Any) -> None:
    _put(tour, "404 not_found", {**ticket, "url": ticket["url"][:-1] + "x"}, page())
    _put(tour, "413 too_large", ticket, page() + b"x")
    _put(tour, "400 not_as_announced", ticket, page()[:-1])
    _put(tour, "415 unsupported_type", ticket, page(), headers={"Content-Type": "text/html"})
    _put(tour, "411 length_required", ticket, b"", headers={**ticket["headers"], "Transfer-Encoding": "chunked"})
    _put(tour, "204", ticket, page())
    tour.site.clock.forward(hours=2)
    _put(tour, "403 ticket_expired", ticket, page())


def _refused_commits(tour: Tour, chapter: Any, path: str) -> None:
    tour.ask("201", "POST", f"/chapters/{chapter['id']}/pages", tour.owner, **_form(("page_1", page())))
    tour.ask("409 page_exists", "POST", f"{path}/commit", tour.owner)
    tour.site.write("UPDATE users SET role = 'user' WHERE id = :id", id=tour.owner.id)
    tour.ask("403 not_allowed", "POST", f"{path}/commit", tour.owner)
    tour.site.write("UPDATE users SET role = 'uploader' WHERE id = :id", id=tour.owner.id)


def _refused_uploads(tour: Tour) -> None:
    """What completing refuses; then an upload and a session end."""
    body: dict[str, Any] = {}
    for expected, sent in {**_REFUSED_IMAGES, "400 not_as_announced": page("jpeg")}.items():
        if expected == "413 too_large":
            continue
        body = {"target": {"generic": True}, "files": [_announced(sent)]}
        (ticket,) = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)["tickets"]
        _put(tour, "204", ticket, sent)
        tour.ask(expected, "POST", f"{API}/uploads/{ticket['id']}/complete", tour.owner)
    (ticket,) = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)["tickets"]
    tour.ask("204", "DELETE", f"{API}/uploads/{ticket['id']}", tour.owner)
    asked = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)
    (ticket,) = asked["tickets"]
    tour.site.write("UPDATE users SET role = 'user' WHERE id = :id", id=tour.owner.id)
    tour.ask("403 not_allowed", "POST", f"{API}/uploads/{ticket['id']}/complete", tour.owner)
    tour.site.write("UPDATE users SET role = 'uploader' WHERE id = :id", id=tour.owner.id)
    tour.site.write("UPDATE upload_sessions SET state = 'abandoned' WHERE id = :id", id=asked["session"])
    _put(tour, "409 upload_closed", ticket, page("jpeg"))
    tour.ask("409 upload_closed", "POST", f"{API}/uploads/{ticket['id']}/complete", tour.owner)
    tour.ask("409 upload_closed", "POST", f"{API}/uploads/sessions/{asked['session']}/commit", tour.owner)
    tour.ask("204", "DELETE", f"{API}/uploads/sessions/{asked['session']}", tour.owner)


def _sent(tour: Tour, target: Any, **more: Any) -> Any:
    body = {"target": target, "files": [_announced(page(), **more)]}
    asked = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=body)
    _put(tour, "204", asked["tickets"][0], page())
    return asked


def _removed_targets(tour: Tour, series_id: str) -> None:
    chapter = tour.chapter(series_id, 31)
    full = {"chapterId": tour.chapter(series_id, 32, published=False)["id"]}
    gone, beyond = _sent(tour, {"chapterId": chapter["id"]}), _sent(tour, full, page=1000)
    for asked in (gone, beyond):
        tour.ask("200", "POST", f"{API}/uploads/{asked['tickets'][0]['id']}/complete", tour.owner)
    second = {"target": full, "files": [_announced(flat("gif", 3, 3), type="image/gif")]}
    (ticket,) = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=second)["tickets"]
    _put(tour, "204", ticket, flat("gif", 3, 3), headers={"Content-Type": "image/gif"})
    tour.ask("200", "POST", f"{API}/uploads/{ticket['id']}/complete", tour.owner)
    tour.ask("413 too_many_pages", "POST", f"{API}/uploads/sessions/{beyond['session']}/commit", tour.owner)
    late = {"target": {"chapterId": chapter["id"]}, "files": [_announced(flat("gif", 3, 3), type="image/gif")]}
    (ticket,) = tour.ask("201", "POST", f"{API}/uploads", tour.owner, json=late)["tickets"]
    tour.ask("204", "DELETE", f"/chapters/{chapter['id']}", tour.owner)
    tour.ask("410 removed", "POST", f"{API}/uploads/{ticket['id']}/complete", tour.owner)
    tour.ask("410 removed", "POST", f"{API}/uploads", tour.owner, json=late)
    tour.ask("204", "DELETE", f"{API}/uploads/{ticket['id']}", tour.owner)
    tour.ask("410 removed", "POST", f"{API}/uploads/sessions/{gone['session']}/commit", tour.owner)


def _callbacks(tour: Tour, app: App) -> None:
    """A site of the same database, whose files are at UploadThing."""
    url = tour.site.settings.database_url
    given = {"UPLOAD_METHOD": "cdn", "STORAGE_URL": app.url, "UPLOADTHING_TOKEN": app.token}
    storage = open_storage(app.url, uploadthing_token=app.token)
    with opened(url, clock=tour.site.clock, storage=storage, **given) as site:
        owner = site.sign_up("uploader")
        body = {"target": {"generic": True}, "files": [_announced(page())]}
        (ticket,) = tour.ask("201", "POST", f"{API}/uploads", owner, json=body)["tickets"]
        assert ticket["fields"] == {}
        call = app.came_call(urlsplit(ticket["url"]).path.rpartition("/")[2])

        def calls(expected: str, **more: Any) -> None:
            headers = {"uploadthing-hook": "callback", "x-uploadthing-signature": call.signature}
            how: dict[str, Any] = {"headers": headers, "body": call.body, **more}
            tour.ask(expected, "POST", f"{API}/callbacks/uploadthing", site.stranger, **how)

        calls("204")
        calls("403 unknown_call", headers={"x-uploadthing-signature": call.signature})
        calls("403 not_allowed", headers={})
        calls("413 too_large", body=bytes((1 << 20) + 1))
        calls("411 length_required", body=b"", headers={"Transfer-Encoding": "chunked"})
        tour.ask("404 not_found", "POST", f"{API}/callbacks/uploadthing")
        tour.ask("204", "DELETE", f"{API}/uploads/{ticket['id']}", owner)


def _too_many_sessions(tour: Tour, series_id: str) -> None:
    for number in range(40, 60):
        chapter = tour.chapter(series_id, number, published=False)
        body = {"target": {"chapterId": chapter["id"]}, "files": [_announced(page())]}
        if tour.owner.post("uploads", body).status_code != 201:
            tour.ask("429 too_many_upload_sessions", "POST", f"{API}/uploads", tour.owner, json=body)
            return


def _service(tour: Tour) -> None:
    for path in ("/health", "/ready", "/docs", "/openapi.json"):
        tour.ask("200", "GET", path)


def _what_every_route_answers(tour: Tour, here: dict[str, str]) -> None:
    """Beside what each verb refuses: unknown parameters, no token, a foreign page, nothing there, no such body."""
    cookie = {"Cookie": f"token={tour.admin.token}"}
    for operation in tour.promises.operations:
        method, path, body = operation.method, _filled(operation, here), BODIES.get(operation.name, {})
        _ask(tour, "400 invalid", method, f"{path}?nonsense=1", tour.admin, **body)
        if operation.about["x-who"] != "anyone":
            _ask(tour, "401 not_signed_in", method, path, **body)
        if operation.about["x-who"] not in {"anyone", "signed in"}:
            _ask(tour, "403 not_allowed", method, path, tour.reader, **body)
        if method != "GET":
            foreign = {**cookie, **body.get("headers", {}), "Origin": "https://elsewhere.example"}
            _ask(tour, "403 foreign_origin", method, path, **{**body, "headers": foreign})
        if "{" in operation.path:
            gone = _filled(operation, dict.fromkeys(here, NOBODY))
            _ask(tour, "404 not_found", method, gone, tour.admin, **body)
        if "304" in operation.about["responses"] and operation.name != "stored_show":
            tag = tour.admin.get(path).headers["etag"]
            _ask(tour, "304", method, path, tour.admin, headers={"If-None-Match": tag})
        if operation.name == "stored_show":
            _ask(tour, "304", method, path, headers={"If-None-Match": tour.site.stranger.get(path).headers["etag"]})
        if body:
            _bodies(tour, operation, path)


def _what_is_created_once(tour: Tour, here: dict[str, str]) -> None:
    """A key that was used for something else."""
    tour.ask("201", "POST", "/teams", tour.admin, json={"name": "Once"}, headers={"Idempotency-Key": "one"})
    for operation in (one for one in tour.promises.operations if "422" in one.about["responses"]):
        how = BODIES[operation.name]
        headers = {**how.get("headers", {}), "Idempotency-Key": "one"}
        path = _filled(operation, here)
        _ask(tour, "422 idempotency_key_reused", operation.method, path, tour.admin, **{**how, "headers": headers})


def _what_is_limited(tour: Tour, here: dict[str, str]) -> None:
    """Asked once, every limit is in the table; then they all say that it was too often."""
    limited = [one for one in tour.promises.operations if "429" in one.about["responses"]]
    with opened(tour.site.settings.database_url, storage=tour.site.storage, RATE_LIMITS="on") as site:
        admin = Asker(site, token=tour.admin.token)
        _forget_jpegs(site)
        for operation in limited:
            admin.ask(operation.method, _filled(operation, here), **BODIES.get(operation.name, {}))
        _forget_jpegs(site)
        assert site.write("UPDATE rate_limits SET full_at = :far", far=datetime(2100, 1, 1, tzinfo=UTC))
        for operation in limited:
            path, body = _filled(operation, here), BODIES.get(operation.name, {})
            _ask(tour, "429 too_many_requests", operation.method, path, admin, **body)


def _forget_jpegs(site: Site) -> None:
    """To have one made is limited; to be told where it is, is not."""
    site.write("DELETE FROM files WHERE variant = 'jpeg'")


def _bodies(tour: Tour, operation: Operation, path: str) -> None:
    what = operation.about["requestBody"]
    if "application/json" in what["content"]:
        broken: dict[str, Any] = {"body": b"{", "headers": {"Content-Type": "application/json"}}
        _ask(tour, "413 too_large", operation.method, path, tour.admin, json={"body": "x" * (1 << 20)})
    else:
        broken = {**_form(("pages", page())), "body": CLOSING[:-4]}
    _ask(tour, "400 malformed", operation.method, path, tour.admin, **broken)
    text = {"body": b"x", "headers": {"Content-Type": "text/plain"}}
    _ask(tour, "415 unsupported_type", operation.method, path, tour.admin, **text)
    chunked = {"Content-Type": next(iter(what["content"])), "Transfer-Encoding": "chunked"}
    _ask(tour, "411 length_required", operation.method, path, tour.admin, headers=chunked)


def _filled(operation: Operation, values: dict[str, str]) -> str:
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _ask(tour: Tour, expected: str, method: str, path: str, by: Asker | None = None, **more: Any) -> None:
    tour.ask(expected, method, path, by, **more)


# What every request may meet


def test_an_app_that_could_not_start_answers_as_described() -> None:
    def build() -> Any:
        raise BadSettings(["JWT_SECRET: set it"])

    promises = Promises(openapi.document())
    client = testing.TestClient(start.or_unavailable(start.Once(build)))
    for operation in promises.operations:
        path = _filled(operation, dict.fromkeys(PARTS, NOBODY))
        path = _filled(operation, dict.fromkeys(PARAMETERS, NOBODY))
        promises.check(operation.method, path, client.simulate_request(operation.method, path))
    assert promises.kept == {Promise(one.name, "503", "not_started") for one in promises.operations}


def test_a_database_that_was_not_prepared_is_told_as_described(tmp_path: Any) -> None:
    promises = Promises(openapi.document())
    with opened(f"sqlite:///{tmp_path}/none.db") as site:
        for operation in promises.operations:
            path = _filled(operation, dict.fromkeys(PARTS, NOBODY))
            path = _filled(operation, dict.fromkeys(PARAMETERS, NOBODY))
            promises.check(operation.method, path, site.stranger.ask(operation.method, path))
    codes = {one.code for one in promises.kept if one.status == "503"}
    assert codes == {"schema_mismatch", ""}  # /ready says it in its own words
    assert {one.operation for one in promises.kept if one.status == "200"} == {
        "state_health",
        "documents_docs",
        "documents_openapi",
    }
    assert json.loads(openapi.document_bytes()) == openapi.document()
