"""A pgbouncer of the tests' own, in transaction mode: with two connections it is the strictest pooler there is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import psycopg2

from tests.servers import program, statements


def found() -> str | None:
    """The pooler's program."""
    return program.find("pgbouncer")


@contextmanager
def running(postgresql_url: str, size: int = 2, port: int = 0) -> Iterator[str]:
    """Yields postgresql://postgres@127.0.0.1:PORT; every database of the server behind it has the same name here.

    `size`: connections to the server, for each database.
    """
    pooler = found()
    if pooler is None:
        raise program.DidNotStart("pgbouncer is not installed")
    directory, port = program.server_directory("pgbouncer"), port or program.free_port()
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        f"""[databases]
* = host=127.0.0.1 port={urlsplit(postgresql_url).port} user={statements.SITE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = postgres
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 400
"""
    )
    with program.running(
        [pooler, str(settings)],
        ready=lambda: program.listens(port),
        directory=directory,
        cwd=directory,
        uid=program.server_uid(),
    ):
        yield f"postgresql://postgres@127.0.0.1:{port}"


def forget(url: str, name: str) -> None:
    """Ends all connections of a database before and behind the pooler, which takes new ones afterwards."""
    with closing(psycopg2.connect(f"{url}/pgbouncer")) as console:
        console.autocommit = True
        with console.cursor() as cursor, suppress(psycopg2.ProgrammingError):  # nobody ever asked for it
            cursor.execute(f"KILL {name}")
            cursor.execute(f"RESUME {name}")
