"""Connecting by an address that is kept elsewhere, such as in a secret store, where its password may change."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from roliascan.database import faults
from roliascan.database.deadlines import NEVER, within
from roliascan.database.profiles import driver_for

ASK_EVERY_S = 60.0


class Renewing:
    """As a driver's `connect`. When it fails, the address is read again, and where that has changed, tried once more.

    Whatever the reason: servers and poolers say in words of their own that a password is wrong, and a database may have
    moved. It is read at most every ASK_EVERY_S, so that what is wrong for good does not press the store.
    """

    def __init__(self, url: str, again: Callable[[], str]) -> None:
        """`again` gives today's address, of the same kind of database; raises ValueError where it cannot be had."""
        self._url = url
        self._connect = driver_for(url).connect
        self._again = again
        self._ask_at = -math.inf
        self._turn = threading.Lock()

    def __call__(self, seconds: float = NEVER) -> Any:
        deadline = time.monotonic() + seconds
        tried, connect = self._url, self._connect
        try:
            return connect(seconds)
        except faults.Unreachable:
            if not self._has_another_than(tried):
                raise
        return self._connect(within(NEVER, deadline))

    def _has_another_than(self, tried: str) -> bool:
        with self._turn:
            if self._url == tried and time.monotonic() >= self._ask_at:
                self._ask_at = time.monotonic() + ASK_EVERY_S
                with suppress(ValueError):
                    url = self._again()
                    self._connect, self._url = driver_for(url).connect, url
            return self._url != tried
