"""Comments on chapters: listing, writing, changing and deleting them."""

import unicodedata
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from roliascan.database import Reader, Tx, instant_text
from roliascan.errors import NotFound, Problem
from roliascan.ids import is_id, new_id_in_order
from roliascan.library import chapters, rights, series
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people.persons import Person, require_right


class Author(msgspec.Struct):
    """Who wrote a comment."""

    id: str
    username: str


class Comment(Listed, rename="camel"):
    """What somebody wrote about a chapter. It was changed when its two instants differ."""

    id: str
    body: str
    created_at: str
    updated_at: str
    user: Author


class _Row(Listed):
    """A comment, all null where there is none, and what decides who sees it."""

    id: str
    body: str
    created_at: str
    updated_at: str
    user_id: str
    username: str
    state: str
    series_state: str
    owns: bool


NEWEST = Order("newest", "n.id", "n.id", True, str)  # identifiers of comments sort by the microsecond

_COLUMNS = """m.id AS sort_key, NULL AS total, m.id, m.body, m.created_at, m.updated_at, m.user_id, u.username,
    c.state, s.state AS series_state, {owns} AS owns"""
# From the chapter, so that one without comments is told from none at all in the same statement.
_INDEX = f"""
SELECT {_COLUMNS}
FROM chapters c JOIN series s ON s.id = c.series_id
LEFT JOIN (SELECT n.id, n.chapter_id FROM comments n WHERE n.chapter_id = :id{{part}}) w ON w.chapter_id = c.id
LEFT JOIN comments m ON m.id = w.id LEFT JOIN users u ON u.id = m.user_id
WHERE c.id = :id ORDER BY w.id DESC
"""
_SHOW = f"""
SELECT {_COLUMNS}
FROM comments m JOIN users u ON u.id = m.user_id JOIN chapters c ON c.id = m.chapter_id
JOIN series s ON s.id = c.series_id WHERE m.id = :id
"""
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a sign that are drawn as nothing


def problems(body: str) -> list[Problem]:
    """What is wrong with the words of a comment: something in them has to be seen."""
    if any(unicodedata.category(c)[0] in "LNPS" and c not in _INVISIBLE for c in body):
        return []
    return [Problem("body", "has nothing in it that can be seen")]


def index(db: Reader, chapter_id: str, asked: Asked, *, viewer: Person | None) -> Page[Comment]:
    """Comments of a chapter, newest first, in one statement. Raises NotFound, Removed for a chapter not to be seen."""
    part = window(NEWEST, asked)
    rows = _read(db, _INDEX, chapter_id, viewer=viewer, part=part.condition + part.tail, **part.values)
    if not rows:
        raise series.tombstone(db, "chapter", chapter_id) or NotFound
    _require_sight(rows[0], viewer)
    return page_of([_comment(row) for row in rows if row.sort_key is not None], NEWEST, asked, exact=False)


def show(db: Reader, comment_id: str, *, viewer: Person | None) -> Comment:
    """A comment, for those who see its chapter. Raises NotFound."""
    row = _find(db, comment_id, viewer=viewer)
    _require_sight(row, viewer)
    return _alone(row)


def create(tx: Tx, chapter_id: str, body: str, *, person: Person, now: datetime) -> Comment:
    """Writes a comment on a chapter that the person sees. Raises Muted, NotFound, Removed."""
    require_right(person, "comments.create")
    chapters.look(tx, chapter_id, person=person)
    comment_id = new_id_in_order(now)
    row = {"id": comment_id, "chapter_id": chapter_id, "user_id": person.id, "body": body}
    tx.insert_many("comments", [{**row, "created_at": now, "updated_at": now}])
    at = instant_text(now)
    return Comment(UNSET, UNSET, comment_id, body, at, at, Author(person.id, person.username))


def change(tx: Tx, comment_id: str, body: str, *, person: Person, now: datetime) -> Comment:
    """Other words for one's own comment, while its chapter can be seen. Raises Muted, NotFound, NotAllowed."""
    row = _find(tx, comment_id, viewer=person)
    _require_sight(row, person)
    require_right(person, "comments.change", owns=row.user_id == person.id)
    tx.write("UPDATE comments SET body = :body, updated_at = :now WHERE id = :id", id=comment_id, body=body, now=now)
    row.body, row.updated_at = body, instant_text(now)
    return _alone(row)


def remove(tx: Tx, comment_id: str, *, person: Person, now: datetime) -> None:
    """Deletes a comment: one's own always, also while muted or where the chapter is hidden.

    Others' only with `delete:comment`. Raises NotFound, NotAllowed.
    """
    row = _find(tx, comment_id, viewer=person)
    owns = row.user_id == person.id
    if not owns:
        _require_sight(row, person)
    require_right(person, "comments.remove", owns=owns)
    if not tx.write("DELETE FROM comments WHERE id = :id", id=comment_id):
        raise NotFound  # somebody was faster
    # not its words: an entry stays when they may no longer be kept
    rights.record_override(
        tx, "delete", person=person, owns=owns, kind="comment", id=comment_id, now=now, author=row.user_id
    )


def _find(db: Reader, comment_id: str, *, viewer: Person | None) -> _Row:
    for row in _read(db, _SHOW, comment_id, viewer=viewer):
        return row
    raise NotFound


def _read(db: Reader, sql: str, wanted: str, *, viewer: Person | None, part: str = "", **values: Any) -> list[_Row]:
    if not is_id(wanted):
        raise NotFound
    owns = rights.OWNS_CHAPTER if viewer else ":no"
    text = sql.format(owns=owns, part=part)
    return db.read(text, _Row, id=wanted, viewer=rights.viewer_id(viewer), no=False, **values)


def _require_sight(row: _Row, viewer: Person | None) -> None:
    rights.require_sight(viewer, owns=row.owns, states=(row.state, row.series_state))


def _comment(row: _Row) -> Comment:
    user = Author(row.user_id, row.username)
    return Comment(row.sort_key, row.total, row.id, row.body, row.created_at, row.updated_at, user)


def _alone(row: _Row) -> Comment:
    """A comment that is in no list."""
    comment = _comment(row)
    comment.sort_key = comment.total = UNSET
    return comment
