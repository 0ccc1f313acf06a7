"""Rows beside stored files, and files that move to another storage."""

import io
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from roliascan.cli import storage as command
from roliascan.database import open_database
from roliascan.ids import new_id
from roliascan.library import moving, stocktaking
from roliascan.library.stocktaking import Finding
from roliascan.storage import Storage, Stored, open_storage
from roliascan.storage.memory import MemoryStorage
from tests.archives import cbz
from tests.cli.places import Place
from tests.servers.parts import LONG
from tests.servers.uploadthing import App
from tests.storage.test_contract import BACKENDS, opened

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OLD = "pages/01900000-0000-7000-8000-{:012x}.png"
ODD = ["pages/B.png", "pages/a-b.png", "pages/a.png", "pages/a/b.png", "pages/a0.png", "pages/aB.png", "pages/a_b.png"]
"""In the order of their bytes, which no language sorts like this."""


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SETTLING_S", 0.0)


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return opened(request, tmp_path)


@pytest.fixture
def other() -> Storage:
    return open_storage("memory:")


def filled(place: Place) -> list[Path]:
    """Three pages and a cover; the pages."""
    assert place.run("import", cbz(place.home / "A Series" / "1.cbz")).status == 0
    return sorted((place.home / "uploads" / "pages").iterdir())


def add(url: str, storage: Storage, keys: list[str], content: bytes = b"bytes") -> list[dict[str, Any]]:
    """Rows of files, and what they say."""
    sha256 = stocktaking.hash_of(io.BytesIO(content))
    about = {"sha256": sha256, "bytes": len(content), "type": "image/png", "purpose": "file", "state": "ready"}
    rows = [{"id": new_id(NOW), "storage_key": key, **about, "created_at": NOW} for key in keys]
    for key in keys:
        put(storage, key, content)
    with closing(open_database(url)) as db:
        db.run(lambda tx: tx.insert_many("files", rows))
    return rows


def put(storage: Storage, key: str, content: bytes) -> None:
    storage.put(key, io.BytesIO(content), type="image/png")


def replace(storage: Storage, key: str, content: bytes) -> None:
    storage.delete(key)
    put(storage, key, content)


def forget(url: str, key: str) -> None:
    with closing(open_database(url)) as db:
        db.run(lambda tx: tx.write("DELETE FROM files WHERE storage_key = :key", key=key))


def compared(url: str, storage: Storage, **how: Any) -> tuple[stocktaking.Counts, dict[str, str]]:
    found: list[Finding] = []
    with closing(open_database(url)) as db:
        counts = stocktaking.compare(db, storage, now=NOW, report=found.append, **how)
    return counts, {one.key: one.wrong for one in found}


def copied(url: str, source: Storage, target: Storage, **how: Any) -> tuple[moving.Copied, dict[str, str]]:
    found: list[Finding] = []
    with closing(open_database(url)) as db:
        total = moving.copy(db, source, target, report=found.append, **how)
    return total, {one.key: one.wrong for one in found}


def test_both_sides_are_walked_in_one_order(database_url: str, other: Storage) -> None:
    add(database_url, other, ODD)
    with closing(open_database(database_url)) as db:
        assert [row.storage_key for row in stocktaking.rows(db)] == ODD
        pairs = list(stocktaking.pairs(stocktaking.rows(db), other.list()))
    assert [(row.storage_key, file.key) for row, file in pairs if row and file] == [(key, key) for key in ODD]


