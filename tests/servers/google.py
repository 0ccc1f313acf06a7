"""Google's functions-framework around one function."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program


@contextmanager
def running(
    source: Path, target: str, environ: Mapping[str, str] | None = None, *, ready: str = "/health"
) -> Iterator[str]:
    """Run the function `target` of the file `source`; yields its address without a closing slash.

    It is taken as started when `ready` is answered, with whatever status.
    """
    port = program.free_port()
    command = [sys.executable, "-m", "functions_framework"]
    options = [f"--target={target}", f"--source={source}", "--host=127.0.0.1", f"--port={port}"]
    address = f"http://127.0.0.1:{port}"
    with program.running(
        [*command, *options],
        ready=lambda: program.answers(f"{address}{ready}"),
        environ={"K_SERVICE": "roliascan", **(environ or {})},
        cwd=source.parent,
    ):
        yield address
