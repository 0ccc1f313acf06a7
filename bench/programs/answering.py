"""CPU time of one answer through the app, and of the same rows fetched by the driver itself and encoded by msgspec.

    python -c "import answering" PATH[?QUERY] ROUNDS REQUESTS

The settings are in the environment. Writes pairs of microseconds, one for each round, as JSON to standard error: what
the app logs goes to standard output, as in service.
"""

import io
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from roliascan import database
from roliascan.app import create_app
from roliascan.settings import Settings

TARGET, ROUNDS, REQUESTS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def bare_connection(url: str) -> Any:
    """As the driver comes, in autocommit."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    if parts.scheme == "mysql":
        import pymysql

        name = parts.path.lstrip("/")
        return pymysql.connect(
            host=parts.hostname, port=parts.port or 3306, user=parts.username, database=name, autocommit=True
        )
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def environ() -> dict[str, Any]:
    """What a server passes for the request."""
    path, _, query = TARGET.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "comics.example",
        "HTTP_ACCEPT": "application/json",
        "HTTP_ACCEPT_ENCODING": "gzip, br",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "roliascan.client": "192.0.2.1",
        "roliascan.request_id": "0123456789abcdef0123456789abcdef",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def statement_of(answer: Callable[[], bytes]) -> tuple[Any, ...]:
    """What the driver's `execute` is called with for this answer."""
    seen: list[tuple[Any, ...]] = []
    fetch = database._fetch

    def watched(raw: Any, arguments: tuple[Any, ...]) -> Any:
        seen.append(arguments)
        return fetch(raw, arguments)

    database._fetch = watched
    answer()
    database._fetch = fetch
    assert len(seen) == 1, seen
    return seen[0]


def microseconds(act: Callable[[], bytes]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    for _ in range(REQUESTS):
        act()
    return (time.process_time() - start) / REQUESTS * 1e6


def main() -> None:
    settings = Settings.from_environ(os.environ)
    app = create_app(settings)
    raw = bare_connection(settings.database_url)
    encode = msgspec.json.Encoder().encode

    def start_response(_status: str, _headers: object, _exc_info: object = None, /) -> Callable[[bytes], object]:
        return lambda data: None

    passed = environ()

    def answer() -> bytes:
        return b"".join(app(passed.copy(), start_response))

    def bare() -> bytes:
        cursor = raw.cursor()
        cursor.execute(*arguments)
        return encode(cursor.fetchall())

    assert b'"data"' in answer() or b'"pages"' in answer(), answer()
    arguments = statement_of(answer)
    microseconds(answer), microseconds(bare)
    pairs = [(microseconds(answer), microseconds(bare)) for _ in range(ROUNDS)]
    sys.stderr.buffer.write(encode(pairs))


main()
