"""Files that came by tickets: completing them, showing them together, and ending early."""

import hashlib
import io
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest

from roliascan.storage.memory import MemoryStorage
from tests import drawings
from tests.front import PAGE, Site, at_once, fields, opened, refused, told
from tests.library.test_files import PDF
from tests.library.uploading import GENERIC, NOBODY, WIDE, Work, announced, asks, commits, image, puts, sends


@pytest.fixture
def work(site: Site) -> Work:
    return Work(site)


# Completing.


@pytest.mark.parametrize(
    ("data", "type", "status", "code"),
    [
        (drawings.page("jpeg", 20, 30), "image/png", 400, "not_as_announced"),
        (PAGE, "image/webp", 400, "not_as_announced"),
        (PDF, "image/png", 415, "not_an_image"),
        (b"<html><script>alert(1)</script>", "image/png", 415, "not_an_image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/png", 415, ""),
        (drawings.flat("bmp", 3, 3), "image/gif", 415, "unsupported_image"),
        (PAGE[:-20], "image/png", 400, "image_damaged"),
        (drawings.huge_avif(), "image/avif", 413, "image_too_large"),
        (drawings.png_header(20_000, 20_000), "image/png", 413, "image_too_large"),
        (b"x", "image/png", 415, "not_an_image"),
    ],
    ids=range(10),
)
def test_bytes_are_what_they_claim_to_be(
    work: Work, data: bytes, type: str, status: int, code: str
) -> None:  # UP-01, UP-02, UP-04, UP-07
    asked = asks(work.uploader, work.target, announced(data, type=type))
    (ticket,) = asked["tickets"]
    told(puts(work.site, ticket, data), 204)
    refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), status, code)
    refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 404)  # looking again would cost as much again
    assert told(work.uploader.get(f"uploads/sessions/{asked['session']}"))["files"] == []
    assert (work.site.stored, work.site.count("files")) == ([], 0)


def test_what_lies_in_the_storage_is_read_again(work: Work) -> None:  # ST-01, ST-02: whatever put it there
    for other in (WIDE, PAGE + b"x", b""):
        (ticket,) = asks(work.uploader, work.target, announced(PAGE))["tickets"]
        work.site.storage.put(f"incoming/{ticket['id']}.bin", io.BytesIO(other), type="image/png")
        assert work.uploader.post(f"uploads/{ticket['id']}/complete").status_code in {400, 413, 415}
        assert work.site.stored == []


def test_what_is_more_than_was_announced_is_not_read(site_url: str) -> None:  # ST-02
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            block = super().read(size)
            Counted.taken += len(block)
            return block

    class Lying(MemoryStorage):
        def open(self, key: str, *, start: int = 0) -> BinaryIO:
            return Counted(super().open(key, start=start).read())

    with opened(site_url, storage=Lying()) as site:
        work = Work(site)
        data = drawings.page("png", 200, 300)
        (ticket,) = asks(work.uploader, work.target, announced(data))["tickets"]
        site.storage.put(f"incoming/{ticket['id']}.bin", io.BytesIO(data + b"x" * 1_000_000), type="image/png")
        refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 413, "too_large")
        assert Counted.taken == len(data) + 1
        assert site.stored == []


def test_uploads_are_for_who_announced_them(work: Work) -> None:  # ST-04, AZ-04
    site = work.site
    asked = asks(work.uploader, work.target, announced(PAGE))
    upload, session = f"uploads/{asked['tickets'][0]['id']}", f"uploads/sessions/{asked['session']}"
    told(puts(site, asked["tickets"][0], PAGE), 204)
    for asker in (site.sign_up("uploader"), site.sign_up("admin")):
        for answer in (
            asker.get(upload),
            asker.delete(upload),
            asker.post(f"{upload}/complete"),
            asker.get(session),
            asker.delete(session),
            asker.post(f"{session}/commit"),
        ):
            refused(answer, 404, "not_found")
    for path in (f"uploads/{asked['session']}", f"uploads/sessions/{asked['tickets'][0]['id']}"):
        refused(work.uploader.get(path), 404)
        refused(work.uploader.delete(path), 404)
    told(work.uploader.post(f"{upload}/complete"))


