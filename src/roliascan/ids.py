"""Identifiers: UUID version 7 as text, made by the application (RFC 9562, section 5.7)."""

import os
import re
from datetime import datetime

NONE = "00000000-0000-0000-0000-000000000000"
"""Before all identifiers."""

_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def new_id(now: datetime) -> str:
    """A new identifier, 36 lower-case characters: 48 bits of `now` in milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    return _written(now, random >> 64 & 0xFFF, random)


def new_id_in_order(now: datetime) -> str:
    """A new identifier that sorts by the microsecond (section 6.2, method 3): 62 bits are random, enough to be unique.

    For what is listed by its identifiers, and whose identifiers keep no secret.
    """
    return _written(now, now.microsecond % 1000 * 4096 // 1000, int.from_bytes(os.urandom(8), "big"))


def _written(now: datetime, twelve: int, random: int) -> str:
    milliseconds = int(now.timestamp()) * 1000 + now.microsecond // 1000
    value = milliseconds << 80 | 0x7 << 76 | twelve << 64 | 0x2 << 62 | random & 0x3FFFFFFFFFFFFFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Whether `text` is written as we write identifiers: lower-case, with hyphens."""
    return _FORM.match(text) is not None


def earliest(at: datetime) -> str:
    """What sorts before every identifier made at that time or later, and after all that were made before."""
    milliseconds = int(at.timestamp() * 1000)
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-"
