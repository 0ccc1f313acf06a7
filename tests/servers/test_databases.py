"""Fresh databases are fresh: what one test does, the next does not see."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest

from roliascan.database import schema
from tests.database import kinds
from tests.servers import databases, mariadb

TABLE = "CREATE TABLE left_over (id INT PRIMARY KEY)"


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    """A bare driver's cursor in autocommit."""
    connection: Any
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    elif url.startswith("mysql:"):
        connection = mariadb.connect(databases.as_administrator(url))
    else:
        connection = psycopg2.connect(databases.as_administrator(url))
        connection.autocommit = True
    with closing(connection), closing(connection.cursor()) as cursor:
        yield cursor


@pytest.mark.parametrize("turn", [1, 2])
def test_an_empty_database_has_no_tables(empty_database_url: str, turn: int) -> None:
    with _cursor(empty_database_url) as cursor:
        cursor.execute(TABLE)  # fails if the other turn's table is there


@pytest.mark.parametrize("turn", [1, 2])
def test_a_migrated_database_holds_what_the_migrations_wrote(database_url: str, turn: int) -> None:
    with _cursor(database_url) as cursor:
        cursor.execute("SELECT count(*) FROM schema_state")
        assert cursor.fetchone()[0] == 1
        cursor.execute("DELETE FROM schema_state")  # and is back in the next turn


@pytest.mark.parametrize("turn", [1, 2])
def test_a_table_that_a_test_makes_is_gone_after_it(database_url: str, turn: int) -> None:
    with _cursor(database_url) as cursor:
        cursor.execute(TABLE)


@pytest.mark.parametrize("turn", [1, 2])
def test_an_open_transaction_is_not_in_the_way(database_url: str, turn: int) -> None:
    connection = _cursor(database_url)
    cursor = connection.__enter__()
    cursor.execute("BEGIN")
    cursor.execute("DELETE FROM schema_state")
    _left_open.append(connection)


_left_open: list[Any] = []


def test_behind_the_pooler_is_the_same_database(pooled_url: str) -> None:
    with _cursor(pooled_url) as cursor:
        cursor.execute("SELECT count(*) FROM schema_state")
        assert cursor.fetchone()[0] == 1


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("database_url", [kinds.POOLED], indirect=True)
def test_what_is_open_behind_the_pooler_is_not_in_the_way(database_url: str, turn: int) -> None:
    assert databases.direct(database_url) != database_url
    for _ in range(2):  # all that the pooler has
        connection = psycopg2.connect(database_url)
        connection.cursor().execute("DELETE FROM schema_state WHERE id = 2; SELECT * FROM schema_state")
        _left_open.append(connection)
    with _cursor(database_url) as cursor:
        cursor.execute("UPDATE schema_state SET revision = revision + 1")
        cursor.execute("SELECT revision FROM schema_state")
        assert cursor.fetchone()[0] == schema.REVISION + 1


@pytest.mark.parametrize("database_url", kinds.POSTGRESQLS, indirect=True)
def test_each_is_of_its_version(database_url: str, request: pytest.FixtureRequest) -> None:
    with _cursor(database_url) as cursor:
        cursor.execute("SHOW server_version_num")
        is_16 = cursor.fetchone()[0].startswith("16")
    assert is_16 or "postgresql16" not in request.node.name


def test_the_cheap_ones(site_url: str, sqlite_url: str) -> None:
    assert site_url != sqlite_url
    with _cursor(sqlite_url) as cursor:
        cursor.execute("SELECT count(*) FROM schema_state")
