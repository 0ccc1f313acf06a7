"""What a platform's schedule starts: the sweep, within the time that the platform gives, told in counts."""

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.functions.timer import TimerRequest

from roliascan.platforms import aws_lambda, azure_functions, google_functions, sweeping
from roliascan.platforms.sweeping import SweepFailed
from tests.platforms import echoes
from tests.platforms.encoding import Context
from tests.platforms.recorded import recorded

STRAY = "01900000-0000-7000-8000-000000000000.png"  # of June 2024
COUNTS = {
    "chaptersPublished": 0,
    "seriesPublished": 0,
    "sessionsEnded": 0,
    "uploadsEnded": 0,
    "limitsForgotten": 0,
    "keysForgotten": 0,
    "filesConcealed": 0,
    "filesDeleted": 0,
    "straysDeleted": 1,
    "finished": True,
}


@pytest.fixture
def environ(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A site with one stored file that no row names."""
    pages = tmp_path / "uploads" / "pages"
    pages.mkdir(parents=True)
    (pages / STRAY).write_bytes(b"x")
    environ = {
        "DATABASE_URL": sqlite_url,
        "STORAGE_URL": f"file:{tmp_path / 'uploads'}",
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "ALLOW_EPHEMERAL": "on",
    }
    monkeypatch.setattr(os, "environ", environ)
    return environ


@pytest.mark.parametrize("event", ["schedule", "scheduler"])
def test_lambda_answers_with_the_counts(event: str, environ: dict[str, str]) -> None:  # SC 26
    assert aws_lambda.handler(recorded(event), Context()) == COUNTS


def test_azure_logs_the_counts(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    azure_functions.sweep(TimerRequest())
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["event"]) == ("info", "swept")
    assert {name: line[name] for name in COUNTS} == COUNTS


def test_google_answers_with_the_counts(environ: dict[str, str], start_google: Callable[..., str]) -> None:
    """In functions-framework. Who may call the function is Google's to decide, before it is called."""
    told = {**environ, "PATH": os.defpath}
    address = start_google(Path(google_functions.__file__), "sweep", told, ready="/robots.txt")
    with urllib.request.urlopen(address, b"", timeout=60) as answer:
        assert json.loads(answer.read()) == COUNTS


def test_nothing_new_is_started_after_its_time(environ: dict[str, str]) -> None:
    assert sweeping.run(0) == COUNTS | {"straysDeleted": 0, "finished": False}


@pytest.mark.parametrize(("left", "seconds"), [(30_000, 25), (900_000, 895), (3_000, 1.5), (0, 0)])
def test_lambda_keeps_some_of_its_time(left: int, seconds: float) -> None:
    class Ending:
        aws_request_id = ""

        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return left

    handler = aws_lambda.handler_of(lambda: echoes.app, sweep=lambda given: {"given": given})
    assert handler(recorded("schedule"), Ending()) == {"given": seconds}


def refusing(environ: dict[str, str], tmp_path: Path) -> dict[str, dict[str, str]]:
    return {
        "schema_mismatch": environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"},
        "JWT_SECRET": environ | {"JWT_SECRET": "short"},
    }


@pytest.mark.parametrize("said", ["schema_mismatch", "JWT_SECRET"])
def test_a_failure_is_raised_and_its_reason_logged(
    said: str, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(os, "environ", refusing(environ, tmp_path)[said])
    for call in (
        lambda: aws_lambda.handler(recorded("schedule"), Context()),
        lambda: azure_functions.sweep(TimerRequest()),
    ):
        with pytest.raises(SweepFailed):
            call()
        log = capsys.readouterr().out
        assert said in log
        assert '"level":"error"' in log
    assert google_functions.sweep(None).status_code == 500  # type: ignore[arg-type]
