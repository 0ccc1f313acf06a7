"""What a driver module offers: one for each database, the only place that knows its Python package."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from roliascan.database.deadlines import NEVER
from roliascan.errors import Refusal

Turns = tuple[tuple[int, Callable[[Any], Any]], ...]
"""The places of columns, and what each of their values is passed through, unless it is null."""

Connect = Callable[..., Any]
"""Makes a connection within so many seconds; keywords take the place of a driver's options."""

Way = Callable[[Connect, float], Any]
"""How to use a `Connect`, and within how many seconds; see `waking`, `tokens`."""


def directly(connect: Connect, seconds: float) -> Any:
    """Once."""
    return connect(seconds)


def booleans(into: type[msgspec.Struct]) -> Turns:
    """For databases that give 0 and 1."""
    fields = msgspec.structs.fields(into)
    return tuple((place, bool) for place, field in enumerate(fields) if field.type in {bool, bool | None})


class Driver(Protocol):
    """One database behind PEP 249 (DB-API 2.0) connections in autocommit mode."""

    kind: str
    """`sqlite`, `postgresql` or `mysql`."""

    error: type[Exception]
    """The root of the package's exceptions."""

    joined_begin: str
    """Text that opens a transaction in the same round trip as its first statement, or empty where that cannot be."""

    def connect(self, seconds: float = NEVER) -> Any:
        """A new connection, within so long. Raises `Unreachable`, `OutOfTime`, `Unmigrated` (no file)."""

    def statement(self, sql: str) -> str:
        """The driver's form of one of our SQL texts."""

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters in the types that the driver takes."""

    def turns(self, description: Sequence[Sequence[Any]], into: type[msgspec.Struct], /) -> Turns:
        """The columns of a result (PEP 249) whose values have to be turned on their way into the struct."""

    def limited(self, statement: str, raw: Any, milliseconds: int, /) -> str:
        """A statement that the server itself ends after so long, in the same round trip; unchanged where it cannot."""

    def begin(self, raw: Any) -> None:
        """Opens a transaction in a round trip of its own; called only where `joined_begin` is empty."""

    def commit(self, raw: Any) -> None: ...

    def rollback(self, raw: Any) -> None: ...

    def fault(self, error: Exception, raw: Any, /) -> Refusal | None:
        """What the package's exception means in our words, or None for a mistake of ours."""
