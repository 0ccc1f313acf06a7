"""Cookies, the origins that may send them along, and pages of other sites (CORS)."""

from collections.abc import Iterator

import pytest
from falcon.testing import Result

from tests.front import Asker, Site, opened, refused, told

OWN, FRIEND = "https://comics.example", "https://reader.example"
FOREIGN = [
    "https://evil.example",
    "http://comics.example",
    "https://comics.example:444",
    "https://comics.example.evil.example",
    "https://evilcomics.example",
    "https://comics.example/",
    "https://COMICS.example",
    "https://reader.example https://evil.example",
    "null",
    "*",
    "",
]


@pytest.fixture
def site(site_url: str) -> Iterator[Site]:
    with opened(site_url, PUBLIC_URL=f"{OWN}/under", CORS_ORIGINS=f"{FRIEND}, http://localhost:5173") as site:
        yield site


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


def by_cookie(asker: Asker, method: str, path: str, body: object = None, **headers: str) -> Result:
    sent = {"Cookie": f"a=b; token={asker.token}; c=d", **headers}
    return asker.site.stranger.ask(method, path, headers=sent, **({} if body is None else {"json": body}))


def test_a_cookie_signs_in(uploader: Asker) -> None:
    assert told(by_cookie(uploader, "GET", "auth/me"))["id"] == uploader.id


@pytest.mark.parametrize("origin", [OWN, FRIEND, "http://localhost:5173"])
def test_a_change_by_cookie_comes_from_our_pages(uploader: Asker, origin: str) -> None:
    body = {"title": "A", "author": "B"}
    series = told(by_cookie(uploader, "POST", "series", body, Origin=origin), 201)
    told(by_cookie(uploader, "PATCH", f"series/{series['id']}", {}, Origin=origin))
    told(by_cookie(uploader, "DELETE", f"series/{series['id']}", Origin=origin), 204)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_change_by_cookie_from_elsewhere_is_refused(site: Site, uploader: Asker, origin: str) -> None:
    series = uploader.makes_series()
    headers = {"Origin": origin, "Host": "evil.example", "Referer": f"{OWN}/", "X-Forwarded-Host": "evil.example"}
    body = {"title": "A", "author": "B"}
    refused(by_cookie(uploader, "POST", "series", body, **headers), 403, "foreign_origin")
    refused(by_cookie(uploader, "PATCH", f"series/{series['id']}", {}, **headers), 403, "foreign_origin")
    refused(by_cookie(uploader, "DELETE", f"series/{series['id']}", **headers), 403, "foreign_origin")
    refused(by_cookie(uploader, "POST", "auth/logout", **headers), 403, "foreign_origin")
    assert site.count("series") == 1
    told(uploader.get("auth/me"))


def test_a_change_by_cookie_without_an_origin_is_refused(uploader: Asker) -> None:
    refused(by_cookie(uploader, "POST", "series", {"title": "A", "author": "B"}), 403, "foreign_origin")


def test_signing_in_with_a_cookie_of_somebody_needs_an_origin_too(uploader: Asker) -> None:
    body = {"login": "x", "password": "y"}
    refused(by_cookie(uploader, "POST", "auth/login", body, Origin="https://evil.example"), 403, "foreign_origin")


def test_reading_by_cookie_needs_no_origin(uploader: Asker) -> None:
    for headers in ({}, {"Origin": "https://evil.example"}):
        assert by_cookie(uploader, "GET", "auth/me", **headers).status_code == 200


def test_a_token_in_the_header_needs_no_origin(uploader: Asker) -> None:
    answer = uploader.post("series", {"title": "A", "author": "B"}, headers={"Origin": "https://evil.example"})
    told(answer, 201)


def test_a_header_goes_before_the_cookie(site: Site, uploader: Asker) -> None:
    other = site.sign_up()
    assert told(by_cookie(other, "GET", "auth/me", Authorization=f"bearer {uploader.token}"))["id"] == uploader.id
    for header in ("Bearer ", "Bearer x", f"Basic {uploader.token}", uploader.token, f"Bearer {uploader.token} x", ""):
        refused(by_cookie(other, "GET", "auth/me", Authorization=header), 401, "not_signed_in")


