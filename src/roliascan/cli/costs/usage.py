"""What a log adds up to, and what a platform asks for that."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

import msgspec

from roliascan.cli.costs.prices import GB, Prices
from roliascan.cli.costs.reading import Report, Request

MONTH = timedelta(days=30)
VIEWS = 1_000_000
VIEW = "GET /api/v1/chapters/{chapter}"
"""Somebody opens a chapter to read: what a view is here. Images come from elsewhere, or are requests of their own."""
MOST_ROUTES = 1_000
"""More than there are; what comes after them is counted as one."""
OTHERS = "(other routes)"
NO_ROUTE = "(no such route)"
_MILLION = 1_000_000


class Route(msgspec.Struct, rename="camel"):
    """Times in milliseconds; `errors` are answers of 500 and above."""

    requests: int = 0
    errors: int = 0
    ms: float = 0.0
    most_ms: float = 0.0
    billed_ms: int = 0
    bytes: int = 0


class Usage(msgspec.Struct, rename="camel"):
    """`reported_ms` is what Lambda billed as its reports say; there are none of others."""

    routes: dict[str, Route] = {}
    first: datetime | None = None
    last: datetime | None = None
    views: int = 0
    with_bytes: int = 0
    reports: int = 0
    reported_ms: float = 0.0
    cold_starts: int = 0
    cold_ms: float = 0.0
    other: int = 0
    skipped: int = 0

    @property
    def all(self) -> Route:
        """The sum of all routes."""
        total = Route()
        for route in self.routes.values():
            for field in ("requests", "errors", "ms", "billed_ms", "bytes"):
                setattr(total, field, getattr(total, field) + getattr(route, field))
            total.most_ms = max(total.most_ms, route.most_ms)
        return total

    @property
    def period(self) -> timedelta:
        return self.last - self.first if self.first and self.last else timedelta(0)


def add_up(told: Iterable[Request | Report | str], prices: Prices) -> Usage:
    usage = Usage()
    for one in told:
        if isinstance(one, Request):
            _add_request(usage, one, prices)
        elif isinstance(one, Report):
            _add_report(usage, one)
        else:
            setattr(usage, one, getattr(usage, one) + 1)
    return usage


def _add_request(usage: Usage, request: Request, prices: Prices) -> None:
    name = f"{request.method} {request.route}" if request.route else NO_ROUTE
    if name not in usage.routes and len(usage.routes) >= MOST_ROUTES:
        name = OTHERS
    route = usage.routes.setdefault(name, Route())
    route.requests += 1
    route.errors += request.status >= 500
    route.ms += request.ms
    route.most_ms = max(route.most_ms, request.ms)
    route.billed_ms += max(prices.least_ms, ceil(request.ms / prices.step_ms) * prices.step_ms)
    route.bytes += request.bytes or 0
    usage.with_bytes += request.bytes is not None
    usage.views += name == VIEW and request.status < 400
    usage.first = min(usage.first or request.time, request.time)
    usage.last = max(usage.last or request.time, request.time)


def _add_report(usage: Usage, report: Report) -> None:
    usage.reports += 1
    usage.reported_ms += report.billed_ms
    if report.init_ms is not None:
        usage.cold_starts += 1
        usage.cold_ms += report.init_ms


class Amounts(msgspec.Struct, frozen=True, rename="camel"):
    """What is paid for, in whatever time."""

    requests: float
    gb_seconds: float
    cpu_seconds: float
    gb_sent: float

    def times(self, factor: float) -> "Amounts":
        return Amounts(*(one * factor for one in msgspec.structs.astuple(self)))


def amounts(usage: Usage, *, memory_mb: int, cpus: float, as_reported: bool) -> Amounts:
    """What the log has; `memory_mb` in MiB, as platforms count: their GB is 1024 of these.

    `as_reported`: billed is what Lambda says that it billed, where it does; else what requests took, in steps.
    """
    total = usage.all
    billed_ms = usage.reported_ms if as_reported and usage.reports else total.billed_ms
    seconds = billed_ms / 1000
    return Amounts(total.requests, seconds * memory_mb / 1024, seconds * cpus, total.bytes / GB)


class Bill(msgspec.Struct, rename="camel"):
    """US dollars."""

    requests: float
    memory: float
    cpu: float
    gateway: float
    transfer: float
    total: float


def bill(used: Amounts, prices: Prices) -> Bill:
    """For a month in which so much was used: what is free is taken off first, but nothing is free at a gateway."""
    parts = (
        _beyond(used.requests, prices.free_requests) / _MILLION * prices.requests,
        _beyond(used.gb_seconds, prices.free_gb_seconds) * prices.memory,
        _beyond(used.cpu_seconds, prices.free_cpu_seconds) * prices.cpu,
        used.requests / _MILLION * prices.gateway,
        _beyond(used.gb_sent, prices.free_gb_sent) * prices.transfer,
    )
    return Bill(*parts, total=sum(parts))


def _beyond(used: float, free: int) -> float:
    return max(0.0, used - free)
