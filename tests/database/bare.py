"""The database seen from outside: a bare driver's connection, and the means of whoever runs the server."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg2
import pymysql
import sqlalchemy as sa

from tests.servers import databases, mariadb


def connect(url: str) -> Any:
    """In autocommit, as the administrator of a server."""
    if url.startswith("sqlite:///"):
        return sqlite3.connect(
            url.removeprefix("sqlite:///"), isolation_level=None, timeout=0.1, check_same_thread=False
        )
    if url.startswith("mysql:"):
        return mariadb.connect(databases.as_administrator(url))
    connection = psycopg2.connect(databases.as_administrator(url))
    connection.autocommit = True
    return connection


@contextmanager
def cursor(url: str) -> Iterator[Any]:
    with closing(connect(url)) as connection, closing(connection.cursor()) as cursor:
        yield cursor


def rows(url: str, sql: str) -> list[Any]:
    with cursor(url) as asking:
        asking.execute(sql)
        return list(asking.fetchall())


def end_connections(url: str) -> None:
    """What an administrator or a fail-over does; returns when the server has ended all of them."""
    mysql = url.startswith("mysql:")
    others = (
        "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        if mysql
        else "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with cursor(url) as administrator:
        administrator.execute(others)
        for (number,) in administrator.fetchall():
            with suppress(pymysql.err.OperationalError):  # it has ended by itself; those that have not are waited for
                administrator.execute(f"KILL {number}" if mysql else f"SELECT pg_terminate_backend({number})")
        while administrator.execute(others) or administrator.fetchall():
            time.sleep(0.01)


@contextmanager
def inspector(url: str) -> Iterator[sa.Inspector]:
    """SQLAlchemy's view of the catalogs."""
    drivers = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg2", "sqlite": "sqlite"}
    kind, _, rest = databases.as_administrator(url).partition(":")
    engine = sa.create_engine(f"{drivers[kind]}:{rest}")
    try:
        yield sa.inspect(engine)
    finally:
        engine.dispose()
