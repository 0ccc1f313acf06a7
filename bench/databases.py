"""The databases to measure on: servers of our own, and in each a database with few chapters and one with many."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from bench import bare, crowd
from roliascan.database import migrations
from tests.servers import mariadb, postgresql

_SERVERS = {"postgresql": postgresql.running, "mysql": mariadb.running}
# As providers set theirs; the tests' servers are small and in another zone on purpose.
_AS_IN_SERVICE = {
    "postgresql": "ALTER DATABASE {name} SET timezone TO 'UTC'",
    "mysql": "SET GLOBAL innodb_buffer_pool_size = 1073741824",
}
_OF_THE_SERVER = {"postgresql": "/postgres", "mysql": "/mysql"}


class Filled(NamedTuple):
    """A database's address, and what is there to read."""

    url: str
    crowd: crowd.Crowd


@contextmanager
def running() -> Iterator[Callable[[str, str], str]]:
    """Yields a function that makes an empty database: kind and name in, address out. They last for the block."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        servers = {kind: stack.enter_context(run()) for kind, run in _SERVERS.items()}

        def new(kind: str, name: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{directory}/{name}.db"
            with closing(bare.connect(servers[kind] + _OF_THE_SERVER[kind])) as connection:
                cursor = connection.cursor()
                cursor.execute(f"CREATE DATABASE {name}")
                cursor.execute(_AS_IN_SERVICE[kind].format(name=name))
            return f"{servers[kind]}/{name}"

        yield new


def filled(urls: Mapping[str, str], *, chapters: int, pages: int) -> dict[str, Filled]:
    """Migrates and fills databases, one for each kind, side by side."""
    with ProcessPoolExecutor(2) as pool:
        done = {kind: pool.submit(_fill, url, chapters, pages) for kind, url in urls.items()}
        return {kind: Filled(urls[kind], one.result()) for kind, one in done.items()}


def _fill(url: str, chapters: int, pages: int) -> crowd.Crowd:
    migrations.upgrade(url)
    return crowd.fill(url, chapters=chapters, pages=pages)
