"""While the database is away, a cache in front goes on showing what readers come for, because our headers say so."""

import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from roliascan.cli.surroundings import now
from tests.database.kinds import POSTGRESQL
from tests.database.proxy import between
from tests.faults.wire import Wire
from tests.front import API, PAGE, SECRET, Clock, File, form, opened
from tests.servers import nginx, parts, server

MINUTES = 10


def get(address: str) -> tuple[int, bytes, str]:
    """Status, body, and what the cache says of it."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers["X-Cache"]
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read(), answer.headers["X-Cache"]


def published(address: str, token: str) -> dict[str, str]:
    """What readers come for, by its name."""
    wire = Wire(address)
    series = wire.ask("POST", "series", by=token, json={"title": "Yoru", "author": "Aiko"}).json
    chapter = wire.ask("POST", f"series/{series['id']}/chapters", by=token, json={"number": 1}).json
    wire.ask("POST", f"chapters/{chapter['id']}/pages", by=token, form=form(File("a", PAGE), File("b", PAGE)))
    chapter = wire.ask("POST", f"chapters/{chapter['id']}/publish", by=token).json
    wire.close()
    first, second = (page["url"] for page in chapter["pages"])
    return {
        "front page": f"{API}/series?sort=updated",
        "series": f"{API}/series/{series['slug']}",
        "its chapters": f"{API}/series/{series['id']}/chapters",
        "chapter": f"{API}/chapters/{chapter['id']}",
        "page 1": first,
        "page 2": second,
    }


@pytest.mark.nginx
@pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
def test_ten_minutes_without_a_database(
    database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The cache's clock is moved, ours is not; the service answers 503 to all that it is asked meanwhile."""
    parts.require("nginx")
    clock = Clock()
    clock.now = now()
    environ = {"STORAGE_URL": f"file:{tmp_path}", "JWT_SECRET": SECRET, "RATE_LIMITS": "off"}
    with between(database_url) as wire, opened(database_url, clock=clock) as site:
        token = site.sign_up("uploader").token
        with server.running({**environ, "DATABASE_URL": wire.url}) as address, nginx.running(address) as cache:
            wanted = published(address, token)
            before = {name: get(cache.address + path) for name, path in wanted.items()}
            assert {(status, said) for status, _, said in before.values()} == {(200, "MISS")}
            assert {get(cache.address + path)[2] for path in wanted.values()} == {"HIT"}

            wire.close()
            assert get(address + wanted["chapter"])[0] == 503
            said: dict[str, list[str]] = {name: [] for name in wanted}
            for minute in range(MINUTES + 1):
                cache.forward(60 * minute)
                for name, path in wanted.items():
                    status, body, kept = get(cache.address + path)
                    assert (status, body) == (200, before[name][1]), f"{name} after {minute} minutes: {kept}"
                    said[name].append(kept)
            assert get(f"{cache.address}{API}/series?sort=title")[0] == 503  # what nobody came for before
    for name, kinds in said.items():
        told = ", ".join(f"{count} x {kind}" for kind, count in Counter(kinds).items())
        record_property("told", f"No database for {MINUTES} minutes, {name}: {told}, 0 errors")
    assert set(said["page 1"]) == {"HIT"}
    assert said["chapter"][-1] == "STALE"
