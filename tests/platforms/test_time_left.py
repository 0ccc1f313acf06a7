"""503 with Retry-After before the platform cuts: from the server's time limit, and at the last from an alarm."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.platforms import alarms, requests
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway.wsgi import call
from roliascan.settings import Settings
from tests.database import bare
from tests.database.kinds import on_postgresql
from tests.platforms import clients, echoes, shapes
from tests.platforms.shapes import Reply, Request, http_api_event

SECRET = "0123456789abcdef0123456789abcdef"
LIST = Request("GET", "/api/v1/series")


class Context:
    """What Lambda tells a function of the invocation."""

    aws_request_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - time.monotonic()) * 1000)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Nobody can read a series meanwhile."""
    with bare.cursor(url) as other:
        other.execute("BEGIN; LOCK TABLE series IN ACCESS EXCLUSIVE MODE")
        yield
        other.execute("ROLLBACK")


def environ_of(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "JWT_SECRET": SECRET, "STORAGE_URL": "memory:", "ALLOW_EPHEMERAL": "on"}


def refusal(reply: Reply) -> tuple[int, str]:
    problem = json.loads(reply.body)
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) > 0
    assert problem["requestId"] == reply.headers["x-request-id"]
    return reply.status, problem["code"]


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is kept of the time: from one limit to the next a busy machine may need seconds."""
    monkeypatch.setattr(requests, "MARGIN_S", 40)


@on_postgresql
@pytest.mark.usefixtures("generous")
def test_a_slow_statement_is_answered_before_lambda_cuts(database_url: str) -> None:  # SC 41, SL-06
    with closing(open_database(database_url, pool_size=1)) as db:
        app = create_app(Settings.from_environ(environ_of(database_url)), database=db)
        handler = handler_of(lambda: app)
        event = http_api_event(LIST)
        assert handler(event, Context(90))["statusCode"] == 200
        with locked(database_url):
            context = Context(41)
            assert refusal(shapes.of_lambda(handler(event, context))) == (503, "database_slow")
            assert 20_000 < context.get_remaining_time_in_millis() < 40_050
        assert handler(event, Context(90))["statusCode"] == 200
        assert refusal(shapes.of_lambda(handler(event, Context(39)))) == (503, "out_of_time")


@on_postgresql
def test_a_slow_statement_in_lambdas_runtime(database_url: str, start_lambda: Callable[..., str]) -> None:  # SC 41
    function = start_lambda("tests.platforms.generous_lambda.handler", environ_of(database_url), timeout=10)
    assert clients.invoke(function, {"warmup": True}) == {"warm": True}  # which has no deadline of its own
    event = http_api_event(LIST)
    assert clients.invoke(function, event)["statusCode"] == 200
    with locked(database_url):
        assert refusal(shapes.of_lambda(clients.invoke(function, event))) == (503, "database_slow")
    assert clients.invoke(function, event)["statusCode"] == 200


def test_an_app_that_never_answers_in_lambdas_runtime(start_lambda: Callable[..., str]) -> None:  # SC 41
    function = start_lambda("tests.platforms.generous_lambda.echo", timeout=4)
    for method, code in (("GET", "out_of_time"), ("POST", "outcome_unknown")):
        event = http_api_event(Request(method, "/slow?seconds=30"))
        assert refusal(shapes.of_lambda(clients.invoke(function, event))) == (503, code)
    assert shapes.of_lambda(clients.invoke(function, http_api_event(Request("GET", "/text")))).body == b"aaaaa"


@pytest.mark.usefixtures("generous")
def test_an_app_that_was_interrupted_is_not_used_again(capsys: pytest.CaptureFixture[str]) -> None:  # SC 41
    forgotten: list[str] = []
    handler = handler_of(lambda: echoes.app, forget=lambda: forgotten.append("app"))
    context = Context(22)
    handler(http_api_event(Request("GET", "/slow?seconds=0.1")), context)
    assert forgotten == []
    assert handler(http_api_event(Request("GET", "/slow?seconds=30")), context)["statusCode"] == 503
    assert 0 < context.get_remaining_time_in_millis() <= 20_000
    assert forgotten == ["app"]
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["level"], line["requestId"]) == ("out_of_time", "error", "JKJaXmPLvHcESHA=")
    assert line["code"] == "out_of_time"


def test_no_alarm_outlives_the_answer() -> None:  # SC 52
    handler = handler_of(lambda: echoes.app)
    for target in ("/text", "/crash", "/cut", "/slow?seconds=30"):
        handler(http_api_event(Request("GET", target)), Context(0.3))
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_is_caught_on_the_way_is_interrupted_all_the_same() -> None:
    def stubborn() -> str:
        while True:
            try:
                time.sleep(30)
            except Exception:  # as a verb might, for its own reasons
                continue

    assert alarms.in_time(stubborn, 0.05, late=lambda: "late") == "late"


@pytest.mark.parametrize("seconds", [0, -1])
def test_when_there_is_no_time_at_all_nothing_is_begun(seconds: float) -> None:
    begun: list[int] = []
    assert alarms.in_time(lambda: begun.append(1), seconds, late=lambda: None) is None
    assert begun == []


def test_other_threads_have_no_alarm() -> None:
    told: list[str] = []

    def act() -> str:
        return str(signal.getitimer(signal.ITIMER_REAL)[0])

    thread = threading.Thread(target=lambda: told.append(alarms.in_time(act, 5, late=lambda: "late")))
    thread.start()
    thread.join()
    assert told == ["0.0"]


def deadline_of(settings: Settings) -> float:
    """The seconds that an app is told to have."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    call(requests.within(app, settings.request_timeout), {})
    return float(seen[requests.DEADLINE]) - time.monotonic() if requests.DEADLINE in seen else 0


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, 0),  # it tells each invocation
        ({"K_SERVICE": "s"}, 59.5),
        ({"FUNCTIONS_WORKER_RUNTIME": "python"}, 229.5),
        ({"K_SERVICE": "s", "REQUEST_TIMEOUT": "5m"}, 299.5),
        ({"REQUEST_TIMEOUT": "30s"}, 29.5),
    ],
)
def test_what_other_platforms_allow_is_known_or_set(  # SC 41
    environ: dict[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    assert deadline_of(Settings.from_environ(environ_of("postgresql://u@h/d") | environ)) == seconds


def test_the_earlier_of_two_deadlines_counts() -> None:
    environ: dict[str, Any] = {}
    for deadline in (20.0, 10.0, 15.0):
        requests.until(environ, deadline)
    assert environ == {requests.DEADLINE: 10.0}


def test_a_client_cannot_name_a_deadline() -> None:
    event = http_api_event(Request("GET", "/", {"Roliascan-Deadline": "1", "roliascan.deadline": "1"}))
    told = json.loads(handler_of(lambda: echoes.app)(event, Context(30))["body"])
    assert requests.DEADLINE not in told  # a number, which the app does not tell
