"""Paths that a platform puts something before."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

_PLAIN = re.compile(r"[\w.~-]*\Z", re.ASCII)


def mounted(path: str, *prefixes: str) -> tuple[str, str]:
    """`path` as SCRIPT_NAME and PATH_INFO, each prefix ("" or "/name") in its turn cut off at the end of a segment."""
    script = ""
    for prefix in prefixes:
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            script, path = script + prefix, path[len(prefix) :] or "/"
    return script, path


@lru_cache(maxsize=256)
def encoded(text: str, safe: str) -> str:
    """Text percent-encoded but for letters, digits, `_.-~` and what is `safe`; most names and values come again."""
    return text if _PLAIN.match(text) else quote(text, safe=safe)


def decoded(path: str) -> str:
    """A percent-encoded path, decoded once, as WSGI wants it: one character for each byte."""
    return path if "%" not in path and path.isascii() else unquote_to_bytes(path).decode("latin-1")


def as_bytes(path: str) -> str:
    """A path that was decoded to text, as WSGI wants it: one character for each byte of its UTF-8."""
    return path if path.isascii() else path.encode().decode("latin-1")
