"""Behind pgbouncer in transaction mode, on fewer connections than there are clients."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from roliascan.database import Database, Tx, faults, open_database
from roliascan.database.schema import Gate
from tests.database import bare
from tests.database.test_connections import TEAMS, count_one, teams
from tests.database.test_faults import Setting
from tests.database.test_values import NOW, ONE, Bucket, Number, put_bucket, put_user
from tests.servers import databases, parts, pgbouncer, program

TIMEOUTS = "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout'"


def test_many_clients_on_few_connections(pooled_url: str) -> None:  # DB-05, SC 63
    def think(tx: Tx) -> None:
        found = tx.one(f"{TEAMS} FOR UPDATE", Number)
        assert found is not None
        tx.write("UPDATE counters SET value = :next WHERE name = 'teams'", next=(found.number or 0) + 1)

    with ExitStack() as stack, ThreadPoolExecutor(8) as threads:
        clients = [stack.enter_context(closing(open_database(pooled_url, pool_size=1))) for _ in range(8)]
        list(threads.map(lambda number: clients[number % 8].run(think), range(80)))
        assert list(threads.map(teams, clients)) == [80] * 8


def test_two_hundred_cold_instances_at_once(pooled_url: str) -> None:  # SC 71, SL-07
    """Each with a pool of one that connects at its first need, through 20 connections of the server."""
    server, name, count = parts.require("postgresql"), pooled_url.rpartition("/")[2], 200
    together = threading.Barrier(count)

    def instance(number: int) -> int | None:
        with closing(open_database(f"{pooler}/{name}", pool_size=1)) as db:
            together.wait()
            found = teams(db)
            put_bucket(db, str(number))
            return found

    with pgbouncer.running(server, size=20) as pooler:
        with ThreadPoolExecutor(count) as threads:
            assert list(threads.map(instance, range(count))) == [0] * count
        [[connections]] = bare.rows(
            f"{server}/postgres", f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        assert 1 <= connections <= 20
    assert bare.rows(f"{server}/{name}", "SELECT COUNT(*) FROM rate_limits") == [(count,)]


def test_no_limit_of_one_client_reaches_another(pooled_url: str) -> None:  # SC 64
    with closing(open_database(pooled_url)) as one, closing(open_database(pooled_url)) as other:
        for _ in range(10):
            one.run(count_one)
            with one.begin() as tx:
                assert len(tx.read(TIMEOUTS, Setting)) == 3
            assert other.read(TIMEOUTS, Setting) == [Setting("statement_timeout", "5000")]
            with pytest.raises(faults.Unmigrated):
                other.read("SELECT 1 AS number FROM nothing", Number)


def test_the_rest_works_as_well(pooled_url: str) -> None:
    with closing(open_database(pooled_url)) as db:
        Gate(db).check(0.0)
        put_user(db)
        put_bucket(db, "ä:b%'")
        with pytest.raises(faults.Duplicate):
            put_bucket(db, "ä:b%'")
        sql = "SELECT name, full_at FROM rate_limits WHERE name IN (:names) AND full_at = :at"
        assert len(db.read(sql, Bucket, names=["ä:b%'", "x"], at=NOW)) == 1
        assert db.one("SELECT COUNT(*) AS number FROM users WHERE id = :id", Number, id=ONE) == Number(1)


def test_a_pooler_that_restarted(pooled_url: str) -> None:
    with closing(open_database(pooled_url, pool_size=1)) as db:
        db.run(count_one)
        kill(db)
        db.run(count_one)
        assert teams(db) == 2


def kill(db: Database) -> None:
    """Ends the pooler's connections to this database, which ends ours the next time we speak."""
    with pytest.raises(faults.Lost):
        db.run(lambda tx: tx.read("SELECT 1 AS number FROM pg_terminate_backend(pg_backend_pid())", Number))


@pytest.mark.postgresql
@pytest.mark.pgbouncer
def test_a_pooler_that_was_stopped_and_started() -> None:
    """Within a transaction what was done is lost, and said to be; then nobody answers; then all is as before."""
    parts.require("pgbouncer")
    server, port = parts.require("postgresql"), program.free_port()
    with databases.migrated_copy(server) as url, ExitStack() as first:
        pooler = first.enter_context(pgbouncer.running(server, port=port))
        with closing(open_database(f"{pooler}/{url.rpartition('/')[2]}", pool_size=1)) as db:
            db.run(count_one)

            def verb(tx: Tx) -> None:
                count_one(tx)
                first.close()
                count_one(tx)

            with pytest.raises(faults.Lost):
                db.run(verb)
            for _ in range(2):
                with pytest.raises(faults.Unreachable):
                    db.run(count_one)
            with pgbouncer.running(server, port=port):
                db.run(count_one)
                assert teams(db) == 2
