"""Bringing a database to the schema: once, again, back, by two at a time, half done, and as text for review."""

import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Inspector

from roliascan.database import BadAddress, faults, migrations, open_database, schema
from roliascan.database.migrations import locks
from tests.database import bare, revisions
from tests.database.kinds import MARIADB, POSTGRESQLS, on_postgresql, with_foreign_keys
from tests.database.test_connections import teams
from tests.servers.parts import TEST_ALL

on_empty_servers = pytest.mark.parametrize("empty_database_url", [*POSTGRESQLS, MARIADB], indirect=True)
on_empty_postgresql = pytest.mark.parametrize("empty_database_url", POSTGRESQLS, indirect=True)
on_some_empty_server = on_empty_servers if TEST_ALL else on_empty_postgresql
"""For what takes long; MariaDB's part of it is whole with TEST_ALL=1."""
on_empty_sqlite = pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
on_empty_mariadb = pytest.mark.parametrize("empty_database_url", [MARIADB], indirect=True)


def described(url: str) -> dict[str, Any]:
    """Tables with their columns, keys, references and indexes, as far as all databases tell them."""
    with bare.inspector(url) as inspector:
        return {
            table: {
                "columns": {column["name"]: column["nullable"] for column in inspector.get_columns(table)},
                "key": inspector.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(_unique(inspector, table).items()),
                "references": sorted(
                    (str(one["name"]), one["constrained_columns"], one["referred_table"], one["referred_columns"])
                    for one in inspector.get_foreign_keys(table)
                ),
                "checks": sorted(str(one["name"]) for one in inspector.get_check_constraints(table)),
                "indexes": sorted(
                    (str(one["name"]), one["column_names"]) for one in inspector.get_indexes(table) if not one["unique"]
                ),
            }
            for table in sorted(inspector.get_table_names())
        }


def _unique(inspector: Inspector, table: str) -> dict[str, Any]:
    """Unique keys, whether they were made with the table or as an index since."""
    found = [one for one in inspector.get_indexes(table) if one["unique"]]
    return {str(one["name"]): one["column_names"] for one in [*found, *inspector.get_unique_constraints(table)]}


def test_up_and_again_and_down_and_up(empty_database_url: str) -> None:  # SC 78
    url, told = empty_database_url, list[str]()
    assert [step[:2] for step in migrations.plan(url)] == list(enumerate(revisions.TITLES, start=1))
    assert {waits for step in migrations.plan(url) for _, waits in step.steps} <= {"nobody"}  # there is nobody yet
    assert migrations.check(url).name == "behind"
    migrations.upgrade(url, progress=told.append)
    assert told == revisions.TOLD
    assert bare.rows(url, "SELECT id, revision, oldest_code FROM schema_state") == [(1, revisions.NEWEST, 1)]
    assert migrations.check(url).name == "at"
    assert migrations.plan(url) == []
    first = described(url)
    migrations.upgrade(url, progress=told.append)
    assert told == revisions.TOLD
    with closing(open_database(url)) as db:
        assert teams(db) == 0
        db.run(lambda tx: tx.write("UPDATE counters SET value = 7"))
    migrations.downgrade(url)
    assert list(described(url)) == ["alembic_version"]
    assert migrations.check(url).name == "behind"
    migrations.upgrade(url)
    assert described(url) == first
    with closing(open_database(url)) as db:
        assert teams(db) == 0


@with_foreign_keys
def test_it_is_one_schema_on_all(database_url: str, sqlite_url: str) -> None:
    here, there = described(database_url), described(sqlite_url)
    assert list(here) == list(there)
    for table, description in here.items():
        assert description == there[table], table
    assert len(here) == 30  # with Alembic's own


def test_every_reference_has_an_index(database_url: str) -> None:
    for table, found in described(database_url).items():
        first = {columns[0] for _, columns in [*found["indexes"], *found["unique"]]} | {found["key"][0]}
        for name, columns, *_ in found["references"]:
            assert columns[0] in first, f"{table}: {name}"


def test_two_processes_at_a_time(empty_database_url: str) -> None:
    """SC 76, MG-07: one runs, the other waits for it and finds nothing to do."""
    program = "import sys; from roliascan.database import migrations; migrations.upgrade(sys.argv[1], progress=print)"
    command = [sys.executable, "-c", program, empty_database_url]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0] for process in both) == [
        "",
        "".join(f"{line}\n" for line in revisions.TOLD),
    ]
    assert [process.returncode for process in both] == [0, 0]
    assert migrations.check(empty_database_url).name == "at"


