"""The front before gcp-storage-emulator: tokens, V4 signatures, sizes and generations. Not Google, but as it describes.

cloud.google.com/storage/docs/authentication/canonical-requests, .../xml-api/reference-headers
It also gives tokens to the key of its service account, is a metadata server, and signs as IAM's signBlob does.
"""

import hashlib
import http.client
import json
import re
import sys
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TOKEN = "token-of-tests"
METADATA = "/computeMetadata/v1/instance/service-accounts/"
Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """With the status and the code of Google's XML API."""


class Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, upstream: int, account: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.upstream = upstream
        self.email = account["client_email"]
        key = serialization.load_pem_private_key(account["private_key"].encode(), None)
        assert isinstance(key, RSAPrivateKey)
        self.key = key
        self.writing = Lock()  # so that of several at once exactly one finds no object


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def _do(self) -> None:
        body = self._body()
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            status, headers, told = self._answer(parts.path, query, body)
        except Refused as no:
            status, headers = no.args[0], {"Content-Type": "application/xml"}
            told = f"<Error><Code>{no.args[1]}</Code></Error>".encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": headers.get("Content-Length") or str(len(told))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = _do  # as the base class finds them

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, path: str, query: dict[str, str], body: bytes) -> Answer:
        if path == "/token":
            return _json({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
        if path.startswith("/computeMetadata/") or path == "/":
            return self._metadata(path)
        if path.endswith(":signBlob"):
            return self._sign(path, body)
        if "X-Goog-Signature" in query:
            return self._signed(path, query, body)
        self._authorized()
        with self.server.writing:
            if query.get("ifGenerationMatch") == "0" and self._exists(_named(path, query, body)):
                return 412, {"Content-Type": "application/json"}, b'{"error": {"code": 412, "message": "there"}}'
            if path.endswith("/o") and self.command == "GET":
                return self._list(path, query)
            return self._pass_on(body)

    def _authorized(self) -> None:
        if (self.headers.get("Authorization") or "") != f"Bearer {TOKEN}":
            raise Refused(401, "AuthenticationRequired")

    # What is around the storage.

    def _metadata(self, path: str) -> Answer:
        if self.headers.get("Metadata-Flavor") != "Google":
            raise Refused(403, "Forbidden")
        flavor = {"Metadata-Flavor": "Google"}
        if path.endswith("/token"):
            status, headers, told = _json({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
            return status, headers | flavor, told
        if path.startswith(METADATA):
            status, headers, told = _json({"email": self.server.email, "scopes": [], "aliases": ["default"]})
            return status, headers | flavor, told
        told = b"googleapis.com" if path.endswith("/universe-domain") else b"tests"
        return 200, {"Content-Type": "text/plain", **flavor}, told

    def _sign(self, path: str, body: bytes) -> Answer:
        self._authorized()
        if path != f"/v1/projects/-/serviceAccounts/{self.server.email}:signBlob":
            raise Refused(403, "Forbidden")
        signature = self.server.key.sign(b64decode(json.loads(body)["payload"]), padding.PKCS1v15(), hashes.SHA256())
        return _json({"keyId": "1", "signedBlob": b64encode(signature).decode()})

    # Signed addresses.

    def _signed(self, path: str, query: dict[str, str], body: bytes) -> Answer:
        signature = query.pop("X-Goog-Signature")
        names = query.get("X-Goog-SignedHeaders", "").split(";")
        day = query.get("X-Goog-Date", "")[:8]
        scope = f"{day}/auto/storage/goog4_request"
        if query.get("X-Goog-Credential") != f"{self.server.email}/{scope}" or "host" not in names:
            raise Refused(403, "AccessDenied")
        if any(name.lower().startswith("x-goog-") and name.lower() not in names for name in self.headers):
            raise Refused(400, "MalformedSecurityHeader")  # each such header has to be signed
        self._check_time(query)
        request = "\n".join(
            [self.command, path, _canonical(query), *self._headers(names), "", ";".join(names), _UNSIGNED]
        )
        digest = hashlib.sha256(request.encode()).hexdigest()
        said = "\n".join(["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, digest])
        try:
            raw = bytes.fromhex(signature)
            self.server.key.public_key().verify(raw, said.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise Refused(403, "SignatureDoesNotMatch") from None
        if self.command == "PUT":
            return self._put(path, body)
        return self._shown(path, query) if self.command in {"GET", "HEAD"} else self._pass_on(body, path)

    def _check_time(self, query: dict[str, str]) -> None:
        try:
            begins = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            seconds = int(query["X-Goog-Expires"])
        except (KeyError, ValueError):
            raise Refused(400, "InvalidQueryParameterValue") from None
        now = datetime.now(UTC)
        if not 0 < seconds <= 604_800 or now > begins + timedelta(seconds=seconds):
            raise Refused(400, "ExpiredToken")
        if begins > now + timedelta(minutes=15):
            raise Refused(403, "RequestTimeTooSkewed")

    def _headers(self, names: list[str]) -> list[str]:
        """By name, with one space where there were several; a header that is signed and does not come has no line."""
        return [
            f"{name}:" + ",".join(re.sub(r"\s+", " ", one.strip()) for one in values)
            for name in sorted(names)
            if (values := self.headers.get_all(name))
        ]

    def _shown(self, path: str, query: dict[str, str]) -> Answer:
        """With the headers that the address asks for; the emulator knows neither these nor HEAD."""
        asked = {"Range": self.headers["Range"]} if "Range" in self.headers else {}
        status, headers, told = self._ask("GET", path, asked, b"")
        if status >= 300:
            return status, headers, told
        names = {"response-content-type": "Content-Type", "response-content-disposition": "Content-Disposition"}
        kept = {name: value for name, value in headers.items() if name.title() not in names.values()}
        kept |= {shown: query[name] for name, shown in names.items() if name in query}
        return (
            (status, kept, told) if self.command == "GET" else (status, kept | {"Content-Length": str(len(told))}, b"")
        )

    def _put(self, path: str, body: bytes) -> Answer:
        least, _, most = (self.headers.get("x-goog-content-length-range") or f"0,{1 << 50}").partition(",")
        if len(body) > int(most):
            raise Refused(400, "EntityTooLarge")
        if len(body) < int(least):
            raise Refused(400, "EntityTooSmall")
        _, bucket, name = unquote(path).split("/", 2)
        with self.server.writing:
            if self.headers.get("x-goog-if-generation-match") == "0" and self._exists((bucket, name)):
                raise Refused(412, "PreconditionFailed")
            return self._pass_on(body, path)

    # The emulator.

    def _exists(self, named: tuple[str, str]) -> bool:
        bucket, name = named
        return self._ask("GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}", {}, b"")[0] == 200

    def _list(self, path: str, query: dict[str, str]) -> Answer:
        """Pages and offsets, which the emulator has not."""
        status, headers, told = self._ask("GET", f"{path}?prefix={quote(query.get('prefix', ''))}", {}, b"")
        if status != 200:
            return status, headers, told
        after = b64decode(query.get("pageToken", "")).decode()
        items = sorted(json.loads(told).get("items", []), key=lambda item: str(item["name"]))
        items = [one for one in items if one["name"] >= query.get("startOffset", "") and one["name"] > after]
        most = int(query.get("maxResults", 1000))
        more = {"nextPageToken": b64encode(items[most - 1]["name"].encode()).decode()} if len(items) > most else {}
        return _json({"kind": "storage#objects", "items": items[:most], **more})

    def _pass_on(self, body: bytes, path: str = "") -> Answer:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        return self._ask(self.command, path or self.path, kept, body)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        connection.request(method, path, body, headers)
        told = connection.getresponse()
        answer = told.read()
        connection.close()
        return told.status, {name: value for name, value in told.getheaders() if name.lower() not in _HOP}, answer

    def log_message(self, *_: Any) -> None:
        pass


_UNSIGNED = "UNSIGNED-PAYLOAD"
_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server", "accept-encoding"}


def _json(told: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()


def _canonical(query: dict[str, str]) -> str:
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


def _named(path: str, query: dict[str, str], body: bytes) -> tuple[str, str]:
    """The bucket and the object that a request of the JSON API is about."""
    bucket = unquote(path.partition("/b/")[2].split("/")[0])
    if found := re.search(rb'"name": ?"([^"]+)"', body[:2000]):
        return bucket, found[1].decode()
    return bucket, query.get("name") or unquote(path.partition("/o/")[2])


def main(directory: str, port: str, upstream: str) -> None:
    from gcp_storage_emulator.server import create_server

    account = json.loads(Path(directory, "key.json").read_text())
    create_server("127.0.0.1", int(upstream), in_memory=True).start()
    Thread(target=Front(int(port), int(upstream), account).serve_forever).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
