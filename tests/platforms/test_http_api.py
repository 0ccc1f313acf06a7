"""Payload format 2.0 to WSGI and back: recorded events, and round trips."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roliascan.platforms.gateway import http_api
from roliascan.platforms.gateway.wsgi import Answer, Malformed, NotWsgi, call
from tests.platforms import echoes, shapes
from tests.platforms.shapes import Request, function_url_event, http_api_event

EVENTS = Path(__file__).with_name("events")


def recorded(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def echoed(event: Any, **options: str) -> dict[str, Any]:
    """What reaches an app behind the adapter."""
    environ = http_api.to_environ(event, **options)
    return shapes.told(shapes.of_lambda(http_api.from_answer(call(echoes.app, environ))))


def sent(headers: list[tuple[str, str]], body: bytes = b"", status: int = 200, method: str = "GET") -> dict[str, Any]:
    return http_api.from_answer(Answer(status, headers, body), method=method)


# Event to request


def test_the_documented_event() -> None:
    environ = http_api.to_environ(recorded("http_api"))
    assert environ["REQUEST_METHOD"] == "POST"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/my/path")
    assert environ["QUERY_STRING"] == "parameter1=value1&parameter1=value2&parameter2=value"  # SC 10
    assert environ["HTTP_COOKIE"] == "cookie1=one; cookie2=two"  # SC 14
    assert environ["HTTP_HEADER2"] == "value1,value2"  # SC 15
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == str(len('{"title":"Zażółć 漫画"}'.encode()))  # SC 19
    assert environ["wsgi.input"].read() == '{"title":"Zażółć 漫画"}'.encode()  # SC 17
    assert environ["REMOTE_ADDR"] == "192.0.2.1"  # SC 21
    assert environ["wsgi.url_scheme"] == "https"  # SC 22
    assert environ["HTTP_HOST"] == environ["SERVER_NAME"] == "id.execute-api.us-east-1.amazonaws.com"  # SC 22
    assert environ["HTTP_X_AMZN_TRACE_ID"].startswith("Root=")


def test_nothing_forged_arrives() -> None:  # SC 21, SC 22, SC 25
    forged = {
        name: value for name, value in http_api.to_environ(recorded("http_api")).items() if "forged" in str(value)
    }
    assert not forged
    assert not any(name.startswith("HTTP_X_FORWARDED") for name in http_api.to_environ(recorded("http_api")))


@pytest.mark.parametrize(
    "name",
    ["X_Forwarded_For", "roliascan.client", "roliascan_request_id", "X-Amzn-Lambda-Context", "Forwarded", "Proxy",
     "X-Real-IP", "Transfer-Encoding", "Connection", "wsgi.input", "X Y", "X:Y", "é", ""],
)  # fmt: skip
def test_a_header_that_is_not_passed_on(name: str) -> None:  # SC 25
    event = http_api_event(Request("GET", "/"))
    event["headers"][name] = "forged"
    assert "forged" not in [str(value) for value in http_api.to_environ(event).values()]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST"])
def test_methods(method: str) -> None:  # SC 1
    assert http_api.to_environ(http_api_event(Request(method, "/a")))["REQUEST_METHOD"] == method


def test_nulls_of_the_console() -> None:  # SC 13
    told = echoed(recorded("http_api_console_test"))
    assert (told["PATH_INFO"], told["QUERY_STRING"], told["body"]) == ("/health", "", "")
    assert "CONTENT_LENGTH" not in told


def test_a_decoded_path_is_not_decoded_again() -> None:  # SC 3
    assert echoed(http_api_event(Request("GET", "/a%2541%252F")))["PATH_INFO"] == "/a%41%2F"


def test_a_decoded_question_mark_makes_no_query() -> None:  # SC 4
    told = echoed(recorded("http_api_decoded_question_mark"))
    assert told["PATH_INFO"] == "/api/v1/series/a?limit=100&x=%41"
    assert told["QUERY_STRING"] == "limit=2"


def test_a_function_url_is_decoded_once() -> None:  # SC 2
    environ = http_api.to_environ(recorded("function_url"))
    assert environ["PATH_INFO"] == "/api/v1/series/café%41/x".encode().decode("latin-1")
    assert environ["QUERY_STRING"] == "q=%E6%BC%AB%E7%94%BB&q=b"
    assert environ["REMOTE_ADDR"] == "2001:db8::7"  # SC 23
    assert environ["HTTP_COOKIE"] == "token=abc"


@pytest.mark.parametrize("path", ["//a", "/a//b", "/./a", "/a/../b", "/..", "/a/", "/", "/a;b=1", "/*"])
def test_paths_are_not_normalized(path: str) -> None:  # SC 5
    assert echoed(http_api_event(Request("GET", "http://x" + path)))["PATH_INFO"] == path


@pytest.mark.parametrize(
    ("stage", "path", "mounted"),
    [
        ("prod", "/prod/a", ("/prod", "/a")),
        ("prod", "/prod", ("/prod", "/")),  # SC 8
        ("prod", "/production/a", ("", "/production/a")),
        ("prod", "/a/prod", ("", "/a/prod")),
        ("$default", "/$default/a", ("", "/$default/a")),
    ],
)
def test_the_stage_is_cut_off_as_a_segment(stage: str, path: str, mounted: tuple[str, str]) -> None:  # SC 6
    event = http_api_event(Request("GET", "/"))
    event["rawPath"], event["requestContext"]["stage"] = path, stage
    told = echoed(event)
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == mounted


@pytest.mark.parametrize(
    ("path", "mounted"),
    [("/api/a", ("/api", "/a")), ("/apiary", ("", "/apiary")), ("/api", ("/api", "/")), ("/api/", ("/api", "/"))],
)
def test_a_base_path_is_cut_off_as_a_segment(path: str, mounted: tuple[str, str]) -> None:  # SC 7, SC 8
    for event in (http_api_event(Request("GET", path)), function_url_event(Request("GET", path))):
        told = echoed(event, base_path="/api")
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == mounted


def test_header_values_are_native_strings() -> None:  # SC 16
    told = echoed(http_api_event(Request("GET", "/", {"X-Latin": "café", "X-Wide": "漫画"})))
    assert told["HTTP_X_LATIN"] == "café"
    assert told["HTTP_X_WIDE"].encode("latin-1").decode() == "漫画"


@pytest.mark.parametrize(
    "change",
    [
        {"body": "%%%", "isBase64Encoded": True},  # SC 18
        {"body": "YQ", "isBase64Encoded": True},  # SC 18
        {"body": "\ud800"},
        {"body": 5},
        {"rawPath": None},
        {"rawPath": "/\ud800"},
        {"headers": ["a"]},
        {"headers": {"a": 5}},
        {"cookies": [1]},
        {"requestContext": {"http": {}}},
        {"requestContext": {"http": {"method": 5}}},
    ],
)
def test_a_malformed_event_is_named_so(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        http_api.to_environ(http_api_event(Request("POST", "/")) | change)


def test_an_event_stays_as_it_is() -> None:  # SC 28
    for file in EVENTS.glob("*.json"):
        event = json.loads(file.read_text())
        before = copy.deepcopy(event)
        if http_api.shape(event) == "request":
            http_api.request_id(None, event)
            http_api.to_environ(event)
        assert event == before


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        ("http_api", "request"),
        ("http_api_console_test", "request"),
        ("function_url", "request"),
        ("schedule", "warm-up"),
        ("rest_api", "unknown"),
        ("alb", "unknown"),
        ("s3", "unknown"),
    ],
)
def test_every_event_has_a_shape(event: str, shape: str) -> None:  # SC 26
    assert http_api.shape(recorded(event)) == shape


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
PARTS = ["version", "rawPath", "rawQueryString", "headers", "cookies", "body", "isBase64Encoded", "requestContext"]


@given(JSON | st.dictionaries(st.sampled_from([*PARTS, "warmup", "source"]), JSON | st.just("2.0")))
def test_shapes_are_total(event: Any) -> None:  # SC 26
    assert http_api.shape(event) in ("request", "warm-up", "unknown")


@given(st.dictionaries(st.sampled_from(PARTS), JSON), st.dictionaries(st.sampled_from(["http", "stage"]), JSON))
def test_any_event_becomes_a_request_or_is_malformed(change: dict[str, Any], context: dict[str, Any]) -> None:  # IN-17
    event = http_api_event(Request("POST", "/"))
    event.update(change)
    if isinstance(event["requestContext"], dict):
        event["requestContext"].update(context)
    try:
        environ = http_api.to_environ(event)
    except Malformed:
        return
    assert isinstance(environ["PATH_INFO"], str)


def test_request_ids() -> None:  # SC 24
    event = http_api_event(Request("GET", "/"))

    class Context:
        aws_request_id = "79104EXAMPLEB723"

    assert http_api.request_id(Context(), event) == "JKJaXmPLvHcESHA="
    event["requestContext"]["requestId"] = "two\nlines"
    assert http_api.request_id(Context(), event) == "79104EXAMPLEB723"
    assert http_api.request_id(None) == ""


# Round trips: what a client sends, passed on as the platform does, is what the app gets. IN-17

SEGMENT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
TOKEN = st.text(st.sampled_from("abcxyz019-"), min_size=1, max_size=8)
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=12).map(str.strip)
QUERY = st.text(st.sampled_from("abc=&%20+;?/"), max_size=12)


@given(
    segments=st.lists(SEGMENT, max_size=3),
    query=QUERY,
    headers=st.dictionaries(TOKEN.map(lambda name: f"x-{name}"), VALUE, max_size=4),
    body=st.binary(max_size=64),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    kind=st.sampled_from(["application/octet-stream", "image/png", "multipart/form-data; boundary=x"]),
)
def test_a_request_arrives_as_it_was_sent(
    segments: list[str], query: str, headers: dict[str, str], body: bytes, method: str, kind: str
) -> None:
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    request = Request(method, f"{path}?{query}", {"Content-Type": kind, **headers}, body)
    for event in (http_api_event(request), function_url_event(request)):
        told = echoed(event)
        assert told["REQUEST_METHOD"] == method
        assert told["PATH_INFO"].encode("latin-1").decode() == "/" + "/".join(segments)  # SC 2, SC 3
        assert told["QUERY_STRING"] == query  # SC 10
        assert told["CONTENT_TYPE"] == kind
        assert told["body"].encode("latin-1") == body  # SC 17
        for name, value in headers.items():
            assert told["HTTP_" + name.upper().replace("-", "_")] == value


# Answer to event


def test_every_cookie_is_sent() -> None:  # SC 29
    told = http_api.from_answer(call(echoes.app, http_api.to_environ(http_api_event(Request("GET", "/cookies")))))
    assert told["cookies"][0].startswith("token=")
    assert told["cookies"][1].startswith("seen=")
    assert "set-cookie" not in told["headers"]


def test_latin_1_values_are_sent() -> None:  # SC 32
    assert sent([("X-A", "café")])["headers"] == {"x-a": "café"}


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD"), (404, "HEAD")])
def test_no_body_where_http_has_none(status: int, method: str) -> None:  # SC 33
    told = sent([("content-length", "5")], b"hello", status, method)
    assert (told["body"], told["isBase64Encoded"]) == ("", False)
    assert told["headers"] == {"content-length": "5"}  # no content type that nobody said


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json", b'{"a":1}', False),
        ("application/problem+json", b"{}", False),
        ("application/vnd.api+json; charset=utf-8", b"{}", False),
        ("text/html; charset=utf-8", "漫画".encode(), False),
        ("image/svg+xml", b"<svg/>", False),
        ("application/xml", b"<a/>", False),
        ("text/plain", b"\xff\xfe", True),
        ("image/png", b"\x89PNG", True),
        ("application/jsonsomething", b"x", True),
        ("", b"x", True),
    ],
)
def test_what_is_sent_as_base64(kind: str, body: bytes, encoded: bool) -> None:  # SC 34
    told = sent([("content-type", kind)], body)
    assert told["isBase64Encoded"] is encoded
    assert shapes.of_lambda(told).body == body


@given(st.binary(max_size=200))
def test_compressed_text_passes_as_it_is(body: bytes) -> None:  # SC 35
    for packed, coding in ((gzip.compress(body), "gzip"), (b"like text", "br")):
        told = sent([("content-type", "application/json"), ("content-encoding", coding)], packed)
        assert told["isBase64Encoded"]
        assert shapes.of_lambda(told).body == packed


def test_what_concerns_one_connection_stays() -> None:  # SC 36
    hops = [("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Keep-Alive", "5"), ("Upgrade", "h2")]
    assert sent([*hops, ("x-a", "1")])["headers"] == {"x-a": "1"}


def test_lists_are_joined_and_single_headers_are_not() -> None:  # SC 37
    told = sent(
        [("Vary", "accept"), ("vary", "origin"), ("Link", "<a>"), ("Link", "<b>"), ("WWW-Authenticate", "Bearer")]
    )
    assert told["headers"] == {"vary": "accept, origin", "link": "<a>, <b>", "www-authenticate": "Bearer"}
    with pytest.raises(NotWsgi):
        sent([("content-type", "a/b"), ("Content-Type", "c/d")])


@pytest.mark.parametrize("character", ["a", "\n", "\x01", "é", "漫", "😀", '"'])
@pytest.mark.parametrize("size", [50, 99, 100, 101, 600, 1201])
def test_the_measure_is_never_too_small(character: str, size: int) -> None:  # SC 38
    told = sent([("content-type", "text/plain"), ("x-a", "é")], (character * size).encode())
    real = max(len(json.dumps(told)), len(json.dumps(told, ensure_ascii=False).encode()))
    for limit in (real - 1, real, real + 1):
        assert not http_api.fits(told, limit) or real <= limit
    if character != "é" and character.isascii():
        assert http_api.fits(told, len(json.dumps(told)))
        assert not http_api.fits(told, len(json.dumps(told)) - 1)
