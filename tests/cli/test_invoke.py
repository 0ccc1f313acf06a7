"""One event through a platform's entry point, from the command line."""

import json
from typing import Any

import pytest

from tests.cli.places import Place, Ran
from tests.servers import program

EVENTS = program.PROJECT / "tests" / "platforms" / "events"
LIST = {"url": "/api/v1/series?limit=1"}


def invoke(place: Place, event: Any, *words: str) -> Ran:
    """With the event in a file. A process of its own, for the app is made once in each."""
    file = place.home / "event.json"
    file.write_text(event if isinstance(event, str) else json.dumps(event), encoding="utf-8")
    return place.ran("invoke", str(file), *words)


def http_api(path: str) -> Any:
    event = json.loads((EVENTS / "http_api.json").read_text("utf-8"))
    http = event["requestContext"]["http"] | {"method": "GET", "path": path}
    return event | {
        "rawPath": path,
        "rawQueryString": "limit=1",
        "body": None,
        "requestContext": event["requestContext"] | {"http": http},
    }


def test_lambda_answers_in_the_form_of_its_event(simple_place: Place) -> None:
    ran = invoke(simple_place, http_api("/api/v1/series"))
    told = json.loads(ran.out)
    assert (ran.status, told["statusCode"], json.loads(told["body"])["data"]) == (0, 200, [])
    assert json.loads(ran.err)["event"] == "request"  # the log, apart from the answer


@pytest.mark.parametrize("platform", ["google", "azure"])
def test_a_request_to_the_others(simple_place: Place, platform: str) -> None:
    ran = invoke(simple_place, LIST, "--platform", platform)
    told = json.loads(ran.out)
    assert (ran.status, told["statusCode"], json.loads(told["body"])["page"]["total"]) == (0, 200, 0)
    assert ["content-type", "application/json"] in told["headers"]


def test_a_schedule_sweeps(simple_place: Place) -> None:
    ran = invoke(simple_place, (EVENTS / "schedule.json").read_text("utf-8"))
    assert (ran.status, json.loads(ran.out)["finished"]) == (0, True)


def test_what_raises_has_failed(simple_place: Place) -> None:
    simple_place.environ["STORAGE_URL"] = "ftp://nowhere"
    ran = invoke(simple_place, (EVENTS / "schedule.json").read_text("utf-8"))
    assert (ran.status, ran.out) == (1, "")
    assert "STORAGE_URL" in ran.err


def test_a_file_that_is_not_there_is_wrong_use(simple_place: Place) -> None:
    ran = simple_place.run("invoke", "nowhere.json")
    assert (ran.status, ran.out) == (2, "")
    assert "nowhere.json is no event for aws" in ran.err


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("{", "is not JSON"),
        ({"urls": "/"}, "unknown field `urls`"),
        ({"url": "/", "body": "%", "isBase64Encoded": True}, "base64"),
        ([], "Expected `object`"),
    ],
)
def test_what_is_no_event_is_wrong_use(simple_place: Place, event: Any, why: str) -> None:
    words = () if event == "{" else ("--platform", "azure")
    ran = invoke(simple_place, event, *words)
    assert (ran.status, ran.out) == (2, "")
    assert why.removeprefix("is not JSON") in ran.err
    assert "event.json is no event for" in ran.err
