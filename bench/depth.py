"""Pages of lists, first and deepest, and a chapter: in a large library beside the same in a small one."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from statistics import median
from typing import Any, NamedTuple

import msgspec

from bench.calls import Get, site
from bench.databases import Filled
from bench.report import Line
from roliascan import paging
from roliascan.database import open_database
from roliascan.library import catalogue, releases
from roliascan.paging import Order

OF_SMALL = 1.2
ROUNDS = 300
PAGE = 20


class _Place(msgspec.Struct):
    sort_key: Any
    id: str


class List(NamedTuple):
    """A list, its order, and the rows of which it shows pages. `{series}` is one of the series."""

    target: str
    order: Order
    rows: str


_SERIES = "series s JOIN series_stats t ON t.series_id = s.id WHERE s.state = 'published'"
_CHAPTERS = "chapters c WHERE c.state = 'published'"
LISTS = {
    "series": List("/api/v1/series", catalogue.ORDERS["newest"], _SERIES),
    "series by activity": List("/api/v1/series?sort=updated", catalogue.ORDERS["updated"], _SERIES),
    "the feed": List("/api/v1/chapters", releases.NEWEST, _CHAPTERS),
    "chapters by number": List(
        "/api/v1/series/{series}/chapters", releases.BY_NUMBER, f"{_CHAPTERS} AND c.series_id = '{{series}}'"
    ),
    "chapters, newest first": List(
        "/api/v1/series/{series}/chapters?sort=newest", releases.NEWEST, f"{_CHAPTERS} AND c.series_id = '{{series}}'"
    ),
}


def measure(small: Mapping[str, Filled], large: Mapping[str, Filled], *, rounds: int = ROUNDS) -> Iterator[Line]:
    """Time as a client sees it, that of the server in it; requests to the small and the large one take turns."""
    for kind, of_small in small.items():
        ask = [(site(one.url), _targets(one)) for one in (of_small, large[kind])]
        for name in ask[0][1]:
            calls = [_call(get, targets[name]) for get, targets in ask]
            few, many = _medians(calls, rounds)
            told = f"{many * 1e6:.0f} of {few * 1e6:.0f} us"
            yield Line(f"{kind}: {name}", many / few, budget=OF_SMALL, told=told)


def _call(get: Get, target: str) -> Callable[[], object]:
    return lambda: get(target)


def _targets(filled: Filled) -> dict[str, str]:
    targets = {"a chapter": f"/api/v1/chapters/{filled.chapter}"}
    for name, listed in LISTS.items():
        first = listed.target.format(series=filled.series)
        targets[f"{name}, first page"] = first
        targets[f"{name}, deepest"] = f"{first}{'&' if '?' in first else '?'}cursor={_last(filled, listed)}"
    return targets


def _last(filled: Filled, listed: List) -> str:
    """The cursor of the last full page: of the row before it, counted from the end."""
    order, rows = listed.order, listed.rows.format(series=filled.series)
    backwards = "ASC" if order.descending else "DESC"
    with closing(open_database(filled.url)) as db:
        place = db.one(
            f"SELECT {order.key} AS sort_key, {order.id} AS id FROM {rows}"
            f" ORDER BY {order.key} {backwards}, {order.id} {backwards} LIMIT 1 OFFSET {PAGE}",
            _Place,
        )
    assert place is not None
    return paging._cursor(order, place)  # type: ignore[arg-type]  # these two fields are all that it reads


def _medians(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds."""
    seen: list[list[float]] = [[] for _ in calls]
    for call in calls * 5:
        call()
    for _ in range(rounds):
        for call, times in zip(calls, seen, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [median(times) for times in seen]
