"""Chapters over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.errors import Invalid, Problem
from roliascan.library import chapters, reader, releases
from roliascan.library.reader import Chapter
from roliascan.library.releases import ChapterItem
from roliascan.library.shapes import State
from roliascan.paging import Page
from roliascan.web.calls import Call, Created, Empty, Tagged
from roliascan.web.fields import Id, Language, TeamIds
from roliascan.web.queries import ListQuery
from roliascan.web.series import Reason


class FeedQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """`state` shows one's own drafts, scheduled and hidden chapters."""

    series: Id | None = None
    team: Id | None = None
    language: Language | None = None
    state: State = "published"


class ChaptersQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """`state` shows one's own drafts, scheduled and hidden chapters."""

    sort: Literal["number", "newest"] = "number"
    team: Id | None = None
    language: Language | None = None
    state: State = "published"


Label = Annotated[str, Meta(min_length=1, max_length=100)]
ChapterTitle = Annotated[str, Meta(min_length=1, max_length=300)]
Volume = Annotated[str, Meta(max_length=20)]


class ChapterDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`number` is 0 to 999999.999 with at most 3 decimals, or null with a `label` such as "Extra"."""

    number: int | float | UnsetType | None = UNSET
    label: Label | UnsetType | None = UNSET
    title: ChapterTitle | UnsetType | None = UNSET
    volume: Volume | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET
    team_ids: TeamIds | UnsetType = UNSET

    @staticmethod
    def rules(given: Mapping[str, Any]) -> Sequence[Problem]:
        try:
            chapters.thousandths(_decimal(given.get("number")))
        except Invalid as refusal:
            return refusal.problems
        return ()


class Publication(msgspec.Struct, forbid_unknown_fields=True):
    """`at` in the future schedules."""

    at: Annotated[datetime, Meta(tz=True)] | None = None


class Hiding(msgspec.Struct, forbid_unknown_fields=True):
    """Why a chapter is hidden; for those who may still see it."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


def feed(call: Call, query: FeedQuery) -> Page[ChapterItem]:
    """Releases of the whole site, newest first."""
    wanted = releases.Filter(series=query.series, language=query.language, team=query.team, state=query.state)
    return releases.feed(call.db, query.asked, wanted, viewer=call.viewer)


def index(call: Call, query: ChaptersQuery, series_: str) -> Page[ChapterItem]:
    """Chapters of a series, by number or newest first, without their pages."""
    wanted = releases.Filter(language=query.language, team=query.team, state=query.state)
    return releases.index(call.db, series_, query.asked, wanted, sort=query.sort, viewer=call.viewer)


def show(call: Call, chapter: str) -> Tagged[Chapter]:
    """A chapter with all that a reader needs: its pages, and the chapters before and after."""
    found = reader.show(call.db, chapter, viewer=call.viewer, address_of=call.address_of)
    return Tagged(found, found.version)


def create(call: Call, body: ChapterDraft, series_: str) -> Created[Chapter]:
    """Adds a chapter to a series. For owners of the series and administrators. It is a draft until it is published."""
    chapter_id = call.db.run(chapters.create, series_, _draft(body), person=call.person, now=call.now)
    return Created(shown(call, chapter_id).body, f"/chapters/{chapter_id}")


def change(call: Call, body: ChapterDraft, chapter: str) -> Tagged[Chapter]:
    """Changes a chapter. For its owners, moderators and administrators."""
    call.db.run(chapters.change, chapter, _draft(body), person=call.person, version=call.if_match, now=call.now)
    return shown(call, chapter)


def publish(call: Call, body: Publication | None, chapter: str) -> Tagged[Chapter]:
    """Publishes a chapter, now or at a time to come. For its owners and administrators.

    Publishing again ends a hiding, which moderators may do too.
    """
    at = body.at if body else None
    call.db.run(chapters.publish, chapter, person=call.person, at=at, version=call.if_match, now=call.now)
    return shown(call, chapter)


def hide(call: Call, body: Hiding | None, chapter: str) -> Tagged[Chapter]:
    """Hides a chapter. For its owners, moderators and administrators."""
    reason = body.reason if body else None
    call.db.run(chapters.hide, chapter, person=call.person, reason=reason, version=call.if_match, now=call.now)
    return shown(call, chapter)


def remove(call: Call, query: Reason, chapter: str) -> Empty:
    """Deletes a chapter with its pages. For its owners and administrators.

    Its address answers 410 from then on, with `reason`.
    """
    chapters.remove(
        call.db,
        call.storage,
        chapter,
        person=call.person,
        reason=query.reason,
        version=call.if_match,
        now=call.now,
    )
    return Empty()


def shown(call: Call, chapter_id: str) -> Tagged[Chapter]:
    """The chapter as its editor sees it."""
    found = reader.show(call.db, chapter_id, viewer=call.person, address_of=call.address_of, changed=True)
    return Tagged(found, found.version)


def _draft(body: ChapterDraft) -> chapters.Draft:
    given = {name: getattr(body, name) for name in body.__struct_fields__}
    if isinstance(body.number, int | float):
        given["number"] = _decimal(body.number)
    return chapters.Draft(**given)


def _decimal(number: float | UnsetType | None) -> Decimal | None:
    """10.1 as it was written, not as its nearest binary fraction."""
    return Decimal(repr(number)) if isinstance(number, int | float) else None
