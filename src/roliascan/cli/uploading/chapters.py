"""The chapter that pages go to: named, or found or created in its series; and which of them it has already."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from roliascan.cli.importing.names import shown as printable
from roliascan.cli.uploading import told
from roliascan.cli.uploading.folder import Page
from roliascan.cli.uploading.site import Site, SiteRefused
from roliascan.errors import Conflict, NotFound

_STATES = ("draft", "scheduled", "published", "hidden")
_MOST_LISTS = 200  # of a hundred chapters each: more than any series has


class NoSuchTarget(NotFound):
    code = "no_such_target"


class Ambiguous(Conflict):
    code = "ambiguous_chapter"


class OtherPages(Conflict):
    code = "other_pages"


class Wanted(NamedTuple):
    """How a chapter is called that may have to be created: a number, or a label."""

    number: int | float | None
    label: str | None
    title: str
    volume: str
    language: str

    def is_called(self, item: Any) -> bool:
        """Whether this is it: the title may be another."""
        same = (item["number"], item["volume"] or "", item["language"])
        return same == (self.number, self.volume, self.language) and (
            self.number is not None or item["label"] == self.label
        )

    @property
    def draft(self) -> dict[str, Any]:
        said = {"label": self.label, "title": self.title, "volume": self.volume}
        given = {name: value for name, value in said.items() if value}
        return {"number": self.number, "language": self.language, **given}


def named(site: Site, to: str) -> tuple[Any, Any]:
    """The chapter, or the series, that is called so. Raises NoSuchTarget."""
    chapter = site.find(f"chapters/{quote(to, safe='')}", into=told.Chapter)
    series = None if chapter else site.find(f"series/{quote(to, safe='')}", into=told.Series)
    if not (chapter or series):
        raise NoSuchTarget(f"There is no chapter and no series {printable(to)} that you may see.")
    return chapter, series


def in_series(site: Site, series: Any, wanted: Wanted) -> tuple[Any, bool]:
    """The chapter of this name, and whether it was created just now. Raises Ambiguous."""
    found = _find(site, series["id"], wanted)
    if found:
        return found, False
    try:  # with a key, so that one whose answer was lost is not created twice
        where = f"series/{series['id']}/chapters"
        return site.ask("POST", where, wanted.draft, into=told.Chapter, key=str(uuid4())), True
    except SiteRefused as refusal:
        found = _find(site, series["id"], wanted) if refusal.said == "chapter_exists" else None
        if found is None:
            raise
        return found, False


def _find(site: Site, series_id: str, wanted: Wanted) -> Any:
    ids = [item["id"] for item in _listed(site, series_id, wanted.language) if wanted.is_called(item)]
    if len(ids) > 1:
        raise Ambiguous(f"The series has this chapter {len(ids)} times: name one with --to, of {', '.join(ids)}.")
    return site.ask("GET", f"chapters/{ids[0]}", into=told.Chapter) if ids else None


def _listed(site: Site, series_id: str, language: str) -> Iterator[Any]:
    where = f"series/{series_id}/chapters"
    for state in _STATES:
        cursor: str | None = ""
        for _ in range(_MOST_LISTS):
            after = f"&cursor={quote(cursor, safe='')}" if cursor else ""
            query = f"limit=100&state={state}&language={quote(language)}{after}"
            listed = site.ask("GET", f"{where}?{query}", into=told.Items)
            yield from listed["data"]
            cursor = listed["page"]["next"]
            if cursor is None:
                break
            if not listed["data"]:
                raise told.Unexpected(f"GET {where}", "more is promised than comes")
        else:
            raise told.Unexpected(f"GET {where}", "the list has no end")


def there(site: Site, chapter: Any, pages: Sequence[Page]) -> list[Page]:
    """Which of the pages the chapter has already, each of its pages counted for one."""
    if not chapter["pages"]:
        return []
    sent = site.ask("GET", f"chapters/{chapter['id']}/pages", into=told.SentPages)
    had = Counter(one["sha256"] for one in sent["pages"])
    return [page for page in pages if _take(page, had)]


def _take(page: Page, had: Counter[str]) -> bool:
    if not had[page.sha256]:
        return False
    had[page.sha256] -= 1
    return True


def require_no_others(chapter: Any, there: Sequence[Page]) -> None:
    """A chapter that was found by its number is not to get pages behind those of somebody else. Raises OtherPages."""
    if chapter["pageCount"] > len(there):
        raise OtherPages(
            f"The series has this chapter already, with other pages; it was left as it is. To add pages to it: "
            f"--to {chapter['id']}"
        )
