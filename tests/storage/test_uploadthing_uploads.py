"""Files that go straight to UploadThing: the whole way into a chapter, other uses of a ticket, and what it calls.

The server is a stand-in of the tests' own (tests/servers/uploadthing.py), not UploadThing.
"""

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from falcon.testing import Result

from roliascan.library import sweep
from roliascan.storage import Storage, open_storage
from roliascan.storage.memory import MemoryStorage
from tests.front import PAGE, Site, refused, told
from tests.library.uploading import GENERIC, Work, announced, asks, commits, image
from tests.servers.parts import TEST_ALL
from tests.servers.uploadthing import App, Call
from tests.storage.test_s3_uploads import LIKE_PAGE, Answer, at_work, send

CALLS_AT = "https://comics.example/api/v1/callbacks/uploadthing"
SECRETS = r"sk_tests_|hmac-sha256=[0-9a-f]{8}|secret words"


def storage_of(app: App) -> Storage:
    return open_storage(app.url, uploadthing_token=app.token, calls_at=CALLS_AT)


@pytest.fixture
def app(uploadthing_app: App) -> App:
    return uploadthing_app


@pytest.fixture
def work(app: App, site_url: str) -> Iterator[Work]:
    given = {"UPLOAD_METHOD": "cdn", "STORAGE_URL": app.url, "UPLOADTHING_TOKEN": app.token}
    with at_work(site_url, storage_of(app), PUBLIC_URL="https://comics.example", **given) as site:
        yield Work(site)


def puts(ticket: Any, data: bytes, *, url: str = "", type: str = "image/png", name: str = "file") -> Answer:
    """As docs/api.md says of a ticket with `fields`: a form of these and the file."""
    part = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="1.png"\r\nContent-Type: {type}\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return send(url or ticket["url"], ticket["method"], headers, part.encode() + data + b"\r\n--b--\r\n")


def calls(site: Site, call: Call, **other: str) -> Result:
    headers = {"uploadthing-hook": call.hook, "x-uploadthing-signature": call.signature, **other}
    return site.stranger.post("callbacks/uploadthing", body=call.body, headers=headers)


def name_of(ticket: Any) -> str:
    return str(urlsplit(ticket["url"]).path.rpartition("/")[2])


# The whole way.


def test_pages_go_past_the_app_and_are_read_past_it(work: Work, app: App, capsys: pytest.CaptureFixture[str]) -> None:
    images = [image(seed) for seed in range(3)]
    asked = asks(work.uploader, work.target, *[announced(data, page=n) for n, data in enumerate(images, 1)])
    assert [set(ticket) for ticket in asked["tickets"]] == [{"id", "page", "method", "url", "fields", "expiresAt"}] * 3
    assert app.expected == {name_of(ticket): CALLS_AT for ticket in asked["tickets"]}
    for ticket, data in zip(asked["tickets"], images, strict=True):
        refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 409, "not_uploaded")
        assert puts(ticket, data).status == 200
        for _ in range(2):
            told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    assert [key for key in work.site.stored if key.startswith("incoming/")] == []
    commits(work.uploader, {"id": asked["session"]})
    told(work.uploader.post(f"chapters/{work.chapter['id']}/publish"))
    pages = work.shown()["pages"]
    assert all(page["url"].startswith(f"{app.stand.address}/files/{app.id}/f/") for page in pages)
    assert [send(page["url"]).body for page in pages] == images
    said = capsys.readouterr()
    assert not re.search(SECRETS, said.out + said.err)  # ST-21


def test_what_the_app_takes_itself_is_read_past_it_too(work: Work, app: App) -> None:
    work.uploader.adds_pages(work.chapter, image=PAGE)
    file = work.uploader.files(PAGE)
    (page,) = work.shown()["pages"]
    assert send(page["url"]).body == send(file["url"]).body == PAGE


