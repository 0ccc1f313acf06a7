"""The pages of a chapter over HTTP."""

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from roliascan.errors import Invalid, Problem
from roliascan.library import pages
from roliascan.library.keeping import Upload
from roliascan.library.pages import MOST_PAGES, SentPages
from roliascan.library.reader import Chapter
from roliascan.web import chapters, forms
from roliascan.web.calls import Call, Created, Tagged
from roliascan.web.fields import Id


class Arrangement(msgspec.Struct, forbid_unknown_fields=True):
    """The new order of the pages, by identifier; what is left out goes."""

    ids: Annotated[list[Id], Meta(max_length=MOST_PAGES)]


def tell(call: Call, chapter: str) -> SentPages:
    """What was sent as the pages of a chapter, so that it need not be sent again. For its owners and administrators."""
    return pages.tell(call.db, person=call.person, chapter_id=chapter)


def add(call: Call, chapter: str) -> Created[Chapter]:
    """Adds images to a chapter, all of them or none. For its owners and administrators.

    In a form (multipart/form-data): a field `page_7` sets page 7, files in fields of other names are appended in order.
    """
    pages.add(
        call.db,
        call.storage,
        person=call.person,
        chapter_id=chapter,
        uploads=_uploads(call),
        version=call.if_match,
        max_bytes=call.settings.max_file_size,
        now=call.now,
    )
    return Created(chapters.shown(call, chapter).body, f"/chapters/{chapter}")


def _uploads(call: Call) -> Iterator[Upload]:
    """The files of the form as they arrive; each is counted, then read, before the next is looked at."""
    return (_upload(call, part) for part in forms.parts(call.req))


def _upload(call: Call, part: forms.Part) -> Upload:
    number = _number(part.field)
    call.limit("upload", call.person.id)
    return Upload(part.field, number, part.source)


def _number(field: str) -> int | None:
    match = re.fullmatch(r"page_(\d{1,6})", field, re.ASCII)
    if not match:
        return None
    number = int(match[1])
    if not 1 <= number <= MOST_PAGES:
        raise Invalid(Problem(field, f"pages are numbered 1 to {MOST_PAGES}"))
    return number


def arrange(call: Call, body: Arrangement, chapter: str) -> Tagged[Chapter]:
    """Puts the pages of a chapter in order. For its owners and administrators. What is left out is deleted."""
    pages.arrange(
        call.db,
        call.storage,
        person=call.person,
        chapter_id=chapter,
        ids=body.ids,
        version=call.if_match,
        now=call.now,
    )
    return chapters.shown(call, chapter)
