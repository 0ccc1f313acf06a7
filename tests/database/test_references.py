"""Rows that point nowhere are found, all of them and no others, whatever the database watches over."""

import json
import sqlite3
from contextlib import closing

import pytest

from roliascan import cli
from roliascan.database import Database, open_database, references
from roliascan.database.references import Reference
from tests.database import bare, crowd
from tests.database.kinds import on_mariadb
from tests.servers import databases, parts


def test_they_are_those_of_the_migrations(sqlite_url: str) -> None:
    found = set()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, _, to, column, to_column, *_ in connection.execute(f"PRAGMA foreign_key_list({table})"):
                found.add(Reference(table, column, to, to_column))
    assert set(references.all_()) == found
    assert len(references.all_()) == len(found)


def dangling(db: Database) -> dict[str, list[str]]:
    found = {f"{one.table}.{one.column}": sorted(references.dangling(db, one)) for one in references.all_()}
    return {column: values for column, values in found.items() if values}


def watched_by_nobody(url: str) -> str:
    return {"mysql": "SET foreign_key_checks = 0", "postgresql": "SET session_replication_role = replica"}.get(
        url.partition(":")[0], "PRAGMA foreign_keys = OFF"
    )


def test_what_points_nowhere_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # SC 69
    monkeypatch.setattr(references, "STEP", 7)
    crowd.fill(database_url, series=10, chapters=40, pages=200)
    with closing(open_database(database_url)) as db:
        assert dangling(db) == {}
        [[series]] = bare.rows(database_url, "SELECT MAX(CAST(id AS CHAR(36))) FROM series")
        [[file]] = bare.rows(database_url, "SELECT MIN(CAST(file_id AS CHAR(36))) FROM pages")
        with bare.cursor(database_url) as administrator:
            administrator.execute(watched_by_nobody(database_url))
            administrator.execute(f"DELETE FROM series WHERE id = '{series}'")
            administrator.execute(f"DELETE FROM files WHERE id = '{file}'")
        found = dangling(db)
        assert found.pop("pages.file_id") == [file]
        assert set(found) >= {"chapters.series_id", "series_slugs.series_id", "search_terms.series_id"}
        assert list(found.values()) == [[series]] * len(found)


@on_mariadb
def test_doctor_tells(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*options: str) -> list[str]:
        cli.main(["doctor", "--json", *options])
        found = json.loads(capsys.readouterr().out)["findings"]
        return [f"{one['state']}: {one['detail']}" for one in found if one["part"] in {"schema", "references"}]

    monkeypatch.setenv("JWT_SECRET", "a secret of tests, 0123456789 abcdefghij")
    monkeypatch.setenv("STORAGE_URL", "memory:")
    with databases.migrated(parts.require("mariadb"), foreign_keys=False) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        note = "note: there are no foreign keys; now and then run: roliascan doctor --references"
        assert note in told()
        assert told("--references")[-1].startswith("ok: each of the ")
        with bare.cursor(url) as administrator:
            administrator.execute(
                "INSERT INTO series_slugs VALUES ('a', 'x'), ('b', 'y'), ('c', 'x'), ('d', 'z'), ('e', 'w')"
            )
        assert told("--references")[-1] == "wrong: series_slugs.series_id: 4 values have no row in series: w, x, y, ..."
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert note not in told()
