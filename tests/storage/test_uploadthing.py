"""UploadThing: what the token may say, names and signatures as its SDK makes them, and what becomes of troubles.

The server is a stand-in of the tests' own (tests/servers/uploadthing.py), not UploadThing.
"""

import base64
import io
import json
import logging
import random
import re
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from roliascan.app import create_app
from roliascan.settings import Settings
from roliascan.storage import KeyTaken, Storage, StorageUnavailable, UnknownStorage, attempts, open_storage, sqids
from roliascan.storage import uploadthing as backend
from roliascan.storage.uploadthing import UploadThingStorage, addresses
from roliascan.storage.uploadthing_place import is_signed, key_of, name_of, place, signed
from tests.front import SECRET
from tests.servers import parts
from tests.servers.parts import TEST_ALL
from tests.servers.uploadthing import App, sdk
from tests.storage import trouble
from tests.storage.test_contract import keys, put, read
from tests.storage.test_s3 import KEY, PASSING, whole
from tests.storage.trouble import Front

SECRETS = r"sk_[a-z]+_[a-z0-9]|hmac-sha256|signature"
FOREIGN = re.compile(rf"http\.client|words of the server|secret words|127\.0\.0\.1|{SECRETS}", re.I)


def token(**other: Any) -> str:
    told = {"apiKey": "sk_live_0123456789", "appId": "comics1234", "regions": ["sea1", "fra1"], **other}
    return base64.b64encode(json.dumps(told).encode()).decode()


# What is set.


def test_where_everything_is_follows_from_the_token() -> None:
    found = place("uploadthing:", token())
    assert (found.api, found.ingest) == ("https://api.uploadthing.com", "https://sea1.ingest.uploadthing.com")
    assert found.files == "https://comics1234.ufs.sh"
    assert place("uploadthing:", token(ingestHost="ingest.example.org")).ingest == "https://sea1.ingest.example.org"
    assert "sk_live" not in repr(found)


BAD_TOKENS = [
    *("", "x", "é", "sk_live_0123456789", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"[]").decode()),
    *(token(apiKey=""), token(appId=""), token(appId="a.evil.example/"), token(appId=7), token(apiKey="sk live\r\n")),
    *(token(regions=[]), token(regions=["evil.example/"]), token(regions="sea1"), token(ingestHost="evil/x")),
    *(token(ingestHost="user@evil"), token(ingestHost="")),
]


