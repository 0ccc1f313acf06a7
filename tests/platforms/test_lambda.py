"""The Lambda handler in AWS's own runtime client under AWS's emulator. One request at a time; no gateway in front."""

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway.http_api import LIMIT
from tests.platforms import clients, echoes, shapes
from tests.platforms.shapes import Reply, Request, http_api_event

EVENTS = Path(__file__).with_name("events")
Send = Callable[[Any], Any]


@pytest.fixture(scope="module")
def invoke(start_lambda: Callable[..., str]) -> Send:
    function = start_lambda("tests.platforms.echo_lambda.handler")
    return lambda event: clients.invoke(function, event)


def reply(invoke: Send, request: Request) -> Reply:
    return shapes.of_lambda(invoke(http_api_event(request)))


def test_a_request(invoke: Send) -> None:
    told = shapes.told(reply(invoke, Request("POST", "/a%20b?q=1", {"Content-Type": "image/png"}, b"\x89PNG")))
    assert (told["REQUEST_METHOD"], told["PATH_INFO"], told["QUERY_STRING"]) == ("POST", "/a b", "q=1")
    assert told["body"].encode("latin-1") == b"\x89PNG"
    assert told["roliascan.client"] == "203.0.113.9"  # SC 21
    assert told["roliascan.request_id"] == "JKJaXmPLvHcESHA="  # SC 24


def test_lambdas_own_request_id(invoke: Send) -> None:  # SC 24
    event = json.loads((EVENTS / "http_api_console_test.json").read_text())
    assert len(shapes.told(shapes.of_lambda(invoke(event)))["roliascan.request_id"]) == 36


def test_binary_bodies_arrive(invoke: Send) -> None:  # SC 34
    answer = reply(invoke, Request("GET", "/text?type=image/png&size=1000"))
    assert (answer.headers["content-type"], answer.body) == ("image/png", b"a" * 1000)


def test_cookies(invoke: Send) -> None:  # SC 29
    assert [cookie.partition("=")[0] for cookie in reply(invoke, Request("GET", "/cookies")).cookies] == [
        "seen",
        "token",
    ]


@pytest.mark.parametrize("name", ["rest_api", "alb", "s3"])
def test_an_event_of_another_kind_is_refused_readably(name: str, invoke: Send) -> None:  # SC 26
    answer = shapes.of_lambda(invoke(json.loads((EVENTS / f"{name}.json").read_text())))
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(answer.body)["code"] == "unknown_event"


@pytest.mark.parametrize("event", [None, [], "a", 5, {}, {"requestContext": None}])
def test_any_json_is_answered(event: Any, invoke: Send) -> None:  # SC 26
    assert invoke(event)["statusCode"] == 400


@pytest.mark.parametrize("event", [{"warmup": True}, json.loads((EVENTS / "schedule.json").read_text())])
def test_a_warm_up_is_no_request(event: Any, invoke: Send) -> None:  # SC 26
    assert invoke(event) == {"warm": True}


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


def envelope(size: int, kind: str) -> int:
    """Bytes of the answer with `size` letters, as the runtime writes it."""
    told = handler_of(lambda: echoes.app)(http_api_event(Request("GET", f"/text?type={kind}&size={size}")), None)
    assert told["statusCode"] == 200
    return len(json.dumps(told))


@pytest.mark.parametrize(("kind", "step"), [("text/plain", 1), ("image/png", 3)])
def test_answers_up_to_the_limit_pass_and_larger_ones_are_refused(kind: str, step: int, invoke: Send) -> None:  # SC 38
    per_step = 1 if step == 1 else 4
    small = envelope(3_000_000, kind)
    fitting = 3_000_000 + (LIMIT - small) // per_step * step
    for size in (fitting - step, fitting):
        answer = reply(invoke, Request("GET", f"/text?type={kind}&size={size}"))
        assert (answer.status, answer.body) == (200, b"a" * size)
    refused = reply(invoke, Request("GET", f"/text?type={kind}&size={fitting + step}"))
    assert refused.status == 413
    assert b"/api/v1/uploads" in refused.body


def test_the_limit_is_the_emulators(start_lambda: Callable[..., str]) -> None:
    """Without our guard the emulator itself refuses one byte more; that is how the number is known."""
    function = start_lambda("tests.platforms.echo_lambda.unguarded")
    assert clients.invoke(function, {"size": LIMIT}) == "a" * (LIMIT - 2)
    with pytest.raises(urllib.error.HTTPError) as refused:
        clients.invoke(function, {"size": LIMIT + 1})
    with refused.value as answer:
        assert json.loads(answer.read())["errorType"] == "Function.ResponseSizeTooLarge"
