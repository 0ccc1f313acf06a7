"""A stand-in of Google Cloud Storage: gcp-storage-emulator behind a front of the tests' own. It is not Google.

Google's client speaks with the emulator, which looks at no signature, size or condition; the front does, from Google's
public description, and stands for what gives tokens and signs as well: see gcs_front.py.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import program

EMAIL = "site@tests.iam.gserviceaccount.com"
KEY_FILE, STRANGERS_KEY_FILE = "key.json", "another-key.json"


class Stand(NamedTuple):
    """Its address, and where the keys of its service account, and of one that it does not know, are."""

    address: str
    directory: Path

    @property
    def key_file(self) -> str:
        return str(self.directory / KEY_FILE)


def found() -> bool:
    return find_spec("gcp_storage_emulator") is not None


@contextmanager
def running() -> Iterator[str]:
    """Yields what `stand` takes."""
    directory, port, inner = program.server_directory("gcs"), program.free_port(), program.free_port()
    for name in (KEY_FILE, STRANGERS_KEY_FILE):
        (directory / name).write_text(_service_account(f"http://127.0.0.1:{port}/token"))
    with program.running(
        [sys.executable, "-m", "tests.servers.gcs_front", str(directory), str(port), str(inner)],
        ready=lambda: program.listens(port),
        directory=directory,
    ):
        yield f"http://127.0.0.1:{port}{directory}"


def stand(started: str) -> Stand:
    host, _, path = started.removeprefix("http://").partition("/")
    return Stand(f"http://{host}", Path("/", path))


def client(stand: Stand) -> Any:
    """What asks it as its owner."""
    from google.cloud.storage import Client
    from google.oauth2.service_account import Credentials

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    owner = Credentials.from_service_account_file(stand.key_file, scopes=scopes)  # type: ignore[no-untyped-call]
    return Client(project="tests", credentials=owner, client_options={"api_endpoint": stand.address})


def _service_account(token_uri: str) -> str:
    """A file as Google makes it, with a key that was made just now."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = {"type": "service_account", "project_id": "tests", "client_email": EMAIL, "token_uri": token_uri}
    return json.dumps({**told, "private_key_id": "1", "private_key": key.decode()})
