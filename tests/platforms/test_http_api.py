"""Payload format 2.0, of an HTTP API and of a function URL, to WSGI: recorded events, and what must not get through."""

from typing import Any

import pytest

from roliascan.platforms.gateway import http_api
from roliascan.platforms.gateway.wsgi import Malformed, call
from tests.platforms import echoes, shapes
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Request, function_url_event, http_api_event


def echoed(event: Any, base_path: str = "") -> dict[str, Any]:
    """What reaches an app behind the adapter."""
    environ = http_api.to_environ(event, base_path)
    return shapes.told(shapes.of_lambda(http_api.from_answer(call(echoes.app, environ))))


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
    assert echoed(http_api_event(Request("GET", path)))["PATH_INFO"] == path


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
    [("/comics/a", ("/comics", "/a")), ("/comicsans", ("", "/comicsans")), ("/comics", ("/comics", "/"))],
)
def test_a_base_path_is_cut_off_as_a_segment(path: str, mounted: tuple[str, str]) -> None:  # SC 7, SC 8
    for event in (http_api_event(Request("GET", path)), function_url_event(Request("GET", path))):
        told = echoed(event, base_path="/comics")
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == mounted


def test_a_mapping_is_not_in_the_path() -> None:  # SC 7
    """An HTTP API leaves it out, so that a path which begins alike keeps all of itself."""
    event = http_api_event(Request("GET", "/api/v1/series"), stage="prod")
    event["requestContext"]["domainName"] = "comics.example"
    told = echoed(event, base_path="/api")
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/api", "/api/v1/series")


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
