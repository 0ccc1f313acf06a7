"""Asking a server that may be killed at any moment."""

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.front import API, FORM

NOT_DONE = "database_contended"  # the one 503 of a server and a database that are both up
UNKNOWN = "outcome_unknown"  # the one 503 after which something may have been done


class Cut(Exception):
    """No answer came: whether it was done, nobody knows."""


class Answer(NamedTuple):
    """`content` is whole: an answer that breaks off is none."""

    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None

    @property
    def code(self) -> str:
        """The name of a refusal; empty where it is none."""
        return str(self.json["code"]) if self.status >= 400 else ""

    def __str__(self) -> str:
        return f"{self.status} {self.content[:200].decode(errors='replace')}"


class Wire:
    """A kept connection. Paths are below /api/v1, or begin with /."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)

    def ask(
        self, method: str, path: str, *, by: str = "", json: Any = None, form: bytes = b"", type: str = FORM
    ) -> Answer:
        """`by` is a token, or empty for a stranger; `type` is that of `form`. Raises Cut."""
        headers = {"Authorization": f"Bearer {by}"} if by else {}
        if form:
            headers["Content-Type"] = type
        elif json is not None:
            headers["Content-Type"] = "application/json"
        body = form or (None if json is None else _encoded(json))
        where = path if path.startswith("/") else f"{API}/{path}"
        try:
            self._connection.request(method, where, body, headers)
            with self._connection.getresponse() as response:
                answer = Answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Cut from error
        if form or answer.status >= 400:
            self._connection.close()  # the body may not have been read to its end, and then the server closes too
        return answer

    def close(self) -> None:
        self._connection.close()


def _encoded(body: Any) -> bytes:
    return json.dumps(body).encode()
