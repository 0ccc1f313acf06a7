"""Readers and writers at an even pace, whatever the answers take, and how long each of them waited."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.wire import Cut, Wire

ASKERS = 16


@dataclass
class Phase:
    """What was answered in a part of a deployment. Times are from when a request was due, in seconds."""

    name: str
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Answers of 500 and above, and requests without any."""
        return sum(count for status, count in self.statuses.items() if status == 0 or status >= 500)

    @property
    def refused(self) -> int:
        return sum(count for status, count in self.statuses.items() if 400 <= status < 500)


HEAD = f"{'':34}requests  failed  refused   median      99 %  longest"


def row(title: str, phase: Phase) -> str:
    """A line under HEAD; times in milliseconds."""
    waits = sorted(phase.waits) or [0.0]
    times = (waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1])
    told = "".join(f"{wait * 1000:9,.0f}" for wait in times)
    return f"{title:34}{len(phase.waits):8,}{phase.failed:8,}{phase.refused:9,}{told} ms"


Ask = Callable[[Wire, int], int]
"""Sends the request of a number, and tells the status of its answer. Raises Cut."""


class Traffic:
    """So many requests a second, dealt out in turn to the servers of `addresses`, which may change meanwhile."""

    def __init__(self, ask: Ask, rate: float, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.phase = Phase("")
        self._ask = ask
        self._rate = rate
        self._numbers = itertools.count()
        self._began = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()

    def enter(self, name: str) -> Phase:
        """Begins another phase."""
        self.phase = Phase(name)
        return self.phase

    @contextmanager
    def flowing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._flow) for _ in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _flow(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers)
            due = self._began + number / self._rate
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            self._one(number, due)

    def _one(self, number: int, due: float) -> None:
        phase = self.phase
        # A connection of its own: a server may close one that was kept, at the moment in which it is used again.
        wire = Wire(self.addresses[number % len(self.addresses)])
        try:
            status = self._ask(wire, number)
        except Cut:
            status = 0
        wire.close()
        with self._lock:
            phase.statuses[status] += 1
            phase.waits.append(time.monotonic() - due)
