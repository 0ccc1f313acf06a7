"""AWS Lambda for the two reads that a site is asked most, and no others: a list of series, and a chapter.

A pattern for who splits functions: its handlers call the verbs, Falcon is never loaded, and for the same request it
answers what the whole app does, byte for byte. Other routes of `web/reads.py` can be named in OWN as well. What is not
its own is refused with 421 (RFC 9110, section 15.5.20): other routes and methods, requests with a token, and queries
with encoded characters. Whatever stands in front has to send those to `aws_lambda.handler`.
"""

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from roliascan.app import opened, put_together, traces_of
from roliascan.platforms import requests, sandbox, start
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway.wsgi import Environ
from roliascan.web import answers, headers, logs, reads
from roliascan.web.routes import ROUTES

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

OWN = {"series.index", "chapters.show"}
NOT_OWN = (
    "This function answers plain reads of series and chapters to strangers; ask the one that serves the whole API."
)


def build() -> start.Running:
    """The app of these two routes. Raises what its parts raise when they cannot be used."""
    found = start.settings()
    traces = traces_of(found)
    db = opened(found, traces)
    routes = [route for route in ROUTES if route.answers in OWN]
    app = reads.first(put_together(found, database=db, traces=traces), lambda: _refuse, routes=routes)
    if traces:
        app = traces.answering(app)
    return start.Running(requests.within(app, found.request_timeout), start.closing(db, traces))


def _refuse(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    request_id, method = requests.known_id(environ), environ["REQUEST_METHOD"]
    told = answers.problem(421, "not_served_here", NOT_OWN, request_id)
    client = environ.get(requests.CLIENT, "")
    path = environ["PATH_INFO"]
    trace_id = environ.get("roliascan.trace_id", "")
    logs.log_request(
        request_id=request_id,
        method=method,
        path=path,
        status=421,
        ms=0,
        client=client,
        code="not_served_here",
        trace_id=trace_id,
    )
    told_headers = [*told.headers.items(), *headers.EVERYWHERE, ("x-request-id", request_id)]
    start_response(told.line, [(name.lower(), value) for name, value in told_headers])
    return [told.body] if method != "HEAD" else []


_get = start.Once(build)
handler = handler_of(
    _get,
    forget=_get.forget,
    base_path=urlsplit(os.environ.get("PUBLIC_URL", "")).path.rstrip("/"),
    hops=start.trusted_hops(),
)

if sandbox.serves(__name__):
    sandbox.begin(_get, warm=partial(handler, {"warmup": True}, None))
