"""A model in plain Python, SQLite, PostgreSQL and MariaDB answer alike, whatever is asked in whatever order."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.model.machine import steps_of, walk
from tests.model.places import opened_everywhere
from tests.servers.parts import TEST_ALL


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_all_answer_as_the_model_does(tmp_path: Path) -> None:  # AZ-03, AZ-10, DB-17, IN-10, IN-13, IN-19
    counts = Counter[str]()
    steps = 300 if TEST_ALL else 60  # `make fuzz` walks as far as one likes
    with opened_everywhere(tmp_path, Path(os.environ["TEST_RUN"])) as places:
        walk(places, counts, steps=steps)
    assert steps_of(counts) >= steps
    assert {name for name in counts if name.startswith("answered 2")} == {f"answered {s}" for s in (200, 201, 204)}