def test_each_kind_of_wrong_is_found(sqlite_url: str, storage: Storage) -> None:
    keys = [OLD.format(number) for number in range(10)]
    add(sqlite_url, storage, keys)
    storage.delete(keys[1])
    replace(storage, keys[3], b"byte")
    replace(storage, keys[5], b"other")
    young = f"pages/{new_id(NOW)}.png"
    for key in (OLD.format(99), young, "notes/of-mine.txt"):
        put(storage, key, b"x")
    before = [(file.key, file.bytes) for file in storage.list()]
    wrong = {keys[1]: "missing", keys[3]: "size", OLD.format(99): "stray", "notes/of-mine.txt": "foreign"}
    counts, found = compared(sqlite_url, storage)
    assert (counts, found) == (stocktaking.Counts(10, 12, 0, 1, 4), wrong)
    counts, found = compared(sqlite_url, storage, hashes=True)
    assert (counts, found) == (stocktaking.Counts(10, 12, 8, 1, 5), wrong | {keys[5]: "hash"})
    assert compared(sqlite_url, storage, hashes=True, sample=3)[0].hashed == 3
    assert [(file.key, file.bytes) for file in storage.list()] == before


def test_three_thousand_files(database_url: str, other: Storage) -> None:
    keys = [OLD.format(number) for number in range(3_000)]
    add(database_url, other, keys)
    for key in keys[999:1002]:
        other.delete(key)
    counts, found = compared(database_url, other)
    assert (counts.rows, counts.stored, found) == (3_000, 2_997, dict.fromkeys(keys[999:1002], "missing"))


@pytest.mark.parametrize(("missing", "asked"), [(3, 4), (1_900, 3)])
def test_a_storage_is_not_asked_for_each_missing_file(missing: int, asked: int, sqlite_url: str) -> None:
    """A few are asked for one by one; a thousand at a time are listed again."""
    storage = _Counted()
    keys = [OLD.format(number) for number in range(2_000)]
    add(sqlite_url, storage, keys)
    for key in keys[50 : 50 + missing]:
        storage.delete(key)
    _, found = compared(sqlite_url, storage)
    assert found == dict.fromkeys(keys[50 : 50 + missing], "missing")
    assert storage.lists == asked


class _Counted(MemoryStorage):
    lists = 0

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        self.lists += 1
        return super().list(prefix, after=after)


def test_what_comes_and_goes_meanwhile_is_no_finding(sqlite_url: str, storage: Storage) -> None:  # ST-17
    keys = [OLD.format(number) for number in range(4)]
    add(sqlite_url, storage, keys)
    put(storage, OLD.format(9), b"x")  # its row has gone, and its bytes go in the pause

    def meanwhile(_: int) -> None:
        if [file.key for file in storage.list(keys[3])]:
            forget(sqlite_url, keys[3])
            storage.delete(keys[3])
            add(sqlite_url, storage, [OLD.format(7)])

    pause = lambda: storage.delete(OLD.format(9))  # noqa: E731
    assert compared(sqlite_url, storage, hashes=True, step=meanwhile, pause=pause)[1] == {}


def test_a_library_is_copied_and_only_once(sqlite_url: str, storage: Storage, other: Storage) -> None:
    keys = [OLD.format(number) for number in range(20)]
    add(sqlite_url, storage, keys)
    replace(storage, keys[4], b"other")
    replace(storage, keys[5], b"longer than it was")
    storage.delete(keys[6])
    put(other, keys[7], b"x")
    put(storage, OLD.format(99), b"no row")
    wrong = {keys[4]: "damaged", keys[5]: "damaged", keys[6]: "missing", keys[7]: "taken"}
    assert copied(sqlite_url, storage, other) == (moving.Copied(16, 80, 0, 4), wrong)
    assert [file.key for file in other.list()] == [key for key in keys if key not in keys[4:7]]
    assert copied(sqlite_url, storage, other) == (moving.Copied(0, 0, 16, 4), wrong)
    replace(other, keys[9], b"OTHER")
    assert copied(sqlite_url, storage, other)[1] == wrong
    assert copied(sqlite_url, storage, other, again=True)[1] == wrong | {keys[9]: "taken"}


def test_another_pass_takes_what_came_meanwhile(sqlite_url: str, storage: Storage, other: Storage) -> None:  # ST-17
    add(sqlite_url, storage, [OLD.format(number) for number in range(30)])
    late = [OLD.format(0x100)]

    def meanwhile(_: int, __: int) -> None:
        if late:
            add(sqlite_url, storage, [late.pop()])
            forget(sqlite_url, OLD.format(29))
            storage.delete(OLD.format(29))

    assert copied(sqlite_url, storage, other, step=meanwhile)[1] == {}
    assert copied(sqlite_url, storage, other)[1] == {}
    assert set(compared(sqlite_url, other)[1].values()) <= {"stray"}  # of the one that was deleted


