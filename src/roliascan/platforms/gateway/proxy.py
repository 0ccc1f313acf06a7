"""What all HTTP requests have in common as events of AWS Lambda, whatever made them, and what their answers have."""

import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from io import BytesIO
from itertools import chain
from typing import Any

from . import addresses, headers
from .wsgi import Answer, Environ, Malformed, bodiless

LIMIT = 6_291_556
"""Bytes of an answer as JSON that Lambda passes on: 6 MiB and 100. API Gateway would pass on 10 MB."""

Event = Mapping[str, Any]
ToEnviron = Callable[[Event, str, int], Environ]

_TEXT = re.compile(r"text/|application/(?:json|xml|javascript)\b|[^;]*\+(?:json|xml)\b", re.IGNORECASE)
_ID = re.compile(r"[\w=+/.:-]{1,128}\Z", re.ASCII)
_HOST = re.compile(r"([\w.~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z", re.ASCII)


def request_id(context: object, event: object = None) -> str:
    """The id under which the gateway knows the request, else Lambda's own, else "". Total, as `events.kind` is."""
    of_gateway = event.get("requestContext") if isinstance(event, dict) else None
    told = of_gateway.get("requestId") if isinstance(of_gateway, dict) else None
    for one in (told, getattr(context, "aws_request_id", None)):
        if isinstance(one, str) and _ID.match(one):
            return one
    return ""


def is_mapped(context: Mapping[str, Any]) -> bool:
    """Whether API Gateway was asked under a custom domain, by a mapping, and not under its own address."""
    domain = context.get("domainName") or ""
    return bool(domain) and ".execute-api." not in domain


def named_stage(context: Mapping[str, Any]) -> str:
    """The stage as it stands in paths, such as "/prod"; "" for an HTTP API's `$default`, which stands in none."""
    stage = context.get("stage") or "$default"
    return "" if stage == "$default" else f"/{stage}"


def reading(read: ToEnviron, event: Event, base_path: str, hops: int, *, form: str) -> Environ:
    """What `read` makes of the event; raises Malformed where it is not of that form."""
    try:
        return read(event, base_path, hops)
    except (KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise Malformed(f"not a request {form}: {type(error).__name__}") from error


def environ(
    *,
    method: str,
    mounted: tuple[str, str],
    query: str,
    client: str,
    host: str,
    protocol: str = "HTTP/1.1",
    scheme: str = "https",
    port: str = "443",
    raw: str = "",
) -> Environ:
    """The variables of a request without its headers and body.

    `mounted` is SCRIPT_NAME and PATH_INFO; `raw` the path as it was sent, where that is known: it becomes REQUEST_URI,
    which is for logs and nothing else.
    """
    host, name = _host(host)
    environ: Environ = {
        "REQUEST_METHOD": method.upper(),
        "SCRIPT_NAME": mounted[0],
        "PATH_INFO": mounted[1],
        "QUERY_STRING": headers.native(query),
        "REMOTE_ADDR": client,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": protocol,
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    if raw:
        environ["REQUEST_URI"] = headers.native(f"{raw}?{query}" if query else raw)
    return environ


@lru_cache(maxsize=64)
def _host(text: str) -> tuple[str, str]:
    """A host, and the same without its port; what is none is named so, and leads nowhere."""
    match = _HOST.match(text)
    return (text, match[1]) if match else ("lambda.invalid", "lambda.invalid")


def each(lists: Mapping[str, Any] | None, singles: Mapping[str, Any] | None) -> Iterator[tuple[str, list[str]]]:
    """Names and values of headers or parameters: from the lists where there are any, else from the single ones."""
    for name, values in (lists or {}).items():
        if not isinstance(values, list):
            raise TypeError("values of one name are a list")
        yield name, values
    if not lists:
        for name, value in (singles or {}).items():
            yield name, [] if value is None else [value]


def lasts(event: Event) -> dict[str, str]:
    """The last value of each header, by its name in lower case."""
    given = each(event.get("multiValueHeaders"), event.get("headers"))
    return {name.lower(): values[-1] for name, values in given if values}


def client(source_ip: str | None, event: Event, hops: int) -> str:
    """The client where the platform tells its peer, and `hops` trusted proxies stand before it."""
    peer = addresses.plain(source_ip or "")
    return addresses.beyond(peer, lasts(event).get("x-forwarded-for", ""), hops) if hops else peer


def add_headers(environ: Environ, event: Event) -> None:
    """Every header that is passed on; its values are joined (RFC 9110, section 5.3; RFC 9113, section 8.2.3)."""
    lists = event.get("multiValueHeaders")
    if not lists:
        for name, value in (event.get("headers") or {}).items():
            variable = headers.variable(name)
            if variable is not None and value is not None:
                environ[variable] = headers.native(value)
        return
    for name, values in lists.items():
        if not isinstance(values, list):
            raise TypeError("values of one name are a list")
        variable = headers.variable(name)
        if variable is None or not values:
            continue
        if len(values) > 1 or variable in environ:
            separator = "; " if variable == "HTTP_COOKIE" else ", "
            known = [environ[variable]] if variable in environ else []
            values = [separator.join(known + values)]
        text = values[0]
        environ[variable] = text if text.isascii() else headers.native(text)


def add_body(environ: Environ, event: Event) -> None:
    """The body as bytes, and its length: what a header says of that counted another form of it."""
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


def encoded(answer: Answer, once: Mapping[str, str], method: str) -> dict[str, Any]:
    """Status and body as every form has them: text as it is, all else, and text that is none, as base64."""
    body, is_encoded = ("", False) if bodiless(method, answer.status) else _as_text(answer.body, once)
    return {"statusCode": answer.status, "body": body, "isBase64Encoded": is_encoded}


def _as_text(body: bytes, once: Mapping[str, str]) -> tuple[str, bool]:
    if once.get("content-encoding", "identity") == "identity" and _is_text(once.get("content-type", "")):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return (b64encode(body).decode("ascii"), True) if body else ("", False)


@lru_cache(maxsize=64)
def _is_text(content_type: str) -> bool:
    return _TEXT.match(content_type) is not None


def fits(told: Mapping[str, Any], limit: int) -> bool:
    """Whether the answer, once the runtime client has written it as JSON, is within `limit` bytes.

    Exact for ASCII; other text is counted as escaped, which the runtimes before Python 3.12 do.
    """
    longest = 12 * (len(told["body"]) + _letters(told)) + 200  # no character takes more than two escapes of 6
    return longest <= limit or len(json.dumps(told)) <= limit


def _letters(told: Mapping[str, Any]) -> int:
    """Characters of the headers, and one more for each name and value: what stands around it in JSON is no longer."""
    once, many = told.get("headers", {}), told.get("multiValueHeaders", {})
    texts = [*once, *once.values(), *many, *chain.from_iterable(many.values()), *told.get("cookies", ())]
    return len("".join(texts)) + len(texts)