def test_an_image_url_stands_before_the_service(app: App, site_url: str) -> None:
    given = {"UPLOAD_METHOD": "cdn", "STORAGE_URL": app.url, "UPLOADTHING_TOKEN": app.token}
    with at_work(site_url, storage_of(app), IMAGE_URL="https://images.example", **given) as site:
        url = site.sign_up("uploader").files(PAGE)["url"]
    assert url.removeprefix("https://images.example/") in app.files


# Every other way to use a ticket.

ATTEMPTS: dict[str, tuple[Callable[[Any], Answer], str]] = {
    "nothing": (lambda ticket: puts(ticket, b""), "storage 400"),
    "a byte more": (lambda ticket: puts(ticket, PAGE + b"x"), "storage 400"),
    "a megabyte more": (lambda ticket: puts(ticket, PAGE + bytes(1 << 20)), "storage 400"),
    "a byte less": (lambda ticket: puts(ticket, PAGE[:-1]), "storage 400"),
    "another type": (lambda ticket: puts(ticket, PAGE, type="text/html"), "storage 400"),
    "another field": (lambda ticket: puts(ticket, PAGE, name="other"), "storage 400"),
    "bytes without a form": (lambda ticket: send(ticket["url"], "PUT", {}, PAGE), "storage 400"),
    "another size that may be": (lambda ticket: _else(ticket, r"size=\d+", "size=9999999"), "storage 400"),
    "a later end": (lambda ticket: _else(ticket, r"expires=1", "expires=9"), "storage 400"),
    "another key": (lambda ticket: _else(ticket, r"/ingest/(.{12}).", r"/ingest/\1x"), "storage 400"),
    "another app": (lambda ticket: _else(ticket, r"identifier=[a-z0-9]+", "identifier=another"), "storage 400"),
    "another type that may be": (lambda ticket: _else(ticket, r"image%252Fpng", "text%252Fhtml"), "storage 400"),
    "another signature": (lambda ticket: _else(ticket, r"sha256%3D..", "sha256%3D00"), "storage 400"),
    "no signature": (lambda ticket: _else(ticket, r"&signature=.*", ""), "storage 400"),
    "to read": (lambda ticket: _then(ticket, "GET"), "storage 405"),
    "to delete": (lambda ticket: _then(ticket, "DELETE"), "storage 405"),
    "a second time": (lambda ticket: (puts(ticket, PAGE), puts(ticket, LIKE_PAGE))[1], "storage 409"),
    "other bytes, as many": (lambda ticket: puts(ticket, LIKE_PAGE), "completing 400"),
}


def _then(ticket: Any, method: str) -> Answer:
    """After the file is there."""
    assert puts(ticket, PAGE).status == 200
    return send(ticket["url"], method)


def _else(ticket: Any, pattern: str, new: str) -> Answer:
    url = re.sub(pattern, new, ticket["url"])
    assert url != ticket["url"]
    return puts(ticket, PAGE, url=url)


def test_whatever_else_a_ticket_is_used_for_is_refused(
    work: Work, record_property: Callable[[str, object], None]
) -> None:  # ST-01, ST-02
    asked = asks(work.uploader, GENERIC, *[announced(PAGE)] * len(ATTEMPTS))
    who: dict[str, str] = {}
    for ticket, (name, (attempt, _)) in zip(asked["tickets"], ATTEMPTS.items(), strict=True):
        who[name] = _refused_by(work, ticket, attempt(ticket))
    for name, found in who.items():
        record_property("ticket", (name, found))
        if TEST_ALL:
            record_property("told", f"  uploadthing: a ticket used for {name:30} {found}")
    assert {name: found for name, found in who.items() if not found.startswith(ATTEMPTS[name][1])} == {}
    assert sweep.run(work.site.db, work.site.storage, now=work.site.clock.now + timedelta(days=3)).finished
    assert work.site.stored == []


