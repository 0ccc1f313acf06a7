"""What files are uploaded for: the pages of a chapter, the cover of a series, or themselves; and who may."""

from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from roliascan.database import Reader
from roliascan.library import chapters, filing, images, series
from roliascan.library.filing import FOLDER as FILES
from roliascan.library.intake import COVERS
from roliascan.library.keeping import Inspect
from roliascan.library.pages import FOLDER as PAGES
from roliascan.library.pages import MOST_PAGES
from roliascan.people import persons
from roliascan.people.persons import Person


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What files are for: exactly one of these."""

    chapter_id: str | UnsetType = UNSET
    series_id: str | UnsetType = UNSET
    generic: bool | UnsetType = UNSET

    @property
    def kind(self) -> str:
        return "chapter" if self.chapter_id else "series" if self.series_id else "generic"

    @property
    def id(self) -> str | None:
        return self.chapter_id or self.series_id or None


class Kind(NamedTuple):
    """How files of a kind of target are looked into and kept, how many there may be, and whether also documents."""

    purpose: str
    folder: str
    inspect: Inspect
    most: int
    documents: bool = False


KINDS = {
    "chapter": Kind("page", PAGES, images.prepare, MOST_PAGES),
    "series": Kind("cover", COVERS, images.inspect, 1),
    "generic": Kind("file", FILES, filing.inspect, MOST_PAGES, documents=True),
}


def target_of(kind: str, id: str | None) -> Target:
    if kind == "chapter":
        return Target(chapter_id=id or "")
    return Target(series_id=id or "") if kind == "series" else Target(generic=True)


def require_right(db: Reader, target: Target, *, person: Person) -> None:
    """Raises NotFound, Removed, NotAllowed for who may not add files to it, as adding them at once would."""
    if target.chapter_id:
        chapter = chapters.look(db, target.chapter_id, person=person)
        persons.require_right(person, "uploads.to_chapter", owns=chapter.owns, leads=chapter.leads)
    elif target.series_id:
        held = series.look(db, target.series_id, person=person)
        persons.require_right(person, "uploads.to_series", owns=held.owns, leads=held.leads)
    else:
        persons.require_right(person, "uploads.generic")
