"""A process between its requests: its one connection, a night, a snapshot, its end, and many requests at once."""

import json
import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import simulate_request

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.library import keeping
from roliascan.platforms import google_functions
from roliascan.platforms.aws_lambda import handler_of
from roliascan.settings import Settings
from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.database import bare
from tests.database.kinds import POSTGRESQL, on_postgresql, on_servers
from tests.database.proxy import between
from tests.front import API, Clock, at_once, opened
from tests.platforms import clients, processes, shapes
from tests.platforms.processes import alive, soon
from tests.platforms.shapes import Request, http_api_event
from tests.platforms.sites import FORM, form
from tests.platforms.test_start import run
from tests.platforms.test_time_left import Context, environ_of
from tests.servers import databases, program, runtime_api

LIST = http_api_event(Request("GET", f"{API}/series?limit=2"))
SNAP_START = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


# Between two invocations.


@on_servers
def test_one_connection_serves_all_invocations_and_a_dead_one_is_replaced(database_url: str) -> None:  # SC 47
    with between(database_url) as proxy, closing(open_database(proxy.url, pool_size=1)) as db:
        app = create_app(Settings.from_environ(environ_of(proxy.url)), database=db)
        handler = handler_of(lambda: app)
        for connections in (1, 1, 1, 2, 2):
            if connections > proxy.connections > 0:
                proxy.cut()
            assert handler(LIST, Context(30))["statusCode"] == 200
            assert proxy.connections == connections