@pytest.mark.parametrize("given", BAD_TOKENS, ids=ascii)
def test_a_token_that_cannot_be_used_stops_the_start(given: str) -> None:  # ST-19
    with pytest.raises(UnknownStorage, match=r"UPLOADTHING_TOKEN: .*dashboard") as refusal:
        open_storage("uploadthing:", uploadthing_token=given)
    assert not re.search(SECRETS, str(whole(refusal.value)))
    if given:
        environ = {"UPLOAD_METHOD": "cdn", "UPLOADTHING_TOKEN": given, "JWT_SECRET": SECRET}
        with pytest.raises(UnknownStorage, match="UPLOADTHING_TOKEN"):
            create_app(Settings.from_environ(environ))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "uploadthing:x",
            "uploadthing://host",
            "uploadthing:?x=http://h",
            "uploadthing:?api=ftp://h",
            "uploadthing:?api",
        ),
        *("uploadthing:?api=http://u:p@h", "uploadthing:?api=http://h&api=http://h", "uploadthing:?files=http://h?x"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(UnknownStorage, match="STORAGE_URL: uploadthing: "):
        open_storage(url, uploadthing_token=token())


def test_nothing_is_loaded_before_it_is_needed() -> None:
    program = (
        "import sys\nfrom roliascan.storage import open_storage\nfrom roliascan.storage.uploadthing import addresses\n"
        f"open_storage('uploadthing:', uploadthing_token={token()!r})\n"
        f"addresses('uploadthing:', {token()!r}, images_at='')('pages/x.jpg')\n"
        "print({'http.client', 'ssl', 'hashlib', 'tempfile', 'email', 'secrets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Names and signatures, as UploadThing's SDK makes them.

BLOCKED = ["a1aocdz275", "a33cdsz656", "a5k439z1179", "a8fnebz1789", "a8ob0wz1840"]
"""Apps whose first identifier would say a word of Sqids' list."""


def some_apps(count: int) -> list[str]:
    letters = string.ascii_lowercase + string.digits
    chance = random.Random(21)
    return [*BLOCKED, *("".join(chance.choices(letters, k=chance.randrange(1, 30))) for _ in range(count))]


@pytest.mark.uploadthing
def test_names_begin_as_the_sdk_says() -> None:
    parts.require("uploadthing")
    apps = some_apps(5_000 if TEST_ALL else 1_000)
    assert [sqids.prefix(app) for app in apps] == sdk({"act": "prefix", "app": app} for app in apps)
    names = [name_of(sqids.prefix(app), KEY) for app in apps]
    asked = ({"act": "isKeyOf", "app": app, "key": name} for app, name in zip(apps, names, strict=True))
    assert all(sdk(asked))


@pytest.mark.uploadthing
def test_addresses_are_signed_as_the_sdk_does() -> None:
    parts.require("uploadthing")
    found, now = place("uploadthing:", token()), datetime(2026, 11, 26, 12, 0, 0, 123000, tzinfo=UTC)
    values = ["a.png", "image/jpeg", "0", "a b+c&d=e%f~!*'()é漢/\\\"<>", string.punctuation, "\u0001"]
    made, asked = [], []
    for number, value in enumerate(values * 20):
        end = now + timedelta(seconds=number)
        more = {"x_ut_file_name": value, "x_ut_file_type": values[number % 5], "x_ut_slug": "s"}
        made.append(signed(found, f"{found.ingest}/{name_of('p', KEY)}", end, **more))
        data = {name.replace("_", "-"): text for name, text in more.items()}
        url, expires = f"{found.ingest}/{name_of('p', KEY)}", int(end.timestamp() * 1000)
        asked.append({"act": "signed", "url": url, "secret": found.api_key, "expires": expires, "data": data})
    assert made == sdk(asked)


@pytest.mark.uploadthing
def test_calls_are_verified_as_the_sdk_does() -> None:
    parts.require("uploadthing")
    found = place("uploadthing:", token())
    app = App(found.app_id, found.api_key, cast(Any, None))
    bodies = ["", "{}", '{"file":{"key":"x"}}', "é漢", "x" * 5000]
    asked = [(body, app.sign(other.encode())) for body in bodies for other in bodies]
    asked += [("{}", text) for text in ("", "hmac-sha256=", f"hmac-sha256={'0' * 64}")]
    ours = [is_signed(found, body.encode(), signature) for body, signature in asked]
    theirs = sdk({"act": "isSigned", "body": b, "signature": s, "secret": found.api_key} for b, s in asked)
    assert ours == theirs
    assert sum(ours) == len(bodies)


def test_a_signature_that_is_no_text_is_wrong() -> None:
    """Some platforms pass headers on as JSON, which can have halves of characters."""
    assert not is_signed(place("uploadthing:", token()), b"{}", "hmac-sha256=\ud800")


def test_a_name_leads_back_to_its_key_only() -> None:
    prefix = sqids.prefix("comics1234")
    for key in (KEY, "a", "a-b_c.d/e", "x" * 200):
        name = name_of(prefix, key)
        assert key_of(prefix, name) == key
        assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
        wrong = (name[1:], name[:-1] + "é", f"{name}=", f"{name}A", sqids.prefix("other") + name[12:], name + "\n")
        assert [key_of(prefix, other) for other in wrong] == [None] * len(wrong)
    outside = [
        base64.urlsafe_b64encode(key).rstrip(b"=").decode() for key in (b"../etc", b".x", b"a\0", b"\xff", b"/a")
    ]
    assert [key_of(prefix, prefix + text) for text in outside] == [None] * 5


def test_readers_get_addresses_without_the_storage() -> None:
    name = name_of(sqids.prefix("comics1234"), KEY)
    assert addresses("uploadthing:", token(), images_at="")(KEY) == f"https://comics1234.ufs.sh/f/{name}"
    assert addresses("uploadthing:", token(), images_at="https://i.example/x")(KEY) == f"https://i.example/x/{name}"


# What is stored.


@pytest.fixture
def app(uploadthing_app: App) -> App:
    return uploadthing_app


@pytest.fixture
def storage(app: App) -> UploadThingStorage:
    return cast(UploadThingStorage, open_storage(app.url, uploadthing_token=app.token))


def test_images_are_shown_and_all_else_is_saved(storage: Storage, app: App) -> None:
    storage.put("pages/a.jpg", io.BytesIO(b"x"), type="image/jpeg")
    storage.put("files/a.pdf", io.BytesIO(b"x"), type="application/pdf")
    told = [(file.type, file.disposition) for file in app.files.values()]
    assert told == [("image/jpeg", "inline"), ("application/pdf", "attachment")]


@pytest.mark.parametrize("status", ["Uploading", "Failed", "Deletion Pending"])
def test_what_is_not_there_whole_is_not_listed(storage: Storage, app: App, status: str) -> None:
    put(storage, KEY)
    put(storage, "pages/other.jpg")
    next(iter(app.files.values())).status = status
    assert keys(storage) == ["pages/other.jpg"]


def test_whether_it_answers_costs_one_request_for_one_file(behind: Storage, storage: Storage, front: Front) -> None:
    for number in range(3):
        put(storage, f"pages/{number}.jpg")
    assert list(behind.list(after="~")) == []
    assert front.seen == ["POST"]
    front.troubles = ["AccessDenied"]
    with pytest.raises(StorageUnavailable):
        keys(behind, after="~")


def test_files_of_others_are_not_listed(storage: Storage, app: App) -> None:
    put(storage, KEY)
    (file,) = app.files.values()
    for name in ("x", f"{sqids.prefix(app.id)}AAAA", f"{sqids.prefix('other')}{'a' * 20}", "é"):
        app.files[name] = file
    assert keys(storage) == [KEY]


def test_a_large_file_goes_at_once_and_comes_in_parts(storage: Storage) -> None:
    content = bytes(range(256)) * (72 << 10)  # 18 MiB
    put(storage, KEY, content)
    assert read(storage, KEY) == content
    assert read(storage, KEY, 9_000_001) == content[9_000_001:]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_PAGE", 10)
    monkeypatch.setattr(backend, "_OVERLAP", 3)


def test_a_list_goes_on_after_its_first_page(storage: Storage, small_pages: None) -> None:  # ST-12
    names = sorted(f"pages/{number:x}.jpg" for number in range(60))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: put(storage, name), names))
    assert keys(storage) == names
    assert keys(storage, "pages/2") == [name for name in names if name.startswith("pages/2")]
    assert keys(storage, "pages/", names[3]) == names[4:]


