"""The Lambda handler in AWS's own runtime client under AWS's emulator. One request at a time; no gateway in front."""

import json
import urllib.error
from collections.abc import Callable
from typing import Any

import pytest

from roliascan.platforms.gateway.proxy import LIMIT
from tests.platforms import clients, shapes
from tests.platforms.encoding import FORMS
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Reply, Request, http_api_event

Send = Callable[[Any], Any]


@pytest.fixture(scope="module")
def invoke(start_lambda: Callable[..., str]) -> Send:
    function = start_lambda("tests.platforms.echo_lambda.handler", timeout=10)
    return lambda event: clients.invoke(function, event)


def reply(invoke: Send, request: Request) -> Reply:
    return shapes.of_lambda(invoke(http_api_event(request)))


@pytest.mark.parametrize("form", FORMS)
def test_a_request(form: str, invoke: Send) -> None:
    request = Request("POST", "/a%20b?q=1", {"Content-Type": "image/png"}, b"\x89PNG")
    told = shapes.told(FORMS[form].decode(invoke(FORMS[form].encode(request))))
    assert (told["REQUEST_METHOD"], told["PATH_INFO"], told["QUERY_STRING"]) == ("POST", "/a b", "q=1")
    assert told["body"].encode("latin-1") == b"\x89PNG"
    assert told["roliascan.client"] == "203.0.113.9"  # SC 21


def test_lambdas_own_request_id(invoke: Send) -> None:  # SC 24
    assert len(shapes.told(shapes.of_lambda(invoke(recorded("http_api_console_test"))))["roliascan.request_id"]) == 36


def test_binary_bodies_arrive(invoke: Send) -> None:  # SC 34
    answer = reply(invoke, Request("GET", "/text?type=image/png&size=1000"))
    assert (answer.headers["content-type"], answer.body) == ("image/png", b"a" * 1000)


def test_cookies(invoke: Send) -> None:  # SC 29
    assert [cookie.partition("=")[0] for cookie in reply(invoke, Request("GET", "/cookies")).cookies] == [
        "seen",
        "token",
    ]


@pytest.mark.parametrize("name", ["lattice_1", "lattice_2", "s3", "websocket"])
def test_an_event_of_another_kind_is_refused_readably(name: str, invoke: Send) -> None:  # SC 26, SC 27
    told = invoke(recorded(name)) | {"isBase64Encoded": False}
    answer = shapes.of_lambda(told)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(answer.body)["code"] == "unknown_event"


@pytest.mark.parametrize("event", [None, [], "a", 5, {}, {"requestContext": None}])
def test_any_json_is_answered(event: Any, invoke: Send) -> None:  # SC 26
    assert invoke(event)["statusCode"] == 400


def test_a_ping_builds_the_app_and_is_no_request(invoke: Send) -> None:  # SC 26
    assert invoke({"warmup": True}) == {"warm": True}


@pytest.mark.parametrize("name", ["schedule", "scheduler"])
def test_a_schedule_sweeps(name: str, invoke: Send) -> None:  # SC 26
    (seconds,) = invoke(recorded(name)).values()
    assert 0 < seconds <= 5  # of the 10 that the function has, 5 are kept


def test_malformed_base64(invoke: Send) -> None:  # SC 18
    event = http_api_event(Request("POST", "/")) | {"body": "%", "isBase64Encoded": True}
    answer = shapes.of_lambda(invoke(event))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "malformed_event")


def test_a_crash(invoke: Send) -> None:  # SC 40
    answer = reply(invoke, Request("GET", "/crash"))
    assert (answer.status, json.loads(answer.body)["requestId"]) == (500, "JKJaXmPLvHcESHA=")
    assert b"secret" not in answer.body
    assert b"echoes" not in answer.body


def test_a_break_in_the_middle_is_a_crash_too(invoke: Send) -> None:  # SC 40
    assert reply(invoke, Request("GET", "/cut")).status == 500


def test_a_larger_answer_than_passes_is_refused(invoke: Send) -> None:  # SC 38
    for size, status in ((LIMIT - 300, 200), (LIMIT, 413)):
        assert reply(invoke, Request("GET", f"/text?size={size}")).status == status


def test_the_limit_is_the_emulators(start_lambda: Callable[..., str]) -> None:
    """Without our guard the emulator itself refuses one byte more; that is how the number is known."""
    function = start_lambda("tests.platforms.echo_lambda.unguarded")
    assert clients.invoke(function, {"size": LIMIT}) == "a" * (LIMIT - 2)
    with pytest.raises(urllib.error.HTTPError) as refused:
        clients.invoke(function, {"size": LIMIT + 1})
    with refused.value as answer:
        assert json.loads(answer.read())["errorType"] == "Function.ResponseSizeTooLarge"
