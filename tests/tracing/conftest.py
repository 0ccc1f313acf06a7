"""A collector for each test, and sites whose traces it gets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from roliascan.platforms import start
from roliascan.platforms.gateway.wsgi import call
from roliascan.platforms.start import Running
from roliascan.tracing import exporting
from tests.platforms import shapes
from tests.platforms.shapes import Reply, Request
from tests.servers import collector
from tests.servers.collector import Collector

SECRET = "0123456789abcdef0123456789abcdef"
OF_A_FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "site",
    "JWT_SECRET": SECRET,
    "STORAGE_URL": "memory:",
    "ALLOW_EPHEMERAL": "on",
    "RATE_LIMITS": "off",
}
Ask = Callable[..., Reply]


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector.running() as one:
        yield one


@pytest.fixture
def running(collected: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    """Builds a function's site at an address of a database, with further settings.

    Its traces have left when its answers are there: on a busy machine that may take its time.
    """
    monkeypatch.setattr(exporting, "WITHIN_S", 30)
    with ExitStack() as stack:

        def build(url: str, **more: str) -> Running:
            settings = {"DATABASE_URL": url, "OTEL_EXPORTER_OTLP_ENDPOINT": collected.address, **OF_A_FUNCTION, **more}
            for name, value in settings.items():
                monkeypatch.setenv(name, value)
            built = start.build()
            stack.callback(built.close)
            return built

        yield build


@pytest.fixture
def site(running: Callable[..., Running]) -> Callable[..., Ask]:
    """The same, as what answers requests."""

    def build(url: str, **more: str) -> Ask:
        app = running(url, **more).app

        def ask(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
            environ = shapes.environ_of(Request(method, target, headers or {}, body))
            return shapes.of_wsgi(call(app, environ | {"roliascan.request_id": "the-request"}))

        return ask

    return build
