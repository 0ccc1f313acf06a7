"""Read the log of a site, and say what a function platform asks for it: by route, in a month, for a million views.

Files may be packed by gzip; `-` is standard input. Prices are list prices of a date, which it prints: check them, and
give your own. docs/operations.md tells what counts.
"""

import argparse
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from roliascan.cli.costs import prices, reading, usage
from roliascan.cli.costs.prices import PRICES, Prices
from roliascan.cli.costs.reading import Report, Request
from roliascan.cli.costs.usage import MONTH, VIEWS, Amounts, Bill, Route, Usage
from roliascan.cli.importing.names import shown
from roliascan.errors import Refusal

_PRICED = {
    "requests": "a million requests",
    "memory": "a GB-second",
    "cpu": "a second of a CPU",
    "gateway": "a million requests, of what stands in front",
    "transfer": "a GB sent",
}
_AMOUNTS = {"requests": "requests", "gb_seconds": "GB-seconds", "cpu_seconds": "CPU-seconds", "gb_sent": "GB sent"}
_ROW = "{:46}{:>11}{:>8}{:>10}{:>10}{:>13}{:>11}"
_LONGEST = 45


class NothingToCount(Refusal):
    code = "nothing_to_count"


class Estimate(msgspec.Struct, rename="camel"):
    """For a month of so much; both None where the log does not tell how much that would be."""

    amounts: Amounts | None
    bill: Bill | None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("logs", nargs="+", metavar="LOG", help="files of log lines")
    parser.add_argument("--platform", choices=PRICES, default="aws", help="whose prices and steps (default: aws)")
    parser.add_argument("--memory", type=_memory, default=512, metavar="MB", help="of the function (default: 512)")
    parser.add_argument("--cpus", type=_amount, default=1.0, metavar="N", help="where they are paid (default: 1)")
    parser.add_argument("--days", type=_amount, metavar="N", help="that the logs are of (default: first to last line)")
    parser.add_argument("--no-free", action="store_true", help="as if nothing were free")
    for name, what in _PRICED.items():
        parser.add_argument(f"--{name}-price", type=_amount, metavar="USD", help=f"of {what}")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1e9:
        raise argparse.ArgumentTypeError("write a number from 0 on, such as 0.20")
    return number


def _memory(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text)):
        raise argparse.ArgumentTypeError("write a number of megabytes, such as 512")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """0; refused is a log without a request."""
    asked = _prices(args)
    used = usage.add_up(_told(args.logs), asked)
    if not used.routes:
        raise NothingToCount(
            f"There is no request in it: {used.other} other lines, {used.skipped} that are none of ours."
        )
    counted = usage.amounts(used, memory_mb=args.memory, cpus=args.cpus, as_reported=args.platform == "aws")
    period = timedelta(days=args.days) if args.days else used.period
    month = _estimate(counted, MONTH / period if period >= timedelta(seconds=1) else 0.0, asked)
    views = _estimate(counted, VIEWS / used.views if used.views else 0.0, asked)
    if args.json:
        _print_json(args, used, counted, asked, month, views)
    else:
        _print_routes(used, args.memory)
        _print_bills(args, used, asked, {"a month": month, f"{VIEWS:,} views": views})
    return 0


def _prices(args: argparse.Namespace) -> Prices:
    given = {name: price for name in _PRICED if (price := getattr(args, f"{name}_price")) is not None}
    free = [name for name in Prices.__struct_fields__ if name.startswith("free_")] if args.no_free else []
    return msgspec.structs.replace(PRICES[args.platform], **given, **dict.fromkeys(free, 0))


def _told(logs: list[str]) -> Iterator[Request | Report | str]:
    for name in logs:
        with reading.opened(name) as file:
            yield from reading.read(reading.lines(file))


def _estimate(counted: Amounts, factor: float, asked: Prices) -> Estimate:
    if not factor:
        return Estimate(None, None)
    amounts = counted.times(factor)
    return Estimate(amounts, usage.bill(amounts, asked))


def _print_json(
    args: argparse.Namespace, used: Usage, counted: Amounts, asked: Prices, month: Estimate, views: Estimate
) -> None:
    told = {
        "platform": args.platform,
        "memory": args.memory,
        "pricesAsOf": prices.AS_OF,  # of those that were not given
        "prices": asked,
        "usage": used,
        "amounts": counted,
        "month": month,
        "millionViews": views,
    }
    print(msgspec.json.format(msgspec.json.encode(told)).decode())


# As a table.


def _print_routes(used: Usage, memory_mb: int) -> None:
    print(_ROW.format("route", "requests", "errors", "mean ms", "most ms", "GB-seconds", "MB sent"))
    ordered = sorted(used.routes.items(), key=lambda item: (-item[1].billed_ms, item[0]))
    for name, route in [*ordered, ("all", used.all)]:
        print(_row(shown(name, _LONGEST), route, memory_mb, has_bytes=bool(used.with_bytes)))
    print(f"\n{used.first:%Y-%m-%d %H:%M} to {used.last:%Y-%m-%d %H:%M} UTC, {used.views} views of chapters")
    print(f"{used.other} other lines, {used.skipped} lines skipped that are none of ours")
    if used.reports:
        cold = f"{used.cold_starts} cold starts of {used.cold_ms / max(1, used.cold_starts):.0f} ms"
        print(f"{used.reports} reports of AWS Lambda: {used.reported_ms / 1000:.1f} s billed, {cold}")


def _row(name: str, route: Route, memory_mb: int, *, has_bytes: bool) -> str:
    return _ROW.format(
        name,
        route.requests,
        route.errors,
        f"{route.ms / max(1, route.requests):.1f}",
        f"{route.most_ms:.0f}",
        f"{route.billed_ms / 1000 * memory_mb / 1024:.3f}",
        f"{route.bytes / 1e6:.1f}" if has_bytes else "-",
    )


def _print_bills(args: argparse.Namespace, used: Usage, asked: Prices, estimates: dict[str, Estimate]) -> None:
    free = "" if args.no_free else ", what is free each month taken off"
    print(f"\n{args.platform}, {args.memory} MB{free}; prices and sums in USD\n")
    print(" " * 30 + _cells(estimates))
    for name, words in _AMOUNTS.items():
        print(
            f"{words:30}"
            + _cells(f"{getattr(one.amounts, name):,.1f}" if one.amounts else None for one in estimates.values())
        )
    for name in Bill.__struct_fields__:
        words = f"{name}, at {getattr(asked, name):.10g}" if name in _PRICED else name
        print(
            f"{words:30}"
            + _cells(f"{getattr(one.bill, name):,.2f}" if one.bill else None for one in estimates.values())
        )
    print(f"\nCheck the prices: they are those of {prices.AS_OF}, or yours; {asked.page}")
    if not used.with_bytes:
        print("Lines do not say how many bytes were sent: the transfer is not in it.")


def _cells(cells: Iterable[str | None]) -> str:
    return "".join(f"{cell or 'unknown':>22}" for cell in cells)
