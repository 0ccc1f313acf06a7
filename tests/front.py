"""The front door: a whole site in this process, and people who ask it over HTTP."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest
from falcon.testing import Result, simulate_request

from roliascan.app import create_app
from roliascan.database import Tx, open_database
from roliascan.ids import new_id
from roliascan.people import sessions, tokens
from roliascan.settings import Settings
from roliascan.storage import Storage
from roliascan.storage.memory import MemoryStorage
from tests import drawings

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

API = "/api/v1"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"
BOUNDARY = "boundary-of-tests"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PAGE = drawings.page("png", 20, 30)
FOREIGN_WORDS = re.compile(
    r"sqlite|psycopg|pymysql|mariadb|postgres|constraint|duplicate (key|entry)|select |insert |traceback|\.py\b|errno",
    re.I,
)
_names = count(1)


class Clock:
    """The time of a site, which passes only when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class File(NamedTuple):
    """A part of a form: the name of its field, its bytes, and what its sender calls it."""

    field: str
    data: bytes
    name: str = "a.png"


class Asker:
    """Somebody who asks the site: signed in with a token, or a stranger. Paths are below /api/v1, or begin with /."""

    def __init__(self, site: "Site", id: str = "", username: str = "", token: str = "") -> None:
        self.site = site
        self.id = id
        self.username = username
        self.token = token

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **how: Any) -> Result:
        """`how` is as for falcon.testing.simulate_request: json, body, params, query_string."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        path, _, query = path.partition("?")
        if query:
            how["query_string"] = query
        where = path if path.startswith("/") else f"{API}/{path}"
        return simulate_request(self.site.app, method, where, headers={**sent, **(headers or {})}, **how)

    def get(self, path: str, **how: Any) -> Result:
        return self.ask("GET", path, **how)

    def post(self, path: str, json: Any = None, **how: Any) -> Result:
        return self.ask("POST", path, **_with(json, how))

    def patch(self, path: str, json: Any = None, **how: Any) -> Result:
        return self.ask("PATCH", path, **_with(json, how))

    def put(self, path: str, json: Any = None, **how: Any) -> Result:
        return self.ask("PUT", path, **_with(json, how))

    def delete(self, path: str, **how: Any) -> Result:
        return self.ask("DELETE", path, **how)

    def send(self, path: str, *files: File, method: str = "POST", **how: Any) -> Result:
        """Sends a form with files."""
        headers = {"Content-Type": FORM, **how.pop("headers", {})}
        return self.ask(method, path, headers=headers, body=form(*files), **how)

    # What tests begin with.

    def makes_series(self, title: str = "Series", **fields: Any) -> Any:
        return told(self.post("series", {"title": title, "author": "Somebody", **fields}), 201)

    def makes_team(self, name: str = "") -> Any:
        return told(self.post("teams", {"name": name or f"Team {next(_names)}"}), 201)

    def makes_chapter(self, series: Any, number: Any = 1, **fields: Any) -> Any:
        """A draft without pages."""
        return told(self.post(f"series/{series['id']}/chapters", {"number": number, **fields}), 201)

    def adds_pages(self, chapter: Any, pages: int = 1, image: bytes = PAGE) -> Any:
        return told(self.send(f"chapters/{chapter['id']}/pages", *[File("file", image)] * pages), 201)

    def files(self, data: bytes = PAGE, name: str = "a.png") -> Any:
        """A file by itself."""
        return told(self.send("files", File("file", data, name)), 201)

    def publishes(self, series: Any, number: Any = 1, *, pages: int = 1, **fields: Any) -> Any:
        """A published chapter with pages."""
        chapter = self.makes_chapter(series, number, **fields)
        self.adds_pages(chapter, pages)
        return told(self.post(f"chapters/{chapter['id']}/publish"))


def _with(body: Any, how: dict[str, Any]) -> dict[str, Any]:
    return how if body is None else {"json": body, **how}


def form(*files: File) -> bytes:
    """A body of type FORM (RFC 7578)."""
    head = '--{}\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n'
    parts = [head.format(BOUNDARY, file.field, file.name).encode() + file.data + b"\r\n" for file in files]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Site:
    """An app, what it stands on, and the people of a test."""

    def __init__(self, url: str, clock: Clock, storage: Storage, environ: Mapping[str, str]) -> None:
        needed = {"DATABASE_URL": url, "STORAGE_URL": "memory:", "JWT_SECRET": SECRET, "RATE_LIMITS": "off"}
        self.settings = Settings.from_environ({**needed, **environ})
        self.clock = clock
        self.storage = storage
        self.db = open_database(url, pool_size=self.settings.database_pool)
        self.app = create_app(self.settings, database=self.db, storage=storage, clock=clock)
        self.stranger = Asker(self)

    def sign_up(self, role: str = "user", *, username: str = "", grants: tuple[str, ...] = ()) -> Asker:
        """A person by SQL, without the time that a password takes; nobody knows theirs."""
        username = username or f"person{next(_names)}"
        user_id = new_id(self.clock.now)
        token = self.db.run(_enrol, user_id, username, role, grants, self.clock.now)
        return Asker(self, user_id, username, token)

    def write(self, sql: str, **values: Any) -> int:
        """What only an administrator of the database could do."""
        return self.db.run(lambda tx: tx.write(sql, **values))

    def count(self, what: str, **values: Any) -> int:
        """`SELECT COUNT(*) FROM {what}`."""
        (row,) = self.db.read(f"SELECT COUNT(*) AS number FROM {what}", _Number, **values)
        return row.number

    def values(self, column: str, rest: str, **values: Any) -> list[Any]:
        return [row.value for row in self.db.read(f"SELECT {column} AS value FROM {rest}", _Value, **values)]

    @property
    def stored(self) -> list[str]:
        """The keys of the files in storage."""
        return [file.key for file in self.storage.list()]


class _Number(msgspec.Struct):
    number: int


class _Value(msgspec.Struct):
    value: Any


def _enrol(tx: Tx, user_id: str, username: str, role: str, grants: tuple[str, ...], now: datetime) -> str:
    tx.write(
        "INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, is_banned, is_muted,"
        " created_at, updated_at) VALUES (:id, :name, :name, :mail, :mail, '!', :role, :no, :no, :now, :now)",
        id=user_id,
        name=username,
        mail=f"{username}@tests.example",
        role=role,
        no=False,
        now=now,
    )
    for grant in grants:
        tx.write("INSERT INTO permissions (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", name=grant)
        tx.write(
            "INSERT INTO grants (user_id, permission, granted_at) VALUES (:id, :name, :now)",
            id=user_id,
            name=grant,
            now=now,
        )
    session_id, expires_at = sessions.start(tx, user_id=user_id, lasts_s=7 * 86400, now=now)
    return tokens.issue(session_id, secret=SECRET, now=now, expires_at=expires_at)


@contextmanager
def opened(url: str, *, clock: Clock | None = None, storage: Storage | None = None, **environ: str) -> Iterator[Site]:
    """A site on this database; several may share it, with one storage. `environ` are settings."""
    site = Site(url, clock or Clock(), storage or MemoryStorage(), environ)
    yield site
    site.db.close()


@pytest.fixture
def site(site_url: str) -> Iterator[Site]:
    """An empty site, for what does not depend on the kind of database."""
    with opened(site_url) as site:
        yield site


@pytest.fixture
def any_site(database_url: str) -> Iterator[Site]:
    """An empty site; the test runs once on each kind of database."""
    with opened(database_url) as site:
        yield site


@pytest.fixture
def two_sites(database_url: str) -> Iterator[tuple[Site, Site]]:
    """Two apps over one database and one storage, as two processes would be; once on each kind of database."""
    storage = MemoryStorage()
    with opened(database_url, storage=storage) as one, opened(database_url, storage=storage) as other:
        yield one, other


# Answers.

ADDRESS = re.compile(
    r"/uploads/(covers|files|pages)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{16}\.[a-z]{3,4}"
)
"""Of a file, where this service serves it."""


def key_of(address: str) -> str:
    """The storage key in the address of a file."""
    assert ADDRESS.fullmatch(address), address
    return address.removeprefix("/uploads/")


def told(answer: Result, status: int = 200) -> Any:
    """The JSON of an answer that has this status."""
    assert answer.status_code == status, (answer.status, answer.text[:1000])
    return answer.json if answer.content else None


def refused(answer: Result, status: int, code: str = "") -> Any:
    """A problem document (RFC 9457), whole, without a word of the machinery's."""
    assert answer.status_code == status, (answer.status, answer.text[:1000])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = json.loads(answer.content)
    assert {"type", "title", "status", "detail", "code", "requestId"} <= set(problem), problem
    assert (problem["type"], problem["status"]) == (f"urn:roliascan:{problem['code']}", status)
    assert problem["requestId"] == answer.headers["x-request-id"]
    assert not FOREIGN_WORDS.search(answer.text), answer.text
    assert code in ("", problem["code"]), problem
    return problem


def fields(answer: Result) -> list[str]:
    """The fields that a 400 names, sorted."""
    return sorted(problem["field"] for problem in refused(answer, 400)["errors"])


def ids(page: Any) -> list[str]:
    return [one["id"] for one in page["data"]]


def everything(asker: Asker, path: str, **params: Any) -> list[Any]:
    """All rows of a list, by its cursors; none comes twice."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = told(asker.get(path, params={**params, **cursor}))
        found += page["data"]
        assert len({one["id"] for one in found}) == len(found)
        if page["page"]["next"] is None:
            return found
        assert page["data"], "a page before the last has rows"
        cursor = {"cursor": page["page"]["next"]}


def at_once(number: int, act: Callable[[int], T]) -> list[T]:
    """`act(0)`, `act(1)`... from that many threads, all let go together."""
    gate = Barrier(number)

    def wait_and_act(turn: int) -> T:
        gate.wait()
        return act(turn)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(wait_and_act, range(number)))
