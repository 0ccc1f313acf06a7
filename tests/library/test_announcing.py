"""Announcing files: for whom and by whom, how many, and going on after a break."""

from typing import Any

import pytest
from falcon.testing import Result

from roliascan.library import announcing
from tests.front import PAGE, SECRET, Asker, Site, at_once, fields, refused, told
from tests.library.uploading import GENERIC, NOBODY, WIDE, Work, announced, asks, commits, image, puts, sends


@pytest.fixture
def work(site: Site) -> Work:
    return Work(site)


@pytest.fixture
def any_work(any_site: Site) -> Work:
    return Work(any_site)


# What is announced.


def test_every_problem_is_named_at_once(work: Work) -> None:
    good = announced(PAGE)
    bad = [
        {**good, "name": ""},
        {**good, "size": 0},
        {**good, "type": "text/html"},
        {**good, "sha256": good["sha256"].upper()},
        {**good, "page": 0},
        {**good, "more": 1},
        {},
    ]
    answer = work.uploader.post("uploads", {"target": {"chapterId": "x"}, "files": bad})
    assert fields(answer) == [
        "files[0].name",
        "files[1].size",
        "files[2].type",
        "files[3].sha256",
        "files[4].page",
        "files[5].more",
        "files[6].name",
        "files[6].sha256",
        "files[6].size",
        "files[6].type",
        "target.chapterId",
    ]
    limit = 10_485_760
    late = [{**good, "size": limit + 1}, {**good, "type": "application/pdf"}, {**good, "page": 1}, {**good, "page": 1}]
    answer = work.uploader.post("uploads", {"target": work.target, "files": late})
    assert fields(answer) == ["files[0].size", "files[1].type", "files[3].page"]
    answer = work.uploader.post("uploads", {"target": GENERIC, "files": [{**good, "page": 1}]})
    assert fields(answer) == ["files[0].page"]
    for number in (0, 101):
        assert fields(work.uploader.post("uploads", {"target": GENERIC, "files": [good] * number})) == ["files"]
    assert work.site.count("upload_sessions") == 0


@pytest.mark.parametrize(
    "target",
    [{}, {"generic": False}, {"generic": True, "chapterId": NOBODY}, {"chapterId": NOBODY, "seriesId": NOBODY}],
)
def test_there_is_one_target(work: Work, target: Any) -> None:  # AZ-04
    assert fields(work.uploader.post("uploads", {"target": target, "files": [announced(PAGE)]})) == ["target"]


def test_only_who_may_add_it_may_announce_it(any_work: Work) -> None:  # AZ-01, AZ-02
    site = any_work.site
    files = [announced(PAGE)]
    draft = {"chapterId": any_work.chapter["id"]}
    published = {"chapterId": any_work.uploader.publishes(any_work.series, 2)["id"]}
    series = {"seriesId": any_work.series["id"]}
    reader, other = site.sign_up(), site.sign_up("uploader")
    moderator, admin = site.sign_up("moderator"), site.sign_up("admin")
    asked: list[tuple[Asker, Any, int]] = [
        *((site.stranger, target, 401) for target in (draft, published, series, GENERIC)),
        *(
            (reader, target, status)
            for target, status in ((draft, 404), (published, 403), (series, 403), (GENERIC, 403))
        ),
        *(
            (other, target, status)
            for target, status in ((draft, 404), (published, 403), (series, 403), (GENERIC, 201))
        ),
        *((moderator, target, status) for target, status in ((published, 403), (series, 201), (GENERIC, 201))),
        *((admin, target, 201) for target in (draft, published, series, GENERIC)),
        *((admin, {kind: NOBODY}, 404) for kind in ("chapterId", "seriesId")),
        (admin, {"chapterId": any_work.series["id"]}, 404),
        (admin, {"seriesId": any_work.chapter["id"]}, 404),
    ]
    for asker, target, status in asked:
        answer = asker.post("uploads", {"target": target, "files": files})
        assert answer.status_code == status, (asker.username, target, answer.text)


