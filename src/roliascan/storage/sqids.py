"""What UploadThing's file keys begin with: a Sqid of the app's identifier, by which the service knows whose they are.

sqids.org; docs.uploadthing.com/uploading-files has the way from an identifier to a number and an alphabet.
"""

from base64 import b64decode
from binascii import crc32
from math import fmod

from roliascan.storage.sqids_blocked import BLOCKED

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LEAST = 12  # letters
_SHORTEST_WORD, _LONGEST_WORD = 4, 13


def prefix(app_id: str) -> str:
    """`app_id` is in ASCII."""
    seed = _hash(app_id)
    return _encoded(abs(seed), _shuffled(_seeded(seed)))


def _hash(text: str) -> int:
    """Bernstein's, from the last letter to the first, in 32 bits and with a sign, as `effect/Hash` has it."""
    found = 5381
    for letter in reversed(text):
        found = (found * 33 ^ ord(letter)) & 0xFFFFFFFF
    found = found & 0xBFFFFFFF | found >> 1 & 0x40000000
    return found - (1 << 32) if found >> 31 else found


def _seeded(seed: int) -> str:
    """The alphabet in an order of this app's."""
    letters = list(_ALPHABET)
    for place in range(len(letters)):
        other = (int(fmod(seed, place + 1)) + place) % len(letters)
        letters[place], letters[other] = letters[other], letters[place]
    return "".join(letters)


def _shuffled(alphabet: str) -> str:
    """Sqids' own order of it."""
    letters = list(alphabet)
    last = len(letters) - 1
    for place in range(last):
        at = last - place
        other = (place * at + ord(letters[place]) + ord(letters[at])) % len(letters)
        letters[place], letters[other] = letters[other], letters[place]
    return "".join(letters)


def _encoded(number: int, alphabet: str) -> str:
    """The first Sqid of a number that says no blocked word."""
    start = ord(alphabet[number % len(alphabet)]) + 1
    tries = (_from(number, alphabet, (start + increment) % len(alphabet)) for increment in range(len(alphabet)))
    return next(found for found in tries if not _is_blocked(found))


def _from(number: int, alphabet: str, offset: int) -> str:
    turned = alphabet[offset:] + alphabet[:offset]
    found, letters = turned[0], turned[::-1]
    found += _digits(number, letters[1:])
    if len(found) < _LEAST:
        found += letters[0]
    while len(found) < _LEAST:
        letters = _shuffled(letters)
        found += letters[: _LEAST - len(found)]
    return found


def _digits(number: int, letters: str) -> str:
    found = ""
    while number or not found:
        number, digit = divmod(number, len(letters))
        found = letters[digit] + found
    return found


def _is_blocked(found: str) -> bool:
    """Words with digits count at an end only, others anywhere."""
    told, words = found.lower(), b64decode(BLOCKED)
    blocked = {words[place : place + 4] for place in range(0, len(words), 4)}
    for start in range(len(told) - _SHORTEST_WORD + 1):
        for end in range(start + _SHORTEST_WORD, min(start + _LONGEST_WORD, len(told)) + 1):
            word = told[start:end]
            counts = start == 0 or end == len(told) or not any(letter.isdigit() for letter in word)
            if counts and crc32(word.encode()).to_bytes(4, "big") in blocked:
                return True
    return False
