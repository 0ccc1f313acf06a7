"""Read-only, by the switch or because the database is: reading works, each change is refused by name, and it ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roliascan.database import Database, pool
from roliascan.database.mysql import MysqlDriver
from roliascan.database.profiles import driver_for
from roliascan.web.routes import ROUTES
from tests.database import bare
from tests.database.kinds import on_mariadb, on_postgresql, on_servers
from tests.front import Asker, Site, at_once, opened, refused, told

NOBODY = "00000000-0000-7000-8000-000000000000"
PATHS = {"key:path": "pages/a.png", "permission": "mute:user"}
CHANGES = [route for route in ROUTES if route.method not in {"GET", "HEAD"}]


def filled(path: str) -> str:
    for part in path.split("{")[1:]:
        name = part.partition("}")[0]
        path = path.replace(f"{{{name}}}", PATHS.get(name, NOBODY))
    return path


def read_everything(site: Site, asker: Asker, series: Any, chapter: Any) -> None:
    """As a stranger, and signed in."""
    for path in ("series", f"series/{series['slug']}", f"series/{series['id']}/chapters", f"chapters/{chapter['id']}"):
        told(site.stranger.get(path))
        told(asker.get(path))
    told(asker.get("auth/me"))
    told(asker.get(f"series/{series['id']}/rating"))


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: f"{route.method} {route.path}")
def test_the_switch_refuses_every_change(sqlite_url: str, route: Any) -> None:
    with opened(sqlite_url, READ_ONLY="on") as site:
        for asker in (site.stranger, site.sign_up("admin")):
            answer = asker.ask(route.method, filled(route.path))
            refused(answer, 503, "read_only")
            assert answer.headers["retry-after"] == "60"


def test_what_the_switch_refuses_is_no_error_of_the_log(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(sqlite_url, READ_ONLY="on") as site:
        refused(site.stranger.post("auth/login", {"login": "a", "password": "b" * 8}), 503, "read_only")
    line = json.loads(capsys.readouterr().out)
    assert (line["status"], line["level"]) == (503, "info")


def test_the_switch_leaves_reading_as_it_is(database_url: str) -> None:
    with opened(database_url) as before:
        uploader = before.sign_up("uploader")
        series = uploader.makes_series()
        chapter = uploader.publishes(series)
    with opened(database_url, READ_ONLY="on") as site:
        asker = Asker(site, uploader.id, uploader.username, uploader.token)
        read_everything(site, asker, series, chapter)
        ready = told(site.stranger.get("/ready"))
        assert ready["status"] == "ok"
        assert "no changes" in ready["changes"]
    with opened(database_url, READ_ONLY="off") as after:
        told(Asker(after, token=uploader.token).post("series", {"title": "a", "author": "b"}), 201)


def test_other_words_for_the_switch_are_refused(sqlite_url: str) -> None:
    with pytest.raises(ValueError, match="READ_ONLY: write on or off"), opened(sqlite_url, READ_ONLY="yes"):
        pass


# The database itself.


@contextmanager
def read_only(url: str, site: Site) -> Iterator[None]:
    """As after a fail-over: new connections are read-only, and the old ones are gone."""
    if url.startswith("mysql:"):
        driver = site.db._driver
        assert isinstance(driver, MysqlDriver)
        options = driver.options
        driver.options = {**options, "init_command": "SET SESSION TRANSACTION READ ONLY"}
        bare.end_connections(url)
        yield
        driver.options = options
        return
    name = url.rpartition("/")[2]
    with bare.cursor(url) as administrator:
        administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    bare.end_connections(url)
    try:
        yield
    finally:
        with bare.cursor(url) as administrator:
            administrator.execute("SET default_transaction_read_only = off")
            administrator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@on_servers
def test_a_database_that_takes_no_changes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # DB-02
    from tests.servers import databases

    with opened(databases.as_administrator(database_url)) as site:
        uploader = site.sign_up("uploader")
        series = uploader.makes_series()
        chapter = uploader.publishes(series)
        new = {"title": "a", "author": "b"}
        with read_only(database_url, site):
            for headers in ({}, {"Idempotency-Key": "a"}):
                for _ in range(2):
                    answer = uploader.post("series", new, headers=headers)
                    refused(answer, 503, "database_read_only")
                    assert int(answer.headers["retry-after"]) > 0
            read_everything(site, uploader, series, chapter)
            refused(uploader.put(f"series/{series['id']}/rating", {"rating": 7}), 503, "database_read_only")
        # The connections of then are read-only still, and give way by themselves, once they are not new any more.
        monkeypatch.setattr(pool, "BELIEVED_S", 0)
        told(uploader.post("series", new), 201)
        assert site.count("series") == 2


@on_servers
def test_who_asks_for_changes_does_not_make_us_connect_each_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask, as often as they like: what would count them is a change too."""
    from tests.servers import databases

    monkeypatch.setattr(pool, "BELIEVED_S", 600)
    with opened(databases.as_administrator(database_url), RATE_LIMITS="on") as site, read_only(database_url, site):
        login = {"login": "a", "password": "b" * 8}
        refused(site.stranger.post("auth/login", login), 503, "database_read_only")
        connect, made = site.db._pool._connect, list[float]()

        def counted(seconds: float) -> Any:
            made.append(seconds)
            return connect(seconds)

        monkeypatch.setattr(site.db._pool, "_connect", counted)
        at_once(4, lambda _: site.stranger.get("series"))
        idle, before = len(site.db._pool._free), len(made)
        for _ in range(3):
            refused(site.stranger.post("auth/login", login), 503, "database_read_only")
        assert (len(site.db._pool._free), len(made)) == (idle, before)
        # One that is older gives way, and takes no other along.
        monkeypatch.setattr(pool, "BELIEVED_S", 0)
        refused(site.stranger.post("auth/login", login), 503, "database_read_only")
        assert (len(site.db._pool._free), len(made)) == (idle - 1, before + 1)


@on_postgresql
def test_readiness_and_the_doctor_see_it(database_url: str) -> None:
    with opened(database_url) as site, read_only(database_url, site):
        ready = told(site.stranger.get("/ready"))
        assert (ready["status"], ready["database"]) == ("ok", "ok")
        assert "takes no changes" in ready["changes"]


@on_mariadb
def test_what_mariadb_says_of_itself(database_url: str) -> None:
    from roliascan.database import schema
    from roliascan.database.pool import Pool

    driver = driver_for(database_url)
    assert schema.read(Database(driver, Pool(driver, 1, 5.0))).read_only is False
