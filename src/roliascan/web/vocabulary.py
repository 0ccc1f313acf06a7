"""What the OpenAPI document says that types do not: what each verb refuses, and words for parameters and headers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from roliascan.database import faults
from roliascan.database.faults import Dangling
from roliascan.database.schema import SchemaMismatch
from roliascan.errors import (
    Busy,
    NotAllowed,
    NotFound,
    NotSatisfiable,
    PreconditionFailed,
    ReadOnly,
    Refusal,
    Removed,
    TooLarge,
    TooMany,
    UnsupportedType,
)
from roliascan.library.announcing import TooManySessions, TooManyUploads
from roliascan.library.arrivals import NotAsAnnounced, NotUploaded, TicketExpired
from roliascan.library.callbacks import Unreadable
from roliascan.library.chapters import ChapterExists, NoPages
from roliascan.library.committing import UploadIncomplete
from roliascan.library.image_terms import ImageDamaged, ImageTooLarge, NotAnImage, UnsupportedImage
from roliascan.library.pages import PageExists, TooManyPages
from roliascan.library.uploads import UploadClosed
from roliascan.paging import PageTooDeep
from roliascan.people.accounts import EmailTaken, InvalidCredentials, UsernameTaken, WrongPassword
from roliascan.people.grants import PermissionTaken
from roliascan.people.passwords import HashingUnavailable, TooManyPasswords
from roliascan.people.persons import Muted
from roliascan.people.teams import LastLeader, NotInTeam, TeamFull, TeamInUse, TeamTaken
from roliascan.people.users import LastAdmin
from roliascan.storage import StorageFull, StorageUnavailable
from roliascan.web import (
    accounts,
    administration,
    callbacks,
    chapters,
    comments,
    files,
    jpegs,
    pages,
    ratings,
    series,
    sessions,
    stored,
    teams,
    uploads,
)
from roliascan.web.bodies import LengthRequired
from roliascan.web.calls import COOKIE, Handler
from roliascan.web.forms import TooManyFiles

_IMAGE = (ImageDamaged, ImageTooLarge, NotAnImage, UnsupportedImage)
REFUSALS: Mapping[Handler, tuple[type[Refusal], ...]] = {
    accounts.register: (EmailTaken, UsernameTaken, TooMany),
    accounts.login: (InvalidCredentials, TooMany),
    accounts.change: (WrongPassword, EmailTaken, UsernameTaken, TooMany),
    sessions.index: (PageTooDeep,),
    series.index: (PageTooDeep,),
    series.create: (NotInTeam, Dangling),
    series.show: (Removed,),
    series.change: (NotAllowed, NotInTeam, Removed, PreconditionFailed, Dangling),
    series.remove: (NotAllowed, Removed, PreconditionFailed),
    chapters.index: (PageTooDeep, Removed),
    chapters.create: (NotInTeam, Removed, ChapterExists, Dangling),
    chapters.feed: (PageTooDeep,),
    chapters.show: (Removed,),
    chapters.change: (NotAllowed, NotInTeam, Removed, PreconditionFailed, ChapterExists, Dangling),
    chapters.remove: (NotAllowed, Removed, PreconditionFailed),
    chapters.publish: (NotAllowed, Removed, NoPages),
    chapters.hide: (NotAllowed, Removed),
    pages.tell: (NotAllowed, Removed),
    pages.add: (NotAllowed, Removed, PageExists, TooMany, TooManyFiles, TooManyPages, *_IMAGE),
    pages.arrange: (NotAllowed, Removed, PreconditionFailed, NoPages),
    jpegs.show: (TooMany,),
    comments.index: (PageTooDeep, Removed),
    comments.create: (Muted, Removed, Dangling, TooMany),
    comments.change: (Muted, NotAllowed, TooMany),
    comments.remove: (NotAllowed,),
    ratings.of_series: (Removed,),
    ratings.rate_series: (Muted, Removed),
    ratings.unrate_series: (Removed,),
    ratings.of_chapter: (Removed,),
    ratings.rate_chapter: (Muted, Removed),
    ratings.unrate_chapter: (Removed,),
    files.add: (*_IMAGE, TooMany),
    uploads.create: (NotAllowed, NotFound, Removed, PageExists, TooMany, TooManyUploads, TooManySessions),
    uploads.receive: (TicketExpired, UploadClosed, NotAsAnnounced, LengthRequired, TooLarge, UnsupportedType),
    uploads.complete: (NotAllowed, Removed, UploadClosed, NotUploaded, NotAsAnnounced, *_IMAGE),
    uploads.remove: (UploadClosed,),
    uploads.commit: (NotAllowed, Removed, UploadClosed, UploadIncomplete, PageExists, TooManyPages, Dangling),
    uploads.abandon: (UploadClosed,),
    callbacks.uploadthing: (NotFound, NotAllowed, Unreadable, LengthRequired, TooLarge),
    stored.show: (NotSatisfiable,),
    teams.index: (PageTooDeep,),
    teams.create: (TeamTaken,),
    teams.change: (NotAllowed, PreconditionFailed, TeamTaken),
    teams.remove: (NotAllowed, PreconditionFailed, TeamInUse),
    teams.set_member: (NotAllowed, LastLeader, TeamFull),
    teams.remove_member: (NotAllowed, LastLeader),
    administration.list_users: (PageTooDeep,),
    administration.change_user: (NotAllowed, LastAdmin, LastLeader),
    administration.list_permissions: (PageTooDeep,),
    administration.add_permission: (PermissionTaken,),
    administration.list_audit: (PageTooDeep,),
}
"""Beside what follows from the route: who may, and whether there is a body or an identifier."""


class NotStarted(Busy):
    """Said in the place of the app, by what starts it on each platform."""

    code = "not_started"
    detail = "The service could not start; its log says what is missing."


NOT_NOW: tuple[type[Refusal], ...] = (
    *(Busy, NotStarted, SchemaMismatch, TooManyPasswords, HashingUnavailable, StorageFull, StorageUnavailable),
    *(faults.Unreachable, faults.Lost, faults.OutcomeUnknown, faults.Contended, faults.Slow, faults.OutOfTime),
    *(faults.Unmigrated, faults.ReadOnly, ReadOnly),
)
"""What any request may meet."""

SEE_MORE = {
    *(series.index, series.show, chapters.index, chapters.feed, chapters.show),
    *(comments.index, comments.show, jpegs.show, stored.show),
}
"""Open to anyone; who is signed in also gets what only they may see, such as their own drafts."""

SET_COOKIE = {accounts.register, accounts.login, accounts.logout}


EXAMPLES: Mapping[Handler, dict[str, Any]] = {
    accounts.register: {"email": "aiko@example.org", "username": "aiko", "password": "a long password"},
    accounts.login: {"login": "aiko", "password": "a long password"},
    accounts.change: {"email": "aiko@example.com", "currentPassword": "a long password"},
    series.create: {
        "title": "Kaze no Michi",
        "author": "Aiko Mori",
        "language": "ja",
        "titles": [{"language": "en", "title": "The Way of the Wind"}],
    },
    series.change: {"status": "completed", "description": None},
    chapters.create: {"number": 10.5, "title": "Rain", "language": "en"},
    chapters.change: {"title": "Heavy Rain"},
    chapters.publish: {"at": "2027-01-01T18:00:00Z"},
    chapters.hide: {"reason": "Pages 3 and 4 are swapped."},
    pages.arrange: {"ids": ["01936d3f-7a31-7cc4-9d5e-3f1f0f5a6b7c", "01936d3f-7a30-7b1a-8c2d-5e6f70819203"]},
    comments.create: {"body": "I did not see that coming."},
    comments.change: {"body": "I did not see that coming, twice."},
    ratings.rate_series: {"rating": 9},
    ratings.rate_chapter: {"rating": 8},
    uploads.create: {
        "target": {"chapterId": "01936d3f-7a31-7cc4-9d5e-3f1f0f5a6b7c"},
        "files": [{"name": "1.png", "size": 204800, "type": "image/png", "sha256": "9f" * 32, "page": 1}],
    },
    uploads.commit: {"order": ["01936d3f-7a31-7cc4-9d5e-3f1f0f5a6b7c", "01936d3f-7a30-7b1a-8c2d-5e6f70819203"]},
    teams.create: {"name": "Night Shift", "links": [{"label": "Site", "url": "https://nightshift.example/"}]},
    teams.change: {"description": "We work while you sleep."},
    teams.set_member: {"role": "leader"},
    administration.change_user: {"isBanned": True, "banReason": "Spam", "bannedUntil": "2027-01-01T00:00:00Z"},
    administration.add_permission: {"name": "edit:wiki", "description": "Edit the site's wiki."},
}
"""A body for each verb that takes one."""


class Tag(NamedTuple):
    name: str
    description: str


_UPLOADS = Tag("uploads", "Sending files past the API, straight to where they are kept, and going on after a break.")
_FILES = Tag("files", "Covers and other single files, and all stored files where this service serves them itself.")
_PAGES = Tag("pages", "The images of a chapter.")
TAGS: Mapping[str, Tag] = {
    "accounts": Tag("people", "Signing up, in and out, and one's own account."),
    "sessions": Tag("sessions", "Where one is signed in."),
    "series": Tag("series", "Comics: starting, finding, changing them."),
    "chapters": Tag("chapters", "Chapters of series, and the feed of releases."),
    "pages": _PAGES,
    "jpegs": _PAGES,
    "comments": Tag("comments", "What readers write about chapters."),
    "ratings": Tag("ratings", "What readers think of series and chapters, from 1 to 10."),
    "teams": Tag("teams", "Groups that release together, and own what they release."),
    "administration": Tag("administration", "Users, permissions and the audit log, for those who keep order."),
    "files": _FILES,
    "stored": _FILES,
    "uploads": _UPLOADS,
    "callbacks": _UPLOADS,
    "state": Tag("state", "Whether the service is alive and ready."),
    "documents": Tag("documentation", "This API, for programs and for people."),
}
"""By the handlers' module, in the order of the document."""

