"""Exporting before the answer leaves, for functions: after it they are frozen, perhaps for ever."""

import threading
import time
from collections import deque
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from roliascan.web import logs

WITHIN_S = 0.5
"""What an answer waits at most for a collector, which should be beside the function and take a thousandth of it."""
PAUSE_S = 60
"""After an export that failed; what ends meanwhile is dropped, so that a dead collector costs one answer a minute."""
LEAST_S = 0.1
"""Of the time that a request has left; with less, what it did is left for the next one to export."""
MOST = 2048
"""Spans that are kept for that."""


class AtOnce(SpanProcessor):
    """Keeps spans until `flush`; threads may share it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lock = threading.Lock()
        self._ended: deque[ReadableSpan] = deque(maxlen=MOST)
        self._paused_until = 0.0

    def on_end(self, span: ReadableSpan) -> None:
        if span.context and span.context.trace_flags.sampled:
            with self._lock:
                self._ended.append(span)

    def flush(self, seconds: float) -> None:
        """Exports what has ended, and returns in that time whatever the collector does. Raises nothing."""
        if seconds < LEAST_S:
            return
        with self._lock:
            batch = [*self._ended]
            self._ended.clear()
        if batch and time.monotonic() >= self._paused_until:
            self._export(batch, seconds)

    def _export(self, batch: Sequence[ReadableSpan], seconds: float) -> None:
        """In a thread: nothing else bounds the time of a name's look-up, or of an answer that comes in drops."""
        results: list[SpanExportResult] = []
        thread = threading.Thread(target=lambda: results.append(self._exporter.export(batch)), daemon=True)
        thread.start()
        thread.join(seconds)
        if results != [SpanExportResult.SUCCESS]:
            self._paused_until = time.monotonic() + PAUSE_S
            logs.log("warning", "traces", message=f"no collector took {len(batch)} spans", pausedFor=PAUSE_S)

    def shutdown(self) -> None:
        self._exporter.shutdown()
