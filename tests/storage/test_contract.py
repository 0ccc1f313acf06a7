"""What every storage does alike: a backend is finished when it passes these (ST-22)."""

import errno
import io
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, BinaryIO

import pytest

from roliascan.storage import BadKey, KeyTaken, NotStored, Storage, open_storage
from tests.servers import azurite
from tests.servers.parts import TEST_ALL
from tests.storage import backends
from tests.storage.test_s3_uploads import send

BACKENDS: list[Any] = [
    "memory",
    "file",
    pytest.param("s3", marks=pytest.mark.radosgw),
    pytest.param("azure", marks=pytest.mark.azurite),
    pytest.param("gcs", marks=pytest.mark.gcs),
    "uploadthing",
]
KEY = "pages/01936f5e-8f3a-7000-8000-000000000001.jpg"


def test_each_says_what_it_does_not_prove() -> None:
    names = [one if isinstance(one, str) else str(one.values[0]) for one in BACKENDS]
    assert names == list(backends.BACKENDS)


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return opened(request, tmp_path)


@pytest.fixture(params=BACKENDS if TEST_ALL else ["memory", "file", "uploadthing"])
def quick_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Without servers, but with TEST_ALL=1: for what takes many calls, or comes before any."""
    return opened(request, tmp_path)


def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "uploadthing":
        app = request.getfixturevalue("uploadthing_app")
        return open_storage(app.url, uploadthing_token=app.token)
    if request.param in {"s3", "azure", "gcs"}:
        return open_storage(request.getfixturevalue(f"{request.param}_url"), azure_key=azurite.KEY)
    return open_storage({"memory": "memory:", "file": f"file:{tmp_path}/uploads"}[request.param])


def put(storage: Storage, key: str, content: bytes = b"x") -> None:
    storage.put(key, io.BytesIO(content), type="image/jpeg")


def read(storage: Storage, key: str, start: int = 0) -> bytes:
    with storage.open(key, start=start) as source:
        return source.read()


def keys(storage: Storage, prefix: str = "", after: str = "") -> list[str]:
    return [stored.key for stored in storage.list(prefix, after=after)]


class Breaking(io.BytesIO):
    """A source that gives some bytes and then breaks, as a cut connection does."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise ConnectionResetError(errno.ECONNRESET, "cut")
        return super().read(3)


@pytest.mark.parametrize("content", [b"", b"one", bytes(range(256)) * 12_000], ids=["none", "few", "3 MB"])
def test_what_is_put_can_be_opened(storage: Storage, content: bytes) -> None:
    put(storage, KEY, content)
    assert read(storage, KEY) == content


def test_put_takes_the_source_from_where_it_stands(storage: Storage) -> None:
    source = io.BytesIO(b"header body")
    source.seek(7)
    storage.put(KEY, source, type="image/jpeg")
    assert read(storage, KEY) == b"body"


def test_open_from_an_offset(storage: Storage) -> None:
    put(storage, KEY, b"0123456789")
    assert [read(storage, KEY, start) for start in (0, 4, 10, 99)] == [b"0123456789", b"456789", b"", b""]


def test_a_taken_key_is_refused_and_keeps_its_bytes(storage: Storage) -> None:  # ST-03
    put(storage, KEY, b"first")
    with pytest.raises(KeyTaken):
        put(storage, KEY, b"second")
    assert read(storage, KEY) == b"first"


def test_of_many_at_once_exactly_one_wins(storage: Storage) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]
    all_began = Barrier(len(contents))

    class Racing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                all_began.wait(60)
            return super().read(size)

    def race(content: bytes) -> bool:
        try:
            storage.put(KEY, Racing(content), type="image/jpeg")
        except KeyTaken:
            return False
        return True

    with ThreadPoolExecutor(len(contents)) as threads:
        won = list(threads.map(race, contents))
    assert sum(won) == 1
    assert read(storage, KEY) == contents[won.index(True)]
    assert keys(storage) == [KEY]


def test_a_source_that_breaks_leaves_nothing(storage: Storage) -> None:  # UP-17
    with pytest.raises(ConnectionResetError):
        storage.put(KEY, Breaking(b"0123456789"), type="image/jpeg")
    assert keys(storage) == []
    with pytest.raises(NotStored):
        storage.open(KEY)
    put(storage, KEY, b"whole")
    assert read(storage, KEY) == b"whole"


