"""PostgreSQL 16 beside the version of the distribution, from the programs in a wheel."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import postgresql, program

WHEEL = program.PROJECT / ".tools" / "postgresql16"
PROGRAMS = Path("pgserver", "pginstall", "bin")


def found() -> Path | None:
    """The wheel, unpacked by `make test-all`."""
    return WHEEL if (WHEEL / PROGRAMS / "postgres").exists() else None


@contextmanager
def running() -> Iterator[str]:
    """As `postgresql.running`."""
    wheel = found()
    if wheel is None:
        raise program.DidNotStart("PostgreSQL 16 is not here: make .postgresql16")
    with tempfile.TemporaryDirectory(prefix="postgresql16-", dir="/tmp") as directory:
        # Whoever the server runs as may not be allowed into our clone.
        copy = shutil.copytree(wheel, Path(directory) / "wheel")
        Path(directory).chmod(0o755)
        with postgresql.running(copy / PROGRAMS) as url:
            yield url
