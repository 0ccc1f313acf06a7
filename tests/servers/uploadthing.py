"""A stand-in of UploadThing. It is not UploadThing: it is built on what that documents, and on what its SDK asks.

It checks what is signed (whole address, its end, size, type, app), takes no second file under a name, lists newest
first by limit and offset, and keeps the calls that it would make for a test to make.
"""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from roliascan.storage import sqids
from tests.servers import program

INSTALLED = program.PROJECT / ".tools" / "uploadthing" / "node_modules"
SDK = program.PROJECT / "tests" / "servers" / "uploadthing" / "sdk.mjs"


def found() -> Path | None:
    """UploadThing's SDK, which `make test` installs, where there is a Node to run it."""
    complete = INSTALLED / ".package-lock.json"  # which npm writes last
    return INSTALLED if complete.exists() and program.find("node") else None


def sdk(questions: Iterable[dict[str, Any]]) -> list[Any]:
    """What UploadThing's SDK makes of these: `act` is one of those in sdk.mjs."""
    asked = "".join(f"{json.dumps(question)}\n" for question in questions)
    node = ["node", str(SDK), str(INSTALLED)]
    done = subprocess.run(node, input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass
class File:
    content: bytes
    type: str
    disposition: str
    uploaded_at: float
    status: str = "Uploaded"


@dataclass
class Call:
    """A call that the service would make."""

    url: str
    hook: str
    body: bytes
    signature: str


@dataclass
class App:
    """One app, by its token; `heard` is what was said to `/callback-result`.

    `cut`: so many files from now on arrive by half, after which the service has nothing but excuses; `came` are halves.
    `ranges`: whether files are given in parts, as not every cache does.
    """

    id: str
    api_key: str
    stand: "Stand"
    files: dict[str, File] = field(default_factory=dict)
    came: dict[str, bytes] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    cut: int = 0
    ranges: bool = True

    @property
    def token(self) -> str:
        told = {"apiKey": self.api_key, "appId": self.id, "regions": ["sea1"]}
        return base64.b64encode(json.dumps(told).encode()).decode()

    @property
    def url(self) -> str:
        """As STORAGE_URL names it."""
        at = self.stand.address
        return f"uploadthing:?api={at}/api&ingest={at}/ingest&files={at}/files/{self.id}"

    def call(self, hook: str, told: dict[str, Any]) -> Call:
        body = json.dumps(told).encode()
        key = told.get("fileKey") or told.get("file", {}).get("key", "")
        return Call(self.expected.get(key, ""), hook, body, self.sign(body))

    def sign(self, told: bytes) -> str:
        return f"hmac-sha256={hmac.new(self.api_key.encode(), told, hashlib.sha256).hexdigest()}"

    def came_call(self, name: str) -> Call:
        file = {"key": name, "name": "a.png", "size": 1, "type": "image/png", "url": "", "customId": None}
        told = {"status": "uploaded", "metadata": {}, "origin": "http://127.0.0.1:9/evil", "file": file}
        return self.call("callback", told)


class Stand:
    """Where it is, and whose files it keeps."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.apps: dict[str, App] = {}
        self.lock = Lock()
        self._numbers = count(1)

    def app(self) -> App:
        """A new one, without files."""
        number = next(self._numbers)
        app = App(f"testsapp{number}", f"sk_tests_{number:012}", self)
        self.apps[app.id] = app
        return app


@contextmanager
def running() -> Iterator[Stand]:
    """In this process, on a port of its own."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stand = Stand(server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.stand
    server.shutdown()
    server.server_close()


class _No(Exception):
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why


class _Server(ThreadingHTTPServer):
    stand: Stand
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Clients that went away are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, headers, told = self._answer(body)
        except _No as no:
            status, headers, told = no.status, {}, json.dumps({"error": no.why, "data": "secret words"}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(told)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _do  # as the base class finds them

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(self.path).path
        if path.startswith("/files/") and self.command == "GET":
            return self._read(*path.removeprefix("/files/").split("/f/"))
        if self.command == "POST":
            return 200, {"Content-Type": "application/json"}, json.dumps(self._told(path, json.loads(body))).encode()
        app, name, said = self._signed()
        if self.command == "HEAD":
            known = app.files.get(name)
            there = len(known.content if known else app.came.get(name, b""))
            return 200, {"x-ut-range-start": str(there)}, b""
        if self.command != "PUT":
            raise _No(405, "a ticket is to send")
        return 200, {"Content-Type": "application/json"}, json.dumps(self._take(app, name, said, body)).encode()

    # What is signed.

    def _check(self, api_key: str) -> dict[str, str]:
        url = f"http://{self.headers['Host']}{self.path}"
        told, mark, signature = url.partition("&signature=")
        if not mark:
            raise _No(400, "no signature")
        right = hmac.new(api_key.encode(), told.encode(), hashlib.sha256).hexdigest()
        if unquote(signature) != f"hmac-sha256={right}":
            raise _No(400, "another signature")
        said = dict(parse_qsl(urlsplit(told).query, strict_parsing=True))
        if int(said["expires"]) < time.time() * 1000:
            raise _No(400, "too late")
        return {key: unquote(value) for key, value in said.items()}

    def _signed(self) -> tuple[App, str, dict[str, str]]:
        parts = urlsplit(self.path)
        app = self.server.stand.apps.get(dict(parse_qsl(parts.query)).get("x-ut-identifier", ""))
        if not app or not parts.path.startswith("/ingest/"):
            raise _No(400, "no such app")
        said, name = self._check(app.api_key), parts.path.removeprefix("/ingest/")
        if not name.startswith(sqids.prefix(app.id)) or not said.get("x-ut-file-name"):
            raise _No(400, "no key of this app")
        return app, name, said

    # Files.

    def _take(self, app: App, name: str, said: dict[str, str], body: bytes) -> dict[str, str]:
        begin = int(re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])  # type: ignore[index]
        content = _file(self.headers.get("Content-Type", ""), body, said["x-ut-file-type"])
        with self.server.stand.lock:
            if name in app.files:
                raise _No(409, "a file is there")
            whole = app.came.get(name, b"")[:begin] + content
            if app.cut:
                app.cut -= 1
                app.came[name] = whole[: begin + len(content) // 2]
                raise _No(503, "half of it came")
            if len(whole) != int(said["x-ut-file-size"]):
                raise _No(400, "another size")
            shown = said.get("x-ut-content-disposition", "inline")
            app.files[name] = File(whole, said["x-ut-file-type"], shown, time.time() * 1000)
            if name in app.expected and "x-ut-slug" in said:
                app.calls.append(app.came_call(name))
        digest = hashlib.md5(whole, usedforsecurity=False).hexdigest()
        return {"ufsUrl": f"{app.stand.address}/files/{app.id}/f/{name}", "fileHash": digest}

    def _read(self, app_id: str, name: str) -> tuple[int, dict[str, str], bytes]:
        app = self.server.stand.apps.get(app_id)
        if app and "signature=" in self.path:
            self._check(app.api_key)
        file = app.files.get(name) if app else None
        if file is None:
            raise _No(404, "no such file")
        headers = {"Content-Type": file.type, "Content-Disposition": file.disposition}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if app is None or not app.ranges or not asked:
            return 200, headers, file.content
        start, end, size = int(asked[1]), int(asked[2] or 1 << 60), len(file.content)
        if start >= size:
            raise _No(416, "beyond its end")
        headers["Content-Range"] = f"bytes {start}-{min(end, size - 1)}/{size}"
        return 206, headers, file.content[start : end + 1]

    # What only its owner asks.

    def _told(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        key = self.headers.get("x-uploadthing-api-key", "")
        app = next((app for app in self.server.stand.apps.values() if app.api_key == key), None)
        if app is None:
            raise _No(401, "another key")
        with self.server.stand.lock:
            return _owners(app, path, asked)


def _owners(app: App, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    if path == "/api/v6/deleteFiles":
        gone = [app.files.pop(name, None) for name in asked["fileKeys"]]
        return {"success": True, "deletedCount": len([file for file in gone if file])}
    if path == "/api/v6/listFiles":
        limit, offset = asked["limit"], asked["offset"]
        newest = list(reversed(app.files.items()))
        page = [_listed(name, file) for name, file in newest[offset : offset + limit]]
        return {"hasMore": offset + limit < len(newest), "files": page}
    if path == "/ingest/route-metadata":
        app.expected |= dict.fromkeys(asked["fileKeys"], asked["callbackUrl"])
        return {"ok": True}
    if path == "/ingest/callback-result":
        app.heard.append(asked["fileKey"])
        return {"ok": True}
    raise _No(404, "no such act")


def _listed(name: str, file: File) -> dict[str, Any]:
    size = len(file.content)
    known = {"id": name, "customId": None, "key": name, "name": name, "size": size, "status": file.status}
    return known | {"uploadedAt": int(file.uploaded_at)}


def _file(content_type: str, body: bytes, type: str) -> bytes:
    """The bytes of the one part of a form, which is called `file`."""
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts: list[Any] = list(form.walk())[1:]
    names = [part.get_param("name", header="content-disposition") for part in parts]
    if names != ["file"]:
        raise _No(400, "no form with one file")
    if parts[0].get_content_type() != type:
        raise _No(400, "another type")
    boundary = re.search(r'boundary="?([^";]+)', content_type)[1].encode()  # type: ignore[index]
    return body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--" + boundary + b"--")[0]
