"""CPU time of an answer, beside the same rows fetched by the bare driver and encoded by msgspec."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from statistics import median

from bench import environments
from bench.databases import Filled
from bench.report import Line

OF_BARE = 2.5  # decision 14
PROCESSES, ROUNDS, REQUESTS = 3, 15, 100


def measure(databases: Mapping[str, Filled]) -> Iterator[Line]:
    """On filled databases, by kind. Batches of ours and of the bare driver take turns within each process."""
    python = environments.ours()
    for kind, (url, chapter, _) in databases.items():
        for name, target in (
            ("list of 20", "/api/v1/series?limit=20"),
            ("chapter", f"/api/v1/chapters/{chapter}"),
        ):
            pairs = [pair for _ in range(PROCESSES) for pair in _pairs(str(python), url, target)]
            ours, bare = (median(side) for side in zip(*pairs, strict=True))
            yield Line(f"{kind}: {name}", ours / bare, budget=OF_BARE, told=f"{ours:.0f} of {bare:.0f} us")


def _pairs(python: str, url: str, target: str) -> list[tuple[float, float]]:
    done = subprocess.run(
        [python, "-I", "-c", "import answering", target, str(ROUNDS), str(REQUESTS)],
        env=environments.settings(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [tuple(pair) for pair in json.loads(done.stderr)]
