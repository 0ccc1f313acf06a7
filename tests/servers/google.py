"""Google's functions-framework around one function."""

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program

# The file of site-packages that leads to the clone is not read.
_ALONE = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from functions_framework._cli import _cli; _cli()"


@contextmanager
def running(
    source: Path,
    target: str,
    environ: Mapping[str, str] | None = None,
    *,
    ready: str = "/health",
    alone: bool = False,
) -> Iterator[str]:
    """Run the function `target` of the file `source`; yields its address without a closing slash.

    It is taken as started when `ready` is answered, with whatever status. `alone`: RoliaScan is what lies beside the
    file, not the clone; packages are those of the tests.
    """
    port = program.free_port()
    command = [sys.executable, "-m", "functions_framework"]
    if alone:
        command = [sys.executable, "-I", "-S", "-B", "-c", _ALONE, sysconfig.get_path("purelib")]
    options = [f"--target={target}", f"--source={source}", "--host=127.0.0.1", f"--port={port}"]
    address = f"http://127.0.0.1:{port}"
    with program.running(
        [*command, *options],
        ready=lambda: program.answers(f"{address}{ready}"),
        environ={"K_SERVICE": "roliascan", **(environ or {})},
        cwd=source.parent,
    ):
        yield address
