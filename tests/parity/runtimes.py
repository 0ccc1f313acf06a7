"""Every runtime that serves RoliaScan here, each with a copy of one site: how it starts, and how it is asked."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.platforms import azure_functions, google_functions
from roliascan.settings import Settings
from tests.parity.differences import OFFLINE
from tests.platforms import clients, dozen
from tests.platforms.encoding import FORMS, SHAPES, Context, Shape
from tests.platforms.shapes import Reply, Request
from tests.platforms.sites import Site
from tests.servers import aws_lambda, google, server, serverless_offline

Send = Callable[[Request], Reply]
Environ = dict[str, str]

SERVER = "server"
_SERVE = (sys.executable, "-m", "roliascan.platforms.serving")


def _environ(site: Site) -> Environ:
    return {**site.environ, "RATE_LIMITS": "off"}


@contextmanager
def _server(site: Site) -> Iterator[Send]:
    with server.running(_environ(site), command=_SERVE) as address:
        yield partial(clients.send, address)


@contextmanager
def _google(site: Site) -> Iterator[Send]:
    with google.running(Path(google_functions.__file__), "web", _environ(site)) as address:
        yield partial(clients.send, address)


@contextmanager
def _azure(site: Site) -> Iterator[Send]:
    """Microsoft's library with its encoder; the host does not run here."""
    settings = Settings.from_environ({**_environ(site), "FUNCTIONS_WORKER_RUNTIME": "python"})
    with closing(open_database(settings.database_url)) as database:
        app = create_app(settings, database=database)
        function, shape = azure_functions.function_of(lambda: app), SHAPES["azure"]
        yield lambda request: shape.decode(function(shape.encode(request), Context()), request.method)  # type: ignore[arg-type]


@contextmanager
def _lambda(form: Shape, site: Site) -> Iterator[Send]:
    """Amazon's runtime client under Amazon's emulator, which is given the events of one form."""
    with aws_lambda.running("roliascan.platforms.aws_lambda.handler", _environ(site), timeout=30) as function:
        yield lambda request: form.decode(clients.invoke(function, form.encode(request)), request.method)


@contextmanager
def _serverless(site: Site) -> Iterator[Send]:
    """The Lambda handler behind the stand-in of an HTTP API on which people develop; its events are its own."""
    with serverless_offline.running(_environ(site)) as address:
        yield lambda request: clients.send(address, _of_bytes(request))


def _of_bytes(request: Request) -> Request:
    """serverless-offline reads a body as UTF-8, unless its type holds this word in any place."""
    headers = dict(request.pairs)
    if headers.get("Content-Type", "").startswith("image/"):
        headers["Content-Type"] += "; of=application/octet-stream"
    return request._replace(headers=headers)


RUNTIMES: dict[str, Callable[[Site], AbstractContextManager[Send]]] = {
    SERVER: _server,
    "google": _google,
    "azure": _azure,
    **{f"lambda, {name}": partial(_lambda, form) for name, form in FORMS.items()},
    OFFLINE: _serverless,
}


_NEEDS = {"lambda": "lambda", OFFLINE: "serverless"}


def needed(name: str) -> str:
    """The part of `tests.servers.parts` without which the runtime cannot run; "" for none."""
    return _NEEDS.get(name.partition(",")[0], "")


def added(name: str) -> dict[str, str]:
    """Headers that the runtime adds, and why."""
    return dozen.ADDED[name.partition(",")[0]]
