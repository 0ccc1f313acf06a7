"""A server of one's own: `app` for granian or any other WSGI server."""

from roliascan.people import passwords
from roliascan.platforms import start
from roliascan.platforms.border import bordered

THREADS = 128
"""Requests that run at once. Threads start when they are needed and end when they are idle."""
BODIES = 100
"""Of them, those that may be reading a body; the others are kept for requests without one."""
BODIES_EACH = 10
"""Of these, those of one address: who sends slowly does not keep others from writing."""
FILES = 64
"""Of them, those that may be sending a stored file."""


def _build() -> start.Running:
    settings = start.settings()
    passwords.aside()
    running = start.running(settings)
    hops = settings.trusted_hops
    app = bordered(running.app, hops=hops, bodies=BODIES, bodies_each=BODIES_EACH, files=FILES)
    return running._replace(app=app)


app = start.or_unavailable(start.Once(_build))
