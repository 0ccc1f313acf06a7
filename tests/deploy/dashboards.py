"""Whether what dashboards show is there: each metric, field and event that they name is one that the code writes.

What it writes is what it says when it is asked (speaking.py); what platforms count by themselves is listed here.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from roliascan import errors
from roliascan.platforms.meters import Meters
from roliascan.web import vocabulary
from roliascan.web.routes import ROUTES
from tests.deploy import cloudformation, hcl
from tests.platforms import exposition
from tests.servers import program

LAMBDA = {"Invocations", "Errors", "ConcurrentExecutions"}
"""docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
RUN = {"request_count": {"response_code_class", "response_code"}, "request_latencies": {"response_code_class"}}
"""cloud.google.com/monitoring/api/metrics_gcp_p_z, "run", with labels of theirs."""
TABLES = {"AppRequests", "AppTraces"}
"""learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces, and appreq..."""
AS_COLUMNS = (
    "| extend line = parse_json(Message) | extend event = tostring(line.event), code = tostring(line.code),"
    " route = tostring(line.route), status = toint(line.status) "
)
"""What each question to AppTraces begins with: these of our fields get a type, so that they can be compared."""
NODE = {
    "node_systemd_timer_last_trigger_seconds": {"name"},
    "node_systemd_unit_state": {"name", "state", "type"},
}
"""github.com/prometheus/node_exporter, collector/systemd_linux.go"""
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself adds."""

_COMPARED = re.compile(
    r"\b(event|route|code)\s*(==|=~|=|startswith|in)\s*[\[(]?((?:\s*(?:OR\s*|,\s*)?(?:'[^']*'|\"[^\"]*\"))+)"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_INSIGHTS = {
    *("filter", "and", "or", "in", "stats", "count", "by", "sort", "desc", "asc", "limit", "fields", "pct", "as")
}
_PROMQL = {
    *("sum", "rate", "increase", "histogram_quantile", "topk", "time", "changes", "max", "by"),
    *("on", "and", "or", "unless", "offset"),
}
_GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
_INCREASE = re.compile(r"\bincrease\(((\w+)\{[^}]*\})\[")

Findings = Iterator[str]


class Said(NamedTuple):
    """Of one platform: fields of its lines by event, and the metrics in them with their dimensions."""

    fields: Mapping[str, set[str]]
    metrics: Mapping[str, set[str]]


@cache
def said() -> Mapping[str, Said]:
    """By platform; and as `scrape` what a server's metrics are, with their labels."""
    with tempfile.TemporaryDirectory(prefix="roliascan-") as folder:
        told = subprocess.run(
            [sys.executable, "-m", "tests.deploy.speaking", folder],
            cwd=program.PROJECT,
            env=program.environment({"TEST_RUN": folder}),
            capture_output=True,
            text=True,
            check=True,
        )
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    platforms = {name for name, _ in lines} - {"scrape"}
    found = {name: _said([line for platform, line in lines if platform == name]) for name in platforms}
    (text,) = (line for platform, line in lines if platform == "scrape")
    metrics: dict[str, set[str]] = {}
    for name, labels in exposition.read(text):
        metrics.setdefault(name, set()).update(label for label, _ in labels)
    return found | {"scrape": Said({}, metrics)}


def _said(lines: Iterable[Mapping[str, Any]]) -> Said:
    fields, metrics = dict[str, set[str]](), dict[str, set[str]]()
    for line in lines:
        fields.setdefault(line["event"], set()).update(line)
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for one in directive["Metrics"]:
                metrics.setdefault(one["Name"], set()).update(*directive["Dimensions"])
    return Said(fields, metrics)


def wrong(deploy: Path) -> list[str]:
    return [f"{name}: {told}" for name, judge in READERS.items() for told in judge(deploy)]


def cloudwatch(deploy: Path) -> Findings:
    text = (deploy / "cloudwatch" / "dashboard.json.tmpl").read_text()
    aws, shown = said()["aws"], set()
    for widget in json.loads(re.sub(r"\$\{(\w+)\}", r"\1", text))["widgets"]:
        of = widget["properties"]
        for space, name, dimension, *_ in of.get("metrics", []):
            shown.add(name)
            if not _is_written(space, name, dimension):
                yield f"nobody writes the metric {space} {name} by {dimension}"
        if "query" in of:
            words = set(re.findall(r"(?<![@\w])[a-zA-Z_]\w*", _QUOTED.sub("", of["query"])))
            named = set(re.findall(r" as (\w+)", of["query"])) | {"Sources"}
            yield from _compared(of["query"], words - _INSIGHTS - named, aws)
    yield from (f"nobody sees the metric {name}" for name in sorted(set(aws.metrics) - shown))
    sam = cloudformation.load(deploy / "sam" / "template.yaml")["Resources"]["Dashboard"]["Properties"]
    if sam["DashboardBody"]["Fn::Sub"][0] != text:
        yield "SAM's is another"


