"""`roliascan cost`: what logs add up to, the bill by the formula, and lines that are none of ours."""

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from roliascan.cli.costs import reading, usage
from roliascan.cli.costs.prices import PRICES
from roliascan.cli.costs.reading import LONGEST
from tests.archives import cbz
from tests.cli.places import Place, Ran, account

CHAPTER = "/api/v1/chapters/{chapter}"
NOTHING = dict.fromkeys(("requests", "memory", "cpu", "gateway", "transfer", "total"), 0)


def line(**changed: Any) -> str:
    told = {
        "time": "2026-11-01T00:00:00Z",
        "level": "info",
        "event": "request",
        "requestId": "a2ed35a57d9cb00b4a36adc5615579d3",
        "method": "GET",
        "path": "/api/v1/chapters/x",
        "route": CHAPTER,
        "status": 200,
        "ms": 50.5,
        "client": "127.0.0.0",
    }
    return json.dumps(told | changed)


def report(billed: int, init: str = "") -> str:
    """As Lambda writes it, with tabs."""
    cold = f"Init Duration: {init} ms\t" if init else ""
    times = f"Duration: {billed - 0.4:.2f} ms\tBilled Duration: {billed} ms\t"
    return f"REPORT RequestId: 3897a7c2-8ac6\t{times}Memory Size: 512 MB\tMax Memory Used: 82 MB\t{cold}"


def cost(place: Place, lines: list[str | bytes], *words: str) -> Ran:
    whole = b"".join((one if isinstance(one, bytes) else one.encode()) + b"\n" for one in lines)
    (place.home / "log").write_bytes(whole)
    return place.run("cost", place.home / "log", *words)


def counted(place: Place, lines: list[str | bytes], *words: str) -> Any:
    ran = cost(place, lines, "--json", *words)
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


HOUR = [
    line(),
    line(time="2026-11-01T01:00:00+00:00", bytes=2_000),
    line(time="2026-11-01T02:30:00+02:00", route="", ms=0),
]


