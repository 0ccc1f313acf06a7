"""Series: what they are made of, their addresses, and how they are found."""

from typing import Any

import pytest

from tests.front import Asker, Site, fields, ids, refused, told

COVER = "01a20846-fe00-7ece-bc0b-f87796bb3294"


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


def found(asker: Asker, q: str) -> list[str]:
    page = told(asker.get("series", params={"q": q, "sort": "title"}))
    assert page["page"]["total"] is None
    return [one["title"] for one in page["data"]]


def test_a_series_is_what_was_said(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    team = uploader.makes_team()
    said: dict[str, Any] = {
        "title": "Title",
        "author": "Author",
        "description": "Description",
        "type": "comic",
        "status": "hiatus",
        "direction": "ttb",
        "language": "pt-BR",
        "contentRating": "mature",
        "titles": [{"language": "ja", "title": "題"}, {"language": "en", "title": "B"}],
    }
    series = uploader.makes_series(**said, teamIds=[team["id"], team["id"]])
    assert said.items() <= series.items()
    assert series["teams"] == [{"id": team["id"], "name": team["name"]}]
    assert (series["state"], series["version"], series["cover"], series["chapterCount"]) == ("published", 1, None, 0)
    assert (series["rating"], series["ratingCount"], series["lastChapterAt"]) == (None, 0, None)
    assert series["publishedAt"] == series["createdAt"] == series["updatedAt"] == "2026-11-23T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("kind", "direction"),
    [("manga", "rtl"), ("manhwa", "ttb"), ("webtoon", "ttb"), ("manhua", "ltr"), ("comic", "ltr"), ("other", "ltr")],
)
def test_the_direction_follows_from_the_type(uploader: Asker, kind: str, direction: str) -> None:
    assert uploader.makes_series(type=kind)["direction"] == direction
    assert uploader.makes_series(type=kind, direction="rtl")["direction"] == "rtl"


def test_what_is_not_said_has_a_default(uploader: Asker) -> None:
    series = uploader.makes_series()
    expected = {"type": "manga", "status": "ongoing", "language": "und", "contentRating": "safe", "description": ""}
    assert expected.items() <= series.items()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "novel"),
        ("status", "done"),
        ("direction", "btt"),
        ("contentRating", "adult"),
        ("language", "english language"),
        ("language", "e"),
        ("state", "hidden"),
        ("state", "scheduled"),
        ("coverId", COVER.upper()),
        ("teamIds", "x"),
        ("teamIds", None),
        ("titles", None),
    ],
)
def test_other_values_are_refused(uploader: Asker, field: str, value: Any) -> None:
    assert fields(uploader.post("series", {"title": "A", "author": "B", field: value})) == [field]


