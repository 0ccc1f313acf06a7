"""Restoring what is damaged or hostile: refused by name, and nothing of it is kept, on any database."""

import gzip
import hashlib
import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from roliascan.cli.backups import manifest, tables, written
from roliascan.database import migrations
from tests.cli.backups import elsewhere
from tests.cli.places import Place, Ran
from tests.database import bare
from tests.database.kinds import MARIADB, POSTGRESQL

NOWHERE = "0190aaaa-0000-7000-8000-00000000abcd"
MADE_BY_MIGRATIONS = {"schema_state", "alembic_version", "counters"}
INTO_EACH = pytest.mark.parametrize("empty_database_url", ["sqlite", POSTGRESQL, MARIADB], indirect=True)

Rows = list[list[Any]]
Spoil = Callable[[Path], Path]
"""Takes a backup, and answers which of its files is the wrong one."""


def rewritten(table: str, change: Callable[[list[str], Rows], Any]) -> Spoil:
    """By somebody who makes the hashes too. `change` gets the names of the columns, and the rows."""

    def spoil(folder: Path) -> Path:
        [path] = folder.glob(f"rows-*/tables/{table}.jsonl.gz")
        columns, *rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        change(columns, rows)
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in [columns, *rows])  # as ours are
        path.write_bytes(gzip.compress(text))
        told = json.loads((folder / "manifest.json").read_text())
        told["tables"][table] = {"rows": len(rows), "sha256": hashlib.sha256(text).hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(told))
        return path

    return spoil


def with_value(table: str, column: str, value: Any) -> Spoil:
    def change(columns: list[str], rows: Rows) -> None:
        rows[0][columns.index(column)] = value

    return rewritten(table, change)


def spoiled(kept: Path, spoil: Spoil) -> tuple[Path, Path]:
    """A copy of the backup, and its wrong file."""
    copy = kept.with_name("spoiled")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(kept, copy)
    return copy, spoil(copy)


def everything(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if "spoiled" not in path.parts}


KEYS: list[str | int] = [
    "../outside",
    "a/../../outside",
    "/outside",
    "pages/a\0b",
    "pages/" + "a" * 195,  # a character too long
    "pages/é.png",
    "pages//a",
    ".incoming/a",
    "",
    5,
]


def test_a_key_that_no_file_may_have_is_refused_before_anything_is_written(
    simple_place: Place, kept: Path, other: Place
) -> None:
    for key in KEYS:
        folder, path = spoiled(kept, with_value("files", "storage_key", key))
        there = everything(simple_place.home)
        ran = other.run("restore", folder)
        assert ran.status == 1
        assert f"{path}: row 1, storage_key: {written.quoted(key)} is no key" in ran.err
        assert "Nothing was restored: take another copy" in ran.err
        assert everything(simple_place.home) == there


@INTO_EACH
def test_a_text_that_is_no_instant_is_refused_before_anything_is_written(
    kept: Path, simple_place: Place, empty_database_url: str
) -> None:
    with closing(elsewhere(simple_place, empty_database_url)) as other:
        for wrong in ("yesterday", "2026-13-01T00:00:00.000000Z", "2026-01-01T00:00:00Z", "2026-01-01", "", 5):
            for table, column in (("users", "created_at"), ("series", "publish_at"), ("audit", "at")):
                folder, path = spoiled(kept, with_value(table, column, wrong))
                ran = other.run("restore", folder)
                assert (ran.status, ran.out) == (1, "")
                assert f"{path}: row 1, {column}: {written.quoted(wrong)} is no instant" in ran.err
                assert not (other.home / "uploads").exists()
        assert empty_database_url.startswith("sqlite:") or other.rows() == {}


