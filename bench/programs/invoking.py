"""CPU time around an app that does nothing: a request comes in, an answer goes out, by RoliaScan's adapter or another.

    python invoking.py aws|mangum|azure|WsgiMiddleware|google|Flask EVENT REQUESTS

Writes the microseconds of one invocation, the least of several batches, to standard error.
"""

import json
import sys
import time
from collections.abc import Callable
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


Invoke = Callable[[], Any]


class Context:
    """What Lambda and Azure pass beside the event."""

    aws_request_id = invocation_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 29_000


def app(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", list(HEADERS.items()))
    return [BODY]


def aws() -> Invoke:
    from roliascan.platforms.aws_lambda import handler_of

    handler, context = handler_of(lambda: app), Context()
    return lambda: handler(EVENT, context)["body"].encode()


def mangum() -> Invoke:
    from mangum import Mangum

    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    handler, context = Mangum(asgi, lifespan="off"), Context()
    return lambda: handler(EVENT, context)["body"].encode()


def azure() -> Invoke:
    from roliascan.platforms.azure_functions import function_of

    web: Any = function_of(lambda: app)
    return lambda: web(_azure_request(), Context()).get_body()


def wsgi_middleware() -> Invoke:
    import azure.functions as func

    handle: Any = func.WsgiMiddleware(app).handle  # type: ignore[no-untyped-call]
    return lambda: handle(_azure_request(), Context()).get_body()


def _azure_request() -> Any:
    import azure.functions as func

    headers = {"accept": "application/json", "x-forwarded-for": "192.0.2.1:50000"}
    path = "api/v1/series"
    url = f"https://comics.example/{path}?limit=20"
    return func.HttpRequest("GET", url, headers=headers, route_params={"path": path}, body=b"")


def google() -> Invoke:
    from roliascan.platforms.border import bordered
    from roliascan.platforms.google_functions import function_of

    return _in_flask(function_of(lambda: bordered(app, hops=1)))


def flask() -> Invoke:
    from flask import Response

    return _in_flask(lambda _request: Response(BODY, headers=HEADERS))


def _in_flask(function: Callable[[Any], Any]) -> Invoke:
    """As functions-framework has it."""
    from flask import Flask, request
    from werkzeug.test import EnvironBuilder

    site: Any = Flask("bench")
    site.add_url_rule("/<path:path>", "run", lambda path: function(request))
    environ = EnvironBuilder("/api/v1/series?limit=20", "https://comics.example").get_environ()
    return lambda: b"".join(site(environ | {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, lambda *_: None))


ADAPTERS = {
    "aws": aws,
    "mangum": mangum,
    "azure": azure,
    "WsgiMiddleware": wsgi_middleware,
    "google": google,
    "Flask": flask,
}


def main() -> None:
    invoke = ADAPTERS[ADAPTER]()
    answer = invoke()
    assert answer == BODY, answer
    batches = []
    for _ in range(BATCHES):
        start = time.process_time()
        for _ in range(REQUESTS):
            invoke()
        batches.append((time.process_time() - start) / REQUESTS * 1e6)
    print(min(batches), file=sys.stderr)


main()
