"""A managed identity of Azure: its token, the key that is lent to it, and tickets that are signed with that.

Azurite asks for TLS then, and looks at what a token says, not at who signed it. The server of tokens is the tests' own.
Azurite 3.35 does not know the form in which tickets are signed today; 3.37 does, but takes long to install.
"""

import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from roliascan.storage import StorageUnavailable, open_storage
from roliascan.storage.azure import AzureStorage
from tests.servers import azurite, parts
from tests.servers.parts import TEST_ALL
from tests.storage.test_clouds import FOREIGN
from tests.storage.test_contract import keys, put, read
from tests.storage.test_s3 import KEY, ticket, whole

pytestmark = [
    pytest.mark.azurite,
    pytest.mark.skipif(not TEST_ALL, reason="a second Azurite (with TEST_ALL=1)"),
]
SECRET = "header-of-tests"


def token() -> str:
    """A JSON Web Token as Azure's, but for its signature."""
    now = int(datetime.now(UTC).timestamp())
    times = {"iat": now - 60, "nbf": now - 60, "exp": now + 3600}
    who = {"iss": "https://sts.windows.net/tests/", "aud": "https://storage.azure.com", "oid": "app", "tid": "tests"}
    encoded = [
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256", "typ": "JWT"}, {**who, **times})
    ]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class _Tokens(BaseHTTPRequestHandler):
    """learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference"""

    def do_GET(self) -> None:
        is_right = self.headers.get("X-IDENTITY-HEADER") == SECRET
        ends = str(int(datetime.now(UTC).timestamp()) + 3600)
        told = {"access_token": token(), "expires_on": ends, "resource": "storage", "token_type": "Bearer"}
        body = json.dumps(told if is_right else {"statusCode": 400, "message": "words of the server"}).encode()
        self.send_response(200 if is_right else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The STORAGE_URL of an Azurite that knows identities, and the environment of a function that has one."""
    parts.require("azurite")
    certificate, key = _certificate(tmp_path)
    tokens = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    Thread(target=tokens.serve_forever, daemon=True).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{tokens.server_port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    with azurite.running("--oauth", "basic", "--cert", certificate, "--key", key) as endpoint:
        azurite.client(endpoint).create_container("files")
        yield f"az://{azurite.ACCOUNT}/files/site?endpoint={endpoint}"
    tokens.shutdown()
    tokens.server_close()


def _certificate(folder: Path) -> tuple[str, str]:
    """Files with a certificate of 127.0.0.1 that vouches for itself, and with its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return str(files[0]), str(files[1])


def test_an_identity_stores_and_signs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(url)
    assert isinstance(storage, AzureStorage)
    put(storage, KEY, b"bytes")
    assert (keys(storage), read(storage, KEY)) == ([KEY], b"bytes")
    made = ticket(storage, b"content", "incoming/a.bin")
    query = dict(parse_qsl(urlsplit(made.url).query))
    assert (query["sp"], query["spr"], query["skoid"]) == ("c", "https", "app")
    assert datetime.fromisoformat(query["ske"]) >= datetime.fromisoformat(query["se"])
    lent = str(storage._until(datetime.now(UTC)).value)
    assert query["sig"] == _signature(query, f"/blob/{azurite.ACCOUNT}/files/site/incoming/a.bin", lent)
    again = ticket(storage, b"content", "incoming/b.bin")
    assert dict(parse_qsl(urlsplit(again.url).query))["skt"] == query["skt"]  # the same key, which is asked for once
    late = ticket(storage, b"content", "incoming/c.bin", expires_at=datetime.now(UTC) + timedelta(hours=8))
    later = dict(parse_qsl(urlsplit(late.url).query))
    assert datetime.fromisoformat(later["ske"]) >= datetime.fromisoformat(later["se"])  # ST-15: another key


def _signature(query: dict[str, str], resource: str, lent: str) -> str:
    """learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas#version-2026-04-06-and-later"""
    names = ("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "sip", "spr")
    rest = ("sv", "sr", "snapshot", "ses", "srh", "srq", "rscc", "rscd", "rsce", "rscl", "rsct")
    said = [*(query.get(name, "") for name in ("sp", "st", "se")), resource]
    said += [query.get(name, "") for name in (*names, *rest)]
    return b64encode(hmac.digest(b64decode(lent), "\n".join(said).encode(), "sha256")).decode()


def test_an_identity_that_gets_no_token_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    with pytest.raises(StorageUnavailable, match="There are no credentials") as refusal:
        keys(open_storage(url))
    assert not FOREIGN.search(whole(refusal.value))  # ST-21
