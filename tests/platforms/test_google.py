"""Google's functions-framework around the function, over real HTTP."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.platforms import clients, shapes
from tests.platforms.shapes import Reply, Request
from tests.servers import program

Send = Callable[[Request], Reply]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def address(start_google: Callable[..., str]) -> str:
    source = Path(__file__).with_name("echo_google.py")
    return start_google(source, "web", {"PYTHONPATH": str(program.PROJECT)}, ready="/text")


@pytest.fixture(scope="module")
def send(address: str) -> Send:
    return lambda request: clients.send(address, request)


def test_a_request(send: Send) -> None:
    told = shapes.told(send(Request("POST", "/caf%C3%A9%2541?q=a%20b&q=c", {"Content-Type": "text/plain"}, b"body")))
    assert told["PATH_INFO"] == "/café%41".encode().decode("latin-1")  # SC 2
    assert (told["QUERY_STRING"], told["CONTENT_LENGTH"], told["body"]) == ("q=a%20b&q=c", "4", "body")  # SC 10, SC 19


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST"])
def test_methods(method: str, send: Send) -> None:  # SC 1
    assert send(Request(method, "/text")).status == 200


def test_the_client_is_the_last_that_was_forwarded(send: Send) -> None:  # SC 21, SC 24
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Cloud-Trace-Context": f"{TRACE}/1;o=1"}
    told = shapes.told(send(Request("GET", "/", headers)))
    assert told["roliascan.client"] == "203.0.113.9"
    assert told["roliascan.request_id"] == TRACE


def test_nothing_of_the_framework_is_in_the_request(send: Send) -> None:  # SC 57a
    told = shapes.told(send(Request("GET", "/")))
    assert not [name for name in told if name.startswith(("werkzeug", "flask", "gunicorn"))]
    assert "K_SERVICE" not in told


@pytest.mark.parametrize("status", [204, 304])
def test_no_content_type_where_there_is_none(status: int, send: Send) -> None:  # SC 33, SC 37
    answer = send(Request("GET", f"/empty?status={status}%20x"))
    assert answer.status == status
    assert answer.headers["etag"] == '"1"'
    assert "content-type" not in answer.headers


def test_the_length_of_head_is_kept(send: Send) -> None:  # SC 33
    answer = send(Request("HEAD", "/text?size=7"))
    assert (answer.headers["content-length"], answer.body) == ("7", b"")


def test_cookies(send: Send) -> None:  # SC 29
    assert [cookie.partition("=")[0] for cookie in send(Request("GET", "/cookies")).cookies] == ["seen", "token"]


def test_files_pass_in_blocks(send: Send) -> None:
    assert send(Request("GET", "/file?size=200001")).body == b"a" * 200_001


def test_a_crash(send: Send) -> None:  # SC 40
    answer = send(Request("GET", "/crash"))
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal")
    assert b"secret" not in answer.body


def test_a_body_of_unknown_length(address: str) -> None:  # SC 20
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert clients.raw(address, head + b"3\r\nabc\r\n0\r\n\r\n").startswith(b"HTTP/1.1 411 ")


def test_the_first_byte_comes_before_the_last(address: str) -> None:  # SC 39
    with clients.dial(address) as connection:
        connection.sendall(b"GET /dripping?seconds=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = b""
        while b"first" not in received:
            received += connection.recv(65536)
        assert b"last" not in received
        assert clients.until_closed(connection).endswith(b"last")
