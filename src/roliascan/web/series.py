"""Series over HTTP."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.library import catalogue, series
from roliascan.library.catalogue import SeriesItem
from roliascan.library.series import AltTitle, Series
from roliascan.library.shapes import ContentRating, Direction, SeriesType, State, Status
from roliascan.paging import Page
from roliascan.web.calls import Call, Created, Empty, Redirect, Tagged
from roliascan.web.fields import Id, Language, Search, TeamIds, Text, Title
from roliascan.web.queries import ListQuery


class SeriesQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """`q` searches words in titles, author and description. `state` shows one's own drafts and hidden series."""

    sort: Literal["newest", "updated", "title", "rating"] = "newest"
    q: Search | None = None
    status: Status | None = None
    type: SeriesType | None = None
    language: Language | None = None
    team: Id | None = None
    state: State = "published"


class SentTitle(msgspec.Struct, forbid_unknown_fields=True):
    """A title in another language."""

    language: Language
    title: Title


Titles = Annotated[list[SentTitle], Meta(max_length=50)]
SentState = Literal["published", "draft", "hidden"]


class NewSeries(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A series to start. What is absent takes its default: manga, ongoing, safe, published."""

    title: Title
    author: Title
    description: Text | UnsetType | None = UNSET
    type: SeriesType | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    content_rating: ContentRating | UnsetType = UNSET
    titles: Titles | UnsetType = UNSET
    team_ids: TeamIds | UnsetType = UNSET
    cover_id: Id | UnsetType | None = UNSET
    state: Literal["published", "draft"] | UnsetType = UNSET


class SeriesChange(NewSeries, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is absent stays; null clears what is optional."""

    title: Title | UnsetType = UNSET  # type: ignore[assignment]  # the same fields, none needed
    author: Title | UnsetType = UNSET  # type: ignore[assignment]
    state: SentState | UnsetType = UNSET  # type: ignore[assignment]


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is removed; told to those who come to its address."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


def index(call: Call, query: SeriesQuery) -> Page[SeriesItem]:
    """Series, a page at a time: sorted, filtered, searched."""
    wanted = catalogue.Filter(
        q=query.q,
        status=query.status,
        type=query.type,
        language=query.language,
        team=query.team,
        state=query.state,
    )
    return catalogue.index(
        call.db, query.asked, wanted, sort=query.sort, viewer=call.viewer, address_of=call.address_of
    )


def show(call: Call, series_: str) -> Tagged[Series] | Redirect:
    """A series, by identifier or slug. A slug that it had before redirects to the one of today."""
    found = series.show(call.db, series_, viewer=call.viewer, address_of=call.address_of)
    if series_ not in {found.id, found.slug}:
        return Redirect(f"/series/{found.slug}")
    return Tagged(found, found.version)


def create(call: Call, body: NewSeries) -> Created[Series]:
    """Starts a series. It belongs to you and to the teams that you name."""
    series_id = call.db.run(series.create, _draft(body), person=call.person, now=call.now)
    return Created(_shown(call, series_id), f"/series/{series_id}")


def change(call: Call, body: SeriesChange, series_: str) -> Tagged[Series]:
    """Changes a series. For its owners, moderators and administrators.

    A new title brings a new slug; the old one redirects.
    """
    gone = call.db.run(series.change, series_, _draft(body), person=call.person, version=call.if_match, now=call.now)
    for key in gone:
        call.storage.delete(key)
    changed = _shown(call, series_)
    return Tagged(changed, changed.version)


def remove(call: Call, query: Reason, series_: str) -> Empty:
    """Deletes a series with all its chapters. For its creator, leaders of its teams and administrators.

    Its address answers 410 from then on, with `reason`.
    """
    from roliascan.library import removal  # and with it all that chapters are made of, which a list does not need

    removal.remove(
        call.db,
        call.storage,
        series_,
        person=call.person,
        reason=query.reason,
        version=call.if_match,
        now=call.now,
    )
    return Empty()


def _shown(call: Call, series_id: str) -> Series:
    return series.show(call.db, series_id, viewer=call.person, address_of=call.address_of, changed=True)


def _draft(body: NewSeries) -> series.Draft:
    given = {name: getattr(body, name) for name in body.__struct_fields__}
    if body.titles is not UNSET:
        given["titles"] = [AltTitle(one.language, one.title) for one in body.titles]
    return series.Draft(**given)
