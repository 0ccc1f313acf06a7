"""AWS Lambda behind an HTTP API or a function URL; the handler is `roliascan.platforms.aws_lambda.handler`."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from roliascan.platforms import alarms, requests, sandbox, start
from roliascan.platforms.gateway import http_api
from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Answer, Malformed, answered
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Handler = Callable[[Any, Any], dict[str, Any]]

LONGEST_S = 900
TOO_LARGE = "This answer is larger than the platform passes on. Files do not pass here: see POST /api/v1/uploads."


def handler_of(
    get: "Callable[[], WSGIApplication]", *, forget: Callable[[], None] = lambda: None, base_path: str = ""
) -> Handler:
    """The Lambda handler of the app that `get` builds; `base_path` is a custom domain's, "" or "/name".

    `forget` is called when a request had to be interrupted: what it was doing may have left the app in any state.
    """
    app = start.or_unavailable(get)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        shape = http_api.shape(event)
        if shape == "warm-up":
            return _warm(get)
        if shape == "unknown":
            request_id = http_api.request_id(context) or requests.new_id()
            return _refused("unknown_event", "This entry point takes payload format 2.0.", request_id)
        request_id = http_api.request_id(context, event) or requests.new_id()
        try:
            environ = http_api.to_environ(event, base_path=base_path)
        except Malformed as error:
            return _refused("malformed_event", f"This event is {error}.", request_id)
        requests.mark(environ, client=environ["REMOTE_ADDR"], request_id=request_id)
        encode = partial(http_api.from_answer, method=environ["REQUEST_METHOD"])
        seconds = _seconds_left(context)
        requests.until(environ, time.monotonic() + seconds - requests.MARGIN_S)
        answer = partial(answered, app, environ, encode, crashed=partial(requests.crashed, request_id=request_id))

        def late() -> dict[str, Any]:
            forget()
            return encode(requests.late(environ["REQUEST_METHOD"], request_id=request_id))

        told = alarms.in_time(answer, seconds - requests.MARGIN_S / 2, late=late)
        return told if http_api.fits(told) else _too_large(told, encode, request_id)

    return handler


def _seconds_left(context: Any) -> float:
    """Until Lambda ends this invocation; outside Lambda, where nobody does, what its functions may take at most."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() / 1000 if left else LONGEST_S


def _warm(get: "Callable[[], WSGIApplication]") -> dict[str, Any]:
    """A ping that keeps an instance awake: builds the app, so that the next request need not."""
    try:
        get()
    except Exception as error:
        start.log_failure(error, request_id="")
        return {"warm": False}
    return {"warm": True}


def _refused(code: str, detail: str, request_id: str) -> dict[str, Any]:
    """Answered, not raised: what calls a function without waiting would only repeat an event that raised."""
    logs.log("warning", code, requestId=request_id)
    return http_api.from_answer(problem(400, code, detail, request_id))


def _too_large(told: dict[str, Any], encode: Callable[[Answer], dict[str, Any]], request_id: str) -> dict[str, Any]:
    logs.log("warning", "too_large", requestId=request_id, status=told["statusCode"], characters=len(told["body"]))
    return encode(problem(413, "too_large", TOO_LARGE, request_id))


_get = start.Once(start.build)
handler = handler_of(_get, forget=_get.forget, base_path=urlsplit(os.environ.get("PUBLIC_URL", "")).path.rstrip("/"))

if sandbox.serves(__name__):
    sandbox.begin(_get, warm=partial(_warm, _get))
