"""One transaction for a change and for what is told about it, where both have to be there or neither."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from roliascan.database import Database, Tx
from roliascan.database.faults import OutcomeUnknown

T = TypeVar("T", bound=msgspec.Struct)


class Held(Database):
    """A database whose one change stays open: what is read after it is read within its transaction."""

    def __init__(self, db: Database, first: Callable[[Tx], None]) -> None:
        super().__init__(db._driver, db._pool, db._deadline)
        self._first = first
        self.tx: Tx | None = None
        self.undoing: list[Callable[[], None]] = []

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        if self.tx is not None:
            raise RuntimeError("a second change, where one was to be")
        tx = Tx(self._driver, self._pool, self._deadline)
        try:
            self._first(tx)
            yield tx
        except BaseException:
            tx.roll_back()
            tx.end()
            raise
        self.tx = tx

    def if_undone(self, undo: Callable[[], None]) -> None:
        self.undoing.append(undo)

    def read(self, sql: str, into: type[T], /, **values: Any) -> list[T]:
        return super().read(sql, into, **values) if self.tx is None else self.tx.read(sql, into, **values)


@contextmanager
def holding(db: Database, first: Callable[[Tx], None]) -> Iterator[Held]:
    """Around a change: `first` begins its transaction, which is committed at the end, or rolled back where that raises.

    `tx` is None until something was changed. Raises what `Database.begin` raises.
    """
    held = Held(db, first)
    try:
        with _ended(held):
            yield held
    except OutcomeUnknown:  # it may be there after all
        raise
    except Exception:
        for undo in held.undoing:
            undo()
        raise


@contextmanager
def _ended(held: Held) -> Iterator[None]:
    try:
        yield
        if held.tx is not None:
            held.tx.commit()
    except BaseException:
        if held.tx is not None:
            held.tx.roll_back()
        raise
    finally:
        if held.tx is not None:
            held.tx.end()
