"""Round trips to the database for each request, counted on the wire between us and the server."""

from collections.abc import Iterator, Mapping

import msgspec

from bench.calls import Get, site
from bench.databases import Filled
from bench.report import Line
from tests.database.proxy import Proxy, between

PUBLIC, SIGNED_IN = 1, 2


def measure(databases: Mapping[str, Filled]) -> Iterator[Line]:
    """The most that any of the reads takes, once the connection is there."""
    for kind in ("postgresql", "mysql"):
        url, chapter, series = databases[kind]
        reads = [
            "/api/v1/series?limit=20",
            "/api/v1/series?sort=updated&q=crowd",
            "/api/v1/series/crowd-1",
            f"/api/v1/series/{series}/chapters",
            "/api/v1/chapters",
            f"/api/v1/chapters/{chapter}",
            f"/api/v1/chapters/{chapter}/comments",
            "/api/v1/teams",
        ]
        with between(url) as proxy:
            get = site(proxy.url)
            token = _token(get)
            yield _line(f"{kind}: a public read", {one: _trips(proxy, get, one) for one in reads}, PUBLIC)
            reads += ["/api/v1/auth/me", f"/api/v1/series/{series}/rating", f"/api/v1/chapters/{chapter}/rating"]
            yield _line(f"{kind}: a signed-in read", {one: _trips(proxy, get, one, token) for one in reads}, SIGNED_IN)


def _trips(proxy: Proxy, get: Get, target: str, token: str = "") -> int:
    get(target, token=token)  # with what is done only once
    proxy.trips = 0
    get(target, token=token)
    return proxy.trips


def _line(what: str, found: Mapping[str, int], budget: int) -> Line:
    most = max(found.values())
    worst = [target for target, count in found.items() if count > budget]
    return Line(what, most, "trips", budget, told=" ".join(worst) or f"{len(found)} kinds of read")


def _token(get: Get) -> str:
    """Of somebody new."""
    password = "correct horse battery staple"
    sent = {"username": "bench", "email": "bench@comics.example", "password": password}
    get("/api/v1/auth/register", method="POST", body=msgspec.json.encode(sent))
    login = msgspec.json.encode({"login": "bench", "password": password})
    told = msgspec.json.decode(get("/api/v1/auth/login", method="POST", body=login))
    return str(told["token"])
