"""Tokens: a signed name of a session (JWT, RFC 7519; HS256 only). Rights are not in it: they are read each time."""

from datetime import UTC, datetime
from typing import Any

AUDIENCE = "roliascan"
KIND = "access"
LEEWAY_S = 30
LONGEST = 4096  # characters
_HEADER = {"alg": "HS256", "typ": "JWT"}
_CLAIMS = {"sid", "typ", "aud", "iat", "exp"}


def issue(session_id: str, *, secret: str, now: datetime, expires_at: datetime) -> str:
    import jwt

    claims = {
        "sid": session_id,
        "typ": KIND,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def session_of(token: str, *, secret: str, now: datetime) -> str | None:
    """The session that a token names, or None for any token that is not ours, whole, and of this time."""
    if len(token) > LONGEST or not token.isascii():
        return None
    import jwt

    # Times are checked here, against the time of the request and as strict integers.
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"], options=unchecked)  # type: ignore[arg-type]
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    # What we did not write (kid, jku, crit, zip, nbf...) is not ours, so there is nothing in it to interpret.
    return claims["sid"] if header == _HEADER and claims.keys() == _CLAIMS and _is_ours(claims, now) else None


def _is_ours(claims: dict[str, Any], now: datetime) -> bool:
    issued, expires = claims.get("iat"), claims.get("exp")
    moment = now.astimezone(UTC).timestamp()
    return (
        claims.get("typ") == KIND
        and claims.get("aud") == AUDIENCE
        and isinstance(claims.get("sid"), str)
        and type(issued) is int
        and type(expires) is int
        and issued - LEEWAY_S <= moment < expires + LEEWAY_S
    )
