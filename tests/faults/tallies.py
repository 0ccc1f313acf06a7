"""What a run counts, and the sentences about what went wrong."""

from dataclasses import dataclass, field, fields


@dataclass
class Tally:
    """Numbers add up; one violation is enough to fail."""

    kills: int = 0
    acknowledged: int = 0  # changes that were answered 2xx
    unknown: int = 0  # changes whose answer never came
    found: int = 0  # of those, the ones that had been done
    acts: int = 0  # by right of a role, each with its entry in the audit log
    pages: int = 0  # read over HTTP and hashed
    strays: int = 0  # stored files that the sweep deleted
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def wrong(self, sentence: str) -> None:
        self.violations.append(sentence)


HEAD = f"{'':20}  kills  acknowledged  unknown  of them done  audited  pages read  strays swept  violations"


def row(name: str, tally: Tally) -> str:
    """A line under HEAD."""
    return (
        f"{name:20}{tally.kills:7,}{tally.acknowledged:14,}{tally.unknown:9,}{tally.found:14,}{tally.acts:9,}"
        f"{tally.pages:12,}{tally.strays:14,}{len(tally.violations):12,}"
    )
