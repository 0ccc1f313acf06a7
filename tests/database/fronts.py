"""Fronts that speak TLS, and may ask for a password in it, before servers of the tests that do neither.

They imitate how one logs in to RDS and Cloud SQL: TLS, then the password in clear. What follows is the server's.
"""

import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

REMOTE = "127.0.0.2"  # this machine too, but not by a name that we trust
_CLIENT_SSL, _CLIENT_CONNECT_ATTRS = 0x800, 0x100000


def certify(file: Path) -> Path:
    """Makes a certificate of REMOTE that signed itself, with its key in the same file."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    words += f" -addext subjectAltName=IP:{REMOTE} -keyout {file} -out {file}.crt"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


class Front:
    """`accepts` tells whether a password is right, and may be set while it runs; None: it asks for none."""

    def __init__(self, url: str, certificate: Path, host: str, accepts: Callable[[str], bool] | None) -> None:
        self.accepts = accepts
        self.passwords: list[str] = []
        """All that were tried."""
        self._parts = urlsplit(url)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self.listener = socket.create_server((host, 0))
        self.port: int = self.listener.getsockname()[1]
        self.url = self._parts._replace(netloc=f"{self._parts.username}@{host}:{self.port}").geturl()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        mysql = self._parts.scheme == "mysql"
        greet, sign_in = (self._greet_mysql, self._mysql) if mysql else (self._greet_postgresql, self._postgresql)
        server = socket.create_connection(("127.0.0.1", self._parts.port or 0))
        with client, server, suppress(OSError):
            greet(client, server)
            with self._context.wrap_socket(client, server_side=True) as secured:
                sign_in(secured, server)
                back = threading.Thread(target=_pour, args=(secured, server), daemon=True)
                back.start()
                _pour(server, secured)
                back.join()

    def _check(self, client: socket.socket, password: bytes, refusal: bytes) -> None:
        assert self.accepts
        self.passwords.append(password.rstrip(b"\0").decode())
        if not self.accepts(self.passwords[-1]):
            client.sendall(refusal)
            raise OSError

    def _greet_postgresql(self, client: socket.socket, _server: socket.socket) -> None:
        """A word in clear, and a yes: postgresql.org/docs/current/protocol-flow.html"""
        assert _exactly(client, 8) == b"\0\0\0\x08\x04\xd2\x16\x2f"  # SSLRequest
        client.sendall(b"S")

    def _postgresql(self, client: socket.socket, server: socket.socket) -> None:
        length = _exactly(client, 4)
        startup = length + _exactly(client, int.from_bytes(length, "big") - 4)
        if self.accepts:
            client.sendall(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
            _, size = struct.unpack("!ci", _exactly(client, 5))
            fields = b"SFATAL\0VFATAL\0C28P01\0MPAM authentication failed\0\0"
            self._check(client, _exactly(client, size - 4), b"E" + struct.pack("!i", len(fields) + 4) + fields)
        server.sendall(startup)

    def _greet_mysql(self, client: socket.socket, server: socket.socket) -> None:
        """dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html"""
        greeting = bytearray(_packet(server))
        flags = greeting.index(0, 1) + 14  # after the version: a number, a part of the salt, a zero
        greeting[flags : flags + 2] = struct.pack("<H", struct.unpack_from("<H", greeting, flags)[0] | _CLIENT_SSL)
        client.sendall(_packed(0, greeting))
        assert len(_packet(client)) == 32  # SSLRequest

    def _mysql(self, client: socket.socket, server: socket.socket) -> None:
        login, number = _packet(client), 3
        if self.accepts:
            client.sendall(_packed(3, b"\xfemysql_clear_password\0"))
            self._check(client, _packet(client), _packed(5, b"\xff\x15\x04#28000Access denied"))
            number = 5
        flags = struct.unpack_from("<I", login)[0] & ~(_CLIENT_SSL | _CLIENT_CONNECT_ATTRS)
        named = f"root\0\0{self._parts.path[1:]}\0mysql_native_password\0".encode()
        server.sendall(_packed(1, struct.pack("<I", flags) + login[4:32] + named))
        client.sendall(_packed(number, _packet(server)))


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise OSError
        data += more
    return data


def _packet(source: socket.socket) -> bytes:
    head = _exactly(source, 4)
    return _exactly(source, int.from_bytes(head[:3], "little"))


def _packed(number: int, content: bytes | bytearray) -> bytes:
    return len(content).to_bytes(3, "little") + bytes([number]) + content


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def before(
    url: str, certificate: Path, host: str = REMOTE, accepts: Callable[[str], bool] | None = None
) -> Iterator[Front]:
    """A front before the server of this address, listening on `host`."""
    front = Front(url, certificate, host, accepts)
    try:
        yield front
    finally:
        with suppress(OSError):
            front.listener.shutdown(socket.SHUT_RDWR)
        front.listener.close()
