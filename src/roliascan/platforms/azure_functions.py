"""Azure Functions; `function_app.py` of the deployed folder imports `app` from here: `web`, and `sweep` on a timer."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import azure.functions as func

from roliascan.platforms import requests, start, sweeping
from roliascan.platforms.gateway import azure
from roliascan.platforms.gateway.wsgi import Malformed, answered

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Function = Callable[[func.HttpRequest, func.Context], func.HttpResponse]

EVERY_HOUR = "0 0 * * * *"
SWEEP_S = 240
"""Seconds after which a sweep starts nothing new: Azure ends it after 300."""


def function_of(get: "Callable[[], WSGIApplication]", *, hops: int = 0) -> Function:
    """The function of the app that `get` builds; `hops` trusted proxies stand before Azure."""
    app = start.or_unavailable(get)

    def web(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        request_id = context.invocation_id or requests.new_id()
        try:
            environ = azure.to_environ(req, hops)
        except Malformed as error:
            refused = requests.unreadable("malformed_request", f"Not served: {error}.", request_id=request_id)
            return _response(*azure.from_answer(refused, method=req.method))
        requests.mark(environ, client=environ["REMOTE_ADDR"], request_id=request_id)
        encode = partial(azure.from_answer, method=environ["REQUEST_METHOD"])
        return _response(*answered(app, environ, encode, crashed=partial(requests.crashed, request_id=request_id)))

    return web


def _response(status: int, headers: list[tuple[str, str]], body: bytes) -> func.HttpResponse:
    # An empty mimetype: where the answer has no content type, the host then sends none.
    response = func.HttpResponse(body, status_code=status, mimetype="")
    for name, value in headers:
        response.headers.add(name, value)
    return response


def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 (by this name Azure passes it)
    """What is due on a schedule; its counts are in the log. Raises SweepFailed, which Azure counts and shows."""
    sweeping.run(SWEEP_S)


def app_of(web: Function) -> func.FunctionApp:
    """`web` under every address and method, without Azure's keys: people sign in to RoliaScan. `sweep` on a timer.

    SWEEP is how often, in NCRONTAB with seconds: learn.microsoft.com/azure/azure-functions/functions-bindings-timer.
    """
    made = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    made.route(route="{*path}", methods=[method.value for method in func.HttpMethod])(web)
    made.timer_trigger(arg_name="timer", schedule=os.environ.get("SWEEP") or EVERY_HOUR)(sweep)
    return made


app = app_of(function_of(start.Once(start.build), hops=start.trusted_hops()))
