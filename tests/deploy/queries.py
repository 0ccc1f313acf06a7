"""What Grafana's dashboard asks, answered by Prometheus' own engine: `promtool test rules`, of series made up here."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deploy import tree

WINDOW = "2m0s"
"""As Grafana writes $__rate_interval where a scrape comes each 30 s."""
_COUNTED = "increase(roliascan_requests_total{"
_SERVER = 'job="roliascan",instance="a"'
_STARTED = f"process_start_time_seconds{{{_SERVER}}}"
_ROUTE = 'method="GET",route="/a",status="5xx"'
_ERRORS = f"roliascan_requests_total{{{_SERVER},{_ROUTE}}}"
MADE_UP: dict[str, tuple[dict[str, str], dict[str, float]]] = {
    "the first error of a route is counted": (
        {_STARTED: "100+0x40", _ERRORS: "_x20 1+0x19"},
        {"9m30s": 0, "10m": 1, "11m30s": 1, "12m": 0},
    ),
    "those after it are": (
        {_STARTED: "100+0x40", _ERRORS: "_x20 2+0x9 3+0x9"},
        {"11m30s": 2, "12m": 0, "15m30s": 1, "18m": 0},
    ),
    "those that were before Prometheus came are not": (
        {_STARTED: "_x20 100+0x19", _ERRORS: "_x20 500+0x19"},
        {"10m": 0, "11m30s": 0, "12m": 0, "14m": 0},
    ),
    "nor again when it was away": (
        {_STARTED: "100+0x9 _x20 100+0x9", _ERRORS: "500+0x9 _x20 500+0x9"},
        {"4m": 0, "15m": 0, "16m30s": 0, "17m": 0, "19m": 0},
    ),
    "after a restart it begins anew": (
        {_STARTED: "100+0x19 stale 630+0x19", _ERRORS: "7+0x19 stale _x3 1+0x16"},
        {"9m": 0, "12m30s": 1, "13m30s": 1, "15m": 0},
    ),
}
"""Samples of each series, 30 s apart, and how many errors are shown when."""


def promtool() -> Path | None:
    return tree.installed("promtool")


def wrong(deploy: Path) -> list[str]:
    """Each panel that counts requests, asked of errors that the server had or had not."""
    text = (deploy / "grafana" / "dashboard.json").read_text()
    panels = [panel for panel in json.loads(text)["panels"] if _COUNTED in str(panel)]
    if not panels:
        return ["no panel counts requests"]
    told = []
    for panel in panels:
        (target,) = panel["targets"]
        of_errors = target["expr"].replace('status="4xx"', 'status="5xx"')
        asked = f"sum({of_errors.replace('$__rate_interval', WINDOW)}) or vector(0)"
        told += [f"{panel['title']}: {one}" for one in _asked(asked)]
    return told


def _asked(asked: str) -> Iterator[str]:
    for name, (series, shown) in MADE_UP.items():
        test = {
            "interval": "30s",
            "input_series": [{"series": one, "values": values} for one, values in series.items()],
            "promql_expr_test": [
                {"expr": asked, "eval_time": at, "exp_samples": [{"labels": "{}", "value": errors}]}
                for at, errors in shown.items()
            ],
        }
        with TemporaryDirectory(prefix="promtool-") as folder:
            file = Path(folder, "test.json")
            file.write_text(json.dumps({"tests": [test]}))
            status, printed = tree.run([str(promtool()), "test", "rules", str(file)], Path(folder))
        if status:
            yield f"not so: {name}\n{printed}"
