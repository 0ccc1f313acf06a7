"""A span for each request, as https://opentelemetry.io/docs/specs/semconv/http/http-spans/ has it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from roliascan.tracing import exporting
from roliascan.tracing.spans import Spans

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST_PATH = 500
FILES = "/uploads/"
"""All that a span has of the path of a file: who knows its key may read it."""
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_FROM_A_PROXY = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}
_propagator = TraceContextTextMapPropagator()


class _Problem(msgspec.Struct):
    code: str


def traced(
    app: "WSGIApplication", spans: Spans, *, flush: Callable[[float], None], continues: bool
) -> "WSGIApplication":
    """`app` with a span around each request, until its answer begins; then `flush` is called, before it leaves."""
    headers = _FROM_A_PROXY if continues else {}

    def answered(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        begun: list[tuple[str, Mapping[str, str]]] = []

        def begin(status: str, told: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            begun[:] = [(status, dict(told))]
            return start_response(status, told, *rest)

        try:
            with _around(environ, spans, headers) as span:
                answer = app(environ, begin)
                for status, told in begun:
                    _tell(span, int(status[:3]), told, answer)
        except Exception:
            flush(_seconds(environ))
            raise
        flush(_seconds(environ))
        return answer

    return answered


def _seconds(environ: "WSGIEnvironment") -> float:
    """For exporting, so that the answer is not late."""
    deadline: float = environ.get("roliascan.deadline", float("inf"))
    return min(exporting.WITHIN_S, deadline - time.monotonic())


@contextmanager
def _around(environ: "WSGIEnvironment", spans: Spans, headers: Mapping[str, str]) -> Iterator[Span]:
    carrier = {name: environ[variable] for name, variable in headers.items() if variable in environ}
    method = environ["REQUEST_METHOD"]
    name = method if method in _METHODS else "HTTP"
    told = {
        "http.request.method": name.replace("HTTP", "_OTHER"),
        "url.scheme": environ["wsgi.url_scheme"],
        "url.path": _path(environ["PATH_INFO"]),
        "roliascan.request_id": environ.get("roliascan.request_id", ""),
    }
    # An empty context: what this thread did before is no parent.
    with spans.around(name, SpanKind.SERVER, told, _propagator.extract(carrier, Context())) as span:
        environ["roliascan.trace_id"] = format_trace_id(span.get_span_context().trace_id)
        try:
            yield span
        finally:
            if route := environ.get("roliascan.route"):
                span.update_name(f"{name} {route}")
                span.set_attribute("http.route", route)


def _path(path: str) -> str:
    return FILES if path.startswith(FILES) else path.encode("latin-1").decode(errors="replace")[:LONGEST_PATH]


def _tell(span: Span, status: int, headers: Mapping[str, str], answer: Iterable[bytes]) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 400:
        span.set_attribute("error.type", _code(headers, answer) or str(status))
    if status >= 500:  # what clients do wrong is no error of the server
        span.set_status(StatusCode.ERROR)


def _code(headers: Mapping[str, str], answer: Iterable[bytes]) -> str:
    """That of a refusal; "" where the answer has none, as one to HEAD."""
    if headers.get("content-type") != "application/problem+json" or not isinstance(answer, list) or not answer:
        return ""
    return msgspec.json.decode(answer[0], type=_Problem).code
