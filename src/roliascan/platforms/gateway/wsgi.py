"""Calling a WSGI app (PEP 3333): its whole answer where a platform takes one, guarded where a server streams it."""

from __future__ import annotations  # those of functions in functions would be evaluated for each request

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

Environ = dict[str, Any]
T = TypeVar("T")
Crashed = Callable[[Exception], "Answer"]
"""Told what the app raised; answers in its place, where there is still a place."""

_STATUS = re.compile(r"[1-5]\d\d(?: |\Z)")
_NOT_IN_A_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
# What would end the line, and what has no place in the bytes of one: PEP 3333 strings are latin-1.
_NOT_IN_A_VALUE = re.compile(r"[\r\n\0]|[^\x00-\xff]")
_NO_BODY = (204, 304)


class Answer(NamedTuple):
    """A whole HTTP answer; header values are latin-1 text, as WSGI gives them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Malformed(ValueError):
    """What the platform passed is no request as its documentation describes it; the message says in what."""


class NotWsgi(Exception):
    """The app's answer is not one by PEP 3333 or HTTP, or cannot be carried as it is; the message says in what."""


def call(app: WSGIApplication, environ: Environ) -> Answer:
    """The app's whole answer; what the app writes with the old `write()` comes before what it returns.

    Closes what the app returned, also when that raises. Raises NotWsgi, and whatever the app raises.
    """
    begun: list[tuple[int, list[tuple[str, str]]]] = []
    chunks: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        if begun and exc_info is None:
            raise NotWsgi("start_response was called twice")
        begun[:] = [checked(status, headers)]
        return chunks.append

    returned = app(environ, start_response)
    try:
        chunks.extend(returned)
    finally:
        _close(returned)
    if not begun:
        raise NotWsgi("start_response was not called")
    status, headers = begun[0]
    return Answer(status, headers, chunks[0] if len(chunks) == 1 else b"".join(chunks))


def answered(app: WSGIApplication, environ: Environ, encode: Callable[[Answer], T], *, crashed: Crashed) -> T:
    """The app's answer as the platform wants it; that of `crashed` when the app or the encoding raises."""
    try:
        return encode(call(app, environ))
    except Exception as error:
        return encode(crashed(error))


def passed(
    app: WSGIApplication, environ: Environ, start_response: StartResponse, *, crashed: Crashed
) -> Iterable[bytes]:
    """What the app returns, for a server to stream; the answer of `crashed` when the app raises instead.

    What breaks later is told to `crashed` and raised again: the answer has begun, the server can only cut it.
    """

    def checking(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        checked(status, headers)
        return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

    try:
        returned = app(environ, checking)
    except Exception as error:
        told = crashed(error)
        start_response(line(told.status), told.headers, sys.exc_info())
        return [told.body]
    return returned if isinstance(returned, list) else _Watched(returned, crashed)


class _Watched:
    """Chunks on their way. Not a generator: closing one that never ran would not close what it holds."""

    def __init__(self, chunks: Iterable[bytes], crashed: Crashed) -> None:
        self._chunks, self._crashed = chunks, crashed
        self._next = iter(chunks).__next__

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return self._next()
        except StopIteration:
            raise
        except Exception as error:
            self._crashed(error)
            raise

    def close(self) -> None:
        _close(self._chunks)


def _close(returned: Iterable[bytes]) -> None:
    close = getattr(returned, "close", None)
    if close is not None:
        close()


def checked(status: str, headers: Sequence[tuple[str, str]]) -> tuple[int, list[tuple[str, str]]]:
    """The status as a number and the headers; raises NotWsgi for what cannot be sent as it stands."""
    number = _number(status)
    if not _plain(headers):
        for name, value in headers:
            if not name or _NOT_IN_A_NAME.search(name):
                raise NotWsgi("a header has a name that is not allowed")
            if _NOT_IN_A_VALUE.search(value):
                raise NotWsgi(f"{name} has a value that is not allowed")
    return number, list(headers)


@lru_cache(maxsize=64)
def _number(status: str) -> int:
    if not _STATUS.match(status):
        raise NotWsgi("the status is not 1xx to 5xx")
    return int(status[:3])


def _plain(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether all headers are of the usual letters: nearly always so, and told in a quarter of the time."""
    if not headers:
        return True
    names, values = zip(*headers, strict=True)
    letters, text = "".join(names).replace("-", ""), "".join(values)
    return "" not in names and letters.isalnum() and letters.isascii() and text.isascii() and text.isprintable()


def line(status: int) -> str:
    """A status as `start_response` takes it; the phrase says nothing that the number does not."""
    return f"{status} -"


def bodiless(method: str, status: int) -> bool:
    """Whether HTTP allows no body here (RFC 9110, section 6.4.1)."""
    return method == "HEAD" or status in _NO_BODY or status < 200
