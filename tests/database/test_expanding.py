"""A migration of tables in use: run, watched, cut short after each statement, run again, and taken back."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from roliascan.database import faults, migrations, schema
from roliascan.database.migrations import changes
from tests.database import bare, crowd
from tests.database.expanding import NUMBER, TITLE, killing, on_top
from tests.database.test_crowd import contents, one
from tests.database.test_migrations import described, on_empty_postgresql, on_empty_servers, on_some_empty_server

CHAPTERS = 300
EVERY = 1 if os.environ.get("TEST_ALL") == "1" else 12
UNFILLED = "SELECT COUNT(*) FROM chapters WHERE words IS NULL OR words <> 100 * page_count"


@pytest.fixture
def seeded(empty_database_url: str) -> str:
    """A database as the newest revision has it, with chapters."""
    migrations.upgrade(empty_database_url)
    crowd.fill(empty_database_url, series=10, chapters=CHAPTERS)
    return empty_database_url


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BATCH", 40)
    monkeypatch.setattr(changes, "TELL_EVERY", 3)


@pytest.fixture
def expanded(seeded: str, sqlite_url: str, tmp_path: Path) -> Iterator[Path]:
    """After databases were prepared, which other tests get too."""
    with on_top(tmp_path) as file:
        yield file


@pytest.mark.usefixtures("expanded")
def test_up_and_down_and_up_with_rows(seeded: str) -> None:  # SC 78, MG-01
    before, rows = described(seeded), contents(seeded)
    migrations.upgrade(seeded)
    after = described(seeded)
    assert after != before
    assert one(seeded, UNFILLED) == 0
    migrations.downgrade(seeded, str(NUMBER - 1))
    assert (described(seeded), contents(seeded)) == (before, rows)
    assert migrations.check(seeded).name == "at"
    migrations.upgrade(seeded)
    assert described(seeded) == after
    assert one(seeded, UNFILLED) == 0
    assert migrations.check(seeded).name == "ahead"
    migrations.downgrade(seeded)
    assert list(described(seeded)) == ["alembic_version"]
    migrations.upgrade(seeded)
    assert described(seeded) == after


@pytest.mark.usefixtures("expanded")
def test_empty_and_with_rows_it_is_one_schema(seeded: str, sqlite_url: str) -> None:  # MG-01: no drift
    for url in (seeded, sqlite_url):
        migrations.upgrade(url)
    assert described(seeded) == described(sqlite_url)


@on_empty_servers
@pytest.mark.usefixtures("expanded")
def test_a_back_fill_tells_how_far_it_is(seeded: str) -> None:
    told = list[str]()
    migrations.upgrade(seeded, progress=told.append)
    assert told == [
        "chapters: 120 of 300 rows filled",
        "chapters: 240 of 300 rows filled",
        "chapters: 300 of 300 rows filled",
        f"{NUMBER}: {TITLE}",
    ]


@on_some_empty_server
@pytest.mark.usefixtures("expanded")
def test_killed_after_each_statement_it_goes_on_where_it_was(seeded: str) -> None:
    """MG-06, MG-08: what a batch has filled is not filled again."""
    filled, told = list[int](), list[str]()
    with killing(seeded) as killer:
        while killer.kills < 50:
            try:
                migrations.upgrade(seeded, progress=told.append)
                break
            except faults.Lost:
                if "words" in described(seeded)["chapters"]["columns"]:
                    filled.append(CHAPTERS - int(one(seeded, UNFILLED)))
    assert killer.kills >= 12  # a column, 8 batches, an index, two revisions
    assert filled == sorted(filled)
    assert set(range(40, CHAPTERS, 40)) <= set(filled)
    assert one(seeded, UNFILLED) == 0
    assert migrations.revision(seeded) == NUMBER
    interrupted = described(seeded)
    migrations.downgrade(seeded, str(NUMBER - 1))
    migrations.upgrade(seeded)
    assert described(seeded) == interrupted
    assert told.count(f"{NUMBER}: {TITLE}") >= 1


@on_empty_servers
def test_killed_after_each_statement_the_first_schema_converges(empty_database_url: str, sqlite_url: str) -> None:
    """MG-06: all revisions there are; every one of their statements with TEST_ALL=1."""
    with killing(empty_database_url, EVERY) as killer:
        while killer.kills < 500:
            try:
                migrations.upgrade(empty_database_url)
                break
            except faults.Lost:
                continue
    assert killer.kills >= 70 // EVERY
    assert described(empty_database_url) == described(sqlite_url)
    assert migrations.check(empty_database_url).name == "at"


@on_some_empty_server
def test_killed_after_each_statement_later_revisions_converge(seeded: str, sqlite_url: str) -> None:
    """MG-06: each after the first, over rows."""
    rows = contents(seeded)
    migrations.downgrade(seeded, "1")
    with killing(seeded) as killer:
        while killer.kills < 500:
            try:
                migrations.upgrade(seeded)
                break
            except faults.Lost:
                continue
    assert killer.kills == len(killer.seen) >= 2 * (schema.REVISION - 1)
    assert described(seeded) == described(sqlite_url)
    assert contents(seeded) == rows
    assert migrations.check(seeded).name == "at"


@on_empty_postgresql
@pytest.mark.usefixtures("expanded")
def test_an_index_that_was_half_built_is_built_anew(seeded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL leaves it behind, marked as invalid, and CREATE INDEX IF NOT EXISTS would be content with it."""
    broken = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    with bare.cursor(seeded) as cursor:
        cursor.execute("ALTER TABLE chapters ADD COLUMN words int")
        cursor.execute("BEGIN; UPDATE chapters SET version = version + 1")
        with bare.cursor(seeded) as building:
            building.execute("SET lock_timeout = 100")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                building.execute("CREATE INDEX CONCURRENTLY ix_chapters_words_id ON chapters (words, id)")
    assert bare.rows(seeded, broken) == [("ix_chapters_words_id",)]
    migrations.upgrade(seeded)
    assert bare.rows(seeded, broken) == []
    assert ("ix_chapters_words_id", ["words", "id"]) in described(seeded)["chapters"]["indexes"]


