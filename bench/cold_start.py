"""Cold start: what a new process costs until the first list of series is answered."""

from collections.abc import Iterator, Mapping

from bench import environments
from bench.databases import Filled
from bench.processes import Cost, Start, costs
from bench.report import Line

OF_REFERENCE = 0.15
OF_FLOOR = 2.5

EVENT = {
    "version": "2.0",
    "rawPath": "/api/v1/series",
    "rawQueryString": "",
    "headers": {"accept": "application/json", "host": "comics.example", "user-agent": "curl/8.5.0"},
    "requestContext": {
        "domainName": "comics.example",
        "http": {"method": "GET", "path": "/api/v1/series", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        "requestId": "JKJaXmPLvHcESHA=",
        "stage": "$default",
    },
}
_INVOKE = f"""
answer = handler({EVENT!r}, None)
assert answer["statusCode"] == 200 and answer["body"].count('"slug"') == 20, answer
"""
_CALL = """
import io, sys
environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/api/v1/series", "QUERY_STRING": "",
    "SERVER_NAME": "comics.example", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "comics.example",
    "HTTP_ACCEPT": "application/json", "HTTP_USER_AGENT": "curl/8.5.0", "REMOTE_ADDR": "192.0.2.1",
    "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
    "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False}
body = b"".join(app(environ, lambda status, headers, exc_info=None: None))
assert body.count(b'"slug"') == 20, body
"""
_CREATE = """
import os
from roliascan.app import create_app
from roliascan.settings import Settings
app = create_app(Settings.from_environ(os.environ))
"""


def measure(databases: Mapping[str, Filled], *, rounds: int) -> Iterator[Line]:
    """On filled databases, by kind: SQLite and PostgreSQL. Both parts of a ratio have the interpreter's start in them.

    The reference answers an event of Lambda, and so do we; the floor has no platform around it, so against it we have
    none either.
    """
    ours, reference = environments.ours(), environments.reference()
    for kind in ("sqlite", "postgresql"):
        settings = environ(databases[kind].url)
        found = costs(
            {
                "interpreter": Start(ours, "", settings),
                "floor": Start(ours, "from floor.site import app" + _CALL, settings),
                "ours": Start(ours, _CREATE + _CALL, settings),
                "on Lambda": Start(ours, "from roliascan.platforms.aws_lambda import handler" + _INVOKE, settings),
                "reference": Start(reference, "from reference.site import handler" + _INVOKE, settings),
            },
            rounds,
        )
        yield _line(f"{kind}: CPU, of the reference", found, "on Lambda", "reference", OF_REFERENCE)
        yield _line(f"{kind}: CPU, of the floor", found, "ours", "floor", OF_FLOOR)
        mine, theirs = found["on Lambda"].memory_mb, found["reference"].memory_mb
        yield Line(f"{kind}: memory, of the reference", mine / theirs, told=f"{mine:.0f} of {theirs:.0f} MB")


def environ(url: str) -> dict[str, str]:
    """Of a function on Lambda that reads the database at `url`."""
    on_lambda = {"AWS_LAMBDA_FUNCTION_NAME": "roliascan", "AWS_DEFAULT_REGION": "eu-central-1"}
    return environments.settings(url) | on_lambda | {"ALLOW_EPHEMERAL": "on"}


def _line(what: str, found: Mapping[str, Cost], ours: str, other: str, budget: float) -> Line:
    mine, theirs, start = found[ours].cpu_ms, found[other].cpu_ms, found["interpreter"].cpu_ms
    bare = (mine - start) / (theirs - start)
    told = f"{mine:.0f} of {theirs:.0f} ms; without the interpreter's {start:.0f} ms {bare:.2f}x"
    return Line(what, mine / theirs, budget=budget, told=told)