PARAMETERS: Mapping[str, str] = {
    "action": "Only acts of this name, such as `ban`.",
    "actor": "Only what this person did.",
    "chapter": "The identifier of a chapter.",
    "comment": "The identifier of a comment.",
    "cursor": "What `page.next` said of the page before; not together with `page`.",
    "expires": "As the ticket says.",
    "key": "The key of a file: what follows `/uploads/` in its address. It contains slashes.",
    "isBanned": "Only who is banned now, or who is not.",
    "language": "Only of this language (a BCP 47 tag).",
    "limit": "How many at most.",
    "page": "Which page, by number. `page` x `limit` may be 10,000 at most; go on with `cursor` beyond.",
    "permission": "The name of a permission, such as `mute:user`.",
    "q": "Words, and parts of Chinese, Japanese and Korean ones, in titles, author and description. All must be there.",
    "reason": "Why; told to those who come to the address.",
    "role": "Only people of this role.",
    "series": "The identifier of a series.",
    "session": "The identifier of a session, one's own.",
    "signature": "As the ticket says.",
    "sort": "The order.",
    "state": "Other than published: only what you may see, such as your own drafts.",
    "status": "Only of this status.",
    "targetId": "Only what was done to this thing, of the kind `targetKind`.",
    "targetKind": "Only what was done to such things: `user`, `permission`, `series`, `chapter`, `team`, `comment`.",
    "team": "The identifier of a team.",
    "type": "Only of this type.",
    "upload": "The identifier of an announced file.",
    "user": "The identifier of a person.",
    "jpegs.show.page": "The identifier of a page.",
    "administration.list_users.q": "How a username or an address begins; letters that look alike count as the same.",
    "Idempotency-Key": "A name of your own for this request, such as a UUID: sent again with it within 24 hours, the"
    " request is not done again but answered as it was.",
    "If-Match": 'The version that you change, such as `"7"`: 412 when somebody was faster. Absent: whatever it is.',
    "If-None-Match": "The `ETag` of what you have: 304 when it is still so.",
    "If-Range": "The `ETag` of the part that you have: the whole file when it is another.",
    "Range": "One range of bytes, such as `bytes=0-1023`.",
}

