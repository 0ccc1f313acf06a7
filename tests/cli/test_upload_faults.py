"""`roliascan upload` when things go wrong: cut lines, kills, busy sites, tickets that expired; and whom it trusts."""

import json
import re
import signal
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from roliascan.cli.uploading import wire
from roliascan.cli.uploading.site import SiteRefused
from tests.cli import fronts
from tests.cli.fronts import Front, Heard, Said
from tests.cli.places import Place
from tests.cli.sending import Uploading, are_equal, contents, folder
from tests.database.fronts import REMOTE, certify
from tests.platforms.processes import soon

JSON = {"Content-Type": "application/json"}


def upload_of(heard: Heard) -> str:
    found = re.search(r"/uploads/([0-9a-f-]{36})/", heard.path)
    return found[1] if found else ""


def test_cut_at_random_points_it_arrives_whole_and_nothing_twice(uploading: Uploading, sender: Place) -> None:
    """At least 60 cuts over 60 pages: whatever was cut, a page that the site has complete is not sent again."""
    where = folder(sender.home / "a", 60)
    chapter = uploading.chapter()
    with fronts.cutting(uploading.address, cuts=80, share=0.5, seed=7) as cutter:
        ran = sender.run("upload", where, "--to", chapter, "--site", cutter.url, "--tries", 30, "--json")
        assert (ran.status, ran.err) == (0, ""), ran.out
        assert cutter.cuts >= 60
        assert len(cutter.completed) == 60
        assert cutter.sent_again == []
    assert are_equal(uploading.pages(chapter), contents(where))


