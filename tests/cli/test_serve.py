"""`make serve` on a fresh clone: what somebody sees who has just heard of us, and their operator after that."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from roliascan.cli.demo.story import PEOPLE, SERIES
from tests.cli.clones import clone, end, made, until
from tests.platforms import clients
from tests.platforms.processes import alive, children, listens, megabytes, soon
from tests.servers import program
from tests.servers.parts import LONG

MOST_MB = 80
"""Memory of the serving process after its readers and logins: 53 mostly. Its budget is what `make bench` measures."""


@LONG
def test_a_fresh_clone(tmp_path: Path) -> None:
    """One test, because drawing the demo takes seconds: killed while drawing, started, used, stopped, started again."""
    home = clone(tmp_path / "clone")
    port = str(program.free_port())
    address = f"http://127.0.0.1:{port}"

    with made(home, "serve", PORT=port) as process:
        printed = until(process, SERIES[1].title)
        assert "Drawing the demo library." in printed
        end(process)
    drawn = len(list((home / "data" / "uploads" / "pages").iterdir()))
    assert drawn > 0

    with made(home, "serve", PORT=port) as process:
        printed = until(process, "Stop it with Ctrl-C.")
        assert f"RoliaScan serves on {address}\nThe API is described on {address}/docs\n" in printed
        look_around(address)
        sign_in(address, printed)
        look_at_the_files(home / "data")
        look_at_the_memory(process.pid)
        before = ask(f"{address}/api/v1/chapters?limit=100")
        refuse_the_same_port(home, port)
        stop_while_a_request_is_under_way(address, process)
        assert "Traceback" not in printed

    whole = everything(home / "data")
    accounts = subprocess.run(
        [home / ".venv/bin/roliascan", "demo", "--json"], cwd=home, capture_output=True, check=True
    )
    assert [(one["login"], one["role"]) for one in json.loads(accounts.stdout)] == [
        (p.username, p.role) for p in PEOPLE
    ]
    assert everything(home / "data") == whole

    with on_terminal(home, "serve", PORT=port) as (process, terminal):
        seen = read_until(terminal, b"Stop it with Ctrl-C.")
        assert b"Drawing" not in seen
        assert ask(f"{address}/api/v1/chapters?limit=100") == before
        os.write(terminal, b"\x03")
        stopped = time.monotonic()
        seen = read_until(terminal, b"")
        assert process.wait(60) == -signal.SIGINT  # make itself; the server ended well before
        assert time.monotonic() - stopped < 8  # 0.2, mostly; or it was killed, after 10 s
        assert b"Traceback" not in seen


def ask(address: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def look_around(address: str) -> None:
    """As the README says: the list, a series by its slug, and every chapter; then a page that is an image."""
    listed = ask(f"{address}/api/v1/series")["data"]
    assert {one["title"] for one in listed} == {one.title for one in SERIES}
    assert all(one["cover"] for one in listed)
    assert ask(f"{address}/api/v1/series/the-lantern-keepers")["title"] == "The Lantern Keepers"
    chapters = [
        ask(f"{address}/api/v1/chapters/{chapter['id']}")
        for one in listed
        for chapter in ask(f"{address}/api/v1/series/{one['id']}/chapters?limit=100")["data"]
    ]
    told = sorted((one.title, chapter.title, chapter.pages) for one in SERIES for chapter in one.chapters)
    assert sorted((one["series"]["title"], one["title"], len(one["pages"])) for one in chapters) == told
    for page in [chapters[0]["pages"][0], chapters[-1]["pages"][-1]]:
        url = page["url"] if page["url"].startswith("http") else address + page["url"]
        with urllib.request.urlopen(url, timeout=60) as answer:
            data = answer.read()
            assert (answer.headers["content-type"], len(data)) == (page["type"], page["bytes"])
        if shutil.which("file"):
            said = subprocess.run(["file", "-"], input=data, capture_output=True, check=True).stdout.decode()
            assert re.search(rf"(PNG|JPEG) image data.*{page['width']} ?x ?{page['height']}|Web/P image", said)


def sign_in(address: str, printed: str) -> None:
    (password,) = re.findall(r"Demo accounts, all with the password (\S+)\n", printed)
    assert all(f"  {one.username:8} {one.role}\n" in printed for one in PEOPLE)
    bodies = [{"login": one.username, "password": password} for one in PEOPLE]
    told = [ask(f"{address}/api/v1/auth/login", body) for body in bodies]  # few passwords are checked at once
    assert [(one["user"]["username"], one["user"]["role"]) for one in told] == [(p.username, p.role) for p in PEOPLE]


def look_at_the_files(data: Path) -> None:
    for name in ("demo.json", "jwt-secret", "roliascan.db"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    assert not [path for path in data.iterdir() if path.name.startswith(".")]


def everything(data: Path) -> tuple[list[str], dict[str, bytes]]:
    """Every row, and every stored file."""
    with closing(sqlite3.connect(data / "roliascan.db")) as connection:
        rows = list(connection.iterdump())
    return rows, {str(path): path.read_bytes() for path in (data / "uploads").rglob("*") if path.is_file()}


def look_at_the_memory(make: int) -> None:
    (master,) = children(make)
    (worker,) = children(master)
    assert megabytes(worker) < MOST_MB
    assert megabytes(master) < MOST_MB


def refuse_the_same_port(home: Path, port: str) -> None:
    with made(home, "serve", PORT=port) as process:
        printed = until(process, "never")
        assert process.wait(60) == 2
    assert printed.splitlines()[0] == f"roliascan: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert "serves on" not in printed


def stop_while_a_request_is_under_way(address: str, process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to make alone, as a supervisor sends it: who asked is answered, and nothing goes on running."""
    (master,) = children(process.pid)
    (worker,) = children(master)
    with clients.dial(address) as connection:
        body = b'{"login": "amina", "password": "wrong password"}'
        head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it waits for the body
        process.send_signal(signal.SIGTERM)
        assert soon(lambda: not listens(address))
        connection.sendall(body)
        assert clients.until_closed(connection).startswith(b"HTTP/1.1 401 ")
    assert soon(lambda: not alive(master) and not alive(worker))
    assert process.wait(60) == -signal.SIGTERM


@contextmanager
def on_terminal(home: Path, *words: str, **environ: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """`make WORDS` in a terminal window of its own, so that Ctrl-C reaches all of it; our end of the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["make", *words],
        cwd=home,
        env=program.environment(environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        with process:
            try:
                yield process, ours
            finally:
                end(process)
    finally:
        os.close(ours)


def read_until(terminal: int, words: bytes) -> bytes:
    """What comes up to `words`, or without any, until nobody writes any more."""
    seen = b""
    while not words or words not in seen:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        seen += piece
    return seen
