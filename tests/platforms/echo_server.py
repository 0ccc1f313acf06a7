"""The echo app on a server: `app` for granian, and as a program that listens on $PORT."""

import os
from typing import Any

from roliascan.platforms.border import bordered
from roliascan.platforms.serving import serve
from tests.platforms import echoes

PLACES: dict[str, Any] = {
    name: int(os.environ.get(name.upper(), "0")) for name in ("bodies", "bodies_each", "files", "files_each")
}
app = bordered(
    echoes.app,
    hops=int(os.environ.get("HOPS", "0")),
    inherited=os.environ,
    **PLACES,
)

if __name__ == "__main__":
    serve(
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        target="tests.platforms.echo_server:app",
        stop_after=int(os.environ.get("STOP_AFTER", "10")),
        headers_within=int(os.environ.get("HEADERS_WITHIN", "30")),
    )
