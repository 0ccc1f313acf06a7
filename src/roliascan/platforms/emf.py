"""Metrics within the lines of the log, as CloudWatch reads them: its Embedded Metric Format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

Each metric is paid by the month for each value of a dimension, so there are few, and one dimension: the function.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from roliascan.platforms.counting import counted

NAMESPACE = "RoliaScan"
MILLISECONDS = "ms"
"""Of a request; the number of its samples is that of requests."""
COUNTS = ("errors", "refusals", "coldStarts", "loginsRefused", "databaseFaults", "storageFaults")
"""All in this list and MILLISECONDS are at most ten, which CloudWatch does not charge for."""

Directives = list[dict[str, Any]]


def embedded(function: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """What makes a line count: members for a line that something is counted of, and none for any other."""

    def more(told: Mapping[str, Any]) -> Mapping[str, Any]:
        names = counted(told)
        is_request = told["event"] == "request"
        if not names and not is_request:
            return {}
        metadata = {
            "Timestamp": int(told["time"].timestamp() * 1000),
            "CloudWatchMetrics": _directives(tuple(names), is_request),
        }
        return {"function": function, **dict.fromkeys(names, 1), "_aws": metadata}

    return more


@cache
def _directives(names: tuple[str, ...], is_request: bool) -> Directives:
    metrics = [{"Name": MILLISECONDS, "Unit": "Milliseconds"}] if is_request else []
    metrics += [{"Name": name, "Unit": "Count"} for name in names]
    return [{"Namespace": NAMESPACE, "Dimensions": [["function"]], "Metrics": metrics}]