def test_nothing_is_visible_while_bytes_arrive(storage: Storage) -> None:  # UP-18
    seen: list[list[str]] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append(keys(storage))
            return super().read(size)

    source: BinaryIO = Watched(b"x" * 5000)
    storage.put(KEY, source, type="image/jpeg")
    assert seen
    assert not any(seen)
    assert keys(storage) == [KEY]


def test_what_is_absent_is_not_stored(storage: Storage) -> None:
    put(storage, KEY)
    for key in ("pages/other.jpg", "nowhere/x.jpg", "pages", KEY + "/below.jpg"):
        with pytest.raises(NotStored):
            storage.open(key)


def test_delete(storage: Storage) -> None:
    put(storage, KEY, b"old")
    with storage.open(KEY) as reading:
        storage.delete(KEY)
        assert reading.read() == b"old"  # who reads already reads on
    with pytest.raises(NotStored):
        storage.open(KEY)
    put(storage, KEY, b"new")
    assert read(storage, KEY) == b"new"


def test_deleting_what_is_absent_is_fine(storage: Storage) -> None:
    put(storage, KEY)
    for key in ("pages/other.jpg", "nowhere/x.jpg", "pages", KEY + "/below.jpg"):
        storage.delete(key)
    assert keys(storage) == [KEY]


# In order; `-` and `.` sort before the `/` of a folder, `0` and letters after it.
LISTED = ["a-b/1.jpg", "a.jpg", "a/1.jpg", "a/10.jpg", "a/2.jpg", "a/B.jpg", "a/b/c.jpg", "a0.jpg", "b/1.jpg", "b1.jpg"]


def test_list_is_in_the_order_of_keys(storage: Storage) -> None:
    for key in reversed(LISTED):
        put(storage, key)
    assert sorted(LISTED) == LISTED
    assert keys(storage) == LISTED


def test_list_by_prefix(quick_storage: Storage) -> None:
    for key in LISTED:
        put(quick_storage, key)
    for prefix in ("a", "a/", "a/1", "a/b", "a/b/", "a/b/c.jpg", "b", "b/", "c", "c/", "a/b/c.jpg/", "B"):
        assert keys(quick_storage, prefix) == [key for key in LISTED if key.startswith(prefix)], prefix


def test_list_continues_after_any_text(quick_storage: Storage) -> None:  # ST-12
    for key in LISTED:
        put(quick_storage, key)
    for prefix in ("", "a/", "b"):
        for after in [*LISTED, "a", "a/", "a/b", "a/b/", "a/b/d", "a/bb", "b/2", "~", "0"]:
            expected = [key for key in LISTED if key.startswith(prefix) and key > after]
            assert keys(quick_storage, prefix, after) == expected, (prefix, after)


def test_list_tells_size_and_time(storage: Storage) -> None:
    put(storage, KEY, b"12345")
    [stored] = storage.list("pages/")
    assert stored.bytes == 5
    assert stored.modified.tzinfo is UTC
    assert abs(datetime.now(UTC) - stored.modified) < timedelta(minutes=1)


def test_what_is_deleted_while_listing_is_left_out_or_listed_whole(storage: Storage) -> None:
    for key in LISTED:
        put(storage, key)
    listing = storage.list()
    first = next(listing)
    for key in LISTED:
        storage.delete(key)
    assert first.key == LISTED[0]
    assert all(stored.bytes == 1 for stored in listing)