def _refused_by(work: Work, ticket: Any, answer: Answer) -> str:
    if answer.status >= 300:
        return f"storage {answer.status}"
    completed = work.uploader.post(f"uploads/{ticket['id']}/complete")
    return f"completing {completed.status_code} {completed.json['code']}" if completed.status_code != 200 else "nobody"


def test_a_ticket_that_has_ended_is_refused(work: Work) -> None:  # ST-02
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    ends = work.site.clock.now - timedelta(minutes=1)
    bound = {"type": "image/png", "bytes": len(PAGE), "sha256": announced(PAGE)["sha256"]}
    late = work.site.storage.ticket(f"incoming/{ticket['id']}.bin", expires_at=ends, **bound)
    assert late is not None
    assert puts(late._asdict(), PAGE).status == 400


# What the service calls.


def test_a_call_is_heard_and_answered_where_the_token_says(work: Work, app: App) -> None:  # ST-19
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    assert puts(ticket, PAGE).status == 200
    (call,) = app.calls
    assert b"evil" in call.body  # an origin that nobody follows
    before = work.site.values("state", "upload_files")
    answer = calls(work.site, call)
    assert (answer.status_code, answer.text) == (204, "")
    assert app.heard == [name_of(ticket)]
    assert work.site.values("state", "upload_files") == before == ["waiting"]
    told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    assert calls(work.site, call).status_code == 204  # late, and again


def test_a_call_that_something_failed_is_heard(work: Work, app: App) -> None:
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    assert calls(work.site, app.call("error", {"fileKey": name_of(ticket), "error": "no"})).status_code == 204
    assert app.heard == []


@pytest.mark.parametrize("signature", ["", "hmac-sha256=", "hmac-sha256=" + "0" * 64, "é", "x" * 500], ids=ascii)
def test_a_forged_call_is_told_nothing(work: Work, app: App, signature: str) -> None:  # ST-18
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    call = app.came_call(name_of(ticket))
    forged = {"x-uploadthing-signature": signature.encode().decode("latin-1")}
    unknown = calls(work.site, app.came_call("x"), **forged)
    known, garbage = calls(work.site, call, **forged), calls(work.site, Call("", "callback", b"{", ""), **forged)
    for answer in (known, unknown, garbage):
        refused(answer, 403, "not_allowed")
    assert known.json["detail"] == unknown.json["detail"] == garbage.json["detail"]
    other = {"x-uploadthing-signature": app.stand.app().sign(call.body)}
    refused(calls(work.site, call, **other), 403, "not_allowed")
    longer = Call(call.url, call.hook, call.body + b" ", call.signature)
    refused(calls(work.site, longer), 403, "not_allowed")
    assert app.heard == []


def test_what_is_unknown_may_come_again(work: Work, app: App) -> None:  # ST-18: before its row, and of other apps
    storage, other = work.site.storage, app.stand.app()
    key = "incoming/01a20846-fe00-7ece-bc0b-f87796bb3294.bin"
    of_other = open_storage(other.url, uploadthing_token=other.token)._name(key)  # type: ignore[attr-defined]
    of_ours = storage._name(key)  # type: ignore[attr-defined]
    pages = storage._name("pages/01a20846-fe00-7ece-bc0b-f87796bb3294.png")  # type: ignore[attr-defined]
    for name in (of_ours, of_other, pages, "", "x", of_ours[:12], of_ours + "A", of_ours[:-1] + "é", "../../etc"):
        refused(calls(work.site, app.came_call(name)), 404)
    assert app.heard == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"file": {"key": 1}}', b"[" * 100_000, b"\xff"], ids=ascii)
def test_a_signed_call_that_is_none(work: Work, app: App, body: bytes) -> None:
    refused(calls(work.site, Call("", "callback", body, app.sign(body))), 403, "unknown_call")
    refused(calls(work.site, Call("", "error", body, app.sign(body))), 403, "unknown_call")


def test_with_files_of_our_own_nobody_is_there(site_url: str, app: App) -> None:
    with at_work(site_url, MemoryStorage()) as site:
        refused(calls(site, app.came_call("x")), 404)


