"""A front of the tests' own before a storage server: it passes requests on, or fails in ways that networks know."""

import http.client
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

SAID = {
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "InternalError": 500,
    "TooManyRequests": 429,
    "QuotaExceeded": 403,
    "AccessDenied": 403,
    "ExpiredToken": 400,
    "ConditionalRequestConflict": 409,
}
"""What the front can answer by itself, by its code."""


class Front:
    """Does `troubles` to one request each, then passes requests on; `seen` are the methods that came.

    A trouble is one of SAID; `reset before` the server gets the request, or `reset after` it did it; `hang`, `garbage`
    or `half`: the answer never comes, is none, or is cut; `yes`: it is said, not done; or "", which is none.
    """

    def __init__(self, upstream: str, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.upstream = urlsplit(upstream).netloc
        self.troubles: list[str] = []
        self.seen: list[str] = []
        self.released = Event()
        self._lock = Lock()

    def next(self, method: str) -> str:
        with self._lock:
            self.seen.append(method)
            return self.troubles.pop(0) if self.troubles else ""


@contextmanager
def before(upstream: str) -> Iterator[Front]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.front = Front(upstream, server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.front
    server.front.released.set()
    server.shutdown()
    server.server_close()


def sent(url: str, method: str, headers: dict[str, str], body: bytes) -> int:
    """A request as somebody else's program makes it; the status of its answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


class _Server(ThreadingHTTPServer):
    front: Front

    def handle_error(self, *_: Any) -> None:
        """Clients that went away are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _do(self) -> None:
        trouble = self.server.front.next(self.command)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if trouble == "reset before":
            return self._reset()
        if trouble == "hang":
            self.server.front.released.wait(60)
            return self._reset()
        if trouble == "garbage":
            return self._answer(200, {}, b"<html>not what you asked")
        if trouble == "yes":
            return self._answer(200, {}, b"")
        if trouble in SAID:
            told = f"<Error><Code>{trouble}</Code><Message>secret words of the server</Message></Error>"
            return self._answer(SAID[trouble], {"Content-Type": "application/xml"}, told.encode())
        status, headers, answer = self._pass_on(body)
        if trouble == "reset after":
            return self._reset()
        return self._answer(status, headers, answer, half=trouble == "half")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _do  # as the base class finds them

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(self.server.front.upstream, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        upstream.request(self.command, self.path, body, headers)  # with the Host that was signed
        told = upstream.getresponse()
        answer = told.read()
        upstream.close()
        kept = {name: value for name, value in told.getheaders() if name.lower() not in _HOP}
        if self.command == "HEAD":
            kept["Content-Length"] = told.getheader("Content-Length") or "0"
        return told.status, kept, answer

    def _answer(self, status: int, headers: dict[str, str], answer: bytes, *, half: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if half else answer)
        if half:
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass


_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"}
