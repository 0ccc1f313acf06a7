"""JSON bodies: what is taken, what is refused, and that every problem is named at once."""

import json
import time
from typing import Any

import pytest
from falcon.testing import StartResponseMock, create_environ

from tests.front import API, Site, fields, refused, told

JSON = {"Content-Type": "application/json"}
TITLE = '{"title": %s, "author": "A"}'


def test_every_problem_is_named_at_once(site: Site) -> None:
    body = {
        "author": 5,
        "type": "novel",
        "language": "not a tag",
        "teamIds": ["x", 7],
        "titles": [{"language": "en", "title": ""}, {"title": "b", "extra": 1}, 3],
        "coverId": "cover",
        "state": "scheduled",
        "rank": 1,
        "id": "mine",
    }
    answer = site.sign_up("uploader").post("series", body)
    assert fields(answer) == [
        "author",
        "coverId",
        "id",
        "language",
        "rank",
        "state",
        "teamIds[0]",
        "teamIds[1]",
        "title",
        "titles[0].title",
        "titles[1].extra",
        "titles[1].language",
        "titles[2]",
        "type",
    ]


def test_rules_and_types_are_told_together(site: Site) -> None:
    registering: dict[str, Any] = {"email": "nowhere", "username": "a b", "password": "short", "role": "admin"}
    assert fields(site.stranger.post("auth/register", registering)) == ["email", "password", "role", "username"]
    registering = {"email": "no where\0", "username": 5, "password": "short"}
    assert fields(site.stranger.post("auth/register", registering)) == ["email", "email", "password", "username"]
    assert fields(site.sign_up().patch("auth/me", {"email": "x@y", "x": 1})) == ["email", "x"]
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    told_of = fields(uploader.post(f"series/{series['id']}/chapters", {"number": -1, "title": "", "volume": 1}))
    assert told_of == ["number", "title", "volume"]


def test_problems_are_told_up_to_a_hundred(site: Site) -> None:
    body = {f"unknown{number}": 1 for number in range(5000)}
    assert len(refused(site.sign_up("uploader").post("series", body), 400)["errors"]) == 100


def test_what_is_told_of_unknown_keys_is_safe_to_show(site: Site) -> None:
    body: dict[str, Any] = {"title": "A", "author": "B", "a\u202e\x07\0b" + "x" * 500: 1, "\0": 1}
    problems = refused(site.sign_up("uploader").post("series", body), 400)["errors"]
    assert sorted(problem["field"] for problem in problems) == ["(a key)", "ab" + "x" * 55]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "{} {}",
        "\ufeff{}",
        "{'title': 'A'}",
        TITLE % "NaN",
        TITLE % "-Infinity",
        TITLE % "1e400",
        TITLE % ("1" + "0" * 5000),
        TITLE % '"\\ud800"',
        TITLE % '"\\udc00\\ud800"',
        TITLE % '"a\nb"',
        b'{"title": "\xff", "author": "A"}',
        b'{"title": "\xed\xa0\x80", "author": "A"}',
        '{"title": "A", "author": "B",}',
        json.dumps({"title": "A", "author": "B"}).encode("utf-16"),
    ],
    ids=lambda body: repr(body)[:30],
)
def test_malformed_json_is_refused(site: Site, body: Any) -> None:  # IN-02
    uploader = site.sign_up("uploader")
    refused(uploader.post("series", body=body, headers=JSON), 400, "malformed")
    assert site.count("series") == 0


@pytest.mark.parametrize("depth", [21, 400, 480, 600, 950, 1_000, 10_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"title":', "}")])
def test_deep_json_is_refused_at_once(site: Site, depth: int, opening: str, closing: str) -> None:  # IN-02
    body = opening * depth + "1" + closing * depth
    started = time.monotonic()
    refused(site.sign_up("uploader").post("series", body=body, headers=JSON), 400, "malformed")
    assert time.monotonic() - started < 10


def test_huge_json_is_refused(site: Site) -> None:  # IN-02
    body = json.dumps({"title": "A", "author": "B", "description": "x" * (1 << 20)})
    refused(site.sign_up("uploader").post("series", body=body, headers=JSON), 413, "too_large")


def test_a_length_that_lies_is_refused_before_anything_is_read(site: Site) -> None:
    headers = {**JSON, "Content-Length": str(1 << 40)}
    refused(site.sign_up("uploader").post("series", body="{}", headers=headers), 413, "too_large")


@pytest.mark.parametrize("length", ["-1", "1.5", "0x10", "two"])
def test_a_length_that_is_none_is_refused(site: Site, length: str) -> None:  # IN-04
    # wsgiref's validator, which stands before the app elsewhere, would not let it in
    headers = {"Authorization": f"Bearer {site.sign_up('uploader').token}"}
    environ = create_environ(f"{API}/series", method="POST", headers=headers, body="{}")
    reply = StartResponseMock()
    site.app({**environ, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": length}, reply)
    assert reply.status == "400 Bad Request"


def test_a_number_beyond_all_bounds_is_refused(site: Site) -> None:  # IN-02
    uploader = site.sign_up("uploader")
    series = uploader.makes_series()
    for number in ("1" + "0" * 400, "9" * 20, "-" + "9" * 400):
        body = '{"number": %s}' % number  # noqa: UP031
        assert fields(uploader.post(f"series/{series['id']}/chapters", body=body, headers=JSON)) == ["number"]


def test_of_equal_keys_the_last_one_counts(site: Site) -> None:  # IN-02: one parser reads a body, so nobody differs
    body = '{"title": "first", "title": "last", "author": "A", "author": "B"}'
    series = told(site.sign_up("uploader").post("series", body=body, headers=JSON), 201)
    assert (series["title"], series["author"], series["slug"]) == ("last", "B", "last")


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "5", "true"])
def test_a_body_that_is_no_object_is_refused(site: Site, body: str) -> None:
    assert fields(site.sign_up("uploader").post("series", body=body, headers=JSON)) == ["body"]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/jsonp", ""],
)
def test_other_types_are_refused(site: Site, kind: str) -> None:  # IN-03
    body = json.dumps({"title": "A", "author": "B"})
    refused(site.sign_up("uploader").post("series", body=body, headers={"Content-Type": kind}), 415, "unsupported_type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/json ; x=y"])
