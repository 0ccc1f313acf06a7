"""Connecting to what sleeps: tried again while there is time, and no longer."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from roliascan.database import faults, open_database
from roliascan.database.deadlines import NEVER
from roliascan.database.drivers import directly
from roliascan.database.waking import Waking
from tests.database.kinds import on_servers
from tests.database.proxy import between
from tests.database.test_connections import teams

LOGIN = {"postgresql": b"client_encoding", "mysql": b"site\0"}


@on_servers
def test_a_database_that_wakes_is_tried_again(database_url: str) -> None:  # SC 67, DB-03
    with between(database_url) as proxy:
        proxy.cut_before = LOGIN[database_url.partition(":")[0]]
        with closing(open_database(f"{proxy.url}?pauses=yes")) as db:
            assert teams(db) == 0
        assert proxy.connections == 2
        proxy.cut_before = LOGIN[database_url.partition(":")[0]]
        with closing(open_database(proxy.url)) as db, pytest.raises(faults.Unreachable):
            teams(db)
        assert proxy.connections == 3


@on_servers
def test_a_request_waits_no_longer_than_it_may(database_url: str) -> None:  # SC 67
    with between(database_url) as proxy:
        pass
    with closing(open_database(f"{proxy.url}?pauses=yes")) as db:
        start = time.monotonic()
        with pytest.raises(faults.Unreachable) as caught:
            teams(db.until(start + 3))
        assert time.monotonic() - start < 15  # of the 30 that it would take
    assert caught.value.retry_after > 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, which pass by sleeping only."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("roliascan.database.waking.time.monotonic", lambda: now[0])
    monkeypatch.setattr("roliascan.database.waking.time.sleep", sleep)
    return now


def asleep(clock: list[float], until: float, told: list[float]) -> Callable[..., str]:
    def connect(seconds: float) -> Any:
        told.append(seconds)
        clock[0] += 0.1
        if clock[0] < until:
            raise faults.Unreachable
        return "a connection"

    return connect


@pytest.mark.parametrize(("seconds", "wakes_at", "gives_up_at"), [(NEVER, 15, None), (NEVER, 60, 30), (8, 15, 8)])
def test_for_how_long(clock: list[float], seconds: float, wakes_at: float, gives_up_at: float | None) -> None:
    start, told = clock[0], list[float]()
    connect = asleep(clock, start + wakes_at, told)
    if gives_up_at is None:
        assert Waking(30, directly)(connect, seconds) == "a connection"
        assert wakes_at <= clock[0] - start < wakes_at + 1.2
    else:
        with pytest.raises(faults.Unreachable):
            Waking(30, directly)(connect, seconds)
        assert gives_up_at - 3.2 < clock[0] - start < gives_up_at
    assert len(told) > 5
    assert told[0] == seconds
    assert told == sorted(told, reverse=True)
    assert min(told) >= 2


def test_only_what_is_unreachable_is_tried_again(clock: list[float]) -> None:
    def connect(_seconds: float) -> Any:
        clock[0] += 1
        raise faults.OutOfTime

    start = clock[0]
    with pytest.raises(faults.OutOfTime):
        Waking(30, directly)(connect, NEVER)
    assert clock[0] - start == 1
