"""Files kept in this process's memory: for tests, and gone with it."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock
from typing import BinaryIO

from roliascan.storage import KeyTaken, NotStored, Stored, Ticket
from roliascan.storage.keys import check_key, check_prefix

_BLOCK = 1 << 20  # bytes copied at a time


class MemoryStorage:
    """The Storage protocol over a dictionary."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, datetime]] = {}
        self._lock = Lock()

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        if check_key(key) in self._files:
            raise KeyTaken
        content = b"".join(iter(lambda: source.read(_BLOCK), b""))
        with self._lock:
            if key in self._files:
                raise KeyTaken
            self._files[key] = content, datetime.now(UTC)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        try:
            content, _ = self._files[check_key(key)]
        except KeyError:
            raise NotStored from None
        source = io.BytesIO(content)
        source.seek(start)
        return source

    def delete(self, key: str) -> None:
        self._files.pop(check_key(key), None)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        check_prefix(prefix)
        with self._lock:
            files = sorted(item for item in self._files.items() if item[0].startswith(prefix) and item[0] > after)
        for key, (content, modified) in files:
            yield Stored(key, len(content), modified)

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        return None

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        return None
