"""CPU time around an app that does nothing: an event comes in, an answer goes out, by RoliaScan's adapter or by mangum.

    python -c "import invoking" ours|mangum EVENT REQUESTS

Writes the microseconds of one invocation, the least of several batches, to standard error.
"""

import json
import sys
import time
from typing import Any

ADAPTER, EVENT, REQUESTS = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
BATCHES = 10
BODY = json.dumps({"data": [{"id": f"{number:036}", "title": "A Lantern"} for number in range(20)]}).encode()
HEADERS = {
    "content-type": "application/json",
    "cache-control": "public, max-age=0, s-maxage=30",
    "etag": '"5a2-1d13eddd"',
    "content-length": str(len(BODY)),
}


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 29_000


def ours() -> Any:
    from roliascan.platforms.aws_lambda import handler_of

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", list(HEADERS.items()))
        return [BODY]

    return handler_of(lambda: app)


def mangum() -> Any:
    from mangum import Mangum

    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    return Mangum(app, lifespan="off")


def main() -> None:
    handler, context = {"ours": ours, "mangum": mangum}[ADAPTER](), Context()
    told = handler(EVENT, context)
    assert told["statusCode"] == 200, told
    batches = []
    for _ in range(BATCHES):
        start = time.process_time()
        for _ in range(REQUESTS):
            handler(EVENT, context)
        batches.append((time.process_time() - start) / REQUESTS * 1e6)
    print(min(batches), file=sys.stderr)


main()
