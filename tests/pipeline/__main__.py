"""Rehearses a deployment over a filled database under load: `python -m tests.pipeline [DATABASE...]`.

    --chapters N    in the database; default: 1,000,000
    --rate N        requests a second; default: 50

Prints a table, and ends with status 1 where a request failed, a chapter was lost, or somebody waited for a second while
the migrations ran.
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
    for kind in asked.databases or SERVERS:
        with SERVERS[kind]() as server, databases.new(server) as url, tempfile.TemporaryDirectory() as home:
            try:
                outcome = deployment.rehearse(
                    url, Path(home), chapters=asked.chapters, rate=asked.rate, seconds=PHASE_S
                )
            except previous.NotHere as error:
                print(f"Not rehearsed: {error}", file=sys.stderr)
                return 1
        wrong += _told(kind, outcome)
    print("\n".join(wrong) or "Nothing failed, and nobody waited for long")
    return 1 if wrong else 0


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


def _told(kind: str, outcome: Outcome) -> list[str]:
    """Prints it; returns sentences about what is wrong."""
    print(f"\n{kind}: migrated in {outcome.seconds:.1f} s; {'; '.join(outcome.told[-2:])}\n{traffic.HEAD}")
    for phase in outcome.phases:
        print(traffic.row(f"{kind}: {phase.name}", phase), flush=True)
    wrong = [f"{kind}: {phase.failed} failed: {phase.name}" for phase in outcome.phases if phase.failed]
    wrong += [f"{kind}: {outcome.lost} chapters are lost"] if outcome.lost else []
    longest = max(max(phase.waits) for phase in outcome.phases if phase.name == "migrating")
    return wrong + ([f"{kind}: somebody waited for {longest:.1f} s"] if longest >= LONGEST_S else [])


if __name__ == "__main__":
    sys.exit(main())
