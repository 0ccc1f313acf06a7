"""The sweep: each thing once, whoever else sweeps; nothing that is in use, or may come into use, ever."""

import io
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from roliascan.ids import new_id
from roliascan.library import sweep
from roliascan.library.sweep import OtherStorage, Swept
from roliascan.storage import keys
from tests.front import NOW, PAGE, Asker, File, Site, at_once, everything, ids, refused, told

DAY = timedelta(days=1)
NOTHING = Swept()


def swept(site: Site, **how: Any) -> Swept:
    return sweep.run(site.db, site.storage, **{"now": site.clock.now, **how})


def put(site: Site, made: datetime, *, folder: str = "pages", key: str = "") -> str:
    """Bytes without a row, as a process leaves them that was killed before it wrote one; the key."""
    key = key or keys.new_key(folder, new_id(made), "png")
    site.storage.put(key, io.BytesIO(PAGE), type="image/png")
    return key


def scheduled(asker: Asker, series: Any, number: Any, at: str) -> Any:
    chapter = asker.makes_chapter(series, number)
    asker.adds_pages(chapter)
    return told(asker.post(f"chapters/{chapter['id']}/publish", {"at": at}))


def test_on_an_empty_site_there_is_nothing_to_do(any_site: Site) -> None:
    assert swept(any_site) == NOTHING


# What is due.


def test_a_chapter_is_published_when_its_time_comes(any_site: Site) -> None:  # IN-13
    asker = any_site.sign_up("uploader")
    series = asker.makes_series()
    for number, at in enumerate(
        ["2026-11-23T15:00:00Z", "2026-11-24T00:00:00+09:00", "2026-11-23T15:00:00.000001Z"], start=1
    ):
        scheduled(asker, series, number, at)
    any_site.clock.forward(hours=3, microseconds=-1)
    assert swept(any_site) == NOTHING
    assert told(any_site.stranger.get("chapters"))["page"]["total"] == 0
    any_site.clock.forward(microseconds=1)
    assert swept(any_site) == Swept(chapters_published=2)
    feed = told(any_site.stranger.get("chapters"))
    assert {one["number"]: one["publishedAt"] for one in feed["data"]} == dict.fromkeys(
        (1, 2), "2026-11-23T15:00:00.000000Z"
    )
    assert swept(any_site) == NOTHING
    any_site.clock.forward(days=400)  # missed for long: it catches up
    assert swept(any_site, now=any_site.clock.now).chapters_published == 1


