"""A request that creates something does it once, however often it is sent with its key.

DB-01, DB-10, SL-03.
"""

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.database import Contended, Tx, instant_text
from roliascan.database.faults import OutcomeUnknown
from roliascan.database.holding import Held
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.library import chapters, sweep
from roliascan.people import repeats
from roliascan.web.calls import wants_of
from roliascan.web.routes import ANYONE, API, ROUTES
from tests import drawings
from tests.database import bare
from tests.database.kinds import on_postgresql, on_servers
from tests.database.proxy import between
from tests.front import BOUNDARY, FORM, PAGE, Asker, Clock, File, Site, at_once, form, opened, refused, told

KEY = "7d0c5c2e-5b0f-4a59-8d0a-3f6a2f0e9b11"
SERIES = {"title": "Yoru", "author": "Aiko Mori"}
HASH = "9f" * 32
FILE = {"name": "1.png", "size": 9, "type": "image/png", "sha256": HASH}
OTHER_PAGE = drawings.page("png", 20, 30, seed=7)

Send = Callable[..., Result]


def keyed(key: str = KEY) -> dict[str, str]:
    return {"Idempotency-Key": key}


class Maker(Asker):
    """An administrator, with a series and a chapter to create things in."""

    def __init__(self, asker: Asker) -> None:
        super().__init__(asker.site, asker.id, asker.username, asker.token)
        series = self.makes_series()
        self.things = {"series": series["id"], "chapter": self.makes_chapter(series)["id"]}


class Case:
    """One way to create something: where, what, something else, and the table whose rows it adds to."""

    def __init__(self, path: str, table: str, json: Any, other: Any) -> None:
        self.path, self.table, self.json, self.other = path, table, json, other

    def send(self, asker: "Maker", body: Any, headers: dict[str, str]) -> Result:
        path = self.path.format(**asker.things)
        if isinstance(body, File):
            return asker.send(path, body, headers=headers)
        return asker.post(path, body, headers=headers)


CASES = {
    "/series": Case("series", "series", SERIES, {**SERIES, "title": "Asa"}),
    "/series/{series_}/chapters": Case("series/{series}/chapters", "chapters", {"number": 7}, {"number": 8}),
    "/chapters/{chapter}/pages": Case(
        "chapters/{chapter}/pages", "pages", File("file", PAGE), File("file", OTHER_PAGE)
    ),
    "/chapters/{chapter}/comments": Case("chapters/{chapter}/comments", "comments", {"body": "a"}, {"body": "b"}),
    "/files": Case("files", "files", File("file", PAGE), File("file", PAGE, "b.png")),
    "/teams": Case("teams", "teams", {"name": "Night Shift"}, {"name": "Day Shift"}),
    "/admin/permissions": Case("admin/permissions", "permissions", {"name": "edit:wiki"}, {"name": "edit:blog"}),
}


def creating() -> list[str]:
    """By the routes themselves: what a person posts, and is answered 201."""
    return [
        route.path.removeprefix(API)
        for route in ROUTES
        if route.method == "POST" and route.who != ANYONE and wants_of(route.handler).creates
    ]


@pytest.fixture
def admin(any_site: Site) -> Maker:
    return prepared(any_site)


def prepared(site: Site) -> Maker:
    return Maker(site.sign_up("admin"))


def test_every_route_that_creates_has_its_case() -> None:
    assert sorted(CASES) == sorted(creating())


@pytest.mark.parametrize("path", CASES)
def test_again_with_the_same_key(admin: Maker, path: str) -> None:
    case, site = CASES[path], admin.site
    before = site.count(case.table)
    first = case.send(admin, case.json, keyed())
    assert first.status_code == 201, first.text
    for _ in range(2):
        again = case.send(admin, case.json, keyed())
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["content-type"] == "application/json"
    refused(case.send(admin, case.other, keyed()), 422, "idempotency_key_reused")
    assert site.count(case.table) == before + 1
    assert told(case.send(admin, case.other, keyed("another")), 201) != first.json


def test_tickets_are_good_when_they_are_asked_for_and_kept_nowhere(site: Site) -> None:
    admin, announced = prepared(site), {"target": {"generic": True}, "files": [FILE]}
    first = told(admin.post("uploads", announced, headers=keyed()), 201)
    site.clock.forward(hours=2)
    again = told(admin.post("uploads", announced, headers=keyed()), 201)
    (before,), (ticket,) = first["tickets"], again["tickets"]
    assert (again["session"], ticket["id"]) == (first["session"], before["id"])
    assert ticket["expiresAt"] > instant_text(site.clock.now)
    assert site.count("idempotency_keys") == 0


