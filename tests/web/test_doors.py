"""What is refused at the door, before any verb sees it."""

import pytest

from tests.drawings import page
from tests.front import File, Site, refused, told


@pytest.mark.parametrize("path", ["/api/v1/series/a%00b", "/uploads/a%00b", "/%00"])
def test_a_nul_in_an_address_is_refused(any_site: Site, path: str) -> None:
    problem = refused(any_site.stranger.get(path), 400, "invalid")
    assert problem["errors"] == [{"field": "path", "message": "must not contain a NUL character"}]


def test_the_chapters_of_a_series_are_found_by_its_identifier_only(any_site: Site) -> None:
    series = any_site.sign_up("uploader").makes_series()
    told(any_site.stranger.get(f"series/{series['slug']}"))
    refused(any_site.stranger.get(f"series/{series['slug']}/chapters"), 404)
    assert told(any_site.stranger.get(f"series/{series['id']}/chapters"))["data"] == []


def test_a_form_holds_100_files(site: Site) -> None:
    owner, one = site.sign_up("uploader"), File("pages", page())
    path = f"chapters/{owner.makes_chapter(owner.makes_series())['id']}/pages"
    refused(owner.send(path, *[one] * 101), 413, "too_many_files")
    assert told(owner.send(path, *[one] * 100), 201)["pageCount"] == 100
