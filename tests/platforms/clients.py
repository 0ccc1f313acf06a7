"""Clients of running platforms, which show what is really on the wire."""

import http.client
import json
import socket
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from tests.platforms.shapes import Reply, Request


def send(address: str, request: Request) -> Reply:
    """One request over HTTP as it stands: sent at once, nothing normalized, followed or unpacked."""
    with dial(address) as connection:
        connection.settimeout(60)
        connection.sendall(_bytes(request, urlsplit(address).netloc))
        answer = http.client.HTTPResponse(connection, method=request.method)
        answer.begin()
        headers = [(name.lower(), value) for name, value in answer.getheaders()]
        cookies = sorted(value for name, value in headers if name == "set-cookie")
        once = {name: value for name, value in headers if name != "set-cookie"}
        with answer:
            return Reply(answer.status, once, cookies, answer.read())


def _bytes(request: Request, host: str) -> bytes:
    headers, body = [("Host", host), *request.pairs], request.body
    if "Transfer-Encoding" in dict(headers):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def invoke(function: str, event: Any) -> Any:
    """What a function in the Lambda emulator returns for an event."""
    with urllib.request.urlopen(function, json.dumps(event).encode(), timeout=90) as answer:
        return json.loads(answer.read())


def raw(address: str, data: bytes, *, seconds: float = 60) -> bytes:
    """Everything that comes back for these bytes until the server closes; raises TimeoutError when it does not."""
    with dial(address) as connection:
        connection.settimeout(seconds)
        connection.sendall(data)
        return until_closed(connection)


def dial(address: str) -> socket.socket:
    """A connection to the server at this address."""
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60)


def until_closed(connection: socket.socket) -> bytes:
    """What still comes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received
