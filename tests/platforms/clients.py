"""Clients of running platforms, which show what is really on the wire."""

import http.client
import json
import socket
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from tests.platforms.shapes import Reply, Request


def send(address: str, request: Request) -> Reply:
    """One request over HTTP as it stands: nothing normalized, followed or unpacked."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value.encode("latin-1"))
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        headers = [(name.lower(), value) for name, value in answer.getheaders()]
        cookies = sorted(value for name, value in headers if name == "set-cookie")
        once = {name: value for name, value in headers if name != "set-cookie"}
        return Reply(answer.status, once, cookies, answer.read())
    finally:
        connection.close()


def invoke(function: str, event: Any) -> Any:
    """What a function in the Lambda emulator returns for an event."""
    with urllib.request.urlopen(function, json.dumps(event).encode(), timeout=30) as answer:
        return json.loads(answer.read())


def raw(address: str, data: bytes, *, seconds: float = 5) -> bytes:
    """Everything that comes back for these bytes until the server closes; raises TimeoutError when it does not."""
    with dial(address) as connection:
        connection.settimeout(seconds)
        connection.sendall(data)
        return until_closed(connection)


def dial(address: str) -> socket.socket:
    """A connection to the server at this address."""
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10)


def until_closed(connection: socket.socket) -> bytes:
    """What still comes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received
