"""The corpus, asked of our own adapter; `make conformance` asks others too."""

import pytest

from tests.conformance.adapters import OURS
from tests.conformance.probes import PROBES, Asker, Probe


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.lines} {probe.name}")
def test_ours_conforms(probe: Probe) -> None:
    probe.ask(Asker(OURS))
