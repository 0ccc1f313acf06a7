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


class Tally(msgspec.Struct):
    """What became of so many hostile things of one group; the most that one of them cost, in seconds of a processor and
    bytes; and in a line each what is wrong."""

    group: str
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    longest_s: float = 0
    most_bytes: int = 0
    wrong: list[str] = msgspec.field(default_factory=list)

    def count(self, outcome: str, seconds: float, size: int) -> None:
        self.outcomes[outcome] += 1
        self.longest_s = max(self.longest_s, seconds)
        self.most_bytes = max(self.most_bytes, size)

    def __str__(self) -> str:
        outcomes = " ".join(f"{name}:{count}" for name, count in sorted(self.outcomes.items()))
        most = f"{self.longest_s:>6.2f} s{self.most_bytes >> 20:>5} MB"
        return f"{self.group:<32}{self.outcomes.total():>6}{most}  {outcomes}"
