"""serverless-offline, a stand-in of an HTTP API, around the Lambda handler."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program

SERVICE = Path(__file__).with_name("serverless")
INSTALLED = program.PROJECT / ".tools" / "serverless" / "node_modules"


def found() -> Path | None:
    """The packages that `make parity` installs, where there is a Node to run them."""
    complete = INSTALLED / ".package-lock.json"  # which npm writes last
    return INSTALLED if complete.exists() and program.find("node") else None


@contextmanager
def running(environ: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve the handler by HTTP; yields the address without a closing slash.

    The framework is osls, under the name by which plugins look for it. The keys are for nothing: nobody is called.
    """
    if found() is None:
        raise program.DidNotStart("serverless-offline is not here: make parity installs it")
    port, lambda_port = program.free_port(), program.free_port()
    folder = Path(tempfile.mkdtemp(prefix="serverless-"))
    shutil.copy(SERVICE / "serverless.yml", folder)
    (folder / "node_modules").symlink_to(INSTALLED)
    options = ["--host", "127.0.0.1", "--httpPort", str(port), "--lambdaPort", str(lambda_port), "--noSponsor"]
    own = {
        "SLS_TELEMETRY_DISABLED": "1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "VIRTUAL_ENV": sys.prefix,  # whose python3 it takes
    }
    with program.running(
        ["node", "node_modules/serverless/bin/serverless.js", "offline", *options],
        ready=lambda: program.listens(port),
        environ={**own, **(environ or {})},
        directory=folder,
        cwd=folder,
    ):
        yield f"http://127.0.0.1:{port}"
