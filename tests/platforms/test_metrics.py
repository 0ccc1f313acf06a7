"""What is counted, and how platforms are told: CloudWatch and Cloud Logging in the log, Prometheus when it asks."""

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from roliascan.platforms import aws_lambda, aws_lambda_direct, emf, lines, migrating, start, sweeping
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.counting import counted
from roliascan.platforms.meters import BOUNDS_S, Meters
from roliascan.platforms.scraping import scraped
from roliascan.web import logs
from roliascan.web.routes import ROUTES
from tests.platforms import clients, exposition, sites
from tests.platforms.encoding import Context
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Request, http_api_event
from tests.platforms.sites import Site

API = "/api/v1"
TOKEN = "0123456789abcdef" * 4
LOGIN = Request(
    "POST", f"{API}/auth/login", {"Content-Type": "application/json"}, b'{"login": "keeper", "password": "wrong one"}'
)


@pytest.fixture(autouse=True)
def _a_log_of_its_own() -> Iterator[None]:
    yield
    logs.tell([])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("metrics") / "site")


@pytest.fixture
def emf_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    environ = {**site.environ, "METRICS": "emf", "AWS_LAMBDA_FUNCTION_NAME": "comics-web", "ALLOW_EPHEMERAL": "on"}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(lines, "_cold", iter(({"cold": True},)))
    return environ


def asked(*requests: Request) -> None:
    running = start.Once(start.build)
    handler = handler_of(running)
    for request in requests:
        handler(http_api_event(request), Context())
    running.forget()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def sent(line: dict[str, Any]) -> dict[str, float]:
    """The metrics that CloudWatch takes from a line, by its specification: what is no such line raises."""
    metadata = line["_aws"]
    assert set(metadata) == {"Timestamp", "CloudWatchMetrics"}
    assert metadata["Timestamp"] == int(datetime.fromisoformat(line["time"]).timestamp() * 1000)
    (directive,) = metadata["CloudWatchMetrics"]
    assert directive["Namespace"] == "RoliaScan"
    ((dimension,),) = directive["Dimensions"]
    assert isinstance(line[dimension], str)
    assert {one["Unit"] for one in directive["Metrics"]} <= {"Count", "Milliseconds"}
    found = {one["Name"]: line[one["Name"]] for one in directive["Metrics"]}
    assert all(type(value) in (int, float) for value in found.values())
    return found


