"""What `make parity` asks is all that there is to ask, and its differences are of requests that it sends."""

from roliascan.web.routes import ROUTES
from tests.parity.corpus import corpus
from tests.parity.differences import CHANGES, DIFFERENCES, OFFLINE, reasons
from tests.parity.runtimes import RUNTIMES
from tests.platforms.dozen import Step
from tests.platforms.shapes import Reply


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
        assert any(difference.is_of(name) for name in RUNTIMES)
    assert {change.runtime for change in CHANGES} <= set(RUNTIMES)


def test_a_difference_of_one_kind_of_load_balancer_is_not_one_of_the_other() -> None:
    step = next(step for step in corpus() if step.name == "GET {file}: its tag and another")
    server, other = Reply(304, {}, [], b""), Reply(200, {}, [], b"all of it")
    assert reasons("lambda, alb", step, other, server)
    assert not reasons("lambda, alb multi-value", step, other, server)


def test_a_difference_is_explained_as_a_whole_or_not_at_all() -> None:
    step = Step("a", "GET", "/a", 200)
    server = Reply(200, {"content-type": "application/json", "vary": "Origin"}, [], b"{}")
    changed = {"content-type": "application/json; charset=utf-8", "vary": "Origin,accept-encoding"}
    assert len(reasons(OFFLINE, step, server._replace(headers=changed), server)) == 2
    for other in (
        server._replace(headers=changed, body=b"[]"),
        server._replace(headers=changed, status=204),
        server._replace(headers={**changed, "x-a": "b"}),
        server._replace(headers=changed, cookies=["a=b"]),
        "TimeoutError",
    ):
        assert not reasons(OFFLINE, step, other, server)
    assert not reasons("azure", step, server._replace(headers=changed), server)
