"""`roliascan smoke`, as a process, on each runtime: over PostgreSQL and an S3 server that takes the pages' bytes.

One of them runs always, all of them with TEST_ALL=1.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from roliascan.platforms import google_functions
from roliascan.storage import open_storage
from tests.cli import fronts
from tests.cli.fronts import Front, Heard, Said
from tests.cli.places import COMMAND, account
from tests.cli.sending import Uploading
from tests.cli.test_smoke import STEPS
from tests.front import SECRET
from tests.platforms import clients
from tests.platforms.shapes import Request, http_api_event, of_lambda
from tests.servers import aws_lambda, databases, google, parts, program, radosgw, server, serverless_offline
from tests.storage.raw import Raw
from tests.storage.test_s3_uploads import documented

Environ = dict[str, str]
pytestmark = [pytest.mark.postgresql, pytest.mark.radosgw]


@contextmanager
def _granian(environ: Environ, front: Front) -> Iterator[None]:
    with server.running(environ) as address:
        front.to = urlsplit(address).netloc
        yield


@contextmanager
def _google(environ: Environ, front: Front) -> Iterator[None]:
    with google.running(Path(google_functions.__file__), "web", environ) as address:
        front.to = urlsplit(address).netloc
        yield


@contextmanager
def _lambda(environ: Environ, front: Front) -> Iterator[None]:
    """An HTTP API in front of Amazon's runtime client and emulator."""
    parts.require("lambda")
    with aws_lambda.running("roliascan.platforms.aws_lambda.handler", environ, timeout=28) as function:
        front.answer = lambda heard, body: _invoked(function, heard, body)
        yield


def _invoked(function: str, heard: Heard, body: bytes) -> Said:
    event = http_api_event(Request(heard.method, heard.path, heard.headers, body))
    reply = of_lambda(clients.invoke(function, event))
    return Said(reply.status, reply.headers, reply.body)


@contextmanager
def _serverless(environ: Environ, front: Front) -> Iterator[None]:
    parts.require("serverless")
    with serverless_offline.running(environ) as address:
        front.to = urlsplit(address).netloc
        yield


Runtime = Callable[[Environ, Front], AbstractContextManager[None]]
_ON_LAMBDA = [getattr(pytest.mark, "lambda")]
_OFFLINE = [pytest.mark.serverless] if parts.TEST_ALL else []
RUNTIMES = [
    pytest.param(_granian, "public", id="granian"),
    pytest.param(_granian, "private", id="granian, private files"),
    pytest.param(_google, "public", id="functions-framework"),
    pytest.param(_google, "private", id="functions-framework, private files"),
    pytest.param(_lambda, "public", id="lambda", marks=_ON_LAMBDA),
    pytest.param(_lambda, "private", id="lambda, private files", marks=_ON_LAMBDA),
    pytest.param(_serverless, "public", id="serverless-offline", marks=_OFFLINE),
    pytest.param(_serverless, "private", id="serverless-offline, private files", marks=_OFFLINE),
]


@pytest.mark.parametrize(("runtime", "files"), RUNTIMES if parts.TEST_ALL else RUNTIMES[:1])
def test_smoke(runtime: Runtime, files: str, s3_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        front = stack.enter_context(fronts.before("http://127.0.0.1:9"))
        environ = {
            "DATABASE_URL": stack.enter_context(databases.migrated(parts.require("postgresql"))),
            "STORAGE_URL": s3_url,
            "JWT_SECRET": SECRET,
            "PUBLIC_URL": front.url,
            **_where_files_are_read(s3_url, files),
            **radosgw.CREDENTIALS,
        }
        made = [COMMAND, "admin", "create", *account("owner")]
        subprocess.run(made, cwd=tmp_path, env=program.environment(environ), check=True, capture_output=True)
        stack.enter_context(runtime(environ, front))
        token = Uploading(front.url, environ, tmp_path).token
        told = _smoke(front.url, token, tmp_path)
    assert [(one["step"], one["wrong"]) for one in told["steps"]] == [(step, "") for step in STEPS]
    assert not front.asked("PUT")  # the bytes went to the storage
    assert bool(front.asked("GET", "/uploads/")) == (files == "private")
    assert [*open_storage(s3_url).list()] == []


def _smoke(url: str, token: str, where: Path) -> Any:
    environ = program.environment({"ROLIASCAN_TOKEN": token})
    command = [COMMAND, "smoke", url, "--json"]
    ran = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, timeout=120)
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def _where_files_are_read(storage_url: str, files: str) -> Environ:
    if files == "private":
        return {"FILES": "private"}
    raw = Raw(storage_url)
    raw.client.put_bucket_policy(Bucket=raw.bucket, Policy=documented("Principal", raw))
    return {"IMAGE_URL": f"{raw.client.meta.endpoint_url}/{raw.bucket}/{raw.prefix}"}
