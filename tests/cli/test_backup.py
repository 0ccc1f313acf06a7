"""Backups, from every database into every other, with the site going on; and what a damaged one does."""

import gzip
import hashlib
import json
import shutil
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roliascan.cli.backups import tables, written
from roliascan.database import migrations, open_database
from tests.archives import cbz
from tests.cli.backups import elsewhere, filled
from tests.cli.places import Place
from tests.servers.parts import TEST_ALL


def shown(place: Place) -> Any:
    """All that a reader can get: series, chapters, the bytes of pages."""
    chapters = {title: place.chapters(title) for title in place.series()}
    files = {title: [place.files(one) for one in found] for title, found in chapters.items()}
    return place.series(), chapters, files


_KINDS: dict[str, list[Any]] = {
    "sqlite": [],
    "postgresql": [pytest.mark.postgresql],
    "mariadb": [pytest.mark.mariadb],
}
_IN_A_ROUND = [("sqlite", "postgresql"), ("postgresql", "mariadb"), ("mariadb", "sqlite")]
_PAIRS = [
    pytest.param(*pair, marks=[*_KINDS[pair[0]], *_KINDS[pair[1]]])
    for pair in (product(_KINDS, _KINDS) if TEST_ALL else _IN_A_ROUND)
]


@pytest.mark.parametrize(("database_url", "empty_database_url"), _PAIRS, indirect=True)
def test_from_any_database_into_any_other(place: Place, empty_database_url: str) -> None:
    filled(place)
    kept = place.home / "kept"
    ran = place.run("backup", kept)
    assert (ran.status, ran.err) == (0, "")
    assert ran.lines[-1].startswith(f"{kept}: ")
    assert ran.lines[-1].endswith(" 0 missing")
    manifest = json.loads((kept / "manifest.json").read_text())
    assert manifest["tables"]["files"]["rows"] == manifest["objects"] == place.count("files")
    assert manifest["bytes"] == sum(path.stat().st_size for path in (kept / "copies").rglob("*") if path.is_file())
    with closing(elsewhere(place, empty_database_url)) as other:
        ran = other.run("restore", kept)
        assert (ran.status, ran.err) == (0, "")
        restored = {name: msgspec.to_builtins(one) for name, one in tables.counts(other.url).items()}
        assert restored == manifest["tables"]
        assert other.stored() == place.stored()
        assert shown(other) == shown(place)
        assert other.run("storage", "check", "--hash").status == 0
        assert other.run("audit", "verify").status == 0
        again = other.run("restore", kept)
        assert again.status == 1
        assert "has rows already" in again.err


def test_again_only_what_is_new_is_copied(simple_place: Place, kept: Path) -> None:
    before = {path: path.stat().st_ino for path in (kept / "copies").rglob("*") if path.is_file()}
    cover = next(one for one in before if one.parent.name == "covers")
    assert simple_place.run("import", cbz(simple_place.home / "Other" / "1.cbz"), "--as", "owner").status == 0
    ran = simple_place.run("backup", kept)
    assert ran.status == 0
    assert f"{len(before)} were there" in ran.out
    assert cover.stat().st_ino == before[cover]
    assert len(list(kept.glob("rows-*"))) == 1


def test_what_was_deleted_goes_from_the_backup_with_the_next_one(simple_place: Place, kept: Path) -> None:
    copies = {path.name for path in (kept / "copies").rglob("*") if path.is_file()}
    with closing(open_database(simple_place.url)) as db:
        [key] = [row[0] for row in simple_place.select("SELECT storage_key FROM files WHERE purpose = 'cover'")]
        db.run(lambda tx: tx.write("UPDATE series SET cover_file_id = NULL"))
        db.run(lambda tx: tx.write("DELETE FROM files WHERE storage_key = :key", key=key))
    assert simple_place.run("backup", kept).status == 0
    assert {path.name for path in (kept / "copies").rglob("*") if path.is_file()} == copies - {key.rpartition("/")[2]}


def test_a_file_that_the_storage_lost_is_named(simple_place: Place) -> None:
    filled(simple_place)
    lost = next(path for path in (simple_place.home / "uploads" / "pages").iterdir())
    lost.unlink()
    ran = simple_place.run("backup", simple_place.home / "kept")
    assert ran.status == 1
    assert f"missing pages/{lost.name}: " in ran.out
    assert ran.lines[-1].endswith(" 1 missing")


def test_only_the_rows(simple_place: Place, other: Place) -> None:
    filled(simple_place)
    kept = simple_place.home / "kept"
    assert simple_place.run("backup", kept, "--without-files").status == 0
    assert not (kept / "copies").exists()
    shutil.copytree(simple_place.home / "uploads", other.home / "uploads")
    assert other.run("restore", kept).status == 0
    assert shown(other) == shown(simple_place)


@pytest.mark.parametrize("table", ["users", "pages", "files"])
def test_of_a_damaged_backup_nothing_is_loaded(kept: Path, other: Place, table: str) -> None:
    """A row less, and no end: both are found before there is a database."""
    [path] = kept.glob(f"rows-*/tables/{table}.jsonl.gz")
    whole = path.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    for damaged in (gzip.compress(b"".join(lines[:-1])), whole[:-20], b"", gzip.compress(b"[1]\n")):
        path.write_bytes(damaged)
        ran = other.run("restore", kept)
        assert ran.status == 1
        assert str(path) in ran.err
        assert list(other.home.iterdir()) == []
    path.write_bytes(whole)
    assert other.run("restore", kept).status == 0


