"""Whatever is asked, by anybody: an answer that the OpenAPI document promises, and never a mistake of ours.

The short form of what `make fuzz` does with schemathesis, which is too heavy for every run.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roliascan.web import openapi
from tests.front import Asker, File, Site
from tests.fuzz.ground import ROLES, Ground
from tests.fuzz.inputs import request
from tests.web.promises import Promises

TENDED_EVERY = 50


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "stranger")
def test_every_answer_is_one_of_those_promised(site: Site, role: str) -> None:  # IN-01, IN-07, IN-12, AZ-05
    document, promises, ground = openapi.document(), Promises(openapi.document()), Ground(site, role)
    operations = {one.name: one for one in promises.operations}
    seen = Counter[int]()

    @settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def ask(data: Any) -> None:
        if sum(seen.values()) % TENDED_EVERY == 0:
            ground.tend()
        operation = operations[data.draw(st.sampled_from(sorted(operations)))]
        path, asked = request(data.draw, operation, document, ground)
        answer = _ask(ground.asker, operation.method, path, asked)
        seen[answer.status_code] += 1
        promises.check(operation.method, path, answer)
        if role and operation.name in {"accounts_logout", "accounts_change"}:
            ground.revive()

    ask()
    assert sum(seen.values()) >= 150
    assert seen[200] + seen[201] + seen[204] >= 5, seen  # a stranger may do little


def _ask(asker: Asker, method: str, path: str, asked: dict[str, Any]) -> Any:
    sent = dict(asked)
    if "form" in sent:
        files = [File(field, data) for field, data in sent.pop("form").items()]
        return asker.send(path, *files, method=method, **sent)
    return asker.ask(method, path, **sent)
