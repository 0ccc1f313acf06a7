"""Measures against the budgets, prints a table, and ends with status 1 where something is over.

    python -m bench [PART...] [--chapters N] [--pages N] [--rounds N]

Each ratio is of things measured by turns within the same minute, medians of CPU time where nothing else is said. On a
busy machine ratios under a tenth apart are the same.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import answers, cold_start, databases, depth, invocations, lambda_start, login, memory, pages, report, trips
from bench.databases import KINDS, LARGE, SMALL, Filled, Size
from bench.report import Line

PARTS = ("cold", "lambda", "answers", "invocations", "trips", "login", "depth", "memory", "pages")


def main() -> int:
    asked = _arguments()
    parts = asked.parts or PARTS
    with databases.running() as new:
        small = _filled(new, "small", SMALL)
        lines = [*_small_ones(parts, small, asked.rounds)]
        if "depth" in parts:
            size = LARGE._replace(chapters=asked.chapters, pages=asked.pages)
            print(f"\nFilling databases with {size.chapters:,} chapters and {size.pages:,} pages", flush=True)
            large = _filled(new, "large", size)
            title = f"Time of an answer: {size.chapters:,} chapters, {size.pages:,} pages; beside {SMALL.chapters:,}"
            lines += report.show(title, depth.measure(small, large))
    over = sum(line.over for line in lines)
    print(
        f"\n{over} of {sum(line.budget is not None for line in lines)} over budget" if over else "\nAll within budget"
    )
    return 1 if over else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures against the budgets.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them when none is named"
    )
    parser.add_argument("--chapters", type=int, default=LARGE.chapters, help="in the large library")
    parser.add_argument("--pages", type=int, default=LARGE.pages, help="in the large library; at most 20 a chapter")
    parser.add_argument("--rounds", type=int, default=15, help="fresh processes of each kind for a cold start")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    return asked


def _filled(new: Callable[[str, str], str], name: str, size: Size) -> dict[str, Filled]:
    return databases.filled({kind: new(kind, name) for kind in KINDS}, size)


def _small_ones(parts: Sequence[str], small: dict[str, Filled], rounds: int) -> Iterator[Line]:
    """What is measured on the small library, or on none."""
    if "cold" in parts:
        yield from report.show("Cold start to the first list of series", cold_start.measure(small, rounds=rounds))
    if "lambda" in parts:
        started = lambda_start.measure(small["postgresql"].url, rounds=max(3, rounds // 3))
        yield from report.show("Lambda: the package under Amazon's emulator, on PostgreSQL", started)
    if "answers" in parts:
        yield from report.show("CPU time of an answer: of the driver and msgspec alone", answers.measure(small))
    if "invocations" in parts:
        yield from report.show("CPU time of an invocation around the app", invocations.measure())
    if "trips" in parts:
        yield from report.show("Round trips to the database", trips.measure(small))
    if "login" in parts:
        yield from report.show("Signing in", login.measure(small))
    if "memory" in parts:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            yield from report.show("Memory of a server on SQLite after its start", memory.measure(Path(directory)))
    if "pages" in parts:
        yield from report.show("Taking in a chapter by tickets", pages.measure(small))


if __name__ == "__main__":
    raise SystemExit(main())
