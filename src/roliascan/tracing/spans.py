"""Spans that keep quiet about exceptions: of one that passes they tell the type, for its message may quote anything."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer


class Spans:
    """Makes them."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def around(
        self, name: str, kind: SpanKind, told: Mapping[str, Any] | None = None, context: Context | None = None
    ) -> Iterator[Span]:
        """A span of what is done meanwhile, and the parent of the spans in it."""
        with (
            self._tracer.start_as_current_span(
                name, context, kind, told, record_exception=False, set_status_on_exception=False
            ) as span,
            watching(span),
        ):
            yield span

    def begun(self, name: str, told: Mapping[str, Any] | None = None) -> Span:
        """A span of what another server does, and nobody's parent; who begins it ends it."""
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=told)


@contextmanager
def watching(span: Span) -> Iterator[None]:
    """Notes what is raised meanwhile."""
    try:
        yield
    except GeneratorExit:  # nobody wants the rest
        raise
    except BaseException as error:
        span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}")
        span.set_status(StatusCode.ERROR)
        raise
