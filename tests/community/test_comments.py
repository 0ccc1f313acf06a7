"""Comments: what they are, who may what, and their list."""

import json
import unicodedata
from base64 import urlsafe_b64encode
from itertools import product
from typing import Any

import pytest
from falcon.testing import Result

from tests.database.kinds import on_servers
from tests.database.proxy import between
from tests.front import Asker, Site, everything, fields, ids, opened, refused, told
from tests.library.test_visibility import Library

NOTHING = "01a20846-fe00-7ece-bc0b-f87796bb3294"


def chapter_of(site: Site) -> str:
    """The address of a chapter of somebody's."""
    owner = site.sign_up("uploader")
    return f"chapters/{owner.publishes(owner.makes_series())['id']}"


def comments_on(asker: Asker, chapter: str, body: str = "Well drawn.") -> Any:
    """The comment, made a moment after the one before."""
    asker.site.clock.forward(microseconds=1)
    return told(asker.post(f"{chapter}/comments", {"body": body}), 201)


def mute(person: Asker, muted: bool = True) -> None:
    person.site.write("UPDATE users SET is_muted = :muted WHERE id = :id", muted=muted, id=person.id)


def test_a_comment_is_written_shown_changed_and_deleted(any_site: Site) -> None:
    chapter, reader = chapter_of(any_site), any_site.sign_up()
    answer = reader.post(f"{chapter}/comments", {"body": "Well drawn."})
    made = told(answer, 201)
    at = "2026-11-23T12:00:00.000000Z"
    user = {"id": reader.id, "username": reader.username}
    assert made == {"id": made["id"], "body": "Well drawn.", "createdAt": at, "updatedAt": at, "user": user}
    assert answer.headers["location"] == f"/api/v1/comments/{made['id']}"
    assert told(any_site.stranger.get(answer.headers["location"])) == made
    any_site.clock.forward(minutes=5)
    changed = told(reader.patch(f"comments/{made['id']}", {"body": "Badly told."}))
    assert changed == {**made, "body": "Badly told.", "updatedAt": "2026-11-23T12:05:00.000000Z"}
    assert told(any_site.stranger.get(f"{chapter}/comments"))["data"] == [changed]
    assert reader.delete(f"comments/{made['id']}").status_code == 204
    assert told(any_site.stranger.get(f"{chapter}/comments"))["data"] == []
    for answer in (
        any_site.stranger.get(f"comments/{made['id']}"),
        reader.patch(f"comments/{made['id']}", {"body": "Again"}),
        reader.delete(f"comments/{made['id']}"),
    ):
        refused(answer, 404, "not_found")


def test_the_list_of_a_chapter_is_its_own(any_site: Site) -> None:  # AZ-04
    reader = any_site.sign_up()
    one, other = chapter_of(any_site), chapter_of(any_site)
    made = comments_on(reader, one)
    assert ids(told(reader.get(f"{one}/comments"))) == [made["id"]]
    assert told(reader.get(f"{other}/comments")) == {
        "data": [],
        "page": {"limit": 20, "number": 1, "total": None, "next": None},
    }


# What is said


