"""What a server has counted since it started, for who scrapes it: Prometheus' text format 0.0.4, by hand.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
Labels are route patterns, methods that we know and classes of statuses: whatever clients send, there are so many series
and no more. Nothing of a client is in them.
"""

import os
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from typing import Any

from roliascan import __version__
from roliascan.platforms.counting import counted

TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Most public reads take less than 5 ms; a change waits for its database up to 10 s."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
COUNTERS = {
    "databaseFaults": ("roliascan_faults_total", 'of="database"', "Requests that the database or the storage failed."),
    "storageFaults": ("roliascan_faults_total", 'of="storage"', ""),
    "loginsRefused": ("roliascan_logins_refused_total", "", "Logins with a wrong password, or too many of them."),
    "crashes": ("roliascan_crashes_total", "", "Mistakes of ours; the log says where."),
}
"""Of what is counted of a line: the counter, its label, and what it means, where it comes first."""


class Meters:
    """Counts lines of the log; threads may share one."""

    def __init__(self) -> None:
        self._started = time.time()
        self._lock = threading.Lock()
        self._requests = Counter[tuple[str, str, str]]()
        self._within: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._counts = dict.fromkeys(COUNTERS, 0)

    def count(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """One line more; adds nothing to it."""
        names = ["crashes"] if told["event"] == "crash" else counted(told)
        with self._lock:
            for name in names:
                if name in self._counts:
                    self._counts[name] += 1
            if told["event"] == "request":
                self._count_request(told)
        return {}

    def _count_request(self, told: Mapping[str, Any]) -> None:
        route, seconds = told["route"], told["ms"] / 1000
        method = told["method"] if told["method"] in METHODS else "other"
        self._requests[method, route, f"{told['status'] // 100}xx"] += 1
        within = self._within.setdefault(route, [0] * (len(BOUNDS_S) + 1))
        within[bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def text(self) -> bytes:
        with self._lock:
            lines = [*self._of_requests(), *self._of_seconds(), *self._of_counts()]
        return "\n".join([*lines, *self._of_process(), ""]).encode()

    def _of_requests(self) -> Iterator[str]:
        yield from _family("roliascan_requests_total", "counter", "Requests answered.")
        for (method, route, status), number in sorted(self._requests.items()):
            yield f'roliascan_requests_total{{method="{method}",route="{route}",status="{status}"}} {number}'

    def _of_seconds(self) -> Iterator[str]:
        name = "roliascan_request_seconds"
        yield from _family(name, "histogram", "From a request to its answer, without sending it.")
        for route, within in sorted(self._within.items()):
            for bound, number in zip([*map(str, BOUNDS_S), "+Inf"], accumulate(within), strict=True):
                yield f'{name}_bucket{{route="{route}",le="{bound}"}} {number}'
            yield f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{name}_count{{route="{route}"}} {sum(within)}'

    def _of_counts(self) -> Iterator[str]:
        for name, (family, label, meaning) in COUNTERS.items():
            if meaning:
                yield from _family(family, "counter", meaning)
            yield f"{family}{{{label}}} {self._counts[name]}" if label else f"{family} {self._counts[name]}"

    def _of_process(self) -> Iterator[str]:
        yield from _family("roliascan_info", "gauge", "Which version runs.")
        yield f'roliascan_info{{version="{__version__}"}} 1'
        yield from _family("process_start_time_seconds", "gauge", "When this process began to serve, since 1970.")
        yield f"process_start_time_seconds {self._started:.3f}"
        with suppress(OSError):
            with open("/proc/self/statm", "rb") as statm:  # Linux only: resident pages are its second number
                resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            yield from _family("process_resident_memory_bytes", "gauge", "Memory of the process that answers.")
            yield f"process_resident_memory_bytes {resident}"


def _family(name: str, type_: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {type_}"
