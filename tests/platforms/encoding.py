"""Every way in which a platform hands a request to a function, and takes its answer: the ground of parity.

`SHAPES[name].encode(request, client=...)` gives the event (for Azure the `func.HttpRequest`) that the platform makes of
a `shapes.Request`, and `SHAPES[name].decode(told, method)` the `shapes.Reply` that a client gets for what the function
returned; an answer that the platform would turn into a 502 raises Refused. `FORMS` has the shapes that are events of
Lambda: JSON, so that they can be posted to the emulator. `google` adds what Google's front end writes to a request that
is sent to functions-framework over HTTP. A `Context` is what Lambda and Azure pass beside the event.

Written from the platforms' documentation, apart from the code under test, so that the two can disagree. What a platform
loses is lost here too: `LOSES` says what, so that nobody compares it.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from tests.platforms import shapes
from tests.platforms.shapes import TEXT, Reply, Request, function_url_event, http_api_event

CLIENT = "203.0.113.9"
ID = "JKJaXmPLvHcESHA="
HOST = "comics.example"
LAMBDA_BYTES = 6_291_556
ALB_BYTES = 1_000_000
"""The least that "1 MB" can mean."""

LOSES = {
    "rest api": "Of query parameters the order of different names, and whether `a` had a `=`. Of bodies all that is no"
    " text, unless its type is among the API's binary media types.",
    "http api 1.0": "As a REST API, and as an HTTP API.",
    "http api": "Which slashes of the path were encoded, and which Cookie headers were several. What stands after an"
    " encoded question mark in the path: that is passed on here, where it could do more harm.",
    "function url": "Which Cookie headers were several.",
    "alb": "All but the last of repeated headers and query parameters, and the order of query parameters.",
    "alb multi-value": "Of query parameters the order of different names.",
    "azure": "Attributes of cookies that http.cookies does not know; all but the last of an answer's repeated headers.",
}


class Refused(AssertionError):
    """The platform would answer 502: what the function returned is not of the form that it wants."""


class Context:
    """What Lambda and Azure tell a function beside the event."""

    aws_request_id = invocation_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Milliseconds until Lambda stops the function."""
        return 30_000


class Shape(NamedTuple):
    """One way in and out; `encode(request, *, client=...)`, `decode(told, method="GET")`."""

    encode: Callable[..., Any]
    decode: Callable[..., Reply]


# Payload format 1.0: of a REST API, and of an HTTP API that asks for it.


def rest_event(request: Request, *, stage: str = "prod", base: str = "", client: str = CLIENT) -> dict[str, Any]:
    """As a REST API does whose binary media types are `*/*`.

    The path stays encoded, without the stage. `base` is the mapping of a custom domain, which is then asked instead of
    the API's own: the path has it in front. Query parameters come decoded.
    """
    path = base + request.path
    event = _format_1_0(request, path, client)
    event["requestContext"] |= {
        "path": path if base else f"/{stage}{path}",
        "stage": stage,
        "domainName": HOST if base else "abc123.execute-api.eu-central-1.amazonaws.com",
    }
    return event


def http_api_1_0_event(
    request: Request, *, stage: str = "$default", base: str = "", client: str = CLIENT
) -> dict[str, Any]:
    """As an HTTP API does with payload format 1.0: the path decoded, as the client sent it: with stage or mapping."""
    path = unquote(request.path)
    path = base + path if base or stage == "$default" else f"/{stage}{path}"
    lower = request._replace(headers=[(name.lower(), value) for name, value in request.pairs])
    event = {"version": "1.0", **_format_1_0(lower, path, client)}
    event["requestContext"] |= {
        "path": event["path"],
        "stage": stage,
        "domainName": HOST if base else "abc123.execute-api.eu-central-1.amazonaws.com",
    }
    return event


def _format_1_0(request: Request, path: str, client: str) -> dict[str, Any]:
    query = parse_qsl(request.query, keep_blank_values=True)
    forwarded = [*_without(request.pairs, "transfer-encoding"), ("host", HOST), ("x-forwarded-proto", "https")]
    headers = _lists([*forwarded, ("x-forwarded-for", client)])
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in _lists(query).items()} or None,
        "multiValueQueryStringParameters": _lists(query) or None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "httpMethod": request.method,
            "identity": {"sourceIp": client, "userAgent": "tests"},
            "protocol": "HTTP/1.1",
            "requestId": ID,
            "resourcePath": "/{proxy+}",
        },
        "body": base64.b64encode(request.body).decode() if request.body else None,
        "isBase64Encoded": bool(request.body),
    }