def test_a_token_elsewhere_is_no_token(uploader: Asker) -> None:  # AU-29
    stranger = uploader.site.stranger
    refused(stranger.get("auth/me", headers={"X-Token": uploader.token}), 401)
    refused(stranger.get(f"auth/me?token={uploader.token}"), 401)
    assert stranger.get(f"series?access_token={uploader.token}").status_code == 400


def test_no_token_is_logged(uploader: Asker, capsys: pytest.CaptureFixture[str]) -> None:  # AU-29
    stranger = uploader.site.stranger
    told(uploader.get("auth/me"))
    told(by_cookie(uploader, "GET", "auth/me"))
    stranger.get(f"series?token={uploader.token}")
    stranger.post("auth/login", {"login": uploader.username, "password": "a secret password"})
    told_of = capsys.readouterr()
    assert '"path":"/api/v1/auth/login"' in told_of.out
    for secret in (uploader.token, uploader.token.rpartition(".")[2], "a secret password", uploader.username):
        assert secret not in told_of.out + told_of.err


def test_without_an_address_of_our_own_the_host_is_ours(site_url: str) -> None:
    with opened(site_url) as site:
        uploader = site.sign_up("uploader")
        body = {"title": "A", "author": "B"}
        host = {"Host": "localhost:3000"}
        told(by_cookie(uploader, "POST", "series", body, Origin="http://localhost:3000", **host), 201)
        told(by_cookie(uploader, "POST", "series", body, Origin="https://localhost:3000", **host), 201)
        refused(by_cookie(uploader, "POST", "series", body, Origin="http://localhost:3001", **host), 403)


# Pages of other sites.


def preflight(site: Site, origin: str, method: str, path: str = "series") -> Result:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return site.stranger.ask("OPTIONS", path, headers=headers | {"Access-Control-Request-Headers": "authorization"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_friends_may_use_every_method(site: Site, method: str) -> None:
    answer = preflight(site, FRIEND, method)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = {name.lower() for name in answer.headers["access-control-allow-headers"].split(", ")}
    assert {"authorization", "content-type", "if-match"} <= allowed
    assert "Origin" in answer.headers["vary"].split(", ")


@pytest.mark.parametrize("origin", [*FOREIGN, OWN])
def test_others_may_not(site: Site, origin: str) -> None:
    for answer in (preflight(site, origin, "PATCH"), site.stranger.get("series", headers={"Origin": origin})):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" in answer.headers["vary"].split(", ")


def test_friends_may_read_answers_and_refusals(site: Site) -> None:
    for path, status in (("series", 200), ("nothing", 404), ("auth/me", 401), ("series?limit=0", 400)):
        answer = site.stranger.get(path, headers={"Origin": FRIEND})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert "ETag" in answer.headers["access-control-expose-headers"]


def test_a_cache_keeps_answers_apart_by_origin(site: Site) -> None:  # AZ-16
    for headers in ({}, {"Origin": FRIEND}):
        assert "Origin" in site.stranger.get("series", headers=headers).headers["vary"].split(", ")


def test_without_friends_nobody_is_one(site_url: str) -> None:
    with opened(site_url) as site:
        assert not [name for name in preflight(site, FRIEND, "GET").headers if name.startswith("access-control")]


def test_addresses_of_files_come_from_settings_only(site: Site, site_url: str) -> None:
    uploader = site.sign_up("uploader")
    chapter = uploader.publishes(uploader.makes_series())
    path = f"chapters/{chapter['id']}"
    assert chapter["pages"][0]["url"].startswith(f"{OWN}/under/uploads/pages/")
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert told(site.stranger.get(path, headers=evil)) == told(site.stranger.get(path))
    with opened(site_url, PUBLIC_URL=OWN, IMAGE_URL="https://cdn.example/") as other:
        url = told(other.stranger.get(path))["pages"][0]["url"]
    assert url.startswith("https://cdn.example/uploads/pages/")
    with opened(site_url, STORAGE_URL="s3://comics/site", IMAGE_URL="https://cdn.example/site") as other:
        url = told(other.stranger.get(path))["pages"][0]["url"]
    assert url.startswith("https://cdn.example/site/pages/")
    with opened(site_url) as other:
        assert told(other.stranger.get(path, headers=evil))["pages"][0]["url"].startswith("/uploads/pages/")
