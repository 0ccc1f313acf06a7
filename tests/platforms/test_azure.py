"""Azure Functions: Microsoft's library in front, its response encoder behind. The host itself does not run here."""

import gzip
import json
from typing import Any
from urllib.parse import quote

import azure.functions as func
import pytest

from roliascan.platforms import azure_functions
from roliascan.platforms.gateway import azure
from roliascan.platforms.gateway.azure import CookieLost
from roliascan.platforms.gateway.wsgi import Answer, Malformed, NotWsgi
from roliascan.web.routes import ROUTES
from tests.platforms import echoes, shapes
from tests.platforms.shapes import Reply, Request, azure_request


class Context:
    invocation_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"


web = azure_functions.function_of(lambda: echoes.app)


def reply(request: func.HttpRequest) -> Reply:
    return shapes.of_azure(web(request, Context()))  # type: ignore[arg-type]


def echoed(request: Request, **options: str) -> dict[str, Any]:
    return shapes.told(reply(azure_request(request, **options)))


def test_a_request() -> None:
    told = echoed(
        Request("PATCH", "/api/v1/series/caf%C3%A9%2541?q=a%20b&q=c", {"Content-Type": "application/json"}, b"{}")
    )
    assert told["REQUEST_METHOD"] == "PATCH"  # SC 1
    assert told["PATH_INFO"] == "/api/v1/series/café%41".encode().decode("latin-1")  # SC 2
    assert told["QUERY_STRING"] == "q=a%20b&q=c"  # SC 10
    assert (told["CONTENT_TYPE"], told["CONTENT_LENGTH"], told["body"]) == ("application/json", "2", "{}")  # SC 19
    assert (told["wsgi.url_scheme"], told["HTTP_HOST"], told["SERVER_PORT"]) == ("https", "comics.example", "443")
    assert told["roliascan.request_id"] == Context.invocation_id  # SC 24
    assert told["SCRIPT_NAME"] == ""
    assert told["REQUEST_URI"] == "/api/v1/series/caf%C3%A9%2541?q=a%20b&q=c"  # SC 2


def test_nothing_of_ours_lives_where_the_host_does() -> None:  # SC 9
    assert not [route for route in ROUTES if route.path.lower().startswith(("/admin", "/runtime"))]


def test_the_client_is_the_last_that_was_forwarded() -> None:  # SC 21, SC 23
    told = echoed(Request("GET", "/", {"X-Forwarded-For": "6.6.6.6"}), client="203.0.113.9")
    assert told["roliascan.client"] == told["REMOTE_ADDR"] == "203.0.113.9"
    assert echoed(Request("GET", "/"), client="2001:db8::1")["REMOTE_ADDR"] == "2001:db8::1"
    behind = azure_request(Request("GET", "/", {"X-Forwarded-For": "6.6.6.6, 198.51.100.9"}))
    assert azure.to_environ(behind, 1)["REMOTE_ADDR"] == "198.51.100.9"
    unknown = func.HttpRequest("GET", "https://comics.example/", headers={}, body=b"")
    assert shapes.told(reply(unknown))["roliascan.client"] == ""


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Original-URL", "roliascan.client", "X-MS-CLIENT-PRINCIPAL", "A_B"]
)
def test_a_header_that_is_not_passed_on(name: str) -> None:  # SC 22, SC 25
    assert "forged" not in echoed(Request("GET", "/", {name: "forged"})).values()


@pytest.mark.parametrize(
    ("prefix", "target", "mounted"),
    [
        ("", "/api/v1/series", ("", "/api/v1/series")),
        ("/api", "/v1/series", ("/api", "/v1/series")),
        ("/api", "/", ("/api", "/")),
        ("/api", "", ("/api", "/")),  # SC 8
        ("/api", "/a%20b%2Fc", ("/api", "/a b/c")),
        ("/api", "/api/api", ("/api", "/api/api")),
        ("", "/", ("", "/")),
    ],
)
def test_a_route_prefix_is_mounted(prefix: str, target: str, mounted: tuple[str, str]) -> None:  # SC 9
    told = echoed(Request("GET", target), prefix=prefix)
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == mounted


@pytest.mark.parametrize("path", ["//a", "/a//b", "/./a", "/a/../b", "/..", "/a/"])
def test_paths_are_not_normalized(path: str) -> None:  # SC 5
    request = func.HttpRequest("GET", f"https://comics.example{path}", headers={}, body=b"")
    assert shapes.told(reply(request))["PATH_INFO"] == path


