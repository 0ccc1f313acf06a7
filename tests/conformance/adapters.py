"""Adapters between AWS Lambda's events and apps, each with an app that remembers what it got and answers as it is told.

mangum serves ASGI apps, the others WSGI apps: `Seen` is what either lets its app see, in one form.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway.wsgi import Answer, line
from tests.platforms.shapes import Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

Handler = Callable[[Any, Any], Any]
OK = Answer(200, [("content-type", "text/plain")], b"ok")


class Seen(NamedTuple):
    """A request as its app sees it. Path, query and headers are latin-1 text, one character for each byte."""

    method: str
    mount: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str
    scheme: str


class Adapter(NamedTuple):
    """`serve(answer, seen, base_path)` is the handler of an app that adds to `seen` and gives the answer."""

    name: str
    serve: Callable[[Answer, list[Seen], str], Handler]
    of_wsgi: "Callable[[WSGIApplication], Handler] | None" = None


def _wsgi(answer: Answer, seen: list[Seen]) -> "WSGIApplication":
    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        seen.append(_of_environ(environ))
        start_response(line(answer.status), answer.headers)
        return [answer.body]

    return app


def _of_environ(environ: dict[str, Any]) -> Seen:
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if name in environ:
            headers[name.lower().replace("_", "-")] = environ[name]
    return Seen(
        environ["REQUEST_METHOD"],
        environ["SCRIPT_NAME"],
        environ["PATH_INFO"],
        environ["QUERY_STRING"],
        headers,
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        environ["REMOTE_ADDR"],
        environ["wsgi.url_scheme"],
    )


def _ours(answer: Answer, seen: list[Seen], base_path: str) -> Handler:
    return handler_of(lambda: _wsgi(answer, seen), sweep=lambda _: {}, base_path=base_path)


def _mangum(answer: Answer, seen: list[Seen], base_path: str) -> Handler:
    from mangum import Mangum

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(_of_scope(scope, (await receive())["body"]))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    asyncio.set_event_loop(asyncio.new_event_loop())
    made: Handler = Mangum(app, lifespan="off", api_gateway_base_path=base_path or "/")
    return made


def _of_scope(scope: Any, body: bytes) -> Seen:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return Seen(
        scope["method"],
        scope["root_path"],
        scope["path"].encode().decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        Request("", "", pairs).joined,
        body,
        scope["client"][0],
        scope["scheme"],
    )


def _apig_wsgi(answer: Answer, seen: list[Seen], base_path: str) -> Handler:
    return _apig_wsgi_of(_wsgi(answer, seen))


def _apig_wsgi_of(app: "WSGIApplication") -> Handler:
    from apig_wsgi import make_lambda_handler

    made: Handler = make_lambda_handler(app, binary_support=True)
    return made


OURS = Adapter("ours", _ours, lambda app: handler_of(lambda: app))
OTHERS = [Adapter("mangum", _mangum), Adapter("apig-wsgi", _apig_wsgi, _apig_wsgi_of)]
