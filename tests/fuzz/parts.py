"""The parts of `make fuzz`, each for a process of its own."""

import tempfile
import traceback
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

from roliascan.web import logs
from tests.fuzz import generated, images
from tests.fuzz.ground import ROLES
from tests.fuzz.told import Outcome, Tally
from tests.hostile import examining
from tests.hostile.cases import ARCHIVES, PAGES
from tests.model import machine
from tests.model.places import opened_everywhere
from tests.platforms import travel
from tests.servers import databases, parts


def requests(run: str, kind: str, wanted: int, seed: int) -> Outcome:
    """Generated requests on this kind of database, at least so many."""
    _settle()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=run)))
        urls = {role: stack.enter_context(_database(Path(run), directory, kind)) for role in ROLES}
        return generated.run(urls, kind, requests=wanted, seed=seed)


def _database(run: Path, directory: Path, kind: str) -> AbstractContextManager[str]:
    if kind == "sqlite":
        return databases.sqlite(run, directory, migrated=True)
    return databases.migrated_copy(parts.require(kind))


def walks(run: str, steps: int, seed: int) -> tuple[Counter[str], str]:
    """Generated walks of at least so many steps in all: how often each was taken, and what one of them met."""
    _settle()
    counts = Counter[str]()
    with (
        tempfile.TemporaryDirectory(dir=run) as directory,
        opened_everywhere(Path(directory), Path(run)) as places,
    ):
        try:
            machine.walk(places, counts, steps=steps, seed=seed)
        except Exception as error:  # of any kind: it is what was looked for, and is told
            return counts, "".join(traceback.format_exception(error))
    return counts, ""


def round_trips(shape: str, wanted: int, seed: int) -> tuple[Counter[str], str]:
    """So many requests through a shape of the gateway, and answers back: how many of each, and what was found."""
    _settle()
    counts = Counter[str]()

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=wanted)
    @hypothesis.given(st.data())
    def travels(data: Any) -> None:
        travel.check_there(shape, data.draw(travel.there(shape)))
        travel.check_back(shape, data.draw(travel.back(shape)))
        counts[shape] += 1

    try:
        travels()
    except Exception as error:  # of any kind: it is what was looked for, and is told
        return counts, "".join(traceback.format_exception(error))
    return counts, ""


def spoiled(wanted: int, seed: int) -> list[Tally]:
    """So many spoiled images."""
    return [images.look_at(wanted, seed)]


def hostile(run: str) -> list[Tally]:
    """Every hostile archive and page, taken in by the command."""
    tallies = []
    for cases in (ARCHIVES, PAGES):
        with tempfile.TemporaryDirectory(dir=run) as directory:
            tallies += examining.examine(cases, Path(run), Path(directory))
    return tallies


def _settle() -> None:
    hypothesis.settings.register_profile("fuzz", deadline=None, database=None)
    hypothesis.settings.load_profile("fuzz")
    logs.write = _quiet


def _quiet(text: str) -> None:
    """A line for each of so many requests is for nobody."""
