"""The border of a WSGI server: what is not of the request stays out, and who asks is told by trusted proxies only."""

import io
import json
import threading
from contextlib import suppress
from typing import Any

import pytest

from roliascan.platforms.border import bordered
from tests.platforms import echoes
from tests.platforms.shapes import Reply, told

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/a",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_HOST": "comics.example",
    "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def crossed(environ: dict[str, Any], *, hops: int = 0, inherited: dict[str, str] | None = None) -> Reply:
    begun: list[Any] = []
    app = bordered(echoes.app, hops=hops, inherited=inherited or {})
    body = app({**ENVIRON, "wsgi.input": io.BytesIO(), **environ}, lambda *args: begun.append(args))  # type: ignore[arg-type]
    status, headers = begun[-1][:2]
    return Reply(int(status[:3]), dict(headers), [], b"".join(body))


def logged(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Status, level and code in the one line of a refusal."""
    line = json.loads(capsys.readouterr().out)
    return line["status"], line["level"], line["code"]


def test_the_environment_of_the_process_stays_out() -> None:  # SC 57a
    inherited = {"JWT_SECRET": "process", "HTTP_PROXY": "process", "CONTENT_TYPE": "process", "HTTP_HOST": "x"}
    arrived = told(crossed({"PATH": "process", **inherited, "HTTP_HOST": "comics.example"}, inherited=inherited))
    assert "process" not in arrived.values()
    assert arrived["HTTP_HOST"] == "comics.example"


def test_a_header_named_like_a_variable_of_the_process_arrives() -> None:
    arrived = told(crossed({"HTTP_X_A": "sent"}, inherited={"HTTP_X_A": "process"}))
    assert arrived["HTTP_X_A"] == "sent"


@pytest.mark.parametrize(("hops", "client", "scheme"), [(0, "192.0.2.1", "http"), (1, "203.0.113.9", "https")])
def test_proxies_are_trusted_as_many_as_there_are(hops: int, client: str, scheme: str) -> None:  # SC 21, SC 22
    forwarded = {
        "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "forged.example",
        "HTTP_FORWARDED": "for=6.6.6.6",
    }
    arrived = told(crossed(forwarded, hops=hops))
    assert arrived["roliascan.client"] == arrived["REMOTE_ADDR"] == client
    assert arrived["wsgi.url_scheme"] == scheme
    assert not any("FORWARDED" in name for name in arrived)


def test_what_headers_say_of_the_asker_is_overwritten() -> None:  # SC 25
    arrived = told(crossed({"roliascan.client": "6.6.6.6", "roliascan.request_id": "forged"}))
    assert arrived["roliascan.client"] == "192.0.2.1"
    assert len(arrived["roliascan.request_id"]) == 32


@pytest.mark.parametrize(
    ("hops", "header", "value", "taken"),
    [
        (1, "HTTP_TRACEPARENT", f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (1, "HTTP_X_CLOUD_TRACE_CONTEXT", f"{TRACE}/123;o=1", True),
        (1, "HTTP_X_CLOUD_TRACE_CONTEXT", TRACE, True),
        (1, "HTTP_X_CLOUD_TRACE_CONTEXT", f"{TRACE}\n/1", False),
        (1, "HTTP_TRACEPARENT", TRACE.upper(), False),
        (0, "HTTP_TRACEPARENT", f"00-{TRACE}-00f067aa0ba902b7-01", False),
    ],
)
def test_a_trace_of_a_trusted_proxy_is_the_request_id(hops: int, header: str, value: str, taken: bool) -> None:  # SC 24
    assert (told(crossed({header: value}, hops=hops))["roliascan.request_id"] == TRACE) is taken


@pytest.mark.parametrize("host", ["a,b", "", "a b", "a/b", "a@b", "é", "[::1", "a:99999999"])
def test_a_host_that_is_none(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = crossed({"HTTP_HOST": host})
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert logged(capsys) == (400, "info", "bad_host")


@pytest.mark.parametrize("host", ["a", "a.b:80", "127.0.0.1:3000", "[::1]:3000", "my_host"])
def test_a_host(host: str) -> None:
    assert crossed({"HTTP_HOST": host}).status == 200


def test_http_1_0_needs_no_host() -> None:
    assert crossed({"HTTP_HOST": "", "SERVER_PROTOCOL": "HTTP/1"}).status == 200


def test_a_body_of_unknown_length_is_refused(capsys: pytest.CaptureFixture[str]) -> None:  # SC 20
    answer = crossed({"HTTP_TRANSFER_ENCODING": "chunked", "REQUEST_METHOD": "POST"})
    assert (answer.status, answer.headers["content-type"]) == (411, "application/problem+json")
    assert logged(capsys) == (411, "info", "length_required")


def test_places_for_bodies_are_limited_and_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/wait":
            entered.set()
            leave.wait(60)
        start_response("200 OK", [])
        return []

    served = bordered(app, hops=0, bodies=1, inherited={})

    def status(**more: str) -> str:
        begun: list[str] = []
        served({**ENVIRON, **more}, lambda status, *_: begun.append(status))  # type: ignore[arg-type]
        return begun[-1][:3]

    waiting = threading.Thread(target=status, kwargs={"CONTENT_LENGTH": "1", "PATH_INFO": "/wait"})
    waiting.start()
    assert entered.wait(60)
    assert status(CONTENT_LENGTH="1") == "503"
    assert logged(capsys) == (503, "warning", "busy")
    assert status() == "200"
    leave.set()
    waiting.join()
    assert status(CONTENT_LENGTH="1") == "200"


@pytest.mark.parametrize(("read", "closes"), [(0, True), (2, True), (3, False), (-1, False)])
def test_an_answer_before_the_end_of_a_body_ends_the_connection(read: int, closes: bool) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if read:
            environ["wsgi.input"].read(read)
        start_response("401 Unauthorized", [])
        return []

    begun: list[Any] = []
    environ = {**ENVIRON, "CONTENT_LENGTH": "3", "wsgi.input": io.BytesIO(b"abc")}
    bordered(app, hops=0, bodies=1, inherited={})(environ, lambda *args: begun.append(args))  # type: ignore[arg-type]
    assert (("connection", "close") in begun[0][1]) is closes


@pytest.mark.parametrize(
    ("client", "other", "is_free"),
    [
        ("203.0.113.9", "203.0.113.9", False),
        ("203.0.113.9", "203.0.113.10", True),
        ("2001:db8::1", "2001:db8::ffff:1", False),
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("::ffff:203.0.113.9", "203.0.113.9", False),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.10", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
    ],
)
@pytest.mark.parametrize("kind", ["bodies", "files"])
def test_places_are_shared_by_those_of_one_address(client: str, other: str, is_free: bool, kind: str) -> None:
    assert at_once([client, other], kind, most=5, each=1) == [200, 200 if is_free else 503]


@pytest.mark.parametrize("kind", ["bodies", "files"])
def test_a_site_of_ipv6_has_twice_the_places_of_one_address(kind: str) -> None:
    """A /48 has 65,536 /64s, each of which counts as an address."""
    of_one = [f"2001:db8:0:{number:x}::1" for number in range(3)]
    assert at_once([*of_one, "2001:db8:1::1"], kind, most=9, each=1) == [200, 200, 503, 200]


def at_once(peers: list[str], kind: str, *, most: int, each: int) -> list[int]:
    """What requests are told of which each comes while those before it are under way; and again, afterwards."""
    more = {"CONTENT_LENGTH": "1"} if kind == "bodies" else {"PATH_INFO": "/uploads/pages/a.png"}
    places: dict[str, Any] = {kind: most, f"{kind}_each": each}
    waiting: list[str] = []
    found: list[int] = []

    def app(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        while waiting:
            ask(waiting.pop(0))
        start_response("200 OK", [])
        return []

    def ask(peer: str) -> None:
        begun: list[str] = []
        place = len(found)
        found.append(0)
        served({**ENVIRON, "REMOTE_ADDR": peer, **more}, lambda status, *_: begun.append(status))  # type: ignore[arg-type]
        found[place] = int(begun[-1][:3])

    served = bordered(app, hops=0, inherited={}, **places)
    told = []
    for _ in range(2):
        waiting[:], found[:] = peers[1:], []
        ask(peers[0])
        told.append([*found])
    assert told[0] == told[1]  # all places were given back
    return told[0]


def test_places_for_files_are_kept_until_they_are_sent() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"small"] if "small" in environ["PATH_INFO"] else iter([b"a", b"b"])

    served = bordered(app, hops=0, files=1, bodies=9, inherited={})

    def answer(path: str, **more: str) -> tuple[str, Any]:
        begun: list[str] = []
        chunks = served({**ENVIRON, "PATH_INFO": path, **more}, lambda status, *_: begun.append(status))  # type: ignore[arg-type]
        return begun[-1][:3], chunks

    first, chunks = answer("/uploads/pages/a.png")
    assert (first, next(iter(chunks))) == ("200", b"a")
    assert answer("/uploads/pages/b.png")[0] == "503"
    assert answer("/uploads/pages/b.png", CONTENT_LENGTH="0")[0] == "503"  # it takes no place for bodies
    assert answer("/api/v1/series")[0] == "200"
    chunks.close()
    chunks.close()  # again is no second place
    assert answer("/uploads/pages/small.png")[0] == "200"
    status, chunks = answer("/uploads/pages/b.png")
    assert (status, list(chunks)) == ("200", [b"a", b"b"])
    assert answer("/uploads/pages/c.png")[0] == "503"
    chunks.close()
    assert answer("/uploads/pages/c.png")[0] == "200"


def test_a_file_that_cannot_be_had_gives_its_place_back() -> None:
    def broken(_environ: dict[str, Any], start_response: Any) -> Any:
        raise ValueError

    def leaves(_environ: dict[str, Any], start_response: Any) -> Any:
        raise KeyboardInterrupt

    for app in (broken, leaves):
        served = bordered(app, hops=0, files=1, inherited={})
        for _ in range(2):
            begun: list[str] = []
            with suppress(KeyboardInterrupt):
                served({**ENVIRON, "PATH_INFO": "/uploads/a"}, lambda status, *_: begun.append(status))  # type: ignore[arg-type]  # noqa: B023
            assert "503 -" not in begun