@on_some_empty_server
@pytest.mark.usefixtures("expanded")
def test_the_text_for_review_changes_rows_at_once(seeded: str) -> None:
    """SC 78: and says so, because what runs does it in batches."""
    text = migrations.sql(seeded)
    assert "/* in batches, by `roliascan migrate up` */ UPDATE chapters" in text
    with bare.cursor(seeded) as cursor:
        for statement in text.split(";\n"):
            if "".join(line for line in statement.splitlines() if not line.startswith("--")).strip():
                cursor.execute(statement)
    by_text = described(seeded)
    assert migrations.sql(seeded) == ""
    migrations.downgrade(seeded, str(NUMBER - 1))
    migrations.upgrade(seeded)
    assert described(seeded) == by_text


@pytest.mark.usefixtures("expanded")
def test_what_is_planned_says_whom_it_keeps_waiting(seeded: str) -> None:
    (pending,) = migrations.plan(seeded)
    assert pending[:2] == (NUMBER, TITLE)
    waiting = [waiting for _, waiting in pending.steps]
    if seeded.startswith("sqlite:"):
        assert waiting == []  # one writer, who waits for all of it
    else:
        assert waiting == [
            "everybody, for a moment",
            "who writes the same rows, batch by batch",
            "nobody",
        ]


RACKS = """
    table("racks", key("id", 64), key("user_id", 36), references={"user_id": "users"})
"""


@on_empty_servers
def test_what_is_planned_knows_which_tables_are_in_use(empty_database_url: str, tmp_path: Path) -> None:
    with on_top(tmp_path, RACKS):
        assert {waits for step in migrations.plan(empty_database_url) for _, waits in step.steps} == {"nobody"}
        migrations.upgrade(empty_database_url, to=str(NUMBER - 1))
        (pending,) = migrations.plan(empty_database_url)
        [(made, waits)] = pending.steps
        assert re.match(r"CREATE TABLE (IF NOT EXISTS )?racks ", made)
        assert "a table that it refers to" in waits
