"""`make contract`: what the contract asks, of each storage, as one table. Ends with 1 unless all of it was answered.

What is printed are the results of the tests of this run: test_contract.py, and every other use of a ticket.
"""

import os
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from typing import Any

import pytest

os.environ["TEST_ALL"] = "1"  # every storage for every behaviour; read when the tests are imported

from tests.storage.backends import BACKENDS

HERE = os.path.dirname(__file__)
TICKETS = "test_whatever_else_a_ticket_is_used_for_is_refused"
ASKED = [
    f"{HERE}/test_contract.py",
    *(f"{HERE}/test_{name}.py::{TICKETS}" for name in ("s3_uploads", "cloud_uploads", "uploadthing_uploads")),
]
_ROW = "{:<60}" + "{:>16}" * len(BACKENDS)
_NAMES = ("storage", "quick_storage", "url")


class Outcomes:
    """A plugin of pytest: what became of each behaviour on each storage, and who refused each use of a ticket."""

    def __init__(self) -> None:
        self._backends: dict[str, str] = {}
        self.behaviours: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.tickets: dict[str, dict[str, str]] = defaultdict(dict)
        self.failures: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _is_asked(_params(item))]
        for item in items:
            named = [_params(item)[name] for name in _NAMES if name in _params(item)]
            self._backends[item.nodeid] = named[0] if named else item.path.stem.split("_")[1]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        backend = self._backends[report.nodeid]
        name = report.nodeid.partition("::")[2].partition("[")[0]
        if name == TICKETS:
            self.tickets |= {use: {**self.tickets[use], backend: who} for use, who in _told(report)}
        if name != TICKETS or not report.passed:
            self.behaviours[name][backend].append(report.outcome)
        if report.failed:
            self.failures.append(f"{report.nodeid}\n{report.longreprtext}")


def _is_asked(params: dict[str, Any]) -> bool:
    """Of a storage, and on one kind of database."""
    return {*_NAMES, "site_url"} & set(params) != set() and params.get("site_url", "sqlite") == "sqlite"


def _params(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _told(report: pytest.TestReport) -> list[tuple[str, str]]:
    return [value for name, value in report.user_properties if name == "ticket"]  # type: ignore[misc]


def main() -> int:
    outcomes = Outcomes()
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        ended = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *ASKED], plugins=[outcomes])
    print(*_table(outcomes), *outcomes.failures, sep="\n")
    lacking = [told for row in outcomes.behaviours.values() for told in row.values() if "skipped" in told]
    return 1 if ended or lacking else 0


def _table(outcomes: Outcomes) -> list[str]:
    titles = [backend.title for backend in BACKENDS.values()]
    lines = [_ROW.format("behaviour", *titles), ""]
    for name, row in outcomes.behaviours.items():
        words = name.removeprefix("test_").replace("_", " ")
        lines.append(_ROW.format(words[:59], *(_cell(row.get(backend, [])) for backend in BACKENDS)))
    lines += ["", _ROW.format("a ticket used for ... is refused by", *titles), ""]
    for use, who in outcomes.tickets.items():
        lines.append(_ROW.format(use, *(" ".join(who.get(backend, "-").split()[:2]) for backend in BACKENDS)))
    lines += [
        "",
        "A number counts the cases of a behaviour; - does not apply: memory and local leave tickets to the app.",
        "",
    ]
    lines += [f"{one.title}: {one.at}. Not proven: {one.unproven}." for one in BACKENDS.values()]
    return lines


def _cell(told: list[str]) -> str:
    if not told:
        return "-"
    if wrong := [outcome for outcome in told if outcome != "passed"]:
        return f"{wrong[0]} {len(wrong)}/{len(told)}"
    return "passed" if len(told) == 1 else f"passed {len(told)}"


if __name__ == "__main__":
    sys.exit(main())
