"""A TCP proxy between us and a database server: it counts round trips and cuts connections where it is told to."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Every attribute may be read and set while it runs."""

    def __init__(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        assert parts.port is not None
        self._target = ("127.0.0.1", parts.port)
        self._listener = socket.create_server((host, 0))
        self._live: list[tuple[socket.socket, socket.socket]] = []
        self.url = parts._replace(netloc=f"{parts.username}@{host}:{self._listener.getsockname()[1]}").geturl()
        self.connections = 0
        """Connections accepted so far."""
        self.trips = 0
        """Times that a client spoke after a server, or first."""
        self.sent = b""
        """All that clients sent."""
        self.cut_before: bytes | None = None
        """The next message that contains this does not reach the server; its connection is reset."""
        self.cut_after: bytes | None = None
        """The next message that contains this reaches the server, whose answer does not return; the same."""
        self.late_s = 0.0
        """For how long the next connection does not reach the server, as if that had to wake."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Resets every connection."""
        while self._live:
            for end in self._live.pop():
                _reset(end)

    def close(self) -> None:
        """Takes no more connections, which are refused from now on, and cuts those there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                late, self.late_s = self.late_s, 0.0
                time.sleep(late)
                server = socket.create_connection(self._target)
                self._live.append((client, server))
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        last = None
        with suppress(OSError, ValueError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        raise OSError
                    if source is server:
                        client.sendall(data)
                    else:
                        self.trips += last is not client
                        self._forward(client, server, data)
                    last = source
        for end in (client, server):
            end.close()

    def _forward(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        self.sent += data
        if self.cut_before and self.cut_before in data:
            self.cut_before = None
            _reset(client)
            raise OSError
        server.sendall(data)
        if self.cut_after and self.cut_after in data:
            self.cut_after = None
            server.recv(1 << 16)
            _reset(client)
            raise OSError


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST, as when a machine vanished
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def between(url: str, host: str = "127.0.0.1") -> Iterator[Proxy]:
    """A proxy before the server of this address, listening on `host`."""
    proxy = Proxy(url, host)
    try:
        yield proxy
    finally:
        proxy.close()
