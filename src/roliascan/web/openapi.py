"""The API as an OpenAPI 3.1 document, made on demand from the routes, their handlers' annotations and docstrings."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

from roliascan import __version__, errors
from roliascan.errors import Invalid, NotAllowed, NotFound, NotSignedIn, PreconditionFailed, Refusal
from roliascan.library.image_terms import ImageType
from roliascan.people.repeats import KeyInUse, KeyReused
from roliascan.storage.keys import IMMUTABLE
from roliascan.web import bodies, documents, files, pages, schemas, series, state, stored, uploads, vocabulary
from roliascan.web.answers import PROBLEM, status_of
from roliascan.web.bodies import LengthRequired, Malformed
from roliascan.web.calls import COOKIE, Created, Elsewhere, Empty, Opened, Redirect, Tagged, wants_of
from roliascan.web.headers import PRIVATE
from roliascan.web.responders import ForeignOrigin
from roliascan.web.routes import ANYONE, ROUTES, SIGNED_IN, Route
from roliascan.web.schemas import Schema

_Part = dict[str, Any]


class FieldProblem(msgspec.Struct):
    """One thing that is wrong with an input: where, and what to do about it."""

    field: str
    message: str


class Problem(msgspec.Struct, rename="camel"):
    """A refusal (RFC 9457): `code` is for programs and stays, `detail` is for people. `errors` comes with bad input."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | UnsetType = UNSET


class _Made(NamedTuple):
    """What operations refer to: schemas by type, and refusals by name, which they add as they need them."""

    schemas: Mapping[Any, Schema]
    responses: dict[str, _Part]


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token that registering and signing in give."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "For pages of the site: a change also needs an `Origin` of its own, or one in CORS_ORIGINS.",
    },
}


@cache
def document_bytes() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document())


@cache
def document() -> _Part:
    """The document, the same for every site. Not to be changed."""
    types = list(dict.fromkeys([Problem, *(one for route in ROUTES for one in _types(route))]))
    found, named = schemas.components(types)
    made = _Made(dict(zip(types, found, strict=True)), {})
    made.responses["default"] = _response("Anything else that went wrong.", _problem(made))
    paths: dict[str, _Part] = {}
    for route in ROUTES:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route, made)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "RoliaScan",
            "version": __version__,
            "description": vocabulary.ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The site that served this."}],
        "tags": [tag._asdict() for tag in dict.fromkeys(vocabulary.TAGS.values())],
        "paths": paths,
        "components": {
            "schemas": named,
            "responses": dict(sorted(made.responses.items())),
            "headers": {name: _text(words) for name, words in vocabulary.HEADERS.items()},
            "securitySchemes": _SECURITY,
        },
    }


def _path(route: Route) -> str:
    """`{series_}` is called so for Python only; `{key:path}` may hold slashes, which OpenAPI cannot say."""
    return re.sub(r"\{([a-z]+)_?(:path)?\}", r"{\1}", route.path)


def _operation(route: Route, made: _Made) -> _Part:
    module, verb = route.handler.__module__.rpartition(".")[2], route.handler.__name__
    summary, *more = re.split(r"\.\s+", inspect.getdoc(route.handler) or verb, maxsplit=1)
    operation = {
        "operationId": f"{module}_{verb}",
        "tags": [vocabulary.TAGS[module].name],
        "summary": summary.rstrip("."),
        "description": "\n\n".join([*more, _who(route)]),
        "x-who": route.who,
        "security": _security(route),
        "parameters": list(_parameters(route)),
        "requestBody": _request_body(route, made),
        "responses": dict(sorted([*_successes(route, made), *_refused(route, made)])),
    }
    return {name: value for name, value in operation.items() if value or name == "security"}


def _who(route: Route) -> str:
    if route.who == SIGNED_IN:
        return "Sign in first."
    if route.who != ANYONE:
        return f"This needs the permission `{route.who}`."
    if route.handler in vocabulary.SEE_MORE:
        return "For anyone; when you are signed in, also what only you may see."
    return "For anyone."


def _security(route: Route) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY]
    if route.who != ANYONE:
        return ways
    return [{}, *ways] if route.handler in vocabulary.SEE_MORE else []


# What is asked

_VERSION = r'^(\*|(W/)?"\d{1,9}(-[^"]*)?")?$'


