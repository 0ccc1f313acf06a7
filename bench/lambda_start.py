"""The first answer of the unpacked package under Lambda's emulator, beside the reference's, and after a night."""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import environments
from bench.cold_start import EVENT, environ
from bench.report import Line
from tests.database.proxy import between
from tests.platforms import clients
from tests.servers import aws_lambda

OF_REFERENCE = 0.15
"""Of the wall's time, with Amazon's client in both."""
WAKES_S = 3
BEYOND_S = 1


class Started(NamedTuple):
    """Milliseconds: what the emulator calls init, and until the first answer was there."""

    init: float
    answer: float


class _Function(NamedTuple):
    """What is deployed, and its handler."""

    folder: Path
    handler: str


def measure(url: str, *, rounds: int) -> Iterator[Line]:
    """On a filled PostgreSQL database; by turns, medians."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        client = aws_lambda.client(Path(made) / "client")
        ours = _Function(environments.unpack(Path(made) / "package"), "roliascan.platforms.aws_lambda.handler")
        theirs = _Function(environments.reference_packages(), "reference.site.handler")
        found: dict[_Function, list[Started]] = {ours: [], theirs: []}
        for number in range(rounds + 1):  # the first one fills the caches of the machine
            for function, seen in found.items():
                started = _started(function, client, environ(url))
                seen += [started] if number else []
        yield _line("init", [one.init for one in found[ours]], [one.init for one in found[theirs]])
        yield _line("the first answer", [one.answer for one in found[ours]], [one.answer for one in found[theirs]])
        yield _after_a_night(ours, client, url)


def _started(function: _Function, client: Path, settings: Mapping[str, str]) -> Started:
    with aws_lambda.observed(function.handler, settings, cwd=function.folder, alone=client) as (address, log):
        begin = time.perf_counter()
        answer = clients.invoke(address, EVENT)
        took = time.perf_counter() - begin
        said = re.search(r"INIT REPORT\(durationMs: ([0-9.]+)\)", log())
    if not said or answer["statusCode"] != 200 or len(json.loads(answer["body"])["data"]) != 20:
        raise SystemExit(f"{function.handler} answered {answer}")
    return Started(float(said[1]), took * 1000)


def _line(what: str, mine: list[float], theirs: list[float]) -> Line:
    told = f"{median(mine):.0f} of {median(theirs):.0f} ms"
    return Line(f"{what}, of the reference", median(mine) / median(theirs), budget=OF_REFERENCE, told=told)


def _after_a_night(function: _Function, client: Path, url: str) -> Line:
    """Nothing runs, and the database takes its time to take the first connection."""
    with between(url) as proxy:
        proxy.late_s = WAKES_S
        took = _started(function, client, environ(proxy.url)).answer / 1000
    what = f"after a night: beyond the {WAKES_S} s that the database takes"
    return Line(what, took - WAKES_S, unit="s", budget=BEYOND_S, told=f"{took:.2f} s together, status 200")
