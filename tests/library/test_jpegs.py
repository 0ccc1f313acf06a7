"""A page as a JPEG: made once, at the first request, for who may see the page."""

import io
import json
from datetime import timedelta
from typing import Any, BinaryIO

import pytest
from PIL import Image

from roliascan.library import images, sweep
from roliascan.storage import StorageUnavailable
from roliascan.storage.keys import IMMUTABLE
from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.front import NOW, PAGE, Asker, File, Site, at_once, opened, refused, told
from tests.library.uploading import Work

DAY = timedelta(days=1)
LONG = "public, max-age=0, s-maxage=300, stale-while-revalidate=3600, stale-if-error=604800"


@pytest.fixture
def work(any_site: Site) -> Work:
    return Work(any_site)


def page_of(work: Work, image: bytes = PAGE, *, published: bool = True) -> Any:
    (page,) = told(work.uploader.send(f"chapters/{work.chapter['id']}/pages", File("a", image)), 201)["pages"]
    if published:
        told(work.uploader.post(f"chapters/{work.chapter['id']}/publish", {}))
    return page


def address(asker: Asker, page: Any) -> str:
    answer = asker.get(f"pages/{page['id']}/jpeg")
    assert (answer.status_code, answer.content) == (307, b""), answer.text
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    return str(answer.headers["location"])


def test_it_is_made_once_and_then_told_of(work: Work) -> None:
    site, page = work.site, page_of(work)
    before = site.stored
    answer = site.stranger.get(f"pages/{page['id']}/jpeg")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, LONG)
    url = answer.headers["location"]
    jpeg = site.stranger.get(url)
    assert (jpeg.headers["content-type"], jpeg.headers["cache-control"]) == ("image/jpeg", IMMUTABLE)
    shown = Image.open(io.BytesIO(jpeg.content))
    assert (shown.format, shown.size) == ("JPEG", (20, 30))
    assert {address(asker, page) for asker in (site.stranger, work.uploader, site.sign_up())} == {url}
    assert sorted(site.stored) == sorted([*before, url.removeprefix("/uploads/")])
    told_of = {"name": "jpeg", "url": url, "width": 20, "height": 30, "bytes": len(jpeg.content), "type": "image/jpeg"}
    assert work.shown()["pages"][0]["variants"] == [told_of]
    told(work.uploader.delete(f"chapters/{work.chapter['id']}"), 204)
    refused(site.stranger.get(url), 404)
    refused(site.stranger.get(f"pages/{page['id']}/jpeg"), 404)
    assert (site.stored, site.count("files")) == ([], 0)


def test_a_jpeg_is_its_own(work: Work) -> None:
    page = page_of(work, drawings.page("jpeg", 20, 30))
    assert address(work.site.stranger, page) == page["url"]
    assert len(work.site.stored) == 1


@pytest.mark.parametrize("kind", ["png", "webp", "gif", "avif"])
def test_every_kind_of_page_has_one(site: Site, kind: str) -> None:
    work = Work(site)
    url = address(site.stranger, page_of(work, drawings.animation(kind) if kind == "gif" else drawings.page(kind)))
    assert Image.open(io.BytesIO(site.stranger.get(url).content)).format == "JPEG"


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_the_longest_page_has_one(site: Site, kind: str) -> None:
    work = Work(site)
    page = page_of(work, drawings.page(kind, 16, images.MAX_SIDE))
    shown = Image.open(io.BytesIO(site.stranger.get(address(site.stranger, page)).content))
    assert (page["height"], shown.size) == (65_535, (16, 65_500))


def test_head_is_alike(work: Work) -> None:
    page = page_of(work)
    head = work.site.stranger.ask("HEAD", f"pages/{page['id']}/jpeg")
    get = work.site.stranger.get(f"pages/{page['id']}/jpeg")
    assert (head.status_code, head.headers["location"]) == (307, get.headers["location"])
    assert head.headers["cache-control"] == get.headers["cache-control"]
    assert len(work.site.stored) == 2


def test_it_is_for_who_may_see_the_page(work: Work) -> None:
    site, page = work.site, page_of(work, published=False)
    for asker in (site.stranger, site.sign_up(), site.sign_up("uploader")):
        for method in ("GET", "HEAD"):
            assert asker.ask(method, f"pages/{page['id']}/jpeg").status_code == 404
    assert len(site.stored) == 1
    answer = work.uploader.get(f"pages/{page['id']}/jpeg")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "private, no-store")
    url = answer.headers["location"]
    assert work.uploader.get(url).headers["cache-control"] == "private, no-store"
    assert address(site.sign_up("moderator"), page) == url
    refused(site.stranger.get(url), 404)
    refused(site.stranger.get(f"pages/{page['id']}/jpeg"), 404)


