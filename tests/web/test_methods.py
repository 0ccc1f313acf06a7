"""Methods and addresses: what answers where, and what other ways of writing an address lead to."""

import re

import pytest

from roliascan.web.routes import ROUTES
from tests.front import Site, refused, told

SOME_ID = "01a20846-fe00-7ece-bc0b-f87796bb3294"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PATHS = sorted({route.path for route in ROUTES})


def filled(path: str) -> str:
    return re.sub(r"\{key:path\}", "pages/a.png", re.sub(r"\{\w+\}", SOME_ID, path))


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_refused_with_what_is_allowed(site: Site, path: str) -> None:
    taken = {route.method for route in ROUTES if route.path == path}
    allowed = taken | ({"HEAD"} if "GET" in taken else set())
    for method in {*METHODS, "HEAD"} - allowed:
        answer = site.stranger.ask(method, filled(path))
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == allowed | {"OPTIONS"}


def test_a_method_that_nobody_has_is_refused(site: Site) -> None:
    refused(site.stranger.ask("TRACE", "series"), 405, "method_not_allowed")


def test_options_tells_what_is_allowed(site: Site) -> None:
    answer = site.stranger.ask("OPTIONS", "teams")
    assert (answer.status_code, answer.headers["allow"]) == (200, "GET, HEAD, POST")


def test_head_is_get_without_the_body(site: Site) -> None:
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.publishes(series)
    team = uploader.makes_team()
    paths = ["/health", "/ready", "series", "chapters", "teams", f"series/{series['id']}", f"teams/{team['id']}"]
    paths += [f"series/{series['id']}/chapters", f"chapters/{chapter['id']}", f"users/{uploader.id}", "auth/me"]
    paths += [chapter["pages"][0]["url"], "nothing", f"series/{SOME_ID}", "series?limit=0"]
    for path in paths:
        get, head = uploader.get(path), uploader.ask("HEAD", path)
        assert head.content == b""
        assert head.status_code == get.status_code
        differ = {"x-request-id"} | ({"content-length"} if get.status_code >= 400 else set())
        headers = [{name: one.headers[name] for name in one.headers.keys() - differ} for one in (get, head)]
        assert headers[0] == headers[1], path


@pytest.mark.parametrize("root", ["series", "chapters", "teams", "/health"])
def test_roots_answer_with_and_without_a_slash(site: Site, root: str) -> None:
    assert told(site.stranger.get(f"{root}/")) == told(site.stranger.get(root))


def test_a_slash_at_the_end_changes_no_decision(site: Site) -> None:  # AZ-08
    uploader = site.sign_up("uploader")
    told(uploader.post("series/", {"title": "A", "author": "B"}), 201)
    refused(site.stranger.post("series/", {"title": "A", "author": "B"}), 401)
    draft = uploader.makes_series("Draft", state="draft")
    refused(site.stranger.get(f"series/{draft['id']}/"), 404)


def test_other_ways_to_write_an_address_open_nothing(site: Site) -> None:  # AZ-08, UP-11
    uploader = site.sign_up("uploader")
    draft = uploader.makes_series("Secret", state="draft")
    chapter = uploader.makes_chapter(draft)
    page = uploader.adds_pages(chapter)["pages"][0]["url"]
    for path in (f"/api/v1/series/{draft['id']}", "/api/v1/series/secret", f"/api/v1/chapters/{chapter['id']}", page):
        root, _, last = path.rpartition("/")
        for way in (
            path,
            f"{path}/",
            f"{root}//{last}",
            f"{root}/./{last}",
            f"{root}/x/../{last}",
            f"{root}/%2e%2e/series/{last}",
            f"{root}/%2F{last}",
            f"{root}%2F{last}",
            f"{path};x=1",
            f"{path}.json",
            f"{path}%20",
            f"{path}%0a",
            f"{root}/{last.upper()}",
            f"{root}/%20{last}",
            path.upper(),
            f"/{path}",
            f"http://comics.example{path}",
            f"{path}%23",
            f"{root}/{last[:-1]}*",
            f"{root}/{{{last}}}",
        ):
            if way.startswith("/"):
                refused(site.stranger.get(way), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/uploads/../roliascan.db",
        "/uploads/%2e%2e/%2e%2e/etc/passwd",
        "/uploads/..%2f..%2fetc%2fpasswd",
        "/uploads/..%5c..%5cetc",
        "/uploads//etc/passwd",
        "/uploads/%2fetc%2fpasswd",
        "/uploads/pages/.incoming",
        "/uploads/.hidden",
        "/uploads/pages/%c0%ae%c0%ae/a",
        "/uploads/C:/a",
        "/uploads/" + "a" * 5000,
        "/uploads/pages",
        "/uploads/",
        "/uploads",
    ],
)
def test_no_address_of_a_file_leaves_the_storage(site: Site, path: str) -> None:  # UP-11
    refused(site.stranger.get(path), 404, "not_found")


