"""A small deployment over a running site; the long one, with its times, is `make pipeline-dry-run`."""

import os
from pathlib import Path

import pytest

from tests.database import bare
from tests.database.test_migrations import on_empty_postgresql, on_empty_servers
from tests.pipeline import deployment, previous

on_some = on_empty_servers if os.environ.get("TEST_ALL") == "1" else on_empty_postgresql


@on_some
def test_nobody_notices_a_deployment(empty_database_url: str, tmp_path: Path) -> None:
    """MG-04, SL-15: old and new code, before, while and after tables change under them, and after a roll-back."""
    try:
        outcome = deployment.rehearse(empty_database_url, tmp_path, chapters=2500, rate=15, seconds=0.5)
    except previous.NotHere as error:
        pytest.skip(str(error))
    for phase in outcome.phases:
        assert phase.failed == phase.refused == 0, (phase.name, phase.statuses)
    assert next(phase.name for phase in outcome.phases if phase.waits) == "old release"
    assert sum(len(phase.waits) for phase in outcome.phases) > 20
    assert outcome.lost == 0
    assert outcome.told, "nothing was migrated"
    (counted,) = bare.rows(empty_database_url, "SELECT revision FROM schema_state")[0]
    assert counted > previous.release().revision
