"""A span for each statement, as https://opentelemetry.io/docs/specs/semconv/database/ has it: its text, never a value.

It stands around a driver's connections (PEP 249), through which everything goes that a database is asked.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span, SpanKind

from roliascan.tracing.spans import Spans, watching

LONGEST = 2000
"""Of a text: an INSERT of many rows repeats itself."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
"""Limits of time, which differ from request to request."""
_BRACKETS = re.compile(r"\([^()]*\)")
_VERB = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)")


def connected(spans: Spans, connect: Callable[..., Any], kind: str, *args: Any) -> Any:
    """What `connect` gives, with a span for making it and for each of its statements."""
    with spans.around("connect", SpanKind.CLIENT, {"db.system.name": kind}):
        raw = connect(*args)
    return _Connection(raw, spans, kind)


class _Connection:
    def __init__(self, raw: Any, spans: Spans, kind: str) -> None:
        self._raw, self._spans, self._kind = raw, spans, kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def span(self, sql: str) -> Span:
        name, text = _told(sql)
        told = {"db.system.name": self._kind, "db.query.summary": name, "db.query.text": text}
        return self._spans.begun(name, told)

    def cursor(self) -> "_Cursor":
        return _Cursor(self._raw.cursor(), self)

    def execute(self, sql: str) -> None:
        """sqlite3's, for what begins and ends a transaction."""
        self._run(sql, self._raw.execute, sql)

    def begin(self) -> None:
        self._run("BEGIN", self._raw.begin)

    def commit(self) -> None:
        self._run("COMMIT", self._raw.commit)

    def rollback(self) -> None:
        self._run("ROLLBACK", self._raw.rollback)

    def _run(self, sql: str, act: Callable[..., Any], *args: Any) -> None:
        span = self.span(sql)
        try:
            with watching(span):
                act(*args)
        finally:
            span.end()


class _Cursor:
    """For one statement, whose span ends with it: SQLite looks for rows while they are fetched."""

    def __init__(self, raw: Any, connection: _Connection) -> None:
        self._raw, self._connection = raw, connection
        self._span: Span | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def __enter__(self) -> "_Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, sql: str, *values: Any) -> None:
        self._span = self._connection.span(sql)
        with watching(self._span):
            self._raw.execute(sql, *values)

    def close(self) -> None:
        try:
            self._raw.close()
        finally:
            if self._span is not None:
                self._span.end()


@lru_cache(maxsize=1024)
def _told(sql: str) -> tuple[str, str]:
    """What is done with which table, such as `SELECT series`; and the text."""
    text = _NUMBER.sub("?", sql)
    outer = _without_brackets(text)
    verb, table = _VERB.search(outer), _TABLE.search(outer)
    words = [found[1] for found in (verb, table) if found]
    return " ".join(words) or text.partition(" ")[0].strip(";"), text[:LONGEST]


def _without_brackets(text: str) -> str:
    """Questions within the question are no part of its name."""
    while (less := _BRACKETS.sub("", text)) != text:
        text = less
    return text
