"""The table: each figure beside its budget."""

from collections.abc import Iterable
from typing import NamedTuple


class Line(NamedTuple):
    """One figure. `budget` is the most that it may be; without one it is only told."""

    what: str
    figure: float
    unit: str = "x"
    budget: float | None = None
    told: str = ""

    @property
    def over(self) -> bool:
        return self.budget is not None and self.figure > self.budget


def show(title: str, lines: Iterable[Line]) -> list[Line]:
    """Prints each line as it comes; all of them."""
    print(f"\n{title}", flush=True)
    shown = []
    for line in lines:
        shown.append(line)
        verdict = "" if line.budget is None else "over" if line.over else "ok"
        budget = "" if line.budget is None else f"at most {line.budget:g}{_unit(line.unit)}"
        figure = f"{line.figure:.{_digits(line)}f}{_unit(line.unit)}"
        print(f"  {line.what:<58} {figure:>10}  {budget:<14} {verdict:<5} {line.told}".rstrip(), flush=True)
    return shown


def _unit(unit: str) -> str:
    return unit if unit == "x" else f" {unit}"


def _digits(line: Line) -> int:
    return 3 if line.figure < 1 else 2 if line.figure < 10 else 1