KEPT = [
    ("x", "x"),
    ("  two\nlines\t ", "two\nlines"),
    ("e\u0301", "\u00e9"),
    ("\u6f2b" * 1000, "\u6f2b" * 1000),
    ("\U0001f600" * 1000, "\U0001f600" * 1000),  # four bytes each
    ("e\u0301" * 1000, "\u00e9" * 1000),  # counted as it is kept
    (" " * 5000 + "x", "x"),
    ("a" + "\u0335" * 999, "a" + "\u0335" * 999),
    ("\u202eright to left\u2066", "\u202eright to left\u2066"),  # whoever shows it keeps it apart
    ("\ufe0f\u2764\ufe0f", "\ufe0f\u2764\ufe0f"),
    ("1' OR '1'='1; -- %s %(id)s :id \\ \" $1 ?", "1' OR '1'='1; -- %s %(id)s :id \\ \" $1 ?"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
]
"""Words as they are sent, and as they are kept."""


def test_words_are_kept_as_they_are_but_for_their_form(any_site: Site) -> None:  # DB-17, IN-07, IN-18
    reader, chapter = any_site.sign_up(), chapter_of(any_site)
    for sent, kept in KEPT:
        made = comments_on(reader, chapter, sent)
        assert made["body"] == kept == unicodedata.normalize("NFC", sent.strip())
        assert told(any_site.stranger.get(f"{chapter}/comments?limit=1"))["data"] == [made]
        assert told(reader.patch(f"comments/{made['id']}", {"body": sent}))["body"] == kept


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["body"]),
        ({"body": None}, ["body"]),
        ({"body": 5}, ["body"]),
        ({"body": ["x"]}, ["body"]),
        ({"body": ""}, ["body"]),
        ({"body": " \n\t\u3000\u00a0"}, ["body"]),
        ({"body": "\u200b\ufeff\u2060\u202e\u00ad"}, ["body"]),
        ({"body": "\u3164\u115f\uffa0\u2800"}, ["body"]),
        ({"body": "\u0301\u0301"}, ["body"]),
        ({"body": "\x1b\x07"}, ["body"]),
        ({"body": "x" * 1001}, ["body"]),
        ({"body": "\U0001f600" * 1001}, ["body"]),
        ({"body": "a" + "\u0335" * 5000}, ["body"]),
        ({"body": "a\0b"}, ["body"]),
        ({"body": "x" * 1001, "text": "x"}, ["body", "text"]),
    ],
)
def test_what_is_no_comment_is_refused(site: Site, body: Any, wrong: list[str]) -> None:  # IN-02, IN-11, IN-18
    reader, chapter = site.sign_up(), chapter_of(site)
    made = comments_on(reader, chapter)
    assert fields(reader.post(f"{chapter}/comments", body)) == wrong
    assert fields(reader.patch(f"comments/{made['id']}", body)) == wrong
    assert told(reader.get(f"{chapter}/comments"))["data"] == [made]


def test_what_is_no_json_is_refused(any_site: Site) -> None:  # IN-02
    reader, chapter = any_site.sign_up(), chapter_of(any_site)
    for body in (b"{", b'{"body": "\\ud800"}', b'{"body": "\xff"}', b"[" * 10_000, b'{"body": NaN}'):
        answer = reader.ask("POST", f"{chapter}/comments", body=body, headers={"Content-Type": "application/json"})
        refused(answer, 400)
    assert any_site.count("comments") == 0


@pytest.mark.parametrize(
    "field",
    ["id", "chapterId", "chapter_id", "userId", "user_id", "user", "createdAt", "created_at", "updatedAt", "__proto__"],
)
def test_nobody_sets_what_is_not_theirs_to_set(site: Site, field: str) -> None:  # AZ-06
    reader, chapter = site.sign_up(), chapter_of(site)
    made = comments_on(reader, chapter)
    assert fields(reader.post(f"{chapter}/comments", {"body": "x", field: NOTHING})) == [field]
    assert fields(reader.patch(f"comments/{made['id']}", {"body": "x", field: NOTHING})) == [field]
    assert told(reader.get(f"{chapter}/comments"))["data"] == [made]


# Who may


def test_who_may_change_and_delete_a_comment(any_site: Site) -> None:  # AZ-01
    chapter, author = chapter_of(any_site), any_site.sign_up()
    deleter = any_site.sign_up(grants=("delete:comment",))
    others = [any_site.sign_up(), any_site.sign_up("uploader")]
    moderators = [deleter, any_site.sign_up("moderator"), any_site.sign_up("admin")]
    for moderator in moderators:
        made = comments_on(author, chapter)
        path = f"comments/{made['id']}"
        refused(any_site.stranger.patch(path, {"body": "No"}), 401)
        refused(any_site.stranger.delete(path), 401)
        for other in others:
            refused(other.delete(path), 403, "not_allowed")
        for other in [*others, *moderators]:
            refused(other.patch(path, {"body": "No"}), 403, "not_allowed")  # nobody speaks with another's voice
        assert told(any_site.stranger.get(path)) == made
        told(moderator.delete(path), 204)
    assert any_site.count("comments") == 0
    refused(any_site.stranger.post(f"{chapter}/comments", {"body": "No"}), 401)