def _parameters(route: Route) -> Iterator[_Part]:
    for name in re.findall(r"\{(\w+)\}", _path(route)):
        yield _path_parameter(route, name)
    query = route.handler.__annotations__.get("query")
    for name, schema in schemas.of_query(query)["properties"].items() if query else ():
        yield {
            "name": name,
            "in": "query",
            "description": _words(route, name),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
    for name in _conditions(route):
        schema = {"type": "string", **({"pattern": _VERSION} if name == "If-Match" else {})}
        yield {"name": name, "in": "header", "description": vocabulary.PARAMETERS[name], "schema": schema}


def _words(route: Route, name: str) -> str:
    """What a parameter means, where it does not mean the same everywhere."""
    words = vocabulary.PARAMETERS
    return words.get(f"{route.answers}.{name}", words[name])


def _path_parameter(route: Route, name: str) -> _Part:
    parameter = {"name": name, "in": "path", "required": True}
    if route.handler is series.show:
        return {**parameter, **_text("The identifier or a slug of a series.")}
    if name == "key":
        return {**parameter, **_text(vocabulary.PARAMETERS[name])}
    schema = {"type": "string", **({} if name == "permission" else {"format": "uuid"})}
    return {**parameter, "description": _words(route, name), "schema": schema}


def _conditions(route: Route) -> Iterator[str]:
    """The headers that matter."""
    if _can_be_repeated(route):
        yield "Idempotency-Key"
    if _is_tagged(route):
        yield "If-None-Match"
    if PreconditionFailed in vocabulary.REFUSALS.get(route.handler, ()):
        yield "If-Match"
    if route.handler is stored.show:
        yield from ("Range", "If-Range")


def _is_tagged(route: Route) -> bool:
    return route.method == "GET" and route.handler.__annotations__["return"] is not Elsewhere


def _can_be_repeated(route: Route) -> bool:
    return route.who != ANYONE and wants_of(route.handler).creates


def _request_body(route: Route, made: _Made) -> _Part | None:
    if route.handler in _FORMS:
        return {"required": True, "content": {"multipart/form-data": {"schema": _FORMS[route.handler]}}}
    if route.handler is uploads.receive:
        return {"required": True, "content": {"*/*": {"schema": _FILE}}}
    body, optional = _body(route)
    if body is None:
        return None
    content = {"schema": made.schemas[body], "example": vocabulary.EXAMPLES[route.handler]}
    return {"required": not optional, "content": {"application/json": content}}


def _body(route: Route) -> tuple[Any, bool]:
    """The type of the JSON body, or None, and whether it may be absent."""
    branches = _branches(route.handler.__annotations__.get("body"))
    return branches[0], type(None) in branches


_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_PAGES_FORM = {
    "type": "object",
    "description": f"At most {bodies.MOST_FILES} files: JPEG, PNG, WebP, GIF or AVIF.",
    "patternProperties": {
        r"^page_\d{1,4}$": {**_FILE, "description": "Sets the page of this number, such as `page_7`."}
    },
    "additionalProperties": {
        "description": "Appended in the order of the form.",
        "anyOf": [_FILE, {"type": "array", "items": _FILE}],
    },
}
_FILE_FORM = {
    "type": "object",
    "properties": {files.FIELD: {**_FILE, "description": "JPEG, PNG, WebP, GIF, AVIF or PDF."}},
    "required": [files.FIELD],
    "additionalProperties": False,
}
_FORMS: Mapping[Any, _Part] = {pages.add: _PAGES_FORM, files.add: _FILE_FORM}


# What is answered


def _types(route: Route) -> Iterator[Any]:
    """The types that need a schema."""
    answers = (_content_type(branch) for branch in _branches(route.handler.__annotations__["return"]))
    yield from (one for one in (_body(route)[0], *answers) if one is not None)


def _branches(annotated: Any) -> Sequence[Any]:
    """The types of a union, any other type alone."""
    return get_args(annotated) if get_origin(annotated) in (Union, UnionType) else (annotated,)


def _content_type(branch: Any) -> Any:
    if branch in (Empty, Redirect, Elsewhere):
        return None
    return get_args(branch)[0] if get_origin(branch) in (Created, Opened, Tagged) else branch


_MEANING = {
    200: "Done.",
    201: "Made.",
    204: "Done.",
    206: "The range.",
    304: "Still so.",
    307: "At `Location`, for as long as `Cache-Control` says.",
    308: "At `Location` now.",
}
_STATUS: Mapping[Any, int] = {Created: 201, Opened: 201, Empty: 204, Elsewhere: 307, Redirect: 308}
_HEADERS: Mapping[int, tuple[str, ...]] = {
    201: ("Location",),
    206: ("Content-Range",),
    307: ("Location",),
    308: ("Location",),
    401: ("WWW-Authenticate",),
    416: ("Content-Range",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_BYTES: _Part = {kind: {} for kind in (*get_args(ImageType), "application/pdf")}
_UNTYPED: Mapping[Any, _Part] = {
    documents.openapi: {"application/json": {"schema": {"type": "object"}}},
    documents.docs: {"text/html": {"schema": {"type": "string"}}},
    stored.show: _BYTES,
}
"""The content of what handlers write by themselves."""


def _successes(route: Route, made: _Made) -> Iterator[tuple[str, _Part]]:
    for branch in _branches(route.handler.__annotations__["return"]):
        status = _STATUS.get(get_origin(branch) or branch, 200)
        given = _content_type(branch)
        content = {} if given is None else {"application/json": {"schema": made.schemas[given]}}
        yield str(status), _success(route, status, content or _UNTYPED.get(route.handler, {}))
    if _is_tagged(route):
        yield "304", _success(route, 304, {})
    if route.handler is stored.show:
        yield "206", _success(route, 206, _BYTES)
        yield "307", _success(route, 307, {})


def _success(route: Route, status: int, content: _Part) -> _Part:
    names = ["X-Request-Id", *_HEADERS.get(status, ())]
    names += ["ETag"] if _is_tagged(route) and status not in {307, 308} else []
    names += ["Accept-Ranges"] if route.handler is stored.show and content else []
    names += ["Set-Cookie"] if route.handler in vocabulary.SET_COOKIE else []
    return _response(_MEANING[status], content, names, {"Cache-Control": _cache_control(route, status)})


def _cache_control(route: Route, status: int) -> _Part:
    if route.handler is stored.show and status != 307:
        return _text(f"`{IMMUTABLE}`, or `{PRIVATE}` for what not everybody may see.")
    if route.method != "GET" or route.handler is stored.show:
        return _text(f"`{PRIVATE}`")
    return _text(f"`{route.cache}`, or `{PRIVATE}` when you are signed in.")


def _refused(route: Route, made: _Made) -> Iterator[tuple[str, _Part]]:
    by_status: dict[int, list[type[Refusal]]] = {}
    for refusal in dict.fromkeys([*_of_route(route), *vocabulary.REFUSALS.get(route.handler, ())]):
        by_status.setdefault(status_of(refusal), []).append(refusal)
    for status, refusals in by_status.items():
        refusals.sort(key=lambda refusal: refusal.code)
        name = f"{status}." + ".".join(refusal.code for refusal in refusals) if status != 503 else "503"
        made.responses.setdefault(name, _refusal(status, refusals, made))
        yield str(status), {"$ref": f"#/components/responses/{name}"}
    if route.handler is state.ready:
        readiness = made.schemas[state.Readiness]
        content = {"application/json": {"schema": readiness}, **_problem(made)}
        response = _response("What is wrong, of which part.", content, ["X-Request-Id", "Retry-After"])
        yield "503", {**response, "x-codes": [vocabulary.NotStarted.code]}
    yield "default", {"$ref": "#/components/responses/default"}


def _of_route(route: Route) -> Iterator[type[Refusal]]:
    """What any handler of such a route refuses."""
    yield Invalid
    if route.who != ANYONE:
        yield NotSignedIn
    if route.who not in (ANYONE, SIGNED_IN):
        yield NotAllowed
    if route.method != "GET":
        yield ForeignOrigin
    if "{" in route.path:
        yield NotFound
    if _can_be_repeated(route):
        yield from (KeyInUse, KeyReused)
    if _body(route)[0] is not None or route.handler in _FORMS:
        yield from (Malformed, LengthRequired, errors.TooLarge, errors.UnsupportedType)
    yield from vocabulary.NOT_NOW if route.handler is not state.ready else ()


def _refusal(status: int, refusals: Sequence[type[Refusal]], made: _Made) -> _Part:
    words = "\n".join(f"- `{refusal.code}`: {refusal.detail}" for refusal in refusals)
    response = _response(words, _problem(made), ["X-Request-Id", *_HEADERS.get(status, ())])
    return {**response, "x-codes": [refusal.code for refusal in refusals]}


def _problem(made: _Made) -> _Part:
    return {PROBLEM: {"schema": made.schemas[Problem]}}


def _response(
    words: str, content: _Part, names: Sequence[str] = ("X-Request-Id",), headers: _Part | None = None
) -> _Part:
    named = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": words, "headers": {**named, **(headers or {})}, **({"content": content} if content else {})}


def _text(words: str) -> _Part:
    return {"description": words, "schema": {"type": "string"}}
