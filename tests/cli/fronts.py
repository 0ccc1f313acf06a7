"""What stands between a client and a site in tests: one hears and changes what is said, one cuts lines."""

import http.client
import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_RST = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: closing resets, as when a machine vanished


class Heard(NamedTuple):
    """A request; `sent` is how many bytes its body had."""

    method: str
    path: str
    headers: dict[str, str]
    sent: int


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def changed(self, change: Callable[[Any], None]) -> "Said":
        """With other JSON."""
        told = json.loads(self.body)
        change(told)
        return self._replace(body=json.dumps(told).encode())


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients are killed here while they are answered: nothing to write on what a test reads as its output."""


class Front:
    """Passes requests on to `to`; `answer` may answer in its place, `change` what it says."""

    def __init__(self, to: str) -> None:
        self.to = urlsplit(to).netloc
        self.heard: list[Heard] = []
        self.answer: Callable[[Heard, bytes], Said | None] = lambda _heard, _body: None
        self.change: Callable[[Heard, Said], Said] = lambda _heard, said: said
        front = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                front._pass(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, method: str, part: str = "") -> list[Heard]:
        return [one for one in self.heard if one.method == method and part in one.path]

    def _pass(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        heard = Heard(handler.command, handler.path, dict(handler.headers.items()), len(body))
        self.heard.append(heard)
        said = self.answer(heard, body) or self.change(heard, self.ask(heard, body))
        handler.send_response(said.status)
        for name, value in said.headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding", "server", "date"}:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(said.body)))
        handler.end_headers()
        handler.wfile.write(said.body)

    def ask(self, heard: Heard, body: bytes) -> Said:
        connection = http.client.HTTPConnection(self.to, timeout=60)
        connection.request(heard.method, heard.path, body, heard.headers)
        answer = connection.getresponse()
        said = Said(answer.status, dict(answer.headers.items()), answer.read())
        connection.close()
        return said


@contextmanager
def before(address: str) -> Iterator[Front]:
    front = Front(address)
    try:
        yield front
    finally:
        front.close()


class Cutter:
    """Passes connections on to `to`, of one request each, and resets many of them after some byte, up or down."""

    def __init__(self, to: str, *, cuts: int, share: float, seed: int) -> None:
        self._to = ("127.0.0.1", urlsplit(to).port or 0)
        self._random = random.Random(seed)
        self._share = share
        self._lock = threading.Lock()
        self.most = cuts
        self.cuts = 0
        self.sent = 0
        """Bytes of requests that carried a file, their heads included, as far as they were passed on."""
        self.completed: set[str] = set()
        """Uploads that the site has answered to be complete, whether that answer arrived or not."""
        self.sent_again: list[str] = []
        """Uploads whose bytes came after that."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _plan(self) -> tuple[int, int]:
        """After how many bytes to cut, up and down; never is far away."""
        never = 1 << 40
        with self._lock:
            if self.cuts >= self.most or self._random.random() > self._share:
                return never, never
            up = self._random.random() < 0.6
            return (self._random.randrange(1, 2_000), never) if up else (never, self._random.randrange(400))

    def _carry(self, client: socket.socket) -> None:
        up, down = self._plan()
        with suppress(OSError), client, socket.create_connection(self._to) as server:
            threading.Thread(target=self._down, args=(server, client, down), daemon=True).start()
            first = b""
            carries = False
            while data := client.recv(1 << 14):
                first = first or data
                if first is data:
                    carries = self._hear(first)
                with self._lock:
                    self.sent += min(up, len(data)) if carries else 0
                if up < len(data):
                    server.sendall(data[:up])
                    self._reset(client, server)
                    return
                up -= len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)  # who asked has gone

    def _hear(self, first: bytes) -> bool:
        """Whether it is a file that is sent, to a site or to a storage."""
        put = re.match(rb"PUT \S*/(?:uploads|incoming)/([0-9a-f-]{36})(?:/bytes|\.bin)", first)
        if put and put[1].decode() in self.completed:
            self.sent_again.append(put[1].decode())
        return put is not None

    def _down(self, server: socket.socket, client: socket.socket, down: int) -> None:
        with suppress(OSError):
            whole = b""
            while data := server.recv(1 << 14):
                whole += data
                self._note(whole)
                if down < len(data):
                    client.sendall(data[:down])
                    self._reset(client, server)
                    return
                down -= len(data)
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _note(self, whole: bytes) -> None:
        """An upload as the site shows it once it is complete."""
        done = re.search(rb'\{"id":"([0-9a-f-]{36})","session":[^{}]*"state":"complete"', whole)
        if done and whole.count(b'"session"') == 1:
            self.completed.add(done[1].decode())

    def _reset(self, *ends: socket.socket) -> None:
        with self._lock:
            self.cuts += 1
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                end.shutdown(socket.SHUT_RDWR)  # wakes the other thread, which holds the line open until then
            end.close()


@contextmanager
def cutting(address: str, *, cuts: int, share: float, seed: int = 0) -> Iterator[Cutter]:
    cutter = Cutter(address, cuts=cuts, share=share, seed=seed)
    try:
        yield cutter
    finally:
        cutter.close()
