"""Passwords: argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet), few at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from roliascan.errors import Busy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
SLOTS = max(1, min(4, os.cpu_count() or 1))
WAIT_S = 1.0
_slots = threading.BoundedSemaphore(SLOTS)  # one budget of memory and processor for the process


class TooManyPasswords(Busy):
    code = "too_many_logins_at_once"
    detail = "Too many people are signing in at once; try again in a moment."


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobody() -> str:
    """The hash of a password that nobody has: checking it takes the time that checking a real one takes."""
    with _slot():
        return _hasher().hash(os.urandom(16).hex())


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=WAIT_S):
        raise TooManyPasswords(retry_after=1)
    try:
        yield
    finally:
        _slots.release()


def hashed(password: str) -> str:
    """The encoded hash of a password, taken as typed. Raises TooManyPasswords when no slot is free."""
    with _slot():
        return _hasher().hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password fits; takes as long where there is no such person (`None`)."""
    from argon2.exceptions import InvalidHashError, VerificationError

    known = password_hash or _nobody()
    try:
        with _slot():
            _hasher().verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's and should be made anew at a login."""
    return _hasher().check_needs_rehash(password_hash)
