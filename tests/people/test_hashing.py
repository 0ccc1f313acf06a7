"""Argon2 in a process of its own, as a server runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from roliascan.people import hashing, passwords
from tests.front import Site, at_once, refused, told
from tests.platforms import clients
from tests.platforms.shapes import Request

PASSWORD = "correct horse bättery"
NEW = {"email": "a@b.cd", "username": "reader", "password": PASSWORD}
LOGIN = {"login": "reader", "password": PASSWORD}


@pytest.fixture
def aside() -> Iterator[None]:
    passwords.aside()
    yield
    children, passwords._children[:] = list(passwords._children), []
    assert len(children) == passwords.SLOTS
    for child in children:
        child.worker.end()


def test_people_sign_in_as_ever(site: Site, aside: None, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-28
    monkeypatch.setattr(passwords, "_hasher", lambda: pytest.fail("hashed in the server"))
    monkeypatch.setattr(passwords, "is_outdated", lambda _: False)
    monkeypatch.setattr(passwords, "WAIT_S", 60)
    told(site.stranger.post("auth/register", NEW), 201)
    (kept,) = site.values("password_hash", "users")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    told(site.stranger.post("auth/login", LOGIN))
    wrong = at_once(6, lambda turn: site.stranger.post("auth/login", {**LOGIN, "password": f"wrong {turn}\n"}))
    assert {answer.status_code for answer in wrong} == {401}
    site.write("UPDATE users SET password_hash = '$argon2id$'")
    refused(site.stranger.post("auth/login", LOGIN), 401)


def test_one_that_was_killed_is_started_anew() -> None:
    child = hashing.Child()
    kept = child.hashed(PASSWORD)
    before = child.worker.pid or 0
    os.kill(before, signal.SIGKILL)
    assert child.fits(PASSWORD, kept)
    assert child.worker.pid not in (None, before)
    child.worker.end()


def test_one_that_is_stuck_is_ended_and_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each login that waits for it would hold its slot for ever, and soon nobody could sign in."""
    child = hashing.Child()
    kept = child.hashed(PASSWORD)
    before = child.worker.pid or 0
    os.kill(before, signal.SIGSTOP)
    with monkeypatch.context() as hasty, suppress(ChildProcessError):  # the second one may take longer, too
        hasty.setattr(hashing, "ANSWER_S", 0.2)
        assert child.fits(PASSWORD, kept)
    assert child.fits(PASSWORD, kept)
    assert child.worker.pid not in (None, before)
    child.worker.end()


@pytest.mark.parametrize("program", ["/nonexistent", "/bin/false"])
def test_no_process_to_be_had(
    site: Site, aside: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str
) -> None:
    """It cannot be started, or does not stay: nobody signs in meanwhile, and all else goes on."""
    with monkeypatch.context() as short:
        short.setattr(sys, "executable", program)
        for _ in range(passwords.SLOTS + 1):
            for path, body in (("auth/register", NEW), ("auth/login", LOGIN)):
                answer = site.stranger.post(path, body)
                refused(answer, 503, "hashing_unavailable")
                assert int(answer.headers["retry-after"]) > 0
                assert json.loads(capsys.readouterr().out.splitlines()[-1])["level"] == "error"
        told(site.stranger.get("series"))
        assert site.count("users") == 0
    told(site.stranger.post("auth/register", NEW), 201)
    told(site.stranger.post("auth/login", LOGIN))


def test_it_ends_with_its_server() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roliascan.people.hashing"],
        input=json.dumps([PASSWORD, None]).encode() + b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    assert passwords.fits_here(PASSWORD, json.loads(done.stdout))


def test_a_server_hashes_aside(start_server: Callable[..., str], tmp_path: Path) -> None:
    address = start_server({"DATA_DIR": str(tmp_path), "TMPDIR": str(tmp_path)})
    body = json.dumps(LOGIN).encode()
    answer = clients.send(address, Request("POST", "/api/v1/auth/login", {"Content-Type": "application/json"}, body))
    assert answer.status == 401
    found = [folder for folder in Path("/proc").glob("[0-9]*") if _says(folder / "cmdline", "roliascan.people.hashing")]
    assert any(_says(folder / "environ", str(tmp_path)) for folder in found)


def _says(file: Path, words: str) -> bool:
    try:
        return words.encode() in file.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return False