@pytest.mark.parametrize("empty_database_url", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize(
    ("instant", "zone"),
    [("0001-01-01T00:00:00.000000Z", "America/New_York"), ("9999-12-31T23:59:59.999999Z", "Pacific/Auckland")],
)
def test_the_zone_of_a_server_changes_no_instant(
    kept: Path, simple_place: Place, empty_database_url: str, instant: str, zone: str
) -> None:
    """There these are of a year that Python does not know."""
    folder, _ = spoiled(kept, with_value("users", "created_at", instant))
    with bare.cursor(empty_database_url) as cursor:
        cursor.execute(f"ALTER DATABASE {empty_database_url.rpartition('/')[2]} SET timezone = '{zone}'")
    with closing(elsewhere(simple_place, empty_database_url)) as other:
        assert other.run("restore", folder, "--without-files").status == 0
        assert other.run("backup", other.home / "again", "--without-files").status == 0
        assert manifest.read(other.home / "again").tables == manifest.read(folder).tables


@pytest.mark.parametrize("database_url", [POSTGRESQL, MARIADB], indirect=True)
def test_the_columns_of_instants_are_known_by_their_names(database_url: str) -> None:
    """SQLite does not know them by their type, and these do."""
    with bare.inspector(database_url) as inspector:
        for table in inspector.get_table_names():
            for column in inspector.get_columns(table):
                is_instant = isinstance(column["type"], sa.DateTime)
                assert written.is_instant(column["name"]) == is_instant, (table, column["name"])


def doubled(_columns: list[str], rows: Rows) -> None:
    rows.append(rows[-1])


def turned(_columns: list[str], rows: Rows) -> None:
    rows.reverse()


def one_more(columns: list[str], rows: Rows) -> None:
    columns.append("zzz")
    for row in rows:
        row.append(1)


def many_and_one_twice(columns: list[str], rows: Rows) -> None:
    """More than are sent at once."""
    assert columns == ["full_at", "name"]
    rows[:] = [["2026-01-02T03:04:05.678901Z", f"{number:04}"] for number in range(2 * tables.STEP)]
    rows[tables.STEP + 50][1] = rows[tables.STEP + 49][1]


SPOILED: dict[str, tuple[Spoil, str]] = {
    "text as number": (with_value("series", "version", "abc"), 'row 1, version: "abc" is no whole number'),
    "digits": (with_value("series", "version", "5"), 'row 1, version: "5" is no whole number'),
    "fraction": (with_value("series", "version", 1.0), "row 1, version: 1.0 is no whole number"),
    "too large": (with_value("series", "version", 2**63), "row 1: the database does not take it: "),
    "number as text": (with_value("series", "title", 5), "row 1, title: 5 is no text"),
    "truth as text": (with_value("series", "title", True), "row 1, title: true is no text"),
    "truth": (with_value("users", "is_banned", 2), "row 1, is_banned: 2 is neither 0 nor 1"),
    "null": (with_value("users", "email", None), "row 1: the database does not take it: "),
    "no such role": (with_value("users", "role", "emperor"), "row 1: the database does not take it: "),
    "leads nowhere": (with_value("pages", "file_id", NOWHERE), "row 1: the database does not take it: "),
    "twice": (rewritten("users", doubled), "row 2: the database does not take it: "),
    "twice among many": (
        rewritten("rate_limits", many_and_one_twice),
        f"row {tables.STEP + 51}: the database does not take it: ",
    ),
    "another order": (rewritten("pages", turned), "read again from the database, its rows have another order"),
    "another column": (rewritten("series", one_more), "has other columns than this database"),
}


@INTO_EACH
def test_of_rows_that_the_database_must_not_have_none_is_kept(
    kept: Path, simple_place: Place, empty_database_url: str
) -> None:
    with closing(elsewhere(simple_place, empty_database_url)) as other:
        for name, (spoil, why) in SPOILED.items():
            folder, path = spoiled(kept, spoil)
            ran = other.run("restore", folder)
            assert ran.status == 1, name
            assert ran.err.startswith(f"roliascan: {path}"), name
            assert why in ran.err, name
            assert "Nothing was restored: take another copy" in ran.err
            assert "argon2" not in ran.err  # what the driver would tell of a row
            assert len(ran.err.splitlines()) == 1
            filled_ones = {table for table, rows in other.rows().items() if rows}
            assert filled_ones == MADE_BY_MIGRATIONS, name
            assert other.stored() == {}, name
        folder, _ = spoiled(kept, rewritten("users", lambda columns, rows: None))
        assert other.run("restore", folder).status == 0  # as `kept` is: only what was spoiled is refused


@pytest.mark.parametrize("empty_database_url", [MARIADB], indirect=True)
def test_rows_of_much_text_are_sent_a_few_at_a_time(kept: Path, simple_place: Place, empty_database_url: str) -> None:
    """In all more than a server of MySQL takes in one statement, unless told otherwise: 16 MB."""

    def change(columns: list[str], rows: Rows) -> None:
        assert columns == ["body", "expires_at", "id", "location", "request"]
        text, at = "x" * 150_000, "2026-01-02T03:04:05.678901Z"
        rows[:] = [[text, at, f"{number:04}", None, "request"] for number in range(tables.STEP)]

    folder, _ = spoiled(kept, rewritten("idempotency_keys", change))
    with closing(elsewhere(simple_place, empty_database_url)) as other:
        ran = other.run("restore", folder)
        assert (ran.status, ran.err) == (0, "")
        assert other.count("idempotency_keys") == tables.STEP


def test_of_rows_that_a_database_fails_at_nothing_is_told(kept: Path, other: Place) -> None:
    """A fault that nobody foresaw is shown as it is, without the hashes of passwords that were sent."""
    migrations.upgrade(other.url)
    with closing(sqlite3.connect(other.home / "new.db")) as raw:
        raw.execute("CREATE TRIGGER failing BEFORE INSERT ON users BEGIN SELECT no_such_function(); END")
    with pytest.raises(sa.exc.OperationalError, match="no such function") as failed:
        other.run("restore", kept)
    assert "argon2" not in str(failed.value)
    assert other.count("users") == 0


def test_what_would_be_waited_for_without_end_is_not_read(kept: Path, other: Place) -> None:
    def piped(folder: Path) -> Path:
        [path] = folder.glob("rows-*/tables/users.jsonl.gz")
        path.unlink()
        os.mkfifo(path)
        return path

    folder, path = spoiled(kept, piped)
    assert f"{path} is not there" in other.run("restore", folder).err
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    assert "holds no backup that was finished" in other.run("restore", folder).err


def test_rows_are_not_restored_where_files_cannot_be(kept: Path, other: Place) -> None:
    (other.home / "file").touch()
    for url, why in ((f"file:{other.home}/file", "cannot be used"), ("s3://bucket?endpoint=http://127.0.0.1:9", "s3")):
        other.environ |= {"STORAGE_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        ran = other.run("restore", kept)
        assert (ran.status, ran.out) == (1, "")
        assert why in ran.err or "storage" in ran.err
    other.environ["STORAGE_URL"] = f"file:{other.home}/uploads"
    shutil.rmtree(kept / "copies")
    assert f"{kept}/copies, where the backup has its files, is not there" in other.run("restore", kept).err
    assert not (other.home / "new.db").exists()


def goes_on_with(ran: Ran, folder: Path) -> bool:
    return f'To go on, run: roliascan storage copy "file:{folder}/copies" TO' in ran.err


@pytest.mark.parametrize(
    ("wrong", "act"),
    [
        ("damaged", lambda path: path.write_bytes(bytes(path.stat().st_size))),
        ("damaged", lambda path: path.write_bytes(b"short")),
        ("missing", lambda path: path.unlink()),
        ("missing", lambda path: (path.unlink(), path.symlink_to("/etc/hostname"))),
    ],
    ids=["another hash", "another size", "none", "link"],
)
def test_a_file_that_is_wrong_is_named_and_the_rest_is_restored(
    simple_place: Place, kept: Path, other: Place, wrong: str, act: Callable[[Path], Any]
) -> None:
    """Of all files one may be lost for good; then the others are what there is."""
    folder, path = spoiled(kept, lambda folder: min((folder / "copies" / "pages").iterdir()))
    key, whole = f"pages/{path.name}", path.read_bytes()
    act(path)
    ran = other.run("restore", folder)
    assert ran.status == 1
    assert f"{wrong} {key}: " in ran.out
    assert "All rows are restored, and not all files: 1 could not be put there" in ran.err
    assert goes_on_with(ran, folder)
    assert other.stored().items() == simple_place.stored().items() - {(key, simple_place.stored()[key])}
    path.unlink(missing_ok=True)
    path.write_bytes(whole)
    ran = other.run("storage", "copy", f"file:{folder}/copies", other.environ["STORAGE_URL"])
    assert (ran.status, other.stored()) == (0, simple_place.stored())


def test_files_without_a_row_stay_where_they_are(simple_place: Place, kept: Path, other: Place) -> None:
    """A backup that was cut short leaves such beside the one before, which is whole."""
    (kept / "copies" / "pages" / "more.png").write_bytes(b"more")
    assert other.run("restore", kept).status == 0
    assert other.stored() == simple_place.stored()


@pytest.mark.parametrize("empty_database_url", [POSTGRESQL], indirect=True)
def test_a_storage_that_gets_full_is_told_with_how_to_go_on(
    simple_place: Place, kept: Path, empty_database_url: str
) -> None:
    with closing(elsewhere(simple_place, empty_database_url)) as other:
        full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))}
        ran = other.ran("restore", kept, **full)
        assert ran.status == 1
        assert "All rows are restored, and not all files: There is no room left" in ran.err
        assert goes_on_with(ran, kept)
        ran = other.run("storage", "copy", f"file:{kept}/copies", other.environ["STORAGE_URL"])
        assert (ran.status, other.stored()) == (0, simple_place.stored())


def test_who_interrupts_it_while_files_are_put_there_is_told_how_to_go_on(
    kept: Path, other: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("roliascan.library.moving.copy", interrupted)
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert "All rows are restored, and not all files: It was interrupted. To go on, run: " in ran.err
    assert goes_on_with(ran, kept)
