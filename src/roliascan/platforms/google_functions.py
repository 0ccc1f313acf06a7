"""Google Cloud Functions and Cloud Run by functions-framework; the targets are `web`, and `sweep` for Cloud Scheduler.

`sweep` is a function of its own, deployed without public access: Google's front end lets nobody call it but the
service account of the schedule (role Cloud Run Invoker), so that nothing here has to tell callers apart.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Request, Response

from roliascan.platforms import start, sweeping
from roliascan.platforms.border import bordered

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


SWEEP_S = 50
"""Seconds after which a sweep starts nothing new; Google ends a function after 60, unless it is told otherwise."""


def function_of(get: "Callable[[], WSGIApplication]") -> Callable[[Request], Response]:
    """The function of the app that `get` builds."""
    app = start.or_unavailable(get)

    def web(_request: Request) -> Response:
        return _Untouched(app)

    return web


def sweep_of(run: Callable[[float], dict[str, Any]]) -> Callable[[Request], Response]:
    """The function that calls `run` with the seconds that it has, and answers the counts, or 500 where it raises."""

    def sweep(_request: Request) -> Response:
        try:
            return _json(200, run(SWEEP_S))
        except sweeping.SweepFailed as error:
            return _json(500, {"error": str(error)})

    return sweep


def _json(status: int, told: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(told), status, mimetype="application/json")


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
    app = bordered(running.app, hops=max(1, settings.trusted_hops), around=running.around)
    return running._replace(app=app)


web = function_of(start.Once(_build))
sweep = sweep_of(sweeping.run)
