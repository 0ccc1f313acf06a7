"""Files that go straight to an S3 server: what the bucket is told, and every other use of a ticket.

The server is Ceph's RADOS Gateway, which ignores `x-amz-checksum-*`: what Amazon would refuse by it, completing does.
"""

import http.client
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from roliascan.library import sweep
from roliascan.storage import Storage, open_storage
from tests import drawings
from tests.front import PAGE, Clock, opened, refused, told
from tests.library.uploading import GENERIC, WIDE, Work, announced, asks, commits
from tests.storage.raw import Raw

PAGE_OF_DOCS = Path(__file__).parents[2] / "docs/deploy/storages.md"


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


CUT = Answer(403, b"<Code>connection closed</Code>", {})
"""A server that has refused may close while more is sent to it, and its answer is lost on the way."""


def send(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: Any = None) -> Answer:
    """A request as somebody else's program makes it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
    except (ConnectionError, http.client.HTTPException):
        return CUT
    finally:
        connection.close()


def puts(ticket: Any, data: bytes) -> Answer:
    return send(ticket["url"], ticket["method"], ticket["headers"], data)


def at_work(url: str, storage: Storage, **environ: str) -> Any:
    clock = Clock()
    clock.now = datetime.now(UTC)  # as the server's, which checks it
    return opened(url, clock=clock, storage=storage, **environ)


@pytest.fixture
def work(s3_url: str, site_url: str) -> Iterator[Work]:
    with at_work(site_url, open_storage(s3_url)) as site:
        yield Work(site)


@pytest.fixture
def raw(s3_url: str) -> Raw:
    return Raw(s3_url)


# What the bucket is told.


def test_pages_are_read_past_the_app(s3_url: str, site_url: str, raw: Raw) -> None:  # ST-13, ST-14, UP-25
    images_at = f"{raw.client.meta.endpoint_url}/{raw.bucket}/{raw.prefix}"
    with at_work(site_url, open_storage(s3_url), STORAGE_URL=s3_url, IMAGE_URL=images_at) as site:
        work = Work(site)
        asked = asks(work.uploader, work.target, announced(PAGE), announced(WIDE))
        for ticket, data in zip(asked["tickets"], (PAGE, WIDE), strict=True):
            puts(ticket, data)
        told(work.uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"))
        raw.client.put_bucket_policy(Bucket=raw.bucket, Policy=documented("Principal", raw))
        try:
            (incoming, page) = site.stored
            answer = send(f"{images_at}/{page}")
            assert (answer.status, answer.body) == (200, PAGE)
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["cache-control"] == "public, max-age=31536000, s-maxage=86400, immutable"
            assert send(f"{images_at}/{incoming}").status == 403
            assert send(f"{raw.client.meta.endpoint_url}/{raw.bucket}?prefix={raw.prefix}").status == 403
            told(work.uploader.post(f"uploads/{asked['tickets'][1]['id']}/complete"))
            commits(work.uploader, {"id": asked["session"]})
            assert [page["url"].startswith(f"{images_at}/pages/") for page in work.shown()["pages"]] == [True, True]
            assert [send(page["url"]).body for page in work.shown()["pages"]] == [PAGE, WIDE]
        finally:
            raw.client.delete_bucket_policy(Bucket=raw.bucket)


def documented(word: str, raw: Raw) -> str:
    """The JSON in docs/deploy/storages.md that has this word, for the bucket of these tests."""
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE_OF_DOCS.read_text(), re.M | re.S)
    (text,) = [str(block) for block in blocks if f'"{word}"' in block]
    return text.replace("BUCKET/PREFIX", f"{raw.bucket}/{raw.prefix}").replace("BUCKET", raw.bucket)


def test_a_browser_may_send_what_a_ticket_says(work: Work, raw: Raw) -> None:
    rules = json.loads(documented("AllowedOrigins", raw))
    raw.client.put_bucket_cors(Bucket=raw.bucket, CORSConfiguration={"CORSRules": rules})
    try:
        (ticket,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
        asks_first = {
            "Origin": rules[0]["AllowedOrigins"][0],
            "Access-Control-Request-Method": ticket["method"],
            "Access-Control-Request-Headers": ",".join(sorted(name.lower() for name in ticket["headers"])),
        }
        answer = send(ticket["url"], "OPTIONS", asks_first)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == asks_first["Origin"]
        allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert allowed >= {name.lower() for name in ticket["headers"]}
        assert send(ticket["url"], "OPTIONS", {**asks_first, "Origin": "https://evil.example"}).status == 403
    finally:
        raw.client.delete_bucket_cors(Bucket=raw.bucket)


def test_the_documented_lifecycle_is_taken(raw: Raw) -> None:
    rules = json.loads(documented("Expiration", raw).replace("PREFIX", raw.prefix))
    raw.client.put_bucket_lifecycle_configuration(Bucket=raw.bucket, LifecycleConfiguration=rules)
    found = raw.client.get_bucket_lifecycle_configuration(Bucket=raw.bucket)["Rules"]
    raw.client.delete_bucket_lifecycle(Bucket=raw.bucket)
    assert [rule["Expiration"] for rule in found] == [{"Days": 1}]


# Every other way to use a ticket.


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {one: value for one, value in headers.items() if one != name}


def with_(ticket: Any, **headers: str) -> dict[str, str]:
    return {**ticket["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}


OTHER = drawings.page("png", 20, 30, seed=77)
LIKE_PAGE = OTHER[: len(PAGE)].ljust(len(PAGE), b"\0")
Attempt = Callable[[Any, Raw], Answer]


def sent(data: bytes = PAGE, method: str = "PUT", **headers: str) -> Attempt:
    return lambda ticket, _: send(ticket["url"], method, with_(ticket, **headers), data)


def lacking(name: str) -> Attempt:
    return lambda ticket, _: send(ticket["url"], "PUT", without(ticket["headers"], name), PAGE)


def elsewhere(pattern: str, new: str) -> Attempt:
    def attempt(ticket: Any, raw: Raw) -> Answer:
        url = re.sub(pattern, new, ticket["url"])
        assert url != ticket["url"]
        return send(url, "PUT", ticket["headers"], PAGE)

    return attempt


def copied(ticket: Any, raw: Raw) -> Answer:
    raw.put("pages/secret.png", b"secret")
    source = f"/{raw.bucket}/{raw.prefix}/pages/secret.png"
    answer = send(ticket["url"], "PUT", with_(ticket, x_amz_copy_source=source), PAGE)
    raw.client.delete_object(Bucket=raw.bucket, Key=f"{raw.prefix}/pages/secret.png")
    return answer


def public(ticket: Any, raw: Raw) -> Answer:
    """What it makes public are the bytes that were announced, where nobody finds them, until they are completed."""
    return send(ticket["url"], "PUT", with_(ticket, x_amz_acl="public-read"), PAGE)


def twice(ticket: Any, _: Raw) -> Answer:
    assert puts(ticket, LIKE_PAGE).status == 200
    return puts(ticket, PAGE)


ATTEMPTS: dict[str, tuple[Attempt, str]] = {
    "a byte more": (sent(PAGE + b"x"), "storage 403"),
    "a megabyte more": (sent(PAGE + bytes(1 << 20)), "storage 403"),
    "a byte less": (sent(PAGE[:-1]), "storage 403"),
    "nothing": (sent(b""), "storage 403"),
    "in pieces, without a length": (
        lambda ticket, _: send(ticket["url"], "PUT", with_(ticket, Transfer_Encoding="chunked"), iter([PAGE, b"x"])),
        "storage 403",
    ),
    "another type": (sent(Content_Type="text/html"), "storage 403"),
    "no type": (lacking("Content-Type"), "storage 403"),
    "another hash": (sent(x_amz_checksum_sha256="A" * 43 + "="), "storage 403"),
    "no hash": (lacking("x-amz-checksum-sha256"), "storage 403"),
    "without If-None-Match": (lacking("If-None-Match"), "storage 403"),
    "another If-None-Match": (sent(If_None_Match='"x"'), "storage 403"),
    "another key": (elsewhere(r"incoming/[^.?]*", "pages/evil"), "storage 403"),
    "another bucket": (elsewhere(r"/tests-[0-9]+/", "/other/"), "storage 403"),
    "a later end": (elsewhere(r"Expires=[0-9]+", "Expires=604800"), "storage 403"),
    "another signature": (elsewhere(r"Signature=..", "Signature=00"), "storage 403"),
    "no signature": (elsewhere(r"\?.*", ""), "storage 403"),
    "to read": (sent(b"", method="GET"), "storage 403"),
    "to delete": (sent(b"", method="DELETE"), "storage 403"),
    "a second time": (twice, "storage 412"),
    "other bytes, as many": (sent(LIKE_PAGE), "completing 400"),
    "public, by a header": (public, "nobody"),  # Amazon refuses what begins with x-amz- and is not signed
    "a copy, by a header": (copied, "completing 415"),  # so here too
}


def test_whatever_else_a_ticket_is_used_for_is_refused(
    work: Work, raw: Raw, record_property: Callable[[str, object], None]
) -> None:  # ST-01, ST-02
    asked = asks(work.uploader, GENERIC, *[announced(PAGE)] * len(ATTEMPTS))
    who: dict[str, str] = {}
    for ticket, (name, (attempt, _)) in zip(asked["tickets"], ATTEMPTS.items(), strict=True):
        who[name] = _refused_by(work, ticket, attempt(ticket, raw))
    for name, found in who.items():
        record_property("told", f"  ticket, used for {name:28} refused by {found}")
        record_property("ticket", (name, found.partition(" [")[0]))
    assert {name: found for name, found in who.items() if ATTEMPTS[name][1] not in found} == {}
    swept = sweep.run(work.site.db, work.site.storage, now=work.site.clock.now + timedelta(days=3))
    assert swept.finished
    assert work.site.stored == []


def _refused_by(work: Work, ticket: Any, answer: Answer) -> str:
    if answer.status >= 300:
        if answer.status != 412:
            refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 409, "not_uploaded")
        return f"storage {answer.status} {re.findall(r'<Code>(.*?)</Code>', answer.body.decode() or '')}"
    completed = work.uploader.post(f"uploads/{ticket['id']}/complete")
    return f"completing {completed.status_code} {completed.json['code']}" if completed.status_code != 200 else "nobody"


def test_ready_names_a_storage_that_is_not_there(s3_url: str, site_url: str) -> None:
    bucket = urlsplit(s3_url).netloc
    with at_work(site_url, open_storage(s3_url)) as site:
        assert told(site.stranger.get("/ready"))["storage"] == "ok"
    with at_work(site_url, open_storage(s3_url.replace(bucket, f"{bucket}-gone"))) as site:
        assert "create it" in told(site.stranger.get("/ready"), 503)["storage"]
