"""Refusals that a platform's own code answers, in the form of RFC 9457 and in the words of the API."""

import json

from .wsgi import Answer

_TITLES = {400: "Bad request", 411: "Length required", 413: "Too large", 500: "Our mistake", 503: "Not right now"}


def problem(status: int, code: str, detail: str, request_id: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An `application/problem+json` answer that nobody may keep."""
    told = {"type": f"urn:roliascan:{code}", "title": _TITLES[status], "status": status}
    body = json.dumps({**told, "detail": detail, "code": code, "requestId": request_id}, separators=(",", ":")).encode()
    return Answer(
        status,
        [
            ("content-type", "application/problem+json"),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            ("x-request-id", request_id),
            *headers,
        ],
        body,
    )
