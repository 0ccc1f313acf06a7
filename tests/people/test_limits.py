"""How often people may try: exactly so often, however and wherever it is asked; and who is counted together."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from falcon.testing import Result, simulate_request

from roliascan.database import Database
from roliascan.errors import TooMany
from roliascan.people import limits
from roliascan.platforms.border import bordered
from roliascan.settings import Limit
from tests.front import API, PAGE, SECRET, Clock, File, Site, at_once, opened, refused, told
from tests.people.test_signing_in import PASSWORD, register
from tests.servers.program import environment

HERE, THERE = "203.0.113.7", "203.0.113.8"
LIMITS = "login=3/1h,register=2/1h,upload=3/1h"
EACH = 1200  # seconds in which one of 3 an hour comes back
SLOW = 60  # seconds that a test never takes
Open = Callable[..., Site]


@pytest.fixture
def open_site(site_url: str) -> Iterator[Open]:
    """Opens sites over one database, with limits."""
    with ExitStack() as stack:
        yield lambda words=LIMITS, **how: stack.enter_context(opened(site_url, RATE_LIMITS=words, **how))


@pytest.fixture
def strict(open_site: Open) -> Site:
    return open_site()


@pytest.fixture
def any_strict(database_url: str) -> Iterator[Site]:
    with opened(database_url, RATE_LIMITS=LIMITS) as site:
        yield site


def login(site: Site, name: str = "nobody", *, client: str = HERE, password: str = "a wrong one") -> Result:
    sent = {"login": name, "password": password}
    return site.stranger.post("auth/login", sent, extras={"roliascan.client": client})


def wait(site: Site, seconds: float) -> None:
    """As if the database's clock went forward: nothing else counts for a bucket."""
    full_at = dict(zip(site.values("name", "rate_limits ORDER BY name"), _instants(site), strict=True))
    for name, instant in full_at.items():
        at = instant - timedelta(seconds=seconds)
        site.write("UPDATE rate_limits SET full_at = :at WHERE name = :name", name=name, at=at)


def _instants(site: Site) -> list[datetime]:
    return [datetime.fromisoformat(one) for one in site.values("full_at", "rate_limits ORDER BY name")]


def wait_of(answer: Result) -> int:
    refused(answer, 429, "too_many_requests")
    return int(answer.headers["retry-after"])


def test_so_many_pass_and_the_next_is_told_how_long_to_wait(any_strict: Site) -> None:  # AU-13
    assert [login(any_strict).status_code for _ in range(3)] == [401] * 3
    waits = [wait_of(login(any_strict)) for _ in range(3)]  # asking again does not make it longer
    assert EACH - SLOW < min(waits) <= max(waits) <= EACH
    wait(any_strict, waits[-1] - SLOW)
    assert wait_of(login(any_strict)) <= SLOW
    wait(any_strict, SLOW)
    refused(login(any_strict), 401)
    assert wait_of(login(any_strict)) > EACH - SLOW
    wait(any_strict, 3600)
    assert [login(any_strict).status_code for _ in range(4)] == [401] * 3 + [429]


def test_an_odd_limit_is_exact_too(site_url: str) -> None:
    with opened(site_url) as site:
        for count, seconds in ((7, 300), (3, 100_000), (11, 86_399), (1, 3600)):
            one = limits.bucket("comment", f"{count}", Limit(count, seconds), secret=SECRET)
            for _ in range(count):
                limits.take(site.db, [one])
            with pytest.raises(TooMany):
                limits.take(site.db, [one])


def test_several_are_taken_at_once_or_none(any_site: Site) -> None:
    one = limits.bucket("upload", "somebody", Limit(10, 3600), secret=SECRET)
    limits.take(any_site.db, [one], times=7)
    with pytest.raises(TooMany) as refusal:
        limits.take(any_site.db, [one], times=4)
    assert 360 - SLOW < refusal.value.retry_after <= 360
    limits.take(any_site.db, [one], times=3)
    wait(any_site, 3600)
    limits.take(any_site.db, [one], times=1000)  # more than it ever holds: all of it
    with pytest.raises(TooMany):
        limits.take(any_site.db, [one])