@pytest.mark.parametrize("odd", [NOBODY, NOBODY.upper(), "0", "null", "%27%20OR%201=1", "sessions", "x" * 4000])
def test_odd_identifiers_are_not_found(work: Work, odd: str) -> None:  # AZ-05
    admin = work.site.sign_up("admin")
    for method, path in (
        ("GET", "uploads/{}"),
        ("DELETE", "uploads/{}"),
        ("POST", "uploads/{}/complete"),
        ("PUT", "uploads/{}/bytes"),
        ("GET", "uploads/sessions/{}"),
        ("DELETE", "uploads/sessions/{}"),
        ("POST", "uploads/sessions/{}/commit"),
    ):
        if odd != "sessions" or "sessions" in path:
            refused(admin.ask(method, path.format(odd)), 404, "not_found")


LOST: list[tuple[str, int]] = [
    ("UPDATE users SET is_banned = TRUE WHERE id = :id", 401),
    ("UPDATE users SET role = 'user' WHERE id = :id", 403),
    ("UPDATE series SET created_by = NULL WHERE created_by = :id", 0),
]


@pytest.mark.parametrize(("meanwhile", "status"), LOST, ids=["banned", "demoted", "gave it away"])
@pytest.mark.parametrize("kind", ["chapter", "series", "generic"])
def test_rights_are_decided_again(work: Work, meanwhile: str, status: int, kind: str) -> None:  # AZ-11
    uploader, site = work.uploader, work.site
    targets = {"chapter": work.target, "series": {"seriesId": work.series["id"]}, "generic": GENERIC}
    asked = asks(uploader, targets[kind], announced(PAGE))
    (ticket,) = asked["tickets"]
    told(puts(site, ticket, PAGE), 204)
    second = sends(uploader, {"chapterId": uploader.makes_chapter(work.series, 2)["id"]}, PAGE)
    site.write("UPDATE chapters SET created_by = NULL")
    site.write(meanwhile, id=uploader.id)
    before = sorted(site.stored)
    if status == 0:
        status = {"chapter": 404, "series": 403, "generic": 200}[kind]
    assert uploader.post(f"uploads/{ticket['id']}/complete").status_code == status
    if kind == "generic" and status == 200:
        return
    assert uploader.post(f"uploads/sessions/{second['id']}/commit").status_code in {401, 403, 404}
    assert (site.count("pages"), sorted(site.stored)) == (0, before)
    assert site.count("files WHERE state = 'ready'") == 0


def test_rights_are_decided_again_for_all_that_is_complete(work: Work) -> None:  # AZ-11
    uploader, site = work.uploader, work.site
    cover = sends(uploader, {"seriesId": work.series["id"]}, PAGE)
    files = sends(uploader, GENERIC, PAGE)
    site.write("UPDATE users SET role = 'user' WHERE id = :id", id=uploader.id)
    for session in (cover, files):
        refused(uploader.post(f"uploads/sessions/{session['id']}/commit"), 403)
        assert told(uploader.get(f"uploads/sessions/{session['id']}"))["state"] == "open"
    assert told(site.stranger.get(f"series/{work.series['id']}"))["cover"] is None
    assert site.count("files WHERE state = 'ready'") == 0


# Committing.


def test_pages_are_shown_where_they_asked_to_be(work: Work) -> None:
    work.uploader.adds_pages(work.chapter, image=image(9))
    session = sends(work.uploader, work.target, image(1), image(2), image(3), pages=(7, 3, 5))
    asks(work.uploader, work.target, announced(image(4)))
    session = sends(work.uploader, work.target, image(4))
    commits(work.uploader, session)
    assert work.pages() == [(1, image(9)), (3, image(2)), (5, image(3)), (7, image(1)), (8, image(4))]


def test_an_order_counts_more(work: Work) -> None:
    uploader = work.uploader
    uploader.adds_pages(work.chapter, image=image(9))
    session = sends(uploader, work.target, image(1), image(2), image(3), pages=(7, 3, 5))
    by_hash = {one["sha256"]: one["id"] for one in session["files"]}
    ids = [by_hash[hashlib.sha256(image(seed)).hexdigest()] for seed in (3, 1, 2)]
    path = f"uploads/sessions/{session['id']}/commit"
    assert fields(uploader.post(path, {"order": ids[:2]})) == ["order"]
    assert fields(uploader.post(path, {"order": [*ids, ids[0]]})) == ["order[3]"]
    assert fields(uploader.post(path, {"order": [NOBODY, *ids]})) == ["order[0]"]
    commits(uploader, session, order=ids)
    assert work.pages() == [(1, image(9)), (2, image(3)), (3, image(1)), (4, image(2))]


