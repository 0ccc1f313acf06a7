"""A request as each platform would pass it on, and each platform's answer as a client would see it.

Written from the platforms' documentation, apart from the code under test, so that the two can disagree.
"""

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from http.cookies import Morsel
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

import azure.functions as func
from azure.functions.http import HttpResponseConverter

from roliascan.platforms.gateway.wsgi import Answer

TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class Request(NamedTuple):
    """What a client sends; `target` is the path, encoded, and perhaps `?` and a query.

    Headers as a mapping, or as pairs in their order where some are repeated; cookies are among them.
    """

    method: str
    target: str
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, encoded; what begins with two slashes is still one."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query without its question mark."""
        return self.target.partition("?")[2]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The headers as name and value, in their order."""
        return [*(self.headers.items() if isinstance(self.headers, Mapping) else self.headers)]

    @property
    def joined(self) -> dict[str, str]:
        """Each header once, in lower case, as whoever reads them one by one may join them (RFC 9110, RFC 9113)."""
        once: dict[str, str] = {}
        for name, value in self.pairs:
            lower = name.lower()
            once[lower] = once[lower] + ("; " if lower == "cookie" else ", ") + value if lower in once else value
        return once


class Reply(NamedTuple):
    """What a client gets; header names in lower case, Set-Cookie apart and sorted."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes


def environ_of(request: Request, *, client: str = "203.0.113.9") -> dict[str, Any]:
    """As a WSGI server does."""
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "REMOTE_ADDR": client,
        "SERVER_NAME": "comics.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "comics.example",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "https",
    }
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        environ["CONTENT_LENGTH"] = str(len(request.body))
    for name, value in request.joined.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value
    return environ


def of_wsgi(answer: Answer) -> Reply:
    """What a server sends for an answer."""
    cookies = sorted(value for name, value in answer.headers if name.lower() == "set-cookie")
    others = [(name, value) for name, value in answer.headers if name.lower() != "set-cookie"]
    return Reply(answer.status, Request("", "", others).joined, cookies, answer.body)


def http_api_event(request: Request, *, stage: str = "$default", client: str = "203.0.113.9") -> dict[str, Any]:
    """As an HTTP API does: path decoded, query raw, Cookie apart, text as it is and other bodies as base64."""
    event = _event(request, client)
    path = unquote(request.path)
    event["rawPath"] = path if stage == "$default" else f"/{stage}{path}"
    event["requestContext"]["stage"] = stage
    event["requestContext"]["domainName"] = "abc123.execute-api.eu-central-1.amazonaws.com"
    return event


def function_url_event(request: Request, *, client: str = "203.0.113.9") -> dict[str, Any]:
    """As a function URL does: the same format, path still encoded."""
    event = _event(request, client)
    event["rawPath"] = request.path
    event["requestContext"]["domainName"] = "abc123.lambda-url.eu-central-1.on.aws"
    return event


def _event(request: Request, client: str) -> dict[str, Any]:
    headers = {name: value for name, value in request.joined.items() if name != "transfer-encoding"}
    cookie = headers.pop("cookie", None)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawQueryString": request.query,
        "headers": {"host": "comics.example", "x-forwarded-for": client, "x-forwarded-proto": "https", **headers},
        "requestContext": {
            "accountId": "123456789012",
            "http": {
                "method": request.method,
                "path": unquote(request.path),
                "protocol": "HTTP/1.1",
                "sourceIp": client,
                "userAgent": "tests",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if cookie:
        event["cookies"] = cookie.split("; ")
    if request.body:
        plain = headers.get("content-type", "").startswith(TEXT) and _is_text(request.body)
        event["isBase64Encoded"] = not plain
        event["body"] = request.body.decode() if plain else base64.b64encode(request.body).decode()
    return event


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def of_lambda(told: Mapping[str, Any]) -> Reply:
    """What an HTTP API sends for an answer in payload format 2.0."""
    assert set(told) <= {"statusCode", "headers", "cookies", "body", "isBase64Encoded"}
    body = base64.b64decode(told["body"]) if told["isBase64Encoded"] else told["body"].encode()
    return Reply(told["statusCode"], dict(told["headers"]), sorted(told.get("cookies", [])), body)


def azure_request(
    request: Request, *, prefix: str = "", client: str = "203.0.113.9", origin: str = "https://comics.example"
) -> func.HttpRequest:
    """As the host passes it on, under a route that ends in `{*path}`; the front end adds the client at the right."""
    sent = request.joined
    peer = f"[{client}]:50001" if ":" in client else f"{client}:50001"
    return func.HttpRequest(
        method=request.method,
        url=f"{origin}{prefix}{request.target}",
        headers={**sent, "x-forwarded-for": ", ".join(filter(None, [sent.get("x-forwarded-for"), peer]))},
        params={},
        route_params={"path": unquote(request.path[1:])},
        body=request.body,
    )


def of_azure(response: func.HttpResponse) -> Reply:
    """What the host sends, after Azure's own encoder."""
    told = HttpResponseConverter.encode(response, expected_type=None).value
    headers = {name.lower(): value.value for name, value in told["headers"].items()}
    if headers.get("content-type") == "":
        del headers["content-type"]  # ASP.NET takes an empty one as none
    cookies = [_set_cookie(morsel) for jar in told["cookies"] or [] for morsel in jar.values()]
    return Reply(int(told["status_code"].value), headers, sorted(cookies), told["body"].value)


def _set_cookie(morsel: "Morsel[str]") -> str:
    assert morsel["domain"] == ""
    morsel.set(morsel.key, morsel.value, morsel.value)  # the host takes the value without its quotes
    return morsel.OutputString()


def alike(cookies: list[str]) -> list[set[str]]:
    """Set-Cookie values without the order and case of attributes, and the quotes of an empty value."""
    parts = [one.replace('=""', "=").split("; ") for one in cookies]
    return [{re.sub(r"^[^=]+", lambda name: name[0].lower(), part) for part in one} for one in parts]


def told(reply: Reply) -> dict[str, Any]:
    """What the echo app told."""
    assert reply.status == 200, reply
    answer: dict[str, Any] = json.loads(reply.body)
    return answer
