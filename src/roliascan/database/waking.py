"""Connecting to what has to wake first: loaded only where an address asks for it."""

import random
import time
from typing import Any

from roliascan.database import faults
from roliascan.database.drivers import Connect, Way

_LEAST_S = 2  # what is left for another attempt


class Waking:
    """Again until the database is awake: for at most so long, and never beyond what the request has left.

    Whatever the reason, because servers that wake refuse in words of their own. Raises what the last attempt did, which
    is answered 503 with Retry-After.
    """

    def __init__(self, wakes_s: float, way: Way) -> None:
        """`way` is that of each try."""
        self._wakes_s = wakes_s
        self._way = way

    def __call__(self, connect: Connect, seconds: float) -> Any:
        start = time.monotonic()
        while True:
            try:
                return self._way(connect, start + seconds - time.monotonic())
            except faults.Unreachable:
                pause = random.uniform(0.2, 1)  # noqa: S311 - spreads those who wait, keeps no secret
                if time.monotonic() + pause + _LEAST_S > start + min(self._wakes_s, seconds):
                    raise
                time.sleep(pause)
