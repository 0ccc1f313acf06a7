"""A deployment, rehearsed: old release, migrate, new release beside it, new alone, rolled back; asked all the while."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from roliascan.cli.surroundings import now
from roliascan.database import schema
from tests.database import bare, crowd, expanding
from tests.faults.wire import Wire
from tests.front import SECRET, Clock, opened
from tests.pipeline import previous
from tests.pipeline.traffic import Phase, Traffic
from tests.servers import program, server

SERIES = 50
READABLE = (
    "chapters c JOIN series s ON s.id = c.series_id WHERE c.state = 'published' AND s.state = 'published' ORDER BY c.id"
)
ROLIASCAN = ("-c", "import sys; from roliascan.cli import main; sys.exit(main())")


class Site(NamedTuple):
    """What both releases serve: a database, a folder for files; who writes, and chapters to read."""

    url: str
    home: Path
    token: str
    chapters: list[str]


class Step(NamedTuple):
    """A revision: what was answered while it ran, for how many seconds it did, and what it told in the end."""

    phase: Phase
    seconds: float
    told: str


class Outcome(NamedTuple):
    """All phases, those in which a revision ran, and how many chapters were promised and are not there."""

    phases: list[Phase]
    steps: list[Step]
    lost: int


def rehearse(url: str, home: Path, *, chapters: int, rate: float, seconds: float) -> Outcome:
    """On an empty database; each phase takes so many `seconds`, or as long as its revision. Raises previous.NotHere.

    Every revision since the release before is run by itself; the new release comes in when the database fits it, and
    with both beside each other one of the tests' own follows (`migrating`).
    """
    old, new = previous.unpack(home / "old"), program.PROJECT
    _ran(old, *ROLIASCAN, "migrate", "up", url=url)
    if chapters:
        crowd.fill(url, series=SERIES, chapters=chapters, pages=min(chapters, 100_000))
    with ExitStack() as stack:
        site = _site(url, home)
        first = stack.enter_context(_serving(old, site))
        own = _Own(site, Wire(first))
        traffic = Traffic(own.ask, rate, [first])
        phases: list[Phase] = []

        def enter(name: str, *addresses: str) -> Phase:
            traffic.addresses = addresses
            phases.append(traffic.enter(name))
            return phases[-1]

        def migrate(revision: int, name: str, *addresses: str) -> Step:
            phase, began = enter(name, *addresses), time.monotonic()
            told = _ran(new, "-m", "tests.pipeline.migrating", url, str(revision), url=url)
            took = time.monotonic() - began
            time.sleep(max(0.0, seconds - took))
            return Step(phase, took, told.strip().rpartition("\n")[2])

        with traffic.flowing():
            enter("old release", first)
            time.sleep(seconds)
            real = range(previous.release().revision + 1, schema.REVISION + 1)
            steps = [migrate(revision, f"migrating to {revision}", first) for revision in real]
            second = stack.enter_context(_serving(new, site))
            steps.append(migrate(expanding.NUMBER, "migrating, the tests' own", first, second))
            for name, addresses in {"both": (first, second), "new release": (second,), "rolled back": (first,)}.items():
                enter(name, *addresses)
                time.sleep(seconds)
        return Outcome(phases, steps, own.lost())


def _ran(tree: Path, *words: str, url: str) -> str:
    environ = program.environment({"PYTHONPATH": f"{tree}/src", "DATABASE_URL": url})
    done = subprocess.run([sys.executable, *words], cwd=tree, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _site(url: str, home: Path) -> Site:
    clock = Clock()
    clock.now = now()
    with opened(url, clock=clock) as site:
        token = site.sign_up("uploader").token
        listed = site.values("c.id", f"{READABLE} LIMIT 50")
    return Site(url, home, token, listed)


@contextmanager
def _serving(tree: Path, site: Site) -> Iterator[str]:
    environ = {
        "PYTHONPATH": f"{tree}/src",
        "DATABASE_URL": site.url,
        "STORAGE_URL": f"file:{site.home}/uploads",
        "JWT_SECRET": SECRET,
        "RATE_LIMITS": "off",
    }
    with server.running(environ, command=[sys.executable, *ROLIASCAN, "serve"], cwd=tree, ready="/ready") as url:
        yield url


class _Own:
    """Every eighth request adds a chapter to a series of one's own, every eighth a comment; the others read.

    Where nothing was published there is nothing to comment on, and lists are read instead.
    """

    def __init__(self, site: Site, wire: Wire) -> None:
        self._site = site
        made = wire.ask("POST", "series", by=site.token, json={"title": "Own", "author": "Somebody"})
        assert made.status == 201, made
        self._series = str(made.json["id"])
        self._added: list[int] = []
        wire.close()

    def ask(self, wire: Wire, number: int) -> int:
        chapters = self._site.chapters
        chapter = chapters[number % len(chapters)] if chapters else ""
        reads = ["series?limit=20", "chapters"]
        reads += [f"chapters/{chapter}", f"chapters/{chapter}/comments"] if chapter else [f"series/{self._series}"] * 2
        if number % 8 == 3:
            path = f"series/{self._series}/chapters"
            status = wire.ask("POST", path, by=self._site.token, json={"number": number}).status
            self._added += [number] if status == 201 else []
            return status
        if number % 8 == 7 and chapter:
            path = f"chapters/{chapter}/comments"
            return wire.ask("POST", path, by=self._site.token, json={"body": f"Comment {number}"}).status
        return wire.ask("GET", reads[number % len(reads)]).status

    def lost(self) -> int:
        """Chapters that were answered for and are not there."""
        ours = f"SELECT number_milli / 1000 FROM chapters WHERE series_id = '{self._series}'"
        return len({*self._added} - {int(number) for (number,) in bare.rows(self._site.url, ours)})
