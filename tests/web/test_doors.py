"""What is refused at the door, before any verb sees it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.drawings import page
from tests.web.sites import Site, form


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    with closing(Site(database_url)) as found:
        yield found


@pytest.mark.parametrize("path", ["/api/v1/series/a%00b", "/uploads/a%00b", "/%00"])
def test_a_nul_in_an_address_is_refused(site: Site, path: str) -> None:
    answer = site.ask("GET", path)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert answer.json["errors"] == [{"field": "path", "message": "must not contain a NUL character"}]


def test_the_chapters_of_a_series_are_found_by_its_identifier_only(site: Site) -> None:
    owner = site.token("owner", "uploader")
    made = site.ask("POST", "/api/v1/series", by=owner, json={"title": "A Title", "author": "A"}).json
    assert site.ask("GET", f"/api/v1/series/{made['slug']}").status_code == 200
    assert site.ask("GET", f"/api/v1/series/{made['slug']}/chapters").status_code == 404
    assert site.ask("GET", f"/api/v1/series/{made['id']}/chapters").json["data"] == []


def test_a_form_holds_100_files(sqlite_url: str) -> None:
    with closing(Site(sqlite_url)) as site:
        owner, one = site.token("owner", "uploader"), page()
        made = site.ask("POST", "/api/v1/series", by=owner, json={"title": "A Title", "author": "A"}).json
        chapter = site.ask("POST", f"/api/v1/series/{made['id']}/chapters", by=owner, json={"number": 1}).json
        path = f"/api/v1/chapters/{chapter['id']}/pages"
        refused = site.ask("POST", path, by=owner, **form(("pages", one) for _ in range(101)))
        assert (refused.status_code, refused.json["code"]) == (413, "too_many_files")
        taken = site.ask("POST", path, by=owner, **form(("pages", one) for _ in range(100)))
        assert taken.json["pageCount"] == 100
