"""Direct uploads over HTTP: tickets, the bytes where this service takes them itself, and what becomes of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, BinaryIO, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.errors import Problem
from roliascan.library import announcing, arrivals, committing, tickets, uploads
from roliascan.library.announcing import Announced, Tickets
from roliascan.library.arrivals import Sent
from roliascan.library.image_terms import ImageType
from roliascan.library.pages import MOST_PAGES
from roliascan.library.targets import Target
from roliascan.library.uploads import Upload, UploadSession
from roliascan.web.bodies import MOST_FILES, LengthRequired, is_empty
from roliascan.web.calls import Call, Empty, Opened
from roliascan.web.fields import Id
from roliascan.web.routes import API

LARGEST = 5 * 1024**3  # bytes, as MAX_FILE_SIZE


class UploadTarget(Target, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the files are for: exactly one of these."""

    chapter_id: Id | UnsetType = UNSET
    series_id: Id | UnsetType = UNSET
    generic: bool | UnsetType = UNSET


class AnnouncedFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file to send. A `page` is for chapters: the number of the page that it becomes; else it is appended."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    size: Annotated[int, Meta(ge=1, le=LARGEST)]
    type: ImageType | Literal["application/pdf"]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    page: Annotated[int, Meta(ge=1, le=MOST_PAGES)] | None = None


class Announcement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The files to send for one target."""

    target: UploadTarget
    files: Annotated[list[AnnouncedFile], Meta(min_length=1, max_length=MOST_FILES)]

    @staticmethod
    def rules(given: Mapping[str, Any]) -> Sequence[Problem]:
        target = given.get("target")
        if target is None:
            return ()
        named = [one for one in (target.chapter_id, target.series_id, target.generic) if one is not UNSET]
        if len(named) == 1 and named[0] is not False:
            return ()
        return (Problem("target", "must have exactly one of chapterId, seriesId and generic: true"),)


class Ordering(msgspec.Struct, forbid_unknown_fields=True):
    """`order`: all uploads of the session, as they are to follow the pages that the chapter has already."""

    order: Annotated[list[Id], Meta(max_length=MOST_PAGES)] | None = None


class TicketQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What we signed."""

    expires: Annotated[int, Meta(ge=0, le=10**11)] = 0
    signature: Annotated[str, Meta(max_length=100)] = ""


def create(call: Call, body: Announcement) -> Opened[Tickets]:
    """Announces files for a chapter, a series or themselves, and gives a ticket for each. For who may add them.

    Send each file as its ticket says, then complete it, then commit the session. Asking again for the same target goes
    on with the session that is open; what is complete there under the same page and hash is `done`.
    """
    call.limit("upload", call.person.id, times=len(body.files))
    asked = announcing.ask(
        call.db,
        person=call.person,
        target=body.target,
        announced=[Announced(one.name, one.size, one.type, one.sha256, one.page) for one in body.files],
        issue=_issuer(call),
        max_bytes=call.settings.max_file_size,
        now=call.now,
    )
    if call.settings.upload_method == "cdn":
        _await_calls(call, asked)
    return Opened(asked, f"/uploads/sessions/{asked.session}")


def _await_calls(call: Call, asked: Tickets) -> None:
    """UploadThing wants to know of each batch of tickets: asked again, it is told again."""
    from roliascan.library import callbacks

    callbacks.expect(call.storage, [ticket.id for ticket in asked.tickets if not ticket.done])


def _issuer(call: Call) -> tickets.Issue:
    site = call.settings.public_url if call.settings.public_url_given else ""
    return tickets.issuer(call.storage, secret=call.settings.jwt_secret, uploads_at=f"{site}{API}/uploads/")


def receive(call: Call, query: TicketQuery, upload: str) -> Empty:
    """Takes the bytes of an upload. For who has its ticket, and sends exactly what was announced."""
    if call.req.content_length is None and not is_empty(call.req):
        raise LengthRequired
    sent = Sent(
        expires=query.expires,
        signature=query.signature,
        type=(call.req.content_type or "").partition(";")[0].strip().lower(),
        length=call.req.content_length or 0,
        source=cast(BinaryIO, call.req.bounded_stream),
    )
    arrivals.receive(call.db, call.storage, upload, sent, secret=call.settings.jwt_secret, now=call.now)
    return Empty()


def complete(call: Call, upload: str) -> Upload:
    """Checks that what was sent is what was announced, and makes it a file. For who announced it; again is fine."""
    max_bytes = call.settings.max_file_size
    arrivals.complete(call.db, call.storage, upload, person=call.person, max_bytes=max_bytes, now=call.now)
    return show(call, upload)


def show(call: Call, upload: str) -> Upload:
    """An upload: whether it is complete, and once its session is committed, its address. For who announced it."""
    return uploads.show(call.db, upload, person=call.person, address_of=call.address_of)


def remove(call: Call, upload: str) -> Empty:
    """Takes a file out of its session. For who announced it."""
    uploads.remove(call.db, call.storage, upload, person=call.person, now=call.now)
    return Empty()


def show_session(call: Call, session: str) -> UploadSession:
    """An upload session, each of its files, and what is missing. For who opened it."""
    return uploads.show_session(call.db, session, person=call.person, address_of=call.address_of)


def commit(call: Call, body: Ordering | None, session: str) -> UploadSession:
    """Shows all files of a session at once. For who opened it, and may still; again is fine.

    They become pages of the chapter, the cover of the series, or files by themselves: all, or none.
    """
    order = body.order if body else None
    committing.commit(call.db, call.storage, session, person=call.person, order=order, now=call.now)
    return show_session(call, session)


def abandon(call: Call, session: str) -> Empty:
    """Ends a session with all that was sent for it. For who opened it."""
    uploads.abandon(call.db, call.storage, session, person=call.person)
    return Empty()
