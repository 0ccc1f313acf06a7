"""Faults of a connection, each at a message that has some words in it: the first statement, a later one, the commit."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import pymysql

from tests.database import bare
from tests.database.proxy import Proxy, _reset
from tests.servers.statements import SITE

PHASES = {"before": b"BEGIN", "within": b"series_stats", "commit": b"COMMIT"}
"""By where it happens: words that only that message has, in all the protocols."""

PAUSE_S = 0.2


class At(NamedTuple):
    """A message on its way, and the database beyond."""

    client: socket.socket
    server: socket.socket
    data: bytes
    url: str


def lost_on_the_way_there(at: At) -> None:
    """The machine in between vanishes before the message arrives."""
    _end(at)


def lost_on_the_way_back(at: At) -> None:
    """The message arrives, its answer does not."""
    at.server.sendall(at.data)
    at.server.recv(1 << 16)
    _end(at)


def cut_within_the_message(at: At) -> None:
    at.server.sendall(at.data[: len(at.data) // 2])
    _end(at)


def cut_within_the_answer(at: At) -> None:
    at.server.sendall(at.data)
    answer = at.server.recv(1 << 16)
    at.client.sendall(answer[: len(answer) // 2])
    _end(at)


def closed_in_order(at: At) -> None:
    """As a pooler that shuts down: no reset, the stream just ends."""
    at.client.shutdown(socket.SHUT_WR)
    raise OSError


def silent_then_cut(at: At) -> None:
    """The message arrives, and for a time nothing tells that its answer will not."""
    at.server.sendall(at.data)
    time.sleep(PAUSE_S)
    _end(at)


def late(at: At) -> None:
    """As a database that wakes up."""
    time.sleep(PAUSE_S)
    at.server.sendall(at.data)


def in_slices(at: At) -> None:
    """As a network of small packets."""
    for start in range(0, len(at.data), 97):
        at.server.sendall(at.data[start : start + 97])
        time.sleep(0)


def ended_by_the_server(at: At) -> None:
    """An administrator, or a fail-over, ends all connections; then the message comes."""
    _end_sessions(at.url)
    at.server.sendall(at.data)


def ended_by_the_server_after(at: At) -> None:
    """The same once the message was taken, and before its answer was read."""
    at.server.sendall(at.data)
    _end_sessions(at.url)
    _end(at)


_SESSIONS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    f" WHERE datname = current_database() AND usename = '{SITE}'",
    "mysql": "SELECT CONCAT('KILL ', id) FROM information_schema.processlist"
    f" WHERE db = database() AND user = '{SITE}'",
}


def _end_sessions(url: str) -> None:
    """The service's that there are now; others come meanwhile."""
    kind = url.partition(":")[0]
    with bare.cursor(url) as administrator:
        administrator.execute(_SESSIONS[kind])
        for (kill,) in administrator.fetchall() if kind == "mysql" else ():
            with suppress(pymysql.err.OperationalError):  # it left by itself
                administrator.execute(kill)


Fault = Callable[[At], None]
FAULTS: tuple[Fault, ...] = (
    lost_on_the_way_there,
    lost_on_the_way_back,
    cut_within_the_message,
    cut_within_the_answer,
    closed_in_order,
    silent_then_cut,
    late,
    in_slices,
    ended_by_the_server,
    ended_by_the_server_after,
)


def _end(at: At) -> None:
    _reset(at.client)
    raise OSError


class Breaking(Proxy):
    """A proxy that lets `fault` happen to each third message with `words` in it. Both may be changed while it runs."""

    def __init__(self, url: str, database: str) -> None:
        super().__init__(url, "127.0.0.1")
        self._database = database
        self._turn = threading.Lock()
        self._seen = 0
        self.fault: Fault | None = None
        self.words = b""
        self.broken = 0
        """Faults so far."""

    def _forward(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        if self.fault is None or self.words not in data or not self._is_due():
            server.sendall(data)
            return
        self.fault(At(client, server, data, self._database))

    def _is_due(self) -> bool:
        with self._turn:
            self._seen += 1
            due = self._seen % 3 == 0
            self.broken += due
            return due


@contextmanager
def breaking(url: str, database: str) -> Iterator[Breaking]:
    """Between the service and `url`; `database` is the server itself, where `url` leads to a pooler."""
    proxy = Breaking(url, database)
    try:
        yield proxy
    finally:
        proxy.close()
