"""Azure Blob and Google Cloud Storage: what STORAGE_URL may say, what is stored, and what becomes of troubles.

The servers are Azurite, Microsoft's emulator, and a stand-in of Google that is not Google's (tests/servers/gcs.py).
"""

import io
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from roliascan.storage import KeyTaken, Storage, StorageUnavailable, UnknownStorage, attempts, azure, gcs, open_storage
from roliascan.storage.azure import AzureStorage, Place, place
from roliascan.storage.gcs import GoogleStorage
from tests.servers import azurite, parts
from tests.servers import gcs as gcs_server
from tests.servers.parts import TEST_ALL
from tests.storage import trouble
from tests.storage.test_contract import keys, put, read
from tests.storage.test_s3 import KEY, PASSING, ticket, whole
from tests.storage.trouble import Front

CLOUDS = [
    pytest.param("azure", marks=pytest.mark.azurite),
    pytest.param("gcs", marks=pytest.mark.gcs),
]
SECRETS = r"Eby8vd|token-of-tests|PRIVATE KEY|Signature=[0-9a-f]{8}|[?&]sig=(?!\*|REDACTED)"
FOREIGN = re.compile(rf"azure\.core|google\.\w|HttpResponse|words of the server|127\.0\.0\.1|{SECRETS}", re.I)


@pytest.fixture(params=CLOUDS)
def url(request: pytest.FixtureRequest) -> str:
    told: str = request.getfixturevalue(f"{request.param}_url")
    return told


def opened(url: str) -> Any:
    return open_storage(url, azure_key=azurite.KEY)


@pytest.fixture
def storage(url: str) -> Storage:
    made: Storage = opened(url)
    return made


class Raw:
    """A place as its owner sees it, without our code."""

    def __init__(self, url: str) -> None:
        parts_of = urlsplit(url)
        endpoint = parse_qs(parts_of.query)["endpoint"][0]
        self.is_azure = parts_of.scheme == "az"
        *names, self.prefix = f"{parts_of.netloc}{parts_of.path}".split("/")
        if self.is_azure:
            self.place = azurite.client(endpoint).get_container_client(names[1])
        else:
            self.place = gcs_server.client(gcs_server.stand(parts.require("gcs"))).bucket(names[0])

    def put(self, key: str, content: bytes = b"x") -> None:
        name = f"{self.prefix}/{key}"
        if self.is_azure:
            self.place.upload_blob(name, content, overwrite=True)
        else:
            self.place.blob(name).upload_from_string(content)

    def told(self, key: str) -> tuple[str, str | None, str]:
        """Content-Type, Content-Disposition and Cache-Control."""
        name = f"{self.prefix}/{key}"
        if self.is_azure:
            how = self.place.get_blob_client(name).get_blob_properties().content_settings
            return how.content_type, how.content_disposition, how.cache_control
        blob = self.place.get_blob(name)
        return blob.content_type, blob.content_disposition, blob.cache_control


@pytest.fixture
def raw(url: str) -> Raw:
    return Raw(url)


# The addresses.

AZURE = "https://comics.blob.core.windows.net"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("az://comics/files", Place("comics", "files", "", AZURE)),
        ("az://comics/files/", Place("comics", "files", "", AZURE)),
        ("az://comics/files/site/one/", Place("comics", "files", "site/one/", AZURE)),
        ("az://comics/files?endpoint=https://x.example/", Place("comics", "files", "", "https://x.example")),
        (
            "az://comics/my-files/a?endpoint=http%3A%2F%2F127.0.0.1%3A9000%2Fcomics",
            Place("comics", "my-files", "a/", "http://127.0.0.1:9000/comics"),
        ),
    ],
)
def test_an_address_of_azure_is_read(url: str, expected: Place) -> None:
    assert place(url) == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("az://", "no such account"),
        ("az://ab/files", "no such account"),
        ("az://Comics/files", "no such account"),
        ("az://comics:80/files", "no such account"),
        ("az://comics", "no such container"),
        ("az://comics/ab", "no such container"),
        ("az://comics/a--b", "no such container"),
        ("az://comics/-files", "no such container"),
        ("az://comics/Files", "no such container"),
        ("az://comics/files#x", "no such account"),
        ("az://comics/files/../x", "the prefix has"),
        ("az://comics/files/a//b", "the prefix has"),
        ("az://comics/files/.hidden", "the prefix has"),
        ("az://comics/files/a%20b", "the prefix has"),
        ("az://comics/files?sas=secret", "no parameter sas; there is endpoint"),
        ("az://comics/files?secret", "write az://account/container/prefix"),
        ("az://comics/files?endpoint=https://a.example&endpoint=https://b.example", "twice"),
        ("az://comics/files?endpoint=", "endpoint=https://storage.example.org"),
        ("az://comics/files?endpoint=https://secret:secret@x.example", "endpoint=https://storage.example.org"),
        ("az://comics:secret@x/files", "no credentials belong into it"),
        ("az://[", "write az://account/container/prefix"),
        ("gs://", "no such bucket"),
        ("gs://ab", "no such bucket"),
        ("gs://Comics", "no such bucket"),
        ("gs://comics:80", "no such bucket"),
        ("gs://comics#x", "no such bucket"),
        ("gs://comics/../x", "the prefix has"),
        ("gs://comics?project=secret", "no parameter project; there is endpoint"),
        ("gs://comics?endpoint=ftp://x.example", "endpoint=https://storage.example.org"),
        ("gs://key:secret@comics", "no credentials belong into it"),
    ],
)
def test_an_address_that_is_wrong_stops_the_start(url: str, says: str) -> None:
    with pytest.raises(UnknownStorage) as refusal:
        open_storage(url)
    assert says in refusal.value.detail
    assert refusal.value.detail.startswith(f"STORAGE_URL: {url[:2]}: ")
    assert "secret" not in refusal.value.detail  # ST-21


