"""Starts any program under the keeper and waits until it is ready."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
PROJECT = Path(__file__).parents[2]
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


class DidNotStart(Exception):
    """The program ended or was not ready in time; the message holds the end of its log."""


def find(name: str) -> str | None:
    """The path of an installed program; an ordinary user's PATH often lacks sbin."""
    return shutil.which(name, path=SYSTEM_PATH)


PORTS = range(11_000, 20_000)
"""Below those that a kernel gives by itself, to connections and to who listens on 0; browsers and Node refuse none."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody takes until a program listens on it: no process of this run gets it again."""
    chance = random.SystemRandom()  # hypothesis gives all processes one seed
    while True:
        port = chance.choice(PORTS)
        if _is_free(port) and _is_ours(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_ours(port: int) -> bool:
    """Where there is no run, chance has to do."""
    if not (run := os.environ.get("TEST_RUN")):
        return True
    with suppress(FileExistsError):
        Path(run, f"port-{port}").touch(exist_ok=False)
        return True
    return False


def server_uid() -> int | None:
    """Database servers refuse to run as root; then they run as nobody. None: as ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def server_directory(name: str) -> Path:
    """A new directory owned by `server_uid`, with a path short enough for Unix sockets."""
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    if (uid := server_uid()) is not None:
        os.chown(directory, uid, uid)
    return directory


def prepare(*command: str, directory: Path) -> None:
    """Run a program that makes a data directory as `server_uid`; its output is shown only when it fails."""
    uid = server_uid()
    done = subprocess.run(
        command, cwd=directory, user=uid, group=uid, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        shutil.rmtree(directory, ignore_errors=True)
        raise DidNotStart(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """An environment that holds nothing of the caller's but what programs need to run at all."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1", **extra}


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    cwd: Path = PROJECT,
    uid: int | None = None,
    stop: int = signal.SIGTERM,
    seconds: float = 120,
) -> Iterator[Callable[[], str]]:
    """Run `command` until the block ends; yields a function that returns what it has printed so far.

    `directory` is removed afterwards. Raises DidNotStart when `ready()` is not true within `seconds`.
    """
    keeper = [sys.executable, "-IS", str(KEEPER), str(int(stop)), "" if uid is None else str(uid), str(directory or "")]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*keeper, *command],
            cwd=cwd,
            env=environment(environ or {}),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

        def output() -> str:
            return os.pread(log.fileno(), 10_000_000, 0).decode(errors="replace")

        try:
            _wait(command[0], process, output, ready, seconds)
            yield output
        finally:
            process.communicate()  # closes its input


def _wait(
    name: str,
    process: "subprocess.Popen[bytes]",
    output: Callable[[], str],
    ready: Callable[[], bool],
    seconds: float,
) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise DidNotStart(f"{name} ended with status {process.returncode}:\n{output()[-4000:]}")
        if time.monotonic() > deadline:
            raise DidNotStart(f"{name} was not ready within {seconds} s:\n{output()[-4000:]}")
        time.sleep(0.03)


def listens(port: int) -> bool:
    """Does something accept connections on this port of 127.0.0.1?"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Does this address answer a GET over HTTP, with whatever status?"""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except OSError:
        return False
    return True
