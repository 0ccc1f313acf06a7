"""Calling a WSGI app: all that PEP 3333 allows an app to do, and what it does not."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from roliascan.platforms.gateway.wsgi import Answer, NotWsgi, answered, call, passed

Start = Callable[..., Callable[[bytes], object]]


class Closing:
    """What an app returns, which wants to be closed."""

    def __init__(self, *chunks: bytes, breaks: bool = False) -> None:
        self.chunks, self.breaks, self.closed = chunks, breaks, 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.breaks:
            raise RuntimeError("in the middle")

    def close(self) -> None:
        self.closed += 1


def app_of(
    returned: Iterable[bytes], status: str = "200 OK", headers: list[tuple[str, str]] | None = None
) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response(status, headers or [])
        return returned

    return app


@pytest.mark.parametrize("chunks", [[], [b""], [b"", b"a", b"", b"b"], [b"ab"]])
def test_empty_chunks_are_fine(chunks: list[bytes]) -> None:  # SC 42
    assert call(app_of(chunks), {}).body == b"".join(chunks)


@pytest.mark.parametrize("breaks", [False, True])
def test_what_was_returned_is_closed_once(breaks: bool) -> None:  # SC 42
    returned = Closing(b"a", breaks=breaks)
    if breaks:
        with pytest.raises(RuntimeError):
            call(app_of(returned), {})
    else:
        call(app_of(returned), {})
    assert returned.closed == 1


def test_write_comes_first() -> None:  # SC 43
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    assert call(app, {}).body == b"abc"


def test_an_error_replaces_the_status() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("x-a", "1")])
        start_response("500 No", [], (RuntimeError, RuntimeError(), None))
        return []

    assert call(app, {})[:2] == (500, [])


def test_an_app_that_starts_while_it_is_read() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("201 Created", [])
        yield b"a"

    assert call(app, {}) == Answer(201, [], b"a")


@pytest.mark.parametrize(("status", "number"), [("200 OK", 200), ("100 Continue", 100), ("599 -", 599), ("404", 404)])
def test_statuses(status: str, number: int) -> None:  # SC 44
    assert call(app_of([], status), {}).status == number


@pytest.mark.parametrize("status", ["99 x", "600 x", "000", "", "OK", "20 OK", "2000", "200\r\nx: y", "²00 OK"])
def test_a_status_that_is_none(status: str) -> None:  # SC 44
    with pytest.raises(NotWsgi):
        call(app_of([], status), {})


@pytest.mark.parametrize(
    "header", [("x-a", "a\r\nb"), ("x-a", "a\nb"), ("x-a", "\0"), ("x-a", "漫"), ("x a", "b"), ("x\n", "b"), ("", "b")]
)
def test_a_header_that_is_none(header: tuple[str, str]) -> None:  # SC 32, IN-15
    with pytest.raises(NotWsgi):
        call(app_of([], headers=[header]), {})
    with pytest.raises(NotWsgi):
        list(passed(app_of([], headers=[header]), {}, lambda *_: None, crashed=_raise))  # type: ignore[arg-type]


def test_an_app_that_starts_never_or_twice() -> None:
    def twice(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    def never(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        return []

    for app in (never, twice):
        with pytest.raises(NotWsgi):
            call(app, {})


def _raise(error: Exception) -> Answer:
    raise error


def test_a_crash_is_answered_instead() -> None:  # SC 40
    told: list[Exception] = []

    def crashed(error: Exception) -> Answer:
        told.append(error)
        return Answer(500, [], b"sorry")

    returned = Closing(b"half", breaks=True)
    assert answered(app_of(returned), {}, lambda answer: answer.body, crashed=crashed) == b"sorry"
    assert [str(error) for error in told] == ["in the middle"]


def test_a_stream_passes_as_it_comes_and_is_closed() -> None:  # SC 39, SC 42
    seen: list[Any] = []
    returned = Closing(b"a", b"b")

    def start(*args: Any) -> Callable[[bytes], object]:
        seen.append(args)
        return seen.append

    stream = passed(app_of(returned, headers=[("x-a", "1")]), {}, start, crashed=_raise)
    assert seen == [("200 OK", [("x-a", "1")])]
    assert list(stream) == [b"a", b"b"]
    stream.close()  # type: ignore[attr-defined]
    assert returned.closed == 1


def test_a_stream_that_nobody_read_is_closed_too() -> None:  # SC 42
    returned = Closing(b"a")
    passed(app_of(returned), {}, lambda *_: print, crashed=_raise).close()  # type: ignore[attr-defined]
    assert returned.closed == 1


def test_a_stream_that_breaks_is_told_and_raised() -> None:  # SC 40
    told: list[Exception] = []

    def crashed(error: Exception) -> Answer:
        told.append(error)
        return Answer(500, [], b"")

    stream = passed(app_of(Closing(b"a", breaks=True)), {}, lambda *_: print, crashed=crashed)
    with pytest.raises(RuntimeError):
        list(stream)
    assert len(told) == 1
