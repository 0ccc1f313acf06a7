"""The starters of platforms start what they say, in an environment of its own, and end it."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.platforms.processes import alive, soon
from tests.servers import program, server

FUNCTION = """
import os
def handler(event, context):
    return {"event": event, "setting": os.environ.get("SETTING"), "leaked": os.environ.get("SECRET_OF_TESTS")}
def web(request):
    return handler(request.path, None)
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_TESTS", "must not get out")


@pytest.fixture
def function(tmp_path: Path) -> Path:
    """A file with a handler for each platform."""
    file = tmp_path / "function.py"
    file.write_text(FUNCTION)
    return file


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the giving and the listening a program starts, which takes seconds on a busy machine."""
    monkeypatch.setattr(program, "PORTS", range(10_500, 10_600))
    given = [program.free_port() for _ in range(60)]
    assert len({*given}) == 60


def _fetch(url: str, body: bytes | None = None) -> dict[str, object]:
    with urllib.request.urlopen(url, body, timeout=60) as answer:
        return dict(json.load(answer))


def test_lambda(start_lambda: Callable[..., str], function: Path) -> None:
    address = start_lambda("function.handler", {"SETTING": "1"}, cwd=function.parent)
    assert _fetch(address, b'{"a": 1}') == {"event": {"a": 1}, "setting": "1", "leaked": None}


def test_google(start_google: Callable[..., str], function: Path) -> None:
    address = start_google(function, "web", {"SETTING": "1"})
    assert _fetch(f"{address}/a") == {"event": "/a", "setting": "1", "leaked": None}


def test_a_server(start_server: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "health").write_text('{"here": true}')
    assert _fetch(start_server({}, command=_file_server(), cwd=tmp_path) + "/health") == {"here": True}


def _file_server() -> list[str]:
    return ["sh", "-c", "exec python3 -m http.server --bind $HOST $PORT"]


def test_what_is_stopped_is_gone(tmp_path: Path) -> None:
    with server.running(command=_file_server(), cwd=tmp_path) as address:
        assert program.answers(address)
    assert not program.answers(address)


def test_what_a_killed_run_leaves_behind_ends_too(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    source = f"""
import os, signal, sys
from pathlib import Path
from tests.servers import program
number = Path({str(number)!r})
command = f"echo $$ > {{number}}.new; mv {{number}}.new {{number}}; exec sleep 600"
with program.running(["sh", "-c", command], ready=number.exists):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", source], cwd=program.PROJECT).returncode == -signal.SIGKILL
    assert _gone(int(number.read_text()))


def _gone(number: int) -> bool:
    """Has this process ended, or does it soon?"""
    return soon(lambda: not alive(number))


def test_what_ends_by_itself_is_told_with_its_output() -> None:
    with pytest.raises(program.DidNotStart, match=r"(?s)status 3.*why not"):
        server.running(command=["sh", "-c", "echo why not; exit 3"]).__enter__()


def test_what_is_never_ready_is_ended(tmp_path: Path) -> None:
    number = tmp_path / "pid"

    def ready() -> bool:
        assert soon(lambda: number.exists() and bool(number.read_text()))
        return False

    slow = program.running(["sh", "-c", f"echo $$ > {number}; exec sleep 600"], ready=ready, seconds=0.5)
    with pytest.raises(program.DidNotStart, match="not ready"):
        slow.__enter__()
    assert _gone(int(number.read_text()))
