"""Reads for everybody are answered without the framework, as the framework would answer them."""

import json
from typing import Any

import pytest
from falcon.testing import simulate_request

from roliascan.app import framed, put_together
from roliascan.web import reads
from tests.front import API, Site, opened

NOBODY = "00000000-0000-7000-8000-000000000000"
ORIGIN = "https://reader.example"


@pytest.fixture
def site(sqlite_url: str) -> Any:
    with opened(sqlite_url, CORS_ORIGINS=ORIGIN) as site:
        yield site


@pytest.fixture
def ids(site: Site) -> dict[str, str]:
    """Of what there is to read."""
    uploader = site.sign_up("uploader")
    team = uploader.makes_team("Team")
    series = uploader.makes_series("The Lantern", teamIds=[team["id"]])
    chapters = [uploader.publishes(series, number, teamIds=[team["id"]]) for number in (1, 2, 10.5)]
    uploader.patch(f"series/{series['id']}", {"title": "The Lanterns"})
    hidden = uploader.makes_series("Hidden", state="draft")
    gone = uploader.makes_series("Gone")
    uploader.delete(f"series/{gone['id']}?reason=so")
    return {
        "series": series["id"],
        "old": series["slug"],
        "chapter": chapters[1]["id"],
        "team": team["id"],
        "user": uploader.id,
        "hidden": hidden["id"],
        "gone": gone["slug"],
        "token": uploader.token,
    }


GETS = """
series series/ series? series?page=null series?type=NULL series?q=null
series?limit=2 series?limit=0 series?limit=x series?limit=1&limit=2 series?limit= series?=1
series?x=1 series?sort=title series?sort=nothing series?q=lantern series?q=lan%74ern series?q=the+lanterns
series?q=%00 series?q=%E6%BC%AB series?page=2 series?page=99999 series?page=101&limit=100 series?cursor=x
series?cursor=WyJu series?language=en&status=ongoing series?state=draft series?team={team} series?team=x
series?team={nobody} series&limit=1 series?limit=2& series/{series} series/{series}/ series/the-lanterns
series/{old} series/{hidden} series/{gone} series/nothing series/{nobody} series/{series}?x=1 series//{series}
series/%7B series/a%2Fb series/a.b~c series/{series}/chapters series/{series}/chapters?sort=newest
series/{series}/chapters/ series/{hidden}/chapters series/{gone}/chapters series/x/chapters series/{series}/nothing
series/{series}/chapters/x chapters chapters?series={series}&limit=1 chapters?language=xx chapters/{chapter}
chapters/{nobody} chapters/{chapter}?limit=1 chapters/x chapters/CHAPTERS chapters/{chapter}/pages teams
teams?limit=1 teams/{team} teams/{nobody} users/{user} users/{nobody} users Series SERIES/{series} nothing auth/me
openapi /health /docs /api/v1 /api/v1/ /api/v2/series /
"""
HEADERS: list[dict[str, str]] = [
    {},
    {"If-None-Match": "{tag}"},
    {"If-None-Match": "*"},
    {"If-None-Match": '"other", {tag}'},
    {"Origin": ORIGIN},
    {"Origin": "https://evil.example"},
    {"Cookie": "a=b"},
    {"Cookie": "tokens=b"},
    {"Cookie": "token={token}"},
    {"Authorization": "Bearer {token}"},
    {"Authorization": "Basic x"},
    {"Accept": "text/html", "Content-Type": "text/plain", "Range": "bytes=0-1"},
]


@pytest.fixture
def two_apps(site: Site) -> tuple[Any, Any, list[str]]:
    """The app, the same with nothing but the framework, and what the first one passed on to it."""
    parts = put_together(site.settings, database=site.db, storage=site.storage, clock=site.clock)
    framework, passed = framed(parts), list[str]()

    def behind(environ: dict[str, Any], start_response: Any) -> Any:
        passed.append(environ["PATH_INFO"])
        return framework(environ, start_response)

    return reads.first(parts, lambda: behind), framework, passed


def ask(app: Any, target: str, headers: dict[str, str]) -> tuple[Any, ...]:
    path, _, query = target.partition("?")
    where = path if path.startswith("/") else f"{API}/{path}"
    extras = {"roliascan.request_id": "r1", "roliascan.client": "192.0.2.1"}
    result = simulate_request(app, "GET", where, query_string=query or None, headers=headers, extras=extras)
    return result.status_code, sorted(result.headers.items()), result.content


def test_both_answer_alike(two_apps: tuple[Any, Any, list[str]], ids: dict[str, str]) -> None:
    app, framework, _ = two_apps
    for target in GETS.format(**ids, nobody=NOBODY).split():
        tag = dict(ask(framework, target, {})[1]).get("etag", '"none"')
        for headers in HEADERS:
            sent = {name: value.format(tag=tag, token=ids["token"]) for name, value in headers.items()}
            assert ask(app, target, sent) == ask(framework, target, sent), (target, headers)


PLAIN = """
series series?limit=2&sort=title series/{series} series/{old} series/{series}/chapters chapters chapters/{chapter} teams
teams/{team} users/{user} series/nothing series?limit=0
"""


def test_plain_reads_need_no_framework(two_apps: tuple[Any, Any, list[str]], ids: dict[str, str]) -> None:
    app, _, passed = two_apps
    token = ids["token"]
    for target in PLAIN.format(**ids).split():
        for headers in ({}, {"Cookie": "a=b"}, {"Origin": ORIGIN}, {"If-None-Match": "*"}):
            ask(app, target, headers)
            assert passed == [], target
        ask(app, target, {"Authorization": f"Bearer {token}"})
        ask(app, target, {"Cookie": f"token={token}"})
        assert len(passed) == 2, target
        passed.clear()


def test_a_mistake_of_ours_is_told_alike(
    two_apps: tuple[Any, Any, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("secret")

    app, framework, passed = two_apps
    monkeypatch.setattr("roliascan.library.catalogue.index", broken)
    mine, its = ask(app, "series", {}), ask(framework, "series", {})
    assert mine == its
    assert mine[0] == 500
    assert passed == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["crash", "request"] * 2
    assert [line.get("status") for line in lines] == [None, 500] * 2
    assert "secret" not in str(lines) + str(mine)


def test_both_write_the_same_line(
    two_apps: tuple[Any, Any, list[str]], ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for target in ("series?limit=2", f"chapters/{ids['chapter']}", f"series/{NOBODY}"):
        capsys.readouterr()
        for app in two_apps[:2]:
            ask(app, target, {})
        mine, its = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        for line in (mine, its):
            del line["time"], line["ms"]
        assert mine == its
