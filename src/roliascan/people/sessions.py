"""Sessions: who is signed in, read with role, ban and grants in one statement."""

from datetime import datetime, timedelta

import msgspec

from roliascan.database import Reader, Tx
from roliascan.errors import NotFound, NotSignedIn
from roliascan.ids import is_id, new_id
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people.persons import Person, effective


class _Row(msgspec.Struct):
    id: str
    username: str
    email: str
    role: str
    is_muted: bool
    granted: str | None


IS_OPEN = "(NOT u.is_banned OR (u.banned_until IS NOT NULL AND u.banned_until <= :now))"
"""SQL: whether user `u` is not banned at `:now`."""

_PERSON = f"""
SELECT u.id, u.username, u.email, u.role, u.is_muted,
       (SELECT json_arrayagg(g.permission) FROM grants g WHERE g.user_id = u.id) AS granted
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = :session_id AND s.expires_at > :now AND {IS_OPEN}
"""

_GRANTED = msgspec.json.Decoder(list[str])


def find(db: Reader, session_id: str, *, now: datetime) -> Person | None:
    """The person of a session that is open now and not banned, in one statement; else None."""
    row = db.one(_PERSON, _Row, session_id=session_id, now=now) if is_id(session_id) else None
    if row is None:
        return None
    granted = _GRANTED.decode(row.granted) if row.granted else []
    return Person(row.id, row.username, row.email, row.role, row.is_muted, session_id, effective(row.role, granted))


def confirm(tx: Tx, person: Person, *, now: datetime) -> Person:
    """The person as of now, after something that took its time; the operator has no session. Raises NotSignedIn."""
    if not person.session_id:
        return person
    found = find(tx, person.session_id, now=now)
    if found is None:
        raise NotSignedIn
    return found


def start(tx: Tx, *, user_id: str, lasts_s: int, now: datetime) -> tuple[str, datetime]:
    """A new session; its identifier and the end of its life."""
    session_id, expires_at = new_id(now), now + timedelta(seconds=lasts_s)
    tx.write(
        "INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (:id, :user_id, :now, :expires_at)",
        id=session_id,
        user_id=user_id,
        now=now,
        expires_at=expires_at,
    )
    return session_id, expires_at


def end(tx: Tx, session_id: str) -> None:
    tx.write("DELETE FROM sessions WHERE id = :id", id=session_id)


def end_others(tx: Tx, *, user_id: str, but: str) -> None:
    """Ends every session of a person except one."""
    tx.write("DELETE FROM sessions WHERE user_id = :user_id AND id <> :but", user_id=user_id, but=but)


class _Id(msgspec.Struct):
    id: str


def forget(tx: Tx, *, now: datetime, most: int) -> int:
    """Deletes sessions whose time is over; how many."""
    rows = tx.read("SELECT id FROM sessions WHERE expires_at <= :now ORDER BY id LIMIT :most", _Id, now=now, most=most)
    return tx.write("DELETE FROM sessions WHERE id IN (:ids)", ids=[row.id for row in rows])


def end_all(tx: Tx, *, user_id: str) -> None:
    """Signs a person out everywhere."""
    tx.write("DELETE FROM sessions WHERE user_id = :user_id", user_id=user_id)


class Session(Listed, rename="camel"):
    """Somewhere that one is signed in; `isCurrent` is the session that asks."""

    id: str
    created_at: str
    expires_at: str
    is_current: bool


NEWEST = Order("newest", "s.created_at", "s.id", True, str)


def index(db: Reader, asked: Asked, *, person: Person, now: datetime) -> Page[Session]:
    """One's own open sessions, newest first, in one statement."""
    part = window(NEWEST, asked)
    rows = db.read(
        "SELECT s.created_at AS sort_key, NULL AS total, s.id, s.created_at, s.expires_at,"
        " s.id = :current AS is_current FROM sessions s WHERE s.user_id = :user_id AND s.expires_at > :now"
        + part.condition
        + part.tail,
        Session,
        user_id=person.id,
        current=person.session_id,
        now=now,
        **part.values,
    )
    return page_of(rows, NEWEST, asked, exact=False)


def end_own(tx: Tx, session_id: str, *, person: Person, now: datetime) -> None:
    """Ends one of one's own open sessions. Raises NotFound, also for sessions of others."""
    sql = "DELETE FROM sessions WHERE id = :id AND user_id = :user_id AND expires_at > :now"
    if not is_id(session_id) or not tx.write(sql, id=session_id, user_id=person.id, now=now):
        raise NotFound
