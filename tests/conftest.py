"""What every test may ask for: fresh databases, running platforms, and what the machine lacks."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path
from typing import ParamSpec, TypeVar

import hypothesis
import pytest

from tests.database import kinds
from tests.servers import aws_lambda, azurite, databases, gcs, google, parts, program, radosgw, server, uploadthing

P = ParamSpec("P")
T = TypeVar("T")

NEEDS_OF_FIXTURES = {
    "pooled_url": ("postgresql", "pgbouncer"),
    "start_lambda": ("lambda",),
    "_bucket": ("radosgw",),
    "azure_url": ("azurite",),
    "gcs_url": ("gcs",),
    "browser": ("chromium",),
}

_prefixes = count(1)

hypothesis.settings.register_profile(
    "roliascan",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # as hypothesis has it with CI=true: machines are busy
)
hypothesis.settings.load_profile("roliascan")


# The servers: started once by the process that leads the run, and stopped by it.

_servers = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    for name in parts.PARTS:
        config.addinivalue_line("markers", f"{name}: needs this part; `-m` and TEST_WITHOUT choose by it")
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    parts.hidden()  # refuses a misspelt name before anything runs
    os.umask(0o022)  # what is written for servers is read by nobody, whom a stricter one would keep out
    os.environ["TEST_RUN"] = _servers.enter_context(tempfile.TemporaryDirectory(prefix="roliascan-tests-"))
    if _has_workers(config):
        _start(set(parts.PARTS))  # only the workers will know what is needed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if kinds.is_wanted(item.path, _params(item))]
    for item in items:
        for fixture, needs in NEEDS_OF_FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                for name in needs:
                    item.add_marker(name)


def _params(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if not (hasattr(config, "workerinput") or config.option.collectonly or _has_workers(config)):
        _start({name for item in session.items for name in parts.PARTS if item.get_closest_marker(name)})


def _has_workers(config: pytest.Config) -> bool:
    return config.getoption("dist", "no") != "no" and bool(config.getoption("tx", None))


def _start(needed: set[str]) -> None:
    parts.refuse_gaps(needed)
    try:
        _servers.enter_context(parts.up(needed))
    except program.DidNotStart as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(trylast=True)  # when the workers are done
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        _minded.update(parts.minded())
        if _minded and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


_minded: dict[str, set[str]] = {}
"""What no pooler should be told, and one was in this run."""


def pytest_unconfigure() -> None:
    _servers.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the figures that tests recorded as "told", and name every skip in one line."""
    for report in terminalreporter.getreports("passed"):
        for name, figure in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(figure))
    for name, texts in _minded.items():
        told = "\n  ".join(sorted(texts)[:20])
        terminalreporter.write_line(f"A database server was told what {name} (SC 63):\n  {told}", red=True)
    reasons = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    if reasons:
        told = "; ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items()))
        terminalreporter.write_line(f"Skipped: {told}", yellow=True)


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return told.removeprefix("Skipped: ")


# Databases. An address is all that a test gets; `roliascan.database.open_database` does the rest.


def _fresh(kind: str, directory: Path, *, migrated: bool) -> AbstractContextManager[str]:
    if kind == "sqlite":
        return databases.sqlite(Path(os.environ["TEST_RUN"]), directory, migrated=migrated)
    part, _, how = kind.partition(" ")
    if how == "pooled":
        return databases.pooled(parts.require(part), parts.require("pgbouncer"))
    server_of_kind = parts.require(part)
    return databases.migrated(server_of_kind, foreign_keys=not how) if migrated else databases.new(server_of_kind)


