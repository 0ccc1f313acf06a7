"""What the servers refuse or give up, provoked for real, has one name on all of them and no word of theirs."""

import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import msgspec
import pytest

import roliascan.database
from roliascan.database import POOL_WAIT_S, Dangling, Database, Duplicate, Tx, faults, open_database
from roliascan.database.mysql import MysqlDriver
from roliascan.database.pool import Pool
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.database.profiles import driver_for
from roliascan.errors import Refusal
from tests.database import bare
from tests.database.kinds import on_mariadb, on_postgresql, on_servers, with_foreign_keys
from tests.database.test_connections import COUNT_ONE, count_one, teams
from tests.database.test_values import NOW, ONE, Number, put_bucket, put_user
from tests.servers import databases

ADD = "UPDATE counters SET value = value + 1 WHERE name = :name"


class Setting(msgspec.Struct):
    name: str
    setting: str


def test_duplicate(db: Database) -> None:
    put_bucket(db, "a")
    put_user(db)
    with pytest.raises(Duplicate):  # the primary key
        put_bucket(db, "a")
    with pytest.raises(Duplicate):  # another unique key
        put_user(db, id=ONE.replace("a", "b"))
    put_bucket(db, "b")
    with pytest.raises(Duplicate), db.begin() as tx:
        tx.write("UPDATE rate_limits SET name = 'a'")


@with_foreign_keys
def test_dangling(db: Database) -> None:
    session = {"id": ONE, "user_id": ONE, "created_at": NOW, "expires_at": NOW}
    with pytest.raises(Dangling), db.begin() as tx:
        tx.insert_many("sessions", [session])
    put_user(db)
    db.run(lambda tx: tx.insert_many("sessions", [session]))
    with pytest.raises(Dangling), db.begin() as tx:
        tx.write("DELETE FROM users")


def test_a_broken_rule_is_a_mistake_of_ours(db: Database) -> None:
    """The last line of defence: no refusal, so that it becomes a 500 and is seen."""
    for wrong in ({"role": "king"}, {"role": None}):
        with pytest.raises(Exception, match=r"(?i)role") as caught:
            put_user(db, **wrong)
        assert not isinstance(caught.value, Refusal)


def test_unmigrated(empty_database_url: str) -> None:
    with closing(open_database(empty_database_url)) as db:
        with pytest.raises(faults.Unmigrated, match="roliascan migrate up"):
            teams(db)
        with pytest.raises(faults.Unmigrated):
            db.run(count_one)


def test_no_word_of_the_driver_reaches_a_client(db: Database) -> None:
    put_bucket(db, "a")
    with pytest.raises(Duplicate) as caught:
        put_bucket(db, "a")
    assert str(caught.value) == caught.value.detail == "This already exists."


