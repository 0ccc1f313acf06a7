"""When traces leave, and what a collector costs that does not take them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roliascan import tracing
from roliascan.platforms import aws_lambda_direct, azure_functions, requests, start, sweeping
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.start import Running
from roliascan.settings import BadSettings, Settings
from roliascan.storage import UnknownStorage
from roliascan.tracing import exporting
from tests.platforms import clients, encoding, processes, shapes, sites
from tests.platforms.processes import alive, soon
from tests.platforms.shapes import Request, http_api_event
from tests.platforms.test_time_left import Context
from tests.servers import program
from tests.servers.collector import INTERNAL, SERVER, Collector
from tests.tracing.conftest import OF_A_FUNCTION, SECRET
from tests.tracing.test_requests import API, FROM_A_PROXY, TRACE, Site

LIST = Request("GET", f"{API}/series")
CHUNKED = Request("POST", f"{API}/series", {"Transfer-Encoding": "chunked"}, b"{}")
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "30"}
SERVE = [str(Path(sys.executable).with_name("roliascan")), "serve"]


def names(collected: Collector) -> list[str]:
    return [span.name for span in collected.spans if span.kind == SERVER]


# Functions: before the answer.


@pytest.mark.parametrize("build", [start.build, aws_lambda_direct.build], ids=["whole", "direct"])
def test_lambda_exports_before_its_answer(
    build: Callable[[], Running], running: Callable[..., Running], sqlite_url: str, collected: Collector
) -> None:
    running(sqlite_url)
    get = start.Once(build)
    handler = handler_of(get, forget=get.forget)
    for turn in (1, 2):
        assert handler(http_api_event(LIST), Context(30))["statusCode"] == 200
        assert names(collected) == [f"GET {API}/series"] * turn
    assert handler(http_api_event(Request("GET", f"{API}/nothing")), Context(30))["statusCode"] in {404, 421}
    assert names(collected)[2:] == ["GET"]
    get.forget()


def test_azure_does(running: Callable[..., Running], sqlite_url: str, collected: Collector) -> None:
    web = azure_functions.function_of(lambda: running(sqlite_url).app)
    told = web(shapes.azure_request(Request("GET", f"{API}/series", FROM_A_PROXY)), encoding.Context())  # type: ignore[arg-type]
    assert told.status_code == 200
    request = collected.one(f"GET {API}/series")
    assert request.attributes["roliascan.request_id"] == encoding.Context.invocation_id
    assert (request.parent, request.trace == TRACE) == ("", False)


def test_google_does_and_continues_what_its_front_end_passes(
    start_google: Callable[..., str], sqlite_url: str, collected: Collector, tmp_path: Path
) -> None:
    source = tmp_path / "main.py"
    source.write_text(
        "from roliascan.platforms.google_functions import web\n"
        "from roliascan.tracing import exporting\n"
        "exporting.WITHIN_S = 30\n"
    )
    environ = OF_A_FUNCTION | {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.address, "DATABASE_URL": sqlite_url}
    del environ["AWS_LAMBDA_FUNCTION_NAME"]
    address = start_google(source, "web", environ)
    collected.forget()
    assert clients.send(address, Request("GET", f"{API}/series", FROM_A_PROXY)).status == 200
    request = collected.one(f"GET {API}/series")
    assert (request.trace, request.attributes["roliascan.request_id"]) == (TRACE, TRACE)
    assert clients.send(address, CHUNKED).status == 411
    assert collected.one("POST").attributes["error.type"] == "length_required"


def test_a_sweep_is_a_trace(running: Callable[..., Running], sqlite_url: str, collected: Collector) -> None:
    running(sqlite_url)
    assert sweeping.run(60)["finished"]
    sweep = collected.one("sweep")
    assert (sweep.kind, sweep.parent) == (INTERNAL, "")
    assert {"connect", "SELECT schema_state", "storage.list"} <= set(collected.below(sweep))


# Collectors that do not take them.


def test_a_dead_collector_costs_one_try_and_no_error(
    site: Site, sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "WITHIN_S", 0.5)  # in which its exporter tries again
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        ask = site(sqlite_url, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        for _ in range(3):
            assert ask("GET", f"{API}/series").status == 200
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines if line["event"] != "traces"] == ["request"] * 3
    (told,) = [line for line in lines if "pausedFor" in line]
    assert (told["level"], told["event"], told["pausedFor"]) == ("warning", "traces", exporting.PAUSE_S)


def test_one_that_refuses_is_left_alone_for_a_while(
    site: Site, sqlite_url: str, collected: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = site(sqlite_url)
    collected.status = 400
    for _ in range(3):
        assert ask("GET", f"{API}/series").status == 200
    assert len(collected.bodies) == 1
    monkeypatch.setattr(exporting, "PAUSE_S", 0)
    ask = site(sqlite_url)
    for _ in range(3):
        ask("GET", f"{API}/series")
    assert len(collected.bodies) == 4


@pytest.mark.parametrize("drops", [b"", b"a"], ids=["silent", "in drops"])
def test_a_slow_one_is_not_waited_for(
    drops: bytes, site: Site, sqlite_url: str, collected: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "WITHIN_S", 0.5)
    ask = site(sqlite_url)
    collected.drops = drops  # no time limit of a socket's ends that
    collected.held.set()
    for _ in range(3):
        assert ask("GET", f"{API}/series").status == 200
    assert not collected.freed.is_set()  # it has answered nobody yet
    assert len(set(collected.bodies)) <= 1  # the exporter may have sent it twice


def test_nothing_is_exported_where_that_would_be_late(
    running: Callable[..., Running], sqlite_url: str, collected: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MARGIN_S", 40)  # so that nothing interrupts it, on whatever machine
    handler = handler_of(lambda: app)
    app = running(sqlite_url).app
    assert handler(http_api_event(LIST), Context(90))["statusCode"] == 200
    collected.forget()
    collected.held.set()
    assert handler(http_api_event(LIST), Context(40.08))["statusCode"] in {200, 503}
    assert collected.bodies == []
    collected.held.clear()
    assert handler(http_api_event(LIST), Context(90))["statusCode"] == 200
    assert len(names(collected)) == 2  # the next one takes along what was left


# A server: in the background, and when it stops.


def test_a_server_exports_in_the_background_and_at_its_end(tmp_path: Path, collected: Collector) -> None:
    site = sites.make(tmp_path / "site")
    environ = site.environ | PATIENT | {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.address}
    never = {"OTEL_BSP_SCHEDULE_DELAY": "86400000"}
    with processes.served(SERVE, environ | never) as (address, pid, _):
        assert clients.send(address, Request("GET", f"{API}/series", FROM_A_PROXY)).status == 200
        assert clients.send(address, Request("GET", site.names["file"])).status == 200
        assert collected.bodies == []
        os.kill(pid, signal.SIGTERM)
        assert soon(lambda: not alive(pid))
    assert names(collected)[-2:] == [f"GET {API}/series", "GET /uploads/{key:path}"]
    assert "storage.open" in collected.below(collected.one("GET /uploads/{key:path}"))
    assert TRACE not in {span.trace for span in collected.spans}
    collected.forget()
    with processes.served(SERVE, environ | {"OTEL_BSP_SCHEDULE_DELAY": "50", "TRUSTED_HOPS": "1"}) as server:
        assert clients.send(server.address, Request("GET", f"{API}/series", FROM_A_PROXY)).status == 200
        assert soon(lambda: TRACE in {span.trace for span in collected.spans})


def test_what_the_border_of_a_server_refuses_is_traced(tmp_path: Path, collected: Collector) -> None:
    environ = sites.make(tmp_path / "site").environ | PATIENT | {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.address}
    with processes.served(SERVE, environ | {"OTEL_BSP_SCHEDULE_DELAY": "50"}) as (address, _, output):
        assert clients.send(address, CHUNKED).status == 411
        assert soon(lambda: names(collected) == ["POST"])
        (line,) = [json.loads(line) for line in output().splitlines() if "length_required" in line]
    refused = collected.one("POST")
    assert (line["traceId"], line["requestId"]) == (refused.trace, refused.attributes["roliascan.request_id"])
    assert refused.attributes["error.type"] == "length_required"


def test_a_server_stops_though_nobody_takes_its_traces(tmp_path: Path, collected: Collector) -> None:
    environ = sites.make(tmp_path / "site").environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.address}
    collected.held.set()
    with processes.served(SERVE, environ) as (address, pid, output):
        assert clients.send(address, LIST).status == 200
        os.kill(pid, signal.SIGTERM)
        assert soon(lambda: not alive(pid))
        assert not collected.freed.is_set()
        printed = output()
    told = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [line["message"] for line in told if line["event"] == "traces"]
    assert "Traceback" not in printed


def test_a_queue_that_nobody_takes_does_not_hold_it_up(collected: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "ON_A_SERVER_S", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.address)
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    collected.held.set()
    traces = tracing.begin(Settings.from_environ({"JWT_SECRET": SECRET}))
    for number in range(50):
        with traces.spanning(str(number)):
            pass
    traces.close()
    assert len(set(collected.bodies)) < 50


def test_the_command_that_sweeps_is_a_trace(tmp_path: Path, collected: Collector) -> None:
    environ = sites.make(tmp_path / "site").environ | PATIENT | {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.address}
    environ["OTEL_TRACES_EXPORTER"] = "console"
    command = [SERVE[0], "sweep", "--json"]
    done = subprocess.run(command, env=program.environment(environ), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["finished"]
    assert b"OTEL_TRACES_EXPORTER" in done.stderr
    assert "storage.list" in collected.below(collected.one("sweep"))


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [("OTEL_TRACES_EXPORTER", "Zipkin" * 100, "otlp, none"), ("OTEL_SDK_DISABLED", "yes", "true, false")],
)
def test_a_value_that_is_not_known_is_told_and_passed_over(
    name: str,
    value: str,
    known: str,
    running: Callable[..., Running],
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    running(sqlite_url, **{name: value})
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["event"]) == ("warning", "traces")
    assert line["message"] == f"{name} is passed over, as it is none of {known}: {value[:50]}"
    running(sqlite_url, OTEL_TRACES_EXPORTER="OTLP", OTEL_SDK_DISABLED="False")
    assert capsys.readouterr().out == ""


# Off.


def test_a_library_that_is_missing_is_named(sqlite_url: str) -> None:
    code = (
        "import sys; sys.modules['opentelemetry.exporter'] = None; from roliascan.platforms import start; start.build()"
    )
    environ = OF_A_FUNCTION | {"DATABASE_URL": sqlite_url, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    done = _python(code, environ)
    assert done.returncode == 1
    assert (
        "OTEL_EXPORTER_OTLP_ENDPOINT: it is set, but its library is missing; in the clone's folder: .venv/bin/pip"
        in done.stderr
    )


def test_what_only_the_library_reads_is_named_too(running: Callable[..., Running], sqlite_url: str) -> None:
    with pytest.raises(BadSettings, match="OTEL_ATTRIBUTE_COUNT_LIMIT"):
        running(sqlite_url, OTEL_ATTRIBUTE_COUNT_LIMIT="many")


def test_an_app_that_cannot_be_built_leaves_no_thread_behind(
    monkeypatch: pytest.MonkeyPatch, collected: Collector
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.address)
    settings = Settings.from_environ(
        {"JWT_SECRET": SECRET, "STORAGE_URL": "s3://", "OTEL_EXPORTER_OTLP_ENDPOINT": collected.address}
    )
    before = set(threading.enumerate())
    for _ in range(2):
        with pytest.raises(UnknownStorage):
            start.running(settings)
    assert not [thread for thread in set(threading.enumerate()) - before if "Batch" in thread.name]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "True"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_off_loads_nothing_of_it(more: dict[str, str], sqlite_url: str) -> None:
    code = "import sys; from roliascan.platforms import start; start.build(); print(*sys.modules)"
    done = _python(code, OF_A_FUNCTION | {"DATABASE_URL": sqlite_url} | more)
    assert done.returncode == 0, done.stderr
    assert "roliascan.app" in done.stdout.split()
    assert not [name for name in done.stdout.split() if "telemetry" in name or "tracing" in name]


def _python(code: str, environ: dict[str, str]) -> "subprocess.CompletedProcess[Any]":
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=program.environment(environ), capture_output=True, text=True, timeout=60)
