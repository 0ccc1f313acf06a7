"""Names and addresses of people, and the keys under which two that look alike are one."""

import re
import unicodedata
from functools import cache

import msgspec

from roliascan.text import tidy

_ADDRESS = r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+"
_ASCII_LOOKALIKES = str.maketrans("01i|", "olll")
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul fillers: letters to Unicode, nothing to people
_LONGEST_KEYS = {"username": 190, "email": 254}  # characters that the database keeps
RESERVED = frozenset({"admin", "administrator", "moderator", "system", "roliascan", "deleted"})


def username_problem(name: str) -> str | None:
    """What is wrong with a username (3 to 30 characters were checked already), or None."""
    marks = 0
    for place, character in enumerate(name):
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        allowed = (character.isalnum() and character not in _INVISIBLE) or character in "_.-" or (marks and place)
        if not allowed or marks > 2:
            return "may have letters, digits, '_', '-' and '.' only"
    if name[0] in ".-" or name[-1] in ".-":
        return "may not begin or end with '.' or '-'"
    if username_key(name) in {username_key(word) for word in RESERVED}:
        return "is reserved"
    return "is too long" if len(username_key(name)) > _LONGEST_KEYS["username"] else None


def email_problem(address: str) -> str | None:
    """What is wrong with an e-mail address, or None. Only sending a letter would prove it."""
    if not re.fullmatch(_ADDRESS, address) or any(unicodedata.category(character)[0] == "C" for character in address):
        return "must be an e-mail address such as name@example.org"
    return "is too long" if len(email_key(address)) > _LONGEST_KEYS["email"] else None


def username_key(name: str) -> str:
    """Equal for names that people could take for one another: case, width, look-alike letters and digits."""
    return _skeleton(name).translate(_ASCII_LOOKALIKES)


def email_key(address: str) -> str:
    """Equal for addresses that differ in case or in letters borrowed from another script; `1` stays apart from `l`."""
    return _skeleton(address)


def _skeleton(text: str) -> str:
    folded = unicodedata.normalize("NFKC", tidy(text)).casefold()
    if folded.isascii():
        return folded
    return "".join(c if c.isascii() else _prototypes().get(c, c) for c in folded).casefold()


@cache
def _prototypes() -> dict[str, str]:
    """Each character that looks like an ASCII letter or digit, with that one (Unicode Technical Standard 39)."""
    from importlib import resources

    data = resources.files("confusable_homoglyphs").joinpath("confusables.json").read_bytes()
    table = msgspec.json.decode(data, type=dict[str, list[_Lookalike]])
    latin = {"i": "l", "|": "l"}
    found: dict[str, str] = {}
    for character, lookalikes in table.items():
        ascii_ones = sorted(entry.c for entry in lookalikes if entry.c.isascii() and entry.c.isalnum())
        if len(character) == 1 and not character.isascii() and ascii_ones:
            found[character] = latin.get(ascii_ones[-1], ascii_ones[-1])
    return found


class _Lookalike(msgspec.Struct):
    c: str
