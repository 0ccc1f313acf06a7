"""A MariaDB server of the tests' own: it speaks the MySQL protocol, and takes more than MySQL does."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from tests.servers import program, statements


def found() -> str | None:
    """The server's program."""
    return program.find("mariadbd") if program.find("mariadb-install-db") else None


@contextmanager
def running() -> Iterator[str]:
    """Yields mysql://root@127.0.0.1:PORT, without a database name.

    Its clock shows another zone than ours, and new databases are latin1: what a schema needs, it has to say.
    """
    server, install = found(), program.find("mariadb-install-db")
    if server is None or install is None:
        raise program.DidNotStart("MariaDB is not installed")
    directory, port = program.server_directory("mariadb"), program.free_port()
    options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    program.prepare(install, "--no-defaults", *options, *_places(directory), directory=directory)
    url = f"mysql://root@127.0.0.1:{port}"
    with program.running(
        [server, "--no-defaults", *_places(directory), f"--port={port}", *_options(), *statements.MARIADB],
        ready=lambda: _connects(url),
        directory=directory,
        cwd=directory,
        uid=program.server_uid(),
        stop=signal.SIGKILL,  # the data goes with it
    ):
        with closing(connect(url)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"CREATE USER {statements.SITE}")
            cursor.execute(f"GRANT ALL ON *.* TO {statements.SITE}")
        yield url


def _places(directory: Path) -> list[str]:
    """Also of temporary tables: a server that starts deletes those that it finds, be they of another that runs."""
    return [f"--datadir={directory}/data", f"--socket={directory}/socket", f"--tmpdir={directory}"]


def _options() -> list[str]:
    return [
        "--bind-address=127.0.0.1",
        "--max-connections=250",
        "--default-time-zone=+09:00",
        "--character-set-server=latin1",
        "--skip-name-resolve",
        # Nothing here has to survive a power cut.
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-innodb-doublewrite",
        "--sync-frm=0",
        "--innodb-flush-method=nosync",
        "--innodb-log-file-size=64M",
        "--innodb-buffer-pool-size=128M",
    ]


def connect(url: str) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    """An administrator's connection in autocommit to `url`, with or without a database name."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        database=parts.path.lstrip("/") or None,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=5,
        ssl_disabled=True,  # reading the certificates takes 30 ms
    )


def _connects(url: str) -> bool:
    try:
        connect(url).close()
    except pymysql.err.OperationalError:
        return False
    return True