def test_whoever_is_muted_reads_and_deletes(any_site: Site) -> None:  # contract: muted people edited comments
    chapter, reader = chapter_of(any_site), any_site.sign_up()
    made, second = comments_on(reader, chapter), comments_on(reader, chapter)
    mute(reader)
    refused(reader.post(f"{chapter}/comments", {"body": "No"}), 403, "muted")
    refused(reader.patch(f"comments/{made['id']}", {"body": "No"}), 403, "muted")
    assert told(reader.get(f"{chapter}/comments"))["data"] == [second, made]
    told(reader.delete(f"comments/{made['id']}"), 204)
    mute(reader, muted=False)
    assert told(reader.patch(f"comments/{second['id']}", {"body": "Yes"}))["body"] == "Yes"


def test_a_muted_moderator_deletes_but_says_nothing(site: Site) -> None:
    chapter, moderator = chapter_of(site), site.sign_up("moderator")
    made = comments_on(site.sign_up(), chapter)
    mute(moderator)
    refused(moderator.post(f"{chapter}/comments", {"body": "No"}), 403, "muted")
    told(moderator.delete(f"comments/{made['id']}"), 204)


def test_what_somebody_may_is_decided_at_each_request(any_site: Site) -> None:  # AU-11: banned people commented
    chapter, reader, moderator = chapter_of(any_site), any_site.sign_up(), any_site.sign_up("moderator")
    made = comments_on(reader, chapter)
    any_site.write("UPDATE users SET role = 'user' WHERE id = :id", id=moderator.id)
    refused(moderator.delete(f"comments/{made['id']}"), 403, "not_allowed")
    any_site.write("UPDATE users SET is_banned = :yes WHERE id = :id", yes=True, id=reader.id)
    refused(reader.post(f"{chapter}/comments", {"body": "No"}), 401, "not_signed_in")
    refused(reader.patch(f"comments/{made['id']}", {"body": "No"}), 401, "not_signed_in")
    refused(reader.delete(f"comments/{made['id']}"), 401, "not_signed_in")
    assert told(reader.get(f"{chapter}/comments"))["data"] == [made]  # as a stranger
    any_site.write("UPDATE users SET is_banned = :no WHERE id = :id", no=False, id=reader.id)
    any_site.write("DELETE FROM sessions WHERE user_id = :id", id=reader.id)
    refused(reader.post(f"{chapter}/comments", {"body": "No"}), 401, "not_signed_in")


# Who sees


def alike(one: Result, other: Result) -> bool:
    """Whether two refusals are the same, but for the identifiers of their requests."""
    problems = [refused(answer, 404, "not_found") | {"requestId": ""} for answer in (one, other)]
    headers = [{**answer.headers, "x-request-id": ""} for answer in (one, other)]
    return problems[0] == problems[1] and headers[0] == headers[1]


def test_comments_are_seen_by_those_who_see_the_chapter(any_site: Site) -> None:  # AZ-10
    library = Library(any_site)
    for chapter in library.hidden_chapters:
        path = f"chapters/{chapter['id']}/comments"
        made = comments_on(library.owner, f"chapters/{chapter['id']}")
        one = f"comments/{made['id']}"
        for asker in (library.owner, any_site.sign_up("moderator"), any_site.sign_up("admin")):
            assert told(asker.get(path))["data"] == [made] == [told(asker.get(one))]
        deleter = any_site.sign_up(grants=("delete:comment",))
        for asker in (any_site.stranger, any_site.sign_up(), any_site.sign_up("uploader"), deleter):
            assert alike(asker.get(path), asker.get(f"chapters/{NOTHING}/comments"))
            assert alike(asker.get(one), asker.get(f"comments/{NOTHING}"))
            if asker.token:
                words = {"body": "No"}
                assert alike(asker.post(path, words), asker.post(f"chapters/{NOTHING}/comments", words))
                assert alike(asker.patch(one, words), asker.patch(f"comments/{NOTHING}", words))
                assert alike(asker.delete(one), asker.delete(f"comments/{NOTHING}"))
        assert told(library.owner.get(path))["data"] == [made]


@pytest.mark.parametrize("hidden", ["chapter", "series"])
def test_ones_own_words_can_be_taken_back_when_they_are_hidden(any_site: Site, hidden: str) -> None:
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    series = owner.makes_series()
    chapter = owner.publishes(series)
    made = comments_on(reader, f"chapters/{chapter['id']}")
    path = f"comments/{made['id']}"
    if hidden == "chapter":
        told(owner.post(f"chapters/{chapter['id']}/hide"))
    else:
        told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    refused(reader.get(path), 404, "not_found")
    refused(reader.patch(path, {"body": "Other"}), 404, "not_found")
    mute(reader)
    told(reader.delete(path), 204)
    assert any_site.count("comments") == 0