def test_what_is_not_valid_is_not_counted(strict: Site) -> None:
    bodies: list[Any] = [
        {"login": "nobody"},
        {"login": "", "password": "x"},
        {"login": "n", "password": "x", "a": 1},
        [],
    ]
    for body in bodies:
        refused(strict.stranger.post("auth/login", body, extras={"roliascan.client": HERE}), 400)
    assert strict.count("rate_limits") == 0


def test_limits_can_be_off(open_site: Open) -> None:
    site = open_site("off")
    assert [login(site).status_code for _ in range(5)] == [401] * 5
    assert site.count("rate_limits") == 0


# Who is counted together.


def test_addresses_are_counted_apart(strict: Site) -> None:
    for number in range(3):
        refused(login(strict, f"name{number}"), 401)
    refused(login(strict, "another"), 429)
    refused(login(strict, "another", client=THERE), 401)


def test_right_passwords_count_too_and_do_not_help(strict: Site) -> None:
    register(strict)
    for _ in range(3):
        told(login(strict, "Reader", password=PASSWORD))
    refused(login(strict, "Reader", password=PASSWORD), 429)
    assert strict.count("sessions") == 4


def test_nobody_is_kept_out_by_others_from_one_place_or_for_long(open_site: Open) -> None:  # AU-13
    site = open_site("login=1/1h")
    reader = register(site)
    for number in range(10):  # from ten places, one more than an account bears
        refused(login(site, "Reader", client=f"198.51.100.{number}"), 401)
        if number < 9:
            refused(login(site, "somebody else", client=f"192.0.2.{number}"), 401)
    seconds = wait_of(login(site, "Reader", password=PASSWORD, client=HERE))
    assert seconds <= 360
    refused(login(site, "reader", client="198.51.100.77"), 429)
    told(reader.get("auth/me"))  # a session goes on meanwhile
    wait(site, seconds)
    told(login(site, "Reader", password=PASSWORD, client=HERE))


@pytest.mark.parametrize("spelling", ["READER", " reader ", "ｒｅader", "Rеader", "reаder"])
def test_spellings_of_a_name_are_one_account(open_site: Open, spelling: str) -> None:  # LD-05
    site = open_site("login=1/1h")
    for number in range(10):
        refused(login(site, "Reader", client=f"198.51.100.{number}"), 401)
    refused(login(site, spelling, client=HERE), 429)


def test_there_is_a_limit_for_all_together(open_site: Open) -> None:  # AU-13
    site = open_site("login=1/1h")
    everybody = limits.bucket("login", "everybody", Limit(1, 3600), share=100, secret=SECRET)
    limits.take(site.db, [everybody], times=99)
    refused(login(site, "one"), 401)
    refused(login(site, "another", client=THERE), 429)


def test_a_whole_site_is_no_more_than_ten_addresses(open_site: Open) -> None:  # AU-13, LD-04
    site = open_site("login=1/1h,register=1/1h")
    for number in range(10):
        refused(login(site, f"name{number}", client=f"2001:db8:1:{number:x}::1"), 401)
    refused(login(site, "another", client="2001:db8:1:ffff::1"), 429)
    refused(login(site, "another", client="2001:db8:2:ffff::1"), 401)


def test_who_is_refused_by_one_limit_is_not_counted_by_another(open_site: Open) -> None:
    site = open_site("login=1/1h")
    for number in range(10):
        refused(login(site, "Reader", client=f"198.51.100.{number}"), 401)
    refused(login(site, "Reader"), 429)
    refused(login(site, "another"), 401)


TOGETHER = [
    ("203.0.113.7", "::ffff:203.0.113.7"),
    ("203.0.113.7", "::ffff:cb00:7107"),
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
    ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0:0:0:9"),
    ("", "nonsense"),
]
APART = [("2001:db8:1:2::1", "2001:db8:1:3::1"), ("203.0.113.7", "203.0.113.8"), ("::1", "127.0.0.1"), ("", "::")]


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_one_place_has_one_limit(strict: Site, one: str, other: str) -> None:  # LD-04
    assert [login(strict, client=client).status_code for client in (one, other, one, other)] == [401, 401, 401, 429]


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_places_have_two(strict: Site, one: str, other: str) -> None:  # LD-04
    assert [login(strict, client=client).status_code for client in (one, one, one, other)] == [401] * 4


FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "Roliascan.Client")


