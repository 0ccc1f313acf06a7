"""A server of one's own: `app` for granian or any other WSGI server."""

import os
from typing import TYPE_CHECKING

from roliascan.people import passwords
from roliascan.platforms import lines, start
from roliascan.platforms.border import bordered
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

BODIES = 100
"""Requests that may be reading a body at once."""
BODIES_EACH = 10
"""Of them, those of one address: who sends slowly does not keep others from writing."""
FILES = 64
"""Requests that may be sending a stored file at once."""
FILES_EACH = 16
"""Of them, those of one address, which a few readers may share: who takes slowly does not keep others from looking."""
OTHERS = 36
"""Requests that always find a thread: those that have no body and ask for no file."""
THREADS = BODIES + FILES + OTHERS
"""Requests that run at once. Threads start when they are needed and end when they are idle."""


def _build() -> start.Running:
    settings = start.settings()
    passwords.aside()
    running = start.running(settings)
    app = bordered(
        _metered(running.app, settings.metrics_token) if settings.metrics_token else running.app,
        hops=settings.trusted_hops,
        around=running.around,
        bodies=BODIES,
        bodies_each=BODIES_EACH,
        files=FILES,
        files_each=FILES_EACH,
    )
    return running._replace(app=app)


def _metered(app: "WSGIApplication", token: str) -> "WSGIApplication":
    from roliascan.platforms.meters import Meters  # without a token nothing is counted
    from roliascan.platforms.scraping import scraped

    meters = Meters()
    logs.tell([*lines.wanted(os.environ), meters.count])
    return scraped(app, meters, token)


app = start.or_unavailable(start.Once(_build))
