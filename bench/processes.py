"""What fresh processes cost: CPU time and memory, by turns, so that a busy minute falls on all alike."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Start(NamedTuple):
    """A way to start a process: `source` is what Python runs, its modules come compiled from `python`'s environment."""

    python: Path
    source: str
    environ: Mapping[str, str]


class Cost(NamedTuple):
    """CPU time, of the system too, in milliseconds; the largest resident size in megabytes (of 1024 * 1024)."""

    cpu_ms: float
    memory_mb: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu_ms - other.cpu_ms, self.memory_mb - other.memory_mb)


def costs(starts: Mapping[str, Start], rounds: int) -> dict[str, Cost]:
    """The medians. A first round, which fills the caches of the machine, does not count."""
    seen: dict[str, list[Cost]] = {name: [] for name in starts}
    for number in range(rounds + 1):
        for name, start in starts.items():
            cost = _cost(start)
            if number:
                seen[name].append(cost)
    return {name: _median(found) for name, found in seen.items()}


def _median(found: Sequence[Cost]) -> Cost:
    return Cost(median(one.cpu_ms for one in found), median(one.memory_mb for one in found))


_TELL = "\nprint(open('/proc/self/status').read())"
"""The peak of this process; what `wait4` tells counts what was there before `exec`."""


def _cost(start: Start) -> Cost:
    command = [str(start.python), "-I", "-c", start.source + _TELL]
    process = subprocess.Popen(command, env=dict(start.environ), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = re.search(r"VmHWM:\s+(\d+) kB", told)
    if process.returncode or not peak:
        raise SystemExit(f"{start.source}\nended with status {process.returncode}:\n{told}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, int(peak[1]) / 1024)
