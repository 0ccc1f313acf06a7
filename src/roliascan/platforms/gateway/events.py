"""Which of its events AWS Lambda was given, and who reads it."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple

from .proxy import LIMIT
from .wsgi import Environ

Kind = Literal["http api", "rest api", "alb", "alb multi-value", "schedule", "warm-up", "lattice", "unknown"]


class Shape(NamedTuple):
    """How a kind of request is read, and its answer written: `to_environ(event, base_path, hops)`, `from_answer(answer,
    method=...)`, and how many bytes the answer may have as JSON."""

    to_environ: Callable[..., Environ]
    from_answer: Callable[..., dict[str, Any]]
    limit: int = LIMIT


def kind(event: object) -> Kind:
    """What an event is. Total: there is no event for which this fails.

    A function URL is an HTTP API; a schedule is one of EventBridge, by a rule or by its Scheduler; a warm-up is
    `{"warmup": true}`, whoever sends it.
    """
    if not isinstance(event, dict):
        return "unknown"
    context = event.get("requestContext")
    if isinstance(context, dict):
        return _of_request(event, context)
    if event.get("warmup") is True:
        return "warm-up"
    if event.get("detail-type") == "Scheduled Event" and event.get("source") in ("aws.events", "aws.scheduler"):
        return "schedule"
    return "lattice" if "raw_path" in event and "method" in event else "unknown"


def _of_request(event: dict[str, Any], context: dict[str, Any]) -> Kind:
    if "methodArn" in event or "routeArn" in event:  # an authorizer is asked about a request, not for its answer
        return "unknown"
    if event.get("version") == "2.0" and isinstance(context.get("http"), dict):
        return "http api"
    if "elb" in context:
        return "alb multi-value" if isinstance(event.get("multiValueHeaders"), dict) else "alb"
    if "httpMethod" in event and "path" in event:
        return "rest api"
    return "lattice" if "serviceNetworkArn" in context else "unknown"


@cache
def shape(kind: Kind) -> Shape | None:
    """Who reads requests of this kind; None for what is none. Loads no more than that module."""
    if kind == "http api":
        from . import http_api

        return Shape(http_api.to_environ, http_api.from_answer)
    if kind == "rest api":
        from . import rest_api

        return Shape(rest_api.to_environ, rest_api.from_answer)
    if kind in ("alb", "alb multi-value"):
        from . import alb

        return Shape(alb.to_environ, alb.from_answer if kind == "alb" else alb.from_answer_multi, alb.LIMIT)
    return None