def test_a_line_counts_what_it_tells(emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    asked(Request("GET", f"{API}/series"), Request("GET", f"{API}/nothing"), LOGIN)
    first, second, third = (line for line in logged(capsys) if line["event"] == "request")
    assert sent(first) == {"ms": first["ms"], "coldStarts": 1}
    assert (first["function"], first["cold"], first["status"]) == ("comics-web", True, 200)
    assert sent(second) == {"ms": second["ms"], "refusals": 1}
    assert second["code"] == "not_found"
    assert sent(third) == {"ms": third["ms"], "refusals": 1, "loginsRefused": 1}


def test_so_does_the_function_without_the_framework(
    emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    direct = start.Once(aws_lambda_direct.build)
    for path in (f"{API}/series", "/health"):
        handler_of(direct)(http_api_event(Request("GET", path)), Context())
    direct.forget()
    served, refused = logged(capsys)
    assert sent(served) == {"ms": served["ms"], "coldStarts": 1}
    assert (sent(refused), refused["code"]) == ({"ms": 0, "refusals": 1}, "not_served_here")


def test_an_old_reader_of_a_line_finds_what_it_knows(
    emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked(Request("GET", f"{API}/series"))
    with_metrics = logged(capsys)[-1]
    emf_site["METRICS"] = "off"
    asked(Request("GET", f"{API}/series"))
    without = logged(capsys)[-1]
    assert [*with_metrics][: len(without)] == [*without]
    assert set(with_metrics) - set(without) == {"cold", "function", "coldStarts", "_aws"}


@pytest.mark.parametrize(
    ("url", "name"), [("postgresql://a:b@127.0.0.1:1/a", "databaseFaults"), ("wrong://", "errors")]
)
def test_faults(url: str, name: str, emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    emf_site["DATABASE_URL"] = url
    asked(Request("GET", f"{API}/series"))
    counts = [sent(line) for line in logged(capsys) if "_aws" in line]
    assert sum(one.get("errors", 0) for one in counts) == 1
    assert sum(one.get(name, 0) for one in counts) == 1


def test_a_sweep_counts_its_faults(emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of runs and failures Lambda has metrics of its own, which cost nothing."""
    emf_site["DATABASE_URL"] = "postgresql://a:b@127.0.0.1:1/a"
    with pytest.raises(sweeping.SweepFailed):
        aws_lambda.handler(recorded("schedule"), Context())
    (line,) = logged(capsys)
    assert (line["event"], line["code"]) == ("sweep failed", "database_unreachable")
    assert sent(line) == {"databaseFaults": 1}


def test_a_fault_of_the_storage_is_counted_once() -> None:
    def counts(event: str, **more: Any) -> list[str]:
        return counted({"event": event, **more})

    request = {"status": 503, "route": "/uploads/{key:path}"}
    assert counts("fault", code="storage_unavailable", fault="SlowDown") == ["storageFaults"]
    assert counts("request", code="storage_unavailable", **request) == ["errors"]
    assert counts("request", code="storage_full", **request) == ["errors", "storageFaults"]
    assert counts("sweep failed", code="storage_unavailable", fault="SlowDown") == ["storageFaults"]


def test_a_cold_start_may_fail() -> None:
    failed = {"event": "request", "status": 503, "route": "", "code": "database_unreachable", "cold": True}
    assert counted(failed) == ["errors", "coldStarts", "databaseFaults"]


def test_an_app_that_raises_or_cannot_be_built_is_an_error(
    emf_site: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    start.settings()

    def broken(*_: Any) -> Any:
        raise TypeError

    for get in (lambda: broken, broken):
        handler_of(get)(http_api_event(Request("GET", "/")), Context())
    first, second = logged(capsys)
    assert [(line["event"], line["status"]) for line in (first, second)] == [("crash", 500), ("crash", 503)]
    assert [line["code"] for line in (first, second)] == ["internal", "not_started"]
    assert (sent(first), sent(second)) == ({"errors": 1}, {"errors": 1})


def test_a_crash_whose_request_has_a_line_is_counted_once() -> None:
    assert counted({"event": "crash"}) == []
    assert counted({"event": "request", "status": 500, "route": ""}) == ["errors"]


def test_all_metrics_of_a_function_are_free_of_charge() -> None:
    assert len({emf.MILLISECONDS, *emf.COUNTS}) <= 10


def test_other_lines_are_as_they_were(emf_site: dict[str, str]) -> None:
    start.settings()
    assert set(json.loads(logs.line("info", "swept", seriesPublished=1))) == {
        *("time", "level", "event", "seriesPublished")
    }


def test_the_log_of_google(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = {**site.environ, "K_SERVICE": "web", "GOOGLE_CLOUD_PROJECT": "comics", "ALLOW_EPHEMERAL": "on"}
    monkeypatch.setattr(os, "environ", told)
    start.settings()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for status, request_id in ((200, trace), (503, "no-trace"), (404, "é" * 32)):
        logs.log_request(request_id=request_id, method="GET", path="/", status=status, ms=0)
    logs.log("warning", "fault")
    written = logged(capsys)
    assert [line["severity"] for line in written] == ["INFO", "ERROR", "INFO", "WARNING"]
    assert [line.get("logging.googleapis.com/trace") for line in written] == [
        f"projects/comics/traces/{trace}",
        *(None, None, None),
    ]


def test_google_is_told_why_nothing_starts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "environ", {"K_SERVICE": "web"})
    running = start.Once(start.build)
    handler_of(running)(http_api_event(Request("GET", "/")), Context())
    (line,) = logged(capsys)
    assert (line["event"], line["severity"]) == ("not started", "ERROR")


def test_google_is_told_how_a_migration_went(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {"K_SERVICE": "migrations", "METRICS": "emf"})
    with pytest.raises(migrating.MigrationFailed):
        migrating.run()
    (line,) = logged(capsys)
    assert (line["event"], line["severity"]) == ("migration failed", "ERROR")


def test_a_process_is_cold_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lines, "_cold", iter(({"cold": True},)))
    for marker in ("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME"):
        logs.tell(lines.wanted({marker: "x"}))  # as when an app is built anew
        logs.log("info", "swept")
        logs.log_request(request_id="", method="GET", path="/", status=200, ms=0)
    assert [line.get("cold") for line in logged(capsys)] == [None, True, None, None, None, None]
    assert lines.wanted({}) == []


def test_these_settings_may_have_spaces_around_as_all_may() -> None:
    told = {"event": "request", "level": "info", "status": 200, "time": datetime.now(UTC), "requestId": "a" * 32}
    (metrics,) = lines.wanted({"METRICS": " emf\n"})
    assert "_aws" in metrics(told)
    google = lines.wanted({"K_SERVICE": "web", "GOOGLE_CLOUD_PROJECT": " comics "})[-1]
    assert google(told)["logging.googleapis.com/trace"] == f"projects/comics/traces/{'a' * 32}"


def test_a_server_is_scraped_by_who_has_the_token(site: Site, start_server: Callable[..., str]) -> None:
    address = start_server({**site.environ, "METRICS_TOKEN": TOKEN})
    for request in (Request("GET", f"{API}/series"), Request("GET", f"{API}/secret-name"), LOGIN):
        clients.send(address, request)
    reply = clients.send(address, Request("GET", "/metrics", {"Authorization": f"Bearer {TOKEN}"}))
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    found = exposition.read(text)
    ok = {"method": "GET", "route": f"{API}/series", "status": "2xx"}
    assert found["roliascan_requests_total", frozenset(ok.items())] == 1
    assert found["roliascan_requests_total", frozenset({**ok, "route": "", "status": "4xx"}.items())] == 1
    assert found["roliascan_request_seconds_count", frozenset({("route", f"{API}/series")})] == 1
    assert found["roliascan_logins_refused_total", frozenset()] == 1
    assert found["roliascan_faults_total", frozenset({("of", "storage")})] == 0
    assert found["process_resident_memory_bytes", frozenset()] > 1_000_000
    assert "secret-name" not in text
    assert "127.0.0" not in text


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": TOKEN}, {"Authorization": "Bearer \xe9"}],
)
def test_to_anybody_else_there_is_no_such_address(
    headers: dict[str, str], site: Site, start_server: Callable[..., str]
) -> None:
    address = start_server({**site.environ, "METRICS_TOKEN": TOKEN})
    without = start_server(site.environ)
    told = [
        json.loads(clients.send(where, Request("GET", path, headers)).body)
        for where, path in ((address, "/metrics"), (without, "/metrics"), (address, "/nothing"))
    ]
    for one in told:
        del one["requestId"]
    assert told[0] == told[1] == told[2]
    assert told[0]["code"] == "not_found"


def test_a_header_in_any_letters_is_no_token() -> None:
    asked = []

    def app(environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        asked.append(environ["HTTP_AUTHORIZATION"])
        return []

    guarded = scraped(app, Meters(), TOKEN)
    for sent_ in ("Bearer \xe9", "Bearer \u20ac", ""):
        guarded({"PATH_INFO": "/metrics", "REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": sent_}, lambda *_: len)
    assert len(asked) == 3


def test_what_clients_send_makes_no_series() -> None:
    meters = Meters()
    for number in range(1000):
        request = {"event": "request", "route": "", "status": 404, "ms": 0.1, "method": f"M{number}"}
        meters.count({**request, "path": f"/{number}", "client": f"192.0.2.{number}"})
    assert len([line for line in meters.text().decode().splitlines() if "requests_total{" in line]) == 1


def test_threads_lose_nothing() -> None:
    meters = Meters()
    one = {"event": "request", "status": 200, "ms": 3.0, "method": "GET"}

    def count() -> None:
        for number in range(4000):
            meters.count({**one, "route": "/a"})
            meters.count({**one, "route": f"/{number}"})

    threads = [threading.Thread(target=count, daemon=True) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            exposition.read(meters.text().decode())
    finally:
        sys.setswitchinterval(before)
    found = exposition.read(meters.text().decode())
    assert found["roliascan_request_seconds_count", frozenset({("route", "/a")})] == 16000
    assert found["roliascan_request_seconds_sum", frozenset({("route", "/a")})] == pytest.approx(48)


def test_a_bound_belongs_to_its_bucket() -> None:
    meters = Meters()
    for ms in (1.0, 1.1, 20_000):
        meters.count({"event": "request", "route": "/a", "status": 200, "ms": ms, "method": "GET"})
    found = exposition.read(meters.text().decode())
    counts = [
        found["roliascan_request_seconds_bucket", frozenset({("route", "/a"), ("le", bound)})]
        for bound in (*map(str, BOUNDS_S), "+Inf")
    ]
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (1, 2, 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "a 1",
        "# TYPE a counter\na 1\n",
        "# TYPE a_total counter\na_total 1\na_total 2\n",
        "# TYPE a gauge\na{b=c} 1\n",
        '# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
        "# TYPE a gauge\nb 1\n",
    ],
)
def test_the_reader_of_the_text_is_strict(text: str) -> None:
    with pytest.raises(AssertionError):
        exposition.read(text)


def test_every_label_is_a_word_of_ours() -> None:
    assert not [route.path for route in ROUTES if re.search(r'["\\\n]', route.path)]