@pytest.mark.parametrize("rest", ["", "Content-Length:", "Content-Le", "Transfer-Encoding: chu", "Content-Length: 9"])
def test_an_answer_that_ends_within_its_head_is_none(rest: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as client:
                client.recv(1 << 14)
                client.sendall(f"HTTP/1.1 200 OK\r\n{rest}".encode())

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(wire.Lost):
            wire.send("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", headers={})


def test_killed_in_the_middle_and_run_again(uploading: Uploading, sender: Place) -> None:
    """SIGKILL once ten pages are complete; the second run sends the others."""
    where = folder(sender.home / "Chapter 4", 40)
    series = uploading.series()
    with fronts.before(uploading.address) as front:
        held = threading.Event()

        def hold(heard: Heard, _body: bytes) -> Said | None:
            if heard.method == "PUT" and len(front.asked("PUT")) > 12:
                held.wait(60)
            return None

        front.answer = hold
        process = sender.start("upload", where, "--to", series, "--site", front.url, "--parallel", 2)
        assert soon(lambda: len(front.asked("POST", "/complete")) >= 10 and len(front.asked("PUT")) >= 14)
        process.kill()
        process.communicate()
        held.set()
    assert uploading.ask("GET", f"series/{series}/chapters?state=draft")["data"][0]["pageCount"] == 0
    with fronts.before(uploading.address) as front:
        said = told(sender, where, "--to", series, "--site", front.url)
        assert len(front.asked("PUT")) == len(said["sent"]) <= 30
    assert sorted(said["sent"] + said["there"]) == sorted(path.name for path in where.glob("p*"))
    (item,) = uploading.ask("GET", f"series/{series}/chapters?state=draft")["data"]
    assert are_equal(uploading.pages(item["id"]), contents(where))


def told(place: Place, *words: object) -> Any:
    ran = place.run("upload", *words, "--json")
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def test_ctrl_c_ends_it_at_once_and_says_how_to_go_on(uploading: Uploading, sender: Place) -> None:
    """Though all threads wait for a storage that does not answer."""
    where = folder(sender.home / "a", 6)
    with fronts.before(uploading.address) as front:
        held = threading.Event()

        def hold(heard: Heard, _body: bytes) -> None:
            if heard.method == "PUT":
                held.wait(120)

        front.answer = hold
        process = sender.start("upload", where, "--to", uploading.chapter(), "--site", front.url)
        assert soon(lambda: len(front.asked("PUT")) == 4)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        held.set()
    assert process.returncode == 130
    assert err == "\nroliascan: interrupted. Run the same command again: it goes on from here.\n"


def test_a_storage_that_is_busy_is_waited_for(uploading: Uploading, sender: Place) -> None:
    """Each kind of "not now" once for a file, and the site's own; Retry-After says how long at least."""
    where = folder(sender.home / "a", 6)
    statuses = [408, 429, 500, 502, 503, 504]
    refused: Counter[str] = Counter()
    with fronts.before(uploading.address) as front:

        def answer(heard: Heard, _body: bytes) -> Said | None:
            step = upload_of(heard) + heard.path[-9:] if upload_of(heard) else heard.method + heard.path
            refused[step] += 1
            if refused[step] == 1 and heard.method in {"PUT", "POST"}:
                return Said(statuses[len(refused) % 6], {"Retry-After": "0"}, b"busy")
            return None

        front.answer = answer
        said = told(sender, where, "--to", uploading.chapter(), "--site", front.url)
        assert len(said["sent"]) == 6
        assert Counter(upload_of(one) for one in front.asked("PUT")).most_common(1)[0][1] == 2


def test_a_time_that_no_clock_shows_is_none() -> None:
    """Its zone is further away than a date can be; what somebody in between says is not believed."""
    said = Message()
    said["Retry-After"] = "Thu, 26 Nov 2026 23:08:13 +999999999999999"
    assert wire.Answer(429, said, b"").retry_after == 0


def test_retry_after_is_waited_for(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "a", 1)
    first = [True]
    with fronts.before(uploading.address) as front:

        def answer(heard: Heard, _body: bytes) -> Said | None:
            if heard.path.endswith("/api/v1/uploads") and first:
                first.clear()
                return Said(429, {"Retry-After": "5"}, b"{}")
            return None

        front.answer = answer
        ran = sender.run("upload", where, "--to", uploading.chapter(), "--site", front.url)
    assert ran.status == 0
    assert any(re.fullmatch(r"waiting [56] s: status 429", line) for line in ran.lines)


def test_a_file_that_never_arrives_is_named_and_the_rest_stays(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "a", 5)
    chapter = uploading.chapter()
    first: list[str] = []
    with fronts.before(uploading.address) as front:

        def answer(heard: Heard, _body: bytes) -> Said | None:
            if heard.method == "PUT" and (not first or upload_of(heard) == first[0]):
                first[:] = [upload_of(heard)]
                return Said(503, {}, b"")
            return None

        front.answer = answer
        ran = sender.run("upload", where, "--to", chapter, "--site", front.url, "--tries", 3, "--parallel", 1)
    assert (ran.status, ran.err) == (1, "")
    assert "failed: p1.jpeg: was not taken in 3 tries (the storage answers 503)" in ran.lines
    assert ran.lines[-2:] == [
        "Nothing of it is shown yet; 1 page missing.",
        "The site keeps 4 pages for 24 hours. Run the same command again: it goes on from here.",
    ]
    assert uploading.pages(chapter) == []
    assert told(sender, where, "--to", chapter)["sent"] == ["p1.jpeg"]
    assert are_equal(uploading.pages(chapter), contents(where))


def test_an_expired_ticket_is_asked_for_anew(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "a", 3)
    (where / "p4.jpeg").write_bytes((where / "p1.jpeg").read_bytes())
    chapter = uploading.chapter()
    with fronts.before(uploading.address) as front:

        def expire(heard: Heard, said: Said) -> Said:
            if heard.path != "/api/v1/uploads" or len(front.asked("POST", "/api/v1/uploads")) > 1:
                return said
            return said.changed(_spoil)

        front.change = expire
        said = told(sender, where, "--to", chapter, "--site", front.url)
    assert len(said["sent"]) == 4
    assert are_equal(uploading.pages(chapter), contents(where))


def _spoil(told: Any) -> None:
    """The signature is of another end, as if the storage had forgotten: the ticket is no good."""
    for ticket in told["tickets"]:
        ticket["url"] = re.sub(r"expires=\d+", "expires=1", ticket["url"])


def test_the_token_goes_to_the_site_alone(uploading: Uploading, sender: Place) -> None:
    """Tickets and files that lead elsewhere: with the bytes, and with nothing that tells who sends them."""
    where = folder(sender.home / "a", 4)
    chapter = uploading.chapter()
    with fronts.before(uploading.address) as front, fronts.before(uploading.address) as storage:
        front.change = lambda heard, said: _leading_to(storage, heard, said)
        assert len(told(sender, where, "--to", chapter, "--site", front.url)["sent"]) == 4
        assert told(sender, where, "--to", chapter, "--site", front.url)["sent"] == []
    assert len(storage.asked("PUT")) == 4
    assert not storage.asked("GET")
    for one in storage.heard:
        assert not {name.lower() for name in one.headers} & {"authorization", "cookie"}
        assert sender.environ["ROLIASCAN_TOKEN"] not in f"{one}"
    assert not front.asked("PUT")
    assert all(one.headers["Authorization"] == f"Bearer {uploading.token}" for one in front.heard)


def _leading_to(storage: Front, heard: Heard, said: Said) -> Said:
    text = said.body.decode("latin-1")
    if "/api/v1/" in heard.path:
        text = re.sub(r'"url":"(/[^"]*)"', rf'"url":"{storage.url}\1"', text)
    return said._replace(body=text.encode("latin-1"))


def test_a_redirect_is_not_followed(uploading: Uploading, sender: Place) -> None:
    with fronts.before(uploading.address) as front, fronts.before(uploading.address) as other:
        front.answer = lambda *_: Said(308, {"Location": f"{other.url}/api/v1/auth/me"}, b"")
        ran = sender.run("upload", folder(sender.home / "a", 1), "--to", "x", "--site", front.url)
        assert other.heard == []
    assert ran.status == 1
    assert ran.err.startswith(f"roliascan: The site sends us to {other.url}/api/v1/auth/me, where your token is not")


def test_a_ticket_may_be_a_form(uploading: Uploading, sender: Place) -> None:
    """As object storages have it: fields in their order, the file last and called `file`."""
    where = folder(sender.home / "a", 3)
    chapter = uploading.chapter()
    forms: list[bytes] = []
    with fronts.before(uploading.address) as front:

        def ask_for_a_form(heard: Heard, said: Said) -> Said:
            return said.changed(_as_form) if heard.path == "/api/v1/uploads" else said

        def take(heard: Heard, body: bytes) -> Said | None:
            if heard.method != "POST" or not heard.path.startswith("/storage/"):
                return None
            forms.append(body)
            boundary = heard.headers["Content-Type"].partition("boundary=")[2].encode()
            parts = body.split(b"--" + boundary)
            assert (parts[0], parts[-1]) == (b"", b"--\r\n")
            fields = [part[2:-2].partition(b"\r\n\r\n") for part in parts[1:-1]]
            names = [re.findall(rb' name="([^"]*)"', head)[0] for head, _, _ in fields]
            assert names == [b"key", b"policy", b"Content-Type", b"file"]
            assert fields[1][2] == b'a"b\xc3\xa9'
            path = heard.path.removeprefix("/storage")
            kept = front.ask(Heard("PUT", path, {"Content-Type": fields[2][2].decode()}, 0), fields[3][2])
            return Said(201, {}, b"") if kept.status < 300 else kept

        front.change, front.answer = ask_for_a_form, take
        assert len(told(sender, where, "--to", chapter, "--site", front.url)["sent"]) == 3
    assert len(forms) == 3
    assert are_equal(uploading.pages(chapter), contents(where))


def _as_form(told: Any) -> None:
    for ticket in told["tickets"]:
        kind = ticket.pop("headers")["Content-Type"]
        ticket["method"], ticket["url"] = "POST", f"/storage{ticket['url']}"
        ticket["fields"] = {"key": "k", "policy": 'a"bé', "Content-Type": kind}


def test_a_commit_whose_answer_was_lost_was_done_once(uploading: Uploading, sender: Place) -> None:
    """Committing again may be refused: then the session tells that it is committed."""
    where = folder(sender.home / "a", 3)
    chapter = uploading.chapter()
    with fronts.before(uploading.address) as front:
        front.change = lambda heard, said: (
            Said(409, JSON, b'{"code": "upload_closed", "detail": "Closed."}') if "/commit" in heard.path else said
        )
        assert len(told(sender, where, "--to", chapter, "--site", front.url)["sent"]) == 3
    assert are_equal(uploading.pages(chapter), contents(where))


def test_a_certificate_that_nobody_vouches_for_is_refused(sender: Place, tmp_path: Path) -> None:
    """A server that has made its own: it gets no request, let alone a token."""
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certify(tmp_path / "key"))
    with socket.create_server((REMOTE, 0)) as listener:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with suppress(OSError), client, context.wrap_socket(client, server_side=True) as safe:
                        heard.append(safe.recv(1 << 14))

        threading.Thread(target=listen, daemon=True).start()
        url = f"https://{REMOTE}:{listener.getsockname()[1]}"
        ran = sender.run("upload", folder(tmp_path / "a", 1), "--to", "x", "--site", url, "--tries", 2)
        listener.shutdown(socket.SHUT_RDWR)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"roliascan: {url} did not answer in 2 tries (")
    assert "certificate verify failed" in ran.err
    assert not any(heard)


