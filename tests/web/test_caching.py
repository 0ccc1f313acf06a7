"""What caches may keep, and what comes back as known already."""

import re

import pytest

from tests.front import Asker, Site, refused, told

PUBLIC = re.compile(r"public, max-age=0, s-maxage=\d+, stale-while-revalidate=\d+, stale-if-error=\d+")
PRIVATE = "private, no-store"


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


@pytest.fixture
def paths(uploader: Asker) -> list[str]:
    """Public reads."""
    series = uploader.makes_series()
    chapter = uploader.publishes(series)
    team = uploader.makes_team()
    of_series = [f"series/{series['id']}", f"series/{series['slug']}", f"series/{series['id']}/chapters"]
    return ["series", "series?q=x", "chapters", "teams", *of_series, f"chapters/{chapter['id']}", f"teams/{team['id']}"]


def test_what_strangers_read_may_be_kept(site: Site, paths: list[str]) -> None:
    for path in paths:
        headers = site.stranger.get(path).headers
        assert PUBLIC.fullmatch(headers["cache-control"]), path
        assert {"Authorization", "Cookie"} <= set(headers["vary"].split(", "))


def test_what_somebody_signed_in_reads_is_theirs(site: Site, uploader: Asker, paths: list[str]) -> None:  # AZ-16
    cookie = {"Cookie": f"token={uploader.token}"}
    for path in [*paths, "auth/me"]:
        for answer in (uploader.get(path), site.stranger.get(path, headers=cookie)):
            assert answer.headers["cache-control"] == PRIVATE, path
            assert {"Authorization", "Cookie"} <= set(answer.headers["vary"].split(", "))


def test_a_token_that_is_no_longer_good_keeps_an_answer_private(site: Site, paths: list[str]) -> None:
    for path in paths:
        assert site.stranger.get(path, headers={"Authorization": "Bearer x"}).headers["cache-control"] == PRIVATE


def test_nobody_keeps_refusals_and_changes(site: Site, uploader: Asker) -> None:
    refused(site.stranger.get("series/nothing"), 404)
    refused(site.stranger.get("series?limit=0"), 400)
    created = uploader.post("series", {"title": "A", "author": "B"})
    assert created.headers["cache-control"] == PRIVATE
    assert uploader.patch(created.headers["location"], {}).headers["cache-control"] == PRIVATE
    assert uploader.delete(created.headers["location"]).headers["cache-control"] == PRIVATE


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_nobody_keeps_how_it_goes(site: Site, path: str) -> None:
    assert site.stranger.get(path).headers["cache-control"] == "no-store"


def test_what_is_known_is_not_sent_again(site: Site, paths: list[str]) -> None:
    for path in paths:
        first = site.stranger.get(path)
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            for method in ("GET", "HEAD"):
                again = site.stranger.ask(method, path, headers={"If-None-Match": known})
                assert (again.status_code, again.content) == (304, b""), (path, known)
                for kept in ("etag", "cache-control", "vary"):
                    assert again.headers[kept] == first.headers[kept]
        assert told(site.stranger.get(path, headers={"If-None-Match": '"other"'})) == first.json


def test_a_change_makes_another_tag(site: Site, uploader: Asker) -> None:
    series = uploader.makes_series()
    path = f"series/{series['id']}"
    before = site.stranger.get(path).headers["etag"]
    assert site.stranger.get(path).headers["etag"] == before
    told(uploader.patch(path, {"author": "Other"}))
    after = site.stranger.get(path).headers["etag"]
    assert before.startswith('"1-')
    assert after.startswith('"2-')
    told(site.stranger.get(path, headers={"If-None-Match": before}))


def test_a_tag_of_one_person_is_none_of_another(site: Site, uploader: Asker) -> None:  # AZ-16
    tags = {asker.get("auth/me").headers["etag"] for asker in (uploader, site.sign_up("uploader"), site.sign_up())}
    assert len(tags) == 3
    uploader.makes_series("Draft", state="draft")
    mine = uploader.get("series?state=draft")
    others = site.sign_up("uploader").get("series?state=draft", headers={"If-None-Match": mine.headers["etag"]})
    assert told(others)["data"] == []


def test_a_redirect_may_be_kept(site: Site, uploader: Asker) -> None:
    series = uploader.makes_series("Old")
    uploader.patch(f"series/{series['id']}", {"title": "New"})
    answer = site.stranger.get("series/old")
    assert (answer.status_code, answer.headers["location"]) == (308, "/api/v1/series/new")
    assert PUBLIC.fullmatch(answer.headers["cache-control"])


# The second writer.


@pytest.mark.parametrize("kind", ["series", "chapters", "teams"])
def test_the_second_writer_is_told(any_site: Site, kind: str) -> None:  # DB-11
    uploader = any_site.sign_up("uploader")
    if kind == "teams":
        made, change = uploader.makes_team(), {"description": "Words"}
    else:
        series = uploader.makes_series()
        made = series if kind == "series" else uploader.makes_chapter(series)
        change = {"title": "New"}
    path = f"{kind}/{made['id']}"
    assert made["version"] == 1
    tag = uploader.get(path).headers["etag"]
    assert told(uploader.patch(path, change, headers={"If-Match": '"1"'}))["version"] == 2
    before = uploader.get(path).json
    refused(uploader.patch(path, change, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    refused(uploader.patch(path, change, headers={"If-Match": tag}), 412, "precondition_failed")
    refused(uploader.delete(path, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    assert uploader.get(path).json == before
    told(uploader.patch(path, change, headers={"If-Match": "*"}))
    told(uploader.patch(path, change, headers={"If-Match": uploader.get(path).headers["etag"]}))
    told(uploader.patch(path, change))
    told(uploader.delete(path, headers={"If-Match": '"5"'}), 204)


def test_pages_are_arranged_by_the_first_of_two(site: Site, uploader: Asker) -> None:
    chapter = uploader.makes_chapter(uploader.makes_series())
    path = f"chapters/{chapter['id']}/pages"
    added = uploader.adds_pages(chapter, 3)
    ids = [page["id"] for page in added["pages"]]
    version = {"If-Match": f'"{added["version"]}"'}
    told(uploader.put(path, {"ids": ids[::-1]}, headers=version))
    refused(uploader.put(path, {"ids": ids[:1]}, headers=version), 412)
    assert [page["id"] for page in uploader.get(f"chapters/{chapter['id']}").json["pages"]] == ids[::-1]


@pytest.mark.parametrize("header", ["banana", "7", '7"', "W7", '"x"', '"-1"', '"1", "2"', '"99999999999"', '"\u0661"'])
def test_what_is_no_version_is_refused(site: Site, uploader: Asker, header: str) -> None:
    series = uploader.makes_series()
    answer = uploader.patch(f"series/{series['id']}", {}, headers={"If-Match": header.encode().decode("latin-1")})
    assert refused(answer, 400)["errors"][0]["field"] == "If-Match"


def test_counting_makes_no_editor_fail(site: Site, uploader: Asker) -> None:
    series = uploader.makes_series()
    uploader.publishes(series)
    told(uploader.patch(f"series/{series['id']}", {"author": "B"}, headers={"If-Match": '"1"'}))