def test_check_says_whose_it_is(place: Place) -> None:
    first, *_ = filled(place)
    assert place.run("storage", "check", "--hash").status == 0
    first.unlink()
    ran = place.run("storage", "check")
    assert ran.status == 1
    assert ran.lines[0].startswith(f"missing pages/{first.name}: ")
    assert "A Series (" in ran.lines[0]
    assert "chapter 1 (" in ran.lines[0]
    told = [json.loads(line) for line in place.run("storage", "check", "--json").lines]
    assert told[0]["places"][0]["series"] == "A Series"
    assert told[-1]["findings"] == 1


def test_copy_and_go_on_there(simple_place: Place) -> None:
    filled(simple_place)
    source, target = f"file:{simple_place.home}/uploads", f"file:{simple_place.home}/new"
    ran = simple_place.run("storage", "copy", source, target)
    assert (ran.status, ran.lines[-1].split(" (")[0]) == (0, "4 files copied")
    assert str(simple_place.home) not in ran.out + ran.err
    simple_place.environ["STORAGE_URL"] = target
    assert simple_place.run("storage", "check", "--hash").status == 0
    (chapter,) = simple_place.chapters("A Series")
    assert len(simple_place.files(chapter)) == 3


def test_copy_to_uploadthing_and_go_on_there(simple_place: Place, uploadthing_app: App) -> None:
    filled(simple_place)
    app = uploadthing_app
    simple_place.environ["UPLOADTHING_TOKEN"] = app.token
    ran = simple_place.run("storage", "copy", f"file:{simple_place.home}/uploads", app.url)
    assert (ran.status, ran.lines[-1].split(" (")[0]) == (0, "4 files copied")
    simple_place.environ |= {"STORAGE_URL": app.url, "UPLOAD_METHOD": "cdn"}
    assert simple_place.run("storage", "check", "--hash").status == 0
    app.files.popitem()
    ran = simple_place.run("storage", "check")
    assert (ran.status, ran.lines[0].split()[0]) == (1, "missing")
    assert app.api_key not in ran.out + ran.err


def test_wrong_use_prints_no_address(simple_place: Place) -> None:
    secret = "az://x/y?sig=canary"
    for words in ((secret,), (secret, secret), (secret, f"{secret}1", secret)):
        ran = simple_place.run("storage", "copy", *words)
        assert (ran.status, "canary" in ran.out + ran.err) == (2, False)
    ran = simple_place.run("storage", "copy", secret, "memory:")
    assert (ran.status, "canary" in ran.out + ran.err) == (1, False)
    assert simple_place.run("storage", "check", "--sample", "3").status == 2


def killed_in_the_middle(place: Place, words: tuple[str, ...], new: Path) -> bool:
    with place.start(*words) as process:
        while process.poll() is None and not (new.exists() and any(new.iterdir())):
            pass
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL and sum(1 for _ in new.iterdir()) < 3_000


@LONG
def test_killed_in_the_middle_it_goes_on(simple_place: Place) -> None:
    uploads = open_storage(f"file:{simple_place.home}/uploads")
    add(simple_place.url, uploads, [OLD.format(number) for number in range(3_000)])
    words = ("storage", "copy", f"file:{simple_place.home}/uploads", f"file:{simple_place.home}/new")
    new = simple_place.home / "new" / "pages"
    while not killed_in_the_middle(simple_place, words, new):
        shutil.rmtree(new.parent)  # it was quicker than we
    ran = simple_place.run(*words)
    assert ran.status == 0, (ran.out, ran.err)
    assert "3000 files copied" not in ran.out
    assert len(list(new.iterdir())) == 3_000
    assert simple_place.run("storage", "copy", *words[2:], "--again").lines[-1].startswith("0 files copied")