BAD_KEYS = [  # UP-11
    *("", "/", "/etc/passwd", "a/", "a//b", "../x", "a/../../x", "a/..", "..", ".", "./a", "a/./b", "a..b"),
    *(
        ".htaccess",
        "a/.b",
        "..\\x",
        "C:\\x",
        "C:x",
        "a b",
        "a\nb",
        "a.jpg\n",
        "a\0.jpg",
        "é.jpg",
        "\u202egpj.a",
        "%2e%2e/x",
    ),
    *("a" * 201, "a/" * 150 + "a", "a?b", "a*", "~x", "$HOME", "file:x", "a\u0000"),
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
def test_a_bad_key_is_refused_everywhere(quick_storage: Storage, key: str) -> None:
    with pytest.raises(BadKey):
        put(quick_storage, key)
    with pytest.raises(BadKey):
        quick_storage.open(key)
    with pytest.raises(BadKey):
        quick_storage.delete(key)
    assert keys(quick_storage) == []


@pytest.mark.parametrize("prefix", ["/", "../", ".", "a//", "a/../", "a/.", "a\0", "a b", "é", "a" * 201], ids=ascii)
def test_a_bad_prefix_is_refused(quick_storage: Storage, prefix: str) -> None:
    with pytest.raises(BadKey):
        keys(quick_storage, prefix)


def test_no_descriptor_is_left_open(quick_storage: Storage) -> None:
    def use(number: int) -> None:
        key = f"covers/{number}.png"
        put(quick_storage, key)
        with pytest.raises(KeyTaken):
            put(quick_storage, key)
        with pytest.raises(NotStored):
            quick_storage.open("covers/absent.png")
        with pytest.raises(NotStored):
            quick_storage.open("covers")
        next(quick_storage.list())  # left half way
        read(quick_storage, key)
        quick_storage.delete(key)

    use(0)
    before = len(os.listdir("/dev/fd"))
    for number in range(1, 20):
        use(number)
    assert len(os.listdir("/dev/fd")) < before + 10  # a connection to a server may have been made anew


# Addresses, for storages that sign them: memory and folders are served by the app, UploadThing shows all to everybody.

TYPE, DISPOSITION = "application/pdf", "attachment; filename*=UTF-8''a%20b.pdf"
showing = pytest.mark.parametrize("storage", BACKENDS[2:5], indirect=True)


def address(storage: Storage, key: str = KEY, *, method: str = "GET", lasts: timedelta = timedelta(minutes=5)) -> str:
    until = datetime.now(UTC) + lasts
    found = storage.address(key, method=method, type=TYPE, disposition=DISPOSITION, expires_at=until)
    assert found is not None
    return found


@pytest.mark.parametrize("storage", [*BACKENDS[:2], "uploadthing"], indirect=True)
def test_what_the_app_serves_has_no_other_address(storage: Storage) -> None:
    put(storage, KEY)
    how: dict[str, str] = {"type": TYPE, "disposition": DISPOSITION}
    assert storage.address(KEY, method="GET", **how, expires_at=datetime.now(UTC) + timedelta(minutes=5)) is None


@showing
def test_who_has_the_address_reads_the_file(storage: Storage) -> None:
    put(storage, KEY, b"0123456789")
    url = address(storage)
    answer = send(url)
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert answer.headers["content-type"] == TYPE
    assert answer.headers["content-disposition"] == DISPOSITION
    part = send(url, headers={"Range": "bytes=3-5"})
    assert (part.status, part.body) == (206, b"345")
    looked = send(address(storage, method="HEAD"), "HEAD")
    assert (looked.status, looked.body, looked.headers["content-length"]) == (200, b"", "10")
    assert send(address(storage, "pages/absent.jpg")).status == 404


@showing
def test_an_address_is_good_for_nothing_else(storage: Storage) -> None:  # ST-13, ST-21
    other = KEY.replace("1.jpg", "2.jpg")
    for key in (KEY, other):
        put(storage, key, b"0123456789")
    url = address(storage)
    bare, _, signed = url.partition("?")
    tampered = re.sub(r"((?:Signature|sig)=)(..)", lambda found: found[1] + ("00" if found[2] != "00" else "11"), url)
    later = re.sub(r"(Expires=)[0-9]+|(se=)[^&]+", lambda f: f"{f[1]}86400" if f[1] else f"{f[2]}2099-01-01", url)
    assert url not in (tampered, later)
    refused = {
        "another key": send(url.replace("1.jpg", "2.jpg")),
        "no signature": send(bare),
        "another signature": send(tampered),
        "a later end": send(later),
        "another type": send(url.replace("application%2Fpdf", "text%2Fhtml").replace("application/pdf", "text/html")),
        "to write": send(url, "PUT", {"x-ms-blob-type": "BlockBlob"}, b"other"),
        "to delete": send(url, "DELETE"),
    }
    assert {name: answer.status for name, answer in refused.items() if answer.status not in (400, 401, 403, 404)} == {}
    assert not any(b"0123456789" in answer.body for answer in refused.values())
    assert [read(storage, key) for key in (KEY, other)] == [b"0123456789"] * 2
    assert signed


@showing
def test_an_address_ends(storage: Storage) -> None:
    put(storage, KEY, b"0123456789")
    url = address(storage, lasts=timedelta(seconds=1))
    patience = time.monotonic() + 60
    while (answer := send(url)).status == 200 and time.monotonic() < patience:
        time.sleep(0.2)
    assert answer.status in (400, 403)
    assert b"0123456789" not in answer.body


@showing
def test_no_address_of_what_is_no_key(storage: Storage) -> None:
    for key in ("../x", "", "a//b", "/etc/passwd"):
        with pytest.raises(BadKey):
            address(storage, key)
