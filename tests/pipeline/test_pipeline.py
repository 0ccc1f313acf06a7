"""A small deployment over a running site; the long one, with its times, is `make pipeline-dry-run`."""

from pathlib import Path

import pytest

from roliascan.database import schema
from tests.database import bare
from tests.database.test_migrations import on_some_empty_server
from tests.pipeline import deployment, previous
from tests.servers.parts import TEST_ALL


@on_some_empty_server
@pytest.mark.parametrize("chapters", [0, 2500] if TEST_ALL else [2500])
def test_nobody_notices_a_deployment(empty_database_url: str, tmp_path: Path, chapters: int) -> None:
    """MG-01, MG-04, SL-15: old and new code, before, while and after tables change, and after a roll-back."""
    try:
        outcome = deployment.rehearse(empty_database_url, tmp_path, chapters=chapters, rate=15, seconds=0.5)
    except previous.NotHere as error:
        pytest.skip(str(error))
    for phase in outcome.phases:
        assert phase.failed == phase.refused == 0, (phase.name, phase.statuses)
    assert next(phase.name for phase in outcome.phases if phase.waits) == "old release"
    assert sum(len(phase.waits) for phase in outcome.phases) > 20
    assert outcome.lost == 0
    real = range(previous.release().revision + 1, schema.REVISION + 1)
    assert [step.told.partition(":")[0] for step in outcome.steps] == [*map(str, real), str(schema.REVISION + 1)]
    (counted,) = bare.rows(empty_database_url, "SELECT revision FROM schema_state")[0]
    assert counted > previous.release().revision
