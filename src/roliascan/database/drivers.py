"""What a driver module offers: one for each database, the only place that knows its Python package."""

from collections.abc import Mapping
from typing import Any, Protocol

from roliascan.errors import Refusal


class Driver(Protocol):
    """One database behind PEP 249 (DB-API 2.0) connections in autocommit mode."""

    kind: str
    """`sqlite`, `postgresql` or `mysql`."""

    native_booleans: bool
    """Whether a boolean column comes back as `bool`; otherwise 0 and 1 are turned when rows become structs."""

    error: type[Exception]
    """The root of the package's exceptions."""

    joined_begin: str
    """Text that opens a transaction in the same round trip as its first statement, or empty where that cannot be."""

    def connect(self) -> Any:
        """A new connection; raises `Unreachable`, or `Unmigrated` where there is no file."""

    def statement(self, sql: str) -> str:
        """The driver's form of one of our SQL texts."""

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters in the types that the driver takes."""

    def limited(self, statement: str, raw: Any, milliseconds: int, /) -> str:
        """A read that the server itself ends after so long, in the same round trip; unchanged where it cannot."""

    def begin(self, raw: Any) -> None:
        """Opens a transaction in a round trip of its own; called only where `joined_begin` is empty."""

    def commit(self, raw: Any) -> None: ...

    def rollback(self, raw: Any) -> None: ...

    def fault(self, error: Exception, raw: Any, /) -> Refusal | None:
        """What the package's exception means in our words, or None for a mistake of ours."""