def test_json_may_be_called_json_in_other_words(site: Site, kind: str) -> None:
    body = json.dumps({"title": "A", "author": "B"})
    told(site.sign_up("uploader").post("series", body=body, headers={"Content-Type": kind}), 201)


def test_an_absent_body_is_an_empty_one(site: Site) -> None:
    refused(site.sign_up("uploader").ask("POST", "series", headers=JSON), 400, "malformed")


def test_chunks_are_read_where_the_server_ends_them(site: Site) -> None:
    uploader = site.sign_up("uploader")
    body = json.dumps({"title": "A", "author": "B"})
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    refused(uploader.post("series", body=body, headers=JSON, extras={**chunked, "CONTENT_LENGTH": ""}), 411)
    ended = {**chunked, "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    told(uploader.post("series", body=body, headers=JSON, extras=ended), 201)


def test_an_optional_body_in_chunks_counts(site: Site) -> None:
    uploader = site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    uploader.adds_pages(chapter)
    extras = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    body = json.dumps({"at": "2027-01-01T00:00:00Z"})
    published = told(uploader.post(f"chapters/{chapter['id']}/publish", body=body, headers=JSON, extras=extras))
    assert published["state"] == "scheduled"


def test_text_is_trimmed_and_composed(any_site: Site) -> None:
    series = any_site.sign_up("uploader").makes_series(
        " \t Cafe\u0301\u3000\n", description="  spaced  out\n\n", titles=[{"language": " fr ", "title": " E\u0301 "}]
    )
    assert (series["title"], series["description"]) == ("Caf\u00e9", "spaced  out")
    assert series["titles"] == [{"language": "fr", "title": "\u00c9"}]


@pytest.mark.parametrize("title", ["", "   ", "\n\t", "\u3000"])
def test_text_of_blanks_is_no_text(site: Site, title: str) -> None:
    assert fields(site.sign_up("uploader").post("series", {"title": title, "author": "A"})) == ["title"]


@pytest.mark.parametrize(("field", "limit"), [("title", 300), ("author", 300), ("description", 5000)])
def test_text_is_limited_in_characters(any_site: Site, field: str, limit: int) -> None:  # IN-11
    uploader = any_site.sign_up("uploader")
    body = {"title": "A", "author": "B"}
    longest = "\U0001f4d6" * limit  # four bytes each
    assert told(uploader.post("series", {**body, field: f" {longest} "}), 201)[field] == longest
    assert fields(uploader.post("series", {**body, field: longest + "x"})) == [field]


@pytest.mark.parametrize(
    ("field", "limit", "one"),
    [("titles", 50, {"language": "en", "title": "A"}), ("teamIds", 10, "01a20846-fe00-7ece-bc0b-f87796bb3294")],
)
def test_lists_are_limited(site: Site, field: str, limit: int, one: Any) -> None:  # IN-11
    body = {"title": "A", "author": "B", field: [one] * (limit + 1)}
    assert fields(site.sign_up("uploader").post("series", body)) == [field]


@pytest.mark.parametrize("place", ["title", "author", "description"])
def test_a_nul_is_refused_at_the_door(any_site: Site, place: str) -> None:  # IN-02
    body = {"title": "A", "author": "B", place: "a\0b"}
    assert fields(any_site.sign_up("uploader").post("series", body)) == [place]


def test_absent_stays_and_null_clears(any_site: Site) -> None:  # IN-19
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series(description="Words", language="ja")
    path = f"series/{series['id']}"
    assert told(uploader.patch(path, {"author": "Other"}))["description"] == "Words"
    assert told(uploader.patch(path, {"description": None}))["description"] == ""
    assert fields(uploader.patch(path, {"title": None, "language": None})) == ["language", "title"]
    chapter = uploader.makes_chapter(series, 1, title="T", volume="2", label="L")
    path = f"chapters/{chapter['id']}"
    changed = told(uploader.patch(path, {"title": None}))
    assert (changed["title"], changed["volume"], changed["label"]) == (None, "2", "L")
    cleared = told(uploader.patch(path, {"volume": None, "label": None}))
    assert (cleared["volume"], cleared["label"], cleared["number"]) == (None, None, 1)
