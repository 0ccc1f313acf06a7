"""What a trace tells of a request: its span and those in it, whose trace it is of, and nothing that people keep."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from roliascan.app import opened, spanning, traces_of
from roliascan.database import Duplicate, open_database
from roliascan.people import accounts
from roliascan.platforms import start
from roliascan.platforms.border import bordered
from roliascan.platforms.gateway.wsgi import call
from roliascan.platforms.start import Running
from tests import drawings
from tests.platforms import shapes
from tests.platforms.shapes import Request
from tests.platforms.sites import FORM, form
from tests.servers.collector import CLIENT, INTERNAL, SERVER, Collector
from tests.tracing.conftest import Ask

Site = Callable[..., Ask]
API = "/api/v1"
JSON = {"Content-Type": "application/json"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_A_PROXY = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
SYSTEMS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql"}


def signed_in(ask: Ask, url: str, name: str = "keeper") -> dict[str, str]:
    """An administrator, whose password has the same name, as does the address."""
    with closing(open_database(url)) as db:
        person = {"username": name, "email": f"{name}@comics.example", "password": f"{name}password"}
        accounts.register(db, **person, role="admin", lasts_s=3600, now=datetime.now(UTC))
    login = json.dumps({"login": name, "password": f"{name}password"}).encode()
    told = ask("POST", f"{API}/auth/login", JSON, login)
    return {"Authorization": f"Bearer {json.loads(told.body)['token']}"}


def log_lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_a_read_and_its_one_statement(
    site: Site, database_url: str, collected: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = site(database_url)
    assert ask("GET", f"{API}/series?limit=3").status == 200
    request = collected.one("GET /api/v1/series")
    assert (request.kind, request.parent, request.failed) == (SERVER, "", False)
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/series",
        "http.response.status_code": 200,
        "url.path": "/api/v1/series",
        "url.scheme": "https",
        "roliascan.request_id": "the-request",
    }
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["requestId"], line["traceId"]) == ("the-request", request.trace)
    assert "connect" in collected.below(request)
    statement = collected.one("SELECT series")
    assert (statement.kind, statement.parent, statement.trace) == (CLIENT, request.id, request.trace)
    assert statement.attributes["db.system.name"] == SYSTEMS[database_url.partition(":")[0]]
    assert statement.attributes["db.query.summary"] == "SELECT series"
    assert "FROM series" in statement.attributes["db.query.text"]
    collected.forget()
    ask("GET", f"{API}/series?limit=3")
    assert collected.below(collected.one("GET /api/v1/series")) == ["SELECT series"]


def test_a_change_is_a_transaction_and_a_file_is_put(site: Site, database_url: str, collected: Collector) -> None:
    ask = site(database_url)
    who = signed_in(ask, database_url)
    collected.forget()
    picture = form({"file": ("a.png", drawings.page("png", 20, 30))})
    told = ask("POST", f"{API}/files", who | FORM, picture)
    assert told.status == 201, told
    below = collected.below(collected.one("POST /api/v1/files"))
    assert below.count("storage.put") == 1
    assert "INSERT files" in below
    assert "COMMIT" in below
    file = f"/uploads/{told.headers['location'].partition('/uploads/')[2]}"
    collected.forget()
    assert ask("GET", file).status == 200
    request = collected.one("GET /uploads/{key:path}")
    assert request.attributes["url.path"] == "/uploads/"
    assert "storage.open" in collected.below(request)
    ask("DELETE", file)
    assert file.removeprefix("/uploads/").encode() not in b"".join(collected.bodies)


def test_a_statement_that_fails_says_of_what_type(
    running: Callable[..., Running], database_url: str, collected: Collector
) -> None:
    running(database_url)
    settings = start.settings()
    traces = traces_of(settings)
    insert = "INSERT INTO permissions (name) VALUES (:name)"
    with spanning(traces, "twice"), closing(opened(settings, traces)) as db:
        db.run(lambda tx: tx.write(insert, name="secret"))
        with pytest.raises(Duplicate):
            db.run(lambda tx: tx.write(insert, name="secret"))
    (failed,) = [span for span in collected.spans if span.failed]
    assert failed.name == "INSERT permissions"
    assert failed.attributes["error.type"].rpartition(".")[2] in {"UniqueViolation", "IntegrityError"}
    assert collected.below(collected.one("twice"))[-1] == "ROLLBACK"


@pytest.mark.parametrize(
    ("method", "path", "name", "status", "error"),
    [
        ("GET", f"{API}/series/nothing", "GET /api/v1/series/{series_}", 404, "not_found"),
        ("HEAD", f"{API}/series/nothing", "HEAD /api/v1/series/{series_}", 404, "404"),
        ("GET", "/nowhere", "GET", 404, "not_found"),
        ("BREW", f"{API}/series", "HTTP /api/v1/series", 400, "malformed"),
    ],
)
def test_a_refusal_is_no_failure_of_the_server(
    method: str, path: str, name: str, status: int, error: str, site: Site, sqlite_url: str, collected: Collector
) -> None:
    assert site(sqlite_url)(method, path).status == status
    request = collected.one(name)
    assert request.attributes["error.type"] == error
    assert request.attributes["http.response.status_code"] == status
    assert request.attributes["http.request.method"] == (method if method != "BREW" else "_OTHER")
    assert ("http.route" in request.attributes) == ("/" in name)
    assert not request.failed


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411, "length_required"),
        ({"HTTP_HOST": "a,b"}, 400, "bad_host"),
        ({}, 503, "busy"),
    ],
)
def test_what_the_border_refuses_is_a_span_too(
    more: dict[str, str],
    status: int,
    code: str,
    running: Callable[..., Running],
    sqlite_url: str,
    collected: Collector,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def sending(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return iter([b"a"])

    around = running(sqlite_url, TRUSTED_HOPS="1").around
    app = bordered(sending, hops=1, files=1, around=around, inherited={})
    file = shapes.environ_of(Request("GET", "/uploads/pages/secretfile.png", FROM_A_PROXY))
    held: Any = app(file, lambda *_: print)
    assert call(app, file | more).status == status
    held.close()
    (refused,) = collected.spans
    assert (refused.name, refused.kind, refused.failed) == ("GET", SERVER, status == 503)
    assert (refused.trace, refused.parent) == (TRACE, PARENT)
    assert refused.attributes["http.response.status_code"] == status
    assert refused.attributes["error.type"] == code
    assert refused.attributes["url.path"] == "/uploads/"
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["code"], line["traceId"]) == (code, TRACE)


def test_what_nobody_expected_is_one(site: Site, tmp_path: Any, collected: Collector) -> None:
    ask = site(f"sqlite:///{tmp_path}/nothing/at-all.db")
    assert ask("GET", f"{API}/series").status == 503
    request = collected.one("GET /api/v1/series")
    assert request.failed
    assert request.attributes["error.type"] in {"schema_mismatch", "database_unreachable"}


def test_an_app_that_raises(running: Callable[..., Running], sqlite_url: str, collected: Collector) -> None:
    app = running(sqlite_url).app
    with pytest.raises(TypeError):
        app({"REQUEST_METHOD": "GET", "PATH_INFO": f"{API}/series", "wsgi.url_scheme": "https"}, None)  # type: ignore[arg-type]
    request = collected.one("GET /api/v1/series")
    assert (request.failed, request.attributes["error.type"]) == (True, "builtins.TypeError")


# Whose trace it is.


def test_a_stranger_decides_on_nothing(site: Site, sqlite_url: str, collected: Collector) -> None:
    ask = site(sqlite_url)
    ask("GET", f"{API}/series", FROM_A_PROXY)
    ask("GET", f"{API}/series", {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "a=b"})
    requests = [span for span in collected.spans if span.kind == SERVER]
    assert [span.parent for span in requests] == ["", ""]
    assert TRACE not in {span.trace for span in requests}
    assert len({span.trace for span in requests}) == 2


def test_a_trusted_proxy_does(site: Site, sqlite_url: str, collected: Collector) -> None:
    ask = site(sqlite_url, TRUSTED_HOPS="1")
    ask("GET", f"{API}/series", FROM_A_PROXY)
    request = collected.one("GET /api/v1/series")
    assert (request.trace, request.parent) == (TRACE, PARENT)
    collected.forget()
    assert ask("GET", f"{API}/series", {"traceparent": f"00-{TRACE}-{PARENT}-00"}).status == 200
    assert collected.bodies == []  # it does not sample this one
    ask("GET", f"{API}/series", {"traceparent": "nonsense"})
    assert collected.one("GET /api/v1/series").parent == ""


@pytest.mark.parametrize(
    "headers",
    [
        FROM_A_PROXY | {"tracestate": "secret"},
        FROM_A_PROXY | {"tracestate": "secret=,"},
        {"traceparent": "secret" * 99},
    ],
    ids=["no pair", "empty", "long"],
)
def test_what_is_wrong_with_these_headers_is_in_no_line(
    headers: dict[str, str], site: Site, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site(sqlite_url, TRUSTED_HOPS="1")("GET", f"{API}/series", headers).status == 200
    (line,) = capsys.readouterr().out.splitlines()
    assert "secret" not in line


@pytest.mark.parametrize(
    ("sampler", "share", "kept"), [("always_off", "1", 0), ("traceidratio", "0.0", 0), ("traceidratio", "1", 1)]
)
def test_sampling_is_the_sdks(
    sampler: str, share: str, kept: int, site: Site, sqlite_url: str, collected: Collector
) -> None:
    ask = site(sqlite_url, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=share)
    assert ask("GET", f"{API}/series").status == 200
    assert len([span for span in collected.spans if span.kind == SERVER]) == kept


def test_the_service_is_called_as_its_operator_says(site: Site, sqlite_url: str, collected: Collector) -> None:
    site(sqlite_url)("GET", f"{API}/series")
    assert collected.service["service.name"] == "roliascan"
    site(sqlite_url, OTEL_SERVICE_NAME="comics", OTEL_EXPORTER_OTLP_HEADERS="api-key=key")("GET", f"{API}/series")
    assert collected.service["service.name"] == "comics"
    assert collected.headers[-1]["api-key"] == "key"


# What it does not tell.


def test_nothing_that_people_keep_is_in_any_byte(site: Site, database_url: str, collected: Collector) -> None:
    ask = site(database_url, TRUSTED_HOPS="1")
    who = signed_in(ask, database_url, "secretname")
    headers = {"Cookie": "token=secretcookie", "User-Agent": "secretagent", "X-Forwarded-For": "203.0.113.77"}
    ask("GET", f"{API}/series?q=secretquery&limit=7", headers | {"traceparent": f"00-{TRACE}-{PARENT}-01"})
    ask("GET", f"{API}/series?q=secretquery", who)
    body = json.dumps({"login": "secretname", "password": "secretpassword", "secretfield": 1}).encode()
    ask("POST", f"{API}/auth/login", JSON, body)
    ask("POST", f"{API}/series", who | JSON, b'{"title": "secrettitle"}')
    ask("POST", f"{API}/files", who | FORM, form({"file": ("secretfile.png", drawings.page("png", 20, 30))}))
    ask("GET", f"{API}/series", {"Authorization": "Bearer secrettoken"})
    sent = b"".join(collected.bodies)
    assert len([span for span in collected.spans if span.kind == SERVER]) == 7
    assert b"secret" not in sent
    assert b"203.0.113" not in sent
    assert who["Authorization"].removeprefix("Bearer ").encode() not in sent
    told = {key for span in collected.spans for key in span.attributes}
    assert told <= {
        *("http.request.method", "http.route", "http.response.status_code", "url.path", "url.scheme", "error.type"),
        *("db.system.name", "db.query.text", "db.query.summary", "roliascan.request_id"),
    }
    assert {span.kind for span in collected.spans} <= {SERVER, CLIENT, INTERNAL}
