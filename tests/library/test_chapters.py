"""Chapters: their numbers, their order, what is beside them, and how they come into sight and go."""

from typing import Any

import pytest

from roliascan.library import sweep
from tests.front import Asker, Site, everything, fields, refused, told

JSON = {"Content-Type": "application/json"}
NOON = "2026-11-23T12:00:00.000000Z"


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


@pytest.fixture
def series(uploader: Asker) -> Any:
    return uploader.makes_series()


def adds(asker: Asker, series: Any, number: str, more: str = "") -> Any:
    """Adds a chapter of a number written in JSON."""
    return asker.post(f"series/{series['id']}/chapters", body=f'{{"number": {number}{more}}}', headers=JSON)


def test_a_chapter_begins_as_a_draft(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series, team = uploader.makes_series("Series"), uploader.makes_team()
    said = {"number": 10.5, "label": "Extra", "title": "Title", "volume": "2", "language": "en"}
    made = told(uploader.post(f"series/{series['id']}/chapters", {**said, "teamIds": [team["id"]]}), 201)
    assert said.items() <= made.items()
    assert made["series"] == {"id": series["id"], "slug": "series", "title": "Series"}
    assert made["teams"] == [{"id": team["id"], "name": team["name"]}]
    expected: dict[str, Any] = {
        "state": "draft",
        "publishedAt": None,
        "pageCount": 0,
        "pages": [],
        "previous": None,
        "next": None,
    }
    assert expected.items() <= made.items()
    assert (made["version"], made["rating"], made["ratingCount"]) == (1, None, 0)


EXACT: dict[str, float] = {
    "0": 0,
    "1": 1,
    "2.0": 2,
    "1.10": 1.1,
    "1e3": 1000,
    "1E-3": 0.001,
    "10.5": 10.5,
    "0.1": 0.1,
    "1.005": 1.005,
    "4.35": 4.35,
    "100.001": 100.001,
    "999999.999": 999999.999,
}


def test_a_number_stays_exact(any_site: Site) -> None:  # IN-10
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    for written, number in EXACT.items():
        made = told(adds(uploader, series, written), 201)
        assert made["number"] == number
        assert type(made["number"]) is type(number)
        assert any_site.values("number_milli", "chapters WHERE id = :id", id=made["id"]) == [round(number * 1000)]


@pytest.mark.parametrize(
    "written",
    ["-1", "-0.001", "1000000", "999999.9991", "1.0005", "1e-4", "1e300", '"1"', "true", "[1]", "{}", "0.1234"],
)
def test_other_numbers_are_refused(site: Site, uploader: Asker, series: Any, written: str) -> None:  # IN-10
    assert fields(adds(uploader, series, written)) == ["number"]
    assert site.count("chapters") == 0


@pytest.mark.parametrize("written", ["01", "1.", ".5", "+1", "0x10", "NaN", "Infinity", "1_0", "1,5", "10.5a"])
def test_what_is_no_number_is_malformed(uploader: Asker, series: Any, written: str) -> None:  # IN-10
    refused(adds(uploader, series, written), 400, "malformed")


def test_equal_numbers_are_one_chapter(any_site: Site) -> None:  # IN-10
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    for first, others in {"1": ["1.0", "1.000", "1e0", "10e-1"], "1.1": ["1.10", "11e-1"], "0": ["-0", "0.0"]}.items():
        told(adds(uploader, series, first), 201)
        for other in others:
            refused(adds(uploader, series, other), 409, "chapter_exists")
            refused(adds(uploader, series, other, ', "title": "Other", "label": "Other"'), 409, "chapter_exists")


def test_another_language_volume_or_team_is_another_chapter(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series, other = uploader.makes_series(), uploader.makes_series()
    a, b = uploader.makes_team()["id"], uploader.makes_team()["id"]
    ways: list[dict[str, Any]] = [
        {},
        {"language": "en"},
        {"volume": "1"},
        {"volume": "1", "language": "en"},
        {"teamIds": [a]},
        {"teamIds": [b]},
        {"teamIds": [a, b]},
    ]
    for where in (series, other):
        for way in ways:
            uploader.makes_chapter(where, 1, **way)
    agains: list[dict[str, Any]] = [{"volume": None}, {"volume": " "}, {"teamIds": [b, a]}, {"teamIds": [a, a]}]
    for again in [*agains, {"teamIds": []}]:
        refused(uploader.post(f"series/{series['id']}/chapters", {"number": 1, **again}), 409, "chapter_exists")


def test_a_chapter_without_a_number_has_a_label(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    path = f"series/{series['id']}/chapters"
    for body in ({}, {"number": None}, {"label": None}, {"number": None, "title": "A"}):
        assert fields(uploader.post(path, body)) == ["label"]
    assert fields(uploader.post(path, {"label": " "})) == ["label"]
    made = uploader.makes_chapter(series, None, label="Extra  1")
    assert (made["number"], made["label"]) == (None, "Extra  1")
    for label in ("extra 1", " EXTRA 1 ", "Éxtra 1"):
        refused(uploader.post(path, {"label": label}), 409, "chapter_exists")
    uploader.makes_chapter(series, None, label="Extra 2")
    uploader.makes_chapter(series, None, label="漫画")
    uploader.makes_chapter(series, None, label="\ufdfa" * 100)


def test_a_number_may_be_given_and_taken(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.makes_chapter(series, 1)
    path = f"chapters/{chapter['id']}"
    assert fields(uploader.patch(path, {"number": None})) == ["label"]
    assert told(uploader.patch(path, {"number": None, "label": "Extra"}))["number"] is None
    assert fields(uploader.patch(path, {"label": None})) == ["label"]
    assert told(uploader.patch(path, {"number": 2.5, "label": None}))["number"] == 2.5
    uploader.makes_chapter(series, 3)
    before = told(uploader.get(path))
    refused(uploader.patch(path, {"number": 3, "title": "Lost"}), 409, "chapter_exists")
    assert told(uploader.get(path)) == before
    assert told(uploader.patch(path, {"number": 3, "volume": "1"}))["volume"] == "1"


def test_changing_teams_changes_the_release(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series, team = uploader.makes_series(), uploader.makes_team()
    uploader.makes_chapter(series, 1, teamIds=[team["id"]])
    other = uploader.makes_chapter(series, 1)
    path = f"chapters/{other['id']}"
    refused(uploader.patch(path, {"teamIds": [team["id"]]}), 409, "chapter_exists")
    assert told(uploader.get(path))["teams"] == []
    assert told(uploader.patch(path, {"number": 2, "teamIds": [team["id"]]}))["teams"][0]["id"] == team["id"]
    uploader.makes_chapter(series, 1)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"number": 1, "label": "x" * 101}, ["label"]),
        ({"number": 1, "title": "x" * 301}, ["title"]),
        ({"number": 1, "volume": "x" * 21}, ["volume"]),
        ({"number": 1, "volume": 1}, ["volume"]),
        ({"number": 1, "language": None}, ["language"]),
        ({"number": 1, "language": "x"}, ["language"]),
        ({"number": 1, "teamIds": None}, ["teamIds"]),
        ({"number": 1, "teamIds": ["x"] * 11}, ["teamIds[0]"]),
        ({"number": -1, "label": "", "title": 5, "pages": []}, ["label", "number", "pages", "title"]),
    ],
)
def test_other_values_are_refused(uploader: Asker, series: Any, body: Any, wrong: list[str]) -> None:
    found = fields(uploader.post(f"series/{series['id']}/chapters", body))
    assert set(wrong) <= set(found)
    assert len(set(found)) == len(wrong) or wrong == ["teamIds[0]"]


def test_chapters_are_sorted_by_value(any_site: Site) -> None:  # IN-10
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    for number in (100, 10, 2, 10.5, 11, 1.1, 1.05, 1, 0, 999999.999, 10.05, 9):
        uploader.publishes(series, number)
    for label in ("Omake", "Extra", "épilogue", "漫画"):
        uploader.publishes(series, None, label=label)
    path = f"series/{series['id']}/chapters"
    listed = everything(any_site.stranger, path, limit=3)
    assert [one["number"] for one in listed[:12]] == [0, 1, 1.05, 1.1, 2, 9, 10, 10.05, 10.5, 11, 100, 999999.999]
    assert [one["label"] for one in listed[12:]] == ["épilogue", "Extra", "Omake", "漫画"]
    assert "pages" not in listed[0]
    newest = everything(any_site.stranger, path, limit=3, sort="newest")
    assert newest == sorted(listed, key=lambda one: (one["publishedAt"], one["id"]), reverse=True)


def test_the_feed_tells_of_releases_newest_first(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    one, other, team = uploader.makes_series("One"), uploader.makes_series("Other"), uploader.makes_team()
    for number in range(4):
        uploader.publishes(one, number, language="en")
        any_site.clock.forward(minutes=number % 2)
        uploader.publishes(other, number, teamIds=[team["id"]])
    uploader.makes_chapter(one, 9)
    listed = everything(any_site.stranger, "chapters", limit=3)
    assert len(listed) == 8
    assert listed == sorted(listed, key=lambda one: (one["publishedAt"], one["id"]), reverse=True)

    def numbers(query: str) -> list[Any]:
        listed = told(any_site.stranger.get(f"chapters?{query}"))["data"]
        return sorted((one["series"]["title"], one["number"]) for one in listed)

    assert numbers(f"series={one['id']}") == [("One", number) for number in range(4)]
    assert numbers(f"team={team['id']}") == [("Other", number) for number in range(4)]
    assert numbers(f"language=en&series={other['id']}") == []
    assert numbers("language=en") == numbers(f"series={one['id']}")


# Coming into sight and going.


def test_publishing_needs_a_page(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    path = f"chapters/{chapter['id']}"
    refused(uploader.post(f"{path}/publish"), 409, "no_pages")
    refused(uploader.post(f"{path}/publish", {"at": "2027-01-01T00:00:00Z"}), 409, "no_pages")
    uploader.adds_pages(chapter)
    any_site.clock.forward(minutes=5)
    published = told(uploader.post(f"{path}/publish"))
    assert (published["state"], published["publishedAt"]) == ("published", "2026-11-23T12:05:00.000000Z")


def test_publishing_again_keeps_the_date(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.publishes(series)
    path = f"chapters/{chapter['id']}"
    first = chapter["publishedAt"]
    any_site.clock.forward(days=1)
    again = told(uploader.post(f"{path}/publish"))
    assert (again["publishedAt"], again["version"]) == (first, chapter["version"])
    hidden = told(uploader.post(f"{path}/hide", {"reason": "A mistake"}))
    assert (hidden["state"], hidden["publishedAt"]) == ("hidden", first)
    assert told(uploader.post(f"{path}/hide"))["state"] == "hidden"
    shown = told(uploader.post(f"{path}/publish", {}))
    assert (shown["state"], shown["publishedAt"]) == ("published", first)
    assert told(any_site.stranger.get("chapters"))["page"]["total"] == 1
    assert told(any_site.stranger.get(f"series/{series['id']}"))["chapterCount"] == 1


def test_a_time_that_came_already_is_now(any_site: Site) -> None:  # IN-13
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    times = ["2026-11-23T12:00:00Z", "2026-11-23T11:59:59.5Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]
    for number, at in enumerate([*times, "2026-11-23T14:00:00+02:00"]):
        chapter = uploader.makes_chapter(series, number)
        uploader.adds_pages(chapter)
        published = told(uploader.post(f"chapters/{chapter['id']}/publish", {"at": at}))
        assert (published["state"], published["publishedAt"]) == ("published", "2026-11-23T12:00:00.000000Z")


def test_a_time_to_come_schedules(any_site: Site) -> None:  # IN-13
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.publishes(series)
    path = f"chapters/{chapter['id']}"
    for at, written in {
        "2026-11-24T12:00:00.123456Z": "2026-11-24T12:00:00.123456Z",
        "2026-11-24T12:00:00+05:30": "2026-11-24T06:30:00.000000Z",
        "2026-11-24t12:00:00z": "2026-11-24T12:00:00.000000Z",
        "2028-02-29T23:59:59.999999-12:00": "2028-03-01T11:59:59.999999Z",
        "2036-11-20T00:00:00Z": "2036-11-20T00:00:00.000000Z",
    }.items():
        scheduled = told(uploader.post(f"{path}/publish", {"at": at}))
        assert (scheduled["state"], scheduled["publishAt"], scheduled["publishedAt"]) == ("scheduled", written, NOON)
        refused(any_site.stranger.get(path), 404)
        assert told(any_site.stranger.get("chapters"))["page"]["total"] == 0
        assert told(any_site.stranger.get(f"series/{series['id']}"))["chapterCount"] == 0
    assert told(uploader.post(f"{path}/publish"))["publishAt"] is None
    assert told(any_site.stranger.get(path))["state"] == "published"


def test_the_first_date_stays_for_good(any_site: Site) -> None:
    """Or a release could be lifted to the top of the feed at will."""
    uploader, moderator = any_site.sign_up("uploader"), any_site.sign_up("moderator")
    path = f"chapters/{uploader.publishes(uploader.makes_series())['id']}"
    any_site.clock.forward(hours=1)
    later = {"at": "2026-11-25T12:00:00Z"}
    told(uploader.post(f"{path}/hide"))
    refused(moderator.post(f"{path}/publish", later), 403)  # who may end a hiding may not put it off
    told(uploader.post(f"{path}/publish", later))
    assert told(uploader.post(f"{path}/publish"))["publishedAt"] == NOON
    told(uploader.post(f"{path}/publish", later))
    any_site.clock.forward(days=3)
    sweep.run(any_site.db, any_site.storage, now=any_site.clock.now)
    assert told(any_site.stranger.get(path))["publishedAt"] == NOON
    told(uploader.post(f"{path}/publish", {"at": "2026-12-24T12:00:00Z"}))
    told(uploader.delete(path), 204)
    refused(any_site.stranger.get(path), 410)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "tomorrow",
        "2027-01-01",
        "2027-01-01T00:00:00",
        "2027-13-01T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2027-01-01T24:00:00Z",
        "2027-06-30T23:59:60Z",
        "2027-01-01T00:00:00+24:00",
        "0000-01-01T00:00:00Z",
        "12027-01-01T00:00:00Z",
        "2036-12-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999-23:59",
        1795435200,
        True,
        [],
    ],
)
def test_a_time_that_is_none_is_refused(site: Site, uploader: Asker, series: Any, at: Any) -> None:  # IN-13
    chapter = uploader.makes_chapter(series)
    uploader.adds_pages(chapter)
    path = f"chapters/{chapter['id']}"
    assert fields(uploader.post(f"{path}/publish", {"at": at})) == ["at"]
    assert told(uploader.get(path))["state"] == "draft"


@pytest.mark.parametrize("reason", ["", "x" * 501, 5, ["a"]])
def test_a_reason_is_words(uploader: Asker, series: Any, reason: Any) -> None:
    chapter = uploader.publishes(series)
    assert fields(uploader.post(f"chapters/{chapter['id']}/hide", {"reason": reason})) == ["reason"]
    assert fields(uploader.post(f"chapters/{chapter['id']}/hide", {"because": reason})) == ["because"]
    assert told(uploader.get(f"chapters/{chapter['id']}"))["state"] == "published"


def test_a_deleted_chapter_leaves_a_tombstone(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series()
    chapter = uploader.publishes(series, pages=3)
    path = f"chapters/{chapter['id']}"
    assert fields(uploader.delete(f"{path}?reason=")) == ["reason"]
    assert fields(uploader.delete(f"{path}?reason={'x' * 501}&why=1")) == ["reason", "why"]
    told(uploader.delete(path, params={"reason": "Licensed <b>"}), 204)
    for asker in (any_site.stranger, uploader):
        assert refused(asker.get(path), 410, "removed")["detail"] == "This was removed: Licensed <b>"
    for answer in (uploader.delete(path), uploader.patch(path, {}), uploader.post(f"{path}/publish")):
        refused(answer, 410)
    refused(uploader.send(f"{path}/pages"), 410)
    assert any_site.stored == []
    for table in ("chapters", "pages", "files", "chapter_teams"):
        assert any_site.count(table) == 0
    shown = told(any_site.stranger.get(f"series/{series['id']}"))
    assert (shown["chapterCount"], shown["lastChapterAt"]) == (0, None)
    uploader.publishes(series)


# What is beside a chapter.


class Shelf:
    """A series whose published chapters are found by a name."""

    def __init__(self, uploader: Asker) -> None:
        self.uploader = uploader
        self.series = uploader.makes_series()
        self.names: dict[str, str] = {}

    def add(self, name: str, number: Any, **more: Any) -> None:
        self.names[self.uploader.publishes(self.series, number, **more)["id"]] = name

    def beside(self, name: str) -> tuple[Any, Any]:
        (chapter_id,) = (one for one, known in self.names.items() if known == name)
        shown = told(self.uploader.site.stranger.get(f"chapters/{chapter_id}"))
        for side in ("previous", "next"):
            assert shown[side] is None or shown[side].keys() == {"id", "number", "label", "title"}
        return tuple(self.names[one["id"]] if one else None for one in (shown["previous"], shown["next"]))  # type: ignore[return-value]


def test_ten_and_a_half_is_between_ten_and_eleven(any_site: Site) -> None:
    shelf = Shelf(any_site.sign_up("uploader"))
    for number in (11, 10, 9, 10.5, 100):
        shelf.add(str(number), number, title=f"T{number}")
    shelf.add("extra", None, label="Extra")
    assert shelf.beside("9") == (None, "10")
    assert shelf.beside("10") == ("9", "10.5")
    assert shelf.beside("10.5") == ("10", "11")
    assert shelf.beside("11") == ("10.5", "100")
    assert shelf.beside("100") == ("11", "extra")
    assert shelf.beside("extra") == ("100", None)


def test_beside_a_release_is_one_of_the_same_team(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    shelf = Shelf(uploader)
    a, b = ([uploader.makes_team()["id"]] for _ in range(2))
    for number in (1, 2, 3):
        shelf.add(f"{number}a", number, teamIds=a)
        shelf.add(f"{number}b", number, teamIds=b)
    shelf.add("4b", 4, teamIds=b)
    shelf.add("5a", 5, teamIds=a)
    shelf.add("5ab", 5, teamIds=a + b)
    assert shelf.beside("2a") == ("1a", "3a")
    assert shelf.beside("2b") == ("1b", "3b")
    assert shelf.beside("3a") == ("2a", "4b")  # another team's, rather than a gap
    assert shelf.beside("5ab") == ("4b", None)
    assert shelf.beside("4b")[0] == "3b"
    assert shelf.beside("4b")[1] in {"5a", "5ab"}


def test_languages_are_apart(any_site: Site) -> None:
    shelf = Shelf(any_site.sign_up("uploader"))
    for number in (1, 2, 3):
        shelf.add(f"{number}en", number, language="en")
    shelf.add("2ja", 2, language="ja")
    shelf.add("2und", 2)
    assert shelf.beside("2en") == ("1en", "3en")
    assert shelf.beside("2ja") == shelf.beside("2und") == (None, None)


def test_volumes_go_on(any_site: Site) -> None:
    shelf = Shelf(any_site.sign_up("uploader"))
    shelf.add("v1 1", 1, volume="1")
    shelf.add("v1 2", 2, volume="1")
    shelf.add("v2 3", 3, volume="2")
    shelf.add("v1 3", 3, volume="1")
    shelf.add("v2 4", 4, volume="2")
    assert shelf.beside("v1 2") == ("v1 1", "v1 3")
    assert shelf.beside("v2 4") == ("v2 3", None)
    assert shelf.beside("v2 3") == ("v1 2", "v2 4")


def test_nothing_hidden_is_beside(any_site: Site) -> None:  # AZ-10
    uploader = any_site.sign_up("uploader")
    shelf = Shelf(uploader)
    for number in (1, 2, 3, 4, 5):
        shelf.add(str(number), number)
    draft = uploader.makes_chapter(shelf.series, 2.5)
    by_name = {name: chapter for chapter, name in shelf.names.items()}
    told(uploader.post(f"chapters/{by_name['2']}/hide"))
    told(uploader.post(f"chapters/{by_name['4']}/publish", {"at": "2027-01-01T00:00:00Z"}))
    assert shelf.beside("1") == (None, "3")
    assert shelf.beside("3") == ("1", "5")
    mine = told(uploader.get(f"chapters/{draft['id']}"))
    assert (mine["previous"]["id"], mine["next"]["id"]) == (by_name["1"], by_name["3"])
    told(uploader.delete(f"chapters/{by_name['3']}"), 204)
    assert shelf.beside("1") == (None, "5")
