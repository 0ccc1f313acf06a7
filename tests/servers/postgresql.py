"""A PostgreSQL server of the tests' own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tests.servers import program

INSTALLED = Path("/usr/lib/postgresql")  # Debian keeps each version's programs off the PATH


def found() -> Path | None:
    """The directory of the newest installed version's programs."""
    versions = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True)
    initdb = next((str(path) for path in versions), None) or program.find("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def running() -> Iterator[str]:
    """Yields postgresql://postgres@127.0.0.1:PORT, without a database name. Its clock shows another zone than ours."""
    programs = found()
    if programs is None:
        raise program.DidNotStart("PostgreSQL is not installed")
    directory, port = program.server_directory("postgresql"), program.free_port()
    data = f"{directory}/data"
    _initdb(programs, directory, data)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": directory,
        "max_connections": 250,
        "timezone": "Asia/Tokyo",
        "autovacuum": "off",
        # Nothing here has to survive a power cut.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    command = [f"{programs}/postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())]
    url = f"postgresql://postgres@127.0.0.1:{port}"
    with program.running(
        command,
        ready=lambda: _connects(url),
        directory=directory,
        cwd=directory,
        uid=program.server_uid(),
        stop=signal.SIGINT,  # "fast": does not wait for clients
    ):
        yield url


def _initdb(programs: Path, directory: Path, data: str) -> None:
    options = ["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    program.prepare(f"{programs}/initdb", *options, "-D", data, directory=directory)


def _connects(url: str) -> bool:
    try:
        psycopg2.connect(f"{url}/postgres", connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True