@pytest.mark.parametrize("url", ["", "/a", "ftp://x/", "https://x:y/", "https://x/#a"])
def test_a_malformed_url_is_named_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = func.HttpRequest("GET", url, headers={}, body=b"")
    with pytest.raises(Malformed):
        azure.to_environ(request)
    answer = reply(request)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    line, told = json.loads(capsys.readouterr().out), json.loads(answer.body)
    assert (line["event"], line["code"], line["requestId"]) == ("malformed_request", told["code"], told["requestId"])


def test_every_cookie_is_carried() -> None:  # SC 31
    answer = reply(azure_request(Request("GET", "/cookies")))
    sent = ["seen=1; Path=/; Secure", "token=abc.d-e_f; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"]
    assert shapes.alike(answer.cookies) == shapes.alike(sent)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie",
    [
        "a=1; Path=/; Partitioned",
        "__Host-a=1; Path=/; Secure",
        "a=b c; Path=/",
        "a",
        'a="x"',
        "a=1; Priority=High",
        "a[=1",
    ],
)
def test_a_cookie_that_would_be_lost_is_refused(cookie: str) -> None:  # SC 31
    with pytest.raises(CookieLost, match="cannot carry"):
        azure.from_answer(Answer(200, [("set-cookie", cookie)], b""))


def test_a_cookie_that_is_taken_back_is_carried() -> None:  # SC 31
    cookie = 'token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; SameSite=Lax'
    assert azure.from_answer(Answer(200, [("set-cookie", cookie)], b""))[1] == [("set-cookie", cookie)]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_no_body_and_no_content_type_where_there_is_none(status: str) -> None:  # SC 33, SC 37
    answer = reply(azure_request(Request("GET", f"/empty?status={quote(status)}")))
    assert answer == Reply(int(status[:3]), {"etag": '"1"', "vary": "accept, origin"}, [], b"")


def test_the_length_of_head_is_kept() -> None:  # SC 33
    answer = reply(azure_request(Request("HEAD", "/text?size=7")))
    assert (answer.headers["content-length"], answer.body) == ("7", b"")
    assert azure.from_answer(Answer(200, [], b"body"), method="HEAD") == (200, [], b"")
    assert azure.from_answer(Answer(204, [], b"body")) == (204, [], b"")


def test_repeated_headers() -> None:  # SC 36, SC 37
    headers = [("Vary", "a"), ("vary", "b"), ("Connection", "close"), ("x-latin", "café")]
    assert azure.from_answer(Answer(200, headers, b""))[1] == [("vary", "a, b"), ("x-latin", "café")]
    with pytest.raises(NotWsgi):
        azure.from_answer(Answer(200, [("location", "/a"), ("Location", "/b")], b""))


def test_compressed_bodies_pass_as_they_are() -> None:  # SC 35
    packed = gzip.compress(b"a" * 100)
    assert azure.from_answer(Answer(200, [("content-encoding", "gzip")], packed))[2] == packed


def test_a_crash_is_a_problem_without_its_reason(capsys: pytest.CaptureFixture[str]) -> None:  # SC 40
    answer = reply(azure_request(Request("GET", "/crash")))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert Context.invocation_id.encode() in answer.body
    assert b"secret" not in answer.body
    assert "RuntimeError" in (log := capsys.readouterr().out)
    assert "secret" not in log


def trigger_of(name: str, made: func.FunctionApp) -> Any:
    """As the worker sees it, which asks an app once."""
    trigger = {one.get_function_name(): one for one in made.get_functions()}[name].get_trigger()
    assert trigger is not None
    return trigger.get_dict_repr()


def test_the_function_takes_every_address_and_method_without_keys() -> None:
    told = trigger_of("web", azure_functions.app)
    assert told["route"] == "{*path}"
    assert {str(method) for method in told["methods"]} >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert told["authLevel"] is func.AuthLevel.ANONYMOUS


@pytest.mark.parametrize(("given", "taken"), [("", "0 0 * * * *"), ("0 */5 * * * *", "0 */5 * * * *")])
def test_a_timer_sweeps(given: str, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP", given)
    told = trigger_of("sweep", azure_functions.app_of(azure_functions.function_of(lambda: echoes.app)))
    assert (str(told["type"]), told["schedule"], told["name"]) == ("timerTrigger", taken, "timer")
