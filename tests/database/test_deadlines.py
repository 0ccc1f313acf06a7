"""A request that has to be answered by a certain time: what it asks the database ends before, on the server too."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from roliascan import database
from roliascan.database import Contended, Database, Tx, faults, open_database
from roliascan.database.pool import Pool
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.database.profiles import driver_for
from tests.database import bare
from tests.database.kinds import direct_to_postgresql, on_servers
from tests.database.proxy import between
from tests.database.test_connections import COUNT_ONE, TEAMS, impatient, proxied, teams, use_whole_pool
from tests.database.test_values import Number

SLEEP = {"mysql": "SELECT SLEEP(20) AS number", "postgresql": "SELECT 1 AS number FROM pg_sleep(20)"}


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


@on_servers
def test_a_read_is_ended_by_the_server(database_url: str) -> None:  # SC 41
    with proxied(database_url) as (db, proxy):
        assert teams(db) == 0
        with no_longer_than(10), pytest.raises(faults.Slow):
            db.until(time.monotonic() + 1).read(SLEEP[db.kind], Number)
        assert proxy.connections == 1
        assert teams(db) == 0


@on_servers
def test_every_statement_of_a_transaction_is_ended_by_the_server(database_url: str) -> None:  # SC 41

    def verb(tx: Tx, writes: int) -> None:
        for _ in range(writes):
            tx.write(COUNT_ONE)
        tx.read(SLEEP[db.kind], Number)

    with closing(impatient(database_url)) as db:
        for writes in (0, 1):
            assert teams(db) == 0
            with no_longer_than(10), pytest.raises(faults.Slow):
                db.until(time.monotonic() + 1).run(verb, writes)
        assert teams(db) == 0


@on_servers
def test_a_lock_is_not_waited_for_longer_than_there_is_time(database_url: str) -> None:  # SC 41
    with closing(open_database(database_url)) as db, bare.cursor(database_url) as other:
        teams(db)
        other.execute("BEGIN")
        other.execute(COUNT_ONE)
        with no_longer_than(10), pytest.raises(faults.Slow):
            db.until(time.monotonic() + 1).run(lambda tx: tx.write(COUNT_ONE))
        other.execute("ROLLBACK")
        assert teams(db) == 0


@on_servers
def test_nothing_is_begun_when_the_time_is_over(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        teams(db)
        before = len(proxy.sent)
        late = db.until(time.monotonic() - 1)
        actions: list[Callable[[], object]] = [lambda: teams(late), lambda: late.run(lambda tx: tx.write(COUNT_ONE))]
        for action in actions:
            with pytest.raises(faults.OutOfTime):
                action()
        assert len(proxy.sent) == before
        use_whole_pool(db, 1)


@on_servers
def test_what_cannot_be_committed_in_time_is_rolled_back(database_url: str) -> None:
    """And it is told so: its outcome is known."""

    def verb(tx: Tx) -> None:
        tx.write(COUNT_ONE)
        time.sleep(1.05)

    with closing(impatient(database_url)) as db:
        teams(db)
        with pytest.raises(faults.OutOfTime):
            db.until(time.monotonic() + 1).run(verb)
        assert teams(db) == 0
        use_whole_pool(db, 1)


@on_servers
def test_a_commit_that_is_cut_is_still_of_unknown_outcome(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        teams(db)
        proxy.cut_after = b"COMMIT"
        with pytest.raises(faults.OutcomeUnknown):
            db.until(time.monotonic() + 5).run(lambda tx: tx.write(COUNT_ONE))
        assert teams(db) == 1


def test_a_place_in_the_pool_is_not_waited_for_longer_than_there_is_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOL_WAIT_S", 60)
    with closing(open_database(database_url, pool_size=1)) as db, db.begin(), no_longer_than(30):
        late = db.until(time.monotonic() + 1)
        with pytest.raises(faults.Unreachable, match="in use"):
            teams(late)


def test_what_was_contended_is_not_tried_again_when_the_time_is_over(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contended(_: Tx) -> None:
        tries.append(time.monotonic())
        raise Contended

    monkeypatch.setattr("roliascan.database.random.uniform", lambda *_: 60)  # how long it would wait for another try
    with closing(open_database(database_url)) as db:
        tries: list[float] = []
        with pytest.raises(Contended):
            db.until(time.monotonic() + 30).run(contended)
        assert len(tries) == 1


@direct_to_postgresql
def test_connecting_takes_no_longer_than_there_is_time(database_url: str) -> None:
    """libpq counts in whole seconds, from 2."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        driver = driver_for(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/comics")
        assert isinstance(driver, PostgresqlDriver)
        driver.options = {**driver.options, "connect_timeout": 60}
        with closing(Database(driver, Pool(driver, 1, 0.1))) as db:
            with no_longer_than(30), pytest.raises(faults.Unreachable):
                teams(db.until(time.monotonic() + 4.5))
            with no_longer_than(30), pytest.raises(faults.OutOfTime):
                teams(db.until(time.monotonic() + 1.9))


@on_servers
def test_far_deadlines_change_nothing(database_url: str) -> None:
    """The usual limits are smaller; what is sent for them is sent once, with the first statement."""
    sent = []
    for seconds in (None, 60):
        with between(database_url) as proxy, closing(impatient(proxy.url)) as db:
            used = db if seconds is None else db.until(time.monotonic() + seconds)
            assert teams(used) == 0
            before = len(proxy.sent)
            with used.begin() as tx:
                tx.read(TEAMS, Number)
                tx.write(COUNT_ONE)
                tx.write("UPDATE counters SET value = value - 1 WHERE name = 'teams'")
            sent.append(proxy.sent[before:])
    assert sent[0] == sent[1]


def test_each_request_has_its_own(database_url: str) -> None:  # SC 53
    """Two share a pool: that one is late is nothing to the other."""
    with closing(open_database(database_url, pool_size=2)) as db:
        late, other = db.until(time.monotonic() - 1), db.until(time.monotonic() + 60)
        done = threading.Event()

        def hurry() -> None:
            with pytest.raises(faults.OutOfTime):
                teams(late)
            done.set()

        threading.Thread(target=hurry).start()
        assert teams(other) == teams(db) == 0
        assert done.wait(60)
