"""Reads for everybody, past the framework: most of what a site is asked, by the same handlers.

What is not plain (a token, another method than GET, unusual characters) goes on to the app behind, which is built when
it is first needed. For the same request both answer the same, byte for byte; tests/web/test_reads.py holds it.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from roliascan.ids import new_id
from roliascan.web import answers, headers, logs, queries
from roliascan.web.calls import COOKIE, Call, Elsewhere, Parts, Redirect, Tagged, Wants, wants_of
from roliascan.web.routes import ANYONE, API, NEVER, ROUTES, UNCHECKED, Route

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

Environ = dict[str, Any]
_Headers = list[tuple[str, str]]

_encode = msgspec.json.Encoder().encode
_PATH = re.compile(API + r"/([a-z]+)(?:/([\w.~-]+)(?:/([a-z]+))?)?\Z", re.ASCII)
"""A noun, an identifier or slug, and a noun of what belongs to it."""
_UNUSUAL = re.compile(r"[^\w.~=&:-]", re.ASCII)
"""In a query: what would have to be decoded, trimmed or refused."""
_JSON = ("content-type", "application/json")


class _Read(NamedTuple):
    """One of these routes: what its handler wants, the name of its identifier, and what every good answer says."""

    route: Route
    wants: Callable[[], Wants]
    name: str
    kept: tuple[tuple[str, str], ...]


_Asked = tuple[_Read, str, dict[str, str]]
"""A request for one of them: with an identifier, or with none, and with the parameters of its query."""


def first(
    parts: Parts, behind: "Callable[[], WSGIApplication]", *, routes: Iterable[Route] = ROUTES
) -> "WSGIApplication":
    """The app that answers these reads itself, and leaves the rest to the app that `behind` gives.

    `routes`: those of ROUTES that it looks at.
    """
    origins = parts.settings.cors_origins
    reads = _table(routes, f"{headers.VARY}, Origin" if origins else headers.VARY)

    def app(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        asked = _asked(environ, reads)
        if asked is None:
            return behind()(environ, start_response)
        started = time.perf_counter()
        request_id = environ.get("roliascan.request_id") or new_id(parts.clock())
        code = ""
        try:
            status, told, body = _answer(parts, environ, asked)
        except Exception as error:
            (status, told, body), code = _refused(error, request_id, "Origin" if origins else "")
        told += _EVERYWHERE
        told.append(("x-request-id", request_id))
        if origins:
            told += _lower(headers.for_origin(environ.get("HTTP_ORIGIN"), origins))
        if body or not status.startswith("304"):
            told.append(("content-length", str(len(body))))
        environ["roliascan.route"] = asked[0].route.path
        logs.log_request(
            request_id=request_id,
            method="GET",
            path=environ["PATH_INFO"],
            status=int(status[:3]),
            ms=(time.perf_counter() - started) * 1000,
            route=asked[0].route.path,
            client=environ.get("roliascan.client", ""),
            code=code,
            trace_id=environ.get("roliascan.trace_id", ""),
        )
        start_response(status, told)
        return [body]

    return app


def _table(routes: Iterable[Route], vary: str) -> dict[tuple[str, bool, str], _Read]:
    """These routes, by the form of their path."""
    reads = {}
    for route in routes:
        if (route.method, route.who) == ("GET", ANYONE) and route.cache != NEVER and route.path not in UNCHECKED:
            noun, name, part = _groups(re.sub(r"{(\w+)}", r"\1", route.path))
            kept = (("cache-control", route.cache), ("vary", vary))
            reads[noun, bool(name), part] = _Read(route, cache(partial(_wants, route)), name, kept)
    return reads


def _groups(path: str) -> tuple[str, str, str]:
    match = _PATH.match(path)
    return (match[1], match[2] or "", match[3] or "") if match else ("", "", "")


def _wants(route: Route) -> Wants:
    return wants_of(route.handler)


def _asked(environ: Environ, reads: Mapping[tuple[str, bool, str], _Read]) -> _Asked | None:
    """What is asked for, where it is one of these and there is nothing else to it."""
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_AUTHORIZATION" in environ:
        return None
    if "HTTP_COOKIE" in environ and COOKIE in environ["HTTP_COOKIE"]:
        return None
    noun, identifier, part = _groups(environ["PATH_INFO"])
    read = reads.get((noun, bool(identifier), part))
    query = environ.get("QUERY_STRING")
    params = _params(query) if query else {}
    return None if read is None or params is None else (read, identifier, params)


def _params(query: str) -> dict[str, str] | None:
    """A plain query by its names; None for one that has to be read with care."""
    if _UNUSUAL.search(query):
        return None
    params = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if not value or name in params:
            return None
        params[name] = value
    return params


def _answer(parts: Parts, environ: Environ, asked: _Asked) -> tuple[str, _Headers, bytes]:
    read, identifier, params = asked
    call = Call(parts, environ)
    parts.gate.check(time.monotonic(), call.db)
    wants = read.wants()
    given = {read.name: identifier} if identifier else {}
    query = queries.read_plain(params, wants.query)
    if wants.query is not queries.NoQuery:
        given["query"] = query
    result, version = wants.handler(call, **given), ""
    if isinstance(result, Redirect):
        return "308 Permanent Redirect", [("location", f"{API}{result.location}"), *read.kept, _JSON], b""
    if isinstance(result, Elsewhere):
        return "307 Temporary Redirect", [("location", result.location), *_SHOWN_ANYWHERE, *read.kept, _JSON], b""
    if isinstance(result, Tagged):
        version, result = f"{result.version}-", result.body
    body = _encode(result)
    tag = headers.etag(body, version)
    if headers.is_known(tag, environ.get("HTTP_IF_NONE_MATCH")):
        return "304 Not Modified", [*read.kept, ("etag", tag)], b""
    return "200 OK", [_JSON, *read.kept, ("etag", tag)], body


def _refused(error: Exception, request_id: str, vary: str) -> tuple[tuple[str, _Headers, bytes], str]:
    told = answers.told(error, request_id)
    return (told.line, _lower({**told.headers, **({"Vary": vary} if vary else {})}), told.body), told.code


def _lower(named: Mapping[str, str]) -> _Headers:
    return [(name.lower(), value) for name, value in named.items()]


_EVERYWHERE = _lower(dict(headers.EVERYWHERE))
_SHOWN_ANYWHERE = _lower(headers.SHOWN_ANYWHERE)
