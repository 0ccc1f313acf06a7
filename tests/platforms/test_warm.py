"""A process that answers for long: it grows no larger, mixes nobody up, and may be stopped at any moment."""

import json
import os
import random
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import drawings
from tests.database import bare
from tests.database.kinds import direct_to_postgresql
from tests.front import API, Asker, File, opened
from tests.platforms import shapes
from tests.platforms.processes import soon
from tests.platforms.shapes import Request, http_api_event
from tests.platforms.test_start import run
from tests.platforms.test_time_left import environ_of
from tests.servers import program, runtime_api
from tests.servers.parts import TEST_ALL

INVOCATIONS = 10_000 if TEST_ALL else 2_400
GROWTH = """
import gc, json, sys
from pathlib import Path
from roliascan.platforms import aws_lambda
from tests.platforms.shapes import Request, http_api_event

token, invocations = sys.stdin.readline().strip(), int(sys.stdin.readline())
bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
asked = [http_api_event(one) for one in (
    Request("GET", "/api/v1/series?limit=2"), Request("GET", "/api/v1/auth/me", bearer),
    Request("GET", "/api/v1/series/nobody"), Request("PATCH", "/api/v1/auth/me", bearer, b'{"username": 1}'),
    Request("GET", "/api/v1/nowhere"), Request("POST", "/api/v1/series", {}, b"{"),
)]

def answer(times):
    for turn in range(times):
        aws_lambda.handler(asked[turn % len(asked)], None)
    gc.collect()
    resident = int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])
    return [sys.getallocatedblocks(), resident]

answer(600)
print(json.dumps({"growth": [answer(invocations // 4) for _ in range(4)]}), flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_ten_thousand_invocations_leave_nothing(sqlite_url: str) -> None:  # SL-10
    """Not one block of memory for each; with TEST_ALL=1, where it is so many, not 210 bytes for each."""
    with opened(sqlite_url) as site:
        told = f"{site.sign_up().token}\n{INVOCATIONS}\n"
    code = f"import io, sys; sys.stdin = io.StringIO({told!r}){GROWTH}"
    done = run(code, environ_of(sqlite_url) | {"PYTHONPATH": str(program.PROJECT), "RATE_LIMITS": "off"})
    assert done.returncode == 0, done.stderr[-2000:]
    [line] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"growth"')]
    _, (first_blocks, first_kb), _, (blocks, kb) = line["growth"]  # allocators still grow in the first quarter
    answered = INVOCATIONS // 4 * 2
    assert blocks - first_blocks < answered, line
    if TEST_ALL:
        assert kb - first_kb < 1024, line


def test_nobody_sees_what_was_made_for_another(sqlite_url: str) -> None:  # SL-09
    """Drawn pairs of people and paths, with each one's own draft as a canary: always the answer of a fresh process."""
    with opened(sqlite_url) as site:
        people = [site.stranger, site.sign_up("admin"), *(site.sign_up("uploader") for _ in range(2))]
        drafts = [one.makes_series(f"Canary of {one.username}") for one in people[1:]]
        paths = ["series", "auth/me", "series?state=draft", *(f"series/{one['id']}" for one in drafts)]
        fresh = {}
        for who in people:
            for path in paths:
                with opened(sqlite_url) as other:
                    fresh[who.token, path] = seen(Asker(other, token=who.token), path)
        assert len(set(fresh.values())) > len(paths)
        drawn = random.Random(9)
        for _ in range(300):
            who, path = drawn.choice(people), drawn.choice(paths)
            assert seen(who, path) == fresh[who.token, path], (who.username, path)


def seen(who: Asker, path: str) -> tuple[int, bytes, str, str]:
    answer = who.get(path, headers={"X-Request-Id": "same"})
    body = answer.json
    body.pop("requestId", None)
    kept = (str(answer.headers.get(name)) for name in ("cache-control", "etag"))
    return (answer.status_code, json.dumps(body).encode(), *kept)  # type: ignore[return-value]


def test_a_full_disk_stops_no_page_of_usual_size(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # SL-08
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with opened(sqlite_url) as site:
        keeper = site.sign_up("uploader")
        chapter = keeper.makes_chapter(keeper.makes_series())
        sent = keeper.send(f"chapters/{chapter['id']}/pages", File("page", drawings.page()))
        assert sent.status_code == 201


# Stopped, as platforms do between requests, and a machine that is moved does at any time.


def _backends(url: str, state: str = "%") -> int:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return int(bare.rows(url, f"SELECT COUNT(*) {others} AND usename = 'site' AND state LIKE '{state}'")[0][0])


@direct_to_postgresql
@pytest.mark.parametrize("when", ["between", "within"])
def test_a_process_that_is_stopped_goes_on_with_one_effect(database_url: str, when: str) -> None:  # SL-02
    """Meanwhile the server gives up what it waited for, or its connection: as after a minute, but sooner."""
    with ExitStack() as stack:
        site = stack.enter_context(opened(database_url))
        keeper = site.sign_up("uploader")
        series = keeper.makes_series()
        headers = {"Authorization": f"Bearer {keeper.token}", "Content-Type": "application/json"}
        path = f"{API}/series/{series['id']}/chapters"
        adds = http_api_event(Request("POST", path, headers, b'{"number": 1}'))
        site.db.close()
        function, process = stack.enter_context(
            runtime_api.running("roliascan.platforms.aws_lambda.handler", environ_of(database_url))
        )
        assert function.invoke(http_api_event(Request("GET", path)))["statusCode"] == 200
        threads = stack.enter_context(ThreadPoolExecutor(1))
        if when == "between":
            os.kill(process.pid, signal.SIGSTOP)
            bare.end_connections(database_url)
            os.kill(process.pid, signal.SIGCONT)
            answer = function.invoke(adds)
        else:
            answer = stopped_within(database_url, lambda: threads.submit(function.invoke, adds), process.pid)
        assert shapes.of_lambda(answer).status == 201, answer
        again = shapes.of_lambda(function.invoke(adds))
        assert (again.status, site.count("chapters")) == (409, 1)


def stopped_within(url: str, start: Any, pid: int) -> Any:
    """What is answered by who was stopped while it waited for a lock, until the server had ended that statement."""
    with bare.cursor(url) as other:
        other.execute("BEGIN; LOCK TABLE chapters IN ACCESS EXCLUSIVE MODE")
        answer = start()
        assert soon(lambda: _backends(url, "active") == 1)
        os.kill(pid, signal.SIGSTOP)
        assert soon(lambda: _backends(url, "idle in transaction (aborted)") == 1)
        other.execute("ROLLBACK")
    os.kill(pid, signal.SIGCONT)
    return answer.result(60)
