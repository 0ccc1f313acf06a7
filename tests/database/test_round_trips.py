"""What a request costs on the wire, counted there."""

import re
from contextlib import closing

import pytest

from roliascan.database import open_database
from tests.database.kinds import on_servers
from tests.database.proxy import between
from tests.database.test_connections import COUNT_ONE, TEAMS, teams
from tests.database.test_values import Number


@on_servers
def test_round_trips(database_url: str) -> None:
    mysql = database_url.startswith("mysql:")
    with between(database_url) as proxy, closing(open_database(proxy.url)) as db:
        teams(db)  # connects

        def cost() -> int:
            trips, proxy.trips = proxy.trips, 0
            return trips

        cost()
        teams(db)
        db.read(f"{TEAMS} AND name IN (:names)", Number, names=["a", "teams"])
        assert cost() == 2  # one each
        with db.begin():
            pass
        assert cost() == 0
        with db.begin() as tx:
            tx.write(COUNT_ONE)
        assert cost() == (3 if mysql else 2)  # PostgreSQL's BEGIN travels along
        with db.begin() as tx:
            tx.one(TEAMS, Number)
            tx.write(COUNT_ONE)
            tx.insert_many("counters", [{"name": str(number), "value": number} for number in range(100)])
        assert cost() == (5 if mysql else 4)
        assert proxy.connections == 1


@on_servers
def test_what_is_said_while_connecting(database_url: str) -> None:  # SC 63
    """Nothing that a pooler in transaction mode would mind, but for PyMySQL's one, which providers provide for."""
    with between(database_url) as proxy, closing(open_database(proxy.url)) as db:
        teams(db)
        settings = re.findall(rb"(?i)set [^;\0]*", proxy.sent)
        if db.kind == "mysql":
            # (and SET AUTOCOMMIT, where the server's default is not 1)
            assert [words[:17] for words in settings] == [b"SET NAMES utf8mb4", b"SET STATEMENT max"]
            assert proxy.trips <= 4
        else:
            assert settings == [b"SET LOCAL statement_timeout = 5000"]
            assert b"options" not in proxy.sent
            assert proxy.trips <= 3


@on_servers
@pytest.mark.parametrize("size", [1, 5000])
def test_a_large_answer_is_one_round_trip(database_url: str, size: int) -> None:
    with between(database_url) as proxy, closing(open_database(proxy.url)) as db:
        with db.begin() as tx:
            tx.insert_many("counters", [{"name": f"{number:035}", "value": number} for number in range(size)])
        proxy.trips = 0
        assert len(db.read("SELECT value AS number FROM counters", Number)) == size + 3
        assert proxy.trips == 1