def test_uploads_that_cannot_be_registered_are_asked_for_again(work: Work, app: App) -> None:
    app.stand.apps[app.id] = app.stand.app()
    files = {"target": GENERIC, "files": [announced(PAGE)]}
    refused(work.uploader.post("uploads", files), 503, "outcome_unknown")  # as the session is there
    waiting = work.site.values("id", "upload_files")
    app.stand.apps[app.id] = app
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    assert [ticket["id"]] == waiting
    assert [*app.expected] == [name_of(ticket)]


def test_without_an_address_of_the_site_nothing_is_registered(app: App, site_url: str) -> None:
    given = {"UPLOAD_METHOD": "cdn", "STORAGE_URL": app.url, "UPLOADTHING_TOKEN": app.token}
    with at_work(site_url, open_storage(app.url, uploadthing_token=app.token), **given) as site:
        (ticket,) = asks(site.sign_up("uploader"), GENERIC, announced(PAGE))["tickets"]
    assert puts(ticket, PAGE).status == 200
    assert (app.expected, app.calls) == ({}, [])
    assert "slug" not in ticket["url"]


def test_an_answer_that_is_not_taken_has_the_call_made_again(work: Work, app: App) -> None:
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    call = app.came_call(name_of(ticket))
    app.stand.apps[app.id] = app.stand.app()  # the key is another now
    refused(calls(work.site, call), 503, "storage_unavailable")
    app.stand.apps[app.id] = app
    assert calls(work.site, call).status_code == 204


def test_calls_in_any_order_change_nothing(work: Work, app: App) -> None:  # ST-18
    """Right, forged, repeated, late, of files that are gone, of other apps; with files completed meanwhile."""
    asked = asks(work.uploader, work.target, *[announced(image(seed)) for seed in range(4)])
    tickets = asked["tickets"]
    for seed, ticket in enumerate(tickets[:3]):
        assert puts(ticket, image(seed)).status == 200
    told(work.uploader.delete(f"uploads/{tickets[3]['id']}"), 204)
    random.seed(18)
    events: list[tuple[Any, Call | None]] = [
        random.choice(_events(app, tickets)) for _ in range(10_000 if TEST_ALL else 200)
    ]
    for ticket in tickets[:3]:
        events.insert(random.randrange(len(events)), (ticket["id"], None))
    with ThreadPoolExecutor(4) as threads:
        wrong = [found for found in threads.map(lambda event: _played(work, *event), events) if found]
    assert wrong == []
    assert {*app.heard} <= {name_of(ticket) for ticket in tickets[:3]}
    assert work.site.values("state", "upload_files") == ["complete"] * 3
    assert work.shown()["pages"] == []  # nothing is shown before it is committed
    commits(work.uploader, {"id": asked["session"]})
    assert [send(page["url"]).body for page in work.shown()["pages"]] == [image(seed) for seed in range(3)]


def _events(app: App, tickets: Any) -> list[tuple[int, Call]]:
    """With the status that each is answered with."""
    known = [name_of(ticket) for ticket in tickets[:3]]
    right = [(204, app.came_call(name)) for name in known]
    failed = [(204, app.call("error", {"fileKey": name, "error": "x"})) for name in known]
    forged = [(403, Call(call.url, call.hook, call.body, call.signature[:-1] + "!")) for _, call in right]
    others = [(403, app.stand.app().came_call(name)) for name in known]
    gone = [(404, app.came_call(name)) for name in (name_of(tickets[3]), known[0][:-3], "x")]
    return [*right, *failed, *forged, *others, *gone]


def _played(work: Work, expected: Any, call: Call | None) -> str:
    if call is None:
        done = work.uploader.post(f"uploads/{expected}/complete")
        return "" if done.status_code == 200 else done.text
    answer = calls(work.site, call)
    return "" if answer.status_code == expected else f"{expected}: {answer.status_code} {answer.text}"
