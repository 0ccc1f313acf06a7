"""Payload format 1.0, of a REST API and of an HTTP API, to WSGI: recorded events, and what must not get through."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from roliascan.platforms.gateway import rest_api
from roliascan.platforms.gateway.wsgi import call
from tests.platforms import echoes, encoding, shapes
from tests.platforms.encoding import http_api_1_0_event, rest_event
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Request


def echoed(event: Any, base_path: str = "") -> dict[str, Any]:
    """What reaches an app behind the adapter."""
    environ = rest_api.to_environ(event, base_path)
    return shapes.told(encoding.of_format_1_0(rest_api.from_answer(call(echoes.app, environ))))


def mounted(event: Any, base_path: str = "") -> tuple[str, str]:
    told = echoed(event, base_path)
    return told["SCRIPT_NAME"], told["PATH_INFO"]


def test_the_documented_event() -> None:
    environ = rest_api.to_environ(recorded("rest_api"))
    assert environ["REQUEST_METHOD"] == "POST"  # SC 1
    assert environ["SCRIPT_NAME"] == "/prod"  # SC 6
    assert environ["PATH_INFO"] == "/api/v1/series/café%41".encode().decode("latin-1")  # SC 2
    assert environ["REQUEST_URI"].startswith("/api/v1/series/caf%C3%A9%2541?q=a&q=")  # SC 2
    assert parse_qs(environ["QUERY_STRING"]) == {"q": ["a", "漫画"], "a b": ["c&d=e+f"]}  # SC 11
    assert environ["HTTP_COOKIE"] == "cookie1=one; cookie2=two"  # SC 14
    assert environ["HTTP_ACCEPT"] == "application/json, text/html"  # SC 15
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == "15"  # SC 19
    assert environ["wsgi.input"].read() == '{"title":"叔"}'.encode()  # SC 17
    assert environ["REMOTE_ADDR"] == "192.0.2.1"  # SC 21
    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == ("https", "443")  # SC 22
    assert environ["HTTP_HOST"] == environ["SERVER_NAME"] == "id.execute-api.us-east-1.amazonaws.com"  # SC 22
    assert not [value for value in environ.values() if "forged" in str(value)]  # SC 21, SC 22, SC 25


def test_an_http_api_decodes_the_path_and_keeps_its_stage() -> None:  # SC 3, SC 6
    environ = rest_api.to_environ(recorded("http_api_1_0"))
    assert environ["SCRIPT_NAME"] == "/dev"
    assert environ["PATH_INFO"] == "/api/v1/series/café%41".encode().decode("latin-1")
    assert "REQUEST_URI" not in environ
    assert environ["QUERY_STRING"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert environ["HTTP_COOKIE"] == "cookie1=one; cookie2=two"  # SC 14
    assert environ["REMOTE_ADDR"] == "192.0.2.1"  # SC 21


def test_nulls_of_the_console() -> None:  # SC 13
    told = echoed(recorded("rest_api_console_test"))
    assert (told["SCRIPT_NAME"], told["PATH_INFO"], told["QUERY_STRING"]) == ("", "/health", "")
    assert (told["body"], told["REMOTE_ADDR"]) == ("", "")
    assert "CONTENT_LENGTH" not in told


@pytest.mark.parametrize("empty", [None, {}])
def test_lists_that_are_missing(empty: Any) -> None:  # SC 13
    event = recorded("rest_api") | {"multiValueHeaders": empty, "multiValueQueryStringParameters": empty}
    told = echoed(event)
    assert (told["HTTP_ACCEPT"], told["HTTP_COOKIE"]) == ("text/html", "cookie2=two")
    assert parse_qs(told["QUERY_STRING"]) == {"q": ["漫画"], "a b": ["c&d=e+f"]}


@pytest.mark.parametrize("path", ["//a", "/a//b", "/./a", "/a/../b", "/..", "/a/", "/", "/a;b=1", "/*"])
def test_paths_are_not_normalized(path: str) -> None:  # SC 5
    for event in (rest_event(Request("GET", path)), http_api_1_0_event(Request("GET", path))):
        assert echoed(event)["PATH_INFO"] == path


def test_a_path_that_begins_like_the_stage_keeps_all_of_itself() -> None:  # SC 6
    """A REST API's stage is not in its path: what looks like it is the app's own."""
    assert mounted(rest_event(Request("GET", "/api/v1/series"), stage="api")) == ("/api", "/api/v1/series")
    assert mounted(http_api_1_0_event(Request("GET", "/api/v1/series"), stage="api")) == ("/api", "/api/v1/series")
    assert mounted(http_api_1_0_event(Request("GET", "/production"), stage="prod")) == ("/prod", "/production")
    event = http_api_1_0_event(Request("GET", "/"))
    event["path"], event["requestContext"]["stage"] = "/production/a", "prod"
    assert mounted(event) == ("", "/production/a")


@pytest.mark.parametrize("path", ["/comics/a", "/comics", "/comicsans"])
def test_a_custom_domains_mapping_is_cut_off_as_a_segment(path: str) -> None:  # SC 7, SC 8
    expected = {"/comics/a": ("/comics", "/a"), "/comics": ("/comics", "/"), "/comicsans": ("", "/comicsans")}[path]
    event = rest_event(Request("GET", ""), base="/comics")
    event["path"] = event["requestContext"]["path"] = path
    assert mounted(event, "/comics") == expected
    event = http_api_1_0_event(Request("GET", ""), stage="prod", base="/comics")
    event["path"] = path
    assert mounted(event, "/comics") == expected


def test_a_mapping_that_is_called_as_a_route_is() -> None:  # SC 7
    request = Request("GET", "/api/v1/series")
    for event in (rest_event(request, base="/api"), http_api_1_0_event(request, stage="prod", base="/api")):
        assert mounted(event, "/api") == ("/api", "/api/v1/series")


def test_headers_that_differ_in_case_are_one() -> None:  # SC 15
    event = rest_event(Request("GET", "/", [("X-A", "1"), ("x-a", "2"), ("X-A", "3")]))
    assert echoed(event)["HTTP_X_A"] == "1, 3, 2"