@pytest.mark.parametrize("key", ["secret", "AAAA", azurite.KEY[:-4], f"{azurite.KEY}\n", f"AAAA{azurite.KEY}"])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(UnknownStorage, match="AZURE_STORAGE_KEY is no key") as refusal:
        open_storage("az://comics/files", azure_key=key)
    assert key not in refusal.value.detail  # ST-21


SDKS = {"azure", "google", "urllib3", "requests", "cryptography", "tempfile", "random", "hashlib"}


@pytest.mark.parametrize("url", ["az://comics/files", "gs://comics"])
def test_opening_asks_nobody_and_loads_no_sdk(url: str) -> None:
    program = (
        "import sys\nbefore = set(sys.modules)\n"  # an editable install may be there before us
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and sys.exit(event))\n"
        f"from roliascan.storage import open_storage\nopen_storage('{url}')\n"
        f"print({{name.split('.')[0] for name in set(sys.modules) - before}} & {SDKS})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


@pytest.mark.parametrize(("url", "lock"), [("az://comics/files", "azure"), ("gs://comics", "google")])
def test_without_the_sdk_the_start_says_what_to_install(url: str, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UnknownStorage) as refusal:
        open_storage(url)
    assert f"pip install --require-hashes -r requirements/{lock}.txt" in refusal.value.detail


# What is stored.


@pytest.mark.parametrize(("type", "shown"), [("image/jpeg", None), ("application/pdf", "attachment")])
def test_who_reads_past_us_is_told_what_it_is(storage: Storage, raw: Raw, type: str, shown: str | None) -> None:
    storage.put(KEY, io.BytesIO(b"bytes"), type=type)  # UP-25
    assert raw.told(KEY) == (type, shown, "public, max-age=31536000, s-maxage=86400, immutable")


def test_sites_that_share_a_place_do_not_meet(url: str) -> None:
    one, other = opened(url), opened(url.replace("?", "-other?"))
    put(one, KEY, b"one")
    assert keys(other) == []
    put(other, KEY, b"other")
    one.delete(KEY)
    assert (keys(one), read(other, KEY)) == ([], b"other")


def test_what_others_put_there_is_not_listed(storage: Storage, raw: Raw) -> None:
    for key in ("pages/a b.jpg", ".hidden", "é.jpg", "pages/x.jpg"):
        raw.put(key)
    assert keys(storage) == ["pages/x.jpg"]


def test_a_large_file_goes_and_comes_in_parts(storage: Storage) -> None:
    content = bytes(range(256)) * (72 << 10)  # 18 MiB: above what is sent at once, and what is read at once
    put(storage, KEY, content)
    assert read(storage, KEY) == content
    assert read(storage, KEY, 9_000_001) == content[9_000_001:]
    with pytest.raises(KeyTaken):
        put(storage, KEY, content)
    with storage.open(KEY) as source:
        assert b"".join(iter(lambda: source.read(1_000_003), b"")) == content


PAGES = {"azure": 5_000, "gcs": 1_000}
"""How many keys each tells at a time."""