@pytest.mark.parametrize("path", CASES)
def test_the_answer_is_the_one_without_a_key(site: Site, path: str) -> None:
    admin, case = prepared(site), CASES[path]
    with_key = told(case.send(admin, case.json, keyed()), 201)
    without = told(case.send(admin, case.other, {}), 201)
    assert with_key.keys() == without.keys()
    assert site.count("idempotency_keys") == 1  # nothing is kept of a request without a key


def test_it_is_the_first_answer_whatever_happened_since(admin: Maker) -> None:
    first = admin.post("series", SERIES, headers=keyed())
    told(admin.patch(f"series/{first.json['id']}", {"title": "Another"}))
    assert admin.post("series", SERIES, headers=keyed()).content == first.content
    told(admin.delete(f"series/{first.json['id']}"), 204)
    assert admin.post("series", SERIES, headers=keyed()).content == first.content


def test_a_long_answer_is_read_again(any_site: Site) -> None:
    """A page that is added to a long chapter is answered with all its pages."""
    admin = prepared(any_site)
    chapter = f"chapters/{admin.things['chapter']}"
    told(admin.send(f"{chapter}/pages", *(File(f"page_{number}", PAGE) for number in range(2, 40))), 201)
    first = admin.send(f"{chapter}/pages", File("page_1", PAGE), headers=keyed())
    assert len(first.content) > repeats.LONGEST_BODY
    for _ in range(2):
        again = admin.send(f"{chapter}/pages", File("page_1", PAGE), headers=keyed())
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["location"] == first.headers["location"]
    refused(admin.send(f"{chapter}/pages", File("page_1", OTHER_PAGE), headers=keyed()), 422, "idempotency_key_reused")
    assert len(first.json["pages"]) == len(any_site.stored) == 39
    told(admin.patch(chapter, {"title": "Another"}))
    again = admin.send(f"{chapter}/pages", File("page_1", PAGE), headers=keyed())
    assert (again.status_code, again.json["title"]) == (201, "Another")
    told(admin.delete(chapter), 204)
    refused(admin.send(f"{chapter}/pages", File("page_1", PAGE), headers=keyed()), 404)


@pytest.mark.parametrize("path", ["/series", "/teams"])
def test_other_long_answers_are_read_again(site: Site, path: str) -> None:
    admin, case = prepared(site), CASES[path]
    long = {**case.json, "description": "\\'\"" * 1_500}
    first = case.send(admin, long, keyed())
    assert (first.status_code, len(first.content) > repeats.LONGEST_BODY) == (201, True)
    assert case.send(admin, long, keyed()).content == first.content
    assert case.send(admin, long, keyed()).headers["location"] == first.headers["location"]


