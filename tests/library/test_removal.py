"""Deleting a series: nothing of it stays but the tombstone, also when it was cut short."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, BinaryIO

import pytest

from roliascan.ids import new_id
from roliascan.library import sweep
from roliascan.storage import StorageFull, StorageUnavailable
from roliascan.storage.memory import MemoryStorage
from tests.front import PAGE, Asker, Clock, Site, everything, fields, opened, refused, told

OF_SERIES = ("series", "series_titles", "series_slugs", "series_teams", "series_stats", "search_terms")
OF_CHAPTERS = ("chapters", "chapter_teams", "pages", "files")


class Fragile(MemoryStorage):
    """Raises at the deletions whose numbers are in `cuts`, counted from 1; takes nothing more when it is `full`."""

    def __init__(self) -> None:
        super().__init__()
        self.cuts: set[int] = set()
        self.deletions = 0
        self.before_delete: Callable[[], object] = lambda: None
        self.full = False

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        if self.full:
            raise StorageFull
        super().put(key, source, type=type)

    def delete(self, key: str) -> None:
        self.deletions += 1
        self.before_delete()
        if self.deletions in self.cuts:
            raise StorageUnavailable
        super().delete(key)


@pytest.fixture
def fragile(database_url: str) -> Iterator[Site]:
    with opened(database_url, storage=Fragile()) as site:
        yield site


def fill(site: Site, chapters: int) -> tuple[Asker, Any]:
    """A series of a team with that many chapters, each tenth of them published with two pages."""
    owner = site.sign_up("uploader")
    team = owner.makes_team()
    series = owner.makes_series("Long", teamIds=[team["id"]], titles=[{"language": "en", "title": "Other"}])
    told(owner.patch(f"series/{series['id']}", {"title": "Longer"}))
    for number in range(chapters):
        site.clock.forward(seconds=1)  # so that identifiers have the order of numbers
        chapter = owner.makes_chapter(series, number, teamIds=[team["id"]])
        if number % 10 == 0:
            owner.adds_pages(chapter, 2)
            told(owner.post(f"chapters/{chapter['id']}/publish"))
    return owner, told(owner.get(f"series/{series['id']}"))


def left(site: Site) -> dict[str, int]:
    counts = {table: site.count(table) for table in OF_SERIES + OF_CHAPTERS}
    return {table: count for table, count in counts.items() if count} | ({"bytes": 1} if site.stored else {})


def totals(site: Site) -> dict[str, int]:
    return {path: told(site.stranger.get(path))["page"]["total"] for path in ("series", "chapters", "teams")}


def test_a_series_of_120_chapters_goes_whole(any_site: Site) -> None:  # DB-14
    owner, series = fill(any_site, 120)
    other = any_site.sign_up("uploader")
    kept = other.publishes(other.makes_series("Kept"))
    before = left(any_site)
    assert (before["chapters"], before["pages"], before["series_slugs"]) == (121, 25, 3)
    told(owner.delete(f"series/{series['id']}", params={"reason": "Licensed"}), 204)
    assert any_site.stored == [kept["pages"][0]["url"].removeprefix("/uploads/")]
    assert totals(any_site) == {"series": 1, "chapters": 1, "teams": 1}
    assert (any_site.count("chapters"), any_site.count("pages"), any_site.count("series_slugs")) == (1, 1, 1)
    for address in (series["id"], "longer"):
        for asker in (any_site.stranger, owner):
            problem = refused(asker.get(f"series/{address}"), 410, "removed")
            assert problem["detail"] == "This was removed: Licensed"
    refused(any_site.stranger.get(f"series/{series['id']}/chapters"), 410)
    for answer in (
        owner.patch(f"series/{series['id']}", {}),
        owner.delete(f"series/{series['id']}"),
        owner.post(f"series/{series['id']}/chapters", {"number": 1}),
    ):
        refused(answer, 410, "removed")
    told(any_site.stranger.get(f"chapters/{kept['id']}"))


@pytest.mark.parametrize("cut", [1, 10, 11])
def test_what_was_cut_short_is_ended_by_repeating(fragile: Site, cut: int) -> None:  # SC: retries are harmless
    owner, series = fill(fragile, 51)
    storage = fragile.storage
    assert isinstance(storage, Fragile)
    storage.cuts = {cut}
    path = f"series/{series['id']}"
    refused(owner.delete(path), 503, "outcome_unknown")
    assert totals(fragile) == {"series": 0, "chapters": 0, "teams": 1}
    refused(fragile.stranger.get(path), 404)
    assert fragile.stored
    told(owner.delete(path, params={"reason": "Second try"}), 204)
    assert totals(fragile) == {"series": 0, "chapters": 0, "teams": 1}
    assert refused(fragile.stranger.get(path), 410)["detail"] == "This was removed: Second try"
    assert_swept(fragile)


def assert_swept(site: Site) -> None:
    """What is left are bytes without rows, and the next sweep takes them."""
    assert set(left(site)) <= {"bytes"}
    sweep.run(site.db, site.storage, now=site.clock.now + timedelta(days=2))
    assert left(site) == {}


def test_what_was_cut_short_can_be_shown_again(fragile: Site) -> None:
    owner, series = fill(fragile, 51)
    storage = fragile.storage
    assert isinstance(storage, Fragile)
    storage.cuts = {10}
    path = f"series/{series['id']}"
    refused(owner.delete(path), 503)
    shown = told(owner.patch(path, {"state": "published"}))
    published = fragile.count("chapters WHERE state = 'published'")
    assert published == 1
    assert shown["chapterCount"] == published
    assert totals(fragile) == {"series": 1, "chapters": published, "teams": 1}
    told(owner.delete(path), 204)
    assert_swept(fragile)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_shown_again_no_page_is_without_its_bytes(fragile: Site, cut: int) -> None:  # SL-01
    """Cut short between a row and its bytes: what readers find is whole."""
    owner, series = fill(fragile, 51)
    storage = fragile.storage
    assert isinstance(storage, Fragile)
    storage.cuts = {cut}
    path = f"series/{series['id']}"
    refused(owner.delete(path), 503)
    told(owner.patch(path, {"state": "published"}))
    listed = everything(fragile.stranger, f"{path}/chapters")
    chapters = [told(fragile.stranger.get(f"chapters/{one['id']}")) for one in listed]
    pages = [page for chapter in chapters for page in chapter["pages"]]
    assert len(pages) == 2 * len(chapters) == 2
    for page in pages:
        assert fragile.stranger.get(page["url"]).content == PAGE
    assert set(fragile.values("storage_key", "files")) <= set(fragile.stored)


def test_what_is_added_meanwhile_goes_too(fragile: Site) -> None:
    owner, series = fill(fragile, 51)
    storage = fragile.storage
    assert isinstance(storage, Fragile)
    last = everything(owner, f"series/{series['id']}/chapters")[-1]

    def meanwhile() -> None:
        storage.before_delete = lambda: None
        owner.adds_pages(last, 2)
        owner.makes_chapter(series, 99)

    storage.before_delete = meanwhile
    told(owner.delete(f"series/{series['id']}"), 204)
    assert left(fragile) == {}


def test_pages_that_are_being_added_go_too(any_site: Site) -> None:
    """The deletion waits for a transaction that holds the chapter, and takes what that one added."""
    owner = any_site.sign_up("uploader")
    series = owner.makes_series()
    chapter = owner.makes_chapter(series)
    page = owner.adds_pages(chapter)["pages"][0]["id"]
    late = new_id(any_site.clock.now)
    with ThreadPoolExecutor() as pool:
        with any_site.db.begin() as tx:
            tx.write("UPDATE chapters SET page_count = 2 WHERE id = :id", id=chapter["id"])
            tx.write(
                "INSERT INTO files (id, storage_key, sha256, bytes, type, purpose, state, created_at)"
                " SELECT :late, 'pages/late.png', sha256, bytes, type, purpose, state, created_at FROM files"
                " WHERE id = :page",
                late=late,
                page=page,
            )
            tx.write(
                "INSERT INTO pages (chapter_id, revision, position, file_id, wide)"
                " SELECT chapter_id, revision, 2, :late, wide FROM pages WHERE file_id = :page",
                late=late,
                page=page,
            )
            deleting = pool.submit(owner.delete, f"series/{series['id']}")
            time.sleep(0.4)
            assert not deleting.done()
        told(deleting.result(), 204)
    assert left(any_site) == {}


def test_two_deletions_at_once_are_one(any_site: Site) -> None:
    from tests.front import at_once

    owner, series = fill(any_site, 30)
    answers = at_once(6, lambda turn: owner.delete(f"series/{series['id']}"))
    statuses = {answer.status_code for answer in answers}
    assert 204 in statuses
    assert statuses <= {204, 410, 404}, statuses
    assert left(any_site) == {}
    assert totals(any_site) == {"series": 0, "chapters": 0, "teams": 1}
    assert len(set(any_site.values("id", "tombstones"))) == 1


def test_a_draft_goes_without_a_change_of_counters(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series()
    owner.publishes(series)
    told(owner.patch(f"series/{series['id']}", {"state": "draft"}))
    told(owner.delete(f"series/{series['id']}"), 204)
    assert totals(any_site) == {"series": 0, "chapters": 0, "teams": 0}
    assert left(any_site) == {}


def test_a_slug_is_free_again(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    first = owner.makes_series("Title")
    told(owner.delete(f"series/{first['id']}"), 204)
    refused(any_site.stranger.get("series/title"), 410)
    second = owner.makes_series("Title")
    assert told(any_site.stranger.get("series/title"))["id"] == second["id"]
    refused(any_site.stranger.get(f"series/{first['id']}"), 410)


def test_a_cover_goes_with_the_last_series_that_has_it(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    cover = "01a20846-fe00-7ece-bc0b-f87796bb3294"
    any_site.write(
        "INSERT INTO files (id, storage_key, sha256, bytes, type, owner_id, purpose, state, created_at)"
        " VALUES (:id, 'covers/a.png', 'x', 5, 'image/png', :owner, 'cover', 'ready', :now)",
        id=cover,
        owner=owner.id,
        now=any_site.clock.now,
    )
    import io

    any_site.storage.put("covers/a.png", io.BytesIO(b"12345"), type="image/png")
    one, other = (owner.makes_series(title, coverId=cover) for title in ("One", "Other"))
    told(owner.delete(f"series/{one['id']}"), 204)
    assert any_site.stored == ["covers/a.png"]
    told(any_site.stranger.get(f"series/{other['id']}"))
    assert any_site.stranger.get(other["cover"]).content == b"12345"
    told(owner.delete(f"series/{other['id']}"), 204)
    assert left(any_site) == {}


def test_a_reason_is_words(site: Site) -> None:
    owner = site.sign_up("uploader")
    series = owner.makes_series()
    path = f"series/{series['id']}"
    assert fields(owner.delete(f"{path}?reason=")) == ["reason"]
    assert fields(owner.delete(f"{path}?reason={'x' * 501}")) == ["reason"]
    assert fields(owner.delete(f"{path}?reason=a%00b&why=x")) == ["reason", "why"]
    told(owner.get(path))
    told(owner.delete(path), 204)
    assert refused(owner.get(path), 410)["detail"] == "This was removed."


def test_the_clock_is_that_of_the_request(site_url: str) -> None:
    clock = Clock()
    with opened(site_url, clock=clock) as site:
        owner = site.sign_up("uploader")
        series = owner.makes_series()
        clock.forward(days=3)
        told(owner.delete(f"series/{series['id']}"), 204)
        assert site.values("at", "tombstones") == ["2026-11-26T12:00:00.000000Z"]


def test_every_address_that_it_had_tells_that_it_is_gone(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series("First")
    told(owner.patch(f"series/{series['id']}", {"title": "Second"}))
    told(owner.delete(f"series/{series['id']}", params={"reason": "Why"}), 204)
    for address in (series["id"], "first", "second"):
        assert refused(any_site.stranger.get(f"series/{address}"), 410)["detail"] == "This was removed: Why"


def test_nobody_is_told_of_a_draft_that_went(any_site: Site) -> None:  # AZ-10
    owner = any_site.sign_up("uploader")
    draft = owner.makes_series("Secret", state="draft")
    chapter = owner.makes_chapter(owner.makes_series("Shown"))
    told(owner.delete(f"series/{draft['id']}", params={"reason": "Nobody knew"}), 204)
    told(owner.delete(f"chapters/{chapter['id']}", params={"reason": "Nobody knew"}), 204)
    for address in (f"series/{draft['id']}", "series/secret", f"chapters/{chapter['id']}"):
        refused(any_site.stranger.get(address), 404, "not_found")
    assert any_site.count("tombstones") == 0


def test_counters_hold_where_it_is_shown_again_meanwhile(database_url: str) -> None:
    class Meddled(MemoryStorage):
        """Somebody acts when the first file of a series goes."""

        act: Callable[[], object] | None = None

        def delete(self, key: str) -> None:
            act, self.act = self.act, None
            if act:
                act()
            super().delete(key)

    storage = Meddled()
    with opened(database_url, storage=storage) as site:
        owner, series = fill(site, 120)
        other = site.sign_up("uploader")
        other.publishes(other.makes_series("Kept"))
        storage.act = lambda: told(owner.patch(f"series/{series['id']}", {"state": "published"}))
        told(owner.delete(f"series/{series['id']}"), 204)
        assert storage.act is None
        assert totals(site) == {"series": 1, "chapters": 1, "teams": 1}
