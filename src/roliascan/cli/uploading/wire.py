"""One HTTP request: TLS is verified, a redirect is an answer and not followed, and each has a connection of its own."""

import http.client
import json
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

TIMEOUT_S = 120  # without a byte, in either direction: completing decodes an image, which takes a while
BLOCK = 64 * 1024
MOST = 256 << 20  # bytes of an answer; a stored file is the largest


class Lost(Exception):
    """No whole answer came; whether it was done, nobody knows. Its text says why, and nothing of what was sent."""


class Body(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """None where it is no JSON, or nests deeper than anything does that a site tells."""
        with suppress(ValueError, RecursionError):
            return json.loads(self.body)
        return None

    @property
    def problem(self) -> dict[str, Any]:
        """A refusal as RFC 9457 has it; empty where it is none, as from somebody in between."""
        told = self.json
        return told if self.status >= 400 and isinstance(told, dict) else {}

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))

    @property
    def retry_after(self) -> float:
        """In seconds; 0 where nothing is said (RFC 9110, section 10.2.3)."""
        said = self.headers.get("Retry-After", "").strip()
        if said.isdecimal():
            return float(said[:9])
        with suppress(ValueError, TypeError, OverflowError):
            return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
        return 0.0


def send(method: str, url: str, *, headers: dict[str, str], body: bytes | Body | None = None) -> Answer:
    """`headers` are all that is sent, Content-Length of a `Body` included. Raises Lost."""
    try:
        parts = urlsplit(url)
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        with closing(_connection(parts.scheme, parts.netloc)) as connection:
            _ask(connection, method, target, headers, body)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read(MOST + 1))
            if response.length:  # a bounded read takes an early end for the end
                raise http.client.IncompleteRead(b"", response.length)
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:  # an address or a header that is none
        raise Lost(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error

    if len(answer.body) > MOST:
        raise Lost("the answer has no end")
    if not _is_whole(answer):
        raise Lost("the answer was cut short")
    return answer


def _is_whole(answer: Answer) -> bool:
    """http.client takes an end within the headers for the end of them: then no length is told, and nothing follows."""
    length, coding = (answer.headers.get(name, "").strip() for name in ("Content-Length", "Transfer-Encoding"))
    is_measured = length.isdecimal() or coding.lower() == "chunked"
    return is_measured or answer.status in {204, 304} or answer.json is not None


def _connection(scheme: str, place: str) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(place, timeout=TIMEOUT_S, blocksize=BLOCK)


def _ask(
    connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str], body: bytes | Body | None
) -> None:
    connection.connect()
    # Who refuses a body may answer before it is whole, and hang up: the answer can still be read.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, target, body=body, headers={"Connection": "close", **headers})