@on_servers
def test_slow(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # DB-19, SC 64
    monkeypatch.setattr(roliascan.database, "READ_LIMIT_S", 0.1)
    with closing(open_database(database_url, pool_size=1)) as db:
        sleep = "SELECT SLEEP(20) AS number" if db.kind == "mysql" else "SELECT 1 AS number FROM pg_sleep(20)"
        start = time.monotonic()
        with pytest.raises(faults.Slow):
            db.read(sleep, Number)
        assert time.monotonic() - start < 15
        monkeypatch.setattr(roliascan.database, "READ_LIMIT_S", 5.0)
        db.run(lambda tx: tx.read(sleep.replace("20", "0.2"), Number))  # the limit was that statement's own
        assert teams(db) == 0


@on_postgresql
def test_no_setting_outlives_its_statement(db: Database) -> None:
    sql = "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout'"
    with db.begin() as tx:
        assert len(tx.read(sql, Setting)) == 3
    inside = db.read(sql, Setting)
    assert inside == [Setting("statement_timeout", "5000")]
    with db.begin() as tx:
        connection = tx._connection.raw
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetchall() == []
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")  # DB-05
        assert cursor.fetchall() == [(0,)]


def hasten(url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Waits for a lock for a moment only; MySQL counts in seconds, and leaves that to the server or its proxy."""
    monkeypatch.setattr("roliascan.database.sqlite.WAIT_FOR_LOCK_S", 0.05)
    begin = PostgresqlDriver.joined_begin.replace("lock_timeout = 4000", "lock_timeout = 50")
    monkeypatch.setattr(PostgresqlDriver, "joined_begin", begin)
    driver = driver_for(databases.as_administrator(url))
    if isinstance(driver, MysqlDriver):
        driver.options = {**driver.options, "init_command": "SET innodb_lock_wait_timeout = 1"}
    return Database(driver, Pool(driver, 1, POOL_WAIT_S))


def test_contended_while_another_holds_the_row(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # DB-06
    with closing(hasten(database_url, monkeypatch)) as db, bare.cursor(database_url) as other:
        other.execute("BEGIN")
        other.execute(COUNT_ONE)
        with pytest.raises(faults.Contended), db.begin() as tx:
            count_one(tx)
        other.execute("COMMIT")
        assert teams(db) == 1


def test_run_tries_again_until_the_row_is_free(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def verb(tx: Tx) -> None:
        calls.append(tx)
        if len(calls) == 2:
            other.execute("COMMIT")
        count_one(tx)

    with closing(hasten(database_url, monkeypatch)) as db, bare.cursor(database_url) as other:
        other.execute("BEGIN")
        other.execute(COUNT_ONE)
        db.run(verb)
        assert len(calls) == 2
        assert teams(db) == 2


def test_run_gives_up_in_the_end(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roliascan.database, "ATTEMPTS", 3)
    calls = []

    def verb(tx: Tx) -> None:
        calls.append(tx)
        raise faults.Contended

    with closing(open_database(database_url, pool_size=1)) as db:
        with pytest.raises(faults.Contended):
            db.run(verb)
        assert len(calls) == 3
        assert teams(db) == 0


_EVERY_FAULT = sorted((one for one in vars(faults).values() if inspect.isclass(one)), key=lambda one: one.__name__)
FAULTS = [one for one in _EVERY_FAULT if issubclass(one, Refusal) and one.__module__ == faults.__name__]


@pytest.mark.parametrize("fault", FAULTS)
def test_only_contention_is_tried_again(
    sqlite_url: str, fault: type[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:  # SC 68
    """What broke while connecting is tried once more below this: see `test_connections`."""
    monkeypatch.setattr(roliascan.database, "ATTEMPTS", 3)
    calls = []

    def verb(tx: Tx) -> None:
        calls.append(tx)
        raise fault

    with closing(open_database(sqlite_url)) as db:
        with pytest.raises(fault):
            db.run(verb)
        assert len(calls) == (3 if fault is faults.Contended else 1)
        assert teams(db) == 0


@on_servers
def test_deadlocks_end_well(database_url: str) -> None:  # DB-06
    """Two lock the same rows in opposite order, and wait for each other the first time."""
    both_hold_one = threading.Barrier(2)
    attempts: list[str] = []

    def verb(tx: Tx, first: str, second: str) -> None:
        tx.write(ADD, name=first)
        if attempts.count(first) == 0:
            attempts.append(first)
            both_hold_one.wait(60)
        else:
            attempts.append(first)
        tx.write(ADD, name=second)

    with closing(open_database(database_url, pool_size=2)) as db, ThreadPoolExecutor(2) as threads:
        orders = [("series", "teams"), ("teams", "series")]
        list(threads.map(lambda order: db.run(verb, *order), orders))
        assert len(attempts) >= 3  # one of them lost, and came again; on a busy machine not only once
        assert db.one("SELECT SUM(value) AS number FROM counters", Number) == Number(4)


@on_postgresql
def test_a_serialization_failure_is_tried_again(db: Database, database_url: str) -> None:
    calls = []

    def verb(tx: Tx) -> None:
        calls.append(tx)
        tx.read("SELECT value AS number FROM counters", Number)
        if len(calls) == 1:
            other.execute(COUNT_ONE)
        count_one(tx)

    with bare.cursor(database_url) as other:
        name = database_url.rpartition("/")[2]
        other.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
        try:
            db.run(verb)
        finally:
            other.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")
    assert len(calls) == 2
    assert teams(db) == 2


@on_mariadb
def test_a_killed_statement_drops_its_connection(database_url: str) -> None:
    def kill() -> None:
        with bare.cursor(database_url) as administrator:
            while not administrator.execute(
                "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
                " AND db = database() AND id <> connection_id()"
            ):
                time.sleep(0.01)
            administrator.execute(f"KILL QUERY {administrator.fetchone()[0]}")

    def verb(tx: Tx) -> None:
        count_one(tx)
        tx.read("SELECT SLEEP(20) + (SELECT COUNT(*) FROM counters a, counters b) AS number", Number)

    with closing(open_database(database_url, pool_size=1)) as db:
        killer = threading.Thread(target=kill)
        killer.start()
        with suppress(faults.Lost):  # where SLEEP answers 1 instead of failing, the transaction goes on
            db.run(verb)
        killer.join()
        assert db.one("SELECT 7 AS number", Number) == Number(7)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (4031, faults.Lost),
        (2006, faults.Lost),
        (2013, faults.Lost),
        (1836, faults.ReadOnly),
        (3024, faults.Slow),
        (1040, faults.Unreachable),
        (1406, None),
        ("Cursor closed", None),
    ],
)
def test_numbers_that_only_mysql_sends(number: Any, fault: type[Exception] | None) -> None:
    """dev.mysql.com/doc/mysql-errors/8.0/en: what MariaDB cannot be made to send."""

    class Raw:
        open = True

    found = driver_for("mysql://u@127.0.0.1/x").fault(MysqlDriver.error(number, "text"), Raw())
    assert type(found) is (fault or type(None))


def test_the_limit_that_only_mysql_takes() -> None:
    class Raw:
        server_version = "8.0.36"

    limited = driver_for("mysql://u@127.0.0.1/x").limited("\nSELECT a FROM (SELECT 1 AS a) b", Raw(), 5000)
    assert limited == "\nSELECT /*+ MAX_EXECUTION_TIME(5000) */ a FROM (SELECT 1 AS a) b"


def test_a_file_that_is_no_database(tmp_path: Any) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    with closing(open_database(f"sqlite:///{tmp_path}/x.db")) as db:
        with pytest.raises(faults.Unreachable):
            teams(db)
        with pytest.raises(faults.Unreachable):
            db.run(count_one)


def test_a_file_that_is_not_there(tmp_path: Any) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/x.db")) as db, pytest.raises(faults.Unmigrated):
        teams(db)
    assert not list(tmp_path.iterdir())