@on_servers
@pytest.mark.parametrize("letter", ["'", '"', "\\", "é"])
def test_statements_about_keys_are_short(database_url: str, letter: str) -> None:
    """RDS Proxy pins a session for one of more than 16 KB, with all quotes and escapes."""
    with between(database_url) as proxy, opened(proxy.url) as site, site.db.begin() as tx:
        repeats.take(tx, "a" * 64, request="b" * 64, now=site.clock.now)
        for letters in (repeats.LONGEST_BODY, repeats.LONGEST_BODY // 2, repeats.LONGEST_BODY * 2):
            before = len(proxy.sent)
            repeats.keep(tx, "a" * 64, location="c" * 500, body=letter * letters)
            assert len(proxy.sent) - before < 16_384


@on_postgresql
def test_a_page_for_a_long_chapter_is_no_long_statement(database_url: str) -> None:
    with between(database_url) as proxy, opened(proxy.url) as site:
        admin = prepared(site)
        path = f"chapters/{admin.things['chapter']}/pages"
        told(admin.send(path, *(File("file", PAGE) for _ in range(100))), 201)
        told(admin.send(path, File("file", PAGE), headers=keyed()), 201)
        queries = re.finditer(rb"Q(.{4})(?:BEGIN|SET|SELECT|INSERT|UPDATE|DELETE)", proxy.sent, re.S)
        assert max(int.from_bytes(query[1]) for query in queries) < 16_384


def test_a_key_is_one_persons(admin: Maker) -> None:
    other = admin.site.sign_up("admin")
    one, two = (told(asker.post("series", SERIES, headers=keyed()), 201) for asker in (admin, other))
    assert one["id"] != two["id"]
    refused(admin.site.stranger.post("series", SERIES, headers=keyed()), 401)


def test_a_key_is_for_one_address_and_one_condition(admin: Maker) -> None:
    things = admin.things
    told(admin.post("series", SERIES, headers=keyed()), 201)
    refused(admin.post("teams", SERIES | {"name": "a"}, headers=keyed()), 400)  # what is invalid is told first
    refused(admin.post("teams", {"name": "a"}, headers=keyed()), 422, "idempotency_key_reused")
    chapter = f"chapters/{things['chapter']}/pages"
    told(admin.send(chapter, File("file", PAGE), headers=keyed("two")), 201)
    refused(admin.send(chapter, File("file", PAGE), headers={**keyed("two"), "If-Match": '"2"'}), 422)


def test_a_refusal_is_not_kept(admin: Maker) -> None:
    site = admin.site
    told(admin.post("teams", {"name": "Night Shift"}), 201)
    for _ in range(2):
        refused(admin.post("teams", {"name": "Night Shift"}, headers=keyed()), 409, "team_exists")
    assert site.count("idempotency_keys") == 0
    site.write("DELETE FROM team_members")
    site.write("DELETE FROM teams")
    told(admin.post("teams", {"name": "Night Shift"}, headers=keyed()), 201)


def test_who_was_banned_meanwhile_is_told_nothing(admin: Maker) -> None:
    told(admin.post("series", SERIES, headers=keyed()), 201)
    admin.site.write("UPDATE users SET is_banned = :yes WHERE id = :id", yes=True, id=admin.id)
    refused(admin.post("series", SERIES, headers=keyed()), 401)


def test_it_expires_and_is_swept(admin: Maker) -> None:
    site = admin.site
    first = told(admin.post("series", SERIES, headers=keyed()), 201)
    told(admin.post("teams", {"name": "a"}, headers=keyed("two")), 201)
    site.clock.forward(hours=24)
    second = told(admin.post("series", SERIES, headers=keyed()), 201)
    assert first["id"] != second["id"]
    assert site.count("idempotency_keys") == 2
    assert sweep.run(site.db, site.storage, now=site.clock.now).keys_forgotten == 1
    assert site.count("idempotency_keys") == 1
    assert told(admin.post("series", SERIES, headers=keyed()), 201) == second


def test_a_form_is_its_parts(admin: Maker) -> None:
    """Browsers and libraries draw another boundary each time that they send it."""
    path = f"chapters/{admin.things['chapter']}/pages"
    parts = [File("page_2", PAGE), File("page_1", OTHER_PAGE)]
    first = admin.send(path, *parts, headers=keyed())
    assert first.status_code == 201
    boundary = "another"
    body = form(*parts).replace(BOUNDARY.encode(), boundary.encode())
    headers = {**keyed(), "Content-Type": FORM.replace(BOUNDARY, boundary)}
    assert admin.ask("POST", path, body=body, headers=headers).content == first.content
    stored = admin.site.stored
    for other in (
        parts[:1],
        parts[::-1],
        [*parts, parts[0]],
        [File("page_2", PAGE, "b.png"), parts[1]],
        [File("page_3", PAGE), parts[1]],
        [File("page_2", PAGE + OTHER_PAGE), parts[1]],
    ):
        refused(admin.send(path, *other, headers=keyed()), 422, "idempotency_key_reused")
    assert admin.site.stored == stored


class Endless(io.BytesIO):
    """A form that goes on and on, and tells how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or b"x" * (1 << 16)
        self.taken += len(data)
        return data


def taken(asker: Asker, path: str) -> tuple[int, int]:
    """How a form of a gigabyte is answered, and how much of it was read."""
    body = Endless(form(File("file", b"")).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    headers = {**keyed(), "Content-Type": FORM, "Content-Length": str(1 << 30)}
    answer = asker.ask("POST", path, headers=headers, extras={"wsgi.input": body})
    return answer.status_code, body.taken


def test_a_key_does_not_make_us_read_more_than_was_taken_before(site: Site) -> None:
    admin = prepared(site)
    pages = f"chapters/{admin.things['chapter']}/pages"
    told(admin.send(pages, File("file", PAGE), headers=keyed()), 201)
    status, read = taken(admin, pages)
    assert status == 422
    assert read <= site.settings.max_file_size + (1 << 18)
    assert taken(admin, "files") == (422, 0)  # another address than that of before
    reader = site.sign_up()
    told(admin.post(f"chapters/{admin.things['chapter']}/publish"))
    told(reader.post(f"chapters/{admin.things['chapter']}/comments", {"body": "a"}, headers=keyed()), 201)
    assert taken(reader, pages) == (422, 0)


def test_names_in_any_charset(site: Site) -> None:
    """UTF-7 writes halves of characters, which UTF-8 cannot."""
    admin = prepared(site)
    body = form(File("file", PAGE)).replace(b'filename="a.png"', b"filename*=utf-7''+2AA-")
    headers = {**keyed(), "Content-Type": FORM}
    first = admin.ask("POST", "files", body=body, headers=headers)
    assert told(first, 201)["name"] == f"{first.json['id']}.png"
    assert admin.ask("POST", "files", body=body, headers=headers).content == first.content
    refused(admin.ask("POST", "files", body=body.replace(b"2AA", b"2AE"), headers=headers), 422)


@pytest.mark.parametrize("key", ["", " ", "a" * 256, '""', '"a', "é", "a b", '"' + "a" * 256 + '"'])
def test_what_is_no_key(site: Site, key: str) -> None:
    answer = refused(prepared(site).post("series", SERIES, headers=keyed(key)), 400, "invalid")
    assert [problem["field"] for problem in answer["errors"]] == ["Idempotency-Key"]


def test_quotes_are_not_of_the_key(site: Site) -> None:
    """draft-ietf-httpapi-idempotency-key-header: a structured field of the type string."""
    admin = prepared(site)
    assert told(admin.post("series", SERIES, headers=keyed(f'"{KEY}"')), 201) == told(
        admin.post("series", SERIES, headers=keyed()), 201
    )
    told(admin.post("series", SERIES, headers=keyed("a" * 255)), 201)


# At the same time, and cut short.


def test_many_at_once_create_one(two_sites: tuple[Site, Site]) -> None:
    """Each is answered the same, or told that another is under way."""
    admin = prepared(two_sites[0])
    before = two_sites[0].count("chapters")

    def send(turn: int) -> Result:
        site = two_sites[turn % 2]
        asker = Asker(site, admin.id, admin.username, admin.token)
        return asker.post(f"series/{admin.things['series']}/chapters", {"number": 9}, headers=keyed())

    answers = at_once(8, send)
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    assert len({answer.content for answer in done}) == 1
    for answer in answers:
        if answer not in done:
            assert refused(answer, answer.status_code)["code"] in {"idempotency_key_in_use", "database_contended"}
    assert two_sites[0].count("chapters") == before + 1


@on_servers
def test_one_that_is_still_under_way(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment of patience instead of seconds; MariaDB's is the server's own, and told by its administrator."""
    hasty = PostgresqlDriver.joined_begin.replace("lock_timeout = 4000", "lock_timeout = 50")
    monkeypatch.setattr(PostgresqlDriver, "joined_begin", hasty)
    with opened(database_url) as site, closing(bare.connect(database_url)) as other, impatient(database_url):
        admin = prepared(site)
        cursor = other.cursor()
        cursor.execute("BEGIN")
        id = repeats.name(admin.id, KEY)
        cursor.execute(
            "INSERT INTO idempotency_keys (id, request, expires_at) VALUES (%s, 'x', '2027-01-01 00:00:00')", (id,)
        )
        refused(admin.post("series", SERIES, headers=keyed()), 409, "idempotency_key_in_use")
        cursor.execute("ROLLBACK")
        told(admin.post("series", SERIES, headers=keyed()), 201)


@contextmanager
def impatient(url: str) -> Iterator[None]:
    if not url.startswith("mysql:"):
        yield
        return
    with bare.cursor(url) as administrator:
        administrator.execute("SELECT @@GLOBAL.innodb_lock_wait_timeout")
        before = administrator.fetchone()[0]
        administrator.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
        try:
            yield
        finally:
            administrator.execute(f"SET GLOBAL innodb_lock_wait_timeout = {before}")


def test_one_who_waited_is_answered_like_the_first(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first has done everything but commit."""
    admin = prepared(any_site)
    waiting = threading.Event()
    answers: list[Result] = []

    def second() -> None:
        answers.append(admin.post("series", SERIES, headers=keyed()))

    keep = repeats.keep

    def held(*args: Any, **kwargs: Any) -> None:
        keep(*args, **kwargs)
        if not waiting.is_set():
            waiting.set()
            thread.start()

    monkeypatch.setattr(repeats, "keep", held)
    thread = threading.Thread(target=second)
    first = admin.post("series", SERIES, headers=keyed())
    thread.join()
    assert first.status_code == 201
    assert (answers[0].status_code, answers[0].content) == (201, first.content)


def test_one_whose_version_is_old_because_of_the_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is done between the second's look at the key and its look at the chapter."""
    admin = prepared(site)
    path, headers = f"chapters/{admin.things['chapter']}/pages", {**keyed(), "If-Match": '"1"'}
    look, answers = chapters.look, list[Result]()

    def late(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(chapters, "look", look)
        answers.append(admin.send(path, File("file", PAGE), headers=headers))
        return look(*args, **kwargs)

    monkeypatch.setattr(chapters, "look", late)
    second = admin.send(path, File("file", PAGE), headers=headers)
    assert (second.status_code, second.content) == (201, answers[0].content)
    assert len(site.stored) == 1
    refused(admin.send(path, File("file", PAGE), headers={**keyed("two"), "If-Match": '"1"'}), 412)


@on_servers
@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
@pytest.mark.parametrize("at", [b"idempotency_keys", b"series_stats", b"COMMIT"])
def test_cut_off_anywhere_it_is_done_once(database_url: str, cut: str, at: bytes) -> None:  # DB-01
    """Before, within and during the commit, on both ways: who sends it again has exactly one series."""
    with between(database_url) as proxy, opened(proxy.url) as site:
        admin = prepared(site)
        before = site.count("series")
        setattr(proxy, cut, at)
        answer = admin.post("series", SERIES, headers=keyed())
        if at == b"COMMIT":
            refused(answer, 503, "outcome_unknown")
            assert site.count("series") == before + (cut == "cut_after")
        again = told(admin.post("series", SERIES, headers=keyed()), 201)
        assert site.count("series") == before + 1
        if answer.status_code == 201:  # where the first statement could be repeated
            assert again == answer.json


@pytest.mark.parametrize("path", ["/chapters/{chapter}/pages", "/files"])
@pytest.mark.parametrize("error", [Contended, OutcomeUnknown, ValueError])
def test_bytes_whose_rows_were_rolled_back_are_taken_away(
    site: Site, monkeypatch: pytest.MonkeyPatch, path: str, error: type[Exception]
) -> None:
    """At once, as without a key; but not where the rows may be there after all."""
    admin, case = prepared(site), CASES[path]

    def refuse(_: Any) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(Tx, "commit", refuse)
        assert case.send(admin, case.json, keyed()).status_code in (500, 503)
    assert len(site.stored) == (error is OutcomeUnknown)
    assert site.count("files") == 0
    told(case.send(admin, case.json, keyed()), 201)
    assert len(site.stored) == 1 + (error is OutcomeUnknown)


@on_postgresql
def test_a_crash_before_the_commit_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        """As if the process ended: nothing of ours runs after it."""

    def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with opened(database_url) as site:
        admin = prepared(site)
        before = site.count("series")
        with monkeypatch.context() as broken:
            broken.setattr(repeats, "keep", crash)
            with pytest.raises(Crash):
                admin.post("series", SERIES, headers=keyed())
        assert site.count("idempotency_keys") == 0
        assert site.count("series") == before
        told(admin.post("series", SERIES, headers=keyed()), 201)


def test_one_connection_is_enough(database_url: str) -> None:
    """As on AWS Lambda; also where the request is counted."""
    clock = Clock()
    with opened(database_url, clock=clock, DATABASE_POOL="1", RATE_LIMITS="comment=2/5m,upload=100/5m") as site:
        admin = prepared(site)
        for path, case in CASES.items():
            first = told(case.send(admin, case.json, keyed(path)), 201)
            assert told(case.send(admin, case.json, keyed(path)), 201) == first
        told(CASES["/chapters/{chapter}/comments"].send(admin, {"body": "c"}, {}), 201)  # a repeat counts as nothing
        refused(CASES["/chapters/{chapter}/comments"].send(admin, {"body": "c"}, {}), 429)


def test_what_would_change_twice_is_a_mistake(sqlite_url: str) -> None:
    with opened(sqlite_url) as site:
        held = Held(site.db, lambda tx: None)
        sql = "UPDATE counters SET value = 7 WHERE name = 'teams'"
        held.run(lambda tx: tx.write(sql))
        assert held.tx is not None
        with pytest.raises(RuntimeError, match="second"):
            held.run(lambda tx: tx.write(sql))
        held.tx.roll_back()
        held.tx.end()
