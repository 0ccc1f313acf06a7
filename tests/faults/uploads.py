"""Ends a server at every point of uploads, goes on as a client does, and compares what is there with what was told."""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import closing, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from typing import Any, NamedTuple
from unittest import mock

import msgspec

from roliascan.cli.surroundings import now
from roliascan.database import Database
from roliascan.storage import Storage, open_storage
from tests.faults import invariants
from tests.faults.mortal import Host, Place
from tests.faults.uploader import Uploader, images
from tests.faults.wire import Cut
from tests.front import Asker, Clock, opened

PAGES = 2


class Act(NamedTuple):
    """What is killed at every point of it, and what comes before it and is not."""

    verb: Callable[[Uploader], None]
    before: Callable[[Uploader], None] = lambda _: None


ACTS: Mapping[str, Act] = {
    "publish": Act(Uploader.publish),
    "abandon": Act(Uploader.abandon, before=Uploader.leave),
    "sweep": Act(Uploader.sweep, before=Uploader.leave),
}


@dataclass
class Row:
    """What happened at the points of one step."""

    kills: int = 0
    resumed: int = 0  # gone on to the end of the act
    points: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)


Rows = dict[str, Row]


class _Site(NamedTuple):
    place: Place
    start: Callable[[Place], Host]
    db: Database
    storage: Storage
    owner: Asker
    pages: int
    every: int


def run(
    place: Place,
    start: Callable[[Place], Host],
    *,
    acts: Mapping[str, Act] = ACTS,
    pages: int = PAGES,
    every: int = 1,
    told: Callable[[str], None],
) -> Rows:
    """Every act on a chapter of its own for each point, on this migrated, empty database and storage; by step.

    `every`: only each so-manieth point, where there is little time.
    """
    rows: Rows = {}
    clock = Clock()
    clock.now = now()
    with mock.patch.dict(os.environ, place.environ), opened(place.database_url, clock=clock) as site:
        at = _Site(place, start, site.db, _opened(place), site.sign_up("uploader"), pages, every)
        series = at.owner.makes_series()
        numbers = count(1)
        for name, act in acts.items():
            _act(at, act, lambda: _chapter(at, series, next(numbers)), rows)
            told(f"{name}: {sum(row.kills for row in rows.values())} kills so far")
    return rows


def _chapter(at: _Site, series: Any, number: int) -> str:
    with redirect_stdout(StringIO()):  # the log, which is not read here
        return str(at.owner.makes_chapter(series, number)["id"])


def _opened(place: Place) -> Storage:
    return open_storage(place.storage_url, azure_key=place.settings.azure_storage_key)


def _act(at: _Site, act: Act, new_chapter: Callable[[], str], rows: Rows) -> None:
    """At each of its points, as long as it has one more. Who went on after one is killed at the next."""
    host = at.start(at.place)
    try:
        for last in count(1, at.every):
            uploader = Uploader(at.owner.token, new_chapter(), images(at.pages))
            uploader.host = host
            act.before(uploader)
            host.arm(last)
            with suppress(Cut):
                act.verb(uploader)
            if not host.died_at:
                host.arm(0)
                return
            died_at = host.died_at
            host.close()
            host = at.start(at.place)
            uploader.host = host
            _count(rows, died_at, _went_on(at, uploader, act))
    finally:
        host.close()


def _went_on(at: _Site, uploader: Uploader, act: Act) -> list[str]:
    """What is wrong after having gone on, and after two sweeps."""
    wrong = [f"right after: {one}" for one in uploader.wrong()]
    try:
        act.verb(uploader)
        for _ in range(1 if act.verb is Uploader.sweep else 2):
            uploader.sweep()
    except AssertionError as error:
        return [*wrong, f"cannot go on: {error}"]
    return wrong + uploader.wrong() + invariants.of_rows(at.db, []) + of_stored(at.db, at.storage)


def _count(rows: Rows, died_at: str, wrong: list[str]) -> None:
    row = rows.setdefault(died_at.partition(":")[0], Row())
    row.kills += 1
    row.points.add(died_at)
    row.resumed += not any("cannot go on" in one for one in wrong)
    row.violations += [f"{died_at}: {one}" for one in wrong]


class _File(msgspec.Struct):
    storage_key: str
    sha256: str
    bytes: int
    state: str


def of_stored(db: Database, storage: Storage) -> list[str]:
    """After a sweep: rows without their bytes (I4), bytes without a row (I3), and rows that nothing shows."""
    rows = {row.storage_key: row for row in db.read("SELECT storage_key, sha256, bytes, state FROM files", _File)}
    there = {file.key for file in storage.list()}
    wrong = [f"a row without its file: {key}" for key in rows.keys() - there]
    wrong += [f"a file without a row after the sweep: {key}" for key in there - rows.keys()]
    wrong += [f"a file that nothing shows: {key}" for key, row in rows.items() if row.state != "ready"]
    for key in rows.keys() & there:
        with closing(storage.open(key)) as file:
            data = file.read()
        if (len(data), hashlib.sha256(data).hexdigest()) != (rows[key].bytes, rows[key].sha256):
            wrong.append(f"a file is not what its row says: {key}")
    return wrong


def summed(rows: Rows) -> Rows:
    """With a line for all of them."""
    total = Row(points=set().union(*(one.points for one in rows.values())))
    for one in rows.values():
        total.kills += one.kills
        total.resumed += one.resumed
        total.violations += one.violations
    return {**rows, "all": total}


HEAD = f"{'':48}  points  kills  resumed  violations"


def row(name: str, found: Row) -> str:
    """A line under HEAD."""
    return f"{name:48}{len(found.points):8,}{found.kills:7,}{found.resumed:9,}{len(found.violations):12,}"
