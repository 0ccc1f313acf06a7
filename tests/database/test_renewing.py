"""A password that is changed while we run: the address is read again when connecting fails, and not too often."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

import pytest

from roliascan.database import Database, faults, open_database
from roliascan.database.renewing import ASK_EVERY_S
from tests.database import bare
from tests.database.kinds import direct_to_servers
from tests.database.proxy import between
from tests.database.test_connections import teams
from tests.servers import databases

MAKE = {"postgresql": "CREATE ROLE {} LOGIN PASSWORD '{}'", "mysql": "CREATE USER {} IDENTIFIED BY '{}'"}
# PostgreSQL's server of the tests believes everybody: there the user changes, as when two take turns.
DROP = {"postgresql": "DROP OWNED BY {0}; DROP ROLE {0}", "mysql": "DROP USER {}"}


class Rotation(NamedTuple):
    """Users of a database, and today's address as the secret store has it."""

    address: Callable[[], str]
    rotate: Callable[[], None]
    asked: list[str]


@contextmanager
def rotating(url: str) -> Iterator[Rotation]:
    kind, name = url.partition(":")[0], f"turn_{url.rpartition('/')[2]}"
    turn, asked = [0], list[str]()

    def address() -> str:
        return databases.as_user(f"{name}_{turn[0]}:p{turn[0]}", url)

    def again() -> str:
        asked.append(address())
        return asked[-1]

    def make() -> None:
        with bare.cursor(url) as administrator:
            administrator.execute(MAKE[kind].format(f"{name}_{turn[0]}", f"p{turn[0]}"))
            administrator.execute(f"GRANT SELECT ON counters TO {name}_{turn[0]}")

    def drop() -> None:
        bare.end_connections(url)
        with bare.cursor(url) as administrator:
            administrator.execute(DROP[kind].format(f"{name}_{turn[0]}"))

    def rotate() -> None:
        drop()
        turn[0] += 1
        make()

    make()
    try:
        yield Rotation(again, rotate, asked)
    finally:
        drop()


def opened(rotation: Rotation, size: int = 1) -> Database:
    url = rotation.address()
    rotation.asked.clear()
    return open_database(url, pool_size=size, again=rotation.address)


@direct_to_servers
def test_a_changed_password_is_read_again(database_url: str) -> None:  # SC 60, SL-14
    """Silently: the request that meets it is answered."""
    with rotating(database_url) as rotation, closing(opened(rotation)) as db:
        assert teams(db) == 0
        assert rotation.asked == []
        rotation.rotate()
        assert teams(db) == 0
        assert len(rotation.asked) == 1


@direct_to_servers
def test_many_at_once_read_it_once(database_url: str) -> None:
    with rotating(database_url) as rotation, closing(opened(rotation, 4)) as db:
        rotation.rotate()
        found: list[int | None] = []
        threads = [threading.Thread(target=lambda: found.append(teams(db))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [0] * 8
        assert len(rotation.asked) == 1


@direct_to_servers
def test_what_is_wrong_for_good_does_not_press_the_store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("roliascan.database.renewing.time.monotonic", lambda: now[0])
    asked: list[float] = []

    def again() -> str:
        asked.append(now[0])
        return url

    with between(database_url) as proxy:
        url = proxy.url
    with closing(open_database(url, again=again)) as db:
        for seconds in (0, 1, ASK_EVERY_S - 2, 2, 1):
            now[0] += seconds
            with pytest.raises(faults.Unreachable):
                teams(db)
        assert len(asked) == 2
        assert asked[1] - asked[0] == ASK_EVERY_S + 1


@direct_to_servers
def test_a_store_that_fails_then_is_as_no_change(database_url: str) -> None:
    def again() -> str:
        raise ValueError("hunter2")

    with between(database_url) as proxy:
        pass
    with closing(open_database(proxy.url, again=again)) as db, pytest.raises(faults.Unreachable):
        teams(db)
