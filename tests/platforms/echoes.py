"""A small WSGI app that tells what reached it, and answers what RoliaScan itself never would."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

Environ = dict[str, Any]


def app(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    return ANSWERS.get(environ["PATH_INFO"], tell)(environ, start_response)


def tell(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    """Everything of the request, as JSON."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    told = {name: value for name, value in environ.items() if isinstance(value, str | bool)}
    data = json.dumps({**told, "body": body.decode("latin-1")}).encode()
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(data)))])
    return [data]


def _asked(environ: Environ, name: str, default: str = "") -> str:
    given: str = environ["QUERY_STRING"]
    return parse_qs(given).get(name, [default])[0]


def _empty(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    start_response(_asked(environ, "status"), [("etag", '"1"'), ("vary", "accept"), ("vary", "origin")])
    return []


def _text(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    """`size` letters, as text or as the asked type; none of them for HEAD."""
    size = int(_asked(environ, "size", "5"))
    start_response("200 OK", [("content-type", _asked(environ, "type", "text/plain")), ("content-length", str(size))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"a" * size]


def _cookies(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    cookies = ["token=abc.d-e_f; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", "seen=1; Path=/; Secure"]
    start_response("200 OK", [("content-type", "text/plain"), *(("set-cookie", cookie) for cookie in cookies)])
    return [b"ok"]


def _crash(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    raise RuntimeError("secret")


def _cut(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    """Breaks in the middle of an answer whose length is said."""

    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise RuntimeError("secret")

    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "6")])
    return chunks()


def _slow(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    time.sleep(float(_asked(environ, "seconds")))
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "4")])
    return [b"slow"]


def _dripping(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        time.sleep(float(_asked(environ, "seconds")))
        yield b"last"

    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "9")])
    return chunks()


def _file(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    """`size` letters as a file, through the server's wrapper where there is one."""
    size = int(_asked(environ, "size"))
    start_response("200 OK", [("content-type", "image/png"), ("content-length", str(size))])
    blocks: Iterable[bytes] = environ["wsgi.file_wrapper"](_Letters(size), 8192)
    return blocks


class _Letters:
    """A file that is nowhere: many at once would need gigabytes, and as long as those take to fill."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int, /) -> bytes:
        taken = min(size, self._left)
        self._left -= taken
        return b"a" * taken


ANSWERS = {
    "/file": _file,
    "/uploads/file": _file,
    "/empty": _empty,
    "/text": _text,
    "/cookies": _cookies,
    "/crash": _crash,
    "/cut": _cut,
    "/slow": _slow,
    "/dripping": _dripping,
}
