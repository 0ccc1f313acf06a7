"""Fresh databases are fresh: what one test does, the next does not see."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest

from tests.servers import mariadb

TABLE = "CREATE TABLE left_over (id INT PRIMARY KEY)"


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    """A bare driver's cursor in autocommit."""
    connection: Any
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    elif url.startswith("mysql:"):
        connection = mariadb.connect(url)
    else:
        connection = psycopg2.connect(url)
        connection.autocommit = True
    with closing(connection), closing(connection.cursor()) as cursor:
        yield cursor


@pytest.mark.parametrize("turn", [1, 2])
def test_an_empty_database_has_no_tables(empty_database_url: str, turn: int) -> None:
    with _cursor(empty_database_url) as cursor:
        cursor.execute(TABLE)  # fails if the other turn's table is there
