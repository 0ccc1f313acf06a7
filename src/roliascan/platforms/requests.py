"""What every platform adds to a request, in names that no header can have: who asks, and the request's id."""

import os

from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Answer, Environ
from roliascan.web import logs

CLIENT = "roliascan.client"
REQUEST_ID = "roliascan.request_id"


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


def crashed(error: Exception, *, request_id: str) -> Answer:
    """Log what the app raised, and answer in its place."""
    logs.log_crash(error, request_id=request_id)
    detail = "Something went wrong on our side; it was written down under requestId."
    return problem(500, "internal", detail, request_id)
