"""AWS Lambda; the handler is `roliascan.platforms.aws_lambda.handler`.

It takes the requests of REST APIs, HTTP APIs, function URLs and load balancers, schedules, and pings.
"""

from __future__ import annotations  # those of functions in functions would be evaluated for each request

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from roliascan.platforms import alarms, requests, sandbox, start, sweeping
from roliascan.platforms.gateway import events, proxy
from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Answer, Malformed, answered
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Handler = Callable[[Any, Any], dict[str, Any]]
Sweep = Callable[[float], dict[str, Any]]

LONGEST_S = 900
TOO_LARGE = "This answer is larger than the platform passes on. Files do not pass here: see POST /api/v1/uploads."
RESERVE_S = 5
"""Seconds before Lambda ends a sweep that are kept for the step under way."""


def handler_of(
    get: Callable[[], WSGIApplication],
    *,
    forget: Callable[[], None] = lambda: None,
    sweep: Sweep = sweeping.run,
    base_path: str = "",
    hops: int = 0,
) -> Handler:
    """The Lambda handler of the app that `get` builds.

    `forget` is called when a request had to be interrupted: what it was doing may have left the app in any state.
    `sweep` is called by schedules with the seconds that it has, and its counts are the answer. `base_path` is what
    stands before every path of the app, "" or "/name"; `hops` trusted proxies stand before AWS.
    """
    app = start.or_unavailable(get)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        kind = events.kind(event)
        request_id = proxy.request_id(context, event) or requests.new_id()
        shape = events.shape(kind)
        if shape is None:
            return _other(kind, get, lambda: sweep(_seconds_to_sweep(context)), request_id)
        try:
            environ = shape.to_environ(event, base_path, hops)
        except Malformed as error:
            detail = f"Not served: {error}."
            return shape.from_answer(requests.unreadable("malformed_event", detail, request_id=request_id))
        requests.mark(environ, client=environ["REMOTE_ADDR"], request_id=request_id)
        encode = partial(shape.from_answer, method=environ["REQUEST_METHOD"])
        seconds = _seconds_left(context)
        requests.until(environ, time.monotonic() + seconds - requests.MARGIN_S)
        answer = partial(answered, app, environ, encode, crashed=partial(requests.crashed, request_id=request_id))

        def late() -> dict[str, Any]:
            forget()
            return encode(requests.late(environ["REQUEST_METHOD"], request_id=request_id))

        told = alarms.in_time(answer, seconds - requests.MARGIN_S / 2, late=late)
        return told if proxy.fits(told, shape.limit) else _too_large(told, encode, request_id)

    return handler


def _other(
    kind: events.Kind, get: Callable[[], WSGIApplication], sweep: Callable[[], dict[str, Any]], request_id: str
) -> dict[str, Any]:
    """An event that is no request. An unknown one is answered, not raised: an asynchronous caller would repeat it."""
    if kind == "warm-up":
        return _warm(get)
    if kind == "schedule":
        return sweep()
    named = "VPC Lattice is" if kind == "lattice" else "Events of this kind are"
    detail = f"{named} not supported: send requests by API Gateway, a function URL or a load balancer."
    refused = requests.unreadable("unknown_event", detail, request_id=request_id)
    return {"statusCode": refused.status, "headers": dict(refused.headers), "body": refused.body.decode()}


def _seconds_left(context: Any) -> float:
    """Until Lambda ends this invocation; outside Lambda, where nobody does, what its functions may take at most."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() / 1000 if left else LONGEST_S


def _seconds_to_sweep(context: Any) -> float:
    left = _seconds_left(context)
    return left - min(RESERVE_S, left / 2)  # also a function of 3 s, which is Lambda's default, gets on


def _warm(get: Callable[[], WSGIApplication]) -> dict[str, Any]:
    """A ping that keeps an instance awake: builds the app, so that the next request need not."""
    try:
        get()
    except Exception as error:
        start.log_failure(error, request_id="")
        return {"warm": False}
    return {"warm": True}


def _too_large(told: dict[str, Any], encode: Callable[[Answer], dict[str, Any]], request_id: str) -> dict[str, Any]:
    code, status, size = "too_large", told["statusCode"], len(told["body"])
    logs.log("warning", code, requestId=request_id, status=status, characters=size, code=code)
    return encode(problem(413, code, TOO_LARGE, request_id))


_get = start.Once(start.build)
handler = handler_of(
    _get,
    forget=_get.forget,
    base_path=urlsplit(os.environ.get("PUBLIC_URL", "")).path.rstrip("/"),
    hops=start.trusted_hops(),
)

if sandbox.serves(__name__):
    sandbox.begin(_get, warm=partial(_warm, _get))