def of_format_1_0(told: Mapping[str, Any], method: str = "GET") -> Reply:
    """What API Gateway sends for an answer in payload format 1.0."""
    _expect(told, LAMBDA_BYTES, {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
    single = [(name, [value]) for name, value in told.get("headers", {}).items()]
    many = {**dict(single), **told.get("multiValueHeaders", {})}
    return _reply(told, many.items(), method)


# Application Load Balancer.


def alb_event(request: Request, *, client: str = CLIENT) -> dict[str, Any]:
    """As a load balancer does: path and query parameters still encoded, of what is repeated the last, names in lower
    case, and the client at the right of X-Forwarded-For."""
    event, headers, query = _of_balancer(request, client)
    event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
    event["headers"] = {name: values[-1] for name, values in headers.items()}
    return event


def alb_multi_event(request: Request, *, client: str = CLIENT) -> dict[str, Any]:
    """As a load balancer does whose target group has multi-value headers."""
    event, headers, query = _of_balancer(request, client)
    event["multiValueQueryStringParameters"], event["multiValueHeaders"] = query, headers
    return event


def _of_balancer(request: Request, client: str) -> tuple[dict[str, Any], dict[str, list[str]], dict[str, list[str]]]:
    sent = [(name.lower(), value) for name, value in request.pairs]
    forged = [value for name, value in sent if name == "x-forwarded-for"]
    written = {"x-forwarded-for": ", ".join([*forged, client]), "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    headers = _lists([("host", HOST), *_without(sent, *written, "transfer-encoding"), *written.items()])
    pairs = [part.partition("=")[::2] for part in request.query.split("&") if part]
    kind = "".join(headers.get("content-type", [""])[-1:])
    body, encoded = _carried(request.body, kind, packed="content-encoding" in headers)
    event = {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/l/4"}},
        "httpMethod": request.method,
        "path": request.path,
        "body": body,
        "isBase64Encoded": encoded,
    }
    return event, headers, _lists(pairs)


def _carried(body: bytes, kind: str, *, packed: bool) -> tuple[str, bool]:
    if not packed and kind.startswith(TEXT):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), bool(body)


def of_alb(told: Mapping[str, Any], method: str = "GET") -> Reply:
    """What a load balancer sends; it wants plain headers only, and right words where there are any for the status."""
    _expect_of_balancer(told, "headers")
    return _reply(told, [(name, [value]) for name, value in told["headers"].items()], method)


def of_alb_multi(told: Mapping[str, Any], method: str = "GET") -> Reply:
    """What a load balancer sends whose target group has multi-value headers: it wants these only."""
    _expect_of_balancer(told, "multiValueHeaders")
    return _reply(told, told["multiValueHeaders"].items(), method)


def _expect_of_balancer(told: Mapping[str, Any], headers: str) -> None:
    _expect(told, ALB_BYTES, {"statusCode", "statusDescription", "body", "isBase64Encoded", headers})
    words = f"{told['statusCode']} {HTTPStatus(told['statusCode']).phrase}"
    if told.get("statusDescription", words) != words:
        raise Refused("statusDescription")
    if headers not in told:
        raise Refused(f"no {headers}")


# The answers of all.


def of_http_api(told: Mapping[str, Any], method: str = "GET") -> Reply:
    """What an HTTP API or a function URL sends for an answer in payload format 2.0."""
    _expect(told, LAMBDA_BYTES, {"statusCode", "headers", "cookies", "body", "isBase64Encoded"})
    single = [(name, [value]) for name, value in told["headers"].items()]
    return _reply(told, [*single, ("set-cookie", told.get("cookies", []))], method)


def _expect(told: Any, limit: int, keys: set[str]) -> None:
    if set(told) - keys or not isinstance(told.get("statusCode"), int):
        raise Refused(f"not of {sorted(keys)}")
    if len(json.dumps(told)) > limit:
        raise Refused(f"more than {limit} bytes")


def _reply(told: Mapping[str, Any], headers: Iterable[tuple[str, Any]], method: str) -> Reply:
    once: dict[str, str] = {}
    cookies: list[str] = []
    for name, values in headers:
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Refused(name)
        if name.lower() == "set-cookie":
            cookies += values
        else:
            once[name.lower()] = ", ".join(values)
    body = base64.b64decode(told["body"], validate=True) if told["isBase64Encoded"] else told["body"].encode()
    return Reply(told["statusCode"], once, sorted(cookies), b"" if method == "HEAD" else body)


def _of_azure(told: Any, method: str = "GET") -> Reply:
    return shapes.of_azure(told)


def google(request: Request, *, client: str = CLIENT, trace: str = "") -> Request:
    """As Google's front end passes a request on, over HTTP."""
    sent = request.joined
    forwarded = ", ".join(filter(None, [sent.get("x-forwarded-for", ""), client]))
    written = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    written |= {"X-Cloud-Trace-Context": f"{trace}/1;o=1"} if trace else {}
    kept = _without(request.pairs, *(name.lower() for name in written))
    return request._replace(headers=[*kept, *written.items()])


def _without(pairs: Iterable[tuple[str, str]], *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if name.lower() not in names]


def _lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by name."""
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


FORMS = {
    "rest api": Shape(rest_event, of_format_1_0),
    "http api 1.0": Shape(http_api_1_0_event, of_format_1_0),
    "http api": Shape(http_api_event, of_http_api),
    "function url": Shape(function_url_event, of_http_api),
    "alb": Shape(alb_event, of_alb),
    "alb multi-value": Shape(alb_multi_event, of_alb_multi),
}
SHAPES = {**FORMS, "azure": Shape(shapes.azure_request, _of_azure)}
