"""Headers of answers: what every one has, what caches may do with it, and which other sites may read it."""

from collections.abc import Mapping
from zlib import crc32

EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)
PRIVATE = "private, no-store"
SHOWN_ANYWHERE: Mapping[str, str] = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""Of images, and of the way to one: other sites' pages may show it (fetch.spec.whatwg.org, section 3.6)."""
VARY = "Authorization, Cookie"


def etag(body: bytes, version: str = "") -> str:
    """An ETag of the body (RFC 9110, section 8.8.3), led by the version of what it shows.

    It has to tell a body from the one before, and keeps no secret: a checksum does, in a quarter of a hash's time.
    """
    return f'"{version}{len(body):x}-{crc32(body):08x}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether who asks has it already, and needs only a 304 (RFC 9110, section 13.1.2)."""
    return if_none_match is not None and (if_none_match.strip() == "*" or tag in if_none_match)


def for_origin(origin: str | None, allowed: frozenset[str], *, preflight: bool = False) -> Mapping[str, str]:
    """CORS for exact origins (fetch.spec.whatwg.org, section 3.2)."""
    if origin is None or origin not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "ETag, Location, Retry-After, X-Request-Id",
        **(_PREFLIGHT if preflight else {}),
    }


_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
    "Access-Control-Max-Age": "7200",
}
