"""Has the real code say all that it says in a log, as on each platform, and prints it: what dashboards may name.

    python -m tests.deploy.speaking FOLDER      lines of JSON: [platform, line of the log], and ["scrape", text]

A process of its own, because it is one platform after the other.
"""

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from roliascan.platforms import lines, server, start, sweeping
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway.wsgi import Environ, call
from tests.platforms import sites
from tests.platforms.shapes import Request, http_api_event

API = "/api/v1"
NOBODY = "127.0.0.1:1"
FORMS = {
    "aws": {"AWS_LAMBDA_FUNCTION_NAME": "web", "METRICS": "emf"},
    "google": {"K_SERVICE": "web", "GOOGLE_CLOUD_PROJECT": "comics"},
    "azure": {"FUNCTIONS_WORKER_RUNTIME": "python"},
}
"""Markers of platforms, and settings that their templates have. The shape of a request does not matter here."""
MARKERS = {next(iter(form)) for form in FORMS.values()}
WELL = Request("GET", f"{API}/series")
LOGIN = Request(
    "POST",
    f"{API}/auth/login",
    {"Content-Type": "application/json"},
    b'{"login": "keeper", "password": "not this one"}',
)
TOKEN = "0123456789abcdef" * 2


class Left:
    """What Lambda tells of an invocation."""

    aws_request_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def speak(site: sites.Site, form: Mapping[str, str]) -> None:
    """Everything that goes well, and everything that does not."""
    importlib.reload(lines)  # a process of its own is cold anew
    given = {**os.environ, **site.environ, **form}
    s3 = {
        "STORAGE_URL": f"s3://comics?region=eu-central-1&endpoint=http://{NOBODY}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    nowhere = {"DATABASE_URL": f"postgresql://a:b@{NOBODY}/a"}
    with _environ(given):
        _ask(WELL, Request("GET", f"{API}/nothing"), LOGIN)
        _ask(WELL, seconds=0.1)
        handler_of(lambda: _broken)(http_api_event(WELL), Left(30))
        sweeping.run(30)
    with _environ({**given, "DATABASE_URL": "wrong"}):
        _ask(WELL)
    with _environ({**given, **nowhere}):
        _ask(WELL)
        with suppress(sweeping.SweepFailed):
            sweeping.run(30)
    # On functions readers go past us to an object storage; its faults there look as here.
    with _environ({**{name: value for name, value in given.items() if name not in MARKERS}, **s3}):
        _ask(Request("GET", site.names["file"]))
        with suppress(sweeping.SweepFailed):
            sweeping.run(30)


def _broken(_environ: Environ, _start_response: Any) -> list[bytes]:
    raise RuntimeError


def _ask(*requests: Request, seconds: float = 30) -> None:
    running = start.Once(start.build)
    handle = handler_of(running)
    for request in requests:
        handle(http_api_event(request), Left(seconds))
    running.forget()


@contextmanager
def _environ(given: Mapping[str, str]) -> Iterator[None]:
    """The environment of the process, for a while."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def scrape(site: sites.Site) -> str:
    """What a server tells Prometheus, after some requests."""
    with _environ({**os.environ, **site.environ, "METRICS_TOKEN": TOKEN}):
        for path in (f"{API}/series", f"{API}/nothing"):
            call(server.app, _request(path))
        return call(server.app, _request("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")).body.decode()


def _request(path: str, **more: str) -> Environ:
    fixed = {"SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    http = {"SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "REMOTE_ADDR": "192.0.2.1"}
    wsgi = {"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO()}
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, **fixed, **http, **wsgi, **more}


def _said(act: Callable[[], None]) -> Iterator[dict[str, Any]]:
    with redirect_stdout(io.StringIO()) as log:
        act()
    yield from map(json.loads, log.getvalue().splitlines())


def main() -> None:
    folder = Path(sys.argv[1])
    with redirect_stdout(io.StringIO()):
        site = sites.make(folder / "site")
    for platform, form in FORMS.items():
        for line in _said(partial(speak, site, form)):
            print(json.dumps([platform, line]))
    with redirect_stdout(io.StringIO()):
        text = scrape(site)
    print(json.dumps(["scrape", text]))


if __name__ == "__main__":
    main()
