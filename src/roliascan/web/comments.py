"""Comments over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from roliascan.community import comments
from roliascan.community.comments import Comment
from roliascan.errors import Problem
from roliascan.paging import Page
from roliascan.web.calls import Call, Created, Empty
from roliascan.web.queries import ListQuery


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """What a comment says, as plain text."""

    body: Annotated[str, Meta(min_length=1, max_length=1000)]

    @staticmethod
    def rules(given: Mapping[str, Any]) -> list[Problem]:
        return comments.problems(given["body"]) if "body" in given else []


def index(call: Call, query: ListQuery, chapter: str) -> Page[Comment]:
    """Comments of a chapter, newest first."""
    return comments.index(call.db, chapter, query.asked, viewer=call.viewer)


def show(call: Call, comment: str) -> Comment:
    """A comment."""
    return comments.show(call.db, comment, viewer=call.viewer)


def create(call: Call, body: Words, chapter: str) -> Created[Comment]:
    """Comments on a chapter. For everybody who is not muted."""
    call.limit("comment", call.person.id)
    made = call.db.run(comments.create, chapter, body.body, person=call.person, now=call.now)
    return Created(made, f"/comments/{made.id}")


def change(call: Call, body: Words, comment: str) -> Comment:
    """Changes your own comment. Not while you are muted. It counts as another one to the limit of comments."""
    call.limit("comment", call.person.id)
    return call.db.run(comments.change, comment, body.body, person=call.person, now=call.now)


def remove(call: Call, comment: str) -> Empty:
    """Deletes a comment: your own, or with the permission `delete:comment` any that you see."""
    call.db.run(comments.remove, comment, person=call.person, now=call.now)
    return Empty()
