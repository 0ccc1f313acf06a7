"""Processes that write through the whole app, as instances of a function do, and remember what they were told."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import NamedTuple

from falcon.testing import Result

from roliascan.storage.memory import MemoryStorage
from tests.faults.wire import UNKNOWN
from tests.front import Asker, Clock, Site

PATIENCE_S = 60.0
PROCESSES = 4


class Write(NamedTuple):
    """A series that was to be made, by its title. It has to be there `least` to `most` times."""

    title: str
    least: int
    most: int


def write(url: str, token: str, name: str, writes: int) -> list[Write]:
    """In turns with a key, sent again until it is acknowledged, and without one, sent once."""
    asker = Asker(_site(url), token=token)
    return [_once(asker, f"{name} {n}") if n % 2 else _blindly(asker, f"{name} {n}") for n in range(writes)]


@cache
def _site(url: str) -> Site:
    """One app for each process, with a pool of one connection."""
    return Site(url, Clock(), MemoryStorage(), {"DATABASE_POOL": "1"})


def _post(asker: Asker, title: str, headers: dict[str, str]) -> Result:
    answer = asker.post("series", {"title": title, "author": "Somebody"}, headers=headers)
    assert answer.status_code in {201, 503} or answer.json["code"] == "idempotency_key_in_use", answer.text
    return answer


def _once(asker: Asker, title: str) -> Write:
    give_up = time.monotonic() + PATIENCE_S
    while _post(asker, title, {"Idempotency-Key": f'"{title}"'}).status_code != 201:
        assert time.monotonic() < give_up, f"{title} was never acknowledged"
        time.sleep(0.02)
    return Write(title, 1, 1)


def _blindly(asker: Asker, title: str) -> Write:
    answer = _post(asker, title, {})
    done = answer.status_code == 201
    return Write(title, int(done), int(done or answer.json["code"] == UNKNOWN))


class Writers:
    """As many processes, each with an app of its own."""

    def __init__(self, executors: list[ProcessPoolExecutor]) -> None:
        self._executors = executors

    def begin(self, url: str, token: str, name: str, writes: int) -> list[Future[list[Write]]]:
        """All of them at once, so many writes each."""
        return [one.submit(write, url, token, f"{name} {n}", writes) for n, one in enumerate(self._executors)]


def _quietly() -> None:
    """The log of the app is not read here."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives


@contextmanager
def writers(processes: int = PROCESSES) -> Iterator[Writers]:
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        yield Writers(
            [
                stack.enter_context(ProcessPoolExecutor(1, mp_context=context, initializer=_quietly))
                for _ in range(processes)
            ]
        )