def test_nothing_else_has_one(work: Work) -> None:
    site = work.site
    file = work.uploader.files(PAGE)
    url = address(work.uploader, page_of(work)).rpartition("/")[2]
    jpeg_id = site.values("id", "files WHERE variant = 'jpeg'")[0]
    before = site.stored
    for id in (file["id"], jpeg_id, work.chapter["id"], "x", url, "00000000-0000-7000-8000-000000000000"):
        refused(work.uploader.get(f"pages/{id}/jpeg"), 404)
        refused(site.stranger.get(f"pages/{id}/jpeg"), 404)
    assert site.stored == before


def test_of_several_at_once_one_is_kept(two_sites: tuple[Site, Site]) -> None:
    work = Work(two_sites[0])
    page = page_of(work)
    strangers = [site.stranger for site in two_sites] * 3
    urls = at_once(len(strangers), lambda turn: address(strangers[turn], page))
    assert len(set(urls)) == 1
    site = two_sites[0]
    assert site.count("files WHERE variant = 'jpeg'") == 1
    assert len(site.stored) == 2
    assert site.stranger.get(urls[0]).status_code == 200


def test_a_page_that_goes_meanwhile_takes_it_along(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    site, page = work.site, page_of(work, published=False)
    make = images.as_jpeg

    def meanwhile(*args: Any, **how: Any) -> Any:
        told(work.uploader.delete(f"chapters/{work.chapter['id']}"), 204)
        return make(*args, **how)

    monkeypatch.setattr("roliascan.library.images.as_jpeg", meanwhile)
    refused(work.uploader.get(f"pages/{page['id']}/jpeg"), 404)
    assert (site.stored, site.count("files")) == ([], 0)


def test_a_page_that_is_hidden_meanwhile_is_not_found(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    site, page = work.site, page_of(work)
    make = images.as_jpeg

    def meanwhile(*args: Any, **how: Any) -> Any:
        told(work.uploader.post(f"chapters/{work.chapter['id']}/hide"))
        return make(*args, **how)

    monkeypatch.setattr("roliascan.library.images.as_jpeg", meanwhile)
    refused(site.stranger.get(f"pages/{page['id']}/jpeg"), 404)


class _Full(MemoryStorage):
    full = False

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        if self.full:
            raise StorageUnavailable
        super().put(key, source, type=type)


def test_what_cannot_be_kept_is_refused_for_now(database_url: str) -> None:
    storage = _Full()
    with opened(database_url, storage=storage) as site:
        page = page_of(Work(site))
        storage.full = True
        answer = site.stranger.get(f"pages/{page['id']}/jpeg")
        refused(answer, 503, "storage_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert (len(site.stored), site.count("files")) == (1, 1)
        storage.full = False
        assert site.stranger.get(address(site.stranger, page)).status_code == 200


@pytest.mark.parametrize("spoiled", [b"", b"<html>", PAGE[:-20]])
def test_of_a_page_whose_bytes_are_spoiled_there_is_none(
    site: Site, spoiled: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(Work(site))
    (key,) = site.stored
    site.storage.delete(key)
    refused(site.stranger.get(f"pages/{page['id']}/jpeg"), 404)
    site.storage.put(key, io.BytesIO(spoiled), type="image/png")
    refused(site.stranger.get(f"pages/{page['id']}/jpeg"), 404)
    assert (site.stored, site.count("files")) == ([key], 1)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told_of,) = [line for line in lines if line["event"] == "no jpeg"]
    assert (told_of["level"], told_of["page"]) == ("warning", page["id"])
    assert told_of["error"] in {"NotAnImage", "ImageDamaged", "OSError"}


def test_making_is_limited_and_finding_is_not(site_url: str) -> None:
    with opened(site_url, RATE_LIMITS="jpeg=2/1h") as site:
        pages = [page_of(Work(site)) for _ in range(3)]
        urls = [address(site.stranger, page) for page in pages[:2]]
        refused(site.stranger.get(f"pages/{pages[2]['id']}/jpeg"), 429)
        assert [address(site.stranger, page) for page in pages[:2]] == urls
        assert address(site.sign_up(), pages[2])  # who has a limit of their own
        assert address(site.stranger, pages[2])


def test_where_nothing_is_changed_none_is_made(site_url: str) -> None:
    with opened(site_url) as site, opened(site_url, storage=site.storage, READ_ONLY="on") as closed:
        first, second = (page_of(Work(site)) for _ in range(2))
        url = address(site.stranger, first)
        assert address(closed.stranger, first) == url
        refused(closed.stranger.get(f"pages/{second['id']}/jpeg"), 503, "read_only")
        assert len(site.stored) == 3


def test_the_sweep_leaves_it(work: Work) -> None:
    page = page_of(work)
    url = address(work.site.stranger, page)
    assert sweep.run(work.site.db, work.site.storage, now=NOW + 6 * DAY) == sweep.Swept()
    assert work.site.stranger.get(url).status_code == 200
