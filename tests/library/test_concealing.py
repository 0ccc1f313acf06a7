"""What was hidden gets new keys: everything that was seen, nothing else, whatever happens meanwhile (UP-25, ST-13)."""

from collections.abc import Callable
from typing import Any, BinaryIO

import pytest

from roliascan.database import migrations
from roliascan.errors import Refusal
from roliascan.ids import NONE
from roliascan.library import concealing, stocktaking, sweep
from roliascan.library.sweep import Swept
from roliascan.storage import StorageUnavailable
from roliascan.storage.memory import MemoryStorage
from tests.database import revisions
from tests.front import PAGE, Asker, Site, at_once, key_of, opened, refused, told
from tests.servers import databases


def swept(site: Site, **how: Any) -> Swept:
    return sweep.run(site.db, site.storage, **{"now": site.clock.now, **how})


def pages_of(asker: Asker, chapter: Any) -> list[str]:
    """The keys of its pages, whose bytes are there."""
    found = told(asker.get(f"chapters/{chapter['id']}"))["pages"]
    assert all(asker.get(page["url"]).content == PAGE for page in found)
    return [key_of(page["url"]) for page in found]


def assert_whole(site: Site) -> None:
    """Each row has its bytes, and there are no others."""
    assert site.stored == sorted(site.values("storage_key", "files"))


def test_a_hidden_chapter_gets_new_addresses(any_site: Site) -> None:
    owner, moderator = any_site.sign_up("uploader"), any_site.sign_up("moderator")
    series = owner.makes_series(coverId=owner.files()["id"])
    chapter, other = owner.publishes(series, 1, pages=3), owner.publishes(series, 2)
    before, others = pages_of(owner, chapter), pages_of(owner, other)
    assert swept(any_site) == Swept()
    told(moderator.post(f"chapters/{chapter['id']}/hide", {"reason": "A scan of a book"}))
    assert pages_of(owner, chapter) == before  # until the next sweep
    assert swept(any_site) == Swept(files_concealed=3)
    after = pages_of(owner, chapter)
    assert len(set(before + after)) == 6
    assert not set(before) & set(any_site.stored)
    assert [key.partition("/")[0] for key in after] == ["pages"] * 3
    assert {key.rpartition(".")[2] for key in after} == {"png"}
    assert pages_of(owner, other) == others
    assert any_site.count("concealments") == 0
    assert_whole(any_site)
    assert swept(any_site) == Swept()
    told(owner.get(f"chapters/{chapter['id']}"))
    told(moderator.post(f"chapters/{chapter['id']}/publish"))
    assert pages_of(any_site.stranger, chapter) == after  # and stay the new ones
    assert swept(any_site) == Swept()


