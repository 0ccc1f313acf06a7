"""What an invocation costs around the app: an event comes in, an answer goes out; on Lambda beside mangum."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench import environments
from bench.report import Line
from tests.platforms.encoding import FORMS
from tests.platforms.shapes import Request

OF_MANGUM = 0.5
PROCESSES, REQUESTS = 5, 300
_ASKED = ("http api", "rest api", "alb multi-value")
_REQUEST = Request(
    "GET",
    "/api/v1/series?limit=20&sort=title",
    {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, br",
        "Accept-Language": "en",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Cookie": "theme=dark; width=800",
    },
)


_OTHERS = {"azure": "WsgiMiddleware", "google": "Flask"}
"""What the platform's own library offers instead; it runs in the environment of the tests, which has both."""


def measure() -> Iterator[Line]:
    """Processes of both take turns."""
    ours, reference, here = environments.ours(), environments.reference(), Path(sys.executable)
    for name in _ASKED:
        event = FORMS[name].encode(_REQUEST)
        yield _line(f"Lambda, {name}: of mangum", (ours, "aws"), (reference, "mangum"), event, budget=OF_MANGUM)
    for platform, other in _OTHERS.items():
        yield _line(f"{platform.capitalize()}: of {other}", (here, platform), (here, other), None, budget=None)


def _line(what: str, ours: tuple[Path, str], other: tuple[Path, str], event: Any, *, budget: float | None) -> Line:
    pairs = [(_once(*ours, event), _once(*other, event)) for _ in range(PROCESSES)]
    own, others = (median(side) for side in zip(*pairs, strict=True))
    return Line(what, own / others, budget=budget, told=f"{own:.1f} of {others:.1f} us")


def _once(python: Path, adapter: str, event: Any) -> float:
    done = subprocess.run(
        [str(python), "-I", str(environments.PROGRAMS / "invoking.py"), adapter, json.dumps(event), str(REQUESTS)],
        env=environments.settings("sqlite::memory:"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stderr.splitlines()[-1])
