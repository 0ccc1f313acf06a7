"""A bounded pool: connections are lent for one transaction, and the one given back last is lent first."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from roliascan.database import faults
from roliascan.database.deadlines import NEVER, within
from roliascan.database.drivers import Driver


class Connection:
    """A driver's connection, and whether it served before (only then may it have died unnoticed)."""

    __slots__ = ("broken", "raw", "used")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.used = False
        self.broken = False


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

    def replace(self, dead: Connection, deadline: float = NEVER) -> Connection:
        """A new connection for a dead one, in its place. Those that lie idle are as old, so they are dropped too."""
        self._discard(dead)
        while self._free:
            self._discard(self._free.pop())
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
