"""Every fault in every phase of a transaction, on each database, under the load of several processes."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import msgspec

from roliascan.database import Database
from tests.faults.breaking import FAULTS, PHASES, Breaking, Fault, breaking
from tests.faults.writers import Write, Writers
from tests.front import Site, opened
from tests.servers import databases, pgbouncer


@dataclass
class Cell:
    """What happened to one fault in one phase."""

    faults: int = 0
    acknowledged: int = 0  # writes that were answered 201, at once or after having been sent again
    unknown: int = 0  # written once, without a key, and nobody was told whether it was done
    refused: int = 0  # told that nothing was changed
    lost: int = 0
    doubled: int = 0
    untrue: int = 0  # done, though told that nothing was changed

    @property
    def wrong(self) -> int:
        return self.lost + self.doubled + self.untrue

    def add(self, write: Write, found: int) -> None:
        self.acknowledged += write.least
        self.unknown += write.most - write.least
        self.refused += write.most == 0
        self.lost += found < write.least
        self.doubled += found > max(1, write.most)
        self.untrue += found == 1 > write.most


class _Title(msgspec.Struct):
    title: str


@contextmanager
def place(server: str, *, pooled: bool = False) -> Iterator[tuple[str, str]]:
    """A migrated database: its address for the service, and the server's own."""
    with ExitStack() as stack:
        if not pooled:
            url = stack.enter_context(databases.migrated(server))
            yield url, url
            return
        pooler = stack.enter_context(pgbouncer.running(server))
        url = stack.enter_context(databases.migrated_copy(server))
        yield f"{pooler}/{url.rpartition('/')[2]}", url


def run(
    writers: Writers,
    url: str,
    database: str,
    *,
    writes: int,
    faults: Iterable[Fault] = FAULTS,
    phases: Iterable[str] = PHASES,
    told: Callable[[str], None],
) -> dict[str, Cell]:
    """Each fault in each phase while all `writers` make so many series each; what came of it, by fault and phase."""
    with opened(database) as site, breaking(url, database) as proxy:
        token = site.sign_up("uploader").token
        cells = {}
        for fault in faults:
            for phase in phases:
                name = f"{fault.__name__}, {phase}"
                cells[name] = _cell(writers, site, proxy, fault, phase, token=token, writes=writes)
                told(name)
        return cells


def _cell(writers: Writers, site: Site, proxy: Breaking, fault: Fault, phase: str, *, token: str, writes: int) -> Cell:
    before = proxy.broken
    proxy.words, proxy.fault = PHASES[phase], fault
    try:
        written = _written(writers.begin(proxy.url, token, f"{fault.__name__} {phase}", writes))
    finally:
        proxy.fault = None
    cell = _counted(site.db, written)
    cell.faults = proxy.broken - before
    return cell


def killed(
    writers: Writers,
    url: str,
    restart: Callable[[], None],
    *,
    kills: int,
    writes: int,
    seed: int,
    told: Callable[[str], None],
) -> Cell:
    """The server itself is killed and started anew, at random moments while all `writers` write."""
    draw, total = random.Random(seed), Cell()
    with opened(url) as site:
        token = site.sign_up("uploader").token
        for number in range(1, kills + 1):
            under_way = writers.begin(url, token, f"Kill {number}", writes)
            time.sleep(draw.uniform(0.02, 0.5))
            restart()
            for write, found in _found(site.db, _written(under_way)):
                total.add(write, found)
            total.faults += 1
            told(f"{number} of {kills}")
    return total


def _written(under_way: list[Future[list[Write]]]) -> list[Write]:
    return [write for one in under_way for write in one.result()]


def _counted(db: Database, written: list[Write]) -> Cell:
    cell = Cell()
    for write, found in _found(db, written):
        cell.add(write, found)
    return cell


def _found(db: Database, written: list[Write]) -> Iterator[tuple[Write, int]]:
    """How often each is there. One connection may be as dead as those of the writers; the next is not."""
    titles = [write.title for write in written]
    rows = db.read("SELECT title FROM series WHERE title IN (:titles)", _Title, titles=titles)
    times = Counter(row.title for row in rows)
    return ((write, times[write.title]) for write in written)


HEAD = f"{'':48} faults  acknowledged  unknown  refused  lost  doubled  untrue"


def row(name: str, cell: Cell) -> str:
    """A line under HEAD."""
    return (
        f"{name:48}{cell.faults:7,}{cell.acknowledged:14,}{cell.unknown:9,}{cell.refused:9,}"
        f"{cell.lost:6,}{cell.doubled:9,}{cell.untrue:8,}"
    )
