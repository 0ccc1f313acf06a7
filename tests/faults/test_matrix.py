"""Faults of connections under the load of processes: nothing lost, nothing twice. The whole is `make faults`."""

import pytest

from roliascan.database import migrations
from tests.database.kinds import on_servers
from tests.faults import breaking, matrix, runs
from tests.faults.writers import Write, writers
from tests.servers import databases, parts


@on_servers
def test_what_was_acknowledged_is_there_once(database_url: str) -> None:  # DB-01, SL-03
    faults = (breaking.lost_on_the_way_back, breaking.ended_by_the_server)
    with writers(2) as processes:
        cells = matrix.run(processes, database_url, database_url, writes=8, faults=faults, told=print)
    assert len(cells) == 6
    for name, cell in cells.items():
        assert cell.wrong == 0, matrix.row(name, cell)
        assert cell.faults > 0, name
        assert cell.acknowledged >= 8, name
    assert any(cell.unknown for cell in cells.values())


@pytest.mark.postgresql
def test_a_server_that_is_killed_keeps_what_was_acknowledged() -> None:  # DB-15
    parts.require("postgresql")
    with writers(2) as processes, runs.mortal_postgresql() as (server, restart), databases.new(server) as url:
        migrations.upgrade(url)
        cell = matrix.killed(processes, url, restart, kills=2, writes=8, seed=1, told=print)
    assert (cell.faults, cell.wrong) == (2, 0)
    assert cell.acknowledged >= 16


def test_what_is_wrong_is_counted() -> None:
    cell = matrix.Cell()
    for write, found in (
        (Write("a", 1, 1), 0),
        (Write("b", 1, 1), 2),
        (Write("c", 0, 0), 1),
        (Write("d", 0, 1), 1),
        (Write("e", 0, 1), 0),
        (Write("f", 0, 1), 2),
    ):
        cell.add(write, found)
    assert (cell.lost, cell.doubled, cell.untrue, cell.wrong) == (1, 2, 1, 4)
    assert (cell.acknowledged, cell.unknown, cell.refused) == (2, 3, 1)
