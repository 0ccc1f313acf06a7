"""What every platform adds to a request, in names that no header can have: who asks, its id, until when to answer."""

import os
import time
from typing import TYPE_CHECKING

from roliascan.database import faults
from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Answer, Environ
from roliascan.web import logs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication

CLIENT = "roliascan.client"
REQUEST_ID = "roliascan.request_id"
DEADLINE = "roliascan.deadline"

MARGIN_S = 0.5
"""What is kept of the platform's time: an answer that says why has to arrive before it cuts."""


def new_id() -> str:
    """A request id where the platform has none: 128 random bits, as the trace ids of others."""
    return os.urandom(16).hex()


def known_id(environ: Environ) -> str:
    """The request's id, a new one before it has any."""
    return environ.get(REQUEST_ID) or new_id()


def mark(environ: Environ, *, client: str, request_id: str) -> None:
    """Tell the app who asks ("" for nobody knows) and under which id."""
    environ[CLIENT] = client
    environ[REQUEST_ID] = request_id


def until(environ: Environ, deadline: float) -> None:
    """Tell the app by when to answer, in seconds of time.monotonic(); the earliest counts."""
    environ[DEADLINE] = min(deadline, environ.get(DEADLINE, deadline))


def within(app: "WSGIApplication", seconds: float) -> "WSGIApplication":
    """`app`, told to answer in so many seconds less MARGIN_S; 0 for as long as it takes."""

    def timed(environ: Environ, start_response: "StartResponse") -> "Iterable[bytes]":
        until(environ, time.monotonic() + seconds - MARGIN_S)
        return app(environ, start_response)

    return timed if seconds else app


def crashed(error: Exception, *, request_id: str) -> Answer:
    """Log what the app raised, and answer in its place."""
    logs.log_crash(error, request_id=request_id, status=500, code="internal")
    detail = "Something went wrong on our side; it was written down under requestId."
    return problem(500, "internal", detail, request_id)


def unreadable(code: str, detail: str, *, request_id: str) -> Answer:
    """Log that what the platform passed is no request that the app could be asked, and answer in its place."""
    logs.log("warning", code, requestId=request_id, code=code)
    return problem(400, code, detail, request_id)


def late(method: str, *, request_id: str) -> Answer:
    """Log that the app did not answer in time, and answer in its place. Of a change nobody knows how far it came."""
    told = faults.OutOfTime if method in ("GET", "HEAD", "OPTIONS") else faults.OutcomeUnknown
    logs.log("error", "out_of_time", requestId=request_id, method=method, code=told.code)
    return problem(503, told.code, told.detail, request_id, (("retry-after", "2"),))
