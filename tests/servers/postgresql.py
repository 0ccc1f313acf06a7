"""A PostgreSQL server of the tests' own."""

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from tests.servers import program, statements

INSTALLED = Path("/usr/lib/postgresql")  # Debian keeps each version's programs off the PATH


def found() -> Path | None:
    """The directory of the newest installed version's programs."""
    versions = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True)
    initdb = next((str(path) for path in versions), None) or program.find("initdb")
    return Path(initdb).resolve().parent if initdb else None


# Nothing in most tests has to survive a power cut.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def running(programs: Path | None = None) -> Iterator[str]:
    """Yields postgresql://postgres@127.0.0.1:PORT, without a database name. Its clock shows another zone than ours.

    `programs`: the directory of another version's than what `found` finds.
    """
    told = CARELESS | statements.POSTGRESQL
    with made(programs) as directory, serving(directory, program.free_port(), told, programs) as url:
        _administer(url, f"CREATE ROLE {statements.SITE} LOGIN SUPERUSER")
        yield url


@contextmanager
def made(programs: Path | None = None) -> Iterator[Path]:
    """A new directory with the data of a server that was never started; it is removed in the end."""
    programs = programs or found()
    if programs is None:
        raise program.DidNotStart("PostgreSQL is not installed")
    directory = program.server_directory("postgresql")
    try:
        _initdb(programs, directory, f"{directory}/data")
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def serving(directory: Path, port: int, settings: Mapping[str, str], programs: Path | None = None) -> Iterator[str]:
    """A server over a directory that `made` gave, as careful as PostgreSQL is by itself unless `settings` say less."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": directory,
        "max_connections": 250,
        "timezone": "Asia/Tokyo",
        "autovacuum": "off",
        **settings,
    }
    command = [f"{programs or found()}/postgres", "-D", f"{directory}/data"]
    command += [f"--{name}={value}" for name, value in options.items()]
    url = f"postgresql://postgres@127.0.0.1:{port}"
    with program.running(
        command,
        ready=lambda: _connects(url),
        cwd=directory,
        uid=program.server_uid(),
        stop=signal.SIGINT,  # "fast": does not wait for clients
    ):
        yield url


def _initdb(programs: Path, directory: Path, data: str) -> None:
    options = ["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    program.prepare(f"{programs}/initdb", *options, "-D", data, directory=directory)


def _administer(url: str, sql: str) -> None:
    with closing(psycopg2.connect(f"{url}/postgres")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)


def _connects(url: str) -> bool:
    try:
        psycopg2.connect(f"{url}/postgres", connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True
