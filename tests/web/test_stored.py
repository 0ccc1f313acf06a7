"""The bytes of stored files: their type, what browsers may do with them, ranges, and who gets them."""

import json
import time
from typing import Any, BinaryIO

import pytest

from roliascan.storage import StorageUnavailable
from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.front import PAGE, Asker, File, Site, opened, refused, told

SIZE = len(PAGE)


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


@pytest.fixture
def chapter(uploader: Asker) -> Any:
    return uploader.publishes(uploader.makes_series())


@pytest.fixture
def url(chapter: Any) -> str:
    return str(chapter["pages"][0]["url"])


def test_a_page_is_served_as_it_was_sent(site: Site, chapter: Any, url: str) -> None:  # UP-25
    page = chapter["pages"][0]
    answer = site.stranger.get(url)
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert int(answer.headers["content-length"]) == page["bytes"] == SIZE
    assert answer.headers["content-type"] == page["type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=31536000, s-maxage=86400, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''")


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "avif"])
def test_each_kind_is_served_under_its_type(site: Site, uploader: Asker, kind: str) -> None:
    chapter = uploader.makes_chapter(uploader.makes_series())
    image = drawings.page(kind, 20, 30)
    page = uploader.adds_pages(chapter, 1, image)["pages"][0]
    answer = uploader.get(page["url"])
    assert (answer.headers["content-type"], page["type"]) == (f"image/{kind}", f"image/{kind}")
    assert page["url"].endswith({"jpeg": ".jpg"}.get(kind, f".{kind}"))
    assert answer.content == image


def test_a_picture_with_a_script_in_it_stays_a_picture(site: Site, uploader: Asker) -> None:  # UP-03
    chapter = uploader.makes_chapter(uploader.makes_series())
    image = drawings.page("gif", 20, 30)
    path = f"chapters/{chapter['id']}/pages"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x.html"\r\nContent-Type: text/html\r\n\r\n'
        + image
        + b"\r\n--b--\r\n"
    )
    made = told(uploader.post(path, body=body, headers={"Content-Type": "multipart/form-data; boundary=b"}), 201)
    answer = uploader.get(made["pages"][0]["url"])
    assert answer.headers["content-type"] == "image/gif"
    assert "html" not in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=5-9", 5, 9),
        ("bytes=10-999999999", 10, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-7", SIZE - 7, SIZE - 1),
        ("bytes=-999999999", 0, SIZE - 1),
    ],
)
def test_a_range_is_that_range(site: Site, url: str, asked: str, start: int, end: int) -> None:  # IN-06
    answer = site.stranger.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, PAGE[start : end + 1])
    assert answer.headers["content-range"] == f"bytes {start}-{end}/{SIZE}"
    assert int(answer.headers["content-length"]) == end + 1 - start


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=999999999999-"])
def test_a_range_beyond_the_end_is_refused(site: Site, url: str, asked: str) -> None:  # IN-06
    answer = site.stranger.get(url, headers={"Range": asked})
    refused(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=",
        "bytes=-",
        "bytes=9-5",
        "bytes=a-b",
        "bytes=--5",
        "bytes=0-1,3-4",
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=" + "9" * 5000 + "-",
        "items=0-1",
        "BYTES=0-1 ",
        "bytes=0x1-2",
    ],
)
def test_what_is_no_single_range_gets_the_whole(site: Site, url: str, asked: str) -> None:  # IN-06
    started = time.monotonic()
    answer = site.stranger.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert time.monotonic() - started < 10


def test_a_range_holds_for_the_file_that_was_meant(site: Site, url: str) -> None:
    tag = site.stranger.get(url).headers["etag"]
    asked = {"Range": "bytes=0-3"}
    assert site.stranger.get(url, headers={**asked, "If-Range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Mon, 23 Nov 2026 12:00:00 GMT"):
        assert site.stranger.get(url, headers={**asked, "If-Range": other}).status_code == 200


def test_a_file_that_is_known_is_not_sent_again(site: Site, url: str) -> None:
    tag = site.stranger.get(url).headers["etag"]
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = site.stranger.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert site.stranger.get(url, headers={"If-None-Match": '"x"'}).status_code == 200


def test_head_opens_no_file(site: Site, url: str) -> None:
    site.storage.delete(url.removeprefix("/uploads/"))
    answer = site.stranger.ask("HEAD", url)
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))
    refused(site.stranger.get(url), 404)


def test_only_what_is_published_is_for_everybody(any_site: Site) -> None:
    owner, other = any_site.sign_up("uploader"), any_site.sign_up("uploader")
    moderator = any_site.sign_up("moderator")
    series = owner.makes_series()
    chapter = owner.makes_chapter(series)
    url = owner.adds_pages(chapter)["pages"][0]["url"]
    path = f"chapters/{chapter['id']}"

    def seen_by_all(seen: bool) -> None:
        for asker in (owner, moderator):
            answer = asker.get(url)
            assert (answer.status_code, answer.content) == (200, PAGE)
            assert answer.headers["cache-control"].startswith("public" if seen else "private, no-store")
        for asker in (any_site.stranger, other):
            answer = asker.get(url)
            assert answer.status_code == (200 if seen else 404)
            assert seen or answer.headers["cache-control"] == "no-store"

    seen_by_all(False)
    told(owner.post(f"{path}/publish", {"at": "2027-01-01T00:00:00Z"}))
    seen_by_all(False)
    told(owner.post(f"{path}/publish"))
    seen_by_all(True)
    told(owner.post(f"{path}/hide"))
    seen_by_all(False)
    told(owner.post(f"{path}/publish"))
    seen_by_all(True)
    told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    seen_by_all(False)
    told(owner.patch(f"series/{series['id']}", {"state": "published"}))
    seen_by_all(True)
    told(owner.delete(path), 204)
    for asker in (owner, moderator, other, any_site.stranger):
        refused(asker.get(url), 404)
    assert any_site.stored == []


def test_a_page_that_was_left_out_is_gone(site: Site, uploader: Asker, chapter: Any, url: str) -> None:
    uploader.adds_pages(chapter)
    pages = told(uploader.get(f"chapters/{chapter['id']}"))["pages"]
    told(uploader.put(f"chapters/{chapter['id']}/pages", {"ids": [pages[1]["id"]]}))
    refused(site.stranger.get(url), 404)
    assert site.stored == [pages[1]["url"].removeprefix("/uploads/")]


def test_a_key_that_nobody_points_to_is_not_served(site: Site, url: str) -> None:
    site.write("DELETE FROM pages")
    refused(site.stranger.get(url), 404)


class _Slow(MemoryStorage):
    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        raise StorageUnavailable(fault="SlowDown")


def test_what_a_storage_says_is_in_the_log_and_in_no_answer(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:  # ST-21
    with opened(sqlite_url, storage=_Slow()) as site:
        uploader = site.sign_up("uploader")
        chapter = uploader.makes_chapter(uploader.makes_series())
        capsys.readouterr()
        answer = uploader.send(f"chapters/{chapter['id']}/pages", File("file", PAGE))
    problem = refused(answer, 503, "storage_unavailable")
    assert "SlowDown" not in answer.text
    fault, request = map(json.loads, capsys.readouterr().out.splitlines())
    assert (fault["event"], fault["fault"], fault["code"]) == ("fault", "SlowDown", "storage_unavailable")
    assert fault["requestId"] == request["requestId"] == problem["requestId"]
