"""Killed at any moment, a server keeps what it has answered for. The long run is `make faults`."""

from pathlib import Path

from tests.faults import runs


def test_what_was_answered_outlives_a_kill(site_url: str, tmp_path: Path) -> None:  # SL-01
    tally = runs.killed(site_url, tmp_path, end=runs.kill, kills=2, seed=1, told=print)
    assert tally.violations == []
    assert tally.kills == 2
    assert tally.acknowledged > 0
    assert tally.unknown > 0
    assert tally.pages > 0
