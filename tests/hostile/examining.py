"""Whether what is hostile came to what it should, left nothing behind, and cost little."""

from collections.abc import Sequence
from pathlib import Path

from roliascan.storage import keys
from tests.fuzz.told import Tally
from tests.hostile import measuring
from tests.hostile.cases import OTHERS, Case
from tests.hostile.measuring import Cost


def examine(cases: Sequence[Case], run: Path, directory: Path, *, patience: float = 1) -> list[Tally]:
    """By group. `patience` is by how much more of a processor each may take; `run` is shared by all of this run."""
    (given := directory / "given").mkdir()
    paths = [case.written(given, number) for number, case in enumerate(cases)]
    tallies = {case.group: Tally(case.group) for case in cases}
    for case, cost in zip(cases, measuring.measure(paths, run, directory), strict=True):
        tally = tallies[case.group]
        wrong = _wrong(case, cost, directory / "uploads")
        tally.count(wrong or ("taken" if case.says is None else "refused"), cost.cpu_s, cost.memory)
        if wrong or cost.cpu_s > patience * case.most.cpu_s or cost.memory > case.most.memory:
            costs = f"{cost.cpu_s:.1f} s of a processor, {cost.memory >> 20} MB"
            tally.wrong.append(f"{case.group}: {case.name}: {wrong or 'costs too much'}: {costs}: {cost.outcomes}")
    return list(tallies.values())


def _wrong(case: Case, cost: Cost, stored: Path) -> str:
    """In a word, or nothing."""
    if case.says is None:
        clean = all(keys.is_key(key) and _is_clean(stored / key) for key in cost.objects)
        return "" if cost.status == 0 and cost.objects and clean else "not taken as it should be"
    if cost.rows or cost.objects:
        return "left something behind"
    said = "; ".join(outcome["detail"] for outcome in cost.outcomes if outcome["result"] == "refused")
    return "" if cost.status == 1 and said and case.says in said else "not refused as it should be"


def _is_clean(file: Path) -> bool:
    """Nothing that was sent along with an image is kept with it."""
    content = file.read_bytes()
    return not any(other in content for other in OTHERS.values())
