"""Traces by OpenTelemetry: a span for each request, and in it one for each statement and each call of the storage.

Loaded only where the settings ask for traces. Names are those of the semantic conventions. Of what people send a span
has the path, as the log has it, and nothing else. https://opentelemetry.io/docs/specs/semconv/
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from roliascan import __version__
from roliascan.settings import Settings
from roliascan.storage import Storage
from roliascan.tracing import exporting, files, requests, statements
from roliascan.tracing.spans import Spans
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

ON_A_SERVER_S = 3
"""For one batch there, where OTEL_EXPORTER_OTLP_TIMEOUT says nothing else; two fit in the time that it has to stop."""
LONGEST_VALUE = 50
_KNOWN = {"OTEL_SDK_DISABLED": ("true", "false"), "OTEL_TRACES_EXPORTER": ("otlp", "none")}
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")


def begin(settings: Settings, environ: Mapping[str, str] = os.environ) -> "Traces":
    """What this process makes traces with: not to be called before a fork. The SDK reads the OTEL_* variables."""
    _log_as_we_do()
    _tell_what_is_passed_over(environ)
    resource = Resource.create({"service.name": "roliascan", "service.version": __version__})
    # What the operator says of the service comes first.
    provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    continues = settings.trusted_hops > 0
    if settings.on_function:
        at_once = exporting.AtOnce(OTLPSpanExporter(timeout=exporting.WITHIN_S))
        provider.add_span_processor(at_once)
        return Traces(provider, flush=at_once.flush, continues=continues, stop=provider.shutdown)
    is_told = any(environ.get(name) for name in _TIMEOUTS)
    exporter = OTLPSpanExporter(timeout=None if is_told else ON_A_SERVER_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    stop = provider.shutdown if is_told else partial(_stop, provider, exporter)
    return Traces(provider, flush=_later, continues=continues, stop=stop)


def _tell_what_is_passed_over(environ: Mapping[str, str]) -> None:
    """A value that nobody knows is as none, with a warning that shows it: so OpenTelemetry specifies these variables.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#configuration-types
    """
    for name, known in _KNOWN.items():
        value = environ.get(name, "").strip()
        if value.lower() not in {"", *known}:
            told = f"{name} is passed over, as it is none of {', '.join(known)}: {value[:LONGEST_VALUE]}"
            logs.log("warning", "traces", message=told)


def _later(_seconds: float) -> None:
    """A server exports in the background."""


def _stop(provider: TracerProvider, exporter: OTLPSpanExporter) -> None:
    """Exports what is left; after ON_A_SERVER_S no batch of it is begun, as many of them wait for a dead collector."""
    enough = threading.Timer(ON_A_SERVER_S, exporter.shutdown)
    enough.daemon = True
    enough.start()
    provider.shutdown()
    enough.cancel()


class Traces:
    """What puts spans around the parts of a site.

    `flush` exports what has ended, in at most so many seconds. `continues`: who asks is a trusted proxy, and may say of
    which trace a request is.
    """

    def __init__(
        self, provider: TracerProvider, *, flush: Callable[[float], None], continues: bool, stop: Callable[[], None]
    ) -> None:
        self._spans = Spans(provider.get_tracer("roliascan", __version__))
        self._flush = flush
        self._continues = continues
        self.close = Finalize(None, stop, exitpriority=0)
        """Exports the rest, once; by itself when the process ends, also one that granian forked, without `atexit`."""

    def answering(self, app: "WSGIApplication") -> "WSGIApplication":
        """`app` with a span around each request, until its answer begins."""
        return requests.traced(app, self._spans, flush=self._flush, continues=self._continues)

    def connecting(self, connect: Callable[..., Any], kind: str) -> Callable[..., Any]:
        """A driver's `connect`, whose connections have a span for each statement."""
        return partial(statements.connected, self._spans, connect, kind)

    def storing(self, storage: Storage) -> Storage:
        """`storage` with a span for each of its calls."""
        return files.traced(storage, self._spans)

    @contextmanager
    def spanning(self, name: str) -> Iterator[None]:
        """Work that is no request."""
        try:
            with self._spans.around(name, SpanKind.INTERNAL):
                yield
        finally:
            self._flush(exporting.WITHIN_S)


class _Lines(logging.Handler):
    """OpenTelemetry's own log in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        logs.log(record.levelname.lower(), "traces", message=record.getMessage().partition("\n")[0])


def _log_as_we_do() -> None:
    logger = logging.getLogger("opentelemetry")
    logger.handlers, logger.propagate = [_Lines()], False
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)  # what came of an export, not of each try
    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)  # it quotes the headers of whoever asks
