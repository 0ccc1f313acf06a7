"""S3: what STORAGE_URL may say, what is stored beside the bytes, and what becomes of a server's troubles.

The server is Ceph's RADOS Gateway, sometimes behind a front that breaks what it is told to; Amazon's was not asked.
"""

import base64
import hashlib
import io
import itertools
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import botocore.auth
import pytest

from roliascan.errors import Refusal
from roliascan.ids import new_id
from roliascan.storage import KeyTaken, Storage, StorageFull, StorageUnavailable, UnknownStorage, open_storage, s3
from roliascan.storage.s3 import Place, S3Storage, place
from tests.servers.parts import TEST_ALL
from tests.storage import trouble
from tests.storage.raw import Raw
from tests.storage.test_contract import keys, put, read
from tests.storage.trouble import Front

KEY = "pages/01936f5e-8f3a-7000-8000-000000000001.jpg"
NOW = datetime.now(UTC)


# The address.


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://comics", Place("comics", "", "", "", "")),
        ("s3://comics/", Place("comics", "", "", "", "")),
        ("s3://my.comics-1/site/one/", Place("my.comics-1", "site/one/", "", "", "")),
        ("s3://comics/site?region=eu-central-1", Place("comics", "site/", "eu-central-1", "", "")),
        (
            "s3://comics?endpoint=https://x.r2.example&region=auto",
            Place("comics", "", "auto", "https://x.r2.example", ""),
        ),
        (
            "s3://comics/a?addressing=virtual&endpoint=http%3A%2F%2F127.0.0.1%3A9000%2Fs3%2F",
            Place("comics", "a/", "", "http://127.0.0.1:9000/s3", "virtual"),
        ),
    ],
)
def test_an_address_is_read(url: str, expected: Place) -> None:
    assert place(url) == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://", "the bucket has"),
        ("s3://ab", "the bucket has"),
        ("s3://Comics", "the bucket has"),
        ("s3://comics_1", "the bucket has"),
        ("s3://comics:9000", "the bucket has"),
        ("s3://comics#x", "the bucket has"),
        ("s3://comics/../x", "the prefix has"),
        ("s3://comics/a//b", "the prefix has"),
        ("s3://comics/.hidden", "the prefix has"),
        ("s3://comics/a%20b", "the prefix has"),
        ("s3://comics?bucket=x", "no parameter bucket; there are region, endpoint, addressing"),
        ("s3://comics?Region=x&acl=y", "no parameter Region, acl"),
        ("s3://comics?secret", "write s3://bucket/prefix?region=eu-central-1"),
        ("s3://comics?region=a&region=b", "twice"),
        ("s3://comics?region=", "region=eu-central-1"),
        ("s3://comics?region=EU", "region=eu-central-1"),
        ("s3://comics?endpoint=s3.example", "endpoint=https://s3.example.org"),
        ("s3://comics?endpoint=https://secret:secret@s3.example", "endpoint=https://s3.example.org"),
        ("s3://comics?endpoint=https://s3.example?x", "endpoint=https://s3.example.org"),
        ("s3://comics?endpoint=ftp://s3.example", "endpoint=https://s3.example.org"),
        ("s3://comics?addressing=auto", "addressing=path"),
        ("s3://key:secret@comics", "AWS_ACCESS_KEY_ID"),
        ("s3://[", "write s3://bucket/prefix"),
    ],
)
def test_an_address_that_is_wrong_stops_the_start(url: str, says: str) -> None:
    with pytest.raises(UnknownStorage) as refusal:
        open_storage(url)
    assert says in refusal.value.detail
    assert refusal.value.detail.startswith("STORAGE_URL: s3: ")
    assert "secret" not in refusal.value.detail  # ST-21


