"""A server of one's own: `app` for granian or any other WSGI server."""

from typing import TYPE_CHECKING

from roliascan.app import create_app
from roliascan.platforms import start
from roliascan.platforms.border import bordered

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 128
"""Requests that run at once. Threads start when they are needed and end when they are idle."""
BODIES = 100
"""Of them, those that may be reading a body; the others are kept for requests without one."""
FILES = 64
"""Of them, those that may be sending a stored file."""


def _build() -> "WSGIApplication":
    settings = start.settings()
    return bordered(create_app(settings), hops=settings.trusted_hops, bodies=BODIES, files=FILES)


app = start.or_unavailable(start.once(_build))
