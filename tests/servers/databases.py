"""Fresh databases, cheaply.

Migrating takes half a second and copying a server's database a tenth, but emptying one takes milliseconds. So each
process of a run keeps one migrated database on each server, and empties it after every test; SQLite's file is copied.
"""

import fcntl
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pymysql

from tests.servers import mariadb, pgbouncer, statements

_numbers = itertools.count(1)

# What differs between the servers: who is connected, how to send them away, what the migrations made, no foreign keys.
_CONNECTED = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = %s",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = %s",
}
_DISCONNECT = {
    "postgresql": "SELECT pg_terminate_backend(%s, 5000)",  # waits until it is gone, in milliseconds
    "mysql": "KILL %s",
}
_SHAPE = {
    "postgresql": "SELECT attrelid::regclass::text, attname, atttypid::regtype::text FROM pg_attribute"
    " JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    "mysql": "SELECT table_name, column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = database() ORDER BY 1, 2",
}
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"
_FOREIGN_KEYS = (
    "SELECT table_name, constraint_name FROM information_schema.table_constraints"
    " WHERE table_schema = database() AND constraint_type = 'FOREIGN KEY'"
)
_WITHOUT_FOREIGN_KEYS = {
    "postgresql": "SET session_replication_role = replica",
    "mysql": "SET foreign_key_checks = 0, innodb_lock_wait_timeout = 5",
}


def _new_name() -> str:
    """A database name that no other process of this run takes."""
    return f"test_{os.getpid()}_{next(_numbers)}"


def _upgrade(url: str) -> None:
    from roliascan.database import migrations

    migrations.upgrade(url)


@contextmanager
def sqlite(run: Path, directory: Path, *, migrated: bool) -> Iterator[str]:
    """A database file in `directory`, which may hold others already. `run` is shared by all processes of this run."""
    file = directory / f"{_new_name()}.db"
    if migrated:
        shutil.copyfile(_sqlite_template(run), file)
    yield f"sqlite:///{file}"


@cache
def _sqlite_template(run: Path) -> Path:
    template = run / "template.db"
    with (run / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            _upgrade(f"sqlite:///{template}")
    return template


@contextmanager
def new(server: str) -> Iterator[str]:
    """A database without tables, for its administrator; it is dropped afterwards, whoever is connected."""
    name = _create(server)
    yield f"{server}/{name}"
    _drop(server, name)


@contextmanager
def migrated(server: str, *, foreign_keys: bool = True) -> Iterator[str]:
    """A migrated database as the service is given it; it is emptied afterwards, whoever is connected.

    Without `foreign_keys` it has none, as at providers that allow none: for MySQL.
    """
    name = _kept(server, foreign_keys=foreign_keys)
    yield as_user(statements.SITE, f"{server}/{name}")
    _disconnect(server, name)
    _empty(server, name)


@contextmanager
def pooled(server: str, pooler: str) -> Iterator[str]:
    """As `migrated` on PostgreSQL, for who knows only the pooler before it; who administers goes to the server."""
    name = _kept(server)
    _behind[_place(pooler)] = _place(server)
    yield f"{pooler}/{name}"
    pgbouncer.forget(pooler, name)
    _disconnect(server, name)
    _empty(server, name)


_behind: dict[str, str] = {}
"""The server behind each pooler: its host and port, by those of the pooler."""


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


@contextmanager
def migrated_copy(server: str) -> Iterator[str]:
    """As `migrated` on PostgreSQL, for this one use and dropped afterwards: a pooler may keep connections to it."""
    name = _create(server, f"TEMPLATE {_kept(server)}")
    yield as_user(statements.SITE, f"{server}/{name}")
    _drop(server, name)


def as_user(user: str, url: str) -> str:
    """The same address for somebody else: a name, or a name and a password with a colon between them."""
    return urlsplit(url)._replace(netloc=f"{user}@{_place(url)}").geturl()


def as_administrator(url: str) -> str:
    names = {"mysql": "root", "postgresql": "postgres"}
    return as_user(names[_kind(url)], direct(url)) if _kind(url) in names else url


def direct(url: str) -> str:
    """The same database without a pooler in between: `DATABASE_DIRECT_URL`."""
    place = _place(url)
    return url.replace(f"@{place}/", f"@{_behind.get(place, place)}/", 1)


def directory(server: str) -> Path:
    """Where the server at this address keeps its data."""
    with _cursor(server) as cursor:
        cursor.execute("SELECT @@datadir" if _kind(server) == "mysql" else "SHOW data_directory")
        return Path(cursor.fetchone()[0])


@contextmanager
def _cursor(server: str, name: str = "") -> Iterator[Any]:
    """An administrator's cursor in autocommit."""
    connection: Any
    if _kind(server) == "mysql":
        connection = mariadb.connect(f"{server}/{name}")
    else:
        connection = psycopg2.connect(f"{server}/{name or 'postgres'}")
        connection.autocommit = True
    with closing(connection), closing(connection.cursor()) as cursor:
        yield cursor


def _kind(server: str) -> str:
    return server.partition(":")[0]


def _create(server: str, how: str = "") -> str:
    name = _new_name()
    with _cursor(server) as cursor:
        cursor.execute(f"CREATE DATABASE {name} {how}")
    return name


def _drop(server: str, name: str) -> None:
    _disconnect(server, name)
    with _cursor(server) as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def _disconnect(server: str, name: str) -> None:
    with _cursor(server) as cursor:
        cursor.execute(_CONNECTED[_kind(server)], (name,))
        for (number,) in cursor.fetchall():
            with suppress(pymysql.err.OperationalError):  # it left by itself in the meantime
                cursor.execute(_DISCONNECT[_kind(server)], (number,))


@cache
def _kept(server: str, *, foreign_keys: bool = True) -> str:
    name = _create(server)
    _upgrade(f"{server}/{name}")
    if not foreign_keys:
        _drop_foreign_keys(server, name)
    _as_migrated(server, name)
    return name


def _drop_foreign_keys(server: str, name: str) -> None:
    with _cursor(server, name) as cursor:
        cursor.execute(_FOREIGN_KEYS)
        for table, constraint in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP FOREIGN KEY {constraint}")


@cache
def _as_migrated(server: str, name: str) -> tuple[Any, dict[str, list[Any]]]:
    """The columns as the migrations left them, and the rows that they wrote by table."""
    with _cursor(server, name) as cursor:
        rows = {}
        for table in _tables(server, name):
            cursor.execute(f"SELECT * FROM {table}")
            rows[table] = list(cursor.fetchall())
        return _shape(server, cursor), rows


def _tables(server: str, name: str) -> list[str]:
    with _cursor(server, name) as cursor:
        cursor.execute(_TABLES, (name if _kind(server) == "mysql" else "public",))
        return [table for (table,) in cursor.fetchall()]


def _shape(server: str, cursor: Any) -> Any:
    cursor.execute(_SHAPE[_kind(server)])
    return cursor.fetchall()


def _empty(server: str, name: str) -> None:
    """Delete what a test wrote; when it changed tables, the next test gets a new database."""
    shape, rows = _as_migrated(server, name)
    with _cursor(server, name) as cursor:
        changed = _shape(server, cursor) != shape
        if not changed:
            cursor.execute(_WITHOUT_FOREIGN_KEYS[_kind(server)])
            cursor.execute("BEGIN")
            for table, kept in rows.items():
                cursor.execute(f"DELETE FROM {table}")
                for row in kept:
                    cursor.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)
            cursor.execute("COMMIT")
    if changed:
        _drop(server, name)
        _kept.cache_clear()