def test_a_change_changes_what_it_names(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series("Old", description="D", titles=[{"language": "en", "title": "Other"}])
    path = f"series/{series['id']}"
    any_site.clock.forward(hours=1)
    changed = told(uploader.patch(path, {"author": "New", "status": "completed"}))
    same = {name: value for name, value in series.items() if name not in {"author", "status", "version", "updatedAt"}}
    assert same.items() <= changed.items()
    assert (changed["author"], changed["status"], changed["version"]) == ("New", "completed", 2)
    assert changed["updatedAt"] == "2026-11-23T13:00:00.000000Z"
    assert told(uploader.patch(path, {"titles": []}))["titles"] == []


def test_a_cover_is_an_image_of_ones_own(any_site: Site) -> None:
    uploader, other = any_site.sign_up("uploader"), any_site.sign_up("uploader")
    insert = (
        "INSERT INTO files (id, storage_key, sha256, bytes, type, owner_id, purpose, state, created_at)"
        " VALUES (:id, :key, :hash, 5, :type, :owner, :purpose, :state, :now)"
    )
    rows = {
        "cover": ("image/png", "cover", "ready"),
        "page": ("image/png", "page", "ready"),
        "paper": ("application/pdf", "cover", "ready"),
        "late": ("image/png", "cover", "pending"),
    }
    covers = {name: COVER[:-1] + str(place) for place, name in enumerate(rows)}
    for name, (kind, purpose, state) in rows.items():
        any_site.write(
            insert,
            id=covers[name],
            key=f"covers/{name}.png",
            hash="0" * 64,
            type=kind,
            owner=uploader.id,
            purpose=purpose,
            state=state,
            now=any_site.clock.now,
        )
    series = uploader.makes_series(coverId=covers["cover"])
    assert series["cover"] == "/uploads/covers/cover.png"
    for name in ("page", "paper", "late"):
        assert fields(uploader.patch(f"series/{series['id']}", {"coverId": covers[name]})) == ["coverId"]
    for body in ({"coverId": covers["cover"]}, {"coverId": COVER[:-1] + "9"}):
        assert fields(other.post("series", {"title": "A", "author": "B", **body})) == ["coverId"]
    assert told(uploader.patch(f"series/{series['id']}", {"coverId": None}))["cover"] is None


# Addresses.

SLUGS = {
    "A Title": "a-title",
    "  A -- Title!  ": "a-title",
    "Don't": "dont",
    "Żółta Łódź": "zolta-lodz",
    "Ａ": "a",
    "漫画": "manhua",
    "Начало": "nachalo",
    "x" * 300: "x" * 80,
    "a" * 79 + " b": "a" * 79,
    "100%": "100",
    "C++": "c",
    "../../etc": "etc",
    "<script>": "script",
}


def test_a_slug_is_the_title_in_ascii(any_site: Site) -> None:  # IN-09
    uploader = any_site.sign_up("uploader")
    for title, slug in SLUGS.items():
        series = uploader.makes_series(title)
        assert series["slug"] == slug or (slug in ("a-title", "a") and series["slug"].startswith(f"{slug}-")), title
        told(uploader.delete(f"series/{series['id']}"), 204)


@pytest.mark.parametrize("title", ["!!!", "...", "-", "\u200b", "\u0301", "؟"])
def test_a_slug_is_never_empty(uploader: Asker, title: str) -> None:  # IN-09
    assert uploader.makes_series(title)["slug"] == "series"
    assert uploader.makes_series(title)["slug"] == "series-2"


def test_a_title_that_reads_as_an_identifier_has_another_slug(site: Site, uploader: Asker) -> None:
    first = uploader.makes_series("First")
    thief = uploader.makes_series(first["id"])
    assert thief["slug"] == "series"
    assert told(site.stranger.get(f"series/{first['id']}"))["id"] == first["id"]


@pytest.mark.parametrize("title", ["admin", "api", "new", "null", "😀", "1", "..", "true"])
def test_any_title_is_found_at_its_slug(site: Site, uploader: Asker, title: str) -> None:  # IN-09
    series = uploader.makes_series(title)
    assert told(site.stranger.get(f"series/{series['slug']}"))["id"] == series["id"]


def test_a_taken_slug_gets_a_number(any_site: Site) -> None:  # IN-09
    uploader = any_site.sign_up("uploader")
    assert [uploader.makes_series("A B")["slug"] for _ in range(4)] == ["a-b", "a-b-2", "a-b-3", "a-b-4"]
    assert uploader.makes_series("A B 2")["slug"] == "a-b-2-2"
    assert uploader.makes_series("A-B-C")["slug"] == "a-b-c"
    assert [uploader.makes_series("y" * 300)["slug"] for _ in range(2)] == ["y" * 80, "y" * 80 + "-2"]


def test_a_renamed_series_keeps_its_old_addresses(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series("First")
    path = f"series/{series['id']}"
    assert told(uploader.patch(path, {"title": "Second"}))["slug"] == "second"
    assert told(uploader.patch(path, {"title": "Third"}))["slug"] == "third"
    for old in ("first", "second"):
        for method in ("GET", "HEAD"):
            answer = any_site.stranger.ask(method, f"series/{old}")
            assert (answer.status_code, answer.headers["location"]) == (308, "/api/v1/series/third")
            assert answer.content == b""
    assert told(any_site.stranger.get("series/third"))["id"] == series["id"]
    assert uploader.makes_series("First")["slug"] == "first-2"
    assert told(uploader.patch(path, {"title": "First"}))["slug"] == "first"
    assert any_site.stranger.get("series/third").status_code == 308
    assert told(uploader.patch(path, {"title": "First", "author": "B"}))["slug"] == "first"


def test_a_title_of_the_same_slug_keeps_it(uploader: Asker) -> None:
    series = uploader.makes_series("A Title")
    assert told(uploader.patch(f"series/{series['id']}", {"title": "a title!"}))["slug"] == "a-title"


def test_an_old_address_of_something_hidden_leads_nowhere(site: Site, uploader: Asker) -> None:  # AZ-10
    series = uploader.makes_series("Secret")
    told(uploader.patch(f"series/{series['id']}", {"title": "Known", "state": "hidden"}))
    for slug in ("secret", "known"):
        refused(site.stranger.get(f"series/{slug}"), 404, "not_found")
    assert uploader.get("series/secret").status_code == 308


# Searching.

LIBRARY: dict[str, Any] = {
    "Żółta Łódź": {"author": "Stanisław Lem", "description": "A yellow boat; sails_far"},
    "東京喰種": {"author": "石田スイ", "titles": [{"language": "en", "title": "Tokyo Ghoul"}]},
    "나 혼자만 레벨업": {"author": "Chugong", "description": "Solo leveling"},
    "Boat": {"author": "O'Brien", "description": "100% null"},
    "ｶﾞﾝﾀﾞﾑ Wars": {"author": "X", "description": "Straße"},
}

QUERIES = {
    "zołta": ["Żółta Łódź"],
    "ŻÓŁTA łodz": ["Żółta Łódź"],
    "boat": ["Boat", "Żółta Łódź"],
    "boat lem": ["Żółta Łódź"],
    "lem boat yellow": ["Żółta Łódź"],
    "lem ghoul": [],
    "boa": [],
    "tokyo": ["東京喰種"],
    "東京": ["東京喰種"],
    "京喰": ["東京喰種"],
    "東京喰種": ["東京喰種"],
    "東喰": [],
    "石田": ["東京喰種"],
    "혼자": ["나 혼자만 레벨업"],
    "레벨업": ["나 혼자만 레벨업"],
    "ガンダム": ["ｶﾞﾝﾀﾞﾑ Wars"],
    "カンタム": [],
    "strasse": ["ｶﾞﾝﾀﾞﾑ Wars"],
    "o'brien": ["Boat"],
    "brien": ["Boat"],
    "100%": ["Boat"],
    "null": ["Boat"],
    "100": ["Boat"],
    "%": [],
    "_": [],
    "b%t": [],
    "bo_t": [],
    "\\": [],
    "' OR 1=1 --": [],
    '";"': [],
    "": [],
    "   ": [],
    "!?": [],
    "😀": [],
    "sails_far": ["Żółta Łódź"],
    "sails": [],
}


def test_search_finds_words_and_pairs(any_site: Site) -> None:  # IN-07
    uploader = any_site.sign_up("uploader")
    for title, rest in LIBRARY.items():
        uploader.makes_series(title, **rest)
    for q, titles in QUERIES.items():
        assert sorted(found(any_site.stranger, q)) == sorted(titles), q


def test_search_follows_changes(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    series = uploader.makes_series("Apple", titles=[{"language": "en", "title": "Pear"}], description="Plum")
    path = f"series/{series['id']}"
    told(uploader.patch(path, {"title": "Cherry"}))
    assert [found(uploader, word) for word in ("apple", "cherry", "pear")] == [[], ["Cherry"], ["Cherry"]]
    told(uploader.patch(path, {"titles": [], "description": None, "author": "Fig"}))
    assert [found(uploader, word) for word in ("pear", "plum", "somebody")] == [[], [], []]
    assert found(uploader, "fig") == ["Cherry"]
    told(uploader.delete(path), 204)
    assert found(uploader, "cherry") == []
    assert any_site.count("search_terms") == 0


def test_search_pages_by_cursor(site: Site, uploader: Asker) -> None:
    made = [uploader.makes_series(f"Boat {number}")["id"] for number in range(5)]
    first = told(uploader.get("series?q=boat&limit=3"))
    second = told(uploader.get(f"series?q=boat&limit=3&cursor={first['page']['next']}"))
    assert sorted(ids(first) + ids(second)) == sorted(made)


def test_a_long_search_is_answered(site: Site, uploader: Asker) -> None:  # IN-08
    uploader.makes_series(" ".join(f"w{number}" for number in range(60)))
    assert len(found(uploader, " ".join(f"w{number}" for number in range(50)))) == 1
    assert found(uploader, "漫" * 200) == []


def test_filters_narrow(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    team = uploader.makes_team()
    uploader.makes_series("A", type="comic", status="completed", language="en", teamIds=[team["id"]])
    uploader.makes_series("B", type="comic", status="ongoing", language="ja")
    uploader.makes_series("C", type="manga", status="completed", language="en")

    def titles(query: str) -> str:
        return "".join(one["title"] for one in told(any_site.stranger.get(f"series?sort=title&{query}"))["data"])

    assert titles("type=comic") == "AB"
    assert titles("status=completed") == "AC"
    assert titles("language=en") == "AC"
    assert titles(f"team={team['id']}") == "A"
    assert titles(f"team={COVER}") == ""
    assert titles("type=comic&status=completed&language=en&q=a") == "A"
    assert titles("type=manga&language=ja") == ""