@pytest.mark.parametrize(("hops", "passed"), [(0, 3), (1, 7)])
def test_only_a_trusted_proxy_says_who_asks(strict: Site, hops: int, passed: int) -> None:  # LD-04
    app = bordered(strict.app, hops=hops)
    answers = []
    for number in range(7):
        forged = dict.fromkeys(FORGED, f"198.51.100.{number}")
        sent = {"login": "nobody", "password": "a wrong one"}
        answers.append(
            simulate_request(app, "POST", f"{API}/auth/login", json=sent, headers=forged, remote_addr=HERE).status_code
        )
    assert Counter(answers) == {401: passed, **({429: 7 - passed} if passed < 7 else {})}


def test_no_spelling_of_a_request_dodges(strict: Site) -> None:  # LD-05
    def ask(method: str, path: str, **headers: str) -> int:
        sent = {"json": {"login": "nobody", "password": "a wrong one"}, "extras": {"roliascan.client": HERE}}
        return strict.stranger.ask(method, path, headers=headers, **sent).status_code

    login_path = f"{API}/auth/login"
    paths = [login_path, f"{login_path}/", "/api/v1/auth/%6Cogin"]
    counted = [ask("POST", path) for path in paths]
    assert counted == [401] * 3
    more = [*paths, f"/{login_path}", f"{login_path}//", "/api/v1/auth/LOGIN", "/API/v1/auth/login", f"{login_path};x"]
    more += [f"{login_path}%00", f"{login_path}?x=1", "/api/v1/./auth/login", "/api/v1/auth/../auth/login"]
    assert {ask("POST", path) for path in more} <= {429, 404, 400}
    assert {ask(method, login_path) for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE")} == {405}
    types = ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y"]
    assert {ask("POST", login_path, **{"Content-Type": kind}) for kind in types} == {429}
    assert ask("POST", login_path, Authorization="Bearer nonsense", Cookie="token=other") == 429


def test_a_token_buys_no_tries(strict: Site) -> None:  # LD-05
    for _ in range(3):
        refused(login(strict), 401)
    somebody = strict.sign_up()
    sent = {"login": "nobody", "password": "a wrong one"}
    refused(somebody.post("auth/login", sent, extras={"roliascan.client": HERE}), 429)


def test_accounts_are_made_so_often_from_one_place(any_strict: Site) -> None:
    def make(name: str, client: str) -> Result:
        sent = {"username": name, "email": f"{name}@tests.example", "password": PASSWORD}
        return any_strict.stranger.post("auth/register", sent, extras={"roliascan.client": client})

    told(make("first", HERE), 201)
    refused(make("first", HERE), 409)  # it looked whether somebody has the address: that counts
    assert wait_of(make("third", HERE)) <= 1800
    told(make("third", THERE), 201)
    assert any_strict.count("users") == 2


def test_passwords_are_not_guessed_with_a_stolen_token(strict: Site) -> None:
    reader, other = register(strict), register(strict, "Other", "other@tests.example")
    change = {"password": "another password", "currentPassword": "a guess"}
    assert [reader.patch("auth/me", change).status_code for _ in range(4)] == [403] * 3 + [429]
    told(reader.patch("auth/me", {"username": "Renamed"}))
    refused(other.patch("auth/me", change), 403)


def test_files_are_counted_before_they_are_read(any_strict: Site) -> None:
    one, other = any_strict.sign_up("uploader"), any_strict.sign_up("uploader")
    chapter = one.makes_chapter(one.makes_series())
    path = f"chapters/{chapter['id']}/pages"
    for _ in range(4):  # who may not, and what is no form, is not counted
        refused(other.send(path, File("file", PAGE)), 404)
        refused(one.post(path, {}), 415)
    told(one.send(path, *[File("file", PAGE)] * 2), 201)
    assert wait_of(one.send(path, *[File("file", PAGE)] * 2)) <= EACH
    assert len(any_strict.stored) == any_strict.count("pages") == 2  # of a request that is refused nothing stays
    theirs = other.makes_chapter(other.makes_series())
    other.adds_pages(theirs, 3)


def test_rows_name_nobody(strict: Site) -> None:  # PR-05, PR-07
    register(strict)
    login(strict, "reader@tests.example", client="2001:db8:1:2::1")
    names = strict.values("name", "rate_limits")
    assert len(names) == 5  # a registration; an address, its site, an account, everybody
    assert not [name for name in names if "reader" in name or "2001" in name or "everybody" in name]


# Many processes, and their clocks.


def test_clocks_that_differ_change_nothing(database_url: str) -> None:  # SL-13
    ahead, behind = Clock(), Clock()
    ahead.forward(minutes=5)
    behind.forward(minutes=-5)
    with (
        opened(database_url, clock=ahead, RATE_LIMITS=LIMITS) as one,
        opened(database_url, clock=behind, RATE_LIMITS=LIMITS) as other,
    ):
        answers = [login(site).status_code for site in (one, other, one, other, one)]
        assert answers == [401] * 3 + [429] * 2


@pytest.mark.parametrize("taken", [0, 1])
def test_who_comes_second_reads_again(any_site: Site, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-14
    really, others = limits._written, iter([True])

    def outrun(db: Database, steps: list[limits._Step]) -> bool:
        if next(others, False):
            assert really(db, steps)  # another process, which read the same
        return really(db, steps)

    one = limits.bucket("upload", "somebody", Limit(2 + taken, 36_000), secret=SECRET)
    for _ in range(taken):
        limits.take(any_site.db, [one])
    monkeypatch.setattr(limits, "_written", outrun)
    limits.take(any_site.db, [one])
    with pytest.raises(TooMany):
        limits.take(any_site.db, [one])


def test_threads_of_two_apps_take_no_more_than_there_is(two_sites: tuple[Site, Site]) -> None:  # LD-02
    one = limits.bucket("upload", "somebody", Limit(20, 36_000), secret=SECRET)
    wide = limits.bucket("upload", "everybody", Limit(25, 36_000), secret=SECRET)

    def take(turn: int) -> bool:
        try:
            limits.take(two_sites[turn % 2].db, [one, wide])
        except TooMany:
            return False
        return True

    assert sum(at_once(30, take)) == 20
    limits.take(two_sites[0].db, [wide], times=5)
    with pytest.raises(TooMany):
        limits.take(two_sites[0].db, [wide])


PROCESSES, PROOFS, LOGINS = 8, 60, 6  # of each
TRYING = """
import json, os, sys
from falcon.testing import simulate_request
from roliascan.app import create_app
from roliascan.settings import Settings
app = create_app(Settings.from_environ(os.environ))
signed = {"Authorization": "Bearer " + os.environ["TOKEN"]}
here = {"roliascan.client": "203.0.113.7"}
def ask(method, path, **how):
    return simulate_request(app, method, f"/api/v1/{path}", extras=here, **how).status_code
def log_in():
    return ask("POST", "auth/login", json={"login": "nobody", "password": "a wrong one"})
def prove():  # nothing that would take a password's time
    return ask("PATCH", "auth/me", json={"currentPassword": "a wrong one"}, headers=signed)
print(ask("GET", "teams"), file=sys.stderr, flush=True)
sys.stdin.readline()
print(json.dumps([prove() for _ in range(60)] + [log_in() for _ in range(6)]), file=sys.stderr)
"""


def test_eight_processes_at_a_limit(database_url: str) -> None:  # AU-14, LD-02
    clock = Clock()
    clock.now = datetime.now(UTC)  # that of the processes
    with opened(database_url, clock=clock) as site, ExitStack() as stack:
        token = site.sign_up().token
        trying = [stack.enter_context(_process(database_url, token)) for _ in range(PROCESSES)]
        for process in trying:
            assert process.stderr
            assert process.stderr.readline() == "200\n"
        for process in trying:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        answers: list[Any] = []
        for process in trying:
            answers += json.loads(process.communicate(timeout=300)[1])
    seen = Counter(answers)
    assert seen[200] in (40, 41), seen
    assert seen[401] in (40, 41), seen
    assert seen == {200: seen[200], 401: seen[401], 429: PROCESSES * (PROOFS + LOGINS) - seen[200] - seen[401]}


def _process(url: str, token: str) -> "subprocess.Popen[str]":
    told = {"DATABASE_URL": url, "STORAGE_URL": "memory:", "JWT_SECRET": SECRET, "RATE_LIMITS": "login=40/100h"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", TRYING], env=environment(told | {"TOKEN": token}), text=True, **pipes
    )
