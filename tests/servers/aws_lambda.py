"""AWS Lambda's runtime interface emulator around AWS's own runtime client."""

import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program

EMULATOR = program.PROJECT / ".tools" / "aws-lambda-rie"


def found() -> Path | None:
    """The emulator's program, which `make setup` takes out of the aws-sam-cli wheel. It runs on Linux only."""
    return EMULATOR if EMULATOR.exists() and platform.system() == "Linux" else None


@contextmanager
def running(
    handler: str, environ: Mapping[str, str] | None = None, *, cwd: Path = program.PROJECT, timeout: int = 10
) -> Iterator[str]:
    """Run one function; yields the address to POST events to, one at a time.

    `handler` is MODULE.function, imported from the environment of the tests or from `cwd`; `timeout` in seconds,
    as Lambda's own. The function's environment holds `environ` and what Lambda itself sets, nothing else of ours.
    """
    emulator = found()
    if emulator is None:
        raise program.DidNotStart("the Lambda emulator is not here: make .tools/aws-lambda-rie")
    port, runtime_port = program.free_port(), program.free_port()
    command = [
        str(emulator),
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{port}",
        "--runtime-api-address",
        f"127.0.0.1:{runtime_port}",
        *(sys.executable, "-m", "awslambdaric", handler),
    ]
    own = {"AWS_LAMBDA_FUNCTION_NAME": "roliascan", "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout)}
    with program.running(command, ready=lambda: program.listens(port), environ={**own, **(environ or {})}, cwd=cwd):
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
