"""granian as we start it, over raw connections: HTTP as it should be, hostile bytes, slow clients, stopping."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from roliascan.platforms import server as numbers_of
from tests.platforms import clients, processes, shapes
from tests.platforms.clients import raw
from tests.platforms.processes import alive, listens, soon, within
from tests.platforms.shapes import Reply, Request
from tests.servers import program

ECHO = [sys.executable, "-m", "tests.platforms.echo_server"]
CLOSE = b"Host: a\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def address(start_server: Callable[..., str]) -> str:
    return start_server({"BODIES": "4"}, command=ECHO, ready="/text")


@pytest.fixture(scope="module")
def behind_proxy(start_server: Callable[..., str]) -> str:
    return start_server({"HOPS": "1", "JWT_SECRET": "process"}, command=ECHO, ready="/text")


def send(address: str, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
    return clients.send(address, Request(method, target, headers or {}, body))


def test_a_request(address: str) -> None:
    told = shapes.told(send(address, "POST", "/caf%C3%A9%2541//?q=a%20b&q=c", {"Content-Type": "text/plain"}, b"body"))
    assert told["PATH_INFO"] == "/café%41//".encode().decode("latin-1")  # SC 2, SC 5
    assert (told["QUERY_STRING"], told["CONTENT_LENGTH"], told["body"]) == ("q=a%20b&q=c", "4", "body")  # SC 10, SC 19
    assert told["roliascan.client"] == "127.0.0.1"


def test_a_trusted_proxy(behind_proxy: str) -> None:  # SC 21, SC 22
    told = shapes.told(
        send(behind_proxy, "GET", "/", {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"})
    )
    assert (told["roliascan.client"], told["wsgi.url_scheme"]) == ("203.0.113.9", "https")


def test_the_environment_of_the_process_stays_out(behind_proxy: str) -> None:  # SC 57a
    told = shapes.told(send(behind_proxy, "GET", "/"))
    assert not {"JWT_SECRET", "PATH", "HOME", "HOPS"} & set(told)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST"])
def test_methods(method: str, address: str) -> None:  # SC 1
    assert send(address, method, "/text").status == 200


def test_head_has_a_length_and_no_body(address: str) -> None:  # SC 33
    answer = raw(address, b"HEAD /text?size=7 HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert b"content-length: 7\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_is_invented_where_there_is_no_body(status: int, address: str) -> None:  # SC 33, SC 37
    answer = send(address, "GET", f"/empty?status={status}%20x")
    assert answer.status == status
    assert set(answer.headers) == {"etag", "vary", "server", "date"}


def test_an_expected_body_is_asked_for(address: str) -> None:
    with clients.dial(address) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + CLOSE + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert b'"body": "body"' in clients.until_closed(connection)


def test_the_first_byte_comes_before_the_last(address: str) -> None:  # SC 39
    with clients.dial(address) as connection:
        connection.sendall(b"GET /dripping?seconds=3 HTTP/1.1\r\n" + CLOSE + b"\r\n")
        received = b""
        while b"first" not in received:
            received += connection.recv(65536)
        assert b"last" not in received
        assert clients.until_closed(connection).endswith(b"last")


def test_files_pass_in_blocks(address: str) -> None:
    assert send(address, "GET", "/file?size=200001").body == b"a" * 200_001


def test_a_crash(address: str) -> None:  # SC 40
    answer = send(address, "GET", "/crash")
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal")
    assert b"secret" not in answer.body


def test_a_break_in_the_middle_is_seen_by_the_client(address: str) -> None:  # SC 40
    answer = raw(address, b"GET /cut HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert not answer or (b"content-length: 6\r\n" in answer and answer.endswith(b"\r\n\r\nabc"))


HOSTILE = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": b"Content-Length: -3\r\n\r\nabc",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a blank before the colon": b"Content-Length : 3\r\n\r\nabc",
    "a folded line": b"X-A: a\r\n b\r\n\r\n",
    "a bare CR": b"X-A: a\rb\r\n\r\n",
    "a NUL": b"X-A: a\0b\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\nabc",
    "chunked before another coding": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a second host": b"Host: b\r\n\r\n",
}


@pytest.mark.parametrize("rest", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_400(rest: bytes, address: str) -> None:  # IN-16
    assert raw(address, b"POST /text HTTP/1.1\r\n" + CLOSE + rest).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /text HTTP/1.1\r\nHost: a\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\nGET /text HTTP/1.1\r\nHost: a\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["with a length", "chunked", "a bare LF", "a broken chunk"],
)
def test_chunked_bodies_are_refused_and_nothing_after_them_is_answered(
    rest: bytes, address: str
) -> None:  # IN-16, SC 20
    answer = raw(address, b"POST /text HTTP/1.1\r\nHost: a\r\n" + rest)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_missing_host_is_400(address: str) -> None:
    assert raw(address, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        (b"/", b"X-A: a\r\n" * 10_000, b"431"),
        (b"/", b"X-A: " + b"a" * 1_000_000 + b"\r\n", b"431"),
        (b"/" + b"a" * 100_000, b"", b"414"),
        (b"/", b"X-A: " + b"a" * 30_000 + b"\r\n", b"200"),
    ],
    ids=["many headers", "a large header", "a long address", "a header of 30 kB"],
)
def test_large_heads(start: bytes, headers: bytes, status: bytes, address: str) -> None:  # IN-05
    assert raw(address, b"GET " + start + b" HTTP/1.1\r\n" + CLOSE + headers + b"\r\n").split(b" ")[1] == status


def test_http_2_in_clear_text_is_not_spoken(address: str) -> None:
    assert raw(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == b""


def test_slow_bodies_do_not_keep_readers_waiting(address: str) -> None:
    """More clients than there are places for bodies send the beginning of one, and no more."""
    stalled = [clients.dial(address) for _ in range(12)]
    try:
        for connection in stalled:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert soon(lambda: send(address, "POST", "/text", body=b"a").status == 503)
        assert send(address, "GET", "/text").status == 200
    finally:
        for connection in stalled:
            connection.close()
    assert soon(lambda: send(address, "POST", "/text", body=b"a").status == 200)


def test_slow_bodies_of_one_address_do_not_keep_others_from_writing(start_server: Callable[..., str]) -> None:
    address = start_server({"HOPS": "1", "BODIES": "20", "BODIES_EACH": "3"}, command=ECHO, ready="/text")

    def writes(client: str) -> Reply:
        return send(address, "POST", "/text", {"X-Forwarded-For": client}, b"a")

    begun = b"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 2001:db8::%x\r\nContent-Length: 10\r\n\r\nabc"
    stalled = [clients.dial(address) for _ in range(30)]
    try:
        for number, connection in enumerate(stalled):
            connection.sendall(begun % number)
        assert soon(lambda: writes("2001:db8::ffff").status == 503)  # of the same /64
        answer = writes("2001:db8::ffff")
        assert (answer.headers["retry-after"], b"urn:roliascan:busy" in answer.body) == ("2", True)
        assert [writes(other).status for other in ("203.0.113.9", "2001:db8:0:1::1", "127.0.0.1")] == [200] * 3
    finally:
        for connection in stalled:
            connection.close()
    assert soon(lambda: writes("2001:db8::1").status == 200)


def test_files_that_one_address_takes_slowly_do_not_keep_others_from_looking(start_server: Callable[..., str]) -> None:
    address = start_server({"HOPS": "1", "FILES": "20", "FILES_EACH": "3"}, command=ECHO, ready="/text")

    def looks(client: str) -> Reply:
        return send(address, "GET", "/uploads/file?size=9", {"X-Forwarded-For": client})

    begun = b"GET /uploads/file?size=50000000 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    stalled = [clients.dial(address) for _ in range(30)]
    try:
        for connection in stalled:
            connection.sendall(begun)
        assert soon(lambda: looks("203.0.113.9").status == 503)
        answer = looks("203.0.113.9")
        assert (answer.headers["retry-after"], b"urn:roliascan:busy" in answer.body) == ("2", True)
        assert [looks(other).status for other in ("203.0.113.10", "2001:db8::1", "127.0.0.1")] == [200] * 3
    finally:
        for connection in stalled:
            connection.close()
    assert soon(lambda: looks("203.0.113.9").status == 200)


def test_all_places_taken_leave_threads_for_readers(start_server: Callable[..., str]) -> None:
    """With the numbers of the site itself, all from a proxy on this machine."""
    numbers = {"BODIES": str(numbers_of.BODIES), "FILES": str(numbers_of.FILES)}
    address = start_server(numbers, command=ECHO, ready="/text")
    bodies = [clients.dial(address) for _ in range(numbers_of.BODIES + 5)]
    files = [clients.dial(address) for _ in range(numbers_of.FILES + 5)]
    try:
        for connection in bodies:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert soon(lambda: send(address, "POST", "/text", body=b"a").status == 503)
        for connection in files:
            connection.sendall(b"GET /uploads/file?size=50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert soon(lambda: send(address, "GET", "/uploads/file?size=9").status == 503)
        assert send(address, "GET", "/text").status == 200
    finally:
        for connection in (*bodies, *files):
            connection.close()


def test_many_idle_connections_do_not_keep_readers_waiting(address: str) -> None:
    idle = [clients.dial(address) for _ in range(200)]
    try:
        assert send(address, "GET", "/text").status == 200
    finally:
        for connection in idle:
            connection.close()


def test_slow_headers_are_cut() -> None:
    with served(HEADERS_WITHIN="1") as (address, _, _), clients.dial(address) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 30:
                slow.sendall(b"X-A: a\r\n")
                time.sleep(0.1)
        assert time.monotonic() - began < 20


def test_names_and_addresses_of_version_6_are_listened_on() -> None:
    for host in ("localhost", "::1"):
        with served(HOST=host) as (address, _, _):
            told = shapes.told(send(address.replace("127.0.0.1", "[::1]" if host == "::1" else host), "GET", "/"))
            assert told["roliascan.client"] in ("127.0.0.1", "::1")


def test_header_values_beyond_ascii_arrive_empty(address: str) -> None:
    """granian drops them, unlike the other platforms; nothing of ours reads one. SC 16"""
    assert shapes.told(send(address, "GET", "/", {"X-A": "café", "X-B": "b"}))["HTTP_X_A"] == ""


# Its life, each time with a server of its own.


def served(**environ: str) -> AbstractContextManager[processes.Server]:
    return processes.served(ECHO, {"HOST": "127.0.0.1", **environ})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_requests_finish(number: signal.Signals) -> None:  # SC 49
    with served() as (address, pid, output), clients.dial(address) as connection:
        connection.sendall(b"GET /dripping?seconds=2 HTTP/1.1\r\n" + CLOSE + b"\r\n")
        received = b""
        while b"first" not in received:
            received += connection.recv(65536)
        os.kill(pid, number)
        assert soon(lambda: not listens(address))
        assert clients.until_closed(connection).endswith(b"last")
        assert soon(lambda: not alive(pid))
        # granian looks once, 1 ms after the worker has left: on a busy machine it says that it killed what had ended.
        assert [line for line in output().splitlines()[1:] if "refused to gracefully stop" not in line] == []


def test_idle_connections_do_not_delay_the_stop() -> None:
    with served(STOP_AFTER="600") as (address, pid, _), clients.dial(address) as idle:
        idle.sendall(b"GET /text HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(65536)
        os.kill(pid, signal.SIGTERM)
        assert soon(lambda: not alive(pid))  # not when the time is over that a request would have


def test_a_request_without_end_does_not_delay_the_stop_forever() -> None:
    with served(STOP_AFTER="4") as (address, pid, output), clients.dial(address) as stalled:
        stalled.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert stalled.recv(100).startswith(b"HTTP/1.1 100 ")
        os.kill(pid, signal.SIGTERM)
        assert not within(1, lambda: not alive(pid))
        assert soon(lambda: not alive(pid))
        assert json.loads(output().splitlines()[-1])["level"] == "warning"


def test_a_taken_port_is_refused_in_one_sentence(address: str, tmp_path: Path) -> None:
    port = address.rpartition(":")[2]
    with (
        pytest.raises(program.DidNotStart, match=f"cannot listen on 127.0.0.1:{port}"),
        program.running(ECHO, ready=lambda: False, environ={"HOST": "127.0.0.1", "PORT": port}),
    ):
        pass


def test_its_log_is_lines_of_json_without_what_the_app_said() -> None:  # PR-07, PR-08
    with served() as (address, _, output):
        send(address, "GET", "/crash")
        raw(address, b"GET /cut HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert soon(lambda: len(output().splitlines()) == 4)
        assert {json.loads(line)["level"] for line in output().splitlines()[1:]} == {"error"}
        assert "secret" not in output()


def test_at_once(address: str) -> None:
    """Requests that wait do so side by side. SC 53"""
    began, statuses = time.monotonic(), []

    def ask() -> None:
        statuses.append(send(address, "GET", "/slow?seconds=0.5").status)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 16
    assert time.monotonic() - began < 7  # of the 8 that they take one after the other
