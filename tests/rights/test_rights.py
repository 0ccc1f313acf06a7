"""Every route, asked by everybody about everything: each cell of the table, through the front door."""

from collections.abc import Callable, Iterable
from itertools import islice

import pytest

from roliascan.web.routes import ROUTES
from tests.front import Site
from tests.rights.dump import dump
from tests.rights.table import WALKS, Cell, cells
from tests.rights.world import World

LEAST = 9_000
ON_SERVERS = {"stranger", "lone", "member", "leader", "admin"}, {"draft", "published", "hidden", "shelved", "deleted"}
"""Who asks, and about what in which state, where the answer can only differ by what the database makes of the SQL."""

CELLS = list(cells([f"{route.method} {route.path}" for route in ROUTES]))


def is_refusal(cell: Cell) -> bool:
    return cell.status is not None and cell.status >= 400


def is_walked(cell: Cell, site: Site) -> bool:
    """SQLite is asked every cell. On the servers, which take several times as long, three in ten are enough."""
    subjects, states = ON_SERVERS
    return site.db.kind == "sqlite" or (cell.subject in subjects and cell.state in states)


def wrong(world: World, cell: Cell) -> str:
    """What is wrong with the answer to a cell, if anything."""
    answer = world.ask(cell)
    world.after(cell, answer)
    if answer.status_code == cell.status:
        return ""
    route = f"{cell.row.route} {cell.row.act}".strip()
    return f"{route}: {cell.subject}, {cell.relation}, {cell.state}: {answer.status_code}, not {cell.status}"


def test_the_table_tells_of_everything(record_property: Callable[[str, object], None]) -> None:
    """AZ-01"""
    undefined = [cell for cell in CELLS if cell.status is None]
    record_property("told", f"rights: {len(CELLS):,} cells, {len(undefined)} undefined")
    assert not undefined
    assert len(CELLS) >= LEAST


@pytest.mark.parametrize("kinds", WALKS)
def test_every_cell_is_as_the_table_says(site: Site, kinds: str) -> None:
    """AZ-01: first all that is refused, which must leave every row as it was, then all that is done."""
    of_kind = [cell for cell in CELLS if cell.row.kind in kinds.split() and is_walked(cell, site)]
    world = World(site)
    for cell in of_kind:
        world.thing(cell)
    before = dump(site)
    _none(wrong(world, cell) for cell in of_kind if is_refusal(cell))
    assert dump(site) == before
    _none(wrong(world, cell) for cell in of_kind if not is_refusal(cell))


def test_no_cell_is_left_out() -> None:
    assert {cell.row.kind for cell in CELLS} == set(" ".join(WALKS).split())


def _none(told: Iterable[str]) -> None:
    found = list(islice(filter(None, told), 40))  # enough to see what it is
    assert not found, "cells that are wrong: " + "\n".join(found)