def test_what_a_site_really_writes(simple_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert simple_place.run("admin", "create", *account("owner")).status == 0
    assert simple_place.run("import", cbz(simple_place.home / "Series" / "1.cbz"), "--as", "owner").status == 0
    capsys.readouterr()
    simple_place.chapters("Series")
    simple_place.ask("GET", "/no/such/thing")
    told = counted(simple_place, list(capsys.readouterr().out.splitlines()))["usage"]
    assert (told["views"], told["skipped"], told["other"]) == (1, 0, 0)
    assert {name: route["requests"] for name, route in told["routes"].items()}[usage.VIEW] == 1
    assert told["routes"]["(no such route)"]["requests"] == 1


def test_a_month_and_a_million_views_by_the_formula(bare_place: Place) -> None:
    """An hour with two views and one request more: 51 + 51 + 1 ms on AWS, at 1 GB."""
    told = counted(bare_place, [*HOUR], "--memory", "1024", "--no-free")
    assert told["amounts"] == {"requests": 3, "gbSeconds": 0.103, "cpuSeconds": 0.103, "gbSent": 2e-6}
    assert told["month"]["amounts"]["requests"] == pytest.approx(3 * 720)
    views = told["millionViews"]
    assert views["amounts"] == pytest.approx(
        {"requests": 1.5e6, "gbSeconds": 51_500, "cpuSeconds": 51_500, "gbSent": 1}
    )
    price = PRICES["aws"]
    parts = {
        "requests": 1.5 * price.requests,
        "memory": 51_500 * price.memory,
        "gateway": 1.5 * price.gateway,
        "transfer": price.transfer,
    }
    assert views["bill"] == pytest.approx(NOTHING | parts | {"total": sum(parts.values())})


def test_what_is_free_is_taken_off_first(bare_place: Place) -> None:
    bill = counted(bare_place, [*HOUR], "--memory", "1024")["millionViews"]["bill"]
    assert bill == pytest.approx(NOTHING | {"requests": 0.1, "gateway": 1.5, "total": 1.6})


@pytest.mark.parametrize(("platform", "billed"), [("aws", 51 + 51 + 1), ("google", 300), ("azure", 300)])
def test_each_platform_has_its_steps(bare_place: Place, platform: str, billed: int) -> None:
    told = counted(bare_place, [*HOUR], "--platform", platform, "--memory", "2048", "--cpus", "0.5")
    assert told["amounts"]["gbSeconds"] == pytest.approx(billed / 1000 * 2)
    assert told["amounts"]["cpuSeconds"] == pytest.approx(billed / 1000 * 0.5)


def test_prices_can_be_given(bare_place: Place) -> None:
    given = [
        f"--{name}-price={place}" for place, name in enumerate(("requests", "memory", "cpu", "gateway", "transfer"), 1)
    ]
    told = counted(bare_place, [*HOUR], "--no-free", "--memory", "1024", *given)["millionViews"]["bill"]
    assert told == pytest.approx(
        {"requests": 1.5, "memory": 103_000, "cpu": 154_500, "gateway": 6, "transfer": 5, "total": 257_512.5}
    )


def test_what_lambda_reports_is_what_is_billed(bare_place: Place) -> None:
    record = {"requestId": "a", "metrics": {"durationMs": 1.2, "billedDurationMs": 100, "initDurationMs": 200.5}}
    as_json = json.dumps({"time": "2026-11-01T00:00:00Z", "type": "platform.report", "record": record})
    began = json.dumps({"time": "2026-11-01T00:00:00Z", "type": "platform.start", "record": {}})
    life = [
        "START RequestId: 3897a7c2 Version: $LATEST",
        "END RequestId: 3897a7c2",
        "INIT_START Runtime Version: python",
    ]
    reports = [report(40), f"2026-11-01T00:00:00Z {report(60, '399.5')}", as_json]
    told = counted(bare_place, [*HOUR, *reports, began, *life], "--memory", "1024")
    assert told["amounts"]["gbSeconds"] == pytest.approx(0.2)
    elsewhere = counted(bare_place, [*HOUR, *reports], "--memory", "1024", "--platform", "google")
    assert elsewhere["amounts"]["gbSeconds"] == pytest.approx(0.3)  # what Lambda says is nothing to Google
    told = told["usage"]
    assert (told["reports"], told["coldStarts"], told["coldMs"]) == (3, 2, 600)
    assert (told["other"], told["skipped"]) == (4, 0)


def test_nobody_reports_by_asking_for_a_path(bare_place: Place) -> None:
    told = counted(bare_place, [line(path=f"/{report(9_000_000, '9.5')}".replace("\t", "   "))])["usage"]
    assert (told["reports"], told["views"]) == (0, 1)


def test_how_platforms_wrap_lines(bare_place: Place) -> None:
    """Google's export, Azure's traces, and what puts a time in front."""
    wrapped = [
        json.dumps({"insertId": "x", "jsonPayload": json.loads(line()), "severity": "INFO"}),
        json.dumps({"message": line(), "itemType": "trace"}),
        f"2026-11-01T00:00:00.123Z 2026/11/01/[$LATEST]4f {line()}",
    ]
    assert counted(bare_place, [*wrapped])["usage"]["routes"][f"GET {CHAPTER}"]["requests"] == 3


HOSTILE: dict[str, str | bytes] = {
    "no JSON": "10.0.0.1 - - [01/Nov/2026] GET / 200",
    "cut": line()[:-9],
    "no text": b'{"event":"request","route":"\xff\xfe"}',
    "binary": bytes({*range(256)} - {10}),
    "a list": "[1,2,3]",
    "a number": "1",
    "deep": '{"jsonPayload":' * 5_000,
    "deep within": '{"event":' + "[" * 30_000 + "]" * 30_000 + "}",
    "wrapped for ever": '{"jsonPayload":' * 9 + line() + "}" * 9,
    "not a number": line().replace("50.5", "NaN"),
    "endless": line().replace("50.5", "1e999"),
    "a negative time": line(ms=-1),
    "a time of years": line(ms=1e15),
    "a huge number": line().replace("50.5", "9" * 10_000),
    "negative bytes": line(bytes=-1),
    "very many bytes": line(bytes=10**30),
    "no such status": line(status=99),
    "a status of text": line(status="200"),
    "no zone": line(time="2026-11-01T00:00:00"),
    "no time": line(time="yesterday"),
    "before there was time": line(time="0001-01-01T00:00:00+23:59"),
    "no such date": line(time="2026-02-30T00:00:00Z"),
    "a long route": line(route="/" * 501),
    "a long line": line(path="a" * LONGEST),
    "a report without numbers": '{"type":"platform.report"}',
    "a report of nothing": '{"type":"platform.report","record":null}',
    "a report that never was": "REPORT RequestId: x Duration: 1 ms Billed Duration: 99999999999999 ms",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_what_is_none_of_ours_is_counted_and_passed_over(bare_place: Place, hostile: str | bytes) -> None:
    told = counted(bare_place, [line(), hostile, line()])["usage"]
    assert (told["skipped"], told["routes"][f"GET {CHAPTER}"]["requests"]) == (1, 2)


def test_names_neither_fill_memory_nor_repaint_the_terminal(bare_place: Place) -> None:
    lines = [line(route=f"/{number}") for number in range(usage.MOST_ROUTES + 50)]
    told = counted(bare_place, [*lines])["usage"]
    assert len(told["routes"]) == usage.MOST_ROUTES + 1
    assert told["routes"][usage.OTHERS]["requests"] == 50
    ran = cost(bare_place, [line(route="\x1b[2J\u202e\r\nall")])
    assert ran.status == 0
    assert not {"\x1b", "\u202e", "\r"} & set(ran.out)


def test_large_files_are_streamed(tmp_path: Path) -> None:
    """40 MB, packed: a long line of 20 MB, and lines of ours."""
    with gzip.open(tmp_path / "log.gz", "wb", 1) as file:
        for _ in range(200):
            file.write(b"x" * 100_000)
        file.write(b"\n" + f"{line()}\n".encode() * 20_000)
    tracemalloc.start()
    try:
        with reading.opened(str(tmp_path / "log.gz")) as file:
            used = usage.add_up(reading.read(reading.lines(file)), PRICES["aws"])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (used.skipped, used.all.requests) == (1, 20_000)
    assert most < 2_000_000


def test_several_files_one_of_them_cut(bare_place: Place) -> None:
    packed = gzip.compress("\n".join(HOUR).encode())
    (bare_place.home / "one.gz").write_bytes(packed)
    both = [bare_place.home / "one.gz", bare_place.home / "two.gz"]
    both[1].write_bytes(packed)
    assert json.loads(bare_place.run("cost", *both, "--json").out)["amounts"]["requests"] == 6
    both[1].write_bytes(packed[:-20])
    ran = bare_place.run("cost", *both)
    assert ran.status == 1
    assert "two.gz cannot be unpacked to its end" in ran.err
    assert bare_place.run("cost", bare_place.home / "none").status == 1


def test_what_the_log_does_not_tell_is_not_guessed(bare_place: Place) -> None:
    """One moment, no view, no bytes."""
    ran = cost(bare_place, [line(route="/health")])
    assert ran.status == 0
    assert ran.out.count("unknown") == 20
    assert "Lines do not say how many bytes were sent" in ran.out
    assert "Check the prices: they are those of " in ran.out
    assert counted(bare_place, [line()], "--days", "1")["month"]["amounts"]["requests"] == 30
    ran = cost(bare_place, ["nothing"])
    assert (ran.status, ran.out) == (1, "")
    assert "There is no request in it: 0 other lines, 1 that are none of ours." in ran.err


@pytest.mark.parametrize(
    "words", [("--memory", "0"), ("--memory", "lots"), ("--requests-price", "-1"), ("--cpus", "nan"), ("--days", "inf")]
)
def test_wrong_use(bare_place: Place, words: tuple[str, str]) -> None:
    assert cost(bare_place, [line()], *words).status == 2
