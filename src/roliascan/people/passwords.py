"""Passwords: argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet), few at once.

Accounts that were taken over from the original backend have bcrypt hashes, until they sign in.
"""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from roliascan.errors import Busy, TooManyAtOnce

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from roliascan.people.hashing import Child

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
SLOTS = max(1, min(4, (os.cpu_count() or 1) - 1))  # a processor stays for those who read
WAIT_S = 1.0
# Of the costs that a login can wait for; 14 takes a second.
_BCRYPT = r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}"
_BCRYPT_BYTES = 72  # of a password: bcrypt looks at no more
_slots = threading.BoundedSemaphore(SLOTS)  # one budget of memory and processor for the process
_children: "list[Child]" = []  # one for each slot of a server, and none in a function


class TooManyPasswords(TooManyAtOnce):
    code = "too_many_logins_at_once"
    detail = "Too many people are signing in at once; try again in a moment."


class HashingUnavailable(Busy):
    """No process to hash in can be had, or it has too little memory."""

    code = "hashing_unavailable"
    detail = "Passwords cannot be checked right now; try again in a moment."


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobody() -> str:
    """The hash of a password that nobody has: checking it takes the time that checking a real one takes."""
    return hashed(os.urandom(16).hex())


def aside() -> None:
    """From now on argon2 runs in processes of its own, which start when they are needed; for servers."""
    from roliascan.people.hashing import Child

    _children[:] = [Child() for _ in range(SLOTS)]


@contextmanager
def _slot() -> Iterator["Child | None"]:
    if not _slots.acquire(timeout=WAIT_S):
        raise TooManyPasswords(retry_after=1)
    child = _children.pop() if _children else None
    try:
        yield child
    except OSError as error:
        raise HashingUnavailable(retry_after=5) from error
    finally:
        if child:
            _children.append(child)
        _slots.release()


def hashed(password: str) -> str:
    """The encoded hash of a password, taken as typed. Raises TooManyPasswords, HashingUnavailable."""
    with _slot() as child:
        return child.hashed(password) if child else hash_here(password)


def hash_here(password: str) -> str:
    """As `hashed`, in this process and without a slot."""
    return _hasher().hash(password)


def matches(password: str, password_hash: str | None, *, bcrypt_cost: int | None = None) -> bool:
    """Whether the password fits; takes as long where there is no such person (`None`).

    `bcrypt_cost`: that of the bcrypt hashes which some accounts still have. Then every failure costs both checks, so
    that their time does not tell which accounts those are. Raises TooManyPasswords, HashingUnavailable.
    """
    if password_hash is not None and bcrypt_cost_of(password_hash) is not None:
        found = _fits_bcrypt(password, password_hash)
        if not found:
            _fits(password, _nobody())
        return found
    is_kept = password_hash is not None and password_hash.startswith("$argon2")  # else there is none that could fit
    found = _fits(password, password_hash if password_hash and is_kept else _nobody()) and is_kept
    if not found and bcrypt_cost is not None:
        _fits_bcrypt(password, f"$2b${bcrypt_cost:02}${'.' * 53}")
    return found


def _fits(password: str, password_hash: str) -> bool:
    with _slot() as child:
        return child.fits(password, password_hash) if child else fits_here(password, password_hash)


def fits_here(password: str, password_hash: str) -> bool:
    """Whether the password fits an argon2 hash: in this process and without a slot."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _fits_bcrypt(password: str, password_hash: str) -> bool:
    import bcrypt

    try:
        with _slot():
            return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], password_hash.encode())
    except ValueError:  # its salt is none
        return False


def bcrypt_cost_of(password_hash: str) -> int | None:
    """The cost, 4 to 14, of a bcrypt hash that can be checked; None for any other text."""
    match = re.fullmatch(_BCRYPT, password_hash)
    return int(match[1]) if match else None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's and should be made anew at a login."""
    return bcrypt_cost_of(password_hash) is not None or _hasher().check_needs_rehash(password_hash)
