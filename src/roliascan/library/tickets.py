"""Tickets: the right to send one announced file, as an address of ours that we signed (HMAC-SHA256, RFC 2104).

A ticket says what it is good for: which upload, of which size, type and content, and until when. It is no token and no
token is one: it is signed with a key of its own, which is made from the secret but does not tell it.
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

LASTS = timedelta(hours=1)


class Bound(NamedTuple):
    """What a ticket is good for: `bytes` is the size, `sha256` lower-case hex."""

    upload_id: str
    bytes: int
    type: str
    sha256: str


class Ticket(NamedTuple):
    """What to do to send the file: `method` to `url`, with these headers."""

    method: str
    url: str
    headers: dict[str, str]


Issue = Callable[[Bound, datetime], Ticket]
"""Makes a ticket that is good until then. A storage that takes files itself would sign addresses of its own here."""


def issuer(*, secret: str, uploads_at: str) -> Issue:
    """Tickets for ourselves. `uploads_at` is what the address of each upload begins with."""

    def issue(bound: Bound, expires_at: datetime) -> Ticket:
        expires = int(expires_at.timestamp())
        url = f"{uploads_at}{bound.upload_id}/bytes?expires={expires}&signature={_signature(bound, expires, secret)}"
        return Ticket("PUT", url, {"Content-Type": bound.type})

    return issue


def is_ours(bound: Bound, *, expires: int, signature: str, secret: str) -> bool:
    """Whether we signed this, be it still good or not. `expires` is in seconds since 1970."""
    return hmac.compare_digest(_signature(bound, expires, secret).encode(), signature.encode())


def _signature(bound: Bound, expires: int, secret: str) -> str:
    key = hmac.digest(secret.encode(), b"roliascan upload ticket", "sha256")
    said = "\n".join([bound.upload_id, str(bound.bytes), bound.type, bound.sha256, str(expires)])
    return hmac.digest(key, said.encode(), "sha256").hex()