@pytest.mark.parametrize("gone", [3, 12])
def test_what_goes_while_it_is_listed_hides_nothing(
    storage: UploadThingStorage, app: App, small_pages: None, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    """Newest first: what of the first page goes, moves the second."""
    names = [f"pages/{number:02}.jpg" for number in range(30)]
    for name in names:
        put(storage, name)
    pages = storage._page
    left = [gone]

    def page(offset: int, limit: int) -> Any:
        if offset and left:
            for name in list(app.files)[-left.pop() :]:
                del app.files[name]
        return pages(offset, limit)

    monkeypatch.setattr(storage, "_page", page)
    assert set(names[:-gone]) <= set(keys(storage))


def test_what_changes_all_the_time_is_not_listed(
    storage: UploadThingStorage, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(11):
        put(storage, f"pages/{number:02}.jpg")
    pages = storage._page
    monkeypatch.setattr(storage, "_page", lambda offset, limit: pages(offset + (10 if offset else 0), limit))
    with pytest.raises(StorageUnavailable, match="faster than they can be listed"):
        keys(storage)


# Troubles.


@pytest.fixture
def front(app: App) -> Iterator[Front]:
    with trouble.before(app.stand.address) as front:
        yield front


@pytest.fixture
def behind(app: App, front: Front, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """The storage, by way of the front, with shorter pauses."""
    monkeypatch.setattr(attempts, "_PAUSE_S", 0.2)
    return open_storage(app.url.replace(app.stand.address, front.address), uploadthing_token=app.token)


ACTS: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: put(storage, KEY, b"new"),
    "open": lambda storage: read(storage, "pages/there.jpg"),
    "delete": lambda storage: storage.delete("pages/there.jpg"),
    "list": keys,
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("what", PASSING if TEST_ALL else ["SlowDown", "reset before"])
def test_what_passes_is_not_noticed(behind: Storage, front: Front, act: str, what: str) -> None:  # ST-06
    put(behind, "pages/there.jpg", b"there")
    front.troubles = [what, what]
    ACTS[act](behind)
    assert front.troubles == []


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("what", PASSING if TEST_ALL else ["SlowDown", "hang"])
def test_what_does_not_pass_is_refused_after_three_times(
    behind: Storage, storage: Storage, front: Front, act: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-06, ST-21
    put(storage, "pages/there.jpg", b"there")
    front.troubles = [what] * 9
    with monkeypatch.context() as patch:
        if what == "hang":  # no answer comes, be it early or late
            patch.setattr(backend, "READ_S", 0.5)
        with pytest.raises(StorageUnavailable) as refusal:
            ACTS[act](behind)
    assert len(front.seen) == 3
    assert not FOREIGN.search(whole(refusal.value))
    assert read(storage, "pages/there.jpg") == b"there"


@pytest.mark.parametrize("what", ["garbage", "AccessDenied"])
def test_what_is_no_answer_is_refused(behind: Storage, front: Front, what: str) -> None:
    front.troubles = [what] * 9
    with pytest.raises(StorageUnavailable) as refusal:
        keys(behind)
    assert not FOREIGN.search(whole(refusal.value))  # ST-21


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_is_lost_is_found_again(behind: Storage, front: Front, lost: int) -> None:  # ST-07
    front.troubles = ["", *["reset after"] * lost]
    put(behind, KEY, b"new")
    assert front.seen[:2] == ["HEAD", "PUT"]
    assert "PUT" not in front.seen[2:]
    assert (keys(behind), read(behind, KEY)) == ([KEY], b"new")
    with pytest.raises(KeyTaken):
        put(behind, KEY, b"new")  # equal bytes of somebody else


@pytest.mark.parametrize("there", ["before", "after"])
def test_whatever_the_service_says_of_what_is_there_ours_is_ours(
    behind: Storage, front: Front, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """It may not count a file that is whole: then the second try is refused, and what is there tells whose it is."""
    monkeypatch.setattr(UploadThingStorage, "_came_once", lambda *_: 0)
    front.troubles = [f"reset {there}"]
    put(behind, KEY, b"new")
    assert read(behind, KEY) == b"new"
    with pytest.raises(KeyTaken):
        put(behind, KEY, b"new")


def test_a_cache_that_knows_no_parts_is_fine(storage: Storage, app: App) -> None:
    app.ranges = False
    content = bytes(range(256)) * (36 << 10)  # 9 MiB
    put(storage, KEY, content)
    assert read(storage, KEY) == content
    assert [read(storage, KEY, start) for start in (9 << 20, 9_000_001)] == [b"", content[9_000_001:]]


def test_what_came_by_half_goes_on_from_there(storage: Storage, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_PAUSE_S", 0.2)
    content = bytes(range(256)) * 1000
    app.cut = 2
    put(storage, KEY, content)
    assert read(storage, KEY) == content
    assert [len(came) for came in app.came.values()] == [192_000]


def test_what_somebody_else_stored_meanwhile_is_not_ours(
    behind: Storage, storage: Storage, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try is lost before it comes; then somebody stores as many other bytes."""
    front.troubles = ["", "reset before"]

    def pause(_: float) -> None:
        put(storage, KEY, b"old")

    monkeypatch.setattr(attempts, "_pause", pause)
    with pytest.raises(KeyTaken):
        put(behind, KEY, b"new")
    assert read(storage, KEY) == b"old"


def test_bytes_that_are_cut_come_again(behind: Storage, front: Front) -> None:  # ST-06
    put(behind, KEY, bytes(200_000))
    front.troubles = ["half"]
    assert read(behind, KEY) == bytes(200_000)
    front.troubles = ["half"] * 3
    with pytest.raises(StorageUnavailable):
        read(behind, KEY)


def test_what_is_set_wrong_says_what_to_do(storage: Storage, app: App) -> None:
    app.stand.apps[app.id] = app.stand.app()
    with pytest.raises(StorageUnavailable, match="UPLOADTHING_TOKEN") as refusal:
        keys(storage)
    assert not FOREIGN.search(whole(refusal.value))
    nowhere = "uploadthing:?api=http://127.0.0.1:9&ingest=http://127.0.0.1:9&files=http://127.0.0.1:9"
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        keys(open_storage(nowhere, uploadthing_token=app.token))


def test_no_log_tells_a_secret(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:  # ST-21
    caplog.set_level(logging.DEBUG)
    put(storage, KEY)
    read(storage, KEY)
    storage.delete(KEY)
    assert keys(storage) == []
    assert not re.search(SECRETS, caplog.text)
