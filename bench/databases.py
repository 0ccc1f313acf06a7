"""The databases to measure on: servers of our own, and on each a small library and a large one."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from roliascan.database import Database, migrations, open_database
from roliascan.ids import new_id
from tests.database import bare, crowd
from tests.servers import mariadb, postgresql

KINDS = ("sqlite", "postgresql", "mysql")
_SERVERS = {"postgresql": postgresql.running, "mysql": mariadb.running}
_OF_THE_SERVER = {"postgresql": "/postgres", "mysql": "/mysql"}
# As providers set theirs; the tests' servers are small, and in another zone, on purpose.
_AS_IN_SERVICE = {
    "postgresql": "ALTER DATABASE {name} SET timezone TO 'UTC'",
    "mysql": "SET GLOBAL innodb_buffer_pool_size = 1073741824",
}


class Size(NamedTuple):
    """How much there is. Series have equally many chapters, the oldest chapters have 20 pages each."""

    series: int
    chapters: int
    pages: int


SMALL = Size(30, 1_000, 2_000)
LARGE = Size(300, 1_000_000, 1_000_000)


class Filled(NamedTuple):
    """A database's address, and a chapter in it that has 20 pages, two teams and neighbours, with its series."""

    url: str
    chapter: str
    series: str


@contextmanager
def running() -> Iterator[Callable[[str, str], str]]:
    """Yields a function that makes an empty database: kind and name in, address out. They last for the block."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        servers = {kind: stack.enter_context(run()) for kind, run in _SERVERS.items()}

        def new(kind: str, name: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{directory}/{name}.db"
            with bare.cursor(servers[kind] + _OF_THE_SERVER[kind]) as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
                cursor.execute(_AS_IN_SERVICE[kind].format(name=name))
            return f"{servers[kind]}/{name}"

        yield new


def filled(urls: Mapping[str, str], size: Size) -> dict[str, Filled]:
    """Migrates and fills databases by kind, side by side."""
    with ProcessPoolExecutor(2) as pool:
        done = {kind: pool.submit(_fill, url, size) for kind, url in urls.items()}
        return {kind: one.result() for kind, one in done.items()}


class _Place(msgspec.Struct):
    id: str
    series_id: str


def _fill(url: str, size: Size) -> Filled:
    migrations.upgrade(url)
    crowd.fill(url, series=size.series, chapters=size.chapters, pages=size.pages)
    with closing(open_database(url)) as db:
        found = db.read(
            "SELECT c.id, c.series_id FROM chapters c JOIN series s ON s.id = c.series_id"
            " WHERE c.state = 'published' AND s.state = 'published' ORDER BY c.published_at LIMIT 1 OFFSET :skipped",
            _Place,
            skipped=size.pages // crowd.PAGES_EACH // 2,
        )
        _give_two_teams(db, found[0].id)
        _give_variants(db)
    return Filled(url, found[0].id, found[0].series_id)


class _Id(msgspec.Struct):
    id: str


def _give_variants(db: Database) -> None:
    """Two to each page, as most pages have."""
    what = {"sha256": "", "type": "image/webp", "purpose": "page", "state": "ready"}
    now = datetime.now(UTC)
    rows = [
        {"id": id, "storage_key": f"pages/{id}.webp", "original_id": file.id, "created_at": now, **sized, **what}
        for file in db.read("SELECT id FROM files", _Id)
        for sized in (
            {"variant": "thumbnail", "width": 320, "height": 480, "bytes": 12_345},
            {"variant": "data-saver", "width": 1_000, "height": 1_500, "bytes": 123_456},
        )
        for id in (new_id(now),)
    ]
    db.run(lambda tx: tx.insert_many("files", rows))


def _give_two_teams(db: Database, chapter: str) -> None:
    with db.begin() as tx:
        tx.write("DELETE FROM chapter_teams WHERE chapter_id = :id", id=chapter)
        tx.write(
            "INSERT INTO chapter_teams (chapter_id, team_id) SELECT :id, id FROM teams ORDER BY id LIMIT 2",
            id=chapter,
        )
