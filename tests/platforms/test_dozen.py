"""RoliaScan in each real runtime: the same requests, the same answers, byte by byte."""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.platforms import azure_functions, google_functions
from roliascan.settings import Settings
from tests.platforms import clients, dozen, processes, shapes, sites
from tests.platforms.comparing import comparable, filled, keep
from tests.platforms.dozen import DIFFERENCES, DOZEN, Difference
from tests.platforms.shapes import Reply, Request
from tests.platforms.sites import Site

Send = Callable[[Request], Reply]
SERVE = [sys.executable, "-m", "roliascan.platforms.serving"]
RUNTIMES = ["google", "azure", pytest.param("lambda", marks=getattr(pytest.mark, "lambda"))]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("sites") / "original")


@pytest.fixture(scope="module")
def runtime(
    original: Site, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Send]:
    """Starts a runtime by name, once, with a copy of the site of its own."""

    @cache
    def start(name: str) -> Send:
        site = original.copied(tmp_path_factory.mktemp(name) / "site")
        return STARTS[name](site, request)

    return start


def _server(site: Site, request: pytest.FixtureRequest) -> Send:
    address = request.getfixturevalue("start_server")(site.environ, command=SERVE)
    return lambda sent: clients.send(address, sent)


def _google(site: Site, request: pytest.FixtureRequest) -> Send:
    source = Path(google_functions.__file__)
    address = request.getfixturevalue("start_google")(source, "web", site.environ)
    return lambda sent: clients.send(address, sent)


def _lambda(site: Site, request: pytest.FixtureRequest) -> Send:
    function = request.getfixturevalue("start_lambda")("roliascan.platforms.aws_lambda.handler", site.environ)
    return lambda sent: shapes.of_lambda(clients.invoke(function, shapes.http_api_event(sent)))


def _azure(site: Site, request: pytest.FixtureRequest) -> Send:
    settings = Settings.from_environ({**site.environ, "FUNCTIONS_WORKER_RUNTIME": "python"})
    database = open_database(settings.database_url)
    request.addfinalizer(database.close)
    app = create_app(settings, database=database)
    web = azure_functions.function_of(lambda: app)
    return lambda sent: shapes.of_azure(web(shapes.azure_request(sent), Context()))  # type: ignore[arg-type]


class Context:
    invocation_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"


STARTS = {"server": _server, "google": _google, "lambda": _lambda, "azure": _azure}


def answers(send: Send, site: Site, added: dict[str, str]) -> Iterator[Reply]:
    """What a runtime answers to each of the dozen, in the form in which answers are compared."""
    names = dict(site.names)
    for step in DOZEN:
        reply = send(filled(step, names))
        keep(step, reply, names)
        yield comparable(step, reply, added)


@pytest.fixture(scope="module")
def server(original: Site, runtime: Callable[[str], Send]) -> list[Reply]:
    return list(answers(runtime("server"), original, dozen.ADDED["server"]))


def test_the_server_answers_as_it_should(server: list[Reply]) -> None:
    assert [(step.name, reply.status) for step, reply in zip(DOZEN, server, strict=True)] == [
        (step.name, step.status) for step in DOZEN
    ]


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_answers_alike(
    name: str, original: Site, runtime: Callable[[str], Send], server: list[Reply]
) -> None:  # IN-17, SC 5, SC 62
    send = runtime(name)
    for step, reply, expected in zip(DOZEN, answers(send, original, dozen.ADDED[name]), server, strict=True):
        assert (step.name, reply) == (step.name, expected)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
@pytest.mark.parametrize("name", ["server", *RUNTIMES])
def test_every_runtime_differs_as_documented(name: str, difference: Difference, runtime: Callable[[str], Send]) -> None:
    reply = runtime(name)(Request(difference.method, difference.target, difference.headers, difference.body))
    assert (reply.status, reply.headers["content-type"]) == difference.answers[name], difference.reason


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_the_processes_of_the_server_take_little_memory(original: Site, tmp_path: Path) -> None:  # SC 56
    site = original.copied(tmp_path / "site")
    with processes.served(SERVE, {**site.environ, "HOST": "127.0.0.1"}) as server:
        for step in DOZEN[:9]:
            clients.send(server.address, filled(step, {**site.names, "etag": ""}))
        sizes = [processes.megabytes(pid) for pid in (server.pid, *processes.children(server.pid))]
        assert len(sizes) == 2
        assert max(sizes) < 60, sizes
