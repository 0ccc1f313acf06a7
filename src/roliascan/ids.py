"""Identifiers: UUID version 7 as text, made by the application (RFC 9562, section 5.7)."""

import os
import re
from datetime import datetime

_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def new_id(now: datetime) -> str:
    """A new identifier, 36 lower-case characters: 48 bits of `now` in milliseconds, then 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 64 & 0xFFF) << 64 | 0x2 << 62 | random & 0x3FFFFFFFFFFFFFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Whether `text` is written as we write identifiers: lower-case, with hyphens."""
    return _FORM.match(text) is not None
