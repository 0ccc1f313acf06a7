"""Connections that die or run out: what is repeated, what never is, and that the pool loses no place."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest

from roliascan.database import Database, Tx, faults, open_database, pool
from roliascan.database.pool import Pool
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.database.profiles import driver_for
from tests.database import bare
from tests.database.kinds import (
    direct_to_postgresql,
    direct_to_servers,
    on_mariadb,
    on_postgresql,
    on_servers,
    with_foreign_keys,
)
from tests.database.proxy import Proxy, between
from tests.database.test_values import NOW, Bucket, Number, put_bucket
from tests.platforms.processes import soon
from tests.servers import databases

POOL = 4
TEAMS = "SELECT value AS number FROM counters WHERE name = 'teams'"
COUNT_ONE = "UPDATE counters SET value = value + 1 WHERE name = 'teams'"


def impatient(url: str, size: int = 1) -> Database:
    """A pool that nobody waits long for."""
    driver = driver_for(url)
    return Database(driver, Pool(driver, size, 0.1))


@contextmanager
def proxied(url: str) -> Iterator[tuple[Database, Proxy]]:
    """A pool of one connection, through a proxy."""
    with between(url) as proxy, closing(impatient(proxy.url)) as db:
        yield db, proxy


def teams(db: Database) -> int | None:
    found = db.one(TEAMS, Number)
    assert found is not None
    return found.number


def count_one(tx: Tx) -> None:
    tx.write(COUNT_ONE)


def use_whole_pool(db: Database, size: int) -> None:
    """Fails when a place is lost, or when what a connection answers is not what it was asked."""
    with ExitStack() as stack:
        for tx in [stack.enter_context(db.begin()) for _ in range(size)]:
            if db.kind != "sqlite":  # where there is one transaction at a time
                assert tx.one(TEAMS, Number)
        with pytest.raises(faults.Unreachable, match="in use"):
            db.read(TEAMS, Number)
    assert db.one("SELECT 7 AS number", Number) == Number(7)


# Dead when it is taken from the pool: replaced once, silently.  DB-01, DB-02


@on_servers
def test_a_dead_connection_is_replaced_for_a_read(database_url: str) -> None:  # SC 68
    with proxied(database_url) as (db, proxy):
        assert teams(db) == 0
        proxy.cut()
        assert teams(db) == 0
        assert proxy.connections == 2
        use_whole_pool(db, 1)


@on_servers
def test_a_dead_connection_is_replaced_for_a_transaction(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        db.run(count_one)
        proxy.cut()
        db.run(count_one)
        assert teams(db) == 2
        assert proxy.connections == 2
        use_whole_pool(db, 1)


@on_servers
def test_a_first_statement_that_was_cut_is_repeated_but_counts_once(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        assert teams(db) == 0
        proxy.cut_after = b"UPDATE"
        db.run(count_one)
        assert teams(db) == 1
        assert proxy.connections == 2


@on_servers
def test_a_new_connection_is_not_replaced(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        actions: list[Callable[[], object]] = [lambda: teams(db), lambda: db.run(count_one)]
        for action in actions:
            before = proxy.connections
            proxy.cut()
            db.close()
            proxy.cut_before = b"counters"
            with pytest.raises(faults.Lost):
                action()
            assert proxy.connections == before + 1
        use_whole_pool(db, 1)


@on_servers
def test_a_dead_connection_is_replaced_only_once(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        assert teams(db) == 0
        proxy.cut()
        proxy.cut_before = b"counters"
        with pytest.raises(faults.Lost):
            teams(db)
        assert proxy.connections == 2
        use_whole_pool(db, 1)


@direct_to_servers
def test_a_whole_pool_of_dead_connections(database_url: str) -> None:
    with closing(impatient(database_url, POOL)) as db:
        use_whole_pool(db, POOL)
        bare.end_connections(database_url)
        with ThreadPoolExecutor(POOL) as threads:
            assert list(threads.map(lambda _: teams(db), range(3 * POOL))) == [0] * 3 * POOL
        use_whole_pool(db, POOL)
        bare.end_connections(database_url)
        use_whole_pool(db, POOL)


@direct_to_postgresql
def test_when_one_is_dead_those_that_lay_idle_are_not_tried(database_url: str) -> None:
    """After a fail-over, each of them could take its time to be found out."""
    ours = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with closing(impatient(database_url, POOL)) as db:
        use_whole_pool(db, POOL)
        last = db.one("SELECT pg_backend_pid() AS number", Number)
        assert last is not None
        bare.rows(database_url, f"SELECT pg_terminate_backend({last.number}, 5000)")
        assert bare.rows(database_url, f"SELECT count(*) {ours}") == [(POOL - 1,)]
        assert teams(db) == 0
        # The servers' processes take their time to end.
        assert soon(lambda: bare.rows(database_url, f"SELECT count(*) {ours}") == [(1,)])


# Broken later: told, and never repeated.


@on_servers
@pytest.mark.parametrize("end", ["cut", "ended"])
def test_a_transaction_that_is_cut_is_not_repeated(database_url: str, end: str) -> None:  # SC 68
    calls = []
    with proxied(database_url) as (db, proxy):

        def verb(tx: Tx) -> None:
            calls.append(tx)
            tx.write(COUNT_ONE)
            proxy.cut() if end == "cut" else bare.end_connections(database_url)
            tx.write(COUNT_ONE)

        teams(db)
        with pytest.raises(faults.Lost):
            db.run(verb)
        assert len(calls) == 1
        assert teams(db) == 0
        use_whole_pool(db, 1)


@on_servers
@pytest.mark.parametrize(("moment", "stored"), [("before", 0), ("after", 1), ("ended", 0)])
def test_a_commit_that_is_cut_has_an_unknown_outcome(database_url: str, moment: str, stored: int) -> None:
    calls = []
    with proxied(database_url) as (db, proxy):

        def verb(tx: Tx) -> None:
            calls.append(tx)
            tx.write(COUNT_ONE)
            if moment == "ended":
                bare.end_connections(database_url)
            else:
                setattr(proxy, f"cut_{moment}", b"COMMIT")

        teams(db)
        with pytest.raises(faults.OutcomeUnknown):
            db.run(verb)
        assert len(calls) == 1
        assert teams(db) == stored
        use_whole_pool(db, 1)


@on_servers
def test_a_server_that_went_away(database_url: str) -> None:
    with proxied(database_url) as (db, proxy):
        assert teams(db) == 0
        proxy.close()
        actions: list[Callable[[], object]] = [lambda: teams(db), lambda: db.run(count_one), lambda: teams(db)]
        for action in actions:
            with pytest.raises(faults.Unreachable, match="cannot be reached"):
                action()


@on_postgresql
def test_a_server_that_became_read_only(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # DB-02
    name = database_url.rpartition("/")[2]
    with closing(impatient(database_url)) as db, bare.cursor(database_url) as administrator:
        administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(faults.ReadOnly):
            db.run(count_one)
        assert teams(db) == 0
        administrator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        monkeypatch.setattr(pool, "BELIEVED_S", 0)
        db.run(count_one)  # the old connection would still be read-only
        assert teams(db) == 1


@on_postgresql
def test_a_transaction_left_open_by_a_frozen_process_is_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # DB-20
    hasty = PostgresqlDriver.joined_begin.replace("session_timeout = 10000", "session_timeout = 100")
    monkeypatch.setattr(PostgresqlDriver, "joined_begin", hasty)

    def verb(tx: Tx) -> None:
        tx.write(COUNT_ONE)
        time.sleep(0.3)
        tx.write(COUNT_ONE)

    with closing(impatient(database_url)) as db:
        with pytest.raises(faults.Lost):
            db.run(verb)
        monkeypatch.undo()
        assert teams(db) == 0
        use_whole_pool(db, 1)


# No connection to be had.


def test_a_pool_that_is_exhausted_says_so_in_time(database_url: str) -> None:  # DB-04
    with closing(impatient(database_url)) as db:
        with db.begin() as tx:
            assert tx.one(TEAMS, Number)
            start = time.monotonic()
            with pytest.raises(faults.Unreachable, match="in use"):
                db.read(TEAMS, Number)
            assert 0.05 < time.monotonic() - start < 30
        assert teams(db) == 0


def test_who_waits_gets_the_next_free_connection(database_url: str) -> None:
    with closing(open_database(database_url, pool_size=1)) as db, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: teams(db), range(40))) == [0] * 40


@direct_to_servers
def test_a_server_without_a_place_for_us(database_url: str) -> None:  # DB-04
    limits = {
        "postgresql": "CREATE ROLE {} LOGIN CONNECTION LIMIT 1",
        "mysql": "CREATE USER {} WITH MAX_USER_CONNECTIONS 1",
    }
    drops = {"postgresql": "DROP OWNED BY {0}; DROP ROLE {0}", "mysql": "DROP USER {}"}
    kind, name = database_url.partition(":")[0], f"few_{database_url.rpartition('/')[2]}"
    with bare.cursor(database_url) as administrator:
        administrator.execute(limits[kind].format(name))
        administrator.execute(f"GRANT SELECT ON counters TO {name}")
        url = databases.as_user(name, database_url)
        try:
            with closing(impatient(url, 2)) as db:
                with db.begin() as tx:
                    assert tx.one(TEAMS, Number)
                    with pytest.raises(faults.Unreachable, match="cannot be reached"):
                        teams(db)
                assert teams(db) == 0
        finally:
            administrator.execute(drops[kind].format(name))


@direct_to_servers
def test_addresses_that_nobody_answers(database_url: str) -> None:
    with between(database_url) as proxy:
        pass
    for url in (proxy.url, f"{database_url}_not_there"):
        db = impatient(url)
        with pytest.raises(faults.Unreachable, match="cannot be reached"):
            teams(db)
        with pytest.raises(faults.Unreachable, match="cannot be reached"):
            db.run(count_one)


# Many at once.


def test_sixteen_threads_on_four_connections(database_url: str) -> None:
    """Each reads, thinks and writes; none of what they write is lost (lost update)."""

    def think(tx: Tx) -> None:
        found = tx.one(f"{TEAMS} FOR UPDATE", Number)
        assert found is not None
        time.sleep(0.001)
        tx.write("UPDATE counters SET value = :next WHERE name = 'teams'", next=(found.number or 0) + 1)

    with closing(open_database(database_url, pool_size=POOL)) as db, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: db.run(think), range(160)))
        assert teams(db) == 160


@on_servers
def test_no_more_connections_than_the_pool_has_places(database_url: str) -> None:
    with between(database_url) as proxy, closing(open_database(proxy.url, pool_size=POOL)) as db:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda _: teams(db), range(200)))
        assert 1 <= proxy.connections <= POOL


# Whatever fails, the pool keeps its places.


def collide(db: Database) -> None:
    with db.begin() as tx:
        tx.insert_many("rate_limits", [{"name": "a", "full_at": NOW}])


def dangle(db: Database) -> None:
    row = {"chapter_id": "00000000-0000-7000-8000-000000000000", "rating_sum": 0, "rating_count": 0}
    with db.begin() as tx:
        tx.insert_many("chapter_stats", [row])


def give_up(db: Database) -> None:
    with db.begin() as tx:
        tx.write(COUNT_ONE)
        raise KeyboardInterrupt


FAILURES: list[tuple[Callable[[Database], object], type[BaseException] | tuple[type[BaseException], ...]]] = [
    (collide, faults.Duplicate),
    (dangle, faults.Dangling),
    (give_up, KeyboardInterrupt),
    (lambda db: db.read("SELECT 1 AS number FROM no_such_table", Number), faults.Unmigrated),
    (lambda db: db.run(lambda tx: tx.write("DELETE FROM no_such_table")), faults.Unmigrated),
    (lambda db: db.read("SELECT 1 AS wrong", Number), TypeError),
    (lambda db: db.read("SELEKT", Number), Exception),
    (lambda db: db.run(lambda tx: tx.write("SELEKT")), Exception),
    (lambda db: db.read(TEAMS + " AND value = :missing AND value = :given", Number, given=1), Exception),
]


@with_foreign_keys
def test_no_failure_costs_a_place_in_the_pool(database_url: str) -> None:
    with closing(impatient(database_url, 2)) as db:
        put_bucket(db, "a")
        for fail, error in FAILURES:
            for _ in range(3):
                with pytest.raises(error):
                    fail(db)
            use_whole_pool(db, 2)
        assert db.read("SELECT name, full_at FROM rate_limits", Bucket)
        assert teams(db) == 0


@on_mariadb
def test_what_was_left_unread_is_not_answered_to_the_next_asker(database_url: str) -> None:
    """Packets are numbered modulo 256: what remains from the 254th row on looks like the beginning of an answer."""
    with closing(impatient(database_url)) as db:
        with db.begin() as tx:
            tx.insert_many("counters", [{"name": str(number), "value": number} for number in range(1, 300)])
        sql = "SELECT CASE WHEN value >= 253 THEN 1.5 END AS number FROM counters WHERE value > 0 ORDER BY value"
        with pytest.raises(ValueError, match="invalid literal"):
            db.read(sql, Number)
        assert db.one("SELECT 7 AS number", Number) == Number(7)
        use_whole_pool(db, 1)


class Deadline(BaseException):
    """As a platform throws it into a request that takes too long."""


@on_mariadb
def test_an_interrupted_statement_is_not_answered_to_the_next_asker(database_url: str) -> None:
    def late(*_: object) -> None:
        raise Deadline

    assert threading.current_thread() is threading.main_thread()
    with closing(impatient(database_url)) as db:
        before = signal.signal(signal.SIGALRM, late)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Deadline):
                db.read("SELECT SLEEP(0.3) + 13 AS number", Number)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        time.sleep(0.3)
        use_whole_pool(db, 1)
