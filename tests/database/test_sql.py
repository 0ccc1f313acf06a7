"""One SQL text on all databases: parameters, lists, upserts, locks, and what a statement says that it did."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from roliascan.database import Database, Duplicate, Tx
from tests.database.test_values import NOW, ONE, Bucket, Number, Text, put_bucket, put_user


def texts(db: Database, sql: str, **values: Any) -> list[str | None]:
    return [row.text for row in db.read(sql, Text, **values)]


PARAMETERS: list[tuple[str, dict[str, Any], str]] = [
    ("SELECT ':a' AS text", {}, ":a"),
    ("SELECT ':a' AS text FROM counters WHERE value = :a LIMIT 1", {"a": 0}, ":a"),
    ("SELECT 'it''s :a' AS text FROM counters WHERE value = :a LIMIT 1", {"a": 0}, "it's :a"),
    ("SELECT '100%' AS text", {}, "100%"),
    ("SELECT '100% :a %s %(a)s' AS text FROM counters WHERE value = :a LIMIT 1", {"a": 0}, "100% :a %s %(a)s"),
    ("SELECT name AS text FROM counters WHERE name LIKE '%ries'", {}, "series"),
    ("SELECT name AS text FROM counters WHERE name LIKE '%ries' AND value = :a", {"a": 0}, "series"),
    ("SELECT name AS text FROM counters WHERE (value + 7) % 4 = 3 AND name=:a", {"a": "teams"}, "teams"),
    ("SELECT name AS text FROM counters WHERE name IN(:a,:ab) AND name<>:a", {"a": "teams", "ab": "series"}, "series"),
    ("SELECT name AS text FROM counters WHERE name=:a_b AND :a=:ab", {"a": "x", "ab": "x", "a_b": "teams"}, "teams"),
    ("SELECT name AS text FROM counters WHERE name = :a1_", {"a1_": "teams"}, "teams"),
    ("SELECT CAST(:a AS CHAR(5)) AS text", {"a": ":b'%s"}, ":b'%s"),
]


def test_parameters(db: Database) -> None:
    for sql, values, expected in PARAMETERS:
        assert texts(db, sql, **values) == [expected]
        with db.begin() as tx:
            assert tx.read(sql, Text, **values) == [Text(expected)]


def test_casts_are_no_parameters() -> None:
    from roliascan.database import dialects

    assert dialects.postgresql("SELECT :a::text, b::int") == "SELECT %(a)s::text, b::int"
    assert dialects.mysql("SELECT '::' , :a") == "SELECT '::' , %(a)s"


@pytest.mark.parametrize(
    "hostile", ["'; DROP TABLE counters; --", "\\'; DROP TABLE counters; -- ", "%(b)s", ":b", "\\"]
)
def test_a_value_is_never_read_as_sql(db: Database, hostile: str) -> None:
    assert texts(db, "SELECT name AS text FROM counters WHERE name = :a OR name = :b", a=hostile, b=hostile) == []
    assert texts(db, "SELECT name AS text FROM counters WHERE name IN (:many)", many=[hostile, "teams"]) == ["teams"]
    assert db.one("SELECT COUNT(*) AS number FROM counters", Number) == Number(3)


IN = "SELECT name AS text FROM counters WHERE name IN (:names) AND ':names' <> :name ORDER BY name"


def test_lists(db: Database) -> None:
    for names in (["teams"], ["series", "teams"], ["series", "x", "teams"], []):
        assert texts(db, IN, names=names, name="x") == [name for name in names if name != "x"]


def test_two_lists_and_names_that_begin_alike(db: Database) -> None:
    sql = "SELECT name AS text FROM counters WHERE name IN (:a) AND name NOT IN (:ab) AND name <> :a_b AND value = :b"
    values = {"a": ["series", "teams", "chapters"], "ab": ["series", "x"], "a_b": "chapters", "b": 0}
    assert texts(db, sql, **values) == ["teams"]


def test_a_list_of_a_thousand(db: Database) -> None:
    assert texts(db, IN, names=[*map(str, range(1000)), "teams"], name="x") == ["teams"]


def test_an_empty_list_matches_nothing(db: Database) -> None:
    put_user(db)
    assert texts(db, "SELECT id AS text FROM users WHERE id IN (:ids)", ids=[]) == []
    assert texts(db, "SELECT id AS text FROM users WHERE id NOT IN (:ids)", ids=[]) == []
    assert texts(db, "SELECT id AS text FROM users WHERE username LIKE 'a%' AND id NOT IN (:ids)", ids=[ONE[:-1] + "b"])


def test_a_missing_parameter_is_a_mistake_and_costs_no_slot(db: Database) -> None:
    for _ in range(6):
        with pytest.raises(Exception, match=r"(?i)name|binding"):
            db.read("SELECT name AS text FROM counters WHERE name = :name AND value = :value", Text, value=0)
    assert db.one("SELECT COUNT(*) AS number FROM counters", Number) == Number(3)


def test_do_nothing_tells_whether_it_inserted(db: Database) -> None:
    sql = "INSERT INTO rate_limits (name, full_at) VALUES (:name, :at) ON CONFLICT (name) DO NOTHING"
    with db.begin() as tx:
        assert tx.write(sql, name="a", at=NOW) == 1
        assert tx.write(sql, name="a", at=datetime(2000, 1, 1, tzinfo=UTC)) == 0
        assert tx.write(sql, name="a", at=NOW) == 0
    assert db.read("SELECT name, full_at FROM rate_limits", Bucket)[0].full_at == "2026-11-23T18:37:32.123456Z"


def test_do_nothing_hides_no_other_conflict(db: Database) -> None:
    put_user(db)
    columns = "(id, username, username_key, email, email_key, password_hash, role, created_at, updated_at)"
    sql = f"INSERT INTO users {columns} VALUES (:id, 'x', 'ann', 'x', 'x', '-', 'user', :now, :now)"
    with pytest.raises(Duplicate), db.begin() as tx:
        tx.write(sql, id=ONE.replace("a", "b"), now=NOW)
    if db.kind != "mysql":  # there, every unique key of the row is in the game: such a row is told from the count, 0
        with pytest.raises(Duplicate), db.begin() as tx:
            tx.write(sql + " ON CONFLICT (id) DO NOTHING", id=ONE.replace("a", "b"), now=NOW)


def test_do_nothing_on_a_key_of_two_columns(db: Database) -> None:
    put_user(db)
    with db.begin() as tx:
        tx.write("INSERT INTO permissions (name) VALUES ('x')")
        sql = (
            "INSERT INTO grants (user_id, permission, granted_at) VALUES (:id, 'x', :now)"
            " ON CONFLICT (user_id, permission) DO NOTHING"
        )
        assert [tx.write(sql, id=ONE, now=NOW), tx.write(sql, id=ONE, now=NOW)] == [1, 0]


def test_do_update_reads_the_old_row_and_the_new(db: Database) -> None:
    sql = (
        "INSERT INTO counters (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = counters.value * 10 + excluded.value"
    )
    with db.begin() as tx:
        assert tx.write(sql, name="views", value=1) == 1
        assert tx.write(sql, name="views", value=2) in {1, 2}  # MySQL counts 2
        assert tx.write(sql, name="views", value=3) in {1, 2}
    assert db.one("SELECT value AS number FROM counters WHERE name = 'views'", Number) == Number(123)


def test_counts_of_changes(db: Database) -> None:
    with db.begin() as tx:
        assert tx.write("UPDATE counters SET value = value + 1") == 3
        assert tx.write("UPDATE counters SET value = value + 1 WHERE name = 'x'") == 0
        assert tx.write("DELETE FROM counters WHERE name <> 'teams'") == 2
        assert tx.write("INSERT INTO counters (name, value) VALUES ('a', 1), ('b', 2)") == 2
        assert tx.write("INSERT INTO rate_limits (name, full_at) SELECT name, :now FROM counters", now=NOW) == 3


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_insert_many(db: Database, count: int) -> None:
    with db.begin() as tx:
        tx.insert_many("rate_limits", [{"name": f"{number:04}", "full_at": NOW} for number in range(count)])
    assert texts(db, "SELECT name AS text FROM rate_limits ORDER BY name") == [
        f"{number:04}" for number in range(count)
    ]


def test_a_locking_read(db: Database) -> None:
    with db.begin() as tx:
        assert tx.one("SELECT value AS number FROM counters WHERE name = 'teams' FOR UPDATE", Number) == Number(0)
        assert tx.one("SELECT value AS number FROM counters WHERE name = :name\n FOR UPDATE", Number, name="x") is None


def test_a_transaction_sees_what_it_wrote_and_others_do_not(db: Database) -> None:
    with db.begin() as tx:
        tx.write("UPDATE counters SET value = 5 WHERE name = 'teams'")
        assert tx.one("SELECT SUM(value) AS number FROM counters", Number) == Number(5)
        assert db.one("SELECT SUM(value) AS number FROM counters", Number) == Number(0)
    assert db.one("SELECT SUM(value) AS number FROM counters", Number) == Number(5)


def stop(tx: Tx) -> None:
    raise OSError("stop")


def check_columns(tx: Tx) -> None:
    tx.read("SELECT value FROM counters", Text)


def collide(tx: Tx) -> None:
    with pytest.raises(Duplicate):
        tx.insert_many("rate_limits", [{"name": "a", "full_at": NOW}])


def collide_and_go_on(tx: Tx) -> None:
    collide(tx)
    tx.write("UPDATE counters SET value = 7")


@pytest.mark.parametrize(
    ("fail", "error"),
    [(stop, OSError), (check_columns, TypeError), (collide, RuntimeError), (collide_and_go_on, RuntimeError)],
)
def test_what_raises_is_rolled_back(db: Database, fail: Callable[[Tx], None], error: type[Exception]) -> None:
    """A statement that failed has ended the transaction, even where its refusal was caught."""

    def verb(tx: Tx) -> None:
        tx.write("UPDATE counters SET value = 5")
        fail(tx)

    put_bucket(db, "a")
    with pytest.raises(error):
        db.run(verb)
    with pytest.raises(error):
        db.run(fail)
    assert db.one("SELECT SUM(value) AS number FROM counters", Number) == Number(0)


def test_what_a_verb_returns_comes_back(db: Database) -> None:
    def verb(tx: Any, first: int, *, second: int) -> list[int]:
        return [first, second, tx.write("UPDATE counters SET value = :value", value=second)]

    assert db.run(verb, 1, second=2) == [1, 2, 3]


def test_a_transaction_without_a_statement(db: Database) -> None:
    with db.begin():
        pass
    assert db.run(lambda tx: 7) == 7


def test_the_table_that_is_read_first(db: Database, database_url: str) -> None:
    put_user(db)
    sql = "SELECT u.id AS text FROM users u STRAIGHT_JOIN counters c ON c.name = u.username WHERE c.name = :name"
    assert texts(db, sql, name="ann") == []
    assert texts(db, sql.replace("u.username", "'teams'"), name="teams") == [ONE]


class Wide(msgspec.Struct):
    id: str
    id_of_parent: str


def test_columns_of_joins_are_called_as_they_are_written(db: Database) -> None:
    put_user(db)
    sql = "SELECT u.id, v.id AS id_of_parent FROM users u JOIN users v ON v.id = u.id"
    assert db.read(sql, Wide) == [Wide(ONE, ONE)]
