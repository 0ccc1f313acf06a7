"""Azure Functions: what its library's HttpRequest holds to WSGI, and an answer to what its HttpResponse can carry.

https://github.com/Azure/azure-functions-python-library, azure/functions/http.py
"""

import re
import sys
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from io import BytesIO
from typing import Protocol
from urllib.parse import unquote_to_bytes

from . import headers
from .addresses import client
from .paths import mounted
from .wsgi import Answer, Environ, Malformed, NotWsgi, bodiless

_URL = re.compile(r"(https?)://((\[[^\]/]*\]|[^/?#:]*)(?::(\d+))?)(/[^?#]*)?(?:\?([^#]*))?\Z", re.IGNORECASE)
# What the host reads back from a parsed cookie; anything else in a Set-Cookie is lost on the way.
_CARRIED = frozenset(["expires", "path", "domain", "max-age", "secure", "httponly", "samesite"])


class Request(Protocol):
    """What this module reads of azure.functions.HttpRequest."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def route_params(self) -> Mapping[str, str]: ...
    def get_body(self) -> bytes: ...


class CookieLost(NotWsgi):
    """Azure would drop or change this cookie; the message names it without its value."""


def to_environ(request: Request, hops: int = 0) -> Environ:
    """The request; raises Malformed. The route must end in `{*path}`: what stands before it becomes SCRIPT_NAME.

    REMOTE_ADDR is the last address of X-Forwarded-For, which the front end of the platform writes, or the one before,
    where `hops` trusted proxies stand before the platform.
    """
    match = _URL.match(request.url)
    if not match:
        raise Malformed("the url is not an address of http")
    try:
        return _to_environ(request, match, hops)
    except UnicodeError as error:
        raise Malformed("the request holds text that no encoding knows") from error


def _to_environ(request: Request, url: re.Match[str], hops: int) -> Environ:
    body = request.get_body() or b""
    given = {name.lower(): value for name, value in request.headers.items()}
    scheme = url[1].lower()
    path = unquote_to_bytes(url[5] or "/").decode("latin-1")
    prefix, path = mounted(path, _route_prefix(path, request.route_params.get("path")))
    environ: Environ = {
        "REQUEST_METHOD": request.method.upper(),
        "SCRIPT_NAME": prefix,
        "PATH_INFO": path,
        "REQUEST_URI": headers.native(url[5] or "/") + (f"?{headers.native(url[6])}" if url[6] else ""),
        "QUERY_STRING": headers.native(url[6] or ""),
        "REMOTE_ADDR": client(given.get("x-forwarded-for", ""), "", hops + 1),
        "SERVER_NAME": headers.native(url[3]),
        "SERVER_PORT": url[4] or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": headers.native(url[2]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in given.items():
        variable = headers.variable(name)
        if variable is not None:
            environ[variable] = headers.native(value)
    if body or environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH"):
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _route_prefix(path: str, tail: str | None) -> str:
    """What stands in `path` before the part that the route matched; the host may have decoded that part or not."""
    if tail is None:
        return ""
    for form in (tail.encode().decode("latin-1"), unquote_to_bytes(tail).decode("latin-1")):
        if path.endswith("/" + form):
            return path[: -len(form) - 1]
    return path if not tail else ""


def from_answer(answer: Answer, *, method: str = "GET") -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body, where only Set-Cookie is repeated: of other repeated headers Azure keeps the last.

    Raises NotWsgi, and CookieLost for a cookie that would not arrive as it was set.
    """
    once, cookies = headers.joined(answer.headers)
    _refuse_lost(cookies)
    body = b"" if bodiless(method, answer.status) else answer.body
    return answer.status, [*once.items(), *(("set-cookie", cookie) for cookie in cookies)], body


def _refuse_lost(cookies: Iterable[str]) -> None:
    """The host parses each Set-Cookie with http.cookies, drops what that does not know, and adds a Domain."""
    for cookie in cookies:
        name, _, value = cookie.partition(";")[0].partition("=")
        try:
            parsed = SimpleCookie(cookie)
        except CookieError:
            parsed = SimpleCookie()
        attributes = {part.partition("=")[0].strip().lower() for part in cookie.split(";")[1:]}
        # The quotes of a value are dropped; those of an empty one, which takes a cookie back, nobody misses.
        same = name in parsed and parsed[name].value == ("" if value == '""' else value)
        if len(parsed) != 1 or not same or attributes - _CARRIED or name.startswith("__Host-"):
            raise CookieLost(f"Azure Functions cannot carry the cookie {name!r} as it is")
