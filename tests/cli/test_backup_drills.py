"""Drills: what was backed up is served elsewhere; writes go on meanwhile; database and files are not of one time."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roliascan.cli import storage as command
from roliascan.cli import surroundings
from roliascan.cli.backups import tables
from roliascan.database import open_database
from roliascan.storage import open_storage
from tests import drawings
from tests.archives import cbz
from tests.cli.backups import elsewhere, filled
from tests.cli.places import PASSWORD, Place
from tests.cli.sending import Uploading
from tests.cli.test_smoke import STEPS
from tests.database.kinds import MARIADB, POSTGRESQL
from tests.platforms.sites import FORM, form
from tests.servers import radosgw, server
from tests.servers.parts import LONG, TEST_ALL

FROM = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
FROM_EACH = pytest.mark.parametrize("database_url", [POSTGRESQL, MARIADB] if TEST_ALL else [POSTGRESQL], indirect=True)
INTO = pytest.mark.parametrize("empty_database_url", [MARIADB], indirect=True)
KEPT = 8
"""Chapters of the writer: what is deleted was there for a while, as on a site, if a shorter one."""


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SETTLING_S", 0.0)


@pytest.fixture
def cloud(place: Place, s3_url: str) -> Place:
    """A site whose files are in RADOS Gateway, with two chapters."""
    place.environ |= {"STORAGE_URL": s3_url, "FILES": "private", **radosgw.CREDENTIALS}
    filled(place)
    return place


def hashes(storage_url: str) -> dict[str, str]:
    """The SHA-256 of everything that a storage has, by key."""
    storage = open_storage(storage_url)
    found = {}
    for file in storage.list():
        with storage.open(file.key) as source:
            found[file.key] = sha256(source.read()).hexdigest()
    return found


@FROM
@INTO
def test_another_database_and_storage_serve_what_was_backed_up(cloud: Place, empty_database_url: str) -> None:
    kept = cloud.home / "kept"
    assert cloud.run("backup", kept).status == 0
    with closing(elsewhere(cloud, empty_database_url)) as other:
        assert other.run("restore", kept).status == 0
        assert tables.counts(other.url) == tables.counts(cloud.url)
        assert other.stored() == hashes(cloud.environ["STORAGE_URL"])
        with server.running(other.environ | {"RATE_LIMITS": "off"}) as address:
            token = Uploading(address, other.environ, other.home).token  # with the password from before
            ran = other.ran("smoke", address, "--json", environ={"ROLIASCAN_TOKEN": token})
        assert (ran.status, len(json.loads(ran.out)["steps"])) == (0, len(STEPS)), ran.out
        assert other.run("audit", "verify").status == 0


class Writer:
    """Publishes chapters of one page, and deletes the oldest of those that are its own, until it is told to stop."""

    def __init__(self, place: Place) -> None:
        self.published = self.deleted = 0
        self.wrong: list[BaseException] = []
        self._place = place
        self._over = threading.Event()
        signed = place.ask("POST", "auth/login", json={"login": "owner", "password": PASSWORD}).json
        self._headers = {"Authorization": f"Bearer {signed['token']}"}
        self._series = self._made("series", {"title": "Busy", "author": "Somebody"})
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()
        assert not self.wrong

    def _run(self) -> None:
        chapters: list[str] = []
        try:
            for number in count(1):
                if self._over.is_set():
                    return
                chapters.append(self._publish(number))
                if len(chapters) > KEPT:
                    self._delete(chapters.pop(0))
        except BaseException as error:  # the test tells it
            self.wrong.append(error)

    def _publish(self, number: int) -> str:
        chapter = self._made(f"series/{self._series}/chapters", {"number": number})
        body = form({"page": ("a.png", drawings.page(seed=number))})
        added = self._place.ask("POST", f"chapters/{chapter}/pages", headers=FORM | self._headers, body=body)
        assert added.status_code == 201, added.text
        self._place.ask("POST", f"chapters/{chapter}/publish", headers=self._headers)
        self.published += 1
        return chapter

    def _delete(self, chapter: str) -> None:
        assert self._place.ask("DELETE", f"chapters/{chapter}", headers=self._headers).status_code == 204
        self.deleted += 1

    def _made(self, path: str, body: Any) -> str:
        answer = self._place.ask("POST", path, headers=self._headers, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])


def backed_up_while(writer: Writer, cloud: Place, kept: Path) -> None:
    """Until at least one chapter came, and one went, while the backup was made."""
    while True:
        before = writer.published, writer.deleted
        ran = cloud.ran("backup", kept)
        assert (ran.status, ran.err) == (0, ""), ran.out + ran.err
        if writer.wrong or (writer.published > before[0] and writer.deleted > before[1]):
            return


@LONG
@FROM_EACH
@INTO
def test_a_backup_while_writes_go_on_is_whole(cloud: Place, empty_database_url: str) -> None:  # DB-21
    writer, kept = Writer(cloud), cloud.home / "kept"
    with writer.going_on():
        backed_up_while(writer, cloud, kept)
    manifest = json.loads((kept / "manifest.json").read_text())
    with closing(elsewhere(cloud, empty_database_url)) as other:
        ran = other.run("restore", kept)
        assert (ran.status, ran.err) == (0, "")
        assert manifest["tables"] == {name: msgspec.to_builtins(one) for name, one in tables.counts(other.url).items()}
        named = {row[0]: row[1] for row in other.select("SELECT storage_key, sha256 FROM files")}
        assert other.stored() == named
        for title in other.series():
            for chapter in other.chapters(title):
                assert all(other.files(chapter))
        assert other.run("storage", "check", "--hash").status == 0
        assert other.run("audit", "verify").status == 0


def test_all_rows_are_of_one_moment(place: Place) -> None:  # DB-21
    """What is changed after the first table was read is not in those that are read later."""
    filled(place)
    before = tables.counts(place.url)
    (place.home / "rows").mkdir()
    with closing(open_database(place.url)) as db:

        def change(_told: str) -> None:
            db.run(lambda tx: tx.write("UPDATE files SET bytes = bytes + 1"))

        assert tables.dump(place.url, place.home / "rows", tell=change) == before
    assert tables.counts(place.url) != before


@FROM
@INTO
def test_a_server_takes_nothing_of_a_damaged_backup(place: Place, empty_database_url: str) -> None:
    """The table that is damaged comes after others that are whole; yet none is made."""
    filled(place)
    kept = place.home / "kept"
    assert place.run("backup", kept).status == 0
    [path] = kept.glob("rows-*/tables/pages.jsonl.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with closing(elsewhere(place, empty_database_url)) as other:
        ran = other.run("restore", kept)
        assert (ran.status, other.rows()) == (1, {})
        path.write_bytes(whole)
        assert other.run("restore", kept).status == 0


def findings(place: Place, *words: str) -> tuple[int, dict[str, str]]:
    """The exit status of `storage check`, and what it says of which key."""
    ran = place.run("storage", "check", "--json", *words)
    told = [json.loads(line) for line in ran.lines[:-1]]
    return ran.status, {one["key"]: one["wrong"] for one in told}


@pytest.fixture
def older(cloud: Place, empty_database_url: str) -> Iterator[Place]:
    """The rows of before one more chapter came, beside the storage as it is after that."""
    kept = cloud.home / "kept"
    assert cloud.run("backup", kept, "--without-files").status == 0
    assert cloud.run("import", cbz(cloud.home / "New" / "1.cbz"), "--as", "owner").status == 0
    with closing(elsewhere(cloud, empty_database_url)) as other:
        own = {name: other.environ[name] for name in ("DATABASE_URL", "DATA_DIR")}
        other.environ = {**cloud.environ, **own}
        assert other.run("restore", kept, "--without-files").status == 0
        yield other


@LONG
@FROM
@INTO
def test_an_older_database_beside_a_newer_storage(  # DB-22
    cloud: Place, older: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = hashes(cloud.environ["STORAGE_URL"])
    new = {row[0] for row in cloud.select("SELECT storage_key FROM files")}
    new -= {row[0] for row in older.select("SELECT storage_key FROM files")}
    assert new
    assert findings(older) == (0, {})  # young: on their way
    with monkeypatch.context() as patch:
        patch.setattr(surroundings, "now", lambda: datetime.now(UTC) + timedelta(days=2))
        assert findings(older) == (1, dict.fromkeys(new, "stray"))
    swept = json.loads(older.run("sweep", "--json").out)
    assert (swept["straysDeleted"], swept["filesDeleted"]) == (0, 0)
    assert hashes(cloud.environ["STORAGE_URL"]) == there
    assert findings(cloud, "--hash") == (0, {})  # who has the newer rows has lost nothing


@LONG
@FROM
@INTO
def test_a_newer_database_beside_an_older_storage(cloud: Place, older: Place) -> None:  # DB-22
    """What the newer rows name is missing, by name; what is there stays."""
    kept = cloud.home / "files-of-before"
    assert older.run("backup", kept).status == 0
    restored = f"file:{kept}/copies"
    now_missing = {row[0] for row in cloud.select("SELECT storage_key FROM files")} - hashes(restored).keys()
    cloud.environ |= {"STORAGE_URL": restored, "FILES": "public"}
    before = hashes(restored)
    assert now_missing
    assert findings(cloud) == (1, dict.fromkeys(now_missing, "missing"))
    assert cloud.run("sweep").status == 0
    assert hashes(restored) == before