def test_an_order_is_for_chapters(work: Work) -> None:
    session = sends(work.uploader, GENERIC, PAGE)
    ids = [one["id"] for one in session["files"]]
    assert fields(work.uploader.post(f"uploads/sessions/{session['id']}/commit", {"order": ids})) == ["order"]


def test_all_are_shown_or_none(work: Work) -> None:
    uploader = work.uploader
    session = sends(uploader, work.target, image(1), image(2), pages=(1, 2))
    work.uploader.adds_pages(work.chapter, 2, image(9))
    path = f"uploads/sessions/{session['id']}"
    refused(uploader.post(f"{path}/commit"), 409, "page_exists")
    assert work.pages() == [(1, image(9)), (2, image(9))]
    assert told(uploader.get(path))["state"] == "open"
    assert work.site.count("files WHERE state = 'ready'") == 2
    commits(uploader, session, order=[one["id"] for one in session["files"]])
    assert [number for number, _ in work.pages()] == [1, 2, 3, 4]


def test_two_sessions_of_two_people_come_after_each_other(site: Site) -> None:
    work = Work(site)
    admin = site.sign_up("admin")
    sessions = [(asker, sends(asker, work.target, PAGE, WIDE)) for asker in (work.uploader, admin)]

    def act(turn: int) -> Any:
        if turn == 2:
            return work.uploader.adds_pages(work.chapter)
        return commits(*sessions[turn])

    at_once(3, act)
    assert [number for number, _ in work.pages()] == [1, 2, 3, 4, 5]
    assert site.count("files") == len(site.stored) == 5


def test_an_empty_session_commits_nothing(work: Work) -> None:
    asked = asks(work.uploader, work.target, announced(PAGE))
    told(work.uploader.delete(f"uploads/{asked['tickets'][0]['id']}"), 204)
    refused(work.uploader.post(f"uploads/sessions/{asked['session']}/commit"), 409, "upload_incomplete")


def test_what_was_committed_can_be_deleted(work: Work) -> None:
    uploader, site = work.uploader, work.site
    pages = commits(uploader, sends(uploader, work.target, PAGE, WIDE))
    cover = commits(uploader, sends(uploader, {"seriesId": work.series["id"]}, PAGE))
    told(uploader.put(f"chapters/{work.chapter['id']}/pages", {"ids": [pages["files"][1]["fileId"]]}))
    left = told(uploader.get(f"uploads/sessions/{pages['id']}"))
    assert [one["id"] for one in left["files"]] == [pages["files"][1]["id"]]
    told(uploader.delete(f"series/{work.series['id']}"), 204)
    assert (site.stored, site.count("files"), site.count("upload_files")) == ([], 0, 0)
    assert told(uploader.get(f"uploads/sessions/{cover['id']}"))["files"] == []


@pytest.mark.parametrize("what", ["chapters", "series"])
def test_a_target_that_is_gone_takes_nothing(work: Work, what: str) -> None:
    uploader, site = work.uploader, work.site
    thing = work.chapter if what == "chapters" else work.series
    target = work.target if what == "chapters" else {"seriesId": work.series["id"]}
    session = sends(uploader, target, PAGE)
    told(uploader.delete(f"{what}/{thing['id']}"), 204)
    assert uploader.post(f"uploads/sessions/{session['id']}/commit").status_code in {404, 410}
    told(uploader.delete(f"uploads/sessions/{session['id']}"), 204)
    assert (site.stored, site.count("files")) == ([], 0)


# Ending.


