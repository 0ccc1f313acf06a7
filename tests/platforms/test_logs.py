"""The log: one line for each event, whatever a client sends, and nothing that tells secrets or persons."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roliascan.web import logs


@pytest.fixture(autouse=True)
def _nobody_adds_to_it() -> None:
    """As on no platform, whatever was tested before."""
    logs.tell([])


def logged(capsys: pytest.CaptureFixture[str]) -> Any:
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("\n")
    return json.loads(out)


def test_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    logs.log_request(
        request_id="r1",
        method="GET",
        path="/api/v1/series/a",
        route="/series/{id}",
        status=200,
        ms=1.23456,
        client="203.0.113.9",
    )
    line = logged(capsys)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "request",
        "requestId": "r1",
        "method": "GET",
        "path": "/api/v1/series/a",
        "route": "/series/{id}",
        "status": 200,
        "ms": 1.23,
        "client": "203.0.113.0",
    }


@pytest.mark.parametrize(("status", "level"), [(200, "info"), (404, "info"), (500, "error"), (503, "error")])
def test_levels(status: int, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.log_request(request_id="", method="GET", path="/", status=status, ms=0)
    assert logged(capsys)["level"] == level


@pytest.mark.parametrize(
    ("client", "written"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:db8::1", "2001:db8::"),
        ("::1", "::"),
        ("1:2:3::", "1:2:3::"),
        ("", ""),
    ],
)
def test_addresses_are_blurred(client: str, written: str, capsys: pytest.CaptureFixture[str]) -> None:  # PR-05
    logs.log_request(request_id="", method="GET", path="/", status=200, ms=0, client=client)
    assert logged(capsys)["client"] == written


@given(st.text(st.characters(), max_size=40))
def test_no_text_forges_a_line(text: str) -> None:  # PR-08, IN-15
    line = logs.line("info", text, path=text)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == text


def test_long_paths_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    logs.log_request(request_id="", method="GET" * 100, path="/" + "a" * 100_000, status=404, ms=0)
    line = logged(capsys)
    assert len(line["path"]) == 500
    assert len(line["method"]) == 20


def test_a_crash_tells_where_and_not_what(capsys: pytest.CaptureFixture[str]) -> None:  # PR-07
    try:
        raise LookupError("person@example.org")
    except LookupError as error:
        logs.log_crash(error, request_id="r1")
    line = logged(capsys)
    assert (line["level"], line["error"], line["requestId"]) == ("error", "builtins.LookupError", "r1")
    assert "test_a_crash_tells_where_and_not_what" in line["stack"][-1]
    assert "person" not in json.dumps(line)


def test_a_closed_log_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    closed = (tmp_path / "log").open("w")
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    logs.log("info", "event")
