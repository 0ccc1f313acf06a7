"""Fresh databases, cheaply: the migrations run once for each server, and every test gets a copy or an emptied one."""

import fcntl
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pymysql

from tests.servers.mariadb import connect as connect_mariadb

_numbers = itertools.count(1)


def _new_name() -> str:
    """A database name that no other process of this run takes."""
    return f"test_{os.getpid()}_{next(_numbers)}"


def _upgrade(url: str) -> None:
    from roliascan.database import migrations

    migrations.upgrade(url)


def _once(run: Path, name: str, make: Callable[[], None]) -> None:
    """Call `make` in one of this run's processes; the others wait until it is done."""
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / name).exists():
            make()
            (run / name).touch()


@contextmanager
def sqlite(run: Path, directory: Path, *, migrated: bool) -> Iterator[str]:
    """A database file in `directory`, which may hold others already. `run` is shared by all processes of this run."""
    file = directory / f"{_new_name()}.db"
    if migrated:
        template = run / "template.db"
        _once(run, "sqlite-template", lambda: _upgrade(f"sqlite:///{template}"))
        shutil.copyfile(template, file)
    yield f"sqlite:///{file}"


@contextmanager
def postgresql(run: Path, server: str, *, migrated: bool) -> Iterator[str]:
    """A database of the server at this address; it is dropped afterwards, whoever is still connected."""
    name = _new_name()
    template = "TEMPLATE migrated" if migrated else ""
    if migrated:
        _once(run, "postgresql-template", lambda: _make_postgresql_template(server))
    _on_postgresql(server, f"CREATE DATABASE {name} {template} STRATEGY file_copy")
    yield f"{server}/{name}"
    _on_postgresql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _make_postgresql_template(server: str) -> None:
    _on_postgresql(server, "CREATE DATABASE migrated")
    _upgrade(f"{server}/migrated")


def _on_postgresql(server: str, statement: str) -> None:
    with closing(psycopg2.connect(f"{server}/postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def mariadb(server: str, *, migrated: bool) -> Iterator[str]:
    """A database of the server at this address, dropped or emptied afterwards, whoever is still connected.

    Copying a database of MariaDB takes longer than emptying it, so that each process keeps one migrated database.
    """
    name = _kept_on_mariadb(server) if migrated else _new_name()
    if not migrated:
        _on_mariadb(server, f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    _disconnect_mariadb(server, name)
    if migrated:
        _empty(server, name)
    else:
        _on_mariadb(server, f"DROP DATABASE {name}")


@cache
def _kept_on_mariadb(server: str) -> str:
    name = _new_name()
    _on_mariadb(server, f"CREATE DATABASE {name}")
    _upgrade(f"{server}/{name}")
    _as_migrated(server, name)
    return name


@cache
def _as_migrated(server: str, name: str) -> tuple[Any, dict[str, list[Any]]]:
    """The columns as the migrations left them, and the rows that they wrote by table."""
    with closing(connect_mariadb(f"{server}/{name}")) as connection, connection.cursor() as cursor:
        shape = _shape(cursor)
        rows = {}
        for table in _tables(shape):
            cursor.execute(f"SELECT * FROM `{table}`")
            rows[table] = list(cursor.fetchall())
        return shape, rows


def _shape(cursor: "pymysql.cursors.Cursor") -> Any:
    cursor.execute(
        "SELECT table_name, column_name, column_type FROM information_schema.columns"
        " WHERE table_schema = database() ORDER BY 1, 2"
    )
    return cursor.fetchall()


def _tables(shape: Any) -> list[str]:
    return sorted({str(table) for table, *_ in shape})


def _empty(server: str, name: str) -> None:
    """Delete what a test wrote; when it changed tables, the next test gets a new database."""
    shape, rows = _as_migrated(server, name)
    with closing(connect_mariadb(f"{server}/{name}")) as connection, connection.cursor() as cursor:
        if _shape(cursor) != shape:
            cursor.execute(f"DROP DATABASE {name}")
            _kept_on_mariadb.cache_clear()
            return
        cursor.execute("SET SESSION foreign_key_checks = 0, innodb_lock_wait_timeout = 5")
        connection.begin()
        for table in _tables(shape):
            cursor.execute(f"DELETE FROM `{table}`")
            for row in rows[table]:
                cursor.execute(f"INSERT INTO `{table}` VALUES ({', '.join(['%s'] * len(row))})", row)
        connection.commit()


def _disconnect_mariadb(server: str, name: str) -> None:
    with closing(connect_mariadb(server)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
        for (number,) in cursor.fetchall():
            try:
                cursor.execute(f"KILL {number}")
            except pymysql.err.OperationalError as error:
                if error.args[0] != 1094:  # it left by itself in the meantime
                    raise


def _on_mariadb(server: str, statement: str) -> None:
    with closing(connect_mariadb(server)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