def test_what_was_removed_is_gone_with_its_comments(any_site: Site) -> None:
    owner, reader = any_site.sign_up("uploader"), any_site.sign_up()
    kept = chapter_of(any_site)
    comments_on(reader, kept)
    series = owner.makes_series()
    chapters = [f"chapters/{owner.publishes(series, number)['id']}" for number in (1, 2)]
    made = [comments_on(reader, chapter) for chapter in chapters]
    told(owner.delete(chapters[0], params={"reason": "Licensed"}), 204)
    for answer in (reader.get(f"{chapters[0]}/comments"), reader.post(f"{chapters[0]}/comments", {"body": "x"})):
        assert refused(answer, 410, "removed")["detail"] == "This was removed: Licensed"
    told(owner.delete(f"series/{series['id']}"), 204)
    for one in made:
        refused(reader.get(f"comments/{one['id']}"), 404, "not_found")
        refused(reader.delete(f"comments/{one['id']}"), 404, "not_found")
    refused(reader.get(f"{chapters[1]}/comments"), 404, "not_found")
    assert any_site.count("comments") == 1


def test_other_ways_to_write_an_identifier_are_none(any_site: Site) -> None:  # AZ-05
    reader, chapter = any_site.sign_up(), chapter_of(any_site)
    made, words = comments_on(reader, chapter), {"body": "x"}
    for one in (made["id"], chapter.removeprefix("chapters/")):
        for other in (one.upper(), one.replace("-", ""), f"{{{one}}}", f"{one}%20", f"{one}'", "1"):
            refused(reader.get(f"comments/{other}"), 404)
            refused(reader.patch(f"comments/{other}", words), 404)
            refused(reader.delete(f"comments/{other}"), 404)
            refused(reader.get(f"chapters/{other}/comments"), 404)
            refused(reader.post(f"chapters/{other}/comments", words), 404)
    refused(reader.get(f"chapters/{made['id']}/comments"), 404)  # AZ-04
    assert told(reader.get(f"{chapter}/comments"))["data"] == [made]


# The list


def talk(site: Site, comments: int = 7) -> tuple[str, list[str]]:
    """The address of the comments of a chapter, and their identifiers, newest first. Two are of one moment."""
    reader, chapter = site.sign_up(), chapter_of(site)
    made = [comments_on(reader, chapter, f"Comment {number}") for number in range(comments - 1)]
    last = told(reader.post(f"{chapter}/comments", {"body": "At the same moment"}), 201)
    newest = sorted([made[-1]["id"], last["id"]], reverse=True)
    return f"{chapter}/comments", [*newest, *(one["id"] for one in made[-2::-1])]


def test_a_cursor_walks_over_everything_once(any_site: Site) -> None:
    path, expected = talk(any_site)
    for limit in (1, 2, 3, 6, 7, 8):
        assert [one["id"] for one in everything(any_site.stranger, path, limit=limit)] == expected
        assert [one["id"] for one in everything(any_site.sign_up(), path, limit=limit)] == expected
    times = [one["createdAt"] for one in everything(any_site.stranger, path)]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 6


def test_pages_by_number_are_the_same_pages(any_site: Site) -> None:
    path, expected = talk(any_site)
    pages = [told(any_site.stranger.get(f"{path}?limit=3&page={number}")) for number in (1, 2, 3, 4)]
    assert [ids(page) for page in pages] == [expected[:3], expected[3:6], expected[6:], []]
    assert [page["page"]["number"] for page in pages] == [1, 2, 3, 4]
    assert [page["page"]["total"] for page in pages] == [None] * 4
    assert told(any_site.stranger.get(f"{path}?page=500"))["data"] == []
    refused(any_site.stranger.get(f"{path}?page=501"), 400, "page_too_deep")
    refused(any_site.stranger.get(f"chapters/{NOTHING}/comments?page=5"), 404, "not_found")


