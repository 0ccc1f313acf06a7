"""Google Cloud Functions and Cloud Run by functions-framework; the target is `web`."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Request, Response

from roliascan.platforms import start
from roliascan.platforms.border import bordered

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def function_of(get: "Callable[[], WSGIApplication]") -> Callable[[Request], Response]:
    """The function of the app that `get` builds."""
    app = start.or_unavailable(get)

    def web(_request: Request) -> Response:
        return _Untouched(app)

    return web


class _Untouched(Response):
    """What the app answers, as it answers it: Flask's own answers get a content type, and lose headers of a 304."""

    def __init__(self, app: "WSGIApplication") -> None:
        super().__init__(iter(()))  # an iterator: of a list the framework would read the request first
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return self._app(environ, start_response)


def _build() -> start.Running:
    settings = start.settings()
    running = start.running(settings)
    # Google's front end is the first proxy, before which a load balancer of the site's may be the second.
    return running._replace(app=bordered(running.app, hops=max(1, settings.trusted_hops)))


web = function_of(start.Once(_build))
