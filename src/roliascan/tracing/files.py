"""A span for each call of the storage. It names no key of a file: who knows one may read it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from opentelemetry.trace import SpanKind

from roliascan.storage import Storage
from roliascan.tracing.spans import Spans, watching

_CALLS = frozenset({"put", "open", "delete", "ticket", "address"})


def traced(storage: Storage, spans: Spans) -> Storage:
    """`storage` with a span for each of its six calls."""
    return cast(Storage, _Storing(storage, spans))


class _Storing:
    """All else than the calls is the storage's own, its class for `isinstance` too."""

    def __init__(self, storage: Storage, spans: Spans) -> None:
        self._storage, self._spans = storage, spans

    __class__ = property(lambda self: type(self._storage))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        return partial(self._call, f"storage.{name}", found) if name in _CALLS else found

    def _call(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self._spans.around(name, SpanKind.CLIENT):
            return call(*args, **options)

    def list(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Until the last file was given, or no more was asked for."""
        span = self._spans.begun("storage.list")
        try:
            with watching(span):
                yield from self._storage.list(*args, **options)
        finally:
            span.end()
