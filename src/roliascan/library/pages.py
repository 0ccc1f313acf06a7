"""Pages: adding, ordering and taking out the images of a chapter.

A chapter's pages are a set with a revision. Every change writes the rows of a new revision and then flips the one
number that readers follow, so that they see the old pages or the new ones, whole.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from roliascan.database import Database, Tx
from roliascan.errors import Conflict, Invalid, Problem, TooLarge
from roliascan.library import chapters, images, keeping
from roliascan.library.keeping import New, Upload
from roliascan.people import sessions
from roliascan.people.persons import Person, require_right
from roliascan.storage import Storage

FOLDER = "pages"
MOST_PAGES = 1_000


class PageExists(Conflict):
    code = "page_exists"
    detail = "This chapter has a page of this number already."


class TooManyPages(TooLarge):
    code = "too_many_pages"
    detail = f"A chapter has at most {MOST_PAGES:,} pages."


class Coming(NamedTuple):
    """A page to be: its file, the number that it asks for, and whether it is a spread."""

    file_id: str
    number: int | None
    wide: bool


class SentPage(msgspec.Struct):
    """A page by its identifier and number; `sha256` (lower-case hex) is of the file that was sent for it."""

    id: str
    number: int
    sha256: str


class SentPages(msgspec.Struct):
    """What was sent as the pages of a chapter, in their order: what readers get may be another encoding of it."""

    pages: list[SentPage]


class _Page(msgspec.Struct):
    position: int
    file_id: str
    wide: bool


_SENT = """(SELECT json_arrayagg(json_array(p.position, f.id, COALESCE(f.sent_sha256, f.sha256)))
    FROM pages p JOIN files f ON f.id = p.file_id WHERE p.chapter_id = c.id AND p.revision = c.revision)"""
"""SQL: the files of chapter `c` as they were sent. Those from before revision 3 know only what is kept of them."""

_SENT_PAGES = msgspec.json.Decoder(list[tuple[int, str, str]])


def tell(db: Database, *, person: Person, chapter_id: str) -> SentPages:
    """Which files were sent, in one statement. Raises NotFound, Removed, NotAllowed."""
    held = chapters.look(db, chapter_id, person=person, also=_SENT)
    require_right(person, "pages.tell", owns=held.owns, leads=held.leads)
    sent = sorted(_SENT_PAGES.decode(held.also)) if held.also else []
    return SentPages([SentPage(file_id, number, sha256) for number, file_id, sha256 in sent])


def add(
    db: Database,
    storage: Storage,
    *,
    person: Person,
    chapter_id: str,
    uploads: Iterable[Upload],
    version: int | None = None,
    max_bytes: int,
    now: datetime,
) -> None:
    """Adds images to a chapter, all or none: bytes first, each under a key of its own, then the rows.

    Raises NotFound, NotAllowed, PreconditionFailed before a byte is read; TooLarge, images' refusals, PageExists,
    TooManyPages after.
    """
    held = chapters.look(db, chapter_id, person=person, version=version)
    require_right(person, "pages.add", owns=held.owns, leads=held.leads)
    with keeping.kept_or_removed(storage) as stored:
        for upload in uploads:
            store(storage, stored, upload, max_bytes=max_bytes, now=now)
        if not stored:
            raise Invalid(Problem("files", "send at least one image"))
    with keeping.removed_without_rows(db, storage, stored):
        db.run(attach, chapter_id, stored, person=person, version=version, now=now)


def store(storage: Storage, stored: list[New], upload: Upload, *, max_bytes: int, now: datetime) -> None:
    """Keeps the bytes of one more page. Raises TooManyPages, TooLarge, images' refusals."""
    if len(stored) >= MOST_PAGES:
        raise TooManyPages
    keeping.store(storage, stored, upload, FOLDER, images.prepare, max_bytes=max_bytes, now=now)


def attach(
    tx: Tx, chapter_id: str, stored: list[New], *, person: Person, version: int | None = None, now: datetime
) -> None:
    """The short transaction: lock, check again, insert."""
    held = _hold(tx, chapter_id, person=person, version=version, now=now)
    pages = _joined(tx, chapter_id, held, [Coming(new.file_id, new.number, new.found.wide) for new in stored])
    rows = [row for new in stored for row in keeping.file_rows(new, purpose="page", person=person, now=now)]
    tx.insert_many("files", rows)
    _flip(tx, chapter_id, held.revision, pages, now=now)
    chapters.record_override(tx, "add_pages", held, person=person, id=chapter_id, now=now, pages=len(stored))


