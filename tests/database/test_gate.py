"""Code and database that do not fit each other stay apart, and the operator is told what to do."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from roliascan.database import Database, faults, migrations, open_database, schema
from roliascan.database.mysql import MysqlDriver
from roliascan.database.pool import Pool
from roliascan.database.profiles import driver_for
from roliascan.database.schema import Gate, Schema, SchemaMismatch, state
from tests.database import bare
from tests.database.kinds import direct_to_servers, on_mariadb, on_servers
from tests.database.proxy import between
from tests.database.roles import site_role
from tests.database.test_connections import COUNT_ONE, teams
from tests.database.test_values import NOW, put_bucket
from tests.servers import databases


@pytest.mark.parametrize(
    ("revision", "oldest_code", "name", "fits"),
    [
        (0, 0, "behind", False),
        (2, 1, "behind", False),
        (3, 1, "at", True),
        (3, 3, "at", True),
        (4, 1, "ahead", True),
        (4, 3, "ahead", True),
        (4, 4, "incompatible", False),
        (9, 5, "incompatible", False),
    ],
)
def test_what_fits(revision: int, oldest_code: int, name: str, fits: bool) -> None:  # SC 74
    found = state(Schema(revision, oldest_code), needed=3)
    assert (found.name, found.fits) == (name, fits)
    assert ("roliascan migrate up" in found.detail) == (name == "behind")
    assert ("deploy newer code" in found.detail) == (name == "incompatible")


def test_an_unprepared_database_is_refused_until_it_is_prepared(empty_database_url: str) -> None:  # SC 74
    with closing(open_database(empty_database_url)) as db:
        gate = Gate(db)
        with pytest.raises(SchemaMismatch, match="roliascan migrate up") as caught:
            gate.check(100.0)
        assert caught.value.retry_after == 5
        migrations.upgrade(empty_database_url)
        with pytest.raises(SchemaMismatch):
            gate.check(104.9)
        gate.check(105.0)
        gate.check(105.1)


def test_success_is_remembered_for_ever(db: Database, database_url: str) -> None:
    gate = Gate(db)
    gate.check(0.0)
    with bare.cursor(database_url) as cursor:
        cursor.execute("UPDATE schema_state SET revision = 9, oldest_code = 9")
    gate.check(1e9)
    with pytest.raises(SchemaMismatch, match="deploy newer code"):
        Gate(db).check(0.0)
    with bare.cursor(database_url) as cursor:
        cursor.execute("UPDATE schema_state SET oldest_code = 1")
    Gate(db).check(0.0)
    with bare.cursor(database_url) as cursor:
        cursor.execute("DELETE FROM schema_state")
    with pytest.raises(SchemaMismatch, match="roliascan migrate up"):
        Gate(db).check(0.0)


@on_servers
def test_it_asks_once_and_after_a_refusal_every_five_seconds(database_url: str) -> None:
    with between(database_url) as proxy, closing(open_database(proxy.url, pool_size=8)) as db:
        with bare.cursor(database_url) as cursor:
            cursor.execute("UPDATE schema_state SET revision = 0")
        gate = Gate(db)

        def asked() -> int:
            return proxy.sent.count(b"FROM schema_state")

        def refused(now: float) -> bool:
            try:
                gate.check(now)
            except SchemaMismatch:
                return True
            return False

        assert refused(50.0)
        assert asked() == 1
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(refused, [50.0 + step / 100 for step in range(400)]))
        assert asked() == 1
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(refused, [55.5] * 100))
        assert asked() == 2
        with bare.cursor(database_url) as cursor:
            cursor.execute(f"UPDATE schema_state SET revision = {schema.REVISION}")
        gate.check(61.0)
        proxy.sent = b""
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(gate.check, range(400)))
        assert proxy.sent == b""


@on_servers
def test_a_database_that_cannot_be_asked_is_no_mismatch(database_url: str) -> None:
    with between(database_url) as proxy:
        db = open_database(proxy.url)
        gate = Gate(db)
    with pytest.raises(faults.Unreachable):
        gate.check(0.0)
    with pytest.raises(faults.Unreachable):
        gate.check(1.0)


@on_mariadb
def test_a_server_that_cuts_values_is_refused(database_url: str) -> None:  # DB-17
    driver = driver_for(databases.as_administrator(database_url))
    assert isinstance(driver, MysqlDriver)
    driver.options = {**driver.options, "init_command": "SET sql_mode = 'ANSI'"}
    with (
        closing(Database(driver, Pool(driver, 1, 1.0))) as db,
        pytest.raises(SchemaMismatch, match="STRICT_TRANS_TABLES"),
    ):
        Gate(db).check(0.0)
    with closing(open_database(database_url)) as db:
        assert "STRICT_TRANS_TABLES" in (schema.read(db).sql_mode or "")


@direct_to_servers
def test_the_app_needs_no_right_to_change_tables(database_url: str) -> None:  # SC 73
    with site_role(database_url) as url, closing(open_database(url)) as db:
        Gate(db).check(0.0)
        put_bucket(db, "a")
        db.run(lambda tx: tx.write(COUNT_ONE))
        db.run(lambda tx: tx.write("DELETE FROM rate_limits WHERE full_at = :now", now=NOW))
        assert teams(db) == 1
        for ddl in ("CREATE TABLE x (y int)", "DROP TABLE rate_limits", "ALTER TABLE counters ADD x int"):
            with pytest.raises(Exception, match=r"denied|must be owner"), db.begin() as tx:
                tx.write(ddl)
