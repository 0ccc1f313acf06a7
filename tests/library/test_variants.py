"""Variants of pages: beside their page from its first moment to its last, and never without it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, BinaryIO

import pytest

from roliascan.database import dialects
from roliascan.ids import new_id
from roliascan.library import moving, reader, stocktaking, sweep
from roliascan.library.stocktaking import Finding
from roliascan.storage import StorageUnavailable
from roliascan.storage.keys import IMMUTABLE
from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.database import bare, crowd
from tests.database.kinds import on_mariadb
from tests.front import NOW, Asker, File, Site, opened, refused, told
from tests.library.uploading import Work, announced, asks, commits, puts, sends

STRIP = drawings.page("png", 40, 3_100)
NAMES = ["thumbnail", "data-saver", "slice-001", "slice-002"]
EACH = 1 + len(NAMES)
DAY = timedelta(days=1)


def strips(asker: Asker, chapter: Any, number: int = 1) -> Any:
    return told(asker.send(f"chapters/{chapter['id']}/pages", *[File("a", STRIP)] * number), 201)


def urls(chapter: Any) -> list[str]:
    """Of the pages and of all their variants."""
    return [one["url"] for page in chapter["pages"] for one in (page, *page["variants"])]


def is_empty(site: Site) -> bool:
    return (site.stored, site.count("files")) == ([], 0)


@pytest.fixture
def work(any_site: Site) -> Work:
    return Work(any_site)


# Seen.


def test_a_page_tells_its_variants_in_their_order(work: Work) -> None:
    shown = strips(work.uploader, work.chapter, 2)
    assert [[one["name"] for one in page["variants"]] for page in shown["pages"]] == [NAMES, NAMES]
    assert work.shown() == shown
    site = work.site
    assert sorted(site.stored) == sorted(url.removeprefix("/uploads/") for url in urls(shown))
    assert site.count("files") == 2 * EACH
    for page in shown["pages"]:
        for one in page["variants"]:
            answer = work.uploader.get(one["url"])
            assert (len(answer.content), answer.headers["content-type"]) == (one["bytes"], one["type"])
            assert answer.headers["cache-control"] == "private, no-store"
            refused(site.stranger.get(one["url"]), 404)  # nobody published it
            refused(site.sign_up().get(one["url"]), 404)
    told(work.uploader.post(f"chapters/{work.chapter['id']}/publish", {}))
    assert {site.stranger.get(url).headers["cache-control"] for url in urls(shown)} == {IMMUTABLE}
    assert urls(told(site.stranger.get(f"chapters/{work.chapter['id']}"))) == urls(shown)


def test_a_chapter_may_be_as_large_as_it_gets(work: Work) -> None:
    """MariaDB would cut a list of 1 MB: here are 1.8 MB, which are not even all that a thousand strips may have."""
    (page,), site = strips(work.uploader, work.chapter)["pages"], work.site
    what = {"sha256": "", "bytes": 1_000_000, "type": "image/webp", "width": 10_000, "height": 10_000}
    known = {"purpose": "page", "state": "ready", "created_at": NOW, "original_id": page["id"]}
    rows = [
        {
            "id": new_id(NOW),
            "storage_key": f"pages/{number:0100}.webp",
            "variant": f"slice-{number:03}",
            **what,
            **known,
        }
        for number in range(3, 1_000)
    ]
    more = {"chapter_id": work.chapter["id"], "revision": 1, "file_id": page["id"], "wide": False}
    site.db.run(lambda tx: tx.insert_many("files", rows))
    site.db.run(lambda tx: tx.insert_many("pages", [{**more, "position": place} for place in range(2, 11)]))
    assert [len(one["variants"]) for one in work.shown()["pages"]] == [len(rows) + len(NAMES)] * 10


@on_mariadb
def test_few_variants_are_found_among_many_files_without(database_url: str) -> None:
    """MariaDB counts nulls as one value: it would read all the files that came before there were variants."""
    crowd.fill(database_url, series=30, chapters=2_000, pages=4_000)
    columns = "id, storage_key, sha256, bytes, type, purpose, state, created_at"
    values = "UUID(), CONCAT('pages/', seq), '', 1, 'image/png', 'page', 'ready', '2026-01-01'"
    with bare.cursor(database_url) as cursor:
        cursor.execute(f"INSERT INTO files ({columns}) SELECT {values} FROM seq_1_to_100000")
        cursor.execute("ANALYZE TABLE files")
        cursor.fetchall()
        cursor.execute("SELECT chapter_id FROM pages ORDER BY chapter_id LIMIT 1 OFFSET 2000")
        ((chapter,),) = cursor.fetchall()
        sql = reader._SHOW_PUBLIC.replace(":id", f"'{chapter}'").replace(":no", "FALSE")
        cursor.execute(f"EXPLAIN {dialects.mysql(sql)}")
        plan = {row[2]: row[5] for row in cursor.fetchall()}
    assert plan["v"] == "uq_files_original_id_variant"


def test_what_waits_for_its_commit_is_not_seen(work: Work) -> None:
    session = sends(work.uploader, work.target, STRIP)
    site = work.site
    keys = site.values("storage_key", "files")
    assert len(keys) == EACH == len(site.stored)
    for key in keys:
        for asker in (site.stranger, work.uploader, site.sign_up("admin")):
            refused(asker.get(f"/uploads/{key}"), 404)
    commits(work.uploader, session)
    assert sorted(url.removeprefix("/uploads/") for url in urls(work.shown())) == sorted(keys)
    assert {work.uploader.get(f"/uploads/{key}").status_code for key in keys} == {200}


# Gone.


def test_what_is_left_out_goes_with_its_variants(work: Work) -> None:
    pages = strips(work.uploader, work.chapter, 3)["pages"]
    path, kept = f"chapters/{work.chapter['id']}/pages", [pages[2], pages[0]]
    shown = told(work.uploader.put(path, {"ids": [page["id"] for page in kept]}))
    assert urls(shown) == urls({"pages": kept})
    assert sorted(work.site.stored) == sorted(url.removeprefix("/uploads/") for url in urls(shown))
    assert work.site.count("files") == 2 * EACH
    told(work.uploader.put(path, {"ids": []}))
    assert is_empty(work.site)


@pytest.mark.parametrize("what", ["chapter", "series"])
def test_what_is_deleted_leaves_none(work: Work, what: str) -> None:
    strips(work.uploader, work.chapter, 3)
    path = f"chapters/{work.chapter['id']}" if what == "chapter" else f"series/{work.series['id']}"
    told(work.uploader.delete(path), 204)
    assert is_empty(work.site)


def test_an_upload_that_ends_leaves_none(work: Work) -> None:
    uploader, site = work.uploader, work.site
    session = sends(uploader, work.target, STRIP, STRIP, pages=(1, 2))
    assert site.count("files") == 2 * EACH == len(site.stored)
    told(uploader.delete(f"uploads/{session['files'][0]['id']}"), 204)
    assert site.count("files") == EACH == len(site.stored)
    told(uploader.delete(f"uploads/sessions/{session['id']}"), 204)
    assert is_empty(site)


def test_an_upload_that_runs_out_leaves_none(work: Work) -> None:
    sends(work.uploader, work.target, STRIP)
    work.site.clock.forward(hours=24)
    swept = sweep.run(work.site.db, work.site.storage, now=work.site.clock.now)
    assert swept.uploads_ended == 1
    assert is_empty(work.site)


def test_what_is_refused_leaves_none(work: Work) -> None:
    path = f"chapters/{work.chapter['id']}/pages"
    refused(work.uploader.send(path, File("page_1", STRIP), File("page_1", STRIP)), 409, "page_exists")
    refused(work.uploader.send(path, File("page_1", STRIP), File("page_2", STRIP[:-20])), 400)
    assert is_empty(work.site)


class _Failing(MemoryStorage):
    """Takes so many files and no more; or the process ends there."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 1_000
        self.error: BaseException = StorageUnavailable()

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        if self.left == 0:
            raise self.error
        self.left -= 1
        super().put(key, source, type=type)


