"""What somebody is told when something breaks after the commit: not that nothing was changed."""

from typing import Any

import pytest

from tests.database.kinds import on_servers
from tests.database.proxy import between
from tests.front import PAGE, Asker, File, Site, opened, refused, told
from tests.library.test_removal import Fragile


def begun(site: Site) -> tuple[Asker, Any]:
    """A chapter with three pages."""
    owner = site.sign_up("uploader")
    return owner, owner.publishes(owner.makes_series(), pages=3)


def pages(asker: Asker, chapter: Any) -> list[str]:
    return [page["id"] for page in told(asker.get(f"chapters/{chapter['id']}"))["pages"]]


@pytest.mark.parametrize("verb", ["arrange", "remove chapter", "remove series"])
def test_a_storage_that_fails_after_the_commit(site_url: str, verb: str) -> None:
    storage = Fragile()
    with opened(site_url, storage=storage) as site:
        owner, chapter = begun(site)
        storage.cuts = {1}
        if verb == "arrange":
            first = pages(owner, chapter)[:1]
            answer = owner.put(f"chapters/{chapter['id']}/pages", {"ids": first})
            assert pages(site.stranger, chapter) == first
        elif verb == "remove chapter":
            answer = owner.delete(f"chapters/{chapter['id']}")
        else:
            answer = owner.delete(f"series/{chapter['series']['id']}")
        refused(answer, 503, "outcome_unknown")
        assert verb == "arrange" or site.stranger.get(f"chapters/{chapter['id']}").status_code in (404, 410)


def test_a_storage_that_fails_before_it(site_url: str) -> None:
    """Then nothing was changed, which is what people are told."""
    storage = Fragile()
    with opened(site_url, storage=storage, RATE_LIMITS="upload=100/1m") as site:
        owner, chapter = begun(site)
        before = pages(owner, chapter)
        storage.full = True
        refused(owner.send(f"chapters/{chapter['id']}/pages", File("file", PAGE)), 503, "storage_full")
        assert pages(site.stranger, chapter) == before


@on_servers
def test_a_database_that_is_gone_after_the_commit(database_url: str) -> None:  # DB-15
    """The change cannot be read again to be shown."""
    storage = Fragile()
    with between(database_url) as proxy, opened(proxy.url, storage=storage) as site:
        owner, chapter = begun(site)
        first = pages(owner, chapter)[:1]
        storage.before_delete = proxy.close
        answer = owner.put(f"chapters/{chapter['id']}/pages", {"ids": first})
        refused(answer, 503, "outcome_unknown")
        refused(owner.put(f"chapters/{chapter['id']}/pages", {"ids": first}), 503, "database_unreachable")
    with opened(database_url, storage=storage) as site:
        assert pages(site.stranger, chapter) == first