@pytest.mark.parametrize("way", ["session", "uploads"])
def test_what_is_abandoned_leaves_nothing(work: Work, way: str) -> None:
    uploader, site = work.uploader, work.site
    asked = asks(uploader, work.target, *(announced(image(seed), page=seed) for seed in (1, 2, 3)))
    for ticket, seed in zip(asked["tickets"][:2], (1, 2), strict=True):
        told(puts(site, ticket, image(seed)), 204)
    told(uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"))
    assert len(site.stored) == 2
    path = f"uploads/sessions/{asked['session']}"
    if way == "session":
        for _ in range(2):
            told(uploader.delete(path), 204)
        assert told(uploader.get(path))["state"] == "abandoned"
        refused(uploader.post(f"{path}/commit"), 409, "upload_closed")
    else:
        for ticket in asked["tickets"]:
            told(uploader.delete(f"uploads/{ticket['id']}"), 204)
            refused(uploader.delete(f"uploads/{ticket['id']}"), 404)
    assert told(uploader.get(path))["files"] == []
    assert (site.stored, site.count("files"), site.count("upload_files")) == ([], 0, 0)
    for ticket in asked["tickets"]:
        refused(puts(site, ticket, image(1)), 404)
        refused(uploader.post(f"uploads/{ticket['id']}/complete"), 404)


def test_a_session_that_was_committed_stays(work: Work) -> None:
    session = commits(work.uploader, sends(work.uploader, work.target, PAGE))
    path = f"uploads/sessions/{session['id']}"
    refused(work.uploader.delete(path), 409, "upload_closed")
    refused(work.uploader.delete(f"uploads/{session['files'][0]['id']}"), 409, "upload_closed")
    assert told(work.uploader.post(f"uploads/{session['files'][0]['id']}/complete")) == session["files"][0]
    assert commits(work.uploader, session) == session
    assert work.pages() == [(1, PAGE)]
    assert asks(work.uploader, work.target, announced(PAGE))["session"] != session["id"]


def test_a_session_expires(work: Work) -> None:
    uploader, site = work.uploader, work.site
    asked = asks(uploader, work.target, announced(PAGE), announced(WIDE))
    told(puts(site, asked["tickets"][0], PAGE), 204)
    told(uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"))
    site.clock.forward(hours=23)
    again = asks(uploader, work.target, announced(PAGE), announced(WIDE))
    assert again["session"] == asked["session"]
    told(puts(site, again["tickets"][1], WIDE), 204)
    site.clock.forward(hours=24)
    path = f"uploads/sessions/{asked['session']}"
    for answer in (
        uploader.post(f"uploads/{again['tickets'][1]['id']}/complete"),
        uploader.post(f"{path}/commit"),
        uploader.delete(f"uploads/{again['tickets'][1]['id']}"),
    ):
        refused(answer, 409, "upload_closed")
    new = asks(uploader, work.target, announced(PAGE))
    assert new["session"] != asked["session"]
    assert "done" not in new["tickets"][0]
    told(uploader.delete(path), 204)
    assert site.stored == []


class Hooked(io.BytesIO):
    """A body in whose middle something happens."""

    def __init__(self, data: bytes, happens: Callable[[], object]) -> None:
        super().__init__(data)
        self._happens = happens

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self._happens()
        return block


@pytest.mark.parametrize("what", ["session", "upload"])
def test_bytes_that_come_too_late_are_taken_away(work: Work, what: str) -> None:  # UP-17
    uploader, site = work.uploader, work.site
    asked = asks(uploader, work.target, announced(PAGE))
    (ticket,) = asked["tickets"]
    path = f"uploads/sessions/{asked['session']}" if what == "session" else f"uploads/{ticket['id']}"
    answers: list[int] = []
    source = Hooked(PAGE, lambda: answers.append(uploader.delete(path).status_code))
    refused(puts(site, ticket, PAGE, extras={"wsgi.input": source}), 404)
    assert answers[0] == 204
    assert site.stored == []


def test_what_ends_while_it_is_completed_leaves_nothing(work: Work) -> None:
    from roliascan.library.targets import KINDS

    uploader, site = work.uploader, work.site
    asked = asks(uploader, work.target, announced(PAGE))
    told(puts(site, asked["tickets"][0], PAGE), 204)
    kind = KINDS["chapter"]

    def meanwhile(*args: Any, **how: Any) -> Any:
        told(uploader.delete(f"uploads/sessions/{asked['session']}"), 204)
        return kind.inspect(*args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "chapter", kind._replace(inspect=meanwhile))
        refused(uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"), 409, "upload_closed")
    assert (site.stored, site.count("files")) == ([], 0)