@pytest.fixture
def failing(database_url: str) -> Iterator[tuple[Work, _Failing]]:
    storage = _Failing()
    with opened(database_url, storage=storage) as site:
        yield Work(site), storage


@pytest.mark.parametrize("taken", range(2 * EACH))
def test_a_page_is_there_with_all_its_variants_or_not_at_all(failing: tuple[Work, _Failing], taken: int) -> None:
    """UP-23"""
    (work, storage), uploader = failing, failing[0].uploader
    storage.left = taken
    refused(uploader.send(f"chapters/{work.chapter['id']}/pages", *[File("a", STRIP)] * 2), 503)
    assert is_empty(work.site)
    assert work.shown()["pages"] == []
    (ticket,) = asks(uploader, work.target, announced(STRIP))["tickets"]
    storage.left = 1 + taken % EACH
    told(puts(work.site, ticket, STRIP), 204)
    refused(uploader.post(f"uploads/{ticket['id']}/complete"), 503)
    assert (len(work.site.stored), work.site.count("files")) == (1, 0)  # what was sent
    storage.left = EACH
    told(uploader.post(f"uploads/{ticket['id']}/complete"))
    assert work.site.count("files") == EACH == len(work.site.stored)


def test_killed_between_bytes_and_rows_it_is_swept(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """SL-01: what a killed process leaves is bytes without rows."""
    site = work.site
    strips(work.uploader, work.chapter)
    there = site.stored
    monkeypatch.setattr("roliascan.library.keeping.remove", lambda *_: None)
    refused(work.uploader.send(f"chapters/{work.chapter['id']}/pages", File("page_1", STRIP)), 409)
    assert len(site.stored) == 2 * EACH
    swept = sweep.run(site.db, site.storage, now=NOW + DAY + timedelta(minutes=1))
    assert (swept.strays_deleted, swept.files_deleted) == (EACH, 0)
    assert site.stored == there


# Swept.


def test_the_sweep_keeps_them_as_long_as_their_page(work: Work) -> None:
    site = work.site
    strips(work.uploader, work.chapter)
    before = (site.stored, site.count("files"))
    assert sweep.run(site.db, site.storage, now=NOW + 6 * DAY) == sweep.Swept()
    assert (site.stored, site.count("files")) == before
    site.write("DELETE FROM pages")  # as nothing does
    assert sweep.run(site.db, site.storage, now=NOW + DAY / 2) == sweep.Swept()
    assert sweep.run(site.db, site.storage, now=NOW + 6 * DAY) == sweep.Swept(files_deleted=EACH)
    assert is_empty(site)


def test_what_the_release_before_left_behind_goes(work: Work) -> None:
    """It deletes a page and its row, and knows of no variants."""
    site = work.site
    (page,) = strips(work.uploader, work.chapter)["pages"]
    site.write("DELETE FROM pages WHERE file_id = :id", id=page["id"])
    site.write("DELETE FROM files WHERE id = :id", id=page["id"])
    site.storage.delete(page["url"].removeprefix("/uploads/"))
    for one in page["variants"]:
        for asker in (site.stranger, work.uploader, site.sign_up("admin")):
            refused(asker.get(one["url"]), 404)
    assert sweep.run(site.db, site.storage, now=NOW + DAY / 2) == sweep.Swept()
    assert sweep.run(site.db, site.storage, now=NOW + DAY) == sweep.Swept(files_deleted=len(NAMES))
    assert is_empty(site)


# Checked and moved.


def test_a_variant_that_is_missing_is_found_with_its_page(work: Work) -> None:
    site = work.site
    (page,) = strips(work.uploader, work.chapter)["pages"]
    key = page["variants"][1]["url"].removeprefix("/uploads/")
    site.storage.delete(key)
    found = list[Finding]()
    counts = stocktaking.compare(site.db, site.storage, now=NOW, hashes=True, report=found.append)
    assert (counts.rows, counts.hashed, counts.findings) == (EACH, EACH - 1, 1)
    assert [(one.key, one.wrong, one.owner) for one in found] == [(key, "missing", work.uploader.username)]
    assert [(place.chapter_id, place.page) for place in found[0].places] == [(work.chapter["id"], 1)]


def test_they_move_with_their_page(work: Work) -> None:
    target = MemoryStorage()
    strips(work.uploader, work.chapter)
    copied = moving.copy(work.site.db, work.site.storage, target, report=lambda finding: pytest.fail(str(finding)))
    assert copied.copied == EACH
    assert [file.key for file in target.list()] == work.site.stored
