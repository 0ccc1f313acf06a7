"""Servers that get our own signals, and what the system says of a process. Linux."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.platforms import clients
from tests.servers import program


class Server(NamedTuple):
    """A running server; `output` is what it has printed so far, its process id first."""

    address: str
    pid: int
    output: Callable[[], str]


@contextmanager
def served(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Server]:
    """Start a command that listens on $PORT, under its own process id."""
    port = program.free_port()
    address = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        return listens(address) or listens(f"http://[::1]:{port}")

    with started(command, {"PORT": str(port), **environ}, ready=ready) as process:
        yield process._replace(address=address)


@contextmanager
def started(command: Sequence[str], environ: Mapping[str, str], *, ready: Callable[[], bool]) -> Iterator[Server]:
    """Start a command under its own process id; it has no address."""
    code = f"import os; print(os.getpid(), flush=True); os.execv({command[0]!r}, {[*command]!r})"
    with program.running([sys.executable, "-c", code], ready=ready, environ=environ) as output:
        yield Server("", int(output().split()[0]), output)


def listens(address: str) -> bool:
    try:
        clients.dial(address).close()
    except OSError:
        return False
    return True


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def megabytes(pid: int) -> float:
    """The memory that is resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def soon(true: Callable[[], bool]) -> bool:
    """Whether something becomes true, for which a busy machine may take its time."""
    return within(60, true)


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
