"""`GET /metrics` of a server, for who has METRICS_TOKEN; to anybody else there is no such address."""

from collections.abc import Iterable
from hmac import compare_digest
from typing import TYPE_CHECKING

from roliascan.platforms.gateway.wsgi import Environ
from roliascan.platforms.meters import TYPE, Meters

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

PATH = "/metrics"


def scraped(app: "WSGIApplication", meters: Meters, token: str) -> "WSGIApplication":
    """`app`, and the meters. A scrape is neither logged nor counted: there would be more of them than readers.

    Whoever comes without the token is answered by `app`, as on any other address that leads nowhere.
    """
    expected = f"Bearer {token}".encode()

    def answering(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH or environ["REQUEST_METHOD"] != "GET":
            return app(environ, start_response)
        sent = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if not compare_digest(sent, expected):
            return app(environ, start_response)
        body = meters.text()
        told = [("content-type", TYPE), ("content-length", str(len(body))), ("cache-control", "no-store")]
        start_response("200 OK", told)
        return [body]

    return answering