def test_a_hidden_series_gets_new_addresses_for_what_was_seen_of_it(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series(coverId=owner.files()["id"])
    shown, hidden = owner.publishes(series, 1, pages=2), owner.publishes(series, 2)
    told(owner.post(f"chapters/{hidden['id']}/hide"))
    assert swept(any_site).files_concealed == 1
    draft = owner.makes_chapter(series, 3)
    owner.adds_pages(draft)
    cover = told(owner.get(f"series/{series['id']}"))["cover"]
    kept = pages_of(owner, draft) + pages_of(owner, hidden)
    before = [*pages_of(owner, shown), key_of(cover)]
    told(owner.patch(f"series/{series['id']}", {"state": "draft"}))
    assert swept(any_site) == Swept(files_concealed=3)
    after = [*pages_of(owner, shown), key_of(told(owner.get(f"series/{series['id']}"))["cover"])]
    assert not set(before) & set(after)
    assert after[-1].startswith("files/")
    assert pages_of(owner, draft) + pages_of(owner, hidden) == kept  # nobody else has ever seen them
    assert_whole(any_site)


def test_what_is_put_off_is_hidden_too(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    before = pages_of(owner, chapter)
    told(owner.post(f"chapters/{chapter['id']}/publish", {"at": "2027-01-01T00:00:00Z"}))
    assert swept(any_site) == Swept(files_concealed=1)
    assert not set(before) & set(any_site.stored)


def test_what_nobody_saw_stays(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.makes_chapter(owner.makes_series())
    owner.adds_pages(chapter)
    before = pages_of(owner, chapter)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    assert swept(any_site) == Swept()
    assert pages_of(owner, chapter) == before


def test_shown_again_before_the_sweep_nothing_changes(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series(coverId=owner.files()["id"])
    chapter = owner.publishes(series)
    before = any_site.stored
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    told(owner.post(f"chapters/{chapter['id']}/publish"))
    told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    told(owner.patch(f"series/{series['id']}", {"state": "published"}))
    assert any_site.count("concealments") == 2
    assert swept(any_site) == Swept()
    assert any_site.stored == before
    assert any_site.count("concealments") == 0


def test_a_cover_that_another_series_shows_stays(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    cover = owner.files()
    one, other = (owner.makes_series(title, coverId=cover["id"]) for title in ("One", "Other"))
    told(owner.patch(f"series/{one['id']}", {"state": "hidden"}))
    assert swept(any_site) == Swept()
    assert any_site.stored == [key_of(cover["url"])]
    told(owner.patch(f"series/{other['id']}", {"state": "hidden"}))
    assert swept(any_site) == Swept(files_concealed=1)
    assert any_site.stored != [key_of(cover["url"])]
    assert_whole(any_site)


def test_what_was_deleted_leaves_nothing_to_do(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    series = owner.makes_series()
    chapter = owner.publishes(series)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    told(owner.delete(f"chapters/{chapter['id']}"), 204)
    told(owner.delete(f"series/{series['id']}"), 204)
    assert any_site.count("concealments") == 2
    assert swept(any_site) == Swept()
    assert any_site.count("concealments") == 0


def test_where_all_files_are_served_here_none_moves(any_site: Site) -> None:
    """Each time it is asked who may."""
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    before = pages_of(owner, chapter)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    assert swept(any_site, served_here=True) == Swept()
    assert pages_of(owner, chapter) == before
    assert any_site.count("concealments") == 0
    refused(any_site.stranger.get(f"/uploads/{before[0]}"), 404)


# Whatever happens meanwhile.


def acting(site: Site, act: Callable[[], object], *, at: int) -> Callable[[], bool]:
    """For `go_on`: acts before that step."""
    left = iter(range(at, -1, -1))

    def go_on() -> bool:
        if next(left, -1) == 0:
            act()
        return True

    return go_on


@pytest.mark.parametrize("moment", range(9))
def test_shown_and_hidden_again_at_any_moment(any_site: Site, moment: int) -> None:
    """What everybody saw in between gets new keys once more; what is seen has its bytes all the while."""
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series(), pages=3)
    path, seen = f"chapters/{chapter['id']}", set(pages_of(owner, chapter))

    def show_and_hide() -> None:
        told(owner.post(f"{path}/publish"))
        seen.update(pages_of(any_site.stranger, chapter))
        any_site.clock.forward(seconds=1)
        told(owner.post(f"{path}/hide"))

    told(owner.post(f"{path}/hide"))
    swept(any_site, go_on=acting(any_site, show_and_hide, at=moment))
    swept(any_site)
    assert not seen & set(any_site.stored)
    assert len(pages_of(owner, chapter)) == 3
    assert any_site.count("concealments") == 0
    assert_whole(any_site)


@pytest.mark.parametrize("moment", range(9))
def test_shown_or_deleted_at_any_moment(any_site: Site, moment: int) -> None:
    owner = any_site.sign_up("uploader")
    shown, gone = (owner.publishes(owner.makes_series(), pages=2) for _ in range(2))

    def act() -> None:
        told(owner.post(f"chapters/{shown['id']}/publish"))
        told(owner.delete(f"chapters/{gone['id']}"), 204)

    for chapter in (shown, gone):
        told(owner.post(f"chapters/{chapter['id']}/hide"))
    swept(any_site, go_on=acting(any_site, act, at=moment))
    if told(owner.get(f"chapters/{shown['id']}"))["state"] == "hidden":  # the sweep had fewer steps
        act()
    at_last = pages_of(any_site.stranger, shown)
    swept(any_site)
    assert pages_of(any_site.stranger, shown) == at_last
    assert any_site.count("concealments") == 0
    assert_whole(any_site)


class Meanwhile(MemoryStorage):
    """Where something happens between the copying of a file and what comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[Callable[[], object]] = []

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        super().put(key, source, type=type)
        if self.acts:
            self.acts.pop(0)()


@pytest.mark.parametrize("copies", range(1, 4))
@pytest.mark.parametrize("act", ["publish", "renew", "arrange", "sweep", "delete"])
def test_what_happens_while_bytes_are_copied(database_url: str, act: str, copies: int) -> None:
    """What was copied in vain goes again at once; the old bytes go only when nothing points to them."""
    storage = Meanwhile()
    with opened(database_url, storage=storage) as site:
        owner = site.sign_up("uploader")
        chapter = owner.publishes(owner.makes_series(), pages=3)
        path = f"chapters/{chapter['id']}"
        told(owner.post(f"{path}/hide"))

        def renew() -> None:
            told(owner.post(f"{path}/publish"))
            site.clock.forward(seconds=1)
            told(owner.post(f"{path}/hide"))

        acts = {
            "renew": renew,
            "publish": lambda: told(owner.post(f"{path}/publish")),
            "arrange": lambda: told(owner.put(f"{path}/pages", {"ids": [chapter["pages"][0]["id"]]})),
            "sweep": lambda: swept(site),
            "delete": lambda: told(owner.delete(path), 204),
        }
        storage.acts = [lambda: None] * (copies - 1) + [acts[act]]
        swept(site)
        assert_whole(site)
        assert site.count("concealments") == (act == "renew")
        if act == "renew":  # which the next sweep begins anew
            assert swept(site).files_concealed == 3
            assert_whole(site)
        if act != "delete":
            assert len(pages_of(owner, chapter)) == (1 if act == "arrange" else 3)
        old = {key_of(page["url"]) for page in chapter["pages"]}
        assert bool(old & set(site.stored)) == (act == "publish")


def test_of_what_is_seen_again_nothing_is_copied(site_url: str) -> None:
    storage = Meanwhile()
    with opened(site_url, storage=storage) as site:
        owner = site.sign_up("uploader")
        series = owner.makes_series(coverId=owner.files()["id"])
        chapter = owner.publishes(series, pages=3)
        for hide, show in (("hidden", "published"), ("draft", "published")):
            told(owner.patch(f"series/{series['id']}", {"state": hide}))
            told(owner.patch(f"series/{series['id']}", {"state": show}))
        told(owner.post(f"chapters/{chapter['id']}/hide"))
        told(owner.post(f"chapters/{chapter['id']}/publish"))
        copies: list[None] = []
        storage.acts = [lambda: copies.append(None)] * 9
        assert swept(site) == Swept()
        assert copies == []


@pytest.mark.parametrize("sweeps", [2, 3])
def test_several_sweeps_at_once(two_sites: tuple[Site, Site], sweeps: int) -> None:  # SL-12
    site = two_sites[0]
    owner = site.sign_up("uploader")
    series = owner.makes_series(coverId=owner.files()["id"])
    chapters = [owner.publishes(series, number, pages=4) for number in range(3)]
    before = site.stored
    told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    done = at_once(sweeps, lambda turn: swept(two_sites[turn % 2]))
    swept(site)  # where each left something to the others
    assert sum(one.files_concealed for one in done) <= 13
    assert not set(before) & set(site.stored)
    assert all(len(pages_of(owner, chapter)) == 4 for chapter in chapters)
    assert site.count("concealments") == 0
    assert_whole(site)


class Failing(MemoryStorage):
    """A storage that is away at the n-th of its calls, before or after it acted, as for a process that is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1
        self.after = False

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise StorageUnavailable

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        if not self.after:
            self._count()
        super().put(key, source, type=type)
        if self.after:
            self._count()

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        self._count()
        return super().open(key, start=start)

    def delete(self, key: str) -> None:
        if not self.after:
            self._count()
        super().delete(key)
        if self.after:
            self._count()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_short_at_any_step_the_next_sweep_goes_on(any_site: Site, after: bool) -> None:
    """Left are strays at most, which go; never a row without its bytes."""
    storage = Failing()
    storage.after = after
    with opened(str(any_site.settings.database_url), storage=storage, clock=any_site.clock) as site:
        owner = site.sign_up("uploader")
        chapter = owner.publishes(owner.makes_series(), pages=3)
        done = None
        for step in range(1, 12):
            told(owner.post(f"chapters/{chapter['id']}/publish"))
            before = pages_of(owner, chapter)
            site.clock.forward(seconds=1)
            told(owner.post(f"chapters/{chapter['id']}/hide"))
            storage.left = step
            try:
                done = swept(site)
            except Refusal:
                done = None
            storage.left = -1
            assert set(site.values("storage_key", "files")) <= set(site.stored)
            swept(site)
            assert not set(before) & set(pages_of(owner, chapter))
            assert site.count("concealments") == 0
            site.clock.forward(days=2)
            owner = site.sign_up("moderator")
            swept(site)
            assert_whole(site)
        assert done is not None  # the last had fewer steps


def test_it_stops_when_told_and_goes_on_the_next_time(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series(), pages=5)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    total, rounds = 0, 0
    while any_site.count("concealments"):
        left = iter([True] * 5)
        done = swept(any_site, go_on=lambda: next(left, False))  # noqa: B023
        total, rounds = total + done.files_concealed, rounds + 1
        assert rounds < 9
    assert total == 5  # none twice
    assert rounds > 1
    assert_whole(any_site)


def test_a_page_whose_bytes_are_lost_stops_nobody(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series(), pages=3)
    lost = key_of(chapter["pages"][1]["url"])
    any_site.storage.delete(lost)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    assert swept(any_site).files_concealed == 2
    assert any_site.count("concealments") == 0


def test_stocktaking_and_copying_do_not_miss_what_has_another_key_now(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    (row,) = stocktaking.rows(any_site.db)
    assert stocktaking.is_there(any_site.db, row)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    assert swept(any_site).files_concealed == 1
    assert not stocktaking.is_there(any_site.db, row)
    found: list[Any] = []
    stocktaking.compare(any_site.db, any_site.storage, now=any_site.clock.now, report=found.append)
    assert found == []


def test_an_unused_file_goes_with_the_bytes_that_it_has_by_then(any_site: Site) -> None:
    """A cover gets another key while the sweep that is to forget it has already seen it."""
    owner = any_site.sign_up("uploader")
    series = owner.makes_series(coverId=owner.files()["id"])
    any_site.clock.forward(days=2)
    told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    (one,) = concealing.of(any_site.db, series["id"])
    (file,) = concealing.known(any_site.db, one, after=one.reached, most=9)
    with any_site.storage.open(file.storage_key) as source:
        any_site.storage.put("covers/moved.png", source, type="image/png")
    assert any_site.db.run(concealing.move, one, file, "covers/moved.png")
    any_site.write("UPDATE series SET cover_file_id = NULL")
    assert any_site.db.run(sweep._forget_file, file.id, before=any_site.clock.now) == ["covers/moved.png"]


def test_what_was_hidden_once_more_is_not_ended_with_the_first(any_site: Site) -> None:
    """Seen again when the sweep looked, and hidden again before it took the row away."""
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    (one,) = concealing.of(any_site.db, chapter["id"])
    told(owner.post(f"chapters/{chapter['id']}/publish"))
    any_site.clock.forward(seconds=1)
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    assert not concealing.is_due(any_site.db, one)
    assert not any_site.db.run(concealing.end, one)
    assert swept(any_site).files_concealed == 1


def test_a_file_that_has_another_key_by_now_keeps_it(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    chapter = owner.publishes(owner.makes_series())
    told(owner.post(f"chapters/{chapter['id']}/hide"))
    (one,) = concealing.of(any_site.db, chapter["id"])
    (file,) = concealing.known(any_site.db, one, after=one.reached, most=9)
    any_site.write("UPDATE files SET storage_key = 'pages/other.png'")
    assert not any_site.db.run(concealing.move, one, file, "pages/third.png")
    assert any_site.values("storage_key", "files") == ["pages/other.png"]
    assert concealing.is_due(any_site.db, one)


def test_what_was_hidden_before_the_schema_knew_is_hidden_too(any_site: Site) -> None:
    """By the migration: all that was seen once and is not now."""
    url = databases.as_administrator(str(any_site.settings.database_url))
    owner = any_site.sign_up("uploader")
    series = owner.makes_series()
    hidden, put_off, shown = (owner.publishes(series, number) for number in range(3))
    draft = owner.makes_chapter(series, 9)
    left, never = owner.makes_series("Left"), owner.makes_series("Never", state="draft")
    told(owner.post(f"chapters/{hidden['id']}/hide"))
    told(owner.post(f"chapters/{put_off['id']}/publish", {"at": "2027-01-01T00:00:00Z"}))
    told(owner.post(f"chapters/{draft['id']}/hide"))
    told(owner.patch(f"series/{left['id']}", {"state": "draft"}))
    title = "What was hidden, and whose files need new keys because their addresses are known"
    migrations.downgrade(url, str(revisions.TITLES.index(title)))
    migrations.upgrade(url)
    ids = concealing.due(any_site.db, after=NONE, most=9)
    found = {(one.kind, one.id) for id in ids for one in concealing.of(any_site.db, id)}
    assert found == {("chapter", hidden["id"]), ("chapter", put_off["id"]), ("series", left["id"])}
    assert {shown["id"], never["id"]}.isdisjoint(id for _, id in found)
    assert swept(any_site) == Swept(files_concealed=2)