@pytest.mark.parametrize(
    "url", ["http://[", "http://\u2100.x/", f"http://{'a' * 70}.x/", "ftp://127.0.0.1/", "nothing"]
)
def test_an_address_that_is_none_is_no_way_to_send(url: str) -> None:
    with pytest.raises(wire.Lost):
        wire.send("PUT", url, headers={})


@pytest.mark.parametrize("headers", [{"A": "b\r\nC: d"}, {"A": ["b"]}])
def test_headers_that_are_none_are_not_sent(headers: Any) -> None:
    with pytest.raises(wire.Lost):
        wire.send("PUT", "http://127.0.0.1:9/", headers=headers)


DEEP = b"[" * 200_000
"""Deeper than anything is parsed."""

ODD: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "without keys": ("/api/v1/chapters/", dict.clear),
    "a state that is none": ("/api/v1/chapters/", lambda told: told.update(state="\x1b]0;owned")),
    "an id to print": ("/api/v1/chapters/", lambda told: told.update(id="\x1b]0;owned\x07")),
    "an id that leads elsewhere": ("/api/v1/uploads", lambda told: told.update(session="../../files")),
    "no tickets": ("/api/v1/uploads", lambda told: told.update(tickets=[])),
    "tickets without an address": ("/api/v1/uploads", lambda told: [one.pop("url") for one in told["tickets"]]),
    "headers that are none": ("/api/v1/uploads", lambda told: [one.update(headers=5) for one in told["tickets"]]),
    "files without names": ("/uploads/sessions/", lambda told: told.update(files=[{"id": "a"}])),
}
"""What is asked, and how its answer is spoilt."""


