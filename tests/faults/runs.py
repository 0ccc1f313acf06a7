"""Runs: a server under load, killed again and again, and what is compared after each start."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple

from roliascan.cli.surroundings import now
from roliascan.database import Database
from tests.faults import invariants, load
from tests.faults.lanes import Lane
from tests.faults.model import Commons, People
from tests.faults.tallies import Tally
from tests.faults.wire import Cut, Wire
from tests.front import PAGE, SECRET, Clock, File, form, opened
from tests.platforms import processes
from tests.platforms.processes import Server
from tests.servers import postgresql, program

LANES = 6
SOONEST, LATEST = 0.05, 2.5  # seconds of load before a kill
ROLIASCAN = str(Path(sys.executable).with_name("roliascan"))

Ender = Callable[[Server], None]


class Run(NamedTuple):
    """A site that outlives its servers."""

    url: str
    home: Path
    draw: random.Random
    db: Database
    lanes: list[Lane]
    tally: Tally

    @property
    def folder(self) -> Path:
        return self.home / "uploads"


@contextmanager
def begun(url: str, home: Path, *, seed: int) -> Iterator[Run]:
    """A run on this migrated, empty database, which keeps its files in the folder `home`."""
    draw = random.Random(seed)
    clock = Clock()
    clock.now = now()
    with opened(url, clock=clock) as site:
        moderator, admin = site.sign_up("moderator"), site.sign_up("admin")
        owners = [site.sign_up("uploader") for _ in range(LANES)]
        run = Run(url, home, draw, site.db, [], Tally())
        with serving(run) as server:
            commons = _commons(Wire(server.address), admin.token)
        for number, owner in enumerate(owners):
            people = People(owner.token, moderator.token, admin.token)
            run.lanes.append(Lane(f"Lane {number}", people, commons, random.Random(draw.random())))
        yield run


def _commons(wire: Wire, admin: str) -> Commons:
    series = wire.ask("POST", "series", by=admin, json={"title": "Commons", "author": "Everybody"}).json["id"]
    chapter = wire.ask("POST", f"series/{series}/chapters", by=admin, json={"number": 1}).json["id"]
    wire.ask("POST", f"chapters/{chapter}/pages", by=admin, form=form(File("file", PAGE)))
    assert wire.ask("POST", f"chapters/{chapter}/publish", by=admin).json["state"] == "published"
    wire.close()
    return Commons(series, chapter)


@contextmanager
def serving(run: Run) -> Iterator[Server]:
    """`roliascan serve` on the site."""
    environ = {
        "DATABASE_URL": run.url,
        "STORAGE_URL": f"file:{run.folder}",
        "JWT_SECRET": SECRET,
        "RATE_LIMITS": "off",
        "HOST": "127.0.0.1",
    }
    with processes.served([ROLIASCAN, "serve"], environ) as server:
        for lane in run.lanes:
            lane.wire = Wire(server.address)
        yield server
        for lane in run.lanes:
            lane.wire.close()


def kill(server: Server) -> None:
    """The server and its worker, at once."""
    os.killpg(server.pid, signal.SIGKILL)
    run_out(server)


def terminate(server: Server) -> None:
    """What an operator does."""
    os.kill(server.pid, signal.SIGTERM)
    run_out(server)


def run_out(server: Server) -> None:
    assert processes.soon(lambda: not processes.listens(server.address)), "the server still listens"
    assert processes.soon(lambda: not processes.alive(server.pid)), "the server is still there"


def under_load(run: Run, server: Server, end: Ender) -> None:
    """All lanes at once, until `end(server)` at a random moment."""
    over = Event()
    with ThreadPoolExecutor(len(run.lanes)) as pool:
        working = [pool.submit(_work, lane, over) for lane in run.lanes]
        time.sleep(run.draw.uniform(SOONEST, LATEST))
        end(server)
        over.set()
        for one in working:
            one.result()
    run.tally.kills += 1


def _work(lane: Lane, over: Event) -> None:
    try:
        while not over.is_set():
            load.step(lane)
    except Cut:
        return


def compare(run: Run) -> None:
    """Settles what was unknown, then compares what people were told with what is there."""
    with ThreadPoolExecutor(len(run.lanes)) as pool:
        for _ in pool.map(_compare, run.lanes):
            pass
    for lane in run.lanes:
        run.tally.add(lane.tally)
        lane.tally = Tally()
    acts = [act for lane in run.lanes for act in lane.acts]
    wrong = invariants.of_rows(run.db, acts) + invariants.of_storage(run.db, run.folder, swept=False)
    run.tally.violations += wrong


def _compare(lane: Lane) -> None:
    lane.settle()
    lane.check()


def finish(run: Run) -> None:
    """Sweeps as a day later, without a server, and compares the rows with the files."""
    run.tally.strays = invariants.sweep_later(run.db, run.folder)
    run.tally.violations += invariants.of_storage(run.db, run.folder, swept=True)
    run.tally.violations += invariants.of_file(run.url)


@contextmanager
def mortal_postgresql() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL that writes as carefully as it does by itself: its address, and what kills it and starts it anew."""
    port = program.free_port()
    with postgresql.made() as directory, ExitStack() as stack:

        def start() -> str:
            return stack.enter_context(postgresql.serving(directory, port, {}))

        def kill_and_start() -> None:
            leader = int((directory / "data" / "postmaster.pid").read_text().split()[0])
            for pid in (leader, *processes.children(leader)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            stack.close()
            start()

        yield start(), kill_and_start


def database_killed(
    url: str, home: Path, *, restart: Callable[[], None], kills: int, seed: int, told: Callable[[str], None]
) -> Tally:
    """A whole run in which the database is killed, `kills` times, and one server of ours goes on all the while."""
    with begun(url, home, seed=seed) as run:
        with serving(run) as server:
            for number in range(1, kills + 1):
                under_load(run, server, lambda _: restart())
                compare(run)
                told(f"{number} of {kills}")
        finish(run)
    return run.tally


def killed(url: str, home: Path, *, end: Ender, kills: int, seed: int, told: Callable[[str], None]) -> Tally:
    """A whole run: the server is ended `kills` times under load, and compared after each."""
    with begun(url, home, seed=seed) as run:
        for number in range(1, kills + 1):
            with serving(run) as server:
                compare(run)
                under_load(run, server, end)
            told(f"{number} of {kills}")
        with serving(run):
            compare(run)
        finish(run)
    return run.tally
