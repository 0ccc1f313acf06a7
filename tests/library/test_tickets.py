"""Tickets: the way from announcing a file to its bytes, and what a ticket is good for."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from falcon.testing import Result

from roliascan.storage import Ticket
from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.front import PAGE, SECRET, Asker, Site, at_once, opened, refused, told
from tests.library.test_files import PDF, readers
from tests.library.test_pages import Unread
from tests.library.uploading import GENERIC, NOBODY, WIDE, Work, announced, asks, commits, puts, sends
from tests.people.test_tokens import HEADER, encoded, signed


@pytest.fixture
def work(site: Site) -> Work:
    return Work(site)


@pytest.fixture
def any_work(any_site: Site) -> Work:
    return Work(any_site)


# The whole way.


def test_pages_come_by_tickets_and_are_shown_together(any_work: Work) -> None:
    site, uploader = any_work.site, any_work.uploader
    answer = uploader.post("uploads", {"target": any_work.target, "files": [announced(PAGE, page=1), announced(WIDE)]})
    asked = told(answer, 201)
    path = f"uploads/sessions/{asked['session']}"
    assert answer.headers["location"] == f"/api/v1/{path}"
    first, second = asked["tickets"]
    assert (first["page"], second["page"]) == (1, None)
    assert first["method"] == "PUT"
    assert first["url"].startswith(f"/api/v1/uploads/{first['id']}/bytes?expires=")
    assert first["headers"] == {"Content-Type": "image/png"}
    assert first["expiresAt"] == "2026-11-23T13:00:00.000000Z"
    for ticket, data in ((first, PAGE), (second, WIDE)):
        told(puts(site, ticket, data), 204)
        assert told(uploader.get(f"uploads/{ticket['id']}"))["state"] == "waiting"
        done = told(uploader.post(f"uploads/{ticket['id']}/complete"))
        assert done == told(uploader.get(f"uploads/{ticket['id']}"))
        assert (done["state"], done["url"], done["session"]) == ("complete", None, asked["session"])
    assert any_work.pages() == []
    session = told(uploader.get(path))
    assert session == {
        "id": asked["session"],
        "target": any_work.target,
        "state": "open",
        "createdAt": "2026-11-23T12:00:00.000000Z",
        "expiresAt": "2026-11-24T12:00:00.000000Z",
        "missing": [],
        "files": session["files"],
    }
    committed = commits(uploader, session)
    assert committed["state"] == "committed"
    shown = any_work.shown()
    assert [page["url"] for page in shown["pages"]] == [one["url"] for one in committed["files"]]
    assert [page["id"] for page in shown["pages"]] == [one["fileId"] for one in committed["files"]]
    assert [page["wide"] for page in shown["pages"]] == [False, True]
    assert any_work.pages() == [(1, PAGE), (2, WIDE)]
    assert sorted(site.stored) == sorted(page["url"].removeprefix("/uploads/") for page in shown["pages"])
    told(uploader.post(f"chapters/{any_work.chapter['id']}/publish"))
    assert site.stranger.get(shown["pages"][0]["url"]).content == PAGE


def test_a_cover_comes_by_a_ticket(any_work: Work) -> None:
    site, uploader = any_work.site, any_work.uploader
    old = uploader.files()
    path = f"series/{any_work.series['id']}"
    told(uploader.patch(path, {"coverId": old["id"], "state": "draft"}))
    session = sends(uploader, {"seriesId": any_work.series["id"]}, WIDE)
    assert told(uploader.get(path))["cover"] == old["url"]
    cover = commits(uploader, session)["files"][0]["url"]
    assert told(uploader.get(path))["cover"] == cover
    assert uploader.get(cover).content == WIDE
    assert readers(site, cover) == [404, 404]
    assert site.stored == [cover.removeprefix("/uploads/")]


def test_other_files_come_by_tickets(any_work: Work) -> None:
    site, uploader = any_work.site, any_work.uploader
    files = [announced(PDF, type="application/pdf", name="../Rules.pdf"), announced(PAGE, name="x.html")]
    asked = asks(uploader, GENERIC, *files)
    for ticket, data in zip(asked["tickets"], (PDF, PAGE), strict=True):
        told(puts(site, ticket, data), 204)
        told(uploader.post(f"uploads/{ticket['id']}/complete"))
    shown = commits(uploader, {"id": asked["session"]})["files"]
    assert [one["name"] for one in shown] == ["Rules.pdf", "x.html"]
    for one, data, told_as in zip(shown, (PDF, PAGE), ("attachment; ", "inline; "), strict=True):
        answer = site.stranger.get(one["url"])
        assert answer.content == data
        assert answer.headers["content-disposition"].startswith(told_as)
    assert "x.html.png" in site.stranger.get(shown[1]["url"]).headers["content-disposition"]
    uploader.makes_series(coverId=shown[1]["fileId"])


def test_tickets_are_below_the_address_of_the_site(site_url: str) -> None:
    with opened(site_url, PUBLIC_URL="https://comics.example", IMAGE_URL="https://cdn.example") as site:
        (ticket,) = asks(site.sign_up("uploader"), GENERIC, announced(PAGE))["tickets"]
        assert ticket["url"].startswith("https://comics.example/api/v1/uploads/")


class Elsewhere(MemoryStorage):
    """A storage that takes files from others, at an address of its own; with fields, as a form."""

    fields: dict[str, str] | None = None
    ends: datetime | None = None

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def ticket(self, key: str, **bound: Any) -> Ticket | None:
        self.asked.append({"key": key, **bound})
        return Ticket("POST", f"https://storage.example/{key}", {"X": "1"}, self.fields, self.ends)


@pytest.fixture
def elsewhere(site_url: str) -> Iterator[Work]:
    with opened(site_url, storage=Elsewhere()) as site:
        yield Work(site)


def test_a_storage_that_takes_files_itself_is_where_tickets_lead(elsewhere: Work) -> None:
    now = elsewhere.site.clock.now
    (ticket,) = asks(elsewhere.uploader, elsewhere.target, announced(PAGE))["tickets"]
    key, hash = f"incoming/{ticket['id']}.bin", announced(PAGE)["sha256"]
    assert ticket == {
        "id": ticket["id"],
        "page": None,
        "method": "POST",
        "url": f"https://storage.example/{key}",
        "headers": {"X": "1"},
        "expiresAt": "2026-11-23T13:00:00.000000Z",
    }
    storage = cast(Elsewhere, elsewhere.site.storage)
    bound = {"type": "image/png", "bytes": len(PAGE), "sha256": hash, "expires_at": now + timedelta(hours=1)}
    assert storage.asked == [{"key": key, **bound}]
    storage.put(key, io.BytesIO(PAGE), type="image/png")
    told(elsewhere.uploader.post(f"uploads/{ticket['id']}/complete"))
    session = told(elsewhere.uploader.get(f"uploads/{ticket['id']}"))["session"]
    commits(elsewhere.uploader, {"id": session})
    assert elsewhere.pages() == [(1, PAGE)]


def test_a_ticket_has_headers_or_fields_and_ends_when_its_storage_says(elsewhere: Work) -> None:
    storage = cast(Elsewhere, elsewhere.site.storage)
    storage.fields, storage.ends = {"policy": "p"}, elsewhere.site.clock.now + timedelta(minutes=5)
    (ticket,) = asks(elsewhere.uploader, elsewhere.target, announced(PAGE))["tickets"]
    assert (ticket["fields"], ticket["expiresAt"]) == ({"policy": "p"}, "2026-11-23T12:05:00.000000Z")
    assert "headers" not in ticket


def test_a_ticket_to_us_ends_when_the_storage_takes_files_itself(site_url: str) -> None:
    """After STORAGE_URL was changed: nobody sends bytes through us any more, not even with a ticket that was good."""
    with opened(site_url) as before:
        work = Work(before)
        (ticket,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
        with opened(site_url, storage=Elsewhere()) as after:
            unread = {"wsgi.input": Unread()}
            refused(puts(after, ticket, PAGE, extras=unread), 403, "ticket_expired")
            assert after.stored == []
        told(puts(before, ticket, PAGE), 204)


# What a ticket is good for.


def test_a_ticket_needs_no_token_and_ignores_one(work: Work) -> None:
    tickets = asks(work.uploader, work.target, announced(PAGE), announced(WIDE))["tickets"]
    told(puts(work.site, tickets[0], PAGE), 204)
    told(puts(work.site, tickets[1], WIDE, by=Asker(work.site, token="nonsense")), 204)


def changed(url: str, **values: str) -> str:
    parts = urlsplit(url)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    return f"{parts.path}?" + "&".join(f"{name}={value}" for name, value in query.items())


FORGERIES: dict[str, Callable[[str, str], str]] = {
    "later": lambda url, _: changed(url, expires="99999999999"),
    "earlier": lambda url, _: changed(url, expires="1"),
    "no signature": lambda url, _: url.partition("&signature")[0],
    "nothing": lambda url, _: url.partition("?")[0],
    "another signature": lambda url, _: changed(url, signature="0" * 64),
    "half a signature": lambda url, _: url[:-32],
    "in capitals": lambda url, _: changed(url, signature=parse_qs(url.partition("?")[2])["signature"][0].upper()),
    "of another upload": lambda url, other: url.partition("/bytes")[0] + "/bytes?" + other.partition("?")[2],
    "not in ASCII": lambda url, _: changed(url, signature="%C3%A9"),
    "of no upload": lambda url, _: f"/api/v1/uploads/{NOBODY}/bytes?{url.partition('?')[2]}",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_what_we_did_not_sign_is_nothing(work: Work, how: str) -> None:  # ST-01, ST-02, AU-07
    first, second = asks(work.uploader, GENERIC, announced(PAGE), announced(WIDE))["tickets"]
    forged = FORGERIES[how](first["url"], second["url"])
    refused(puts(work.site, first, PAGE, url=forged, extras={"wsgi.input": Unread()}), 404, "not_found")
    assert work.site.stored == []


@pytest.mark.parametrize("odd", ["expires=x", "expires=-1", "expires=1.5", "more=1", f"signature={'0' * 101}"])
def test_a_ticket_has_no_other_parts(work: Work, odd: str) -> None:
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    refused(puts(work.site, ticket, PAGE, url=f"{ticket['url'].partition('?')[0]}?{odd}"), 400)


def test_a_ticket_is_no_token_and_a_token_no_ticket(work: Work) -> None:  # AU-07
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    signature = parse_qs(urlsplit(ticket["url"]).query)["signature"][0]
    claims = json.loads(base64.urlsafe_b64decode(work.uploader.token.split(".")[1] + "=="))
    text = ".".join(work.uploader.token.split(".")[:2])
    with_its_signature = f"{text}.{encoded(bytes.fromhex(signature))}"
    for token in (signature, with_its_signature, signed(HEADER, claims, secret=signature)):
        refused(Asker(work.site, token=token).get("auth/me"), 401)
    last = work.uploader.token.rpartition(".")[2]
    for signed_as in (work.uploader.token, last, base64.urlsafe_b64decode(last + "==").hex(), SECRET):
        answer = puts(work.site, ticket, PAGE, url=changed(ticket["url"], signature=signed_as[:100]))
        refused(answer, 404)


def test_another_secret_makes_other_tickets(site_url: str, site: Site) -> None:  # AU-07
    (ticket,) = asks(site.sign_up("uploader"), GENERIC, announced(PAGE))["tickets"]
    with opened(site_url, JWT_SECRET=SECRET[::-1]) as other:
        refused(puts(other, ticket, PAGE), 404)
    told(puts(site, ticket, PAGE), 204)


def test_a_ticket_expires(work: Work) -> None:
    (ticket,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
    work.site.clock.forward(minutes=60)
    unread = {"wsgi.input": Unread()}
    refused(puts(work.site, ticket, PAGE, extras=unread), 403, "ticket_expired")
    (again,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
    assert (again["id"], again["url"] != ticket["url"]) == (ticket["id"], True)
    told(puts(work.site, again, PAGE), 204)


@pytest.mark.parametrize(
    ("sent", "headers", "status", "code"),
    [
        (PAGE + b"x", {}, 413, "too_large"),
        (PAGE[:-1], {}, 400, "not_as_announced"),
        (b"", {}, 400, "not_as_announced"),
        (WIDE.ljust(len(PAGE), b"x")[: len(PAGE)], {}, 400, "not_as_announced"),
        (PAGE[:-1] + b"x", {}, 400, "not_as_announced"),
        (PAGE, {"Content-Type": "text/html"}, 415, "unsupported_type"),
        (PAGE, {"Content-Type": "image/jpeg"}, 415, "unsupported_type"),
        (PAGE, {"Content-Type": ""}, 415, "unsupported_type"),
    ],
    ids=range(8),
)
def test_only_what_was_announced_is_taken(
    work: Work, sent: bytes, headers: dict[str, str], status: int, code: str
) -> None:  # ST-02
    (ticket,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
    refused(puts(work.site, ticket, sent, headers={**ticket["headers"], **headers}), status, code)
    assert work.site.stored == []
    refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 409, "not_uploaded")
    told(puts(work.site, ticket, PAGE), 204)


def test_a_body_cut_at_any_place_leaves_nothing(work: Work) -> None:  # UP-07, UP-17
    data = drawings.page("png", 100, 100)
    (ticket,) = asks(work.uploader, work.target, announced(data))["tickets"]
    for cut in range(0, len(data), len(data) // 100):
        cut_short = {"wsgi.input": io.BytesIO(data[:cut])}
        refused(puts(work.site, ticket, data, extras=cut_short), 400, "not_as_announced")
        assert work.site.stored == []
    told(puts(work.site, ticket, data), 204)
    assert work.site.stored == [f"incoming/{ticket['id']}.bin"]


def test_what_was_sent_is_shown_to_nobody(work: Work) -> None:  # ST-03, ST-13
    (ticket,) = asks(work.uploader, GENERIC, announced(PAGE))["tickets"]
    told(puts(work.site, ticket, PAGE), 204)

    def unseen() -> None:
        for key in work.site.stored:
            for asker in (work.site.stranger, work.uploader, work.site.sign_up("admin")):
                refused(asker.get(f"/uploads/{key}"), 404)

    unseen()
    told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    assert len(work.site.stored) == 1
    unseen()


def test_sending_again_changes_nothing(any_work: Work) -> None:  # ST-03
    site, uploader = any_work.site, any_work.uploader
    (ticket,) = asks(uploader, any_work.target, announced(PAGE))["tickets"]
    for _ in range(2):
        told(puts(site, ticket, PAGE), 204)
    told(uploader.post(f"uploads/{ticket['id']}/complete"))
    told(puts(site, ticket, PAGE), 204)
    assert len(site.stored) == 1
    session = told(uploader.get(f"uploads/{ticket['id']}"))["session"]
    commits(uploader, {"id": session})
    before = any_work.pages()
    refused(puts(site, ticket, PAGE), 409, "upload_closed")
    refused(puts(site, ticket, WIDE), 409, "upload_closed")
    assert any_work.pages() == before == [(1, PAGE)]
    assert len(site.stored) == 1


@pytest.mark.parametrize("act", ["put", "complete", "commit"])
def test_many_at_once_are_one(any_work: Work, act: str) -> None:  # UP-15, ST-04
    site, uploader = any_work.site, any_work.uploader
    asked = asks(uploader, any_work.target, announced(PAGE))
    (ticket,) = asked["tickets"]
    acts: dict[str, Callable[[int], Result]] = {
        "put": lambda _: puts(site, ticket, PAGE),
        "complete": lambda _: uploader.post(f"uploads/{ticket['id']}/complete"),
        "commit": lambda _: uploader.post(f"uploads/sessions/{asked['session']}/commit"),
    }
    for name, do in acts.items():
        answers = at_once(8, do) if name == act else [do(0)]
        assert {answer.status_code for answer in answers} == {204 if name == "put" else 200}
        assert len({answer.text for answer in answers}) == 1
    assert any_work.pages() == [(1, PAGE)]
    assert (len(site.stored), site.count("files"), site.count("pages")) == (1, 1, 1)