@pytest.mark.parametrize("how", ODD)
def test_an_answer_that_is_not_as_agreed_is_refused(how: str, uploading: Uploading, sender: Place) -> None:
    chapter, (where, spoil) = uploading.chapter(), ODD[how]
    with fronts.before(uploading.address) as front:
        front.change = lambda heard, said: said.changed(spoil) if where in heard.path else said
        ran = sender.run("upload", folder(sender.home / "a", 2), "--to", chapter, "--site", front.url)
    assert ran.status == 1
    assert re.match(r"roliascan: What the site answers to (GET|POST) \S+ cannot be used \(.+\)", ran.err), ran.err
    assert "\x1b" not in ran.out + ran.err
    assert uploading.pages(chapter) == []


def test_an_answer_that_nests_without_end_is_none(uploading: Uploading, sender: Place) -> None:
    with fronts.before(uploading.address) as front:
        front.change = lambda _heard, _said: Said(200, JSON, DEEP)
        ran = sender.run("upload", folder(sender.home / "a", 1), "--to", "x", "--site", front.url)
    assert ran.status == 1
    assert ran.err == "roliascan: What answers at this address is no RoliaScan: look at --site.\n"


@pytest.mark.parametrize("data", [[], [{"id": "a", "number": 9, "label": None, "volume": None, "language": "und"}]])
def test_a_list_without_an_end_is_not_read_for_ever(data: list[Any], uploading: Uploading, sender: Place) -> None:
    endless = json.dumps({"data": data, "page": {"next": "again&state=draft"}}).encode()
    with fronts.before(uploading.address) as front:
        front.answer = lambda heard, _: Said(200, JSON, endless) if "/chapters?" in heard.path else None
        ran = sender.run(
            "upload", folder(sender.home / "Chapter 4", 1), "--to", uploading.series(), "--site", front.url
        )
        assert len(front.asked("GET", "/chapters?")) <= 200
    assert ran.status == 1
    assert re.search(r"more is promised than comes|the list has no end", ran.err), ran.err


@pytest.mark.parametrize("errors", [["x"], 5, "x", [{"field": 1}], None])
def test_a_refusal_may_say_anything(errors: Any) -> None:
    body = json.dumps({"detail": "no \x1b]0;", "errors": errors}).encode()
    refusal = SiteRefused(wire.Answer(400, Message(), body))
    assert refusal.status == 400
    assert "\x1b" not in refusal.detail
