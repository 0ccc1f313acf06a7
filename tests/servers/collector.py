"""A collector of traces: what the exporter sends by OTLP over HTTP, decoded by OpenTelemetry's own types."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    """`parent` is "" for a root; `failed` what it says of itself, with no word why."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool


SERVER, CLIENT, INTERNAL = 2, 3, 1


class Collector:
    """What came; `status` is what is answered.

    While `held` is set, nobody is answered until `freed` is, which it is after a while; or in `drops`, one by one.
    """

    def __init__(self) -> None:
        self.address = ""
        self.status = 200
        self.held = threading.Event()
        self.freed = threading.Event()
        self.drops = b""
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    @property
    def service(self) -> dict[str, Any]:
        """What the last request says of who sent it."""
        return _plain(self.requests[-1].resource_spans[0].resource.attributes)

    @property
    def spans(self) -> list[Span]:
        """In the order in which they ended."""
        sent = (one.scope_spans for request in self.requests for one in request.resource_spans)
        return [_span(span) for scopes in sent for scope in scopes for span in scope.spans]

    def one(self, name: str) -> Span:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def below(self, span: Span) -> list[str]:
        """The names of a span's children."""
        return [one.name for one in self.spans if one.parent == span.id]

    def forget(self) -> None:
        self.bodies.clear()


def _span(span: Any) -> Span:
    assert not span.events, "an exception's message"
    assert not span.status.message
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(span.name, span.kind, *ids, _plain(span.attributes), span.status.code == 2)


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def running() -> Iterator[Collector]:
    """A collector on a free port of 127.0.0.1."""
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                collector.bodies.append(body)
            if collector.held.is_set():
                self._hold()
                return
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _hold(self) -> None:
            if collector.drops:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx-drops: ")
            for _ in range(2400):  # 120 s
                if collector.freed.wait(0.05):
                    return
                with suppress(OSError):
                    self.wfile.write(collector.drops)
            collector.freed.set()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        collector.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            collector.freed.set()
            server.shutdown()
            thread.join()