def test_two_threads_at_a_time(empty_database_url: str) -> None:
    told = list[str]()
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: migrations.upgrade(empty_database_url, progress=told.append), range(3)))
    assert told == revisions.TOLD


LOCKED = {
    "sqlite": ["BEGIN IMMEDIATE"],
    "postgresql": [f"SELECT pg_advisory_lock({locks.ADVISORY_LOCK})"],
    "mysql": ["SELECT GET_LOCK(CONCAT('roliascan-', MD5(DATABASE())), 1)"],
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_WAIT_S", 1)
    monkeypatch.setattr(migrations, "WAIT_S", 0.0)
    monkeypatch.setattr("roliascan.database.sqlite.WAIT_FOR_LOCK_S", 0.1)


def hold(holder: Any, url: str) -> None:
    cursor = holder.cursor()
    for statement in LOCKED[url.partition(":")[0]]:
        cursor.execute(statement)


@pytest.mark.usefixtures("impatient")
def test_one_that_is_locked_out_says_so(empty_database_url: str) -> None:
    if empty_database_url.startswith("sqlite:"):
        sqlite3.connect(empty_database_url.removeprefix("sqlite:///")).close()
    with closing(bare.connect(empty_database_url)) as holder:
        hold(holder, empty_database_url)
        with pytest.raises(migrations.Locked, match="another migration") as caught:
            migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
    if not empty_database_url.startswith("sqlite:"):  # which knows no names
        assert "In the way: another migration of " in caught.value.detail  # MG-07
        assert " at 127.0.0.1" in caught.value.detail


@on_empty_servers
@pytest.mark.usefixtures("impatient")
def test_who_holds_a_table_is_named(empty_database_url: str) -> None:
    """MG-03: it gives up clean, and changes nothing."""
    migrations.upgrade(empty_database_url)
    with closing(bare.connect(empty_database_url)) as reader:
        cursor = reader.cursor()
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM counters")
        with pytest.raises(migrations.Locked, match=r"In the way: a transaction of (postgres|root).* at 127\.0\.0\.1"):
            migrations.downgrade(empty_database_url)
        with closing(open_database(empty_database_url)) as db:
            assert teams(db) == 0
        cursor.execute("COMMIT")
    migrations.upgrade(empty_database_url)
    assert migrations.check(empty_database_url).name == "at"


def test_a_database_that_is_ahead_is_left_alone(empty_database_url: str) -> None:
    """MG-10: a release that is rolled back finds nothing to do, or is refused."""
    migrations.upgrade(empty_database_url)
    with bare.cursor(empty_database_url) as cursor:
        cursor.execute("UPDATE schema_state SET revision = 8")
        cursor.execute("UPDATE alembic_version SET version_num = '8'")
    migrations.upgrade(empty_database_url)
    assert migrations.plan(empty_database_url) == []
    assert migrations.sql(empty_database_url) == ""
    with bare.cursor(empty_database_url) as cursor:
        cursor.execute("UPDATE schema_state SET oldest_code = 8")
    with pytest.raises(migrations.Incompatible, match="deploy newer code"):
        migrations.upgrade(empty_database_url)


@on_empty_mariadb
def test_without_foreign_keys_the_rest_is_the_same(empty_database_url: str) -> None:
    """SC 69: for Vitess, which has none."""
    migrations.upgrade(f"{empty_database_url}?foreign_keys=off")
    without = described(empty_database_url)
    assert "FOREIGN KEY" not in migrations.sql("mysql", foreign_keys=False)
    migrations.downgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
    for table, here in described(empty_database_url).items():
        assert without[table] == {**here, "references": []}


@on_empty_sqlite
def test_one_that_is_locked_out_comes_again(
    empty_database_url: str, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "WAIT_S", 60.0)
    migrations.upgrade(empty_database_url)
    migrations.downgrade(empty_database_url)
    holder = bare.connect(empty_database_url)
    hold(holder, empty_database_url)
    release = threading.Timer(0.3, holder.close)
    release.start()
    migrations.upgrade(empty_database_url)
    release.join()
    assert migrations.check(empty_database_url).name == "at"


@on_empty_servers
def test_a_reader_is_not_kept_waiting_for_long(
    empty_database_url: str, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that waits for a table queues its readers behind it: it gives way, and comes again."""
    monkeypatch.setattr(migrations, "WAIT_S", 60.0)
    migrations.upgrade(empty_database_url)
    with closing(bare.connect(empty_database_url)) as reader, ThreadPoolExecutor(1) as runner:
        cursor = reader.cursor()
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM counters")
        going_down = runner.submit(migrations.downgrade, empty_database_url)
        time.sleep(0.3)
        with closing(open_database(empty_database_url)) as db:
            assert teams(db) == 0  # not after its own time limit of 5 s
        cursor.execute("COMMIT")
        going_down.result()
    assert list(described(empty_database_url)) == ["alembic_version"]


@on_empty_mariadb
def test_half_a_migration_is_completed(empty_database_url: str) -> None:
    """MySQL commits each table as it is made: a run that died left some, and some without their indexes."""
    migrations.upgrade(empty_database_url)
    whole = described(empty_database_url)
    with bare.cursor(empty_database_url) as cursor:
        for statement in [
            "DELETE FROM alembic_version",
            "DELETE FROM schema_state",
            "DROP TABLE idempotency_keys, upload_files, upload_sessions, audit, rate_limits",
            "DROP INDEX ix_chapters_state_publish_at ON chapters",
            "DROP INDEX ix_users_role_id ON users",
        ]:
            cursor.execute(statement)
    assert migrations.check(empty_database_url).name == "behind"
    migrations.upgrade(empty_database_url)
    assert described(empty_database_url) == whole
    with bare.cursor(empty_database_url) as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '1'")
        cursor.execute("DROP TABLE concealments, idempotency_keys, upload_files, schema_state")
    migrations.downgrade(empty_database_url)
    assert list(described(empty_database_url)) == ["alembic_version"]


def test_the_text_for_review_is_what_runs(empty_database_url: str) -> None:  # SC 78
    kind = empty_database_url.partition(":")[0]
    text = migrations.sql(kind)
    assert migrations.sql(empty_database_url) == text
    with closing(bare.connect(empty_database_url)) as connection:
        if kind == "sqlite":
            connection.executescript(text)
        else:
            for statement in text.split(";\n"):
                if "".join(line for line in statement.splitlines() if not line.startswith("--")).strip():
                    connection.cursor().execute(statement)
    by_text = described(empty_database_url)
    assert migrations.check(empty_database_url).name == "at"
    assert migrations.sql(empty_database_url) == ""
    migrations.downgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
    assert described(empty_database_url) == by_text


def test_text_for_review_needs_to_know_for_what() -> None:
    assert migrations.sql("mariadb") == migrations.sql("mysql")
    with pytest.raises(BadAddress, match="sqlite, postgresql, mysql"):
        migrations.sql("oracle")


def test_a_pooled_address_is_refused() -> None:  # SC 75
    for act in (migrations.upgrade, migrations.downgrade):
        with pytest.raises(migrations.Pooled, match="DATABASE_DIRECT_URL"):
            act("postgresql://u@ep-cool-1-pooler.eu-central-1.aws.neon.tech/d")


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    file = tmp_path / "a b" / "c" / "x%.db"
    url = f"sqlite:///{tmp_path}/a%20b/c/x%25.db"
    assert migrations.check(url).name == "behind"
    assert len(migrations.plan(url)) == revisions.NEWEST
    assert not file.parent.exists()  # asking makes nothing
    migrations.upgrade(url)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bare.rows(f"sqlite:///{file}", "PRAGMA journal_mode") == [("wal",)]
    assert {path.name for path in file.parent.iterdir()} <= {"x%.db", "x%.db-wal", "x%.db-shm"}


def test_a_server_that_nobody_answers() -> None:
    for act in (migrations.upgrade, migrations.check, migrations.plan):
        with pytest.raises(faults.Unreachable):
            act("postgresql://u@127.0.0.1:1/d")


def test_code_and_migrations_agree() -> None:
    """A revision that the code does not ask for, or the reverse, is a release that does not start."""
    assert [int(script.revision) for script in migrations._revisions()] == list(range(1, schema.REVISION + 1))


@on_postgresql
def test_keys_are_bytes_whatever_the_language(database_url: str) -> None:
    """The test server's language is C, which would hide a forgotten COLLATE."""
    rows = bare.rows(
        database_url,
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'character varying' AND table_name <> 'alembic_version'",
    )
    free = {f"{table}.{column}" for table, column, collation in rows if collation != "C"}
    assert free == {
        "chapters.hidden_reason",
        "chapters.label",
        "chapters.title",
        "files.name",
        "idempotency_keys.location",
        "permissions.description",
        "series.author",
        "series.hidden_reason",
        "series.title",
        "series_titles.title",
        "teams.name",
        "tombstones.reason",
        "upload_files.name",
        "users.ban_reason",
        "users.email",
        "users.password_hash",
        "users.username",
    }
