"""A process of its own that answers questions."""

import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from roliascan import worker as worker_module
from roliascan.worker import Worker
from tests.servers import program

ECHO = """
import json, os, signal, sys, time
for line in sys.stdin.buffer:
    question = line.decode().strip()
    if question == "crash":
        os.abort()
    if question == "stick":
        signal.pause()
    while question == "endless":
        os.write(1, b"x" * 65536)
    if question == "half":
        os.write(1, b'"half of an ans'), os._exit(0)
    while question == "drip":
        os.write(1, b"x"), time.sleep(0.01)
    if question.startswith("bytes"):
        _, said, sent = question.split()
        os.write(1, said.encode() + b" told\\n")
        for _ in range(int(sent) // 1000):
            sys.stdout.buffer.write(b"x" * 1000)
        sys.stdout.buffer.flush()
        continue
    if question == "leave":
        os.close(1), os.close(0), signal.pause()
    told = dict(os.environ) if question == "environment" else [question, os.getsid(0)]
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\\n")
    sys.stdout.buffer.flush()
"""


def interrupted(*_: object) -> float:
    """While an answer is waited for, somebody presses Ctrl-C."""
    raise KeyboardInterrupt


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    (tmp_path / "echo_of_tests.py").write_text(ECHO)
    monkeypatch.syspath_prepend(str(tmp_path))
    worker = Worker("echo_of_tests")
    yield worker
    worker.end()


def test_one_process_answers_many_questions_in_a_session_of_its_own(worker: Worker) -> None:
    assert worker.pid is None
    first = worker.ask(b"a\n", within=60)
    pid = worker.pid
    assert first == f'["a", {pid}]'.encode()
    assert worker.ask(b"b", b"\n", within=60) == f'["b", {pid}]'.encode()


@pytest.mark.parametrize("question", [b"crash\n", b"leave\n", b"half\n"])
def test_one_that_dies_of_a_question_gives_no_answer_and_another_the_next(worker: Worker, question: bytes) -> None:
    assert worker.ask(b"a\n", within=60)
    assert worker.ask(question, within=60) == b""
    assert worker.ask(b"b\n", within=60).startswith(b'["b"')


@pytest.mark.parametrize("rest", [b"", b"x" * (8 << 20)])
def test_one_that_is_stuck_is_ended(worker: Worker, rest: bytes) -> None:
    """Be it after it took the question, or before: no pipe holds eight megabytes."""
    worker.ask(b"a\n", within=60)
    stuck = worker.pid
    assert worker.ask(b"stick\n", rest, within=0.1) == b""
    assert worker.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(stuck or 0, 0)
    assert worker.ask(b"b\n", within=60).startswith(b'["b"')


def test_one_that_was_killed_between_two_questions_is_started_anew(worker: Worker) -> None:
    """It died of nobody's question, and nobody's image is to blame."""
    worker.ask(b"a\n", within=60)
    before = worker.pid or 0
    os.kill(before, signal.SIGKILL)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert worker.ask(b"b\n", within=60).startswith(b'["b"')
    assert worker.pid != before


def test_those_that_died_leave_nothing_behind(worker: Worker) -> None:
    kept = len(weakref.finalize._registry)  # type: ignore[attr-defined]
    for _ in range(3):
        assert worker.ask(b"crash\n", within=60) == b""
    assert len(weakref.finalize._registry) <= kept  # type: ignore[attr-defined]


def test_the_time_is_for_the_whole_answer(worker: Worker) -> None:
    """However often something of it comes."""
    worker.ask(b"a\n", within=60)
    assert worker.ask(b"drip\n", within=0.1) == b""
    assert worker.pid is None


@pytest.mark.parametrize("size", [0, 1000, 5_000_000])
def test_an_answer_can_have_bytes_after_it(worker: Worker, size: int) -> None:
    for _ in range(2):
        line, rest = worker.ask_for_bytes(f"bytes {size} {size}\n".encode(), within=60, most=size)
        assert (line, bytes(rest)) == (b"told", b"x" * size)
    assert worker.ask(b"b\n", within=60).startswith(b'["b"')


@pytest.mark.parametrize("question", ["bytes 5001 6000", "bytes -1 0", "bytes x 0", f"bytes {'9' * 5000} 0", "crash"])
def test_more_bytes_than_may_be_or_were_said_are_no_answer(worker: Worker, question: str) -> None:
    assert not any(worker.ask_for_bytes(question.encode() + b"\n", within=60, most=5000))
    assert worker.pid is None
    assert worker.ask(b"b\n", within=60).startswith(b'["b"')


def test_fewer_bytes_than_were_said_are_no_answer(worker: Worker) -> None:
    worker.ask(b"a\n", within=60)
    assert not any(worker.ask_for_bytes(b"bytes 5000 3000\n", within=0.1, most=5000))
    assert worker.pid is None


def test_an_answer_without_end_is_none(worker: Worker) -> None:
    assert worker.ask(b"endless\n", within=60) == b""


def test_what_lies_in_the_folder_where_we_are_is_not_run(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a folder of comics that somebody else made."""
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path / "downloads")
    monkeypatch.setattr("sys.path", [path for path in sys.path if path])
    assert worker.ask(b"a\n", within=60).startswith(b'["a"')


def test_an_answer_that_nobody_waited_for_is_not_the_next_ones(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.ask(b"a\n", within=60)

    with monkeypatch.context() as patched:
        turns = iter((worker_module._left, interrupted))  # once to ask, and then to wait
        patched.setattr(worker_module, "_left", lambda end: next(turns)(end))
        with pytest.raises(KeyboardInterrupt):
            worker.ask(b"b\n", within=60)
    assert worker.ask(b"c\n", within=60).startswith(b'["c"')


def test_it_gets_no_secret(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "canary" * 6)
    assert b"canary" not in worker.ask(b"environment\n", within=60)


def test_where_no_process_is_to_be_had_it_says_so(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        worker.ask(b"a\n", within=60)


PEEK = """
import os, sys
for line in sys.stdin.buffer:
    try:
        found = b"SECRET_OF_TESTS" in open(f"/proc/{os.getppid()}/environ", "rb").read()
    except OSError as error:
        found = error.strerror
    os.write(1, f"{found}\\n".encode())
"""

ASK = """
import subprocess, sys
from worker_of_tests import Worker
run = [sys.executable, "-m", "peek_of_tests"]
print(subprocess.run(run, input=b"?\\n", capture_output=True, check=True).stdout.decode().strip(), flush=True)
worker = Worker("peek_of_tests")
print(worker.ask(b"?\\n", within=60).decode())
worker.end()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own")
def test_it_cannot_look_into_who_asks() -> None:
    """Any other process of the same user can, until a worker was started. Root can for ever: here nobody asks."""
    home, uid = program.server_directory("worker"), program.server_uid()
    python = sys.executable if uid is None else "/usr/bin/python3"  # root's own is often nobody's to run
    try:
        shutil.copy(worker_module.__file__, home / "worker_of_tests.py")
        (home / "peek_of_tests.py").write_text(PEEK)
        environ = {"SECRET_OF_TESTS": "x", "PYTHONPATH": str(home)}
        ran = subprocess.run(
            [python, "-c", ASK], cwd=home, env=environ, user=uid, group=uid, capture_output=True, text=True, check=False
        )
    except OSError as error:
        pytest.skip(f"{python}: {error.strerror}")
    finally:
        shutil.rmtree(home)
    assert ran.stdout.splitlines() == ["True", "Permission denied"], ran.stderr
