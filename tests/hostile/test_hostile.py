"""`roliascan import` of whatever is hostile: refused by name, in little time and memory, and nothing of it is kept."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile import examining
from tests.hostile.cases import ARCHIVES, PAGES, Case, in_short

PATIENCE = 5  # with a processor that is busy: 10 s; the longest takes 0.2 s


def test_there_are_enough() -> None:
    assert len({case.name for case in ARCHIVES if case.group == "archives that lie"}) >= 60
    assert len({(case.group, case.name) for case in ARCHIVES + PAGES}) == len(ARCHIVES) + len(PAGES)


@pytest.mark.parametrize("cases", [ARCHIVES, PAGES], ids=["archives", "pages"])
def test_what_is_hostile_is_refused_at_little_cost_and_leaves_nothing(
    cases: list[Case], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:  # UP-02 to UP-08, UP-11, UP-13
    """All of it, but for nine of ten cuts, which `make fuzz` takes too."""
    tallies = examining.examine(in_short(cases), Path(os.environ["TEST_RUN"]), tmp_path, patience=PATIENCE)
    for tally in tallies:
        record_property("told", f"  {tally}")
    assert [line for tally in tallies for line in tally.wrong] == []
