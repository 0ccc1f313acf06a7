"""A bounded pool: connections are lent for one transaction, and the one given back last is lent first."""

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from roliascan.database import faults
from roliascan.database.deadlines import NEVER, within
from roliascan.database.drivers import Driver

BELIEVED_S = 2.0
"""So long a new connection is believed that its server takes no changes: as long as people are told to wait."""


class Connection:
    """A driver's connection, and whether it served before (only then may it have died unnoticed)."""

    __slots__ = ("broken", "made", "raw", "used")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.made = time.monotonic()
        self.used = False
        self.broken = False

    @property
    def may_be_replaced(self) -> bool:
        """Whether what broke it may be no more than its age."""
        return self.broken and self.used

    def fails(self, fault: Exception) -> None:
        """It is not lent again after this. But a new one leads to the server of today, though that be read-only."""
        if isinstance(fault, faults.ReadOnly):
            self.broken |= time.monotonic() - self.made >= BELIEVED_S
        else:
            self.broken |= isinstance(fault, faults.Lost | faults.Unreachable)


class Pool:
    def __init__(self, driver: Driver, size: int, wait_s: float, connect: Callable[[float], Any] | None = None) -> None:
        """`connect` takes the place of the driver's."""
        self._driver = driver
        self._connect = connect or driver.connect
        self._wait_s = wait_s
        self._free: list[Connection] = []
        # What a semaphore would be; Python's takes ten times as long.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._slots.put(None)

    def take(self, deadline: float = NEVER) -> Connection:
        """Lends a connection; raises `Unreachable` when none is given back within the wait, or none can be made.

        All of it before `deadline`, else it raises `OutOfTime`.
        """
        try:
            self._slots.get(timeout=within(self._wait_s, deadline))
        except Empty:
            raise faults.Unreachable("All connections to the database are in use; try again.") from None
        try:
            return self._idle() or self._connected(deadline)
        except BaseException:
            self._slots.put(None)
            raise

    def replace(self, dead: Connection, fault: faults.Lost, deadline: float = NEVER) -> Connection:
        """A new connection for a dead one, in its place.

        Those that lie idle are as old, so they are dropped too, but where they still serve who reads.
        """
        self._discard(dead)
        if not isinstance(fault, faults.ReadOnly):
            self.close()
        return self._connected(deadline)

    def give(self, connection: Connection) -> None:
        if connection.broken:
            self._discard(connection)
        else:
            connection.used = True
            self._free.append(connection)
        self._slots.put(None)

    def close(self) -> None:
        """Closes what is idle; what is lent stays, and the next `take` connects anew."""
        while self._free:
            self._discard(self._free.pop())

    def _connected(self, deadline: float) -> Connection:
        return Connection(self._connect(within(NEVER, deadline)))

    def _idle(self) -> Connection | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _discard(self, connection: Connection) -> None:
        with suppress(self._driver.error):  # it was dead already, which is why it is dropped
            connection.raw.close()
