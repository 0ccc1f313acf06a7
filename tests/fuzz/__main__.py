"""`make fuzz`: generated requests and walks, requests through every form of event, and what is hostile, in numbers.

FUZZ_REQUESTS (20,000), FUZZ_STEPS (5,000), FUZZ_EVENTS (20,000 for each form), FUZZ_IMAGES (10,000) and FUZZ_SEED
(another each time) say how much and which; FUZZ_ONLY leaves one part, `requests`, `walks`, `gateway`, `images` (spoiled
ones) or `hostile` (archives and pages that the command takes in). Ends with 1 when something was found.
"""

import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from tests.fuzz import parts as fuzzed
from tests.fuzz.told import Outcome, Tally, Told
from tests.model.machine import steps_of
from tests.platforms import travel
from tests.servers import parts

KINDS = ("sqlite", "postgresql")
WALKERS = 4  # they wait for the databases most of the time
_ROW = "{:<12}{:<12}{:>9}{:>12}  {}"


def main() -> int:
    seed = int(os.environ.get("FUZZ_SEED") or random.getrandbits(32))
    print(f"FUZZ_SEED={seed}", flush=True)
    only = os.environ.get("FUZZ_ONLY") or "requests walks gateway images hostile"
    with (
        tempfile.TemporaryDirectory(prefix="roliascan-fuzz-") as run,
        parts.up({"postgresql", "mariadb"} if "requests" in only or "walks" in only else set()),
        ProcessPoolExecutor(len(KINDS) + WALKERS, mp_context=get_context("spawn")) as pool,
    ):
        asking = _start_requests(pool, run, seed) if "requests" in only else []
        walking = _start_walks(pool, run, seed) if "walks" in only else []
        travelling = _start_round_trips(pool, seed) if "gateway" in only else []
        spoiling = _start_images(pool, seed) if "images" in only else []
        taking = [pool.submit(fuzzed.hostile, run)] if "hostile" in only else []
        found = [
            *_tell_requests(asking),
            *_tell(walking, "{steps} steps on the model and on every database"),
            *_tell(travelling, "{all} requests and answers through the gateway, {wrong} forms with a difference"),
            *_tell_tallies([*spoiling, *taking]),
        ]
    return 1 if any(found) else 0


def _start_requests(pool: ProcessPoolExecutor, run: str, seed: int) -> list[Future[Outcome]]:
    wanted = int(os.environ.get("FUZZ_REQUESTS") or 20_000)
    kinds = [kind for kind in KINDS if kind == "sqlite" or not parts.missing(kind)]
    each = -(-wanted // len(kinds))
    return [pool.submit(fuzzed.requests, run, kind, each, seed + place) for place, kind in enumerate(kinds)]


def _start_walks(pool: ProcessPoolExecutor, run: str, seed: int) -> list[Future[tuple[Counter[str], str]]]:
    wanted = int(os.environ.get("FUZZ_STEPS") or 5_000)
    return [pool.submit(fuzzed.walks, run, -(-wanted // WALKERS), seed + 1000 * place) for place in range(WALKERS)]


def _start_round_trips(pool: ProcessPoolExecutor, seed: int) -> list[Future[tuple[Counter[str], str]]]:
    wanted = int(os.environ.get("FUZZ_EVENTS") or 20_000)
    return [pool.submit(fuzzed.round_trips, shape, wanted, seed) for shape in travel.NAMES]


def _start_images(pool: ProcessPoolExecutor, seed: int) -> list[Future[list[Tally]]]:
    wanted = int(os.environ.get("FUZZ_IMAGES") or 10_000)
    return [pool.submit(fuzzed.spoiled, wanted, seed)]


def _tell_requests(asking: Iterable[Future[Outcome]]) -> list[bool]:
    """Whether something was found, for each."""
    outcomes = [one.result() for one in asking]
    if outcomes:
        print(_ROW.format("role", "database", "requests", "operations", "statuses"))
    for outcome in outcomes:
        for told in outcome.told:
            _print_row(told)
        print(f"  in {outcome.seconds:.0f} s")
    if outcomes:
        print(_ROW.format("all", "", sum(told.requests for one in outcomes for told in one.told), "", ""), flush=True)
    for finding in (finding for outcome in outcomes for finding in outcome.findings):
        print(f"\n{finding.check}: {finding.operation}: {finding.title}\n{finding.sample}")
    return [bool(outcome.findings) for outcome in outcomes]


def _print_row(told: Told) -> None:
    statuses = " ".join(f"{status}:{count}" for status, count in sorted(told.statuses.items()))
    done = f"{len(told.done)} of {len(told.operations)}"
    print(_ROW.format(told.role or "stranger", told.kind, told.requests, done, statuses))


def _tell(running: Iterable[Future[tuple[Counter[str], str]]], headline: str) -> list[bool]:
    """Whether something was found, for each."""
    found, counts = _gathered(running)
    if found:
        print("\n" + headline.format(all=counts.total(), steps=steps_of(counts), wrong=sum(found)))
    _print_counts(counts)
    return found


def _tell_tallies(running: Iterable[Future[list[Tally]]]) -> list[bool]:
    """Whether something was found, for each."""
    tallies = [tally for one in running for tally in one.result()]
    if tallies:
        print(f"\n{'hostile':<32}{'cases':>6}{'longest':>8}{'memory':>8}  outcomes")
    for tally in tallies:
        print(tally)
    for line in (line for tally in tallies for line in tally.wrong):
        print(line)
    return [bool(tally.wrong) for tally in tallies]


def _gathered(running: Iterable[Future[tuple[Counter[str], str]]]) -> tuple[list[bool], Counter[str]]:
    found, counts = [], Counter[str]()
    for one in running:
        done, failure = one.result()
        counts += done
        found.append(bool(failure))
        print(failure, end="")
    return found, counts


def _print_counts(counts: Counter[str]) -> None:
    for name, count in sorted(counts.items()):
        print(f"  {name:<20}{count:>8}")


if __name__ == "__main__":
    sys.exit(main())
