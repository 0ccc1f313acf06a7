"""The echo app on a server: `app` for granian, and as a program that listens on $PORT."""

import os

from roliascan.platforms.border import bordered
from roliascan.platforms.serving import serve
from tests.platforms import echoes

HOPS, BODIES = int(os.environ.get("HOPS", "0")), int(os.environ.get("BODIES", "4"))
app = bordered(echoes.app, hops=HOPS, bodies=BODIES, bodies_each=int(os.environ.get("BODIES_EACH", "0")))

if __name__ == "__main__":
    serve(
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        target="tests.platforms.echo_server:app",
        stop_after=int(os.environ.get("STOP_AFTER", "10")),
        headers_within=int(os.environ.get("HEADERS_WITHIN", "30")),
    )
