"""The function of two reads without the framework answers them as the whole app does, and refuses the rest."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roliascan.platforms import aws_lambda_direct, start
from roliascan.platforms.aws_lambda import handler_of
from tests.platforms import clients, shapes, sites
from tests.platforms.shapes import Reply, Request, http_api_event
from tests.platforms.sites import Site
from tests.platforms.test_start import run
from tests.platforms.test_time_left import Context
from tests.servers import program

API = "/api/v1"
NOBODY = "00000000-0000-7000-8000-000000000000"
TARGETS = """
series series?limit=20 series?limit=2&sort=title series?q=lantern series?limit=0 series?foo=1 series?page=2
series?cursor=x series?team={nobody} chapters/{chapter} chapters/{nobody} chapters/x chapters/{chapter}?limit=1
"""
HEADERS: list[dict[str, str]] = [
    {},
    {"If-None-Match": "*"},
    {"If-None-Match": "{etag}"},
    {"Origin": "https://reader.example"},
    {"Cookie": "a=b"},
    {"Accept": "text/html"},
]
OTHERS = [
    Request("GET", f"{API}/series", {"Authorization": "Bearer x"}),
    Request("GET", f"{API}/series", {"Cookie": "token=x"}),
    Request("GET", f"{API}/series?q=%E6%BC%AB"),
    Request("GET", f"{API}/series/"),
    Request("HEAD", f"{API}/series"),
    Request("POST", f"{API}/series", {"Content-Type": "application/json"}, b"{}"),
    Request("GET", f"{API}/series/{NOBODY}"),
    Request("GET", f"{API}/chapters"),
    Request("GET", "/health"),
    Request("GET", "/"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("direct") / "site")


Handlers = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]


@pytest.fixture
def two(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handlers]:
    """The direct one, and that of the whole app."""
    for name, value in site.environ.items():
        monkeypatch.setenv(name, value)
    apps = start.Once(aws_lambda_direct.build), start.Once(start.build)
    yield handler_of(apps[0]), handler_of(apps[1])
    for app in apps:
        app.forget()


def test_both_answer_alike(two: Handlers, site: Site) -> None:  # SC 57b
    direct, whole = two
    statuses = set()
    for target in TARGETS.format(**site.names, nobody=NOBODY).split():
        etag = whole(http_api_event(Request("GET", f"{API}/{target}")), Context(30))["headers"].get("etag", '"none"')
        for headers in HEADERS:
            sent = {name: value.format(etag=etag) for name, value in headers.items()}
            event = http_api_event(Request("GET", f"{API}/{target}", sent))
            answer = direct(event, Context(30))
            assert answer == whole(event, Context(30)), (target, headers)
            statuses.add(answer["statusCode"])
    assert statuses >= {200, 304, 400, 404}


@pytest.mark.parametrize("request_", OTHERS, ids=lambda one: f"{one.method} {one.target} {dict(one.headers)}")
def test_what_is_not_its_own_is_refused(request_: Request, two: Handlers) -> None:
    reply = shapes.of_lambda(two[0](http_api_event(request_), Context(30)))
    assert (reply.status, reply.headers["content-type"]) == (421, "application/problem+json")
    assert (reply.headers["cache-control"], reply.headers["x-request-id"]) == ("no-store", "JKJaXmPLvHcESHA=")
    if request_.method != "HEAD":
        assert json.loads(reply.body)["code"] == "not_served_here"


ASK = """
import json, sys
from roliascan.platforms import aws_lambda_direct as direct
from tests.platforms.shapes import Request, http_api_event
targets = ["/api/v1/series?limit=2", "/api/v1/chapters/{chapter}", "/health"]
statuses = [direct.handler(http_api_event(Request("GET", target)), None)["statusCode"] for target in targets]
from roliascan.platforms import aws_lambda
print(json.dumps([statuses, "falcon" in sys.modules, aws_lambda._get._running is None]))
"""


def test_it_loads_no_framework_and_no_second_app(site: Site) -> None:  # SC 57b
    own = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_HANDLER": "roliascan.platforms.aws_lambda_direct.handler"}
    code = ASK.replace("{chapter}", site.names["chapter"])
    done = run(code, site.environ | own | {"PYTHONPATH": str(program.PROJECT)})
    assert json.loads(done.stdout.splitlines()[-1]) == [[200, 200, 421], False, True], done.stderr


def test_in_lambdas_runtime(site: Site, start_lambda: Callable[..., str], tmp_path: Path) -> None:
    copied = site.copied(tmp_path / "site")
    function = start_lambda("roliascan.platforms.aws_lambda_direct.handler", copied.environ)

    def ask(target: str) -> Reply:
        return shapes.of_lambda(clients.invoke(function, http_api_event(Request("GET", f"{API}/{target}"))))

    assert len(json.loads(ask("series?limit=2").body)["data"]) == 2
    assert json.loads(ask(f"chapters/{site.names['chapter']}").body)["number"] == 10.5
    assert ask("teams").status == 421
