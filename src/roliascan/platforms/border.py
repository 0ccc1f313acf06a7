"""The border of a server that calls us by WSGI (granian, functions-framework): what comes in, and from whom."""

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.util import FileWrapper

from roliascan.platforms import requests
from roliascan.platforms.gateway import addresses
from roliascan.platforms.gateway.headers import UNTRUSTED_VARIABLES
from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Environ, line, passed
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from roliascan.platforms.start import Around

_OF_A_REQUEST = frozenset(
    [
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "REMOTE_ADDR",
    ]
)
_HOST = re.compile(r"(?:[\w.~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z", re.ASCII)
# traceparent (W3C) and x-cloud-trace-context (Google) begin with one trace id each.
_TRACE = re.compile(r"(?:[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}|([0-9a-f]{32})(?:/\d+(?:;o=\d)?)?)\Z")
FILES = "/uploads/"
_TRACED_BY = ("HTTP_TRACEPARENT", "HTTP_X_CLOUD_TRACE_CONTEXT")


def bordered(
    app: "WSGIApplication",
    *,
    hops: int,
    bodies: int = 0,
    bodies_each: int = 0,
    files: int = 0,
    files_each: int = 0,
    around: "Around" = lambda app: app,
    inherited: Mapping[str, str] = os.environ,
) -> "WSGIApplication":
    """`app` behind the border. `hops` trusted proxies stand before us and write X-Forwarded-For and -Proto.

    `bodies` is how many requests with a body may run at once, `files` how many stored files may be on their way, 0 for
    any number, and `bodies_each` and `files_each` how many of them one client's: who sends or takes one slowly holds a
    thread, and the other threads are kept for the rest.
    `around` makes of what refuses a request what is traced as the app is.
    `inherited` is the environment of the process, which a server may have mixed into that of the request.
    """
    mixed_in = [(name, value) for name, value in inherited.items() if _of_a_request(name)]
    of_bodies = _Places(bodies, bodies_each or bodies) if bodies else None
    of_files = _Places(files, files_each or files) if files else None

    def crossing(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        request = _cleaned(environ, mixed_in)
        _identify(request, environ, hops)
        request["wsgi.file_wrapper"] = _in_blocks
        if refused := _refusal(request):
            return around(partial(_refuse, refused))(request, start_response)
        crashed = partial(requests.crashed, request_id=request[requests.REQUEST_ID])
        is_file = request.get("PATH_INFO", "").startswith(FILES)
        has_body = "CONTENT_LENGTH" in request
        places = of_files if is_file else of_bodies if has_body else None
        if places is None:
            return passed(app, request, start_response, crashed=crashed)
        place = places.take(_sharing(request[requests.CLIENT]))
        if place is None:
            return around(partial(_refuse, BUSY))(request, start_response)
        begin = _closing_before_the_rest(request, start_response) if has_body else start_response
        try:
            answer = passed(app, request, begin, crashed=crashed)
        except BaseException:
            place.release()
            raise
        return _until_sent(answer, place, is_file=is_file)

    return crossing


class _Body:
    """The body of a request, which counts what was read of it."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.taken = 0

    def _count(self, data: bytes) -> bytes:
        self.taken += len(data)
        return data

    def read(self, size: int = -1, /) -> bytes:
        return self._count(self._source.read(size))

    def readline(self, size: int = -1, /) -> bytes:
        return self._count(self._source.readline(size))

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        return [self._count(one) for one in self._source.readlines(hint)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


def _closing_before_the_rest(request: Environ, start_response: "StartResponse") -> "StartResponse":
    """Says so where an answer comes before the end of the body: the server then ends the connection (RFC 9112, 9.6)."""
    body = request["wsgi.input"] = _Body(request["wsgi.input"])
    length = request["CONTENT_LENGTH"]

    def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
        is_read = not length.isdecimal() or body.taken >= int(length)
        return start_response(status, headers if is_read else [*headers, ("connection", "close")], *rest)

    return begin


class _Places:
    """Places for `most` requests at once, `each` for one client, and twice as many for a whole site of IPv6."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._all = 0
        self._taken = Counter[str]()
        self._lock = threading.Lock()

    def take(self, sharing: tuple[str, ...]) -> "_Place | None":
        """A place, where there is one for all of these, which grow wider."""
        with self._lock:
            is_full = (self._taken[one] >= self._each * width for width, one in enumerate(sharing, start=1))
            if self._all >= self._most or any(is_full):
                return None
            self._all += 1
            self._taken.update(sharing)
        return _Place(partial(self._leave, sharing))

    def _leave(self, sharing: tuple[str, ...]) -> None:
        with self._lock:
            self._all -= 1
            self._taken.subtract(sharing)
            for one in sharing:
                if not self._taken[one]:
                    del self._taken[one]


def _sharing(client: str) -> tuple[str, ...]:
    """What a client shares its places with: an IPv4 address; a /64 of IPv6, and the /48 that it is of.

    Nothing for this machine: a proxy may speak for everybody.
    """
    from roliascan.people import limits  # hashing, which cold starts do not pay

    try:
        is_here = ip_address(client).is_loopback
    except ValueError:
        return ()
    return () if is_here else tuple(filter(None, (limits.network(client), limits.site(client))))


class _Place:
    """One of a number of places; given back once."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()


def _until_sent(answer: Iterable[bytes], place: _Place, *, is_file: bool) -> Iterable[bytes]:
    """The answer; a file keeps its place until the server has sent it, or given up."""
    if is_file and not isinstance(answer, list):
        return _Sending(answer, place)
    place.release()
    return answer


class _Sending:
    def __init__(self, chunks: Iterable[bytes], place: _Place) -> None:
        self._chunks, self._place = chunks, place
        self._next = iter(chunks).__next__

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._next()

    def close(self) -> None:
        try:
            getattr(self._chunks, "close", lambda: None)()
        finally:
            self._place.release()


def _of_a_request(name: str) -> bool:
    return name in _OF_A_REQUEST or name[:5] in ("HTTP_", "wsgi.")


def _cleaned(environ: Environ, mixed_in: Iterable[tuple[str, str]]) -> Environ:
    """A copy with what is of the request, and without headers that anybody may have written."""
    request = {
        name: value
        for name, value in environ.items()
        if (name in _OF_A_REQUEST or name[:5] in ("HTTP_", "wsgi.")) and name not in UNTRUSTED_VARIABLES
    }
    for name, value in mixed_in:  # HTTP_PROXY in our environment is no header
        if request.get(name) == value:
            del request[name]
    return request


def _identify(request: Environ, environ: Environ, hops: int) -> None:
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    request["REMOTE_ADDR"] = addresses.client(forwarded, environ.get("REMOTE_ADDR", ""), hops)
    if hops:
        own = environ.get("wsgi.url_scheme", "http")
        request["wsgi.url_scheme"] = addresses.scheme(environ.get("HTTP_X_FORWARDED_PROTO", ""), own, hops)
    traced = next(filter(None, (_trace(request.get(name, "")) for name in _TRACED_BY)), "") if hops else ""
    requests.mark(request, client=request["REMOTE_ADDR"], request_id=traced or requests.new_id())


def _in_blocks(file: Any, size: int = 0) -> FileWrapper:
    """Blocks of 64 KiB: of the usual 8 KiB a file of 1 MB costs granian twice the CPU time."""
    return FileWrapper(file, max(size, 65536))


def _trace(value: str) -> str:
    match = _TRACE.match(value)
    return (match[1] or match[2]) if match else ""


class _Refusal(NamedTuple):
    status: int
    code: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()
    level: str = ""


NO_LENGTH = _Refusal(411, "length_required", "Send the body with a Content-Length.")
BAD_HOST = _Refusal(400, "bad_host", "Send exactly one Host.")
BUSY = _Refusal(503, "busy", "Too many requests of this kind at once; try again.", (("retry-after", "2"),), "warning")


def _refusal(request: Environ) -> _Refusal | None:
    """What no app should have to look at: a body whose end the server cannot vouch for, a host that is none."""
    if "HTTP_TRANSFER_ENCODING" in request:
        # The server ends a cut or broken chunked body as if it were whole, and has dropped a Content-Length beside it.
        return NO_LENGTH
    host = request.get("HTTP_HOST", "")
    if not _HOST.match(host) and (host or request.get("SERVER_PROTOCOL") == "HTTP/1.1"):
        return BAD_HOST
    return None


def _refuse(refused: _Refusal, request: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    status, code, detail, headers, level = refused
    told = problem(status, code, detail, request[requests.REQUEST_ID], headers)
    logs.log_request(
        request_id=request[requests.REQUEST_ID],
        method=request["REQUEST_METHOD"],
        path=request["PATH_INFO"],
        status=status,
        ms=0,
        client=request[requests.CLIENT],
        level=level,
        code=code,
        trace_id=request.get("roliascan.trace_id", ""),
    )
    # The body was not read: what follows on this connection may be anything.
    start_response(line(status), [*told.headers, ("connection", "close")])
    return [told.body] if request["REQUEST_METHOD"] != "HEAD" else []