def test_opening_asks_nobody_and_loads_no_sdk() -> None:
    program = (
        "import sys\nsys.addaudithook(lambda event, _: event.startswith('socket.') and sys.exit(event))\n"
        "from roliascan.storage import open_storage\nopen_storage('s3://comics?region=eu-central-1')\n"
        "print({name.split('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'urllib3', 'tempfile', 'hashlib'})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_without_the_sdk_the_start_says_what_to_install() -> None:
    program = (
        "import sys, importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'botocore' else find(name, *more)\n"
        "from roliascan.storage import UnknownStorage, open_storage\n"
        "try: open_storage('s3://comics')\nexcept UnknownStorage as refusal: print(refusal.detail)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install --require-hashes -r requirements/container.txt" in done.stdout


# What is stored.


@pytest.fixture
def storage(s3_url: str) -> S3Storage:
    return S3Storage(s3_url)


@pytest.fixture
def raw(s3_url: str) -> Raw:
    return Raw(s3_url)


@pytest.mark.parametrize(("type", "shown"), [("image/jpeg", None), ("application/pdf", "attachment")])
def test_who_reads_past_us_is_told_what_it_is(
    storage: S3Storage, raw: Raw, type: str, shown: str | None
) -> None:  # UP-25
    storage.put(KEY, io.BytesIO(b"bytes"), type=type)
    told = raw.head(KEY)
    assert (told["ContentType"], told.get("ContentDisposition")) == (type, shown)
    assert told["CacheControl"] == "public, max-age=31536000, s-maxage=86400, immutable"
    assert told["ContentLength"] == 5


def test_sites_that_share_a_bucket_do_not_meet(s3_url: str) -> None:
    one, other = open_storage(s3_url), open_storage(s3_url.replace("?", "-other?"))
    put(one, KEY, b"one")
    assert keys(other) == []
    put(other, KEY, b"other")
    one.delete(KEY)
    assert (keys(one), read(other, KEY)) == ([], b"other")
    other.delete(KEY)


def test_what_others_put_there_is_not_listed(storage: S3Storage, raw: Raw) -> None:
    for key in ("pages/", "pages/a b.jpg", ".hidden", "é.jpg", "pages/x.jpg"):
        raw.put(key)
    assert keys(storage) == ["pages/x.jpg"]


MANY = 1_200 if TEST_ALL else 1_010


def test_a_list_goes_on_after_a_thousand(storage: S3Storage, raw: Raw) -> None:  # ST-12
    names = sorted(f"pages/{number:x}.jpg" for number in range(MANY))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(raw.put, names))
    assert keys(storage) == names
    assert keys(storage, "pages/3") == [name for name in names if name.startswith("pages/3")]
    assert keys(storage, "pages/", names[3]) == names[4:]
    assert list(itertools.islice(keys(storage, after=names[-2]), 3)) == names[-1:]


def test_strangers_neither_list_nor_read(storage: S3Storage, raw: Raw) -> None:  # ST-13, ST-14
    put(storage, KEY)
    assert not storage.is_listed_to_strangers()
    raw.client.put_bucket_acl(Bucket=raw.bucket, ACL="public-read")
    try:
        assert storage.is_listed_to_strangers()
    finally:
        raw.client.put_bucket_acl(Bucket=raw.bucket, ACL="private")
    assert not storage.is_listed_to_strangers()


def test_no_key_comes_twice() -> None:  # ST-13: 74 of 128 bits are random, the others tell the time
    made = {new_id(NOW) for _ in range(200_000)}
    assert len(made) == 200_000
    bits = [f"{int(one.replace('-', ''), 16):0128b}" for one in itertools.islice(made, 20_000)]
    alike = [place for place in range(128) if len({one[place] for one in bits}) == 1]
    assert len(alike) == 48 + 4 + 2  # the millisecond, and what UUIDs are marked with


# Tickets.


def ticket(storage: Storage, content: bytes, key: str = KEY, *, expires_at: datetime | None = None) -> Any:
    sha256 = hashlib.sha256(content).hexdigest()
    ends = expires_at or datetime.now(UTC) + timedelta(hours=1)
    made = storage.ticket(key, type="image/png", bytes=len(content), sha256=sha256, expires_at=ends)
    assert made is not None
    return made


def test_a_ticket_signs_what_it_declares_and_nothing_else(s3_url: str) -> None:
    storage = S3Storage("s3://comics/site?region=eu-central-1")
    made = ticket(storage, b"content")
    parts = urlsplit(made.url)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    assert parts.scheme == "https"
    assert parts.netloc == "comics.s3.eu-central-1.amazonaws.com"
    assert parts.path == f"/site/{KEY}"
    assert set(query) == {
        *("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"),
        "X-Amz-Signature",
    }
    signed = "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
    assert query["X-Amz-SignedHeaders"] == signed
    assert 3590 < int(query["X-Amz-Expires"]) <= 3600
    digest = base64.b64encode(hashlib.sha256(b"content").digest()).decode()
    assert made.headers == {"Content-Type": "image/png", "If-None-Match": "*", "x-amz-checksum-sha256": digest}
    assert (made.method, made.fields, made.expires_at) == ("PUT", None, None)


def test_where_a_ticket_leads(s3_url: str) -> None:
    for url, leads in {
        "s3://comics?region=us-east-1": "https://comics.s3.us-east-1.amazonaws.com/pages/",
        "s3://comics?region=us-east-1&addressing=path": "https://s3.us-east-1.amazonaws.com/comics/pages/",
        "s3://comics?endpoint=https://r2.example": "https://r2.example/comics/pages/",
        "s3://comics/p?endpoint=https://s3.example/v1&addressing=virtual": "https://comics.s3.example/v1/p/pages/",
    }.items():
        assert ticket(S3Storage(url), b"x").url.startswith(leads), url


def test_the_region_may_be_in_the_environment(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert ticket(S3Storage("s3://comics"), b"x").url.startswith("https://comics.s3.eu-west-1.amazonaws.com/")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert ticket(S3Storage("s3://comics?region=eu-west-3"), b"x").url.startswith("https://comics.s3.eu-west-3.")


def test_a_ticket_ends_with_its_credentials(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # ST-15
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    made = ticket(S3Storage(s3_url), b"x")
    assert made.expires_at == ends
    query = dict(parse_qsl(urlsplit(made.url).query))
    assert int(query["X-Amz-Expires"]) <= 1200
    assert query["X-Amz-Security-Token"] == "token"


# Troubles.

FOREIGN = re.compile(
    r"botocore\.|ClientError|an error occurred|words of the server|127\.0\.0\.1|key-of-tests|Signature=", re.I
)


def whole(error: BaseException) -> str:
    """Everything that could be told of it, and what it came from, without the lines of source."""
    told = traceback.TracebackException.from_exception(error, lookup_lines=False, capture_locals=False)
    return "".join(line for line in told.format() if not line.startswith("  File"))


@pytest.fixture
def front(s3_url: str) -> Iterator[Front]:
    with trouble.before(parse_qs(urlsplit(s3_url).query)["endpoint"][0]) as front:
        yield front


@pytest.fixture
def behind(s3_url: str, front: Front) -> S3Storage:
    """The storage, by way of the front."""
    return S3Storage(re.sub(r"endpoint=[^&]*", f"endpoint={front.address}", s3_url))


ACTS: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: put(storage, KEY, b"new"),
    "open": lambda storage: read(storage, "pages/there.jpg"),
    "delete": lambda storage: storage.delete("pages/there.jpg"),
    "list": keys,
}
FAULTS = {"SlowDown": "SlowDown", "hang": "ReadTimeoutError", "reset before": "ConnectionClosedError"}
"""What is written into the log."""
PASSING = ["SlowDown", "InternalError", "ServiceUnavailable", "TooManyRequests", "reset before", "hang"]


@pytest.mark.parametrize("act", ACTS if TEST_ALL else ["put"])
@pytest.mark.parametrize("what", PASSING if TEST_ALL else ["SlowDown", "reset before"])
def test_what_passes_is_not_noticed(behind: S3Storage, front: Front, act: str, what: str) -> None:  # ST-06
    put(behind, "pages/there.jpg", b"there")
    front.seen.clear()
    front.troubles = [what, what]
    ACTS[act](behind)
    assert len(front.seen) == 3


@pytest.mark.parametrize("act", ACTS if TEST_ALL else ["list"])
@pytest.mark.parametrize("what", [*PASSING, "garbage"] if TEST_ALL else ["SlowDown", "hang", "garbage"])
def test_what_does_not_pass_is_refused_after_three_times(
    behind: S3Storage, front: Front, act: str, what: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-06, ST-21
    put(open_storage(s3_url), "pages/there.jpg", b"there")
    front.troubles = [what] * 9
    if what == "hang":
        monkeypatch.setattr(s3, "_READ_S", 0.5)  # no answer comes, be it early or late
    if what == "garbage" and act == "open":
        ACTS[act](behind)  # bytes may be any: who asked for them checks
        return
    with pytest.raises(StorageUnavailable) as refusal:
        ACTS[act](behind)
    assert len(front.seen) <= 3
    assert front.seen
    assert refusal.value.fault == FAULTS.get(what, refusal.value.fault) != ""
    assert not FOREIGN.search(whole(refusal.value))
    assert read(open_storage(s3_url), "pages/there.jpg") == b"there"


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_is_lost_is_found_again(behind: S3Storage, front: Front, lost: int) -> None:  # ST-07
    front.troubles = ["reset after"] * lost
    put(behind, KEY, b"new")
    assert front.seen == [*["PUT"] * (lost + 1), "HEAD"]
    assert (keys(behind), read(behind, KEY)) == ([KEY], b"new")
    with pytest.raises(KeyTaken):
        put(behind, KEY, b"new")  # equal bytes of somebody else


def test_an_answer_that_is_lost_for_good_leaves_whole_bytes(behind: S3Storage, front: Front) -> None:  # ST-07
    front.troubles = ["reset after"] * 3
    with pytest.raises(StorageUnavailable):
        put(behind, KEY, b"new")
    assert (keys(behind), read(behind, KEY)) == ([KEY], b"new")  # without a row: swept


def test_bytes_that_are_cut_are_no_file(behind: S3Storage, front: Front) -> None:  # ST-06
    put(behind, KEY, bytes(200_000))
    front.troubles = ["half"]
    with pytest.raises(StorageUnavailable):
        read(behind, KEY)
    assert len(read(behind, KEY)) == 200_000


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("QuotaExceeded", StorageFull, "no room"),
        ("AccessDenied", StorageUnavailable, "docs/deploy/storages.md"),
        ("ExpiredToken", StorageUnavailable, "have expired"),
        ("ConditionalRequestConflict", StorageUnavailable, "try again"),
    ],
)
def test_a_no_is_told_as_ours(behind: S3Storage, front: Front, code: str, kind: type[Refusal], says: str) -> None:
    front.troubles = [code] * 3
    with pytest.raises(kind) as refusal:
        put(behind, KEY)
    assert says in str(refusal.value)
    assert not FOREIGN.search(whole(refusal.value))  # ST-21


def refusal_of(storage: Storage) -> str:
    with pytest.raises(StorageUnavailable) as refusal:
        next(storage.list(after="~"), None)
    assert not FOREIGN.search(whole(refusal.value))  # ST-21
    return refusal.value.detail


def test_what_is_set_wrong_says_what_to_do(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = urlsplit(s3_url).netloc
    assert "create it" in refusal_of(open_storage(s3_url.replace(bucket, f"{bucket}-not-there")))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    assert "AWS_SECRET_ACCESS_KEY" in refusal_of(open_storage(s3_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    assert "does not know these credentials" in refusal_of(open_storage(s3_url))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert "names no region" in refusal_of(open_storage("s3://comics"))
    assert "There are no credentials" in refusal_of(open_storage(s3_url))


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong_is_named(s3_url: str, monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:  # ST-16
    storage = open_storage(s3_url)
    put(storage, KEY)
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda: (datetime.now(UTC) + timedelta(minutes=minutes)).replace(tzinfo=None),
    )
    assert "The clock here differs" in refusal_of(storage)
