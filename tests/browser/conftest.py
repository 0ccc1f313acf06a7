"""Two other sites, of which ours knows one; and ours, before each storage that takes files past it, as its docs say."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.places import COMMAND, account
from tests.cli.sending import Uploading, uploading
from tests.cli.test_upload_docs import block
from tests.servers import azurite, chromium, parts, program, radosgw, server
from tests.servers.chromium import Chromium
from tests.storage.raw import Raw
from tests.storage.test_s3_uploads import documented

__all__ = ["uploading"]

STORAGES = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("azurite", "radosgw")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    parts.require("chromium")
    with chromium.running() as started:
        yield started


class _Page(BaseHTTPRequestHandler):
    """Another site's page, which has a file field and the code of docs/uploads.md."""

    def do_GET(self) -> None:
        body = f"<!doctype html><meta charset=utf-8><input type=file multiple><script>{block('js')}</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _other_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@pytest.fixture(scope="session")
def friend() -> Iterator[str]:
    """The origin of the site whose pages may ask ours."""
    with _other_site() as origin:
        yield origin


@pytest.fixture(scope="session")
def stranger() -> Iterator[str]:
    with _other_site() as origin:
        yield origin


class Past(NamedTuple):
    """Our site, and where the storage is that pages send their files to and get them from."""

    site: Uploading
    storage: str


@pytest.fixture(scope="session", params=STORAGES)
def past(request: pytest.FixtureRequest, friend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    home = tmp_path_factory.mktemp("browser")
    opening = _radosgw if request.param == "radosgw" else _azurite
    with opening(friend) as given:
        environ = {
            "DATABASE_URL": f"sqlite:///{home}/roliascan.db",
            "DATA_DIR": str(home),
            "CORS_ORIGINS": friend,
            "RATE_LIMITS": "off",
            **given,
        }
        with _site(environ, home) as site:
            yield Past(site, given["IMAGE_URL"])


@contextmanager
def _site(environ: dict[str, str], home: Path) -> Iterator[Uploading]:
    made = [COMMAND, "admin", "create", *account("owner")]
    subprocess.run(made, cwd=home, env=program.environment(environ), check=True, capture_output=True)
    with server.running(environ, cwd=home) as address:
        yield Uploading(address, environ, home)


@contextmanager
def _radosgw(origin: str) -> Iterator[dict[str, str]]:
    address = radosgw.awaited(parts.require("radosgw")).address
    url = f"s3://browser-{os.getpid()}/site?region=us-east-1&endpoint={address}"
    raw = Raw(url)
    raw.client.create_bucket(Bucket=raw.bucket)
    rules = json.loads(documented("AllowedOrigins", raw))
    rules[0]["AllowedOrigins"] = [origin]
    raw.client.put_bucket_cors(Bucket=raw.bucket, CORSConfiguration={"CORSRules": rules})
    raw.client.put_bucket_policy(Bucket=raw.bucket, Policy=documented("Principal", raw))
    yield {"STORAGE_URL": url, "IMAGE_URL": f"{address}/{raw.bucket}/{raw.prefix}", **radosgw.CREDENTIALS}


@contextmanager
def _azurite(origin: str) -> Iterator[dict[str, str]]:
    """One of its own: its rules are for all of its containers."""
    from azure.storage.blob import CorsRule

    command = re.search(r"az storage cors add .*?\n.*?\n", (program.PROJECT / "docs/deploy/storages.md").read_text())
    assert command is not None
    said = dict(re.findall(r"--([a-z-]+) (\S+)", command[0]))
    rule = CorsRule(
        [origin],
        [said["methods"]],
        allowed_headers=said["allowed-headers"].split(","),
        max_age_in_seconds=int(said["max-age"]),
    )
    parts.require("azurite")
    with azurite.running() as endpoint:
        owner = azurite.client(endpoint)
        owner.set_service_properties(cors=[rule])
        owner.create_container("browser", public_access="blob")
        yield {
            "STORAGE_URL": f"az://{azurite.ACCOUNT}/browser/site?endpoint={endpoint}",
            "IMAGE_URL": f"{endpoint}/browser/site",
            "AZURE_STORAGE_KEY": azurite.KEY,
        }
