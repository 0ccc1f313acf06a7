"""What every answer looks like: things, lists, creations, refusals."""

import re

import pytest

from tests.front import Site, refused, told

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def test_a_thing_is_its_bare_object(site: Site) -> None:
    series = site.sign_up("uploader").makes_series("One")
    assert told(site.stranger.get(f"series/{series['id']}")) == series
    assert {"id", "slug", "title", "titles", "teams", "version", "cover", "chapterCount", "rating"} <= series.keys()


def test_a_list_is_data_and_a_page(site: Site) -> None:
    site.sign_up("uploader").makes_series("One")
    listed = told(site.stranger.get("series"))
    assert listed.keys() == {"data", "page"}
    assert listed["page"] == {"limit": 20, "number": 1, "total": 1, "next": None}
    shown = {"id", "slug", "title", "type", "status", "direction", "language", "author", "description", "cover"}
    counted = {"chapterCount", "rating", "ratingCount", "lastChapterAt", "createdAt", "updatedAt"}
    assert shown | counted <= listed["data"][0].keys()
    assert not {"sortKey", "sort_key", "total", "titles"} & listed["data"][0].keys()


@pytest.mark.parametrize("list_of", ["series", "chapters", "teams"])
def test_an_empty_list_has_a_total_of_none(site: Site, list_of: str) -> None:
    empty = {"data": [], "page": {"limit": 20, "number": 1, "total": 0, "next": None}}
    assert told(site.stranger.get(list_of)) == empty


def test_what_is_made_is_told_as_it_will_be_read(site: Site) -> None:
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    for where, body in [
        ("series", {"title": "A", "author": "B"}),
        ("teams", {"name": "Team"}),
        (f"series/{series['id']}/chapters", {"number": 1}),
    ]:
        answer = uploader.post(where, body)
        made = told(answer, 201)
        assert re.fullmatch(r"/api/v1/(series|teams|chapters)/[0-9a-f-]{36}", answer.headers["location"])
        assert told(uploader.get(answer.headers["location"])) == made


def test_what_goes_says_nothing(site: Site) -> None:
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    answer = uploader.delete(f"series/{series['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_names_are_in_camel_case_and_instants_end_in_z(site: Site) -> None:
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.publishes(series)
    for thing in (chapter, told(site.stranger.get(f"series/{series['id']}")), told(uploader.get("auth/me"))):
        assert not [name for name in thing if "_" in name]
        for name, value in thing.items():
            if name.endswith("At") and value is not None:
                assert INSTANT.fullmatch(value), (name, value)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "series/01a20846-fe00-7ece-bc0b-f87796bb3294", 404, "not_found"),
        ("POST", "series", 401, "not_signed_in"),
        ("GET", "auth/me", 401, "not_signed_in"),
        ("PUT", "series", 405, "method_not_allowed"),
        ("GET", "series?limit=0", 400, "invalid"),
        ("GET", "series?page=501", 400, "page_too_deep"),
    ],
)
def test_a_refusal_is_a_problem_document(site: Site, method: str, path: str, status: int, code: str) -> None:
    problem = refused(site.stranger.ask(method, path), status, code)
    assert problem["title"]
    assert problem["detail"].endswith(".")


def test_who_must_sign_in_is_told_how(site: Site) -> None:
    assert site.stranger.post("series").headers["www-authenticate"] == 'Bearer realm="roliascan"'


def test_every_answer_has_an_identifier_of_its_own(site: Site) -> None:
    answers = [site.stranger.get(path) for path in ("series", "series", "nothing", "/health")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4


def test_nobody_chooses_the_identifier_of_a_request(site: Site) -> None:
    answer = site.stranger.get("nothing", headers={"X-Request-Id": "forged"})
    assert answer.headers["x-request-id"] != "forged"


@pytest.mark.parametrize("path", ["series", "nothing", "/health", "/uploads/pages/a.png"])
def test_no_answer_is_sniffed(site: Site, path: str) -> None:
    assert site.stranger.get(path).headers["x-content-type-options"] == "nosniff"


def test_the_site_is_alive_and_ready(any_site: Site) -> None:
    assert told(any_site.stranger.get("/health")) == {"status": "ok"}
    assert told(any_site.stranger.get("/ready")) == {
        "status": "ok",
        "database": "ok",
        "schema": "ok",
        "storage": "ok",
        "changes": "ok",
    }


def test_health_touches_no_database(site: Site) -> None:
    site.db.close()
    site.write("DROP TABLE schema_state")
    assert told(site.stranger.get("/health")) == {"status": "ok"}
    ready = site.stranger.get("/ready")
    assert (ready.status_code, ready.json["status"], ready.json["storage"]) == (503, "unavailable", "ok")
    assert int(ready.headers["retry-after"]) > 0


def test_our_own_mistake_tells_nothing(site: Site) -> None:
    site.sign_up("uploader").makes_series()
    told(site.stranger.get("series"))
    site.write("ALTER TABLE series RENAME COLUMN author TO writer")
    refused(site.stranger.get("series"), 500, "internal")
