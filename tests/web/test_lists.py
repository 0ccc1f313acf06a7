"""Pages of lists: limits, numbers, cursors, totals."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from roliascan.web import openapi
from tests.front import Asker, Site, everything, fields, ids, refused, told

SORTS = ["newest", "updated", "title", "rating"]
SOME_ID = "01a20846-fe00-7ece-bc0b-f87796bb3294"


@pytest.fixture
def keeper(site: Site) -> Asker:
    return fill(site)


def fill(site: Site) -> Asker:
    """Seven series: two of them started at one instant, two of one title, ratings in a row."""
    keeper = site.sign_up("uploader")
    for place, title in enumerate(["b", "\u00c4", "c", "B", "zz", "b", "\u6f2b\u753b"]):
        series = keeper.makes_series(title)
        rate = "UPDATE series_stats SET rating_milli = :milli, rating_count = 2 WHERE series_id = :id"
        site.write(rate, milli=[5000, 0, 9500, 5000, 100, 7000, 5000][place], id=series["id"])
        site.clock.forward(seconds=place % 2)
    return keeper


def test_a_cursor_walks_over_everything_once(any_site: Site) -> None:
    keeper = fill(any_site)
    for sort, limit in product(SORTS, [1, 2, 3, 7]):
        walked = [one["id"] for one in everything(keeper, "series", sort=sort, limit=limit)]
        assert walked == ids(told(keeper.get("series", params={"sort": sort, "limit": 100}))), (sort, limit)
        assert len(walked) == 7


def test_each_sort_sorts(any_site: Site) -> None:
    keeper = fill(any_site)

    def listed(sort: str) -> list[Any]:
        return everything(keeper, "series", sort=sort)

    assert [one["title"].casefold() for one in listed("title")] == ["\u00e4", "b", "b", "b", "c", "zz", "\u6f2b\u753b"]
    assert [one["rating"] for one in listed("rating")] == [9.5, 7, 5, 5, 5, 0.1, 0]
    times = [one["createdAt"] for one in listed("newest")]
    assert times == sorted(times, reverse=True)
    assert listed("updated") == listed("newest")
    oldest = listed("newest")[-1]
    any_site.clock.forward(hours=1)
    keeper.publishes(oldest)
    assert listed("updated")[0]["id"] == oldest["id"]
    assert listed("newest")[-1]["id"] == oldest["id"]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_by_number_are_the_same_pages(site: Site, keeper: Asker, sort: str) -> None:
    walked = [one["id"] for one in everything(keeper, "series", sort=sort)]
    by_number = [ids(told(keeper.get(f"series?sort={sort}&limit=3&page={number}"))) for number in (1, 2, 3, 4)]
    assert by_number == [walked[:3], walked[3:6], walked[6:], []]


def test_page_tells_where_it_stands(site: Site, keeper: Asker) -> None:
    first = told(keeper.get("series?limit=3"))["page"]
    assert (first["limit"], first["number"], first["total"]) == (3, 1, 7)
    second = told(keeper.get(f"series?limit=3&cursor={first['next']}"))["page"]
    assert (second["number"], second["total"]) == (None, 7)
    assert told(keeper.get("series?limit=3&page=3"))["page"] == {"limit": 3, "number": 3, "total": 7, "next": None}


def test_a_cursor_is_plain_in_an_address(site: Site, keeper: Asker) -> None:
    cursor = told(keeper.get("series?limit=1&sort=title"))["page"]["next"]
    assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@pytest.mark.parametrize("sort", SORTS)
def test_what_comes_meanwhile_moves_no_page(site: Site, keeper: Asker, sort: str) -> None:
    first = told(keeper.get(f"series?limit=3&sort={sort}"))
    shown = ids(first)
    rest = [one["id"] for one in everything(keeper, "series", sort=sort)][3:]
    site.clock.forward(days=1)
    new = keeper.makes_series("a first of all")  # before what was shown, or after everything, in each of the orders
    second = told(keeper.get(f"series?limit=9&sort={sort}&cursor={first['page']['next']}"))
    assert [one for one in ids(second) if one != new["id"]] == rest
    assert not set(shown) & set(ids(second))


def test_what_the_cursor_points_to_may_be_gone(site: Site, keeper: Asker) -> None:
    first = told(keeper.get("series?limit=2"))
    rest = [one["id"] for one in everything(keeper, "series")][2:]
    told(keeper.delete(f"series/{ids(first)[1]}"), 204)
    assert ids(told(keeper.get(f"series?cursor={first['page']['next']}"))) == rest


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=99999999999999999999", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=5&limit=6", ["limit"]),
        ("page=0", ["page"]),
        ("page=-1", ["page"]),
        ("page=1.5", ["page"]),
        ("page=99999999999999999999", ["page"]),
        ("cursor=", ["cursor"]),
        ("sort=views", ["sort"]),
        ("sort=title;drop", ["sort"]),
        ("sort=s.id", ["sort"]),
        ("status=done", ["status"]),
        ("type=book", ["type"]),
        ("state=deleted", ["state"]),
        ("language=%20", ["language"]),
        ("language=e'n", ["language"]),
        ("team=1", ["team"]),
        ("q=a%00b", ["q"]),
        ("page=null", ["page"]),
        ("cursor=x&type=null&status=NULL", ["status", "type"]),
        ("q=" + "x" * 201, ["q"]),
        ("unknown=1", ["unknown"]),
        ("limit=0&page=0&sort=x&unknown=1&state=", ["limit", "page", "sort", "state", "unknown"]),
    ],
)
def test_out_of_range_is_refused_and_never_clamped(site: Site, query: str, wrong: list[str]) -> None:  # IN-07, IN-12
    assert fields(site.stranger.get(f"series?{query}")) == wrong


@pytest.mark.parametrize("path", ["/health", "/ready", "teams?q=x", "chapters?sort=number", "users/x?y=1"])
def test_a_query_that_nobody_reads_is_refused(site: Site, path: str) -> None:
    assert len(fields(site.stranger.get(path if "?" in path else f"{path}?unknown=1"))) == 1


@pytest.mark.parametrize("list_of", ["series", "chapters", "teams"])
def test_pages_by_number_end_at_row_ten_thousand(site: Site, list_of: str) -> None:  # IN-12
    for query in ("limit=100&page=100", "limit=1&page=10000", "limit=20&page=500"):
        assert told(site.stranger.get(f"{list_of}?{query}"))["data"] == []
    for query in ("limit=100&page=101", "limit=2&page=5001", "page=501"):
        refused(site.stranger.get(f"{list_of}?{query}"), 400, "page_too_deep")


def test_a_page_and_a_cursor_contradict_each_other(site: Site, keeper: Asker) -> None:
    cursor = told(keeper.get("series?limit=1"))["page"]["next"]
    assert fields(keeper.get(f"series?page=1&cursor={cursor}")) == ["page"]


def cursor_of(*parts: Any) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("other", SORTS)
def test_a_cursor_holds_for_its_order_only(site: Site, keeper: Asker, sort: str, other: str) -> None:  # IN-12
    cursor = told(keeper.get(f"series?limit=1&sort={sort}"))["page"]["next"]
    answer = keeper.get(f"series?sort={other}&cursor={cursor}")
    if sort == other:
        assert len(told(answer)["data"]) == 6
    else:
        assert fields(answer) == ["cursor"]


KEYS: list[Any] = [
    None,
    1.5,
    True,
    [],
    {},
    2**31,
    -(2**31),
    10**18,
    10**30,
    "",
    "a\0b",
    "\ud800",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000000",
    "2026-01-01T00:00:00.000000+00:00",
    "0001-01-01T00:00:00.000000+23:00",
    "0000-01-01T00:00:00.000000Z",
    "2026-02-30T00:00:00.000000Z",
    "2026-01-01T24:00:00.000000Z",
    "\u0662026-01-01T00:00:00.000000Z",
    "now",
    "x" * 500,
]


def test_a_forged_key_is_refused_or_harmless(any_site: Site) -> None:  # IN-07, IN-12
    series = fill(any_site).makes_series("One")
    places = [*(("series", sort) for sort in SORTS), ("chapters", "newest"), ("teams", "newest")]
    for key, (path, sort) in product(KEYS, [*places, (f"series/{series['id']}/chapters", "number")]):
        params = {"cursor": cursor_of(sort, key, SOME_ID)} | ({"sort": sort} if path == "series" else {})
        answer = any_site.stranger.get(path, params=params)
        plain = isinstance(key, str) and not {"\0", "\ud800"} & set(key) and len(key) <= 500
        if plain and sort in {"title", "number"}:
            told(answer)
        else:
            assert fields(answer) == ["cursor"], (key, path)


def test_a_key_of_any_year_finds_what_it_finds(any_site: Site) -> None:
    keeper = fill(any_site)
    for year, found in (("0001", 0), ("1969", 0), ("9999", 7)):
        cursor = cursor_of("newest", f"{year}-12-31T23:59:59.999999Z", SOME_ID)
        assert len(told(keeper.get(f"series?cursor={cursor}"))["data"]) == found


def test_a_forged_cursor_is_refused(any_site: Site) -> None:  # IN-12
    for cursor in (
        "x",
        "====",
        "%FF%FE",
        "a b",
        "e30",
        "bnVsbA",
        cursor_of(),
        cursor_of("newest"),
        cursor_of("newest", "2026-01-01T00:00:00.000000Z"),
        cursor_of("newest", "2026-01-01T00:00:00.000000Z", SOME_ID, "more"),
        cursor_of("newest", "2026-01-01T00:00:00.000000Z", SOME_ID.upper()),
        cursor_of("newest", "2026-01-01T00:00:00.000000Z", "' OR 1=1 --"),
        cursor_of("newest", "2026-01-01T00:00:00.000000Z", 5),
        cursor_of("created", "2026-01-01T00:00:00.000000Z", SOME_ID),
        "x" * 1001,
    ):
        assert fields(any_site.stranger.get(f"series?cursor={cursor}")) == ["cursor"], cursor


def test_a_cursor_carries_no_rights(site: Site, keeper: Asker) -> None:  # AZ-16
    for number in range(3):
        keeper.makes_series(f"draft {number}", state="draft")
    cursor = told(keeper.get("series?state=draft&limit=1"))["page"]["next"]
    assert len(told(keeper.get(f"series?state=draft&cursor={cursor}"))["data"]) == 2
    for asker in (site.stranger, site.sign_up("uploader")):
        assert told(asker.get(f"series?state=draft&cursor={cursor}"))["data"] == []
    name, key, last = json.loads(urlsafe_b64decode(cursor + "=="))
    assert (name, last, key) == ("created", ids(told(keeper.get("series?state=draft&limit=1")))[0], key)


def test_totals_are_exact_or_not_told(any_site: Site) -> None:
    keeper = fill(any_site)
    series = told(keeper.get("series"))["data"][0]
    for number in (1, 2, 3):
        keeper.publishes(series, number)
    keeper.makes_team()

    def total(path: str) -> Any:
        return told(any_site.stranger.get(path))["page"]["total"]

    assert (total("series"), total("chapters"), total("teams")) == (7, 3, 1)
    assert total(f"series/{series['id']}/chapters") == 3
    for query in ("q=b", "status=ongoing", "type=manga", "language=und", f"team={SOME_ID}", "state=draft"):
        assert total(f"series?{query}") is None, query
    for query in ("language=und", f"team={SOME_ID}", f"series={series['id']}", "state=hidden"):
        assert total(f"chapters?{query}") is None, query
    assert total(f"series/{series['id']}/chapters?language=und") is None


def test_a_limit_is_any_whole_number_from_1_to_100(site: Site, keeper: Asker) -> None:
    for limit in (1, 6, 7, 100):
        assert len(told(keeper.get(f"series?limit={limit}"))["data"]) == min(limit, 7)


# No list without an end.

WITHIN_ONE = {
    "accounts_me": {"permissions": "of a table in the code", "teams": "to which somebody was added, one by one"},
    "teams_show": {"links": "20 are taken", "members": "who were added, one by one"},
    "series_show": {"titles": "50 are taken", "teams": "that its makers named"},
    "chapters_show": {"teams": "that its makers named", "pages": "MOST_PAGES", "pages.variants": "of a table"},
    "pages_tell": {"pages": "MOST_PAGES"},
    "uploads_show_session": {"missing": "MOST_FILES", "files": "MOST_FILES"},
}
"""Lists that belong to one thing, and what bounds them."""


def _lists(schema: Any, schemas: Any, at: str = "") -> Iterator[str]:
    """The places of a schema that hold lists, down to lists in lists."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "items" in schema:
        yield at
        yield from _lists(schema["items"], schemas, at)
    for name, part in schema.get("properties", {}).items():
        yield from _lists(part, schemas, f"{at}.{name}".lstrip("."))
    for part in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        yield from _lists(part, schemas, at)


def test_every_list_is_paged_or_bounded() -> None:  # SC 72
    document = openapi.document()
    paged = 0
    for path in document["paths"].values():
        asked = path.get("get", {})
        content = asked.get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        found = set(_lists(schema, document["components"]["schemas"]))
        if "data" in found:
            paged += 1
            [limit] = [one["schema"] for one in asked["parameters"] if one["name"] == "limit"]
            assert (limit["minimum"], limit["maximum"]) == (1, 100), asked["operationId"]
        else:
            assert found == set(WITHIN_ONE.get(asked.get("operationId"), {})), asked["operationId"]
    assert paged >= 9


def test_no_more_rows_than_are_asked_for(any_site: Site) -> None:  # SC 72
    keeper = any_site.sign_up("admin")
    for number in range(8):
        keeper.makes_team(f"Team of {number}")
    assert [len(told(keeper.get(f"teams?limit={limit}"))["data"]) for limit in (1, 7, 8, 100)] == [1, 7, 8, 8]
    refused(keeper.get("teams?limit=101"), 400)
