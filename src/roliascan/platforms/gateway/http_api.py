"""AWS Lambda behind an HTTP API or a function URL: payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from . import headers
from .addresses import plain
from .paths import mounted
from .wsgi import Answer, Environ, Malformed, bodiless

LIMIT = 6_291_556
"""Bytes of an answer as JSON that Lambda passes on."""

_TEXT = re.compile(r"text/|application/(?:json|xml|javascript)\b|[^;]*\+(?:json|xml)\b", re.IGNORECASE)
_ID = re.compile(r"[\w=+/.:-]{1,128}\Z", re.ASCII)


def shape(event: object) -> Literal["request", "warm-up", "unknown"]:
    """What an event wants. Total: there is no event for which this fails."""
    if not isinstance(event, dict):
        return "unknown"
    if event.get("warmup") is True or event.get("source") == "aws.events":
        return "warm-up"
    context = event.get("requestContext")
    if event.get("version") == "2.0" and isinstance(context, dict) and isinstance(context.get("http"), dict):
        return "request"
    return "unknown"


def request_id(context: object, event: Mapping[str, Any] | None = None) -> str:
    """The id under which the gateway knows the request, else Lambda's own, else ""; `event` is a request, if any."""
    of_gateway = event["requestContext"].get("requestId") if event else None
    for told in (of_gateway, getattr(context, "aws_request_id", None)):
        if isinstance(told, str) and _ID.match(told):
            return told
    return ""


def to_environ(event: Mapping[str, Any], *, base_path: str = "") -> Environ:
    """The request in the event, which stays as it is; raises Malformed.

    `base_path` is what a custom domain's mapping puts before every path. REMOTE_ADDR is the client as the platform
    saw it. What the platform says is trusted, headers that say the same are dropped.
    """
    try:
        return _to_environ(event, base_path)
    except (KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise Malformed(f"not a request of payload format 2.0: {type(error).__name__}") from error


def _to_environ(event: Mapping[str, Any], base_path: str) -> Environ:
    context = event["requestContext"]
    http = context["http"]
    host = headers.native(context.get("domainName") or "lambda.invalid")
    mounted, path = _split_path(event, context, base_path)
    environ: Environ = {
        "REQUEST_METHOD": http["method"].upper(),
        "SCRIPT_NAME": mounted,
        "PATH_INFO": path,
        "QUERY_STRING": headers.native(event.get("rawQueryString") or ""),
        "REMOTE_ADDR": plain(http.get("sourceIp") or ""),
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": http.get("protocol") or "HTTP/1.1",
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    _add_headers(environ, event.get("headers") or {}, event.get("cookies") or ())
    _add_body(environ, event)
    return environ


def _split_path(event: Mapping[str, Any], context: Mapping[str, Any], base_path: str) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO. An HTTP API decodes the path and puts a named stage before it; a URL does neither."""
    path: str = event["rawPath"]
    if ".lambda-url." in (context.get("domainName") or ""):
        return mounted(unquote_to_bytes(path).decode("latin-1"), base_path)
    path = path if path.isascii() else path.encode().decode("latin-1")
    stage = context.get("stage") or "$default"
    named, path = ("", path) if stage == "$default" else mounted(path, f"/{stage}")
    based, path = mounted(path, base_path)
    return named + based, path


def _add_headers(environ: Environ, given: Mapping[str, str], cookies: Any) -> None:
    for name, value in given.items():
        variable = headers.variable(name)
        if variable is not None and value is not None:
            environ[variable] = value if value.isascii() else headers.native(value)
    if cookies:
        environ["HTTP_COOKIE"] = headers.native("; ".join(cookies))


def _add_body(environ: Environ, event: Mapping[str, Any]) -> None:
    text = event.get("body") or ""
    body = _decoded(text) if event.get("isBase64Encoded") else text.encode()
    environ["wsgi.input"] = BytesIO(body)
    if body or environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH"):
        environ["CONTENT_LENGTH"] = str(len(body))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("the body is not base64") from error


def from_answer(answer: Answer, *, method: str = "GET") -> dict[str, Any]:
    """The answer in payload format 2.0. Raises NotWsgi."""
    once, cookies = headers.joined(answer.headers)
    body, encoded = "", False
    if not bodiless(method, answer.status):
        body, encoded = _encoded(answer.body, once)
    told: dict[str, Any] = {"statusCode": answer.status, "headers": once, "body": body, "isBase64Encoded": encoded}
    if cookies:
        told["cookies"] = cookies
    return told


def _encoded(body: bytes, once: Mapping[str, str]) -> tuple[str, bool]:
    """Text as it is, everything else and what claims to be text and is not as base64."""
    if once.get("content-encoding", "identity") == "identity" and _TEXT.match(once.get("content-type", "")):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return (b64encode(body).decode("ascii"), True) if body else ("", False)


def fits(told: Mapping[str, Any], limit: int = LIMIT) -> bool:
    """Whether the answer, once the runtime client has written it as JSON, is within `limit` bytes.

    Exact for ASCII; other text is counted as escaped, which the runtimes before Python 3.12 do.
    """
    headers = told["headers"]
    around = "".join([*headers, *headers.values(), *told.get("cookies", ())])
    if (
        12 * (len(told["body"]) + len(around)) + 6 * len(headers) + 200 <= limit
    ):  # no character takes more than two escapes of 6
        return True
    return len(json.dumps(told)) <= limit
