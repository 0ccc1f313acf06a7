"""Tickets: the right to send one announced file, to the storage itself or, where that takes nothing, to us.

A ticket says what it is good for: which upload, of which size, type and content, and until when. One to us is an
address of ours that we signed (HMAC-SHA256, RFC 2104). It is no token and no token is one: it is signed with a key of
its own, which is made from the secret but does not tell it.
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from roliascan.storage import Storage, Ticket, keys

INCOMING = "incoming"
LASTS = timedelta(hours=1)


class Bound(NamedTuple):
    """What a ticket is good for: `bytes` is the size, `sha256` lower-case hex."""

    upload_id: str
    bytes: int
    type: str
    sha256: str


Issue = Callable[[Bound, datetime], Ticket]
"""Makes a ticket that is good until then."""


def incoming_key(upload_id: str) -> str:
    """Where the bytes of an upload are kept until it is complete, whoever takes them."""
    return keys.make_key(INCOMING, upload_id, "bin")


def issuer(storage: Storage, *, secret: str, uploads_at: str) -> Issue:
    """Tickets to the storage, else to us. `uploads_at` is what the address of each upload begins with then."""

    def issue(bound: Bound, expires_at: datetime) -> Ticket:
        return to_storage(storage, bound, expires_at) or to_us(bound, expires_at)

    def to_us(bound: Bound, expires_at: datetime) -> Ticket:
        expires = int(expires_at.timestamp())
        url = f"{uploads_at}{bound.upload_id}/bytes?expires={expires}&signature={_signature(bound, expires, secret)}"
        return Ticket("PUT", url, {"Content-Type": bound.type})

    return issue


def to_storage(storage: Storage, bound: Bound, expires_at: datetime) -> Ticket | None:
    """None where the storage takes nothing from others, so that we do."""
    key = incoming_key(bound.upload_id)
    return storage.ticket(key, type=bound.type, bytes=bound.bytes, sha256=bound.sha256, expires_at=expires_at)


def is_ours(bound: Bound, *, expires: int, signature: str, secret: str) -> bool:
    """Whether we signed this, be it still good or not. `expires` is in seconds since 1970."""
    return hmac.compare_digest(_signature(bound, expires, secret).encode(), signature.encode())


def _signature(bound: Bound, expires: int, secret: str) -> str:
    key = hmac.digest(secret.encode(), b"roliascan upload ticket", "sha256")
    said = "\n".join([bound.upload_id, str(bound.bytes), bound.type, bound.sha256, str(expires)])
    return hmac.digest(key, said.encode(), "sha256").hex()