ODD_IDS = [
    SOME_ID,
    SOME_ID.upper(),
    SOME_ID.replace("-", ""),
    f"{{{SOME_ID}}}",
    f"urn:uuid:{SOME_ID}",
    f"%20{SOME_ID}",
    f"{SOME_ID}%20",
    f"{SOME_ID}%0a",
    "0",
    "-1",
    "1e3",
    "null",
    "undefined",
    "NaN",
    "%27%20OR%201=1%20--",
    "%25",
    "[]",
    "%f0%9f%93%96",
    "%ff",
    "x" * 4000,
]


def test_odd_identifiers_are_not_found(any_site: Site) -> None:  # AZ-05, IN-07
    admin = any_site.sign_up("admin")
    gets = ("series/{}", "series/{}/chapters", "chapters/{}", "teams/{}", "users/{}")
    body = {"title": "A"}
    for odd in ODD_IDS:
        for path in gets:
            refused(any_site.stranger.get(path.format(odd)), 404, "not_found")
        refused(admin.patch(f"series/{odd}", body), 404, "not_found")
        refused(admin.delete(f"series/{odd}"), 404, "not_found")
        refused(admin.post(f"series/{odd}/chapters", {"number": 1}), 404, "not_found")
        refused(admin.patch(f"chapters/{odd}", body), 404, "not_found")
        refused(admin.delete(f"chapters/{odd}"), 404, "not_found")
        refused(admin.post(f"chapters/{odd}/publish"), 404, "not_found")
        refused(admin.post(f"chapters/{odd}/hide"), 404, "not_found")
        refused(admin.put(f"chapters/{odd}/pages", {"ids": []}), 404, "not_found")
        refused(admin.send(f"chapters/{odd}/pages"), 404, "not_found")
        refused(admin.patch(f"teams/{odd}", {"name": "A"}), 404, "not_found")
        refused(admin.delete(f"teams/{odd}"), 404, "not_found")
        refused(admin.put(f"teams/{odd}/members/{admin.id}", {"role": "member"}), 404, "not_found")
        refused(admin.delete(f"teams/{odd}/members/{odd}"), 404, "not_found")


def test_a_thing_is_not_found_in_another_place(any_site: Site) -> None:  # AZ-04
    admin = any_site.sign_up("admin")
    series = admin.makes_series()
    chapter, team = admin.publishes(series), admin.makes_team()
    things = {"series": series["id"], "chapters": chapter["id"], "teams": team["id"], "users": admin.id}
    for place in things:
        for kind, thing in things.items():
            assert any_site.stranger.get(f"{place}/{thing}").status_code == (200 if kind == place else 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-HTTP-Method": "DELETE"},
        {"X-Method-Override": "DELETE"},
        {"X-Original-URL": "/api/v1/auth/me"},
        {"X-Rewrite-URL": "/api/v1/auth/me"},
        {"X-Forwarded-Prefix": "/api/v1/auth"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"Accept": "nonsense;q=x"},
        {"Accept": "text/html", "Accept-Language": "*;q=9", "Accept-Encoding": "identity;q=0"},
        {"Host": "evil.example"},
        {"Range": "bytes=0-1"},
        {"Content-Type": "nonsense"},
    ],
)
def test_headers_change_neither_method_nor_address_nor_answer(site: Site, headers: dict[str, str]) -> None:
    uploader = site.sign_up("uploader")  # AZ-08, AZ-09, IN-20
    series = uploader.makes_series()
    uploader.publishes(series)
    for path in (f"series/{series['id']}", "chapters"):
        plain, tricky = site.stranger.get(path), site.stranger.get(path, headers=headers)
        assert (tricky.status_code, tricky.content) == (200, plain.content)
    answer = uploader.post(
        "series", {"title": "A", "author": "B"}, headers={**headers, "Content-Type": "application/json"}
    )
    assert told(answer, 201)
    assert answer.headers["location"].startswith("/api/v1/series/")
    assert site.count("series") == 2


def test_a_method_in_the_query_or_body_is_only_unknown(site: Site) -> None:  # AZ-08
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    refused(uploader.post(f"series/{series['id']}/chapters?_method=DELETE", {"number": 1}), 400)
    refused(uploader.patch(f"series/{series['id']}", {"_method": "DELETE"}), 400)
    assert site.count("series") == 1
