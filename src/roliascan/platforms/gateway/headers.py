"""HTTP headers between platforms, which pass a mapping of text, and WSGI, which has variables and latin-1."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .wsgi import NotWsgi

_NAME = re.compile(r"[0-9A-Za-z-]+\Z")  # without "_": X_A and X-A would be one variable
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
# Said by the platform itself in its event, or by anybody: nothing may be concluded from the copies in a header.
_UNTRUSTED = frozenset(
    [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip",
        "x-amzn-request-context",
        "x-amzn-lambda-context",
        "x-ms-client-principal",
        "x-ms-client-principal-id",
        "x-ms-client-principal-name",
        "x-ms-client-principal-idp",
        "x-original-url",
        "x-rewrite-url",
        "proxy",
    ]
)
UNTRUSTED_VARIABLES = frozenset("HTTP_" + name.upper().replace("-", "_") for name in _UNTRUSTED)
_SET_APART = frozenset(["host", "content-length"])
_SINGLE = frozenset(["content-length", "content-type", "content-range", "etag", "last-modified", "location"])


@lru_cache(maxsize=512)
def variable(name: str) -> str | None:
    """The WSGI variable of a request header, or None for one that is not passed on."""
    lower = name.lower()
    if not _NAME.match(name) or lower in _UNTRUSTED or lower in _HOP_BY_HOP or lower in _SET_APART:
        return None
    if lower == "content-type":
        return "CONTENT_TYPE"
    return "HTTP_" + name.upper().replace("-", "_")


def native(text: str) -> str:
    """Text as WSGI wants it: one character for each byte. Beyond latin-1 these are the bytes of UTF-8.

    Raises UnicodeEncodeError for lone surrogates.
    """
    if text.isascii():
        return text
    try:
        text.encode("latin-1")
        return text
    except UnicodeEncodeError:
        return text.encode().decode("latin-1")


def joined(headers: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """An answer's headers with lower-case names, each once (RFC 9110, section 5.3), and the values of Set-Cookie.

    Leaves out what concerns one connection only. Raises NotWsgi where HTTP knows no list.
    """
    once: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            cookies.append(value)
        elif lower in once:
            if lower in _SINGLE:
                raise NotWsgi(f"{lower} was given twice")
            once[lower] += ", " + value
        elif lower not in _HOP_BY_HOP:
            once[lower] = value
    return once, cookies


def listed(once: Mapping[str, str], cookies: list[str]) -> dict[str, list[str]]:
    """What `joined` gave, for platforms that take a list of values for each header."""
    many = {name: [value] for name, value in once.items()}
    if cookies:
        many["set-cookie"] = cookies
    return many