def test_it_is_as_if_published_by_hand(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    due, by_hand = asker.makes_series("Due"), asker.makes_series("By Hand")
    one = scheduled(asker, due, 1, "2026-11-23T13:00:00Z")
    other = scheduled(asker, by_hand, 1, "2026-11-23T13:00:00Z")
    any_site.clock.forward(hours=2)
    told(asker.post(f"chapters/{other['id']}/publish"))
    assert swept(any_site).chapters_published == 1
    shown = [told(asker.get(f"chapters/{chapter['id']}")) for chapter in (one, other)]
    for same in ("state", "publishedAt", "version", "pageCount"):
        assert shown[0][same] == shown[1][same]
    lists = [told(any_site.stranger.get(f"series/{series['id']}")) for series in (due, by_hand)]
    for same in ("chapterCount", "lastChapterAt", "updatedAt"):
        assert lists[0][same] == lists[1][same]
    assert lists[0]["chapterCount"] == 1
    assert told(any_site.stranger.get("chapters"))["page"]["total"] == 2
    for table, column in (("series_stats", "active_at"), ("chapters", "publish_at"), ("chapters", "updated_at")):
        assert len(set(any_site.values(column, table))) == 1


def test_what_is_no_longer_scheduled_stays(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    series = asker.makes_series()
    at = "2026-11-23T13:00:00Z"
    hidden, later, gone = (scheduled(asker, series, number, at) for number in range(3))
    told(asker.post(f"chapters/{hidden['id']}/hide"))
    told(asker.post(f"chapters/{later['id']}/publish", {"at": "2026-11-30T13:00:00Z"}))
    told(asker.delete(f"chapters/{gone['id']}"), 204)
    any_site.clock.forward(hours=2)
    assert swept(any_site) == NOTHING


def test_in_a_hidden_series_it_counts_for_the_series_alone(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    series = asker.makes_series(state="draft")
    scheduled(asker, series, 1, "2026-11-23T13:00:00Z")
    any_site.clock.forward(hours=2)
    assert swept(any_site).chapters_published == 1
    assert told(asker.get(f"series/{series['id']}"))["chapterCount"] == 1
    assert told(any_site.stranger.get("chapters"))["page"]["total"] == 0
    told(asker.patch(f"series/{series['id']}", {"state": "published"}))
    assert told(any_site.stranger.get("chapters"))["page"]["total"] == 1


def test_a_series_is_published_when_its_time_comes(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    series = asker.makes_series(state="draft")
    asker.publishes(series)
    any_site.write(
        "UPDATE series SET state = 'scheduled', publish_at = :at, published_at = NULL WHERE id = :id",
        id=series["id"],
        at=NOW + DAY,
    )
    assert swept(any_site) == NOTHING
    refused(any_site.stranger.get(f"series/{series['id']}"), 404)
    any_site.clock.forward(days=1)
    assert swept(any_site) == Swept(series_published=1)
    shown = told(any_site.stranger.get(f"series/{series['id']}"))
    assert (shown["state"], shown["publishedAt"]) == ("published", "2026-11-24T12:00:00.000000Z")
    for path in ("series", "chapters"):
        assert told(any_site.stranger.get(path))["page"]["total"] == 1
    assert swept(any_site) == NOTHING


@pytest.mark.parametrize("sweeps", [2, 4])
def test_of_several_sweeps_at_once_each_chapter_is_published_once(two_sites: tuple[Site, Site], sweeps: int) -> None:
    """SL-12, DB-06: beside people who publish and hide the same chapters."""
    site = two_sites[0]
    asker = site.sign_up("uploader")
    series = [asker.makes_series() for _ in range(2)]
    chapters = [scheduled(asker, one, number, "2026-11-23T13:00:00Z") for one in series for number in range(8)]
    site.clock.forward(hours=2)

    def act(turn: int) -> int:
        if turn < sweeps:
            return swept(two_sites[turn % 2], now=site.clock.now).chapters_published
        number = turn - sweeps
        verb = "hide" if number % 2 else "publish"
        told(Asker(two_sites[number % 2], token=asker.token).post(f"chapters/{chapters[number * 3]['id']}/{verb}"))
        return 0

    published = sum(at_once(sweeps + 4, act))
    assert 12 <= published <= 16
    versions = site.values("version", "chapters")
    assert all(3 < version <= 5 for version in versions)
    for one in series:
        rows = site.count("chapters WHERE state = 'published' AND series_id = :id", id=one["id"])
        assert told(asker.get(f"series/{one['id']}"))["chapterCount"] == rows
        assert len(everything(site.stranger, f"series/{one['id']}/chapters")) == rows
    assert told(site.stranger.get("chapters"))["page"]["total"] == site.count("chapters WHERE state = 'published'")


@pytest.mark.parametrize("sweeps", [2, 4])
def test_several_sweeps_alone_publish_each_once(two_sites: tuple[Site, Site], sweeps: int) -> None:  # SL-12
    site = two_sites[0]
    asker = site.sign_up("uploader")
    series = asker.makes_series()
    chapters = [scheduled(asker, series, number, "2026-11-23T13:00:00Z") for number in range(12)]
    strays = [put(site, NOW - DAY) for _ in range(12)]
    covers = [cover(site, asker) for _ in range(12)]
    now = NOW + 2 * DAY
    done = at_once(sweeps, lambda turn: swept(two_sites[turn % 2], now=now))
    assert sum(one.chapters_published for one in done) == 12
    assert sum(one.files_deleted for one in done) == len(covers)
    # Gone is gone, for each; and a cover has no row any more just before its bytes go.
    assert len(strays) <= sum(one.strays_deleted for one in done) <= sweeps * (len(strays) + len(covers))
    assert set(site.values("version", "chapters")) == {chapters[0]["version"] + 1}
    assert told(site.stranger.get(f"series/{series['id']}"))["chapterCount"] == 12
    assert told(site.stranger.get("chapters"))["page"]["total"] == 12
    assert len(site.stored) == site.count("files") == 12


# What has run out.


def test_sessions_end_with_their_time(any_site: Site) -> None:
    old = any_site.sign_up()
    any_site.clock.forward(days=1)
    young = any_site.sign_up()
    any_site.clock.forward(days=6, seconds=-1)
    assert swept(any_site) == NOTHING
    any_site.clock.forward(seconds=1)
    assert swept(any_site) == Swept(sessions_ended=1)
    refused(old.get("auth/me"), 401)
    told(young.get("auth/me"))


def test_many_sessions_end_in_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_STEP", 3)
    for _ in range(10):
        site.sign_up()
    assert swept(site, now=NOW + 8 * DAY).sessions_ended == 10
    assert site.count("sessions") == 0


def test_buckets_are_forgotten_a_day_after_they_are_full(any_site: Site) -> None:
    for name, at in (("old", NOW - DAY), ("new", NOW - DAY + timedelta(seconds=1)), ("ahead", NOW + DAY)):
        any_site.write("INSERT INTO rate_limits (name, full_at) VALUES (:name, :at)", name=name, at=at)
    any_site.clock.forward(microseconds=1)
    assert swept(any_site) == Swept(limits_forgotten=1)
    assert sorted(any_site.values("name", "rate_limits")) == ["ahead", "new"]


# Files.

_made = count(1)


def cover(site: Site, asker: Asker, *, purpose: str = "cover", state: str = "ready", key: str = "") -> str:
    """A file with a row that nothing shows; its identifier. `key`: of bytes that are there."""
    file_id, folder = new_id(NOW), "covers" if purpose == "cover" else "files"
    if not key:
        key = f"{folder}/{file_id}.png"
        site.storage.put(key, io.BytesIO(PAGE), type="image/png")
    site.write(
        "INSERT INTO files (id, storage_key, sha256, bytes, type, owner_id, purpose, state, created_at)"
        " VALUES (:id, :key, :sha, :bytes, 'image/png', :owner, :purpose, :state, :made)",
        id=file_id,
        key=key,
        sha=f"{next(_made):064}",
        bytes=len(PAGE),
        owner=asker.id,
        purpose=purpose,
        state=state,
        made=NOW,
    )
    return file_id


def test_files_that_nothing_shows_go_after_the_grace(any_site: Site) -> None:  # ST-09
    asker = any_site.sign_up("uploader")
    shown, unused = (cover(any_site, asker) for _ in range(2))
    linked, pending = cover(any_site, asker, purpose="file"), cover(any_site, asker, purpose="file", state="pending")
    asker.publishes(asker.makes_series(coverId=shown), 1, pages=2)
    before = (any_site.stored, any_site.count("files"))
    any_site.clock.forward(hours=23, minutes=59)
    assert swept(any_site) == NOTHING
    assert (any_site.stored, any_site.count("files")) == before
    any_site.clock.forward(minutes=1)
    assert swept(any_site) == Swept(files_deleted=2)
    pages = any_site.values("storage_key", "files WHERE purpose = 'page'")
    assert {unused, pending}.isdisjoint(any_site.values("id", "files"))
    assert any_site.stored == sorted([f"covers/{shown}.png", f"files/{linked}.png", *pages])
    assert swept(any_site, now=NOW + 6 * DAY) == NOTHING
    assert any_site.stranger.get(f"/uploads/files/{linked}.png").content == PAGE


def test_a_cover_that_is_taken_at_the_last_moment_stays_or_is_refused(two_sites: tuple[Site, Site]) -> None:  # ST-10
    """Never a series whose cover is gone."""
    site = two_sites[0]
    asker = site.sign_up("uploader")
    series = [asker.makes_series() for _ in range(10)]
    covers = [cover(site, asker) for _ in series]

    def act(turn: int) -> int:
        if turn < 2:
            return swept(two_sites[turn], now=NOW + 2 * DAY).files_deleted
        number = turn - 2
        taking = Asker(two_sites[turn % 2], token=asker.token)
        return taking.patch(f"series/{series[number]['id']}", {"coverId": covers[number]}).status_code

    results = at_once(12, act)
    answers = results[2:]
    assert set(answers) <= {200, 400, 409}
    assert sum(results[:2]) == len(covers) - answers.count(200)
    shown = [told(asker.get(f"series/{one['id']}"))["cover"] for one in series]
    assert sorted(one.removeprefix("/uploads/") for one in shown if one) == site.stored
    assert len(site.stored) == answers.count(200)


def test_what_comes_into_use_at_any_moment_of_a_sweep_stays(any_site: Site) -> None:  # ST-10
    """A cover is taken, and a row is written for bytes that had none, before each of its steps in turn."""
    asker = any_site.sign_up("uploader")
    now, moments = NOW + 2 * DAY, 0
    for moment in range(100):
        series, file_id = asker.makes_series(), cover(any_site, asker)
        stray = put(any_site, NOW, folder="files")
        left = iter(range(moment, -1, -1))

        def use() -> bool:
            if next(left, -1) == 0:  # noqa: B023
                asker.patch(f"series/{series['id']}", {"coverId": file_id})  # noqa: B023
                if stray in any_site.stored:  # noqa: B023
                    cover(any_site, asker, purpose="file", key=stray)  # noqa: B023
            return True

        swept(any_site, now=now, go_on=use)
        shown = told(asker.get(f"series/{series['id']}"))["cover"]
        assert shown is None or shown.removeprefix("/uploads/") in any_site.stored
        if next(left, None) is not None:  # there are no more moments
            break
        moments += 1
        assert set(any_site.values("storage_key", "files")) <= set(any_site.stored)
    assert moments > 8


def test_bytes_without_a_row_go_after_the_grace(any_site: Site) -> None:  # ST-08
    asker = any_site.sign_up("uploader")
    chapter = asker.publishes(asker.makes_series(), pages=2)
    stray, young = put(any_site, NOW), put(any_site, NOW + timedelta(minutes=1))
    former = put(any_site, NOW, key=f"pages/{new_id(NOW)}.png")  # as keys were
    foreign = [
        "notes.txt",
        "pages/notes.txt",
        f"other/{new_id(NOW)}.png",
        f"pages/{'f' * 8}-0000-4000-8000-{'0' * 12}.png",
    ]
    foreign += [f"pages/old/{new_id(NOW)}.png", "pages/0fffffff-ffff-4fff-8fff-ffffffffffff.png"]
    for key in foreign:
        any_site.storage.put(key, io.BytesIO(b"x"), type="text/plain")
    any_site.clock.forward(hours=24)
    assert swept(any_site) == NOTHING
    any_site.clock.forward(seconds=1)
    assert swept(any_site) == Swept(strays_deleted=2)
    pages = [page["url"].removeprefix("/uploads/") for page in chapter["pages"]]
    assert any_site.stored == sorted([*pages, *foreign, young])
    assert not {stray, former} & set(any_site.stored)
    assert swept(any_site, grace=timedelta(hours=1)).strays_deleted == 1
    assert any_site.stored == sorted([*pages, *foreign])


def test_nothing_of_an_upload_under_way_goes(two_sites: tuple[Site, Site]) -> None:  # ST-10
    """Sweeps all the while that pages are added, arranged and taken out: what has a row has bytes, and the reverse."""
    site = two_sites[0]
    asker = site.sign_up("uploader")
    chapters = [asker.makes_chapter(asker.makes_series()) for _ in range(3)]
    old = [put(site, NOW - 2 * DAY) for _ in range(5)]

    def act(turn: int) -> int:
        if turn % 3 == 0:
            found = swept(two_sites[turn % 2], now=NOW)
            return found.files_deleted
        adding = Asker(two_sites[turn % 2], token=asker.token)
        told(adding.send(f"chapters/{chapters[turn % 3]['id']}/pages", *[File("file", PAGE)] * 3), 201)
        return 0

    assert sum(at_once(18, act)) == 0
    rows = sorted(site.values("storage_key", "files"))
    assert site.stored == rows
    assert len(rows) == 12 * 3
    assert not set(old) & set(site.stored)


def test_a_sweep_of_another_sites_storage_stops(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    asker.publishes(asker.makes_series())
    strays = [put(any_site, NOW - 2 * DAY) for _ in range(101)]
    due = scheduled(asker, asker.makes_series(), 1, "2026-11-23T13:00:00Z")
    any_site.clock.forward(hours=2)
    with pytest.raises(OtherStorage):
        swept(any_site)
    assert set(strays) <= set(any_site.stored)
    assert told(any_site.stranger.get(f"chapters/{due['id']}"))["state"] == "published"
    assert swept(any_site, strays=True).strays_deleted == 101
    assert not set(strays) & set(any_site.stored)
    few = [put(any_site, NOW - 2 * DAY) for _ in range(100)]
    assert swept(any_site).strays_deleted == len(few)


# Uploads in parts.


def upload(site: Site, asker: Asker, *, state: str = "open", expires: datetime, stored: str = "pending") -> list[str]:
    """An upload of two files, one of which has come; the key of that one, and that of the other."""
    session_id, waiting = new_id(NOW), new_id(NOW)
    site.write(
        "INSERT INTO upload_sessions (id, user_id, target_kind, state, created_at, expires_at)"
        " VALUES (:id, :user, 'generic', :state, :now, :expires)",
        id=session_id,
        user=asker.id,
        state=state,
        now=NOW,
        expires=expires,
    )
    come = cover(site, asker, purpose="page", state=stored)
    for position, (id, file_id) in enumerate(((come, come), (waiting, None))):
        site.write(
            "INSERT INTO upload_files (id, session_id, position, name, bytes, type, sha256, state, file_id)"
            " VALUES (:id, :session, :position, 'a', 1, 'image/png', :sha, 'waiting', :file)",
            id=id,
            session=session_id,
            position=position,
            sha="0" * 64,
            file=file_id,
        )
    key = f"pages/{waiting}.png"
    site.storage.put(key, io.BytesIO(PAGE), type="image/png")
    return [f"files/{come}.png", key]


def test_an_upload_ends_with_its_time(any_site: Site) -> None:  # ST-10
    asker = any_site.sign_up("uploader")
    come, waiting = upload(any_site, asker, expires=NOW + 2 * DAY)
    any_site.clock.forward(days=2, seconds=-1)  # far past the grace, and still open
    assert swept(any_site) == NOTHING
    assert any_site.stored == sorted([come, waiting])
    any_site.clock.forward(seconds=1)
    assert swept(any_site) == Swept(uploads_ended=1, strays_deleted=1)
    assert any_site.stored == []
    assert any_site.values("state", "upload_sessions") == ["abandoned"]
    assert any_site.count("upload_files") == any_site.count("files") == 0
    any_site.clock.forward(days=1)
    swept(any_site)
    assert any_site.count("upload_sessions") == 0


def test_a_committed_upload_is_forgotten_without_its_files(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    chapter = asker.publishes(asker.makes_series(), pages=1)
    upload(any_site, asker, state="committed", expires=NOW + DAY, stored="ready")
    any_site.write("UPDATE upload_files SET file_id = :page WHERE file_id IS NOT NULL", page=chapter["pages"][0]["id"])
    any_site.clock.forward(days=2)
    assert swept(any_site).uploads_ended == 0
    assert any_site.count("upload_sessions") == any_site.count("upload_files") == 0
    assert any_site.stored == [chapter["pages"][0]["url"].removeprefix("/uploads/")]


# Little time.


def test_it_stops_when_told_and_goes_on_the_next_time(any_site: Site) -> None:
    asker = any_site.sign_up("uploader")
    series = asker.makes_series()
    for number in range(3):
        scheduled(asker, series, number, "2026-11-23T13:00:00Z")
    put(any_site, NOW - 2 * DAY)
    any_site.clock.forward(hours=2)
    total, rounds = 0, 0
    while True:
        left = iter([True] * (3 + rounds))
        done = swept(any_site, go_on=lambda: next(left, False))  # noqa: B023
        total, rounds = total + done.chapters_published, rounds + 1
        if done.finished:
            break
        assert rounds < 50
    assert rounds > 3
    assert total == 3
    assert len(any_site.stored) == 3
    assert ids(told(any_site.stranger.get("chapters")))