def test_what_comes_or_goes_meanwhile_moves_no_page(site: Site) -> None:
    path, expected = talk(site)
    admin = site.sign_up("admin")
    first = told(admin.get(f"{path}?limit=2"))
    comments_on(admin, path.removesuffix("/comments"))
    told(admin.delete(f"comments/{expected[1]}"), 204)  # where the cursor points to
    told(admin.delete(f"comments/{expected[2]}"), 204)
    assert ids(told(admin.get(f"{path}?cursor={first['page']['next']}"))) == expected[3:]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("page=0", ["page"]),
        ("sort=newest", ["sort"]),
        ("cursor=x&limit=x", ["limit"]),
        ("cursor=x", ["cursor"]),
    ],
)
def test_out_of_range_is_refused(site: Site, query: str, wrong: list[str]) -> None:  # IN-07
    assert fields(site.stranger.get(f"{chapter_of(site)}/comments?{query}")) == wrong


def test_a_forged_cursor_is_refused_or_harmless(any_site: Site) -> None:  # IN-07, IN-12
    path, expected = talk(any_site)
    keys: list[Any] = [None, 1, True, [], "", "x", "' OR 1=1 --", "a\0b", "\ud800", "2026-11-23T12:00:00.000000Z"]
    keys += [expected[0].upper(), f"{expected[0]}\n", "x" * 500]
    for name, key, last in product(["newest", "created"], [*keys, expected[0]], [expected[0], "x"]):
        written = json.dumps([name, key, last]).encode()
        answer = any_site.stranger.get(path, params={"cursor": urlsafe_b64encode(written).rstrip(b"=").decode()})
        if (name, key, last) == ("newest", expected[0], expected[0]):
            assert ids(told(answer)) == expected[1:]
        else:
            assert fields(answer) == ["cursor"], (name, key, last)


@on_servers
def test_a_list_is_one_round_trip(database_url: str) -> None:
    with between(database_url) as proxy, opened(proxy.url) as site, opened(database_url) as direct:
        path, expected = talk(direct)
        empty = chapter_of(direct)
        reader = direct.sign_up()
        reader.site = site
        cursor = told(site.stranger.get(f"{path}?limit=2"))["page"]["next"]
        for asker, trips in ((site.stranger, 1), (reader, 2)):
            for one in (path, f"{path}?limit=2&cursor={cursor}", f"{path}?page=9", f"{empty}/comments"):
                proxy.trips = 0
                told(asker.get(one))
                assert proxy.trips == trips, one
            proxy.trips = 0
            told(asker.get(f"comments/{expected[0]}"))
            assert proxy.trips == trips


def test_the_list_can_be_kept_by_caches(site: Site) -> None:
    path, _ = talk(site)
    answer = site.stranger.get(path)
    assert answer.headers["cache-control"].startswith("public, max-age=0, s-maxage=30,")
    assert site.stranger.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert site.sign_up().get(path).headers["cache-control"] == "private, no-store"


def test_comments_are_limited(sqlite_url: str) -> None:
    with opened(sqlite_url, RATE_LIMITS="comment=2/5m") as site:
        chapter = site.sign_up("uploader")
        published = chapter.publishes(chapter.makes_series())
        one, other = site.sign_up(), site.sign_up()
        path = f"chapters/{published['id']}/comments"
        refused(one.post(path, {"body": " "}), 400)  # what is not valid does not count
        for asker in (one, one, other):
            told(asker.post(path, {"body": "So it ends."}), 201)
        answer = one.post(path, {"body": "Or not."})
        refused(answer, 429, "too_many_requests")
        assert 0 < int(answer.headers["retry-after"]) <= 150


def test_changes_count_as_comments_do(sqlite_url: str) -> None:
    with opened(sqlite_url, RATE_LIMITS="comment=3/5m") as site:
        owner = site.sign_up("uploader")
        published = owner.publishes(owner.makes_series())
        reader = site.sign_up()
        path = f"chapters/{published['id']}/comments"
        made = told(reader.post(path, {"body": "So it ends."}), 201)
        comment = f"comments/{made['id']}"
        refused(reader.patch(comment, {"body": " "}), 400)  # what is not valid does not count
        for words in ("Or not.", "Or so."):
            told(reader.patch(comment, {"body": words}))
        for answer in (reader.patch(comment, {"body": "Once more."}), reader.post(path, {"body": "Once more."})):
            refused(answer, 429, "too_many_requests")
            assert 0 < int(answer.headers["retry-after"]) <= 100
        assert told(site.stranger.get(comment))["body"] == "Or so."
        told(reader.delete(comment), 204)  # taking back is never too often
