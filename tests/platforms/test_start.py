"""The life of a process: built once, tried again after a failure, and nothing done by importing."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from roliascan.platforms import start
from roliascan.platforms.start import Once, Running
from roliascan.settings import BadSettings
from tests.platforms import echoes
from tests.platforms.shapes import Reply

LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "JWT_SECRET": "0123456789abcdef0123456789abcdef",
    "DATABASE_URL": "postgresql://user:secret@db.example/comics",
    "ALLOW_EPHEMERAL": "on",
    "STORAGE_URL": "memory:",
}


def answer(app: Any, environ: dict[str, Any] | None = None) -> Reply:
    begun: list[Any] = []
    body = app(
        {"PATH_INFO": "/empty", "QUERY_STRING": "status=204", **(environ or {})}, lambda *args: begun.append(args)
    )
    return Reply(int(begun[0][0][:3]), dict(begun[0][1]), [], b"".join(body))


def test_the_app_is_built_once() -> None:  # SC 45
    built: list[str] = []

    def build() -> Any:
        time.sleep(0.05)
        built.append(threading.current_thread().name)
        return Running(echoes.app, lambda: None)

    app = start.or_unavailable(Once(build))
    threads = [threading.Thread(target=answer, args=(app,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answer(app).status == 204
    assert len(built) == 1


def test_a_failed_start_is_answered_and_tried_again(capsys: pytest.CaptureFixture[str]) -> None:  # SC 46
    failures: list[Exception] = [RuntimeError("secret"), BadSettings(["JWT_SECRET: set it"])]

    def build() -> Any:
        if failures:
            raise failures.pop()
        return Running(echoes.app, lambda: None)

    app = start.or_unavailable(Once(build))
    for said in ("JWT_SECRET: set it", "RuntimeError"):
        refused = answer(app, {"roliascan.request_id": "r1"})
        assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
        assert refused.headers["retry-after"] == "5"
        assert json.loads(refused.body)["requestId"] == "r1"
        assert said not in refused.body.decode()
        log = capsys.readouterr().out
        assert said in log
        assert "secret" not in log
        assert json.loads(log)["code"] == json.loads(refused.body)["code"] == "not_started"
    assert answer(app).status == 204


def run(code: str, environ: dict[str, str], *, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**kept, **environ},
        cwd=cwd,
        timeout=600,
    )


# Importing opens files for reading, and nothing else.
AUDIT = """
import os, sys
touched = []
def hook(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        touched.append((event, args[0]))
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "_thread.start", "os.fork", "os.mkdir", "os.remove")):
        touched.append((event, args))
sys.addaudithook(hook)
import {module}
print(touched)
"""


@pytest.mark.parametrize("environ", [{}, LAMBDA], ids=["no settings", "settings"])
@pytest.mark.parametrize("module", ["server", "aws_lambda"])
def test_importing_touches_nothing(module: str, environ: dict[str, str]) -> None:  # SC 48, SC 55
    done = run(AUDIT.format(module=f"roliascan.platforms.{module}"), environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("module", "name"), [("google_functions", "web"), ("azure_functions", "app")])
def test_importing_without_settings_raises_nothing(module: str, name: str) -> None:  # SC 48
    done = run(f"from roliascan.platforms.{module} import {name}", {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("text", "hops"), [("", 0), (" 2 ", 2), ("-1", 0), ("two", 0), ("999", 0), ("²", 0)])
def test_the_number_of_proxies_never_stops_an_import(text: str, hops: int, monkeypatch: Any) -> None:  # SC 48
    monkeypatch.setenv("TRUSTED_HOPS", text)
    assert start.trusted_hops() == hops


def test_lambda_builds_while_it_initializes() -> None:
    code = "from roliascan.platforms import aws_lambda; import sys; print('psycopg2' in sys.modules)"
    assert run(code, LAMBDA).stdout == "True\n"
    assert run(code, {}).stdout == "False\n"


def test_a_start_without_settings_is_one_readable_line() -> None:  # SC 48
    code = "from roliascan.platforms.aws_lambda import handler; print(handler({'warmup': True}, None))"
    done = run(code, {"AWS_LAMBDA_FUNCTION_NAME": "f"})
    first, _, last = done.stdout.splitlines()
    assert "JWT_SECRET" in json.loads(first)["problems"][0]
    assert last == "{'warm': False}"
    assert not done.stderr


def test_nothing_outlives_an_answer() -> None:  # SC 52, SL-05
    code = (
        "import threading; from roliascan.platforms.aws_lambda import handler; "
        "from tests.platforms.shapes import Request, http_api_event; "
        "print(handler(http_api_event(Request('GET', '/health')), None)['statusCode'], threading.active_count())"
    )
    assert run(code, LAMBDA).stdout.splitlines()[-1] == "200 1"
