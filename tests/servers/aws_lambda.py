"""AWS Lambda's runtime interface emulator around AWS's own runtime client."""

import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from tests.servers import program

CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""What Lambda's own runtime for Python consists of, as far as we need it."""

_ALONE = "import sys; sys.path[:0] = sys.argv[1:3]; from awslambdaric.__main__ import main; main(sys.argv[2:])"

EMULATOR = program.PROJECT / ".tools" / "aws-lambda-rie"


def found() -> Path | None:
    """The emulator's program, which `make setup` takes out of the aws-sam-cli wheel. It runs on Linux only."""
    return EMULATOR if EMULATOR.exists() and platform.system() == "Linux" else None


@contextmanager
def running(
    handler: str,
    environ: Mapping[str, str] | None = None,
    *,
    cwd: Path = program.PROJECT,
    timeout: int = 60,
    alone: Path | None = None,
) -> Iterator[str]:
    """Run one function; yields the address to POST events to, one at a time.

    `handler` is MODULE.function, imported from the environment of the tests or from `cwd`; `timeout` in seconds,
    as Lambda's own. The function's environment holds `environ` and what Lambda itself sets, nothing else of ours.
    With `alone`, a folder with a `client` in it, it imports from `cwd`, from there, and the standard library only.
    """
    with observed(handler, environ, cwd=cwd, timeout=timeout, alone=alone) as (address, _):
        yield address


@contextmanager
def observed(
    handler: str, environ: Mapping[str, str] | None, *, cwd: Path, timeout: int = 60, alone: Path | None
) -> Iterator[tuple[str, Callable[[], str]]]:
    """As `running`; yields also what tells the log of emulator and function so far."""
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
        *_python(handler, cwd, alone),
    ]
    own = {"AWS_LAMBDA_FUNCTION_NAME": "roliascan", "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout)}
    with program.running(
        command, ready=lambda: program.listens(port), environ={**own, **(environ or {})}, cwd=cwd
    ) as log:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations", log


def _python(handler: str, cwd: Path, alone: Path | None) -> list[str]:
    if alone is None:
        return [sys.executable, "-m", "awslambdaric", handler]
    # As in Lambda, where the folder is read-only, no byte code is written.
    return [sys.executable, "-I", "-S", "-B", "-c", _ALONE, str(cwd), str(alone), handler]


def client(folder: Path) -> Path:
    """Fills a folder with Lambda's runtime client out of our environment."""
    for name in CLIENT:
        found = metadata.distribution(name)
        for file in found.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(found.locate_file(file), folder / file)  # type: ignore[arg-type]
    return folder