def test_a_list_goes_on_after_its_first_page(
    storage: Storage, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-12
    if not TEST_ALL:
        monkeypatch.setattr(azure, "_PAGE", 20)
        monkeypatch.setattr(gcs, "_PAGE", 20)
    many = PAGES["azure" if raw.is_azure else "gcs"] + 100 if TEST_ALL else 50
    names = sorted(f"pages/{number:x}.jpg" for number in range(many))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(raw.put, names))
    assert keys(storage) == names
    assert keys(storage, "pages/2") == [name for name in names if name.startswith("pages/2")]
    assert keys(storage, "pages/", names[3]) == names[4:]
    assert keys(storage, after=names[-2]) == names[-1:]


def test_strangers_do_not_list(storage: Any, raw: Raw) -> None:  # ST-13, ST-14
    put(storage, KEY)
    assert not storage.is_listed_to_strangers()
    if raw.is_azure:  # Google's stand-in knows no such rights
        raw.place.set_container_access_policy({}, public_access="container")
        assert storage.is_listed_to_strangers()
        raw.place.set_container_access_policy({}, public_access="blob")
        assert not storage.is_listed_to_strangers()
        raw.place.set_container_access_policy({})


# Tickets.


def test_a_ticket_of_azure_creates_one_blob_and_nothing_else(azure_url: str) -> None:
    made = ticket(AzureStorage("az://comics/files/site", key=azurite.KEY), b"content")
    parts_of = urlsplit(made.url)
    assert parts_of._replace(query="").geturl() == f"{AZURE}/files/site/{KEY}"
    query = dict(parse_qsl(parts_of.query, strict_parsing=True))
    assert set(query) == {"sv", "sr", "se", "sp", "spr", "sig"}
    assert (query["sp"], query["sr"], query["spr"]) == ("c", "b", "https")
    left = datetime.fromisoformat(query["se"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert made.headers == {"Content-Type": "image/png", "x-ms-blob-type": "BlockBlob"}
    assert (made.method, made.fields, made.expires_at) == ("PUT", None, None)


def test_a_ticket_of_google_signs_what_it_declares_and_nothing_else(gcs_url: str) -> None:
    made = ticket(GoogleStorage("gs://comics/site"), b"content")
    parts_of = urlsplit(made.url)
    assert parts_of._replace(query="").geturl() == f"https://storage.googleapis.com/comics/site/{KEY}"
    query = dict(parse_qsl(parts_of.query, strict_parsing=True))
    signed = "content-type;host;x-goog-content-length-range;x-goog-if-generation-match"
    assert query["X-Goog-SignedHeaders"] == signed
    assert 3590 < int(query["X-Goog-Expires"]) <= 3600
    assert made.headers == {
        "Content-Type": "image/png",
        "x-goog-content-length-range": "7,7",
        "x-goog-if-generation-match": "0",
    }
    assert (made.method, made.fields, made.expires_at) == ("PUT", None, None)


# Who we are.


def test_on_googles_platforms_iam_signs(gcs_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is the metadata server's; there is no key here. Both are the stand-in's."""
    stand = gcs_server.stand(parts.require("gcs"))
    host = stand.address.removeprefix("http://")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    monkeypatch.setenv("GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", stand.address)
    storage = open_storage(gcs_url)
    made = ticket(storage, b"content")
    assert trouble.sent(made.url, "PUT", made.headers, b"content") == 200
    assert read(storage, KEY) == b"content"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", f"{stand.address}/elsewhere")
    with pytest.raises(StorageUnavailable, match="Service Account Token Creator") as refusal:
        ticket(open_storage(gcs_url), b"content")
    assert not FOREIGN.search(whole(refusal.value))


def refusal_of(storage: Storage) -> str:
    with pytest.raises(StorageUnavailable) as refusal:
        put(storage, "probe.txt")
    assert not FOREIGN.search(whole(refusal.value))  # ST-21
    return refusal.value.detail


def test_what_is_set_wrong_at_azure_says_what_to_do(azure_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = urlsplit(azure_url).path.split("/")[1]
    assert "create it" in refusal_of(opened(azure_url.replace(container, f"{container}-gone")))
    assert "docs/deploy/storages.md" in refusal_of(open_storage(azure_url, azure_key=f"{'A' * 86}=="))
    assert "cannot be reached" in refusal_of(opened("az://comics/files?endpoint=http://127.0.0.1:9"))


def test_what_is_set_wrong_at_google_says_what_to_do(gcs_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = urlsplit(gcs_url).netloc
    assert "create it" in refusal_of(open_storage(gcs_url.replace(bucket, f"{bucket}-gone")))
    assert "cannot be reached" in refusal_of(open_storage("gs://comics?endpoint=http://127.0.0.1:9"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert "There are no credentials" in refusal_of(open_storage(gcs_url))


# Troubles.


@pytest.fixture
def front(url: str) -> Iterator[Front]:
    endpoint = parse_qs(urlsplit(url).query)["endpoint"][0]
    with trouble.before(endpoint) as front:
        yield front


@pytest.fixture
def behind(url: str, front: Front, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """The storage, by way of the front, with shorter pauses."""
    monkeypatch.setattr(attempts, "_PAUSE_S", 0.2)
    made: Storage = opened(re.sub(r"endpoint=http://[^/]*", f"endpoint={front.address}", url))
    return made


ACTS: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: put(storage, KEY, b"new"),
    "open": lambda storage: read(storage, "pages/there.jpg"),
    "delete": lambda storage: storage.delete("pages/there.jpg"),
    "list": keys,
}


@pytest.mark.parametrize("act", ACTS if TEST_ALL else ["put"])
@pytest.mark.parametrize("what", PASSING if TEST_ALL else ["SlowDown", "reset before"])
def test_what_passes_is_not_noticed(behind: Storage, front: Front, act: str, what: str) -> None:  # ST-06
    put(behind, "pages/there.jpg", b"there")
    front.seen.clear()
    front.troubles = [what, what]
    ACTS[act](behind)
    assert len(front.seen) == 3


@pytest.mark.parametrize("act", ACTS if TEST_ALL else ["list"])
@pytest.mark.parametrize("what", PASSING if TEST_ALL else ["SlowDown", "hang"])
def test_what_does_not_pass_is_refused_after_three_times(
    behind: Storage, front: Front, act: str, what: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-06, ST-21
    put(opened(url), "pages/there.jpg", b"there")
    front.troubles = [what] * 9
    with monkeypatch.context() as patch:
        if what == "hang":  # no answer comes, be it early or late
            patch.setitem(azure._HOW, "read_timeout", 0.5)
            patch.setitem(gcs._ONCE, "timeout", (2, 0.5))
        with pytest.raises(StorageUnavailable) as refusal:
            ACTS[act](behind)
    assert len(front.seen) == 3
    assert re.fullmatch(r"unreachable|503" if what == "hang" else r"\w+", refusal.value.fault)
    assert not FOREIGN.search(whole(refusal.value))
    assert read(opened(url), "pages/there.jpg") == b"there"


@pytest.mark.parametrize("what", ["garbage", "AccessDenied"])
def test_what_is_no_answer_is_refused(behind: Storage, front: Front, what: str) -> None:
    front.troubles = [what] * 9
    with pytest.raises(StorageUnavailable) as refusal:
        keys(behind)
    assert not FOREIGN.search(whole(refusal.value))  # ST-21


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_is_lost_is_found_again(behind: Storage, front: Front, lost: int) -> None:  # ST-07
    sends, looks = ("PUT", "HEAD") if isinstance(behind, AzureStorage) else ("POST", "GET")
    front.troubles = ["reset after"] * lost
    put(behind, KEY, b"new")
    assert front.seen == [*[sends] * (lost + 1), looks]
    assert (keys(behind), read(behind, KEY)) == ([KEY], b"new")
    with pytest.raises(KeyTaken):
        put(behind, KEY, b"new")  # equal bytes of somebody else


def test_an_answer_that_is_lost_for_good_leaves_whole_bytes(behind: Storage, front: Front) -> None:  # ST-07
    front.troubles = ["reset after"] * 3
    with pytest.raises(StorageUnavailable):
        put(behind, KEY, b"new")
    assert (keys(behind), read(behind, KEY)) == ([KEY], b"new")  # without a row: swept


def test_bytes_that_are_cut_come_again(behind: Storage, front: Front) -> None:  # ST-06
    put(behind, KEY, bytes(200_000))
    front.troubles = ["half"]
    assert read(behind, KEY) == bytes(200_000)
    front.troubles = ["half"] * 3
    with pytest.raises(StorageUnavailable):
        read(behind, KEY)


def test_no_log_tells_a_secret(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:  # ST-21
    caplog.set_level(logging.DEBUG)
    put(storage, KEY)
    read(storage, KEY)
    made = ticket(storage, b"x", "incoming/x.bin")
    assert trouble.sent(made.url, "PUT", made.headers, b"x") < 300
    storage.delete(KEY)
    assert keys(storage) == ["incoming/x.bin"]
    assert caplog.text
    assert not re.search(SECRETS, caplog.text)
