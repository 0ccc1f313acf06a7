"""Kills servers under load and compares what they had answered with what is there; prints a table of counts.

    python -m tests.faults [DATABASE...] [--only PART...] [--kills N] [--seed N]

Then breaks connections to the servers in every way and phase, also behind a pooler, and kills PostgreSQL, while four
processes write; prints another table. At last ends a server at every point of uploads, on each database and storage;
prints a third; and sends a long chapter to each storage over lines that are cut; prints a fourth.

Ends with status 1 where anything was lost, half done, told wrongly, or left over after a sweep. The moments of the
kills and what people do are drawn from the seed, which is printed; how far a server gets until then is the machine's.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from roliascan.database import migrations
from tests.faults import lines, matrix, mortal, places, runs, uploads
from tests.faults.lines import Line
from tests.faults.matrix import Cell
from tests.faults.runs import Ender
from tests.faults.tallies import HEAD, Tally, row
from tests.faults.writers import Writers, writers
from tests.servers import databases, mariadb, postgresql

WRITES = 12  # of each process, in each cell
PAGES, CUTS = 200, 80  # of a chapter that is sent over lines that are cut
KINDS = ("sqlite", "postgresql", "mariadb")
SERVERS = {"postgresql": postgresql.running, "mariadb": mariadb.running}


def main() -> int:
    asked = _arguments()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"Seed {seed}")
    kinds = asked.databases or KINDS
    wrong = [PARTS[name](kinds, asked.kills, seed) for name in asked.only or PARTS]
    return 1 if any(wrong) else 0


def _kills(kinds: Collection[str], kills: int, seed: int) -> bool:
    table: dict[str, Tally] = {}
    fewer = max(1, kills // 4)
    for kind in kinds:
        with _server(kind) as server:
            table[f"{kind} SIGKILL"] = _run(kind, server, "SIGKILL", runs.kill, kills=kills, seed=seed)
            table[f"{kind} SIGTERM"] = _run(kind, server, "SIGTERM", runs.terminate, kills=fewer, seed=seed)
        if kind == "postgresql":
            table["postgresql itself"] = _run_itself(kills=fewer, seed=seed)
    print("\n".join([HEAD, *(row(name, tally) for name, tally in table.items())]))
    return any(tally.violations for tally in table.values())


def _connections(kinds: Collection[str], kills: int, seed: int) -> bool:
    cells = _matrix(kinds, kills=kills * 3 // 2, seed=seed)
    print("\n".join([matrix.HEAD, *(matrix.row(name, cell) for name, cell in cells.items())]))
    return any(cell.wrong for cell in cells.values())


def _uploads(kinds: Collection[str], _kills: int, _seed: int) -> bool:
    table: dict[str, uploads.Row] = {}
    with places.storages() as storages:
        for kind in kinds:
            for name, storage in storages.items():
                told = _teller(f"{name}, {kind}")
                pages = 2 if name == "local" else 1  # clients of object storages take their time to be made
                with _server(kind) as server, _folder() as folder, _database(server, folder) as url:
                    found = uploads.run(storage(folder, url), mortal.Process, pages=pages, told=told)
                table |= {f"{name}, {kind}: {step}": one for step, one in found.items()}
                told(uploads.row("in all", uploads.summed(found)["all"]).strip())
                for sentence in [sentence for one in found.values() for sentence in one.violations]:
                    told(sentence)
    print("\n".join([uploads.HEAD, *(uploads.row(name, one) for name, one in uploads.summed(table).items())]))
    return any(one.violations for one in table.values())


def _lines(_kinds: Collection[str], _kills: int, seed: int) -> bool:
    table: dict[str, Line] = {}
    with places.storages() as storages:
        for name, storage in storages.items():
            with _folder() as folder, _database("", folder) as url:
                table[name] = lines.run(storage(folder, url), folder, pages=PAGES, cuts=CUTS, seed=seed)
            _teller("lines")(name)
    print("\n".join([lines.HEAD, *(lines.row(name, line) for name, line in table.items())]))
    return any(line.wrong for line in table.values())


PARTS: dict[str, Callable[[Collection[str], int, int], bool]] = {
    "kills": _kills,
    "connections": _connections,
    "uploads": _uploads,
    "lines": _lines,
}
"""What each prints at its end; whether anything is wrong."""


def _matrix(kinds: Collection[str], *, kills: int, seed: int) -> dict[str, Cell]:
    """By database and fault, under load from four processes."""
    cells: dict[str, Cell] = {}
    with writers() as processes:
        for kind in (one for one in kinds if one != "sqlite"):
            for pooled in (False, True) if kind == "postgresql" else (False,):
                name = "pgbouncer" if pooled else kind
                with _server(kind) as server, matrix.place(server, pooled=pooled) as (url, database):
                    found = matrix.run(processes, url, database, writes=WRITES, told=_teller(name))
                cells |= {f"{name}: {fault}": cell for fault, cell in found.items()}
            if kind == "postgresql":
                cells[f"postgresql: {kills} x SIGKILL"] = _killed(processes, kills=kills, seed=seed)
    return cells


def _killed(processes: Writers, *, kills: int, seed: int) -> Cell:
    told = _teller("postgresql killed")
    with runs.mortal_postgresql() as (server, restart), databases.new(server) as url:
        migrations.upgrade(url)
        return matrix.killed(processes, url, restart, kills=kills, writes=WRITES, seed=seed, told=told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Kills servers under load.")
    parser.add_argument(
        "databases", nargs="*", metavar="DATABASE", help=f"of {', '.join(KINDS)}; all when none is named"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], metavar="PART", help=f"of {', '.join(PARTS)}")
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