HEADERS: Mapping[str, str] = {
    "Accept-Ranges": "That ranges can be asked for.",
    "Content-Range": "Which bytes these are, or how many there are.",
    "ETag": "Send it as `If-None-Match` to learn whether anything changed. Of what has a version, it begins with it.",
    "Location": "Its address.",
    "Retry-After": "Seconds to wait.",
    "Set-Cookie": f"The cookie `{COOKIE}`, for browsers.",
    "WWW-Authenticate": "How to sign in.",
    "X-Request-Id": "What the service's log calls this request.",
}

ABOUT = """The backend of a comic publishing site: series, chapters, pages, teams, people.

A thing is its bare object; a list is `data` with a `page`, continued by sending `page.next` as `cursor`. A refusal is
a problem document (RFC 9457) with a stable `code`, and for invalid input `errors` with every problem at once. Unknown
fields and unknown query parameters are refused, not passed over. In a change, what is absent stays and null clears.

Names are in camelCase, instants are RFC 3339 in UTC, identifiers are UUIDs in lower case. HEAD works wherever GET does,
and a slash at the end of an address changes nothing.

Owners of a series are who started it and the members of its teams; of a chapter, the members of the teams that release
it, or without such teams who added it and the owners of its series. To edit they need the permission as well
(`update:series`, `update:chapter`), which uploaders have. What you may not see is answered as if it were not there."""