# Going on.


def test_an_upload_goes_on_where_it_stopped(any_work: Work) -> None:
    site, uploader = any_work.site, any_work.uploader
    images = [image(seed) for seed in range(6)]
    files = [announced(data, page=number) for number, data in enumerate(images, start=1)]
    asked = asks(uploader, any_work.target, *files)
    for ticket, data in zip(asked["tickets"][:4], images, strict=False):
        told(puts(site, ticket, data), 204)
    for ticket in asked["tickets"][:3]:
        told(uploader.post(f"uploads/{ticket['id']}/complete"))
    told(uploader.post("auth/logout"), 204)
    back = Asker(site, uploader.id, uploader.username, signs_in(site, uploader))
    again = asks(back, any_work.target, *files)
    assert again["session"] == asked["session"]
    assert [one["id"] for one in again["tickets"]] == [one["id"] for one in asked["tickets"]]
    assert [one.get("done", False) for one in again["tickets"]] == [True] * 3 + [False] * 3
    assert again["tickets"][0] == {"id": asked["tickets"][0]["id"], "done": True}
    missing = told(back.get(f"uploads/sessions/{asked['session']}"))["missing"]
    assert missing == [one["id"] for one in asked["tickets"][3:]]
    refused(back.post(f"uploads/sessions/{asked['session']}/commit"), 409, "upload_incomplete")
    assert any_work.site.count("pages") == 0
    for ticket, data in zip(again["tickets"][3:], images[3:], strict=True):
        told(puts(site, ticket, data), 204)
        told(back.post(f"uploads/{ticket['id']}/complete"))
    commits(back, {"id": asked["session"]})
    any_work.uploader = back
    assert any_work.pages() == list(enumerate(images, start=1))


def signs_in(site: Site, asker: Asker) -> str:
    """A token of another session of the same person."""
    from roliascan.people import sessions, tokens

    with site.db.begin() as tx:
        session_id, expires_at = sessions.start(tx, user_id=asker.id, lasts_s=3600, now=site.clock.now)
    return tokens.issue(session_id, secret=SECRET, now=site.clock.now, expires_at=expires_at)


def test_a_session_grows_and_equal_files_are_several(any_work: Work) -> None:  # UP-15
    uploader = any_work.uploader
    first = asks(uploader, any_work.target, announced(PAGE), announced(PAGE), announced(WIDE))
    assert len({one["id"] for one in first["tickets"]}) == 3
    again = asks(uploader, any_work.target, announced(PAGE), announced(PAGE), announced(WIDE), announced(image(1)))
    assert [one["id"] for one in again["tickets"]][:3] == [one["id"] for one in first["tickets"]]
    session = sends(uploader, any_work.target, PAGE, PAGE, WIDE, image(1))
    assert len(session["files"]) == 4
    commits(uploader, session)
    assert any_work.pages() == [(1, PAGE), (2, PAGE), (3, WIDE), (4, image(1))]


def test_two_that_ask_at_once_find_one_session(any_work: Work) -> None:
    files = [announced(image(seed), page=seed + 1) for seed in range(3)]
    asked = at_once(8, lambda _: asks(any_work.uploader, any_work.target, *files))
    assert len({one["session"] for one in asked}) == 1
    assert len({ticket["id"] for one in asked for ticket in one["tickets"]}) == 3
    assert (any_work.site.count("upload_sessions"), any_work.site.count("upload_files")) == (1, 3)


def test_pages_have_one_file_each(work: Work) -> None:
    path = "uploads"
    asks(work.uploader, work.target, announced(PAGE, page=1))
    body = {"target": work.target, "files": [announced(WIDE, page=1)]}
    refused(work.uploader.post(path, body), 409, "page_exists")
    (ticket,) = asks(work.uploader, work.target, announced(PAGE, page=1))["tickets"]
    told(work.uploader.delete(f"uploads/{ticket['id']}"), 204)
    told(work.uploader.post(path, body), 201)


