"""Rehearses a deployment under load, over an empty database and a filled one: `python -m tests.pipeline [DATABASE...]`.

    --chapters N    in the database; default: 1,000,000
    --rate N        requests a second; default: 50

Prints a table, and ends with status 1 where a request failed, a chapter was lost, or somebody waited for a second while
a migration ran. Each revision since the release before is one; those before it were run by the releases that had them.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.pipeline import deployment, previous, traffic
from tests.pipeline.deployment import Outcome
from tests.servers import databases, mariadb, postgresql

SERVERS = {"postgresql": postgresql.running, "mariadb": mariadb.running}
LONGEST_S = 1.0
PHASE_S = 10.0


def main() -> int:
    asked = _arguments()
    release = previous.release()
    print(f"From {release.commit[:7]} (revision {release.revision}), {asked.chapters:,} chapters, {asked.rate}/s")
    wrong = []
    try:
        for kind in asked.databases or SERVERS:
            for chapters in dict.fromkeys((0, asked.chapters)):
                title = f"{kind}, {chapters:,} chapters" if chapters else f"{kind}, empty"
                wrong += _told(title, _rehearsed(kind, chapters, asked.rate))
    except previous.NotHere as error:
        print(f"Not rehearsed: {error}", file=sys.stderr)
        return 1
    print("\n".join(wrong) or "Nothing failed, and nobody waited for long")
    return 1 if wrong else 0


def _rehearsed(kind: str, chapters: int, rate: float) -> Outcome:
    with SERVERS[kind]() as server, databases.new(server) as url, tempfile.TemporaryDirectory() as home:
        return deployment.rehearse(url, Path(home), chapters=chapters, rate=rate, seconds=PHASE_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.pipeline", description="Rehearses a deployment under load.")
    parser.add_argument(
        "databases", nargs="*", metavar="DATABASE", help=f"of {', '.join(SERVERS)}; all when none is named"
    )
    parser.add_argument("--chapters", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    asked = parser.parse_args()
    if unknown := set(asked.databases) - set(SERVERS):
        parser.error(f"no database is called {', '.join(sorted(unknown))}")
    return asked


def _told(title: str, outcome: Outcome) -> list[str]:
    """Prints it; returns sentences about what is wrong."""
    print(f"\n{title}")
    for step in outcome.steps:
        print(f"{step.phase.name}: {step.seconds:.1f} s; {step.told}")
    print(traffic.HEAD)
    for phase in outcome.phases:
        print(traffic.row(phase.name, phase), flush=True)
    wrong = [f"{title}: {phase.failed} failed: {phase.name}" for phase in outcome.phases if phase.failed]
    wrong += [f"{title}: {outcome.lost} chapters are lost"] if outcome.lost else []
    longest = {step.phase.name: max(step.phase.waits) for step in outcome.steps}
    return wrong + [f"{title}: {name}: somebody waited for {s:.1f} s" for name, s in longest.items() if s >= LONGEST_S]


if __name__ == "__main__":
    sys.exit(main())
