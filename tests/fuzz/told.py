"""What a run of generated requests was told, in numbers."""

from collections import Counter
from typing import NamedTuple

import msgspec


class Finding(NamedTuple):
    """What a check did not like, of which operation; `sample` is how to ask again."""

    check: str
    operation: str
    title: str
    sample: str


class Told(msgspec.Struct):
    """What somebody was told: requests by status, and statuses by operation."""

    kind: str
    role: str
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    operations: dict[str, Counter[int]] = msgspec.field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.statuses.total()

    @property
    def done(self) -> set[str]:
        """Operations that answered with what was asked for."""
        return {name for name, seen in self.operations.items() if any(200 <= status < 400 for status in seen)}


class Outcome(msgspec.Struct):
    """Of all askers on one kind of database. Findings are the first of each kind."""

    told: list[Told]
    findings: list[Finding]
    seconds: float
