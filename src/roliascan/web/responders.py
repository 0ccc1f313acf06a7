"""From a route to the responder that Falcon calls: rights, query, body, the handler, its answer and its headers."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from roliascan.errors import Invalid, NotAllowed, Problem, ReadOnly
from roliascan.ids import new_id
from roliascan.people.persons import require
from roliascan.web import bodies, headers, logs, queries
from roliascan.web.calls import (
    Call,
    Created,
    Elsewhere,
    Empty,
    Handler,
    Parts,
    Redirect,
    Tagged,
    Wants,
    database,
    token_of,
    wants_of,
)
from roliascan.web.headers import EVERYWHERE, PRIVATE, SHOWN_ANYWHERE, VARY
from roliascan.web.lean import falcon
from roliascan.web.routes import ANYONE, API, ROUTES, SIGNED_IN, UNCHECKED, Route

_encode = msgspec.json.Encoder().encode
_READS = {"GET", "HEAD"}
Responder = Callable[..., None]


class ForeignOrigin(NotAllowed):
    code = "foreign_origin"
    detail = "A change by cookie must come from a page of this site; send the token as Authorization: Bearer instead."


def add_routes(app: "falcon.App[Any, Any]", parts: Parts) -> None:
    """Gives each path one resource with a responder for each of its methods; HEAD goes wherever GET goes."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, {})[route.method] = route
    for path, routes in by_path.items():
        responders = {f"on_{method.lower()}": _responder(route, parts) for method, route in routes.items()}
        if "on_get" in responders:
            responders["on_head"] = responders["on_get"]
        app.add_route(path, type("Resource", (), responders)())


def _responder(route: Route, parts: Parts) -> Responder:
    wanted = cache(lambda: wants_of(route.handler))
    checked = route.path not in UNCHECKED
    changes = route.method not in _READS

    def respond(_resource: object, req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        if changes and parts.settings.read_only:
            raise ReadOnly
        if checked:
            parts.gate.check(time.monotonic(), database(parts, req.env))
        wants = wanted()
        # The body first, which may take its time: rights are read, and the time is taken, once it is here.
        has_body = wants.body is not None and (route.who == ANYONE or token_of(req) is not None)
        sent = bodies.receive(req) if has_body else bodies.Sent(b"")
        call = Call.of(parts, req, resp)
        if route.who != ANYONE:
            _check_person(call, route.who)
        if changes and call.by_cookie:
            _check_origin(call)
        given: dict[str, Any] = {**path}
        query = queries.read(req.params, wants.query)
        if wants.query is not queries.NoQuery:
            given["query"] = query
        if wants.body is not None:
            given["body"] = None if wants.body_optional and bodies.is_empty(req) else bodies.read(req, sent, wants.body)
        if not changes:
            result = wants.handler(call, **given)
        elif wants.creates and route.who != ANYONE and "HTTP_IDEMPOTENCY_KEY" in req.env:
            result = _create_once(call, wants, sent, given)
        else:
            result = _change(call, wants.handler, given)
        _answer(call, route, result)

    return respond


def _change(call: Call, handler: Handler, given: dict[str, Any]) -> Any:
    from roliascan.database.saving import saving  # which readers do not need

    with saving(call.db) as call.db:
        return handler(call, **given)


def _create_once(call: Call, wants: Wants, sent: bodies.Sent, given: dict[str, Any]) -> Created[Any]:
    from roliascan.web import once

    return once.answer(call, sent, form=wants.body is None, create=lambda: wants.handler(call, **given))


def _check_person(call: Call, who: str) -> None:
    person = call.person
    if who != SIGNED_IN:
        require(person, who)


def _check_origin(call: Call) -> None:
    """A page of another site can send our cookie along, but cannot hide where it is (RFC 6454)."""
    origin = call.req.get_header("Origin")
    if origin is None or origin not in _own_origins(call):
        raise ForeignOrigin


def _own_origins(call: Call) -> set[str]:
    settings = call.settings
    if settings.public_url_given:
        return {"/".join(settings.public_url.split("/")[:3]).lower(), *settings.cors_origins}
    # without PUBLIC_URL: where the browser says that it sent the request, which pages cannot change
    host = call.req.get_header("Host") or ""
    return {f"http://{host}", f"https://{host}", *settings.cors_origins}


def _answer(call: Call, route: Route, result: Any) -> None:
    resp, version = call.resp, ""
    if isinstance(result, Tagged):
        version = f"{result.version}-"
        result = result.body
    elif isinstance(result, Created):
        resp.status = 201
        resp.set_header("Location", _address(result.location) if result.below_api else result.location)
        result = result.body
    elif isinstance(result, Redirect | Elsewhere):
        resp.status = 308 if isinstance(result, Redirect) else 307
        resp.set_header("Location", _address(result.location) if isinstance(result, Redirect) else result.location)
        if isinstance(result, Elsewhere):
            resp.set_headers(SHOWN_ANYWHERE)
        _keep(call, route)
        return
    elif isinstance(result, Empty):
        resp.status = 204
        resp.set_header("Cache-Control", PRIVATE)
        return
    if result is not None:
        resp.content_type = "application/json"
        resp.data = _encode(result)
    if resp.data is not None:
        _keep(call, route)
        if route.method in _READS and resp.status_code == 200:
            _tag(call, resp.data, version)


def _address(location: str) -> str:
    return f"{API}{location}"


def _keep(call: Call, route: Route) -> None:
    """Caches may keep what strangers see; what somebody signed in sees is theirs."""
    signed_in = call.token is not None
    call.resp.set_header("Cache-Control", PRIVATE if signed_in or route.method not in _READS else route.cache)
    call.resp.append_header("Vary", VARY)


def _tag(call: Call, body: bytes, version: str) -> None:
    resp, tag = call.resp, headers.etag(body, version)
    resp.set_header("ETag", tag)
    if headers.is_known(tag, call.req.get_header("If-None-Match")):
        resp.status = 304
        resp.data = None
        resp.delete_header("Content-Type")


class Envelope:
    """What surrounds every request: its identifier, the headers of every answer, CORS, and its line in the log."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._origins = parts.settings.cors_origins

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.context.started = time.perf_counter()
        req.context.request_id = req.env.get("roliascan.request_id") or new_id(self._parts.clock())
        if req.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in req.env:
            resp.complete = True
            resp.status = 204
        if "\0" in req.path:
            raise Invalid(Problem("path", "must not contain a NUL character"))

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        resp.set_headers((*EVERYWHERE, ("X-Request-Id", req.context.request_id)))
        if self._origins:
            resp.append_header("Vary", "Origin")
            preflight = req.method == "OPTIONS"
            resp.set_headers(headers.for_origin(req.get_header("Origin"), self._origins, preflight=preflight))
        req.env["roliascan.route"] = req.uri_template or ""
        logs.log_request(
            request_id=req.context.request_id,
            method=req.method,
            path=req.path,
            status=resp.status_code,
            ms=(time.perf_counter() - req.context.started) * 1000,
            route=req.uri_template or "",
            client=req.env.get("roliascan.client", ""),
            level=getattr(req.context, "level", ""),
            code=getattr(req.context, "code", ""),
            trace_id=req.env.get("roliascan.trace_id", ""),
        )
