"""Points at which a server can end: before and after everything that it asks of its database and its storage.

They are counted as they are reached, not listed: whatever the code does next year is killed at as well.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, BinaryIO, cast

from roliascan.database import Database
from roliascan.database.drivers import Driver
from roliascan.storage import Storage, Stored, Ticket

_WITHIN = {"os.link", "os.remove", "http.client.send"}
"""Of what Python tells of itself (docs.python.org/3/library/audit_events.html): the steps within a storage's call."""


class Dead(BaseException):
    """Nothing is done any more: what a process would not do that was killed."""


class Points:
    """Ends at the `last` point from when it was armed; `step` is what the server does. Not for several threads."""

    def __init__(self, end: Callable[[str], None]) -> None:
        self._end = end
        self.step = ""
        self._last = 0
        self._reached = 0
        self._is_storing = False
        self.is_dead = False

    def arm(self, last: int) -> None:
        """With 0 it lives."""
        self._last, self._reached = last, 0

    def reach(self, place: str) -> None:
        """Raises Dead, where `end` does not end the process, and then for ever."""
        if self._last:
            self._reached += 1
            self.is_dead |= self._reached == self._last
            if self._reached == self._last:
                self._end(f"{self.step}: {place}")
        if self.is_dead:
            raise Dead

    @contextmanager
    def storing(self, what: str) -> Iterator[None]:
        self.reach(f"before {what}")
        self._is_storing = True
        try:
            yield
        finally:
            self._is_storing = False
        self.reach(f"after {what}")

    def watch(self) -> None:
        """Counts the steps within a storage's calls too, as long as this process lives."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: Any) -> None:
        if self._is_storing and event in _WITHIN:
            self.reach(f"before {event}")


def killed(tell: Callable[[str], None]) -> Callable[[str], None]:
    """An end by SIGKILL, which is told before."""

    def end(place: str) -> None:
        tell(place)
        os.kill(os.getpid(), signal.SIGKILL)

    return end


class MortalDriver:
    """A driver before each of whose statements, and around each of whose commits, there is a point."""

    def __init__(self, driver: Driver, points: Points) -> None:
        self._driver = driver
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def statement(self, sql: str) -> str:
        self._points.reach(f"before {' '.join(sql.split()[:3])}")
        return self._driver.statement(sql)

    def commit(self, raw: Any) -> None:
        self._points.reach("before COMMIT")
        self._driver.commit(raw)
        self._points.reach("after COMMIT")


def mortal_database(db: Database, points: Points) -> Database:
    return Database(cast(Driver, MortalDriver(db._driver, points)), db._pool)


class MortalStorage:
    """A storage with a point before and after each call, and before each block that it reads."""

    def __init__(self, storage: Storage, points: Points) -> None:
        self._storage = storage
        self._points = points

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        with self._points.storing(f"put {_folder(key)}"):
            self._storage.put(key, cast(BinaryIO, _Source(source, self._points)), type=type)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        with ExitStack() as closing:
            with self._points.storing(f"open {_folder(key)}"):
                file = closing.enter_context(self._storage.open(key, start=start))
            closing.pop_all()
        return file

    def delete(self, key: str) -> None:
        with self._points.storing(f"delete {_folder(key)}"):
            self._storage.delete(key)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        self._points.reach(f"before list {prefix}")
        yield from self._storage.list(prefix, after=after)

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        self._points.reach("before a ticket")
        return self._storage.ticket(key, type=type, bytes=bytes, sha256=sha256, expires_at=expires_at)

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        return self._storage.address(key, method=method, type=type, disposition=disposition, expires_at=expires_at)


class _Source:
    def __init__(self, source: BinaryIO, points: Points) -> None:
        self._source = source
        self._points = points

    def read(self, size: int = -1, /) -> bytes:
        self._points.reach("within put, before a block")
        return self._source.read(size)


def _folder(key: str) -> str:
    return key.partition("/")[0]


STEPS: Mapping[tuple[str, str], str] = {
    ("POST", "uploads"): "announce",
    ("PUT", "bytes"): "take the bytes",
    ("POST", "complete"): "complete",
    ("POST", "commit"): "commit",
    ("POST", "publish"): "publish",
    ("DELETE", "sessions"): "abandon",
    ("POST", "sweep"): "sweep",
}


def step_of(method: str, path: str) -> str:
    """What a request is called in the table."""
    *_, before, last = ["", *path.split("/")]
    return STEPS.get((method, last)) or STEPS.get((method, before)) or "look"
