"""Files that go straight to Azure or Google: where they are read, and every other use of a ticket.

The servers are Azurite, Microsoft's emulator, and a stand-in of Google that is not Google's (tests/servers/gcs.py).
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from roliascan.library import sweep
from tests.front import PAGE, told
from tests.library.uploading import GENERIC, Work, announced, asks, commits
from tests.servers import azurite, parts, program
from tests.servers.parts import TEST_ALL
from tests.storage.test_clouds import CLOUDS, Raw, opened
from tests.storage.test_s3_uploads import LIKE_PAGE, Answer, at_work, puts, send, with_, without


@pytest.fixture(params=CLOUDS)
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def raw(url: str) -> Raw:
    return Raw(url)


@pytest.fixture
def work(url: str, site_url: str) -> Iterator[Work]:
    with at_work(site_url, opened(url)) as site:
        yield Work(site)


# Where pages are.


def test_pages_are_at_the_address_of_images(url: str, site_url: str) -> None:
    given = {"STORAGE_URL": url, "IMAGE_URL": "https://images.example/site", "AZURE_STORAGE_KEY": azurite.KEY}
    with at_work(site_url, opened(url), **given) as site:
        work = Work(site)
        asked = asks(work.uploader, work.target, announced(PAGE))
        puts(asked["tickets"][0], PAGE)
        told(work.uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"))
        commits(work.uploader, {"id": asked["session"]})
        (page,) = work.shown()["pages"]
        assert page["url"].startswith("https://images.example/site/pages/")


# Every other way to use a ticket.

Attempt = Callable[[Any], Answer]


def sent(data: bytes = PAGE, method: str = "PUT", **headers: str) -> Attempt:
    return lambda ticket: send(ticket["url"], method, with_(ticket, **headers), data)


def lacking(name: str) -> Attempt:
    return lambda ticket: send(ticket["url"], "PUT", without(ticket["headers"], name), PAGE)


def elsewhere(pattern: str, new: str, method: str = "PUT") -> Attempt:
    def attempt(ticket: Any) -> Answer:
        url = re.sub(pattern, new, ticket["url"])
        assert url != ticket["url"]
        return send(url, method, ticket["headers"], PAGE if method == "PUT" else b"")

    return attempt


def in_pieces(ticket: Any) -> Answer:
    chunks = [b"%x\r\n%s\r\n" % (len(data), data) for data in (PAGE, b"x", b"")]
    return send(ticket["url"], "PUT", with_(ticket, Transfer_Encoding="chunked"), iter(chunks))


def twice(ticket: Any) -> Answer:
    assert puts(ticket, PAGE).status in {200, 201}
    return puts(ticket, LIKE_PAGE)


def then(method: str) -> Attempt:
    """After the file is there."""

    def attempt(ticket: Any) -> Answer:
        assert puts(ticket, PAGE).status in {200, 201}
        return send(ticket["url"], method)

    return attempt


EVERYWHERE: dict[str, tuple[Attempt, str]] = {
    "nothing": (sent(b""), ""),
    "another key": (elsewhere(r"incoming/[^.?]*", "pages/evil"), "storage 403"),
    "another place": (elsewhere(r"/tests-[0-9]+/", "/other/"), "storage 403"),
    "another signature": (elsewhere(r"(sig|Signature)=..", r"\1=00"), "storage 403"),
    "no signature": (elsewhere(r"\?.*", ""), "storage 4"),
    "to read": (then("GET"), "storage 403"),
    "to delete": (then("DELETE"), "storage 403"),
    "other bytes, as many": (sent(LIKE_PAGE), "completing 400"),
}
AZURE = {
    **EVERYWHERE,
    "a byte more": (sent(PAGE + b"x"), "completing 413"),
    "a megabyte more": (sent(PAGE + bytes(1 << 20)), "completing 413"),
    "a byte less": (sent(PAGE[:-1]), "completing 400"),
    "another type": (sent(Content_Type="text/html"), "nobody"),  # of what nobody reads; what is kept has ours
    "another kind of blob": (sent(b"", x_ms_blob_type="AppendBlob"), ""),
    "no kind of blob": (lacking("x-ms-blob-type"), "storage 400"),
    "a later end": (elsewhere(r"se=20..", "se=2099"), "storage 403"),
    "more rights": (elsewhere(r"sp=c", "sp=racwd"), "storage 403"),
    "a whole container": (elsewhere(r"sr=b", "sr=c"), "storage 403"),
    "a second time": (twice, "storage 403"),
    "to list": (elsewhere(r"/p[0-9]+/incoming.*?\?", "?restype=container&comp=list&", method="GET"), "storage 403"),
}
GCS = {
    **EVERYWHERE,
    "a byte more": (sent(PAGE + b"x"), "storage 400"),
    "a megabyte more": (sent(PAGE + bytes(1 << 20)), "storage 400"),
    "a byte less": (sent(PAGE[:-1]), "storage 400"),
    "in pieces, without a length": (in_pieces, "storage 400"),
    "another type": (sent(Content_Type="text/html"), "storage 403"),
    "no type": (lacking("Content-Type"), "storage 403"),
    "another size that may be": (sent(PAGE + b"x", x_goog_content_length_range="0,9999999"), "storage 403"),
    "no size": (lacking("x-goog-content-length-range"), "storage 403"),
    "another generation": (sent(x_goog_if_generation_match="1"), "storage 403"),
    "no generation": (lacking("x-goog-if-generation-match"), "storage 403"),
    "a later end": (elsewhere(r"Expires=[0-9]+", "Expires=604800"), "storage 403"),
    "another day": (elsewhere(r"Date=20", "Date=21"), "storage 403"),
    "a second time": (twice, "storage 412"),
    "public, by a header": (sent(x_goog_acl="public-read"), "storage 400"),
    "a copy, by a header": (sent(x_goog_copy_source="/tests/pages/secret.png"), "storage 400"),
}


def test_whatever_else_a_ticket_is_used_for_is_refused(
    work: Work, raw: Raw, record_property: Callable[[str, object], None]
) -> None:  # ST-01, ST-02
    attempts = AZURE if raw.is_azure else GCS
    asked = asks(work.uploader, GENERIC, *[announced(PAGE)] * len(attempts))
    who: dict[str, str] = {}
    for ticket, (name, (attempt, _)) in zip(asked["tickets"], attempts.items(), strict=True):
        who[name] = _refused_by(work, ticket, attempt(ticket))
    for name, found in who.items():
        record_property("ticket", (name, found.partition(" [")[0]))
        if TEST_ALL:
            record_property("told", f"  {'azure' if raw.is_azure else 'gcs'}: a ticket used for {name:30} {found}")
    assert {name: found for name, found in who.items() if not found.startswith(attempts[name][1])} == {}
    assert [name for name, found in who.items() if found == "nobody" != attempts[name][1]] == []
    assert sweep.run(work.site.db, work.site.storage, now=work.site.clock.now + timedelta(days=3)).finished
    assert work.site.stored == []


def _refused_by(work: Work, ticket: Any, answer: Answer) -> str:
    if answer.status >= 300:
        return f"storage {answer.status} {re.findall(r'<Code>(.*?)</Code>', answer.body.decode() or '')}"
    completed = work.uploader.post(f"uploads/{ticket['id']}/complete")
    return f"completing {completed.status_code} {completed.json['code']}" if completed.status_code != 200 else "nobody"


def test_a_browser_may_send_what_a_ticket_of_azure_says(azure_url: str, site_url: str) -> None:
    """As the command in docs/deploy/storages.md says. Google's stand-in knows no such rules."""
    from azure.storage.blob import CorsRule

    page = (program.PROJECT / "docs/deploy/storages.md").read_text()
    command = re.search(r"az storage cors add .*?\n.*?\n", page)
    assert command is not None
    given = dict(re.findall(r"--([a-z-]+) (\S+)", command[0]))
    origin, headers = given["origins"], given["allowed-headers"].split(",")
    rule = CorsRule([origin], [given["methods"]], allowed_headers=headers, max_age_in_seconds=int(given["max-age"]))
    owner = azurite.client(parts.require("azurite"))
    owner.set_service_properties(cors=[rule])
    with at_work(site_url, opened(azure_url)) as site:
        (ticket,) = asks(Work(site).uploader, GENERIC, announced(PAGE))["tickets"]
    asks_first = {
        "Origin": origin,
        "Access-Control-Request-Method": ticket["method"],
        "Access-Control-Request-Headers": ",".join(sorted(name.lower() for name in ticket["headers"])),
    }
    answer = send(ticket["url"], "OPTIONS", asks_first)
    other = send(ticket["url"], "OPTIONS", {**asks_first, "Origin": "https://evil.example"})
    owner.set_service_properties(cors=[])
    assert (answer.status, other.status) == (200, 403)
    assert answer.headers["access-control-allow-origin"] == origin
