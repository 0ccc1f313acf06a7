"""Users as those see them who keep order: roles, bans and mutes, each change with its entry in the audit log.

Administrators act on everybody. Who was granted a right of theirs acts on people of lower roles only, and gives nothing
that they do not have: no right leads to a higher one.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from roliascan.database import Reader, Tx
from roliascan.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from roliascan.ids import is_id
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people import audit, names, sessions, teams
from roliascan.people.permissions import outranks
from roliascan.people.persons import Person, effective, may, require_right

FARTHEST = timedelta(days=36525)  # for an end of a ban: farther is for ever


class LastAdmin(Conflict):
    code = "last_admin"
    detail = "The site keeps at least one administrator who can sign in; make somebody else administrator first."


class User(Listed, rename="camel"):
    """A person and what they may do. `email` is null for who may not manage users."""

    id: str
    username: str
    email: str | None
    role: str
    is_banned: bool
    ban_reason: str | None
    banned_until: str | None
    is_muted: bool
    permissions: list[str]
    granted: list[str]
    created_at: str


_COLUMNS = f"""u.id, u.username, u.email, u.role, NOT {sessions.IS_OPEN} AS is_banned, u.ban_reason, u.banned_until,
    u.is_muted, '' AS permissions,
    (SELECT json_arrayagg(g.permission) FROM grants g WHERE g.user_id = u.id) AS granted, u.created_at"""
_GRANTED = msgspec.json.Decoder(list[str])


def _finish(user: User, viewer: Person) -> User:
    granted: Any = user.granted  # JSON, as it was selected
    user.granted = sorted(_GRANTED.decode(granted)) if granted else []
    user.permissions = sorted(effective(user.role, user.granted))
    user.email = user.email if may(viewer, "manage:users") else None
    user.sort_key = user.total = UNSET
    return user


def show(db: Reader, user_id: str, *, viewer: Person, now: datetime) -> User:
    """A person, in one statement. Raises NotFound."""
    sql = f"SELECT NULL AS sort_key, NULL AS total, {_COLUMNS} FROM users u WHERE u.id = :id"
    user = db.one(sql, User, id=user_id, now=now) if is_id(user_id) else None
    if user is None:
        raise NotFound
    return _finish(user, viewer)


class Filter(msgspec.Struct, kw_only=True):
    """What the list is narrowed to; None: not at all. `q` is how a username or an address begins."""

    q: str | None = None
    role: str | None = None
    is_banned: bool | None = None


NEWEST = Order("newest", "u.created_at", "u.id", True, str)
_BEGINS = """ JOIN (SELECT n.id FROM users n WHERE n.username_key >= :name AND n.username_key < :after_name
    UNION SELECT e.id FROM users e WHERE e.email_key >= :mail AND e.email_key < :after_mail) w ON w.id = u.id"""
_LAST = "\U0010ffff"  # sorts after every other character, on each database


def index(db: Reader, asked: Asked, wanted: Filter, *, viewer: Person, now: datetime) -> Page[User]:
    """Users of a page, newest first, in one statement."""
    part = window(NEWEST, asked)
    source, conditions, values = "FROM users u", "", dict[str, Any]()
    if wanted.q is not None:
        name, mail = names.username_key(wanted.q), names.email_key(wanted.q)
        if not name:
            return page_of(list[User](), NEWEST, asked, exact=False)
        source += _BEGINS
        values |= {"name": name, "after_name": name + _LAST, "mail": mail, "after_mail": mail + _LAST}
    if wanted.role is not None:
        conditions += " AND u.role = :role"
        values["role"] = wanted.role
    if wanted.is_banned is not None:
        conditions += f" AND {'NOT ' if wanted.is_banned else ''}{sessions.IS_OPEN}"
    rows = db.read(
        f"SELECT u.created_at AS sort_key, NULL AS total, {_COLUMNS} {source} WHERE 1 = 1{conditions}"
        + part.condition
        + part.tail,
        User,
        now=now,
        **values,
        **part.values,
    )
    page = page_of(rows, NEWEST, asked, exact=False)
    for user in page.data:
        _finish(user, viewer)
    return page


class Change(msgspec.Struct, kw_only=True):
    """What is to become of a person. What is unset stays."""

    role: str | UnsetType = UNSET
    is_banned: bool | UnsetType = UNSET
    ban_reason: str | UnsetType | None = UNSET
    banned_until: datetime | UnsetType | None = UNSET
    is_muted: bool | UnsetType = UNSET


class Held(msgspec.Struct):
    """A person under lock. A ban that is over counts as none."""

    id: str
    role: str
    is_banned: bool
    ban_reason: str | None
    banned_until: str | None
    is_muted: bool
    is_open: bool


_HOLD = f"""
SELECT u.id, u.role, u.is_banned, u.ban_reason, u.banned_until, u.is_muted, {sessions.IS_OPEN} AS is_open
FROM users u WHERE u.id = :id FOR UPDATE
"""


def hold(tx: Tx, user_id: str, *, now: datetime) -> Held:
    """Locks a person. Raises NotFound."""
    held = tx.one(_HOLD, Held, id=user_id, now=now) if is_id(user_id) else None
    if held is None:
        raise NotFound("There is no such person.")
    return held


def require_above(person: Person, role: str) -> None:
    """Administrators are above everybody, others above lower roles. Raises NotAllowed."""
    if person.role != "admin" and not outranks(person.role, role):
        raise NotAllowed("Only administrators may do this to, or with, a role that is not below your own.")


class _Act(NamedTuple):
    """One change that is one entry in the log, with the columns that it sets."""

    action: str
    details: dict[str, Any]
    columns: dict[str, Any]


def change(tx: Tx, user_id: str, wanted: Change, *, person: Person, now: datetime) -> None:
    """Changes a person's role, ban or mute; a ban signs them out everywhere.

    Raises NotFound, NotAllowed, Invalid, LastAdmin, LastLeader.
    """
    _require(person, wanted)
    # Everybody who could take away an administrator or a leader passes here, one after the other.
    admins = _lock_admins(tx, now=now) if _reaches_far(wanted) else []
    held = hold(tx, user_id, now=now)
    person = sessions.confirm(tx, person, now=now)  # they may have been demoted while we waited
    _require(person, wanted)
    require_above(person, held.role)
    acts = [act for act in (_role(held, wanted, person), _ban(held, wanted, now), _mute(held, wanted)) if act]
    after = {column: value for act in acts for column, value in act.columns.items()}
    if after.get("role", "admin") != "admin" or after.get("is_banned"):
        _keep_an_admin(held, admins)
    if after.get("is_banned") and held.is_open:
        teams.require_other_leaders(tx, user_id=user_id, now=now)
    if after.get("is_banned"):
        sessions.end_all(tx, user_id=user_id)
    _save(tx, user_id, after, now=now)
    for act in acts:
        record(tx, act.action, person=person, user_id=user_id, details=act.details, now=now)


def record(tx: Tx, action: str, *, person: Person, user_id: str, details: dict[str, Any], now: datetime) -> None:
    """An entry in the audit log about a person."""
    audit.record(tx, actor=person, action=action, target_kind="user", target_id=user_id, details=details, now=now)


def _reaches_far(wanted: Change) -> bool:
    """Whether more than muting is asked for."""
    return any(getattr(wanted, name) is not UNSET for name in Change.__struct_fields__ if name != "is_muted")


def _require(person: Person, wanted: Change) -> None:
    require_right(person, "administration.change_user" if _reaches_far(wanted) else "administration.mute_user")


class _Admin(msgspec.Struct):
    id: str
    is_open: bool


def _lock_admins(tx: Tx, *, now: datetime) -> list[_Admin]:
    sql = f"SELECT u.id, {sessions.IS_OPEN} AS is_open FROM users u WHERE u.role = 'admin' ORDER BY u.id FOR UPDATE"
    return tx.read(sql, _Admin, now=now)


def _keep_an_admin(held: Held, admins: list[_Admin]) -> None:
    if held.role == "admin" and not any(one.is_open and one.id != held.id for one in admins):
        raise LastAdmin


def _role(held: Held, wanted: Change, person: Person) -> _Act | None:
    if isinstance(wanted.role, UnsetType) or wanted.role == held.role:
        return None
    require_above(person, wanted.role)
    return _Act("set_role", {"from": held.role, "to": wanted.role}, {"role": wanted.role})


def _ban(held: Held, wanted: Change, now: datetime) -> _Act | None:
    if wanted.is_banned is False:
        columns = {"is_banned": False, "ban_reason": None, "banned_until": None}
        return _Act("unban", {}, columns) if held.is_banned else None
    if wanted.is_banned is UNSET and held.is_open:
        _refuse_words_without_ban(wanted)
        return None
    before = (None, None) if held.is_open else (held.ban_reason, _instant(held.banned_until))
    reason, until = _or(wanted.ban_reason, before[0]), _or(wanted.banned_until, before[1])
    if not held.is_open and (reason, until) == before:
        return None
    if until is not None and not now < until <= now + FARTHEST:
        raise Invalid(Problem("bannedUntil", "must be in the future, within 100 years; null is for ever"))
    details = {"reason": reason, "until": until}
    return _Act("ban", details, {"is_banned": True, "ban_reason": reason, "banned_until": until})


def _refuse_words_without_ban(wanted: Change) -> None:
    given = {"banReason": wanted.ban_reason, "bannedUntil": wanted.banned_until}
    words = [
        Problem(field, "needs a ban: isBanned true") for field, value in given.items() if value not in (UNSET, None)
    ]
    if words:
        raise Invalid(*words)


def _or(value: Any, before: Any) -> Any:
    return before if value is UNSET else value


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _mute(held: Held, wanted: Change) -> _Act | None:
    if wanted.is_muted in (UNSET, held.is_muted):
        return None
    return _Act("mute" if wanted.is_muted else "unmute", {}, {"is_muted": wanted.is_muted})


def _save(tx: Tx, user_id: str, columns: dict[str, Any], *, now: datetime) -> None:
    if columns:
        assignments = "".join(f", {column} = :{column}" for column in columns)
        tx.write(f"UPDATE users SET updated_at = :now{assignments} WHERE id = :id", id=user_id, now=now, **columns)
