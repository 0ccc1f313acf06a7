"""The servers' logs name every statement that a pooler would mind.

SC 63, DB-05. The run as a whole is held to it by tests/conftest.py.
"""

from contextlib import closing
from itertools import count
from typing import Any

import psycopg2
import pymysql
import pytest

from roliascan.database import open_database
from tests.database.kinds import on_mariadb, on_postgresql, on_servers
from tests.database.test_values import Number
from tests.servers import databases, mariadb, statements
from tests.servers.statements import Said

_turns = count(1)

BAD = {
    "PREPARE a AS SELECT 1": "prepares",
    "EXECUTE a": "prepares",
    "SELECT 1; DEALLOCATE ALL": "prepares",
    "SET statement_timeout = 5": "sets",
    "set session work_mem = 1": "sets",
    "/* a */ SET x = 1": "sets",
    "RESET ALL": "sets",
    "DISCARD ALL": "sets",
    "SELECT set_config('a.b', 'c', false)": "sets",
    "SET NAMES latin1": "sets",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ": "sets",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ": "sets",
    "SET @a = 1": "sets",
    "SELECT @a := 1": "sets",
    "SELECT 1 INTO @a": "sets",
    "SELECT pg_advisory_lock(1)": "locks",
    "SELECT pg_try_advisory_lock_shared (1)": "locks",
    "SELECT GET_LOCK('a', 1)": "locks",
    "LOCK TABLES a WRITE": "locks",
    "CREATE TEMP TABLE a (b int)": "makes temporary tables",
    "CREATE TEMPORARY TABLE a (b int)": "makes temporary tables",
    "SELECT 1 INTO TEMP a": "makes temporary tables",
    "LISTEN a": "listens",
    "DECLARE a CURSOR WITH HOLD FOR SELECT 1": "keeps cursors",
}
GOOD = [
    "BEGIN; SET LOCAL statement_timeout = 5; SELECT 1",
    "SET LOCAL statement_timeout = 5; SELECT 1",
    "SET STATEMENT max_statement_time=5 FOR SELECT 1",
    "SET NAMES utf8mb4",
    "SET AUTOCOMMIT = 1",
    "UPDATE counters SET value = 1",
    "INSERT INTO a VALUES ('') ON DUPLICATE KEY UPDATE b = 1",
    "SELECT pg_advisory_xact_lock(1)",
]


@pytest.mark.parametrize("text", BAD)
def test_each_is_found(text: str) -> None:
    assert BAD[text] in statements.minded([Said("anybody", text)])
    assert statements.minded([Said("postgres", text), Said("root", text)]) == {}


@pytest.mark.parametrize("text", GOOD)
def test_what_ends_with_its_transaction_is_not(text: str) -> None:
    assert statements.minded([Said("anybody", text)]) == {}


def heard(url: str, mark: str) -> list[Said]:
    """What the server heard with this mark in it, from whomever."""
    return [one for one in statements.heard(databases.directory(url.rpartition("/")[0])) if mark in one.text]


@on_postgresql
def test_what_postgresql_was_told(database_url: str) -> None:
    mark = f"mark_{database_url[-6:].strip('_')}_{next(_turns)}"
    with closing(psycopg2.connect(databases.as_administrator(database_url))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"PREPARE {mark} AS\nSELECT 'a ''quoted'' text; SET x = 1'")
        cursor.execute(f"SELECT E'a \\\\' AS {mark}, 'SET y = 1'")
    first, second = heard(database_url, mark)
    assert first == Said("postgres", f"PREPARE {mark} AS\nSELECT ''")
    assert second == Said("postgres", f"SELECT E'' AS {mark}, ''")
    assert statements.minded([first._replace(by="site"), second._replace(by="site")]) == {"prepares": {first.text}}


def test_a_message_that_prepares_is_told_from_one_that_does_not() -> None:
    """The extended protocol, which psycopg2 does not speak: postgresql.org/docs/15/protocol-flow.html."""
    lines = [
        '{"user":"site","message":"statement: SELECT 1"}',
        '{"user":"site","message":"execute <unnamed>: SELECT 2"}',
        '{"user":"site","message":"duration: 1 ms"}',
    ]
    said = list(statements._of_postgresql(lines))
    assert said == [Said("site", "SELECT 1"), Said("site", "SELECT 2", prepared=True)]
    assert statements.minded(said) == {"prepares": {"SELECT 2"}}


@on_mariadb
def test_what_mariadb_was_told(database_url: str) -> None:
    mark = f"mark_{database_url[-6:].strip('_')}_{next(_turns)}"
    with closing(mariadb.connect(databases.as_administrator(database_url))) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SET\n@{mark} = 'a \\' text; SET x = 1'")
        _prepare(connection, f"SELECT 1 AS {mark}")
    first, second = heard(database_url, mark)
    assert first == Said("root", f"SET\n@{mark} = ''")
    assert second == Said("root", f"SELECT 1 AS {mark}", prepared=True)
    found = statements.minded([first._replace(by="site"), second._replace(by="site")])
    assert found == {"sets": {first.text}, "prepares": {second.text}}


def _prepare(connection: "pymysql.connections.Connection[Any]", text: str) -> None:
    """COM_STMT_PREPARE, which PyMySQL does not speak: dev.mysql.com/doc/dev/mysql-server/latest."""
    connection._execute_command(0x16, text)  # type: ignore[attr-defined]
    connection._read_packet()  # type: ignore[no-untyped-call]
    connection._force_close()  # type: ignore[attr-defined]  # the rest of its answer is of no interest


@on_servers
def test_the_service_is_heard(database_url: str) -> None:
    """Else the run would be held to nothing."""
    mark = f"mark_{database_url[-6:].strip('_')}_{next(_turns)}"
    with closing(open_database(database_url)) as db:
        db.read(f"SELECT 1 AS number FROM counters {mark}", Number)
    (said,) = heard(database_url, mark)
    assert said.by == statements.SITE