@on_servers
def test_after_a_night_the_next_request_is_right(  # SC 50
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen for 20 minutes, in which whatever stood between dropped the connection: a read, then a change."""
    with between(database_url) as proxy:
        clock = Clock()
        with opened(proxy.url, clock=clock, DATABASE_POOL="1") as site:
            keeper = site.sign_up("admin")
            handler = handler_of(lambda: site.app)
            bearer = {"Authorization": f"Bearer {keeper.token}", "Content-Type": "application/json"}
            asked = [
                (Request("GET", f"{API}/series"), 200),
                (Request("GET", f"{API}/auth/me", bearer), 200),
                (Request("POST", f"{API}/series", bearer, b'{"title": "a", "author": "b"}'), 201),
            ]
            slept = 0.0
            awake = time.monotonic
            monkeypatch.setattr(time, "monotonic", lambda: awake() + slept)
            for request, status in asked:
                clock.forward(minutes=20)
                slept += 1200
                proxy.cut()
                reply = shapes.of_lambda(handler(http_api_event(request), Context(30)))
                assert reply.status == status, reply
            assert site.count("series") == 1


# Many at once, in one process.


@pytest.mark.parametrize("database_url", ["sqlite", POSTGRESQL], indirect=True)
def test_eighty_threads_over_four_connections(database_url: str) -> None:  # SC 53, SC 65, SL-16
    """Each is answered, under its own identifier, as who it is."""
    with opened(database_url, DATABASE_POOL="4") as site:
        people = [site.sign_up("uploader") for _ in range(80)]

        def ask(turn: int) -> list[tuple[int, str, Any]]:
            extras = {"roliascan.request_id": f"r{turn}", "roliascan.client": "192.0.2.1"}
            headers = {"Authorization": f"Bearer {people[turn].token}"}
            made = simulate_request(
                site.app,
                "POST",
                f"{API}/series",
                headers=headers,
                extras=extras,
                json={"title": f"Of {turn}", "author": "a"},
            )
            me = simulate_request(site.app, "GET", f"{API}/auth/me", headers=headers, extras=extras)
            read = simulate_request(site.app, "GET", f"{API}/series/{made.json.get('id')}", extras=extras)
            return [
                (made.status_code, made.headers["x-request-id"], made.json.get("title")),
                (me.status_code, me.headers["x-request-id"], me.json.get("username")),
                (read.status_code, read.headers["x-request-id"], read.json.get("title")),
            ]

        for turn, told in enumerate(at_once(80, ask)):
            id, title = f"r{turn}", f"Of {turn}"
            assert told == [(201, id, title), (200, id, people[turn].username), (200, id, title)]


# A snapshot, restored twice.

TWINS = """
import json, os, random, sys
from datetime import UTC, datetime
from roliascan import ids
from roliascan.platforms import aws_lambda, requests
from snapshot_restore_py import get_after_restore, get_before_snapshot
from tests.platforms.shapes import Request, http_api_event

def ask():
    return aws_lambda.handler(http_api_event(Request("GET", "/api/v1/series")), None)["statusCode"]

def sockets():
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return sum(os.path.exists(link) and os.readlink(link).startswith("socket:") for link in links)

def secret():
    return aws_lambda.start.settings().jwt_secret[-1]

first = [ask(), sockets()]
for act, args, kwargs in get_before_snapshot():
    act(*args, **kwargs)
print(json.dumps([*first, sockets()]), flush=True)
loaded = set(sys.modules)
os.environ["JWT_SECRET"] = os.environ["JWT_SECRET"][:-1] + "!"
for twin in range(2):
    if os.fork() == 0:
        random.seed(1)  # as a snapshot leaves it; a fork alone would make it differ
        for act, args, kwargs in get_after_restore():
            act(*args, **kwargs)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        told = [ids.new_id(now), ids.new_id_in_order(now), requests.new_id(), random.random(), os.urandom(8).hex()]
        same = [ask(), sockets(), aws_lambda._get is aws_lambda._get, secret(), sorted(set(sys.modules) - loaded)]
        print(json.dumps([told, same]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
@on_postgresql
def test_twins_of_a_snapshot_share_nothing(database_url: str) -> None:  # SC 51
    done = run(TWINS, environ_of(database_url) | SNAP_START | {"PYTHONPATH": str(program.PROJECT)})
    assert done.returncode == 0, done.stderr
    before, one, other = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert before == [200, 1, 0]  # the connection that a request had opened is closed
    assert not set(one[0]) & set(other[0])
    for status, sockets, _, secret, loaded in (one[1], other[1]):
        assert (status, sockets, secret) == (200, 1, "!")  # a connection of its own, and the settings of today
        assert loaded == []  # what a snapshot is for


@on_postgresql
def test_a_snapshot_by_lambdas_runtime_client(database_url: str, tmp_path: Path) -> None:  # SC 51
    with runtime_api.running("roliascan.platforms.aws_lambda.handler", environ_of(database_url) | SNAP_START) as (
        function,
        process,
    ):
        assert soon(lambda: function.asked == ["/restore/next"])  # AWS's client called what comes before
        function.may_restore.set()
        assert function.invoke(LIST)["statusCode"] == 200
        assert function.asked[1:3] == ["/invocation/next", "response"]
        assert "error" not in process.output()


def test_without_snapshots_nothing_of_theirs_is_loaded() -> None:
    code = "import roliascan.platforms.aws_lambda, sys; print('snapshot_restore_py' in sys.modules)"
    environ = environ_of("postgresql://u@h/d") | {"AWS_LAMBDA_FUNCTION_NAME": "f"}
    assert run(code, environ).stdout == "False\n"
    assert run(code, environ | SNAP_START).stdout == "True\n"


# Its end.


def connections(url: str) -> int:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return int(bare.rows(url, f"SELECT count(*) {others}")[0][0])


@on_postgresql
def test_lambda_ends_a_process_between_two_requests(database_url: str) -> None:  # SC 49
    """In time: 500 ms later it would be killed."""
    with between(database_url) as proxy:
        environ = environ_of(proxy.url)
        with runtime_api.running("roliascan.platforms.aws_lambda.handler", environ) as (function, process):
            assert function.invoke(LIST)["statusCode"] == 200
            assert connections(database_url) == 1
            os.kill(process.pid, signal.SIGTERM)
            assert soon(lambda: not alive(process.pid))
            assert soon(lambda: connections(database_url) == 0)
            assert proxy.sent.endswith(b"X\0\0\0\4")  # PostgreSQL's goodbye


@on_postgresql
def test_cloud_run_ends_a_process_that_is_answering(database_url: str) -> None:  # SC 49
    source = Path(google_functions.__file__)
    command = [sys.executable, "-m", "functions_framework", "--target=web", f"--source={source}", "--host=127.0.0.1"]
    environ = environ_of(database_url) | {"K_SERVICE": "roliascan"}
    with processes.served(command, environ) as server:
        assert soon(lambda: program.answers(f"{server.address}/health"))
        with bare.cursor(database_url) as other:
            other.execute("BEGIN; LOCK TABLE series IN ACCESS EXCLUSIVE MODE")
            with clients.dial(server.address) as connection:
                connection.sendall(f"GET {API}/series HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                assert soon(lambda: connections(database_url) >= 2)
                os.kill(server.pid, signal.SIGTERM)
                time.sleep(0.2)
                other.execute("ROLLBACK")
                connection.settimeout(10)
                assert clients.until_closed(connection).startswith(b"HTTP/1.1 200 ")
        assert soon(lambda: not alive(server.pid))
        assert soon(lambda: connections(database_url) == 0)


# What it leaves behind.


def test_uploads_leave_nothing_in_tmp(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SC 54: Files on their way have no name that another could take, and are gone with the answer, good or bad."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(keeping, "IN_MEMORY", 10)
    seen: list[list[Path]] = []

    class Watched(MemoryStorage):
        def put(self, *args: Any, **kwargs: Any) -> Any:
            seen.append(list(folder.iterdir()))
            return super().put(*args, **kwargs)

    with opened(sqlite_url, storage=Watched()) as site:
        keeper = site.sign_up("uploader")
        chapter = keeper.makes_chapter(keeper.makes_series())
        target, headers = f"{API}/chapters/{chapter['id']}/pages", FORM | {"Authorization": f"Bearer {keeper.token}"}
        for data, status in ((drawings.page(), 201), (b"\x89PNG\r\n\x1a\n" + bytes(500), 400)):
            event = http_api_event(Request("POST", target, headers, form({"page": ("a.png", data)})))
            assert handler_of(lambda: site.app)(event, Context(30))["statusCode"] == status
            assert list(folder.iterdir()) == []
    assert seen == [[]]


LEAKS = """
import os
from roliascan.library import catalogue
from roliascan.platforms.aws_lambda import handler
from tests.platforms.shapes import Request, http_api_event
for request in (Request("GET", "/health"), Request("GET", "/api/v1/series"), Request("POST", "/api/v1/auth/login")):
    handler(http_api_event(request), None)
def broken(*args, **kwargs):
    raise RuntimeError(str(os.environ))
catalogue.index = broken
handler(http_api_event(Request("GET", "/api/v1/series")), None)
handler(http_api_event(Request("GET", "/api/v1/series", {"Cookie": "token=x"})), None)
"""


@on_postgresql
def test_the_environment_is_in_no_line_of_the_log(database_url: str) -> None:  # SC 57a, SC 61
    secrets = {
        "DATABASE_URL": databases.as_user("site:hunter2-in-the-url", database_url),
        "JWT_SECRET": "hunter2-that-signs-0123456789abcdef",
        "AWS_SECRET_ACCESS_KEY": "hunter2-of-amazon",
    }
    paths = {"PYTHONPATH": str(program.PROJECT), "AWS_LAMBDA_FUNCTION_NAME": "f"}
    done = run(LEAKS, environ_of("") | paths | secrets)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events.count("crash") == 2
    assert len(events) == 7
    assert "hunter2" not in done.stdout + done.stderr
