"""A RADOS Gateway of the tests' own: Ceph's S3 server, which checks signatures, conditions and ends of tickets.

It takes ten seconds to start, while which other tests run: who needs it waits. It ignores `x-amz-checksum-*`.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import program

SCRIPT = Path(__file__).with_suffix(".sh")
ACCESS_KEY, SECRET_KEY = "access-key-of-tests", "secret-key-of-tests"
PATIENCE = 180  # seconds, with other things to do for the machine
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    # What else botocore would look at: nothing of this machine's, and nothing beyond it.
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


class Gateway(NamedTuple):
    """Where it is, and where it writes what it has to say."""

    address: str
    directory: Path


def found() -> bool:
    """Whether every program that it needs is here."""
    return all(map(program.find, ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")))


@contextmanager
def starting() -> Iterator[str]:
    """Yields what `awaited` takes, before the server answers."""
    directory, port = program.server_directory("rados"), _free_ports()
    command = ["bash", str(SCRIPT), str(directory), str(port), str(port + 1), ACCESS_KEY, SECRET_KEY]
    with program.running(
        command,
        ready=lambda: True,
        environ={"PATH": program.SYSTEM_PATH},
        directory=directory,
        cwd=directory,
        uid=program.server_uid(),
    ):
        yield f"http://127.0.0.1:{port}{directory}"


def awaited(started: str) -> Gateway:
    """The server, when it answers. Raises DidNotStart."""
    host, _, path = started.removeprefix("http://").partition("/")
    gateway = Gateway(f"http://{host}", Path("/", path))
    deadline = time.monotonic() + PATIENCE
    while not program.answers(gateway.address):
        if (gateway.directory / "failed").exists() or not gateway.directory.exists() or time.monotonic() > deadline:
            output = gateway.directory / "output"
            raise program.DidNotStart(f"radosgw:\n{output.read_text()[-4000:] if output.exists() else 'nothing'}")
        time.sleep(0.1)
    return gateway


def client(address: str, *, secret_key: str = SECRET_KEY) -> Any:
    """What asks it as its owner, without a second try."""
    import botocore.session
    from botocore.config import Config

    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY, secret_key)
    how = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return session.create_client("s3", region_name="us-east-1", endpoint_url=address, config=how)


def _free_ports() -> int:
    """The first of three ports that are free now, and that no connection is given for itself before they are taken."""
    while True:
        first = random.randrange(20_000, 30_000)
        if not any(map(program.listens, range(first, first + 3))):
            return first