def test_a_series_has_one_cover(work: Work) -> None:
    target = {"seriesId": work.series["id"]}
    body = {"target": target, "files": [announced(PAGE), announced(WIDE)]}
    refused(work.uploader.post("uploads", body), 413, "too_many_uploads")
    assert work.site.count("upload_sessions") == 0
    asks(work.uploader, target, announced(PAGE))
    refused(work.uploader.post("uploads", {"target": target, "files": [announced(WIDE)]}), 413, "too_many_uploads")


def test_a_session_holds_a_thousand_files(work: Work) -> None:  # UP-16, ST-20
    files = [announced(PAGE, page=number) for number in range(1, 1001)]
    asked = [asks(work.uploader, work.target, *files[start : start + 100]) for start in range(0, 1000, 100)]
    body = {"target": work.target, "files": [announced(PAGE)]}
    refused(work.uploader.post("uploads", body), 413, "too_many_uploads")
    session = told(work.uploader.get(f"uploads/sessions/{asked[0]['session']}"))
    assert len(session["files"]) == len(session["missing"]) == 1000


def test_a_person_has_ten_sessions_open(any_work: Work) -> None:  # ST-20
    site, uploader = any_work.site, any_work.uploader
    chapters = [uploader.makes_chapter(any_work.series, number) for number in range(2, 2 + announcing.MOST_OPEN)]
    bodies = [{"target": {"chapterId": one["id"]}, "files": [announced(PAGE)]} for one in chapters]
    eleventh = {"target": any_work.target, "files": [announced(PAGE)]}
    answers = at_once(11, lambda turn: uploader.post("uploads", [*bodies, eleventh][turn]))
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [429]
    (late,) = (body for body, answer in zip([*bodies, eleventh], answers, strict=True) if answer.status_code == 429)
    assert int(refused_late(uploader, late).headers["retry-after"]) > 0
    told(site.sign_up("admin").post("uploads", eleventh), 201)
    opened_one = next(answer.json["session"] for answer in answers if answer.status_code == 201)
    told(uploader.delete(f"uploads/sessions/{opened_one}"), 204)
    told(uploader.post("uploads", late), 201)
    site.clock.forward(hours=24)
    told(uploader.post("uploads", {"target": GENERIC, "files": [announced(PAGE)]}), 201)


def refused_late(uploader: Asker, body: Any) -> Result:
    answer = uploader.post("uploads", body)
    refused(answer, 429, "too_many_upload_sessions")
    return answer


def test_a_hash_known_from_elsewhere_attaches_nothing(work: Work) -> None:  # UP-22
    uploader, other = work.uploader, work.site.sign_up("uploader")
    uploader.adds_pages(uploader.makes_chapter(work.series, 2))
    mine = sends(uploader, GENERIC, PAGE)
    commits(uploader, mine)
    for asker, target in ((other, GENERIC), (uploader, work.target), (uploader, GENERIC)):
        asked = asks(asker, target, announced(PAGE))
        (ticket,) = asked["tickets"]
        assert "done" not in ticket
        assert ticket["id"] != mine["files"][0]["id"]
        refused(asker.post(f"uploads/{ticket['id']}/complete"), 409, "not_uploaded")
        refused(asker.post(f"uploads/sessions/{asked['session']}/commit"), 409, "upload_incomplete")


def test_sessions_do_not_mix(any_work: Work) -> None:  # AZ-04, UP-22
    uploader, second = any_work.uploader, any_work.uploader.makes_chapter(any_work.series, 2)
    one = sends(uploader, any_work.target, PAGE)
    other = sends(uploader, {"chapterId": second["id"]}, WIDE)
    assert one["id"] != other["id"]
    foreign = {"order": [other["files"][0]["id"]]}
    answer = uploader.post(f"uploads/sessions/{one['id']}/commit", foreign)
    assert fields(answer) == ["order", "order[0]"]
    commits(uploader, one)
    assert any_work.pages() == [(1, PAGE)]
    assert told(uploader.get(f"chapters/{second['id']}"))["pages"] == []
