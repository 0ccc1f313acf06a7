"""Signing in: as long for names that are known as for others, and no burden on those who read.

Hashing takes a processor for 50 ms, so the second needs one that is free for it: on a busy machine, or on one of two
processors that clients and server share, reads suffer from 50 logins a second of which no limit refuses any.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from statistics import median, quantiles
from urllib.parse import urlsplit

import msgspec

from bench import environments
from bench.calls import site
from bench.databases import Filled
from bench.report import Line
from tests.servers import server

TRIES, APART_MS = 400, 5.0  # of CPU time: both ask the database the same
WINDOW_S, WINDOWS = 4, 6  # of each kind, by turns
LOGINS, READS = 50, 60  # per second
SLOWER = {1: 2.0, 10_000: 3.0}  # how much slower the slowest reads may be meanwhile, by places; docs/decisions/0016
READ, LOGIN = "/api/v1/series?limit=20", "/api/v1/auth/login"
PASSWORD = "correct horse battery staple"


def measure(databases: Mapping[str, Filled]) -> Iterator[Line]:
    """On filled databases, by kind."""
    yield _apart(databases["postgresql"].url)
    for kind in ("sqlite", "postgresql"):
        with server.running({**environments.settings(databases[kind].url), "TRUSTED_HOPS": "1"}) as address:
            for name, places in (("one place", 1), ("many places", 10_000)):
                yield _burden(address, f"{kind}: slowest reads, {LOGINS} logins a second from {name}", places)


def _apart(url: str) -> Line:
    """Known and unknown names come mixed, so that nothing that comes and goes on the machine falls on one kind."""
    body = {"username": "known", "email": "known@comics.example", "password": PASSWORD}
    site(url)("/api/v1/auth/register", method="POST", body=msgspec.json.encode(body))
    refused = site(url, expected="401", RATE_LIMITS="off")
    seen: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    kinds = random.Random(1).sample([True, False] * (TRIES // 2), TRIES)
    for number, known in enumerate([True, False, *kinds], start=-2):  # the first ones load what is needed
        sent = {"login": "known" if known else f"nobody{number}", "password": f"wrong {number}"}
        start, cpu = time.perf_counter(), time.process_time()
        refused(LOGIN, method="POST", body=msgspec.json.encode(sent))
        if number >= 0:
            seen[known].append((time.perf_counter() - start, time.process_time() - cpu))
    ours, others = ([median(one) * 1000 for one in zip(*seen[known], strict=True)] for known in (True, False))
    told = f"{ours[1]:.2f} and {others[1]:.2f} ms of the processor, {ours[0]:.2f} and {others[0]:.2f} until the answer"
    return Line("known and unknown names, apart", abs(ours[1] - others[1]), "ms", APART_MS, told)


def _burden(address: str, what: str, places: int) -> Line:
    """The 99th percentile of reads while logins come in, of that while none do."""
    alone: list[float] = []
    beside: list[float] = []
    answers: Counter[int] = Counter()
    _reads(address)
    with ProcessPoolExecutor(1) as clients:  # this process only reads
        for window in range(WINDOWS):
            alone += _reads(address)
            coming = clients.submit(_logins, address, places, window)
            beside += _reads(address)
            answers += coming.result()
    before, meanwhile = _slowest(alone), _slowest(beside)
    told = f"{meanwhile:.1f} of {before:.1f} ms; answered " + ", ".join(f"{n} x {s}" for s, n in answers.most_common())
    return Line(what, meanwhile / before, budget=SLOWER[places], told=told)


def _slowest(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _reads(address: str) -> list[float]:
    """Milliseconds of reads that come evenly, for one window."""
    times = []
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    begun = time.perf_counter()
    for number in range(READS * WINDOW_S):
        time.sleep(max(0.0, begun + number / READS - time.perf_counter()))
        start = time.perf_counter()
        connection.request("GET", READ)
        connection.getresponse().read()
        times.append((time.perf_counter() - start) * 1000)
    connection.close()
    return times


def _logins(address: str, places: int, window: int) -> "Counter[int]":
    """How logins that come evenly for one window were answered. Each has a name of its own."""
    begun, done = time.perf_counter(), Counter[int]()
    lock = threading.Lock()

    def log_in(number: int) -> None:
        time.sleep(max(0.0, begun + number / LOGINS - time.perf_counter()))
        place = (window * LOGINS * WINDOW_S + number) % places
        status = _log_in(address, f"198.{place // 65536}.{place // 256 % 256}.{place % 256}", f"name{window}.{number}")
        with lock:
            done[status] += 1

    with ThreadPoolExecutor(LOGINS * 2) as pool:
        list(pool.map(log_in, range(LOGINS * WINDOW_S)))
    return done


def _log_in(address: str, client: str, name: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    headers = {"Content-Type": "application/json", "X-Forwarded-For": client}
    connection.request("POST", LOGIN, json.dumps({"login": name, "password": "a wrong one"}), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status
