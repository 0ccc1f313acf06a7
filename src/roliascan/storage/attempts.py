"""Asking an object storage: a few times where a fault passes, and never for longer than a function has.

What the library for it says of a fault goes nowhere: it quotes addresses, headers, and what was signed.
"""

import io
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple, TypeVar, cast

from roliascan.errors import Refusal
from roliascan.storage import StorageUnavailable

T = TypeVar("T")

ATTEMPTS, CONNECT_S, READ_S = 3, 2, 5
"""With the pauses, one call ends in 24 s: before API Gateway does, after 29. The libraries' own attempts are off."""

PASSING = {408, 429, 500, 502, 503, 504}
"""The statuses after which asking again is worth it."""

_PAUSE_S = 1.0  # at most, before the second attempt; twice as long before the third
_IN_MEMORY = 1 << 20  # bytes of a file on its way kept in memory before a temporary file takes them
_COPIED = 1 << 16  # bytes copied at a time
_RANGE = 8 << 20  # bytes of a file asked for at a time


class Fault(NamedTuple):
    """What went wrong, by a short name of the storage's or of ours, and whether it may pass by itself."""

    code: str
    passes: bool


class Told(NamedTuple):
    """How a library's exceptions are read (None for what is none of its faults), and what mends each fault."""

    read: Callable[[Exception], Fault | None]
    to_mend: Mapping[str, str]


def ask(act: Callable[[], T], told: Told, known: Mapping[str, type[Refusal]] | None = None) -> T:
    """What `act` gives. Faults that are `known` by their code become that refusal, others StorageUnavailable."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return act()
        except Exception as error:
            fault = told.read(error)
            if fault is None:
                raise
        # Here the library's exception is gone: it is neither cause nor context of what is raised.
        if known and fault.code in known:
            raise known[fault.code]
        if not fault.passes or attempt == ATTEMPTS:
            raise StorageUnavailable(told.to_mend.get(fault.code), fault=fault.code)
        _pause(_PAUSE_S * attempt)
    raise AssertionError


def _pause(most: float) -> None:
    """By chance, so that not all who were refused at once come again at once."""
    import random

    time.sleep(random.uniform(0.1, most))  # noqa: S311


def spooled(source: BinaryIO) -> tuple[BinaryIO, int]:
    """A copy of what `source` still has, which can be sent again, and its size. Whoever calls closes it."""
    from tempfile import SpooledTemporaryFile

    spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    try:
        while block := source.read(_COPIED):
            spool.write(block)
    except BaseException:
        spool.close()
        raise
    size = spool.tell()
    spool.seek(0)
    return cast(BinaryIO, spool), size


class _Ranges(io.RawIOBase):
    def __init__(self, fetch: Callable[[int, int], bytes], start: int) -> None:
        self._fetch = fetch
        self._at = start
        self._block = memoryview(b"")
        self._is_last = False
        self._next()

    def _next(self) -> None:
        block = self._fetch(self._at, _RANGE)
        self._at += len(block)
        self._block, self._is_last = memoryview(block), len(block) < _RANGE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._block and not self._is_last:
            self._next()
        taken = min(len(buffer), len(self._block))
        buffer[:taken] = self._block[:taken]
        self._block = self._block[taken:]
        return taken


def by_ranges(fetch: Callable[[int, int], bytes], *, start: int) -> BinaryIO:
    """A file of which `fetch(start, length)` gives the bytes, none beyond the end. The first come at once."""
    return cast(BinaryIO, io.BufferedReader(_Ranges(fetch, start)))
