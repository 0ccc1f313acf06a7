"""Azurite, Microsoft's own emulator of Azure Blob Storage: it checks signatures, their ends, and what they allow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import program

INSTALLED = program.PROJECT / ".tools" / "azurite" / "node_modules"
MAIN = INSTALLED / "azurite" / "dist" / "src" / "blob" / "main.js"

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of every Azurite; Microsoft documents it."""


def found() -> Path | None:
    """The packages that `make test` installs, where there is a Node to run them."""
    complete = INSTALLED / ".package-lock.json"  # which npm writes last
    return INSTALLED if complete.exists() and program.find("node") else None


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Yields the endpoint of its one account."""
    port = program.free_port()
    scheme = "https" if "--cert" in options else "http"
    kept = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    with program.running(
        ["node", str(MAIN), *kept, "--blobHost", "127.0.0.1", "--blobPort", str(port), *options],
        ready=lambda: program.listens(port),
    ):
        yield f"{scheme}://127.0.0.1:{port}/{ACCOUNT}"


def client(endpoint: str) -> Any:
    """What asks it as its owner."""
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient(endpoint, credential=KEY, retry_total=0)
