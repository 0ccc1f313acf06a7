"""What `make parity` asks is all that there is to ask, and its differences are of requests that it sends."""

from roliascan.web.routes import ROUTES
from tests.parity.corpus import corpus
from tests.parity.differences import DIFFERENCES
from tests.parity.runtimes import RUNTIMES


def test_every_route_is_asked_by_strangers_and_by_somebody_who_may() -> None:
    steps = corpus()
    assert len(steps) >= 300
    for route in ROUTES:
        literal = route.path.partition("{")[0]
        asked = [step for step in steps if step.method == route.method and step.target.startswith(literal)]
        assert any("Authorization" not in step.headers for step in asked), route
        assert any("{admin_token}" in step.headers.get("Authorization", "") for step in asked), route


def test_differences_are_of_what_is_asked() -> None:
    names = {step.name for step in corpus()}
    for difference in DIFFERENCES:
        assert names.issuperset(difference.steps)
        assert any(name.startswith(difference.runtime) for name in RUNTIMES)