def alarms(deploy: Path) -> Findings:
    """Of AWS; what is alarmed of is a metric as well."""
    terraform = hcl.Module(deploy / "terraform" / "aws").resource["aws_cloudwatch_metric_alarm"]
    named = [
        (f"terraform {name}", one["namespace"], one["metric_name"], *one["dimensions"])
        for name, one in terraform.items()
    ]
    for file in ("sam/template.yaml", "serverless/resources/alarms-on.yml"):
        for name, resource in cloudformation.load(deploy / file)["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                of = resource["Properties"]
                named.append((f"{file} {name}", of["Namespace"], of["MetricName"], of["Dimensions"][0]["Name"]))
    for where, space, name, dimension in named:
        if not _is_written(space, name, dimension):
            yield f"{where}: nobody writes the metric {space} {name} by {dimension}"


def _is_written(space: str, name: str, dimension: str) -> bool:
    if space == "AWS/Lambda":
        return dimension == "FunctionName" and name in LAMBDA
    return space == "RoliaScan" and dimension in said()["aws"].metrics.get(name, ())


def google(deploy: Path) -> Findings:
    folder = deploy / "terraform" / "google"
    counted: Mapping[str, Any] = hcl.Module(folder).names["local.counted"]
    for name, one in counted.items():
        asked = one["filter"].replace('\\"', '"')
        fields = {*re.findall(r"jsonPayload\.(\w+)", asked), *one["labels"]}
        yield from (f"{name}: {told}" for told in _compared(asked, fields, said()["google"]))
    text = (folder / "dashboard.json.tmpl").read_text().replace("$${", "{").replace("${Name}", "Name")
    shown = set()
    for part in _within(json.loads(text), "timeSeriesFilter"):
        (metric,) = re.findall(r'metric\.type="([^"]*)"', part["filter"])
        name = metric.rpartition("/")[2].removeprefix("Name-")
        shown.add(name)
        labels = RUN.get(name) if metric.startswith("run.googleapis.com/") else counted.get(name, {}).get("labels")
        if labels is None:
            yield f"nobody writes the metric {metric}"
        for label in re.findall(r"metric\.labels?\.(\w+)", str(part)):
            if label not in (labels or ()):
                yield f"{metric} has no label {label}"
    yield from (f"nobody sees the metric {name}" for name in sorted(set(counted) - shown))


def azure(deploy: Path) -> Findings:
    text = (deploy / "terraform" / "azure" / "dashboard.json.tmpl").read_text()
    for query in _within(json.loads(text), "query"):
        table = query.split(" ")[0]
        if table not in TABLES:
            yield f"there is no table {table}"
        *_, asked = query.partition(AS_COLUMNS)
        if table == "AppTraces" and not asked:
            yield f"it does not begin as the others: {query}"
        columns = set(re.findall(r"\w+", _QUOTED.sub("", asked))) & {"event", "code", "route", "status"}
        yield from _compared(asked, columns | set(re.findall(r"\bline\.(\w+)", asked)), said()["azure"])


def grafana(deploy: Path) -> Findings:
    ours = said()["scrape"].metrics
    shown = set()
    for asked in _within(json.loads((deploy / "grafana" / "dashboard.json").read_text()), "expr"):
        yield from _first_unseen(asked)
        grouped = {one for listed in _GROUPED.findall(asked) for one in listed.split(", ")}
        plain = re.sub(r"\[[^\]]*\]|\{[^}]*\}|\$\w+", "", _GROUPED.sub("", asked))
        names = set(re.findall(r"[a-z_]\w*", plain)) - _PROMQL
        shown |= names
        known = {**ours, **NODE}
        yield from (f"nobody writes the metric {name}" for name in sorted(names - set(known)))
        labels = set.union(SCRAPED, *(known.get(name, set()) for name in names))
        matched = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', asked))
        yield from (f"no metric here has the label {label}: {asked}" for label in sorted((grouped | matched) - labels))
    yield from (f"nobody sees the metric {name}" for name in sorted(set(ours) - shown))


def _first_unseen(asked: str) -> Findings:
    """A series that begins with what it counts has not increased then: it is new, where it was not before."""
    from_the_start = {name for name, _ in exposition.read(Meters().text().decode())}
    for series, name in _INCREASE.findall(asked):
        if name not in from_the_start and f"{series} unless {series} offset" not in asked:
            yield f"the first one that {name} counts is not seen: {asked}"


def _compared(query: str, fields: set[str], written: Said) -> Findings:
    """What a query asks of lines: fields, and values of those that have few."""
    named = {value for field, _, value in _values(query) if field == "event"} & set(written.fields)
    there = set[str]().union(*(written.fields[event] for event in named or written.fields))
    yield from (f"nobody writes the field {name}: {query}" for name in sorted(fields - there))
    values = {"event": set(written.fields), "route": {route.path for route in ROUTES}, "code": _codes(errors.Refusal)}
    for field, how, value in _values(query):
        begins = how in ("=~", "startswith")
        if not any(one.startswith(value) if begins else one == value for one in values[field]):
            yield f"no line has the {field} {value}: {query}"


def _values(query: str) -> Iterator[tuple[str, str, str]]:
    """What it compares: a field, how, and with what."""
    for field, how, listed in _COMPARED.findall(query):
        yield from ((field, how, one[1:-1].lstrip("^")) for one in _QUOTED.findall(listed))


def _codes(refusal: type[errors.Refusal]) -> set[str]:
    assert vocabulary.NOT_NOW  # which loads every module that has some
    return {refusal.code}.union(*map(_codes, refusal.__subclasses__()))


def _within(value: Any, key: str) -> Iterator[Any]:
    """What stands under a key, however deep."""
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name == key:
            yield one
        yield from _within(one, key)


READERS: dict[str, Callable[[Path], Findings]] = {
    "cloudwatch": cloudwatch,
    "alarms": alarms,
    "google": google,
    "azure": azure,
    "grafana": grafana,
}
