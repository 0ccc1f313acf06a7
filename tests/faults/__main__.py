"""Kills servers under load and compares what they had answered with what is there; prints a table of counts.

    python -m tests.faults [DATABASE...] [--kills N] [--seed N]

Ends with status 1 where anything was lost, half done, told wrongly, or left over after a sweep. The moments of the
kills and what people do are drawn from the seed, which is printed; how far a server gets until then is the machine's.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from roliascan.database import migrations
from tests.faults import runs
from tests.faults.runs import Ender
from tests.faults.tallies import HEAD, Tally, row
from tests.servers import databases, mariadb, postgresql

KINDS = ("sqlite", "postgresql", "mariadb")
SERVERS = {"postgresql": postgresql.running, "mariadb": mariadb.running}


def main() -> int:
    asked = _arguments()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"Seed {seed}")
    table: dict[str, Tally] = {}
    fewer = max(1, asked.kills // 4)
    for kind in asked.databases or KINDS:
        with _server(kind) as server:
            table[f"{kind} SIGKILL"] = _run(kind, server, "SIGKILL", runs.kill, kills=asked.kills, seed=seed)
            table[f"{kind} SIGTERM"] = _run(kind, server, "SIGTERM", runs.terminate, kills=fewer, seed=seed)
        if kind == "postgresql":
            table["postgresql itself"] = _run_itself(kills=fewer, seed=seed)
    print("\n".join([HEAD, *(row(name, tally) for name, tally in table.items())]))
    return 1 if any(tally.violations for tally in table.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Kills servers under load.")
    parser.add_argument(
        "databases", nargs="*", metavar="DATABASE", help=f"of {', '.join(KINDS)}; all when none is named"
    )
    parser.add_argument("--kills", type=int, default=20, help="of the server, on each database; default: 20")
    parser.add_argument("--seed", type=int, help="of what is drawn; default: another each time")
    asked = parser.parse_args()
    if unknown := set(asked.databases) - set(KINDS):
        parser.error(f"no database is called {', '.join(sorted(unknown))}")
    return asked


@contextmanager
def _server(kind: str) -> Iterator[str]:
    """The address of a database server; empty for SQLite."""
    if kind == "sqlite":
        yield ""
    else:
        with SERVERS[kind]() as url:
            yield url


def _run(kind: str, server: str, name: str, end: Ender, *, kills: int, seed: int) -> Tally:
    told = _teller(f"{kind} {name}")
    with _folder() as folder, _database(server, folder) as url:
        return _told(told, runs.killed(url, folder, end=end, kills=kills, seed=seed, told=told))


def _run_itself(*, kills: int, seed: int) -> Tally:
    """PostgreSQL is killed, and not our server."""
    told = _teller("postgresql itself")
    with _folder() as folder, runs.mortal_postgresql() as (server, restart), databases.new(server) as url:
        migrations.upgrade(url)
        return _told(told, runs.database_killed(url, folder, restart=restart, kills=kills, seed=seed, told=told))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="roliascan-faults-") as folder:
        yield Path(folder)


def _database(server: str, folder: Path) -> AbstractContextManager[str]:
    return databases.migrated(server) if server else databases.sqlite(folder, folder, migrated=True)


def _teller(name: str) -> Callable[[str], None]:
    """Tells how far a run is."""
    end, lead = ("", "\r") if sys.stdout.isatty() else ("\n", "")
    return lambda at: print(f"{lead}{name}: {at}", end=end, flush=True)


def _told(told: Callable[[str], None], tally: Tally) -> Tally:
    for sentence in tally.violations:
        told(sentence)
    return tally


if __name__ == "__main__":
    sys.exit(main())