@pytest.fixture(params=kinds.EVERY)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database; the test runs once on each kind, of which TEST_ALL=1 makes more."""
    with _fresh(request.param, tmp_path, migrated=True) as url:
        yield url


@pytest.fixture(params=["sqlite", *kinds.POSTGRESQLS, kinds.MARIADB])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table; the test runs once on each kind."""
    with _fresh(request.param, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture(params=kinds.EACH if parts.TEST_ALL else ["sqlite"])
def site_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `database_url`, for tests of what does not depend on the kind: SQLite, and with TEST_ALL=1 every kind."""
    with _fresh(request.param, tmp_path, migrated=True) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty SQLite database."""
    with _fresh("sqlite", tmp_path, migrated=True) as url:
        yield url


@pytest.fixture
def pooled_url() -> Iterator[str]:
    """The address of a migrated, empty PostgreSQL database behind pgbouncer in transaction mode."""
    pooler = parts.require("pgbouncer")
    with databases.migrated_copy(parts.require("postgresql")) as url:
        yield f"{pooler}/{url.rpartition('/')[2]}"


# Storages.


@pytest.fixture(scope="session")
def _bucket() -> str:
    """A bucket of this process in RADOS Gateway, as STORAGE_URL names it, without a prefix."""
    address = radosgw.awaited(parts.require("radosgw")).address
    name = f"tests-{os.getpid()}"
    radosgw.client(address).create_bucket(Bucket=name)
    return f"s3://{name}/{{prefix}}?region=us-east-1&endpoint={address}"


@pytest.fixture
def s3_url(_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The STORAGE_URL of an empty place in RADOS Gateway, whose credentials are in the environment."""
    for name, value in radosgw.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return _bucket.format(prefix=f"p{next(_prefixes)}")


@pytest.fixture(scope="session")
def _container() -> str:
    """A container of this process in Azurite, as STORAGE_URL names it, without a prefix."""
    endpoint, name = parts.require("azurite"), f"tests-{os.getpid()}"
    azurite.client(endpoint).create_container(name)
    return f"az://{azurite.ACCOUNT}/{name}/{{prefix}}?endpoint={endpoint}"


@pytest.fixture
def azure_url(_container: str) -> str:
    """The STORAGE_URL of an empty place in Azurite."""
    return _container.format(prefix=f"p{next(_prefixes)}")


@pytest.fixture(scope="session")
def _google_bucket() -> str:
    """A bucket of this process in what stands for Google Cloud Storage, as STORAGE_URL names it, without a prefix."""
    stand, name = gcs.stand(parts.require("gcs")), f"tests-{os.getpid()}"
    gcs.client(stand).create_bucket(name)
    return f"gs://{name}/{{prefix}}?endpoint={stand.address}"


@pytest.fixture
def gcs_url(_google_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The STORAGE_URL of an empty place there, whose credentials are named in the environment."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", gcs.stand(parts.require("gcs")).key_file)
    return _google_bucket.format(prefix=f"p{next(_prefixes)}")


@pytest.fixture(scope="session")
def _uploadthing() -> Iterator[uploadthing.Stand]:
    with uploadthing.running() as stand:
        yield stand


@pytest.fixture
def uploadthing_app(_uploadthing: uploadthing.Stand) -> uploadthing.App:
    """An app without files at what stands for UploadThing."""
    return _uploadthing.app()


# Platforms. What a test starts runs until the session of its process ends; started again it is another one.


@pytest.fixture(scope="session")
def _running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _starter(stack: ExitStack, running: Callable[P, AbstractContextManager[T]]) -> Callable[P, T]:
    def start(*args: P.args, **kwargs: P.kwargs) -> T:
        return stack.enter_context(running(*args, **kwargs))

    return start


@pytest.fixture(scope="session")
def start_lambda(_running: ExitStack) -> Callable[..., str]:
    """Start a function in the Lambda emulator, see `tests.servers.aws_lambda.running`; returns where to POST events."""
    parts.require("lambda")
    return _starter(_running, aws_lambda.running)


@pytest.fixture(scope="session")
def start_google(_running: ExitStack) -> Callable[..., str]:
    """Start a function in functions-framework, see `tests.servers.google.running`; returns its address."""
    return _starter(_running, google.running)


@pytest.fixture(scope="session")
def start_server(_running: ExitStack) -> Callable[..., str]:
    """Start `roliascan serve` or another command, see `tests.servers.server.running`; returns its address."""
    return _starter(_running, server.running)
