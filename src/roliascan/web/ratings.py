"""Ratings over HTTP."""

from typing import Annotated

import msgspec
from msgspec import Meta

from roliascan.community import ratings
from roliascan.community.ratings import CHAPTER, SERIES, Rating
from roliascan.web.calls import Call, Empty


class SentRating(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody thinks of something, in one number."""

    rating: Annotated[int, Meta(ge=1, le=10)]


def of_series(call: Call, series_: str) -> Rating:
    """Your rating of a series, with everybody's mean."""
    return ratings.show(call.db, SERIES, series_, person=call.person)


def rate_series(call: Call, body: SentRating, series_: str) -> Rating:
    """Rates a series, once or anew. Not while you are muted."""
    return call.db.run(ratings.rate, SERIES, series_, body.rating, person=call.person, now=call.now)


def unrate_series(call: Call, series_: str) -> Empty:
    """Takes your rating of a series back."""
    call.db.run(ratings.unrate, SERIES, series_, person=call.person)
    return Empty()


def of_chapter(call: Call, chapter: str) -> Rating:
    """Your rating of a chapter, with everybody's mean."""
    return ratings.show(call.db, CHAPTER, chapter, person=call.person)


def rate_chapter(call: Call, body: SentRating, chapter: str) -> Rating:
    """Rates a chapter, once or anew. Not while you are muted."""
    return call.db.run(ratings.rate, CHAPTER, chapter, body.rating, person=call.person, now=call.now)


def unrate_chapter(call: Call, chapter: str) -> Empty:
    """Takes your rating of a chapter back."""
    call.db.run(ratings.unrate, CHAPTER, chapter, person=call.person)
    return Empty()
