"""Memory of the server that `roliascan serve` starts, after its first list."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.report import Line
from tests.servers import program

BUDGET_MB = 60


def measure(directory: Path) -> Iterator[Line]:
    """On an embedded database of its own in `directory`. The process that serves has a small one above it."""
    port = program.free_port()
    address = f"http://127.0.0.1:{port}"
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("roliascan")), "serve"],
        env={**kept, "PORT": str(port), "DATA_DIR": str(directory)},
        cwd=directory,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not program.answers(f"{address}/health"):
            assert process.poll() is None, "it did not start"
            time.sleep(0.05)
        urllib.request.urlopen(f"{address}/api/v1/series").close()
        above, serving = _resident(process.pid), max(map(_resident, _children(process.pid)))
    finally:
        process.terminate()
        process.wait()
    yield Line("the process that serves", serving, "MB", BUDGET_MB, told=f"and {above:.0f} MB above it")


def _resident(pid: int) -> float:
    """Megabytes in memory now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]
