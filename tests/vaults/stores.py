"""A small server that speaks as much of the secret stores' protocols as reading a secret takes. It is none of them."""

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "ya29.a0AfH6SMBx"


class Stores:
    """What is kept, by ARN or name; `asked` is what was asked for so far. Every attribute may be set while it runs."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked: list[str] = []
        self.silent = threading.Event()
        """While it is set, nobody is answered."""
        self.expires_in = 3600
        """Of Google's tokens."""
        self.address = ""

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which the official clients find it, and credentials as Lambda gives them."""
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.address,
            "AWS_ENDPOINT_URL_SSM": self.address,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AWS_SESSION_TOKEN": "session",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "GCE_METADATA_HOST": self.address.removeprefix("http://"),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"{self.address}/",
        }


def _handler(stores: Stores) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """AWS, JSON 1.1: docs.aws.amazon.com/secretsmanager and /systems-manager, their API references."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"]
            signature = re.match(
                r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d+/([\w-]+)/", self.headers["Authorization"]
            )
            assert signature
            assert self.headers["X-Amz-Security-Token"] == "session"
            name = asked.get("SecretId") or asked["Name"]
            assert f":{signature[1]}:" in name, "signed for another region than the secret's"
            stores.asked.append(f"{operation} {json.dumps(asked, sort_keys=True)}")
            value = stores.kept.get(name)
            if value is None:
                self._send(400, {"__type": "ResourceNotFoundException", "Message": f"no {name}, hunter2"})
            elif operation == "secretsmanager.GetSecretValue":
                self._send(200, {"ARN": name, "SecretString": value} if value != "binary" else {"SecretBinary": "AAAA"})
            elif operation == "AmazonSSM.GetParameter" and asked["WithDecryption"]:
                self._send(200, {"Parameter": {"Name": name, "Value": value}})

        def do_GET(self) -> None:
            """Google: the token of a service account, then a version of a secret."""
            stores.asked.append(self.path)
            name = re.fullmatch(r"/v1/(projects/.*):access", self.path)
            if self.path.partition("?")[0] == "/computeMetadata/v1/instance/service-accounts/default/token":
                assert self.headers["Metadata-Flavor"] == "Google"
                self._send(200, {"access_token": TOKEN, "expires_in": stores.expires_in, "token_type": "Bearer"})
            elif name is None or name[1] not in stores.kept:
                self._send(403, {"error": {"code": 403, "message": "hunter2", "status": "PERMISSION_DENIED"}})
            else:
                assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                value = stores.kept[name[1]].encode() if stores.kept[name[1]] != "binary" else b"\xff"
                self._send(200, {"name": name[1], "payload": {"data": b64encode(value).decode()}})

        def _send(self, status: int, told: dict[str, Any]) -> None:
            while stores.silent.is_set():
                stores.silent.wait(0.05)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that did not wait, or a test's assertion: it is left without an answer, which fails its test."""


@contextmanager
def running() -> Iterator[Stores]:
    stores = Stores()
    server = _Server(("127.0.0.1", 0), _handler(stores))
    stores.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield stores
    finally:
        stores.silent.clear()
        server.shutdown()
        server.server_close()
