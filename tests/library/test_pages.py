"""Pages: adding them whole or not at all, their order, and what is refused before and after their bytes are read."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.front import BOUNDARY, FORM, PAGE, Asker, File, Site, at_once, fields, form, key_of, opened, refused, told

WIDE = drawings.page("png", 40, 30)


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


@pytest.fixture
def chapter(uploader: Asker) -> Any:
    return uploader.makes_chapter(uploader.makes_series())


def numbers(chapter: Any) -> list[int]:
    return [page["number"] for page in chapter["pages"]]


def sends(asker: Asker, chapter: Any, *files: File) -> Any:
    return told(asker.send(f"chapters/{chapter['id']}/pages", *files), 201)


def is_empty(site: Site) -> bool:
    return site.stored == [] and site.count("files") == 0 and site.count("pages") == 0


def test_a_page_tells_all_that_a_reader_needs(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    answer = uploader.send(f"chapters/{chapter['id']}/pages", File("a", PAGE), File("b", WIDE))
    added = told(answer, 201)
    assert answer.headers["location"] == f"/api/v1/chapters/{chapter['id']}"
    assert (added["pageCount"], added["version"]) == (2, 2)
    for page, width, wide, image in zip(added["pages"], (20, 40), (False, True), (PAGE, WIDE), strict=True):
        assert key_of(page["url"]).startswith("pages/")
        assert page["url"].endswith(".png")
        assert page["placeholder"].startswith("#")
        expected = {
            "width": width,
            "height": 30,
            "bytes": len(image),
            "type": "image/png",
            "wide": wide,
            "variants": [],
        }
        assert expected.items() <= page.items()
    assert told(uploader.get(f"chapters/{chapter['id']}")) == added
    assert sorted(any_site.stored) == sorted(page["url"].removeprefix("/uploads/") for page in added["pages"])


def test_pages_are_appended_in_their_order(site: Site, uploader: Asker, chapter: Any) -> None:  # UP-14
    images = [drawings.page("png", 20, 30, seed=seed) for seed in range(12)]
    added = sends(uploader, chapter, *(File(f"file{10 - place}", image) for place, image in enumerate(images[:7])))
    assert numbers(added) == [1, 2, 3, 4, 5, 6, 7]
    added = sends(uploader, chapter, *(File("same", image) for image in images[7:]))
    assert numbers(added) == list(range(1, 13))
    assert [uploader.get(page["url"]).content for page in added["pages"]] == images


def test_a_field_may_name_its_page(any_site: Site) -> None:  # UP-14
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    added = sends(
        uploader, chapter, File("page_10", PAGE), File("x", PAGE), File("page_2", PAGE), File("page_007", PAGE)
    )
    assert numbers(added) == [2, 7, 10, 11]
    added = sends(
        uploader, chapter, File("page_1", PAGE), File("Page_3", PAGE), File("page_", PAGE), File("page_-1", PAGE)
    )
    assert numbers(added) == [1, 2, 7, 10, 11, 12, 13, 14]
    assert added["pageCount"] == 8


@pytest.mark.parametrize("taken", ["page_2", "page_002"])
def test_a_number_that_is_taken_is_refused(any_site: Site, taken: str) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    before = uploader.adds_pages(chapter, 2)
    path = f"chapters/{chapter['id']}/pages"
    refused(uploader.send(path, File("page_9", PAGE), File(taken, PAGE)), 409, "page_exists")
    refused(uploader.send(path, File("page_5", PAGE), File("page_5", PAGE)), 409, "page_exists")
    assert told(uploader.get(f"chapters/{chapter['id']}")) == before
    assert len(any_site.stored) == 2


@pytest.mark.parametrize("name", ["page_0", "page_1001", "page_999999"])
def test_pages_are_numbered_1_to_1000(site: Site, uploader: Asker, chapter: Any, name: str) -> None:
    path = f"chapters/{chapter['id']}/pages"
    assert fields(uploader.send(path, File("a", PAGE), File(name, PAGE))) == [name]
    assert is_empty(site)


def test_a_chapter_has_at_most_1000_pages(site: Site, uploader: Asker, chapter: Any) -> None:  # UP-16
    sends(uploader, chapter, File("page_999", PAGE))
    path = f"chapters/{chapter['id']}/pages"
    refused(uploader.send(path, File("a", PAGE), File("b", PAGE)), 413, "too_many_pages")
    assert numbers(sends(uploader, chapter, File("a", PAGE))) == [999, 1000]
    refused(uploader.send(path, File("a", PAGE)), 413, "too_many_pages")
    assert numbers(sends(uploader, chapter, File("page_5", PAGE))) == [5, 999, 1000]
    assert len(site.stored) == 3


def test_a_hundred_files_come_at_once_and_no_more(site: Site, uploader: Asker, chapter: Any) -> None:
    path = f"chapters/{chapter['id']}/pages"
    refused(uploader.send(path, *[File("f", PAGE)] * 101), 413, "too_many_files")
    assert is_empty(site)
    assert len(sends(uploader, chapter, *[File("f", PAGE)] * 100)["pages"]) == 100


BAD: list[tuple[bytes, int, str]] = [
    (b"", 415, "not_an_image"),
    (b"text", 415, "not_an_image"),
    (b"<html><script>alert(1)</script>", 415, "not_an_image"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, ""),
    (b"%PDF-1.7", 415, ""),
    (PAGE[:-20], 400, "image_damaged"),
    (PAGE[:40], 400, "image_damaged"),
    (drawings.png_header(20_000, 20_000), 413, "image_too_large"),
]


@pytest.mark.parametrize(("bad", "status", "code"), BAD)
@pytest.mark.parametrize("place", [0, 5, 9])
def test_one_bad_image_in_ten_leaves_nothing(
    site: Site, uploader: Asker, chapter: Any, bad: bytes, status: int, code: str, place: int
) -> None:  # UP-02, UP-04, UP-07
    files = [File("f", PAGE)] * 10
    files[place] = File("f", bad)
    refused(uploader.send(f"chapters/{chapter['id']}/pages", *files), status, code)
    assert is_empty(site)
    assert told(uploader.get(f"chapters/{chapter['id']}")) == chapter


def test_a_file_over_the_limit_leaves_nothing(site_url: str) -> None:
    with opened(site_url, MAX_FILE_SIZE=str(len(WIDE))) as site:
        uploader = site.sign_up("uploader")
        chapter = uploader.makes_chapter(uploader.makes_series())
        path = f"chapters/{chapter['id']}/pages"
        over = WIDE + b"x"
        problem = refused(uploader.send(path, File("a", WIDE), File("page_3", over)), 413, "too_large")
        assert "page_3" in problem["detail"]
        refused(uploader.send(path, File("a", b"x" * 3_000_000)), 413, "too_large")
        assert is_empty(site)
        sends(uploader, chapter, File("a", WIDE))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(), 400),
        (b"", 400),
        (b"no form", 400),
        (form(File("f", PAGE))[:-10], 400),
        (form(File("f", PAGE))[:100], 400),
        (form(File("f", PAGE)).replace(b"\r\n", b"\n", 1), 400),
        (form(File("f", PAGE)).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1), 400),
        (form(File("f" * 20_000, PAGE)), 400),
        (form(File("f", PAGE)).replace(b'name="f"', b'name="\xff"'), 400),
        (form(*[File("f", b"")] * 5_000), 415),
        (form(*[File("f", b"")] * 5_000).replace(b'name="f"', b"", 1), 415),
        (b"\r\n" * 100_000, 400),
        (b"-" * 100_000, 400),
    ],
    ids=range(13),
)
def test_a_bad_form_leaves_nothing(
    site: Site, uploader: Asker, chapter: Any, body: bytes, status: int
) -> None:  # IN-04, UP-07
    answer = uploader.post(f"chapters/{chapter['id']}/pages", body=body, headers={"Content-Type": FORM})
    refused(answer, status)
    assert is_empty(site)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 10_000}"]
)
def test_a_form_needs_a_boundary(uploader: Asker, chapter: Any, kind: str) -> None:  # IN-04
    answer = uploader.post(
        f"chapters/{chapter['id']}/pages", body=form(File("f", PAGE)), headers={"Content-Type": kind}
    )
    refused(answer, 400)


@pytest.mark.parametrize("kind", ["application/json", "image/png", "multipart/mixed; boundary=b", "text/plain", ""])
def test_pages_come_in_a_form(uploader: Asker, chapter: Any, kind: str) -> None:
    answer = uploader.post(f"chapters/{chapter['id']}/pages", body=b"x", headers={"Content-Type": kind})
    refused(answer, 415, "unsupported_type")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\x.png",
        "/abs.png",
        "C:\\x",
        "CON",
        "x" * 255,
        "\u202egnp.exe",
        ".htaccess",
        "-rf",
        "a%00.html",
        "a.html",
    ],
)
def test_the_name_of_a_file_is_used_nowhere(site: Site, uploader: Asker, chapter: Any, name: str) -> None:  # UP-11
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'.encode()
    body = head + b"Content-Type: text/html\r\n\r\n" + PAGE + f"\r\n--{BOUNDARY}--\r\n".encode()
    path = f"chapters/{chapter['id']}/pages"
    added = told(uploader.post(path, body=body, headers={"Content-Type": FORM}), 201)
    (page,) = added["pages"]
    assert site.stored == [key_of(page["url"])]
    assert site.values("name", "files") == [None]
    assert page["type"] == "image/png"


class Unread(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("read")

    readline = read


def test_no_byte_is_read_before_it_is_known_whose_chapter_it_is(site: Site, uploader: Asker, chapter: Any) -> None:
    other = site.sign_up("uploader")
    published = uploader.publishes(uploader.makes_series("Other"))
    asked = [
        (site.stranger, chapter, 401),
        (other, chapter, 404),
        (other, {"id": site.clock.now.isoformat()}, 404),
        (other, published, 403),
        (site.sign_up(), published, 403),
    ]
    for asker, target, status in asked:
        unread = {"wsgi.input": Unread()}
        answer = asker.post(f"chapters/{target['id']}/pages", body=b"x", headers={"Content-Type": FORM}, extras=unread)
        refused(answer, status)


# Order.


def test_pages_are_put_in_order(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    sends(uploader, chapter, File("page_3", PAGE), File("page_9", WIDE), File("page_5", PAGE))
    path = f"chapters/{chapter['id']}"
    before = told(uploader.get(path))
    ids = [page["id"] for page in before["pages"]]
    arranged = told(uploader.put(f"{path}/pages", {"ids": [ids[2], ids[0], ids[1]]}))
    assert [page["id"] for page in arranged["pages"]] == [ids[2], ids[0], ids[1]]
    assert numbers(arranged) == [1, 2, 3]
    assert [page["wide"] for page in arranged["pages"]] == [True, False, False]
    assert arranged["version"] == before["version"] + 1
    assert [page["url"] for page in arranged["pages"]] == [before["pages"][place]["url"] for place in (2, 0, 1)]
    left = told(uploader.put(f"{path}/pages", {"ids": [ids[0]]}))
    assert ([page["id"] for page in left["pages"]], left["pageCount"]) == ([ids[0]], 1)
    assert any_site.stored == [key_of(left["pages"][0]["url"])]
    assert (any_site.count("files"), any_site.count("pages")) == (1, 1)
    assert told(uploader.put(f"{path}/pages", {"ids": []}))["pages"] == []
    assert is_empty(any_site)


def test_only_its_own_pages_are_put_in_order(site: Site, uploader: Asker, chapter: Any) -> None:  # AZ-04, AZ-14
    other = uploader.makes_chapter(uploader.makes_series("Other"))
    mine, theirs = (uploader.adds_pages(one, 2)["pages"] for one in (chapter, other))
    ids, foreign = [page["id"] for page in mine], theirs[0]["id"]
    path = f"chapters/{chapter['id']}/pages"
    assert fields(uploader.put(path, {"ids": [ids[0], foreign, ids[0], chapter["id"]]})) == [
        "ids[1]",
        "ids[2]",
        "ids[3]",
    ]
    assert fields(uploader.put(path, {"ids": [ids[0].upper(), "x", None]})) == ["ids[0]", "ids[1]", "ids[2]"]
    assert fields(uploader.put(path, {"ids": [ids[0]] * 1001})) == ["ids"]
    assert fields(uploader.put(path, {})) == ["ids"]
    for one, pages in ((chapter, mine), (other, theirs)):
        assert told(uploader.get(f"chapters/{one['id']}"))["pages"] == pages


@pytest.mark.parametrize("how", [{}, {"at": "2027-01-01T00:00:00Z"}])
def test_what_is_published_keeps_a_page(any_site: Site, how: dict[str, str]) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    uploader.adds_pages(chapter)
    path = f"chapters/{chapter['id']}"
    told(uploader.post(f"{path}/publish", how))
    refused(uploader.put(f"{path}/pages", {"ids": []}), 409, "no_pages")
    told(uploader.post(f"{path}/hide"))
    told(uploader.put(f"{path}/pages", {"ids": []}))
    refused(uploader.post(f"{path}/publish"), 409, "no_pages")


def test_readers_see_the_old_pages_or_the_new_ones(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.publishes(uploader.makes_series(), pages=6)
    path = f"chapters/{chapter['id']}"
    ids = [page["id"] for page in chapter["pages"]]
    orders = [tuple(ids), tuple(ids[::-1])]

    def act(turn: int) -> Any:
        if turn < 2:
            return [told(uploader.put(f"{path}/pages", {"ids": list(orders[(turn + step) % 2])})) for step in range(6)]
        return [told(any_site.stranger.get(path)) for _ in range(10)]

    for seen in at_once(6, act)[2:]:
        for shown in seen:
            assert tuple(page["id"] for page in shown["pages"]) in orders
            assert numbers(shown) == [1, 2, 3, 4, 5, 6]


class Full(MemoryStorage):
    """Room for five files."""

    def put(self, key: str, source: Any, *, type: str) -> None:
        from roliascan.storage import StorageFull

        if len(self._files) >= 5:
            raise StorageFull
        super().put(key, source, type=type)


def test_a_full_storage_keeps_none_of_an_upload(site_url: str) -> None:  # UP-18
    with opened(site_url, storage=Full()) as site:
        uploader = site.sign_up("uploader")
        chapter = uploader.makes_chapter(uploader.makes_series())
        answer = uploader.send(f"chapters/{chapter['id']}/pages", *[File("f", PAGE)] * 6)
        refused(answer, 503, "storage_full")
        assert int(answer.headers["retry-after"]) > 0
        assert is_empty(site)
        assert len(uploader.adds_pages(chapter, 5)["pages"]) == 5


def test_the_same_image_twice_is_two_files(site: Site, uploader: Asker, chapter: Any) -> None:  # UP-22
    added = uploader.adds_pages(chapter, 2)
    assert len(set(site.stored)) == 2
    told(uploader.put(f"chapters/{chapter['id']}/pages", {"ids": [added["pages"][0]["id"]]}))
    assert uploader.get(added["pages"][0]["url"]).content == PAGE


class Hooked(io.BytesIO):
    """A body in whose middle something happens."""

    def __init__(self, data: bytes, happens: Callable[[], object]) -> None:
        super().__init__(data)
        self._happens = happens

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            self._happens()
        return super().read(size)


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [
        ("UPDATE users SET is_banned = TRUE WHERE id = :id", 401),
        ("DELETE FROM sessions WHERE user_id = :id", 401),
        ("UPDATE users SET role = 'user' WHERE id = :id", 403),
    ],
)
def test_rights_are_decided_again_when_the_bytes_are_in(any_site: Site, meanwhile: str, status: int) -> None:  # AZ-11
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    body = form(*[File("f", drawings.page("png", 300, 300))] * 3)
    assert len(body) > 1 << 16
    source = Hooked(body, lambda: any_site.write(meanwhile, id=uploader.id))
    answer = uploader.post(
        f"chapters/{chapter['id']}/pages", body=body, headers={"Content-Type": FORM}, extras={"wsgi.input": source}
    )
    refused(answer, status)
    assert is_empty(any_site)


def test_pages_are_added_to_the_version_that_was_meant(site: Site, uploader: Asker, chapter: Any) -> None:  # DB-11
    path = f"chapters/{chapter['id']}/pages"
    told(uploader.send(path, File("f", PAGE), headers={"If-Match": '"1"'}), 201)
    refused(uploader.send(path, File("f", PAGE), headers={"If-Match": '"1"'}), 412)
    assert len(site.stored) == 1
    for verb in ("publish", "hide"):
        refused(uploader.post(f"chapters/{chapter['id']}/{verb}", headers={"If-Match": '"1"'}), 412)
    told(uploader.post(f"chapters/{chapter['id']}/publish", headers={"If-Match": '"2"'}))