def _first_with(lines: list[bytes], column: str, value: Any) -> bytes:
    row = json.loads(lines[1])
    row[json.loads(lines[0]).index(column)] = value
    return json.dumps(row).encode() + b"\n"


@pytest.mark.parametrize(
    "row",
    [
        lambda lines: _first_with(lines, "title", ["a list"]),
        lambda lines: b"null\n",
        lambda lines: b"[" * 100_000 + b"\n",
        lambda lines: b" " * (written.LONGEST + 1) + lines[1],
    ],
    ids=["list", "no row", "deep", "long"],
)
def test_lines_that_are_no_rows_are_damage_whatever_the_manifest_says(kept: Path, other: Place, row: Any) -> None:
    """Whoever made a backup by hand has made its hashes too."""
    [path] = kept.glob("rows-*/tables/series.jsonl.gz")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    made = lines[0] + row(lines)
    path.write_bytes(gzip.compress(made))
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["tables"]["series"] = {"rows": 1, "sha256": hashlib.sha256(made).hexdigest()}
    (kept / "manifest.json").write_text(json.dumps(manifest))
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert f"{path}: row 1: this is no row" in ran.err
    assert list(other.home.iterdir()) == []


def test_bytes_that_are_no_gzip_are_damage(kept: Path, other: Place) -> None:
    [path] = kept.glob("rows-*/tables/series.jsonl.gz")
    path.write_bytes(path.read_bytes()[:12] + b"\xff" * 40)
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert f"{path} cannot be read" in ran.err


@pytest.mark.parametrize(
    "said",
    [{"made": "\x1b[2J"}, {"rows": "../../elsewhere"}, {"rows": "/etc"}, {"revision": 0}, {"revision": -1}],
    ids=str,
)
def test_a_manifest_that_says_what_none_of_ours_does(kept: Path, other: Place, said: dict[str, Any]) -> None:
    manifest = json.loads((kept / "manifest.json").read_text())
    (kept / "manifest.json").write_text(json.dumps(manifest | said))
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert "holds no backup that was finished" in ran.err
    assert "\x1b" not in ran.err + ran.out
    (kept / "manifest.json").write_text('{"x":' + "[" * 100_000)
    assert "holds no backup that was finished" in other.run("restore", kept).err


def test_names_of_tables_and_versions_are_printed_as_text(kept: Path, other: Place) -> None:
    manifest = json.loads((kept / "manifest.json").read_text())
    more = {"tables": manifest["tables"] | {"\x1b[2J": {"rows": 0, "sha256": ""}}}
    newer = {"revision": 999, "version": "\x1b[2J"}
    for said, why in ((more, "manifest.json cannot be read"), (newer, "this version knows")):
        (kept / "manifest.json").write_text(json.dumps(manifest | said))
        ran = other.run("restore", kept)
        assert ran.status == 1
        assert why in ran.err
        assert "\x1b" not in ran.err + ran.out


def test_a_folder_without_a_manifest_is_none(kept: Path, other: Place) -> None:
    """It is written last: a backup that was cut short has the one before, or none."""
    (kept / "manifest.json").unlink()
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert "holds no backup that was finished" in ran.err


def test_a_database_of_another_revision_is_refused(kept: Path, other: Place) -> None:
    manifest = json.loads((kept / "manifest.json").read_text())
    migrations.upgrade(other.url)
    (kept / "manifest.json").write_text(json.dumps(manifest | {"revision": 1}))
    ran = other.run("restore", kept)
    assert ran.status == 1
    assert "the backup at 1: restore into one without tables" in ran.err


def test_only_its_owner_can_read_it(kept: Path) -> None:
    assert kept.stat().st_mode & 0o077 == 0


def test_of_a_folder_that_was_there_nobody_else_reads_what_is_in_it(simple_place: Place) -> None:
    filled(simple_place)
    folder = simple_place.home / "kept"
    folder.mkdir()
    folder.chmod(0o755)
    assert simple_place.run("backup", folder).status == 0
    assert {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir() if path.stat().st_mode & 0o077} == {}


def test_the_files_of_the_site_are_not_taken_for_copies(simple_place: Place) -> None:
    """What waits under `incoming/` has no row among the files; it is not cleared away."""
    filled(simple_place)
    (simple_place.home / "kept").mkdir()
    (simple_place.home / "kept" / "copies").symlink_to(simple_place.home / "uploads")
    waiting = simple_place.home / "uploads" / "incoming" / "one.bin"
    waiting.parent.mkdir(exist_ok=True)
    waiting.write_bytes(b"on its way")
    ran = simple_place.run("backup", simple_place.home / "kept")
    assert ran.status == 1
    assert "back up into another folder" in ran.err
    assert waiting.read_bytes() == b"on its way"


def test_the_manifest_for_scripts(simple_place: Place, kept: Path) -> None:
    ran = simple_place.run("backup", kept, "--json")
    assert (ran.status, json.loads(ran.out)["missing"]) == (0, [])