def attach_ready(tx: Tx, chapter_id: str, coming: list[Coming], *, person: Person, now: datetime) -> None:
    """Adds files whose rows are there already. Raises NotFound, NotAllowed, PageExists, TooManyPages."""
    held = _hold(tx, chapter_id, person=person, version=None, now=now)
    _flip(tx, chapter_id, held.revision, _joined(tx, chapter_id, held, coming), now=now)
    chapters.record_override(tx, "add_pages", held, person=person, id=chapter_id, now=now, pages=len(coming))


def _hold(tx: Tx, chapter_id: str, *, person: Person, version: int | None, now: datetime) -> chapters.Held:
    held = chapters.hold(tx, chapter_id, person=person, version=version)
    person = sessions.confirm(tx, person, now=now)  # the bytes took their time
    require_right(person, "pages.add", owns=held.owns, leads=held.leads)
    return held


def _joined(tx: Tx, chapter_id: str, held: chapters.Held, coming: list[Coming]) -> list[_Page]:
    """The chapter's pages and those to come: first the numbered ones, the others after all that are there."""
    pages = {page.position: page for page in _current(tx, chapter_id, held.revision)}
    for new in [one for one in coming if one.number is not None] + [one for one in coming if one.number is None]:
        position = new.number or max(pages, default=0) + 1
        if position in pages:
            raise PageExists(f"This chapter has a page {position} already; send it under another number.")
        pages[position] = _Page(position, new.file_id, new.wide)
    if len(pages) > MOST_PAGES or max(pages) > MOST_PAGES:
        raise TooManyPages
    return list(pages.values())


def arrange(
    db: Database,
    storage: Storage,
    *,
    person: Person,
    chapter_id: str,
    ids: list[str],
    version: int | None,
    now: datetime,
) -> None:
    """Gives the pages a new order, numbered from 1; what is left out goes, rows first, then bytes.

    Raises NotFound, NotAllowed, PreconditionFailed, Invalid (twice the same, or not a page of this chapter), NoPages.
    """
    for key in db.run(_arrange, chapter_id, ids, person=person, version=version, now=now):
        storage.delete(key)


def _arrange(
    tx: Tx, chapter_id: str, ids: list[str], *, person: Person, version: int | None, now: datetime
) -> list[str]:
    held = chapters.hold(tx, chapter_id, person=person, version=version)
    require_right(person, "pages.arrange", owns=held.owns, leads=held.leads)
    pages = {page.file_id: page for page in _current(tx, chapter_id, held.revision)}
    problems = [
        Problem(f"ids[{place}]", "is not a page of this chapter") for place, one in enumerate(ids) if one not in pages
    ]
    problems += [Problem(f"ids[{place}]", "is here twice") for place, one in enumerate(ids) if one in ids[:place]]
    if problems:
        raise Invalid(*problems)
    if not ids and held.state in {"published", "scheduled"}:
        raise chapters.NoPages("Hide the chapter before you take out its last page.")
    kept = [_Page(place, file_id, pages[file_id].wide) for place, file_id in enumerate(ids, start=1)]
    _flip(tx, chapter_id, held.revision, kept, now=now)
    dropped = [file_id for file_id in pages if file_id not in set(ids)]
    gone = chapters.forget_files(tx, dropped)
    chapters.record_override(tx, "arrange_pages", held, person=person, id=chapter_id, now=now, pages=len(ids))
    return gone


def _current(tx: Tx, chapter_id: str, revision: int) -> list[_Page]:
    return tx.read(
        "SELECT position, file_id, wide FROM pages WHERE chapter_id = :id AND revision = :revision ORDER BY position",
        _Page,
        id=chapter_id,
        revision=revision,
    )


def _flip(tx: Tx, chapter_id: str, revision: int, pages: list[_Page], *, now: datetime) -> None:
    """Writes the next revision of the page set and turns readers to it; the last one is not needed any more."""
    rows = [
        {
            "chapter_id": chapter_id,
            "revision": revision + 1,
            "position": page.position,
            "file_id": page.file_id,
            "wide": page.wide,
        }
        for page in pages
    ]
    tx.insert_many("pages", rows)
    tx.write(
        "UPDATE chapters SET revision = :revision, page_count = :count, version = version + 1, updated_at = :now"
        " WHERE id = :id",
        id=chapter_id,
        revision=revision + 1,
        count=len(pages),
        now=now,
    )
    tx.write("DELETE FROM pages WHERE chapter_id = :id AND revision <= :revision", id=chapter_id, revision=revision)
