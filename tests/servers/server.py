"""RoliaScan on a server of its own, as `make serve` runs it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program


@contextmanager
def running(
    environ: Mapping[str, str] | None = None,
    *,
    command: Sequence[str] = (),
    cwd: Path = program.PROJECT,
    ready: str = "/health",
) -> Iterator[str]:
    """Run `roliascan serve`, or another command that listens on $PORT; yields its address without a closing slash.

    It is taken as started when `ready` is answered, with whatever status.
    """
    port = program.free_port()
    address = f"http://127.0.0.1:{port}"
    with program.running(
        command or [str(Path(sys.executable).with_name("roliascan")), "serve"],
        ready=lambda: program.answers(f"{address}{ready}"),
        environ={"HOST": "127.0.0.1", "PORT": str(port), **(environ or {})},
        cwd=cwd,
    ):
        yield address
