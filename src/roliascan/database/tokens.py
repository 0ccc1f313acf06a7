"""Logging in by tokens, which the provider takes instead of a password: loaded only where an address asks for them."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from roliascan.database import faults
from roliascan.database.deadlines import NEVER, within
from roliascan.database.drivers import Connect

KEEP_S = 600
ANEW_EVERY_S = 60  # a database that wakes refuses all of them, many times


class Token(NamedTuple):
    """A password that does not last."""

    text: str
    until: float
    """When it is no longer to be used, by time.time(): other clocks may stand still while a process is frozen."""


class ByToken:
    """A way to connect: with a token, which is kept, and made anew when it is old or connecting with it failed.

    Connecting that fails makes one at most every ANEW_EVERY_S.

    Raises `Unreachable` also where none can be made.
    """

    def __init__(self, make: Callable[[], Token]) -> None:
        """`make` raises ValueError, and says why."""
        self._make = make
        self._kept = Token("", 0)
        self._anew_at = 0.0
        self._turn = threading.Lock()

    def __call__(self, connect: Connect, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        tried = self._kept
        if time.time() < tried.until:
            try:
                return connect(seconds, password=tried.text)
            except faults.Unreachable:
                if self._kept is tried and time.time() < self._anew_at:
                    raise
                within(NEVER, deadline)
        return connect(deadline - time.monotonic(), password=self._other_than(tried).text)

    def _other_than(self, tried: Token) -> Token:
        with self._turn:  # of many at once, the first makes it
            if self._kept is tried:
                try:
                    self._kept = self._make()
                    self._anew_at = time.time() + ANEW_EVERY_S
                except ValueError as error:
                    raise faults.Unreachable from error
            return self._kept


def of_aws(host: str, port: int, user: str, region: str) -> Token:
    """For RDS, its proxies and Aurora, which look at it while connecting only; it lasts for 15 minutes."""
    from roliascan.vaults import aws

    return Token(aws.database_token(host, port, user, region), time.time() + KEEP_S)


def of_google() -> Token:
    """For Cloud SQL, of the service account that this process runs as."""
    from roliascan.vaults import google

    text, lasts_s = google.database_token()
    return Token(text, time.time() + min(KEEP_S, lasts_s))
