"""A site that ends itself at a point: as a process that kills itself, or within this one, which is quicker."""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from wsgiref.simple_server import WSGIRequestHandler, make_server

from falcon.testing import simulate_request

from roliascan.app import create_app
from roliascan.cli.surroundings import now
from roliascan.database import open_database
from roliascan.library import images, sweep
from roliascan.settings import Settings
from roliascan.storage import open_storage
from tests.faults.points import Dead, MortalStorage, Points, killed, mortal_database, step_of
from tests.faults.wire import Answer, Cut, Wire
from tests.front import API, SECRET

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

LATER = timedelta(hours=25)
"""Until when a sweep takes what is of no use: longer than uploads last, and than strays are left alone."""

_PATIENCE_S = 60


class Place(NamedTuple):
    """What a site stands on: its database, its storage, and the environment that they need."""

    database_url: str
    storage_url: str
    environ: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        own = {"DATABASE_URL": self.database_url, "STORAGE_URL": self.storage_url, "DATABASE_POOL": "1"}
        return Settings.from_environ({**self.environ, **own, "JWT_SECRET": SECRET, "RATE_LIMITS": "off"})


class Host(Protocol):
    """A running site. `died_at` is the point where it ended, empty while it lives."""

    died_at: str

    def ask(
        self, method: str, path: str, *, by: str = "", json: Any = None, form: bytes = b"", type: str = ""
    ) -> Answer:
        """As Wire.ask. Raises Cut."""

    def arm(self, last: int) -> None: ...

    def close(self) -> None: ...


def app(place: Place, points: Points) -> tuple["WSGIApplication", Callable[[], None]]:
    """The site, which also takes `POST /sweep`, as of `LATER`; and what closes its connections."""
    settings = place.settings
    db = mortal_database(open_database(settings.database_url, pool_size=1), points)
    storage = MortalStorage(open_storage(settings.storage_url, azure_key=settings.azure_storage_key), points)
    inner = create_app(settings, database=db, storage=storage)

    def answer(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        points.step = step_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/sweep":
            swept = sweep.run(db, storage, now=now() + LATER)
            start_response("200 OK", [("Content-Type", "application/json")])
            body = [json.dumps({"finished": swept.finished}).encode()]
        else:
            body = _whole(inner(environ, start_response))
        points.reach("before the answer")
        return body

    return answer, db.close


def _whole(answer: Iterable[bytes]) -> list[bytes]:
    try:
        return [*answer]
    finally:
        if close := getattr(answer, "close", None):
            close()


# As a process.


class Process:
    """Ends by SIGKILL. `start` starts the next one."""

    def __init__(self, place: Place) -> None:
        ours, theirs = _CONTEXT.Pipe()
        self._told = ours
        self._process = _CONTEXT.Process(target=_serve, args=(place, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert ours.poll(_PATIENCE_S), "the site does not start"
        self._wire = Wire(f"http://127.0.0.1:{ours.recv()}")
        self.died_at = ""

    def ask(
        self, method: str, path: str, *, by: str = "", json: Any = None, form: bytes = b"", type: str = ""
    ) -> Answer:
        try:
            return self._wire.ask(method, path, by=by, json=json, form=form, type=type)
        except Cut:
            self._process.join(_PATIENCE_S)
            assert self._process.exitcode == -9, f"it ended with status {self._process.exitcode}"
            self.died_at = self._told.recv()
            raise

    def arm(self, last: int) -> None:
        assert self.ask("POST", f"/arm/{last}").status == 200

    def close(self) -> None:
        self._wire.close()
        self._process.kill()
        self._process.join(_PATIENCE_S)
        self._told.close()


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["tests.faults.mortal", "roliascan.web.responders", "psycopg2", "pymysql", "botocore.session", "azure.storage.blob"]
)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _serve(place: Place, pipe: Connection) -> None:
    os.environ.update(place.environ)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the log, which is not read here
    points = Points(killed(pipe.send))
    inner, _ = app(place, points)
    points.watch()

    def armed(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/arm/"):
            points.arm(int(environ["PATH_INFO"].removeprefix("/arm/")))
            start_response("200 OK", [])
            return [b"{}"]
        return inner(environ, start_response)

    with make_server("127.0.0.1", 0, armed, handler_class=_Quiet) as server:
        pipe.send(server.server_port)
        server.serve_forever()


# Within this process.


class Within:
    """Ends by doing nothing any more. What was begun in the database is rolled back, as where a connection ends."""

    def __init__(self, place: Place) -> None:
        self._points = Points(self._note)
        self._app, self._close = app(place, self._points)
        self.died_at = ""

    def _note(self, place: str) -> None:
        self.died_at = place

    def ask(
        self, method: str, path: str, *, by: str = "", json: Any = None, form: bytes = b"", type: str = ""
    ) -> Answer:
        headers = {"Authorization": f"Bearer {by}"} if by else {}
        headers |= {"Content-Type": type} if form else {}
        path, _, query = path.partition("?")
        where = path if path.startswith("/") else f"{API}/{path}"
        how = {"body": form} if form else {"json": json} if json is not None else {}
        try:
            told = simulate_request(self._app, method, where, headers=headers, query_string=query, **how)
        except Dead:
            raise Cut from None
        return Answer(told.status_code, told.content)

    def arm(self, last: int) -> None:
        self._points.arm(last)

    def close(self) -> None:
        self._close()


@contextmanager
def decoders_kept() -> Iterator[None]:
    """Those of `Within` go on for all sites; they end here."""
    try:
        yield
    finally:
        images.end_decoders()
