"""Permissions of single people, on top of what their role brings: which there are, granting and revoking them."""

import re
from datetime import datetime

import msgspec

from roliascan.database import Duplicate, Reader, Tx
from roliascan.errors import Conflict, NotAllowed, NotFound
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people import audit, sessions, users
from roliascan.people.permissions import DESCRIPTIONS
from roliascan.people.persons import Person, may, require

NAME = "^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$"
LONGEST = 50


class PermissionTaken(Conflict):
    code = "permission_exists"
    detail = "A permission of this name exists already."


class Permission(msgspec.Struct, rename="camel"):
    """Something that can be granted. What is built in is asked for here; the others, by programs that read them."""

    name: str
    description: str | None
    is_built_in: bool


class _Stored(msgspec.Struct):
    name: str
    description: str | None


class _Row(Listed):
    permission: Permission


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST and re.fullmatch(NAME, text) is not None


BY_NAME = Order("name", "name", "name", False, str, _is_name)
_STORED = "SELECT name, description FROM permissions WHERE name > :after ORDER BY name LIMIT :rows"


def index(db: Reader, asked: Asked) -> Page[Permission]:
    """Known permissions by name: those that are built in, and those that were added."""
    part = window(BY_NAME, asked)
    after, skipped = part.values.get("after_id", ""), part.values.get("skipped", 0)
    stored = db.read(_STORED, _Stored, after=after, rows=skipped + part.values["rows"])
    built_in = {name: words for name, words in DESCRIPTIONS.items() if name > after}
    known = {row.name: row.description for row in stored} | built_in
    shown = sorted(known)[skipped : skipped + part.values["rows"]]
    rows = [_Row(name, None, name, Permission(name, known[name], name in DESCRIPTIONS)) for name in shown]
    page = page_of(rows, BY_NAME, asked, exact=False)
    return Page([row.permission for row in page.data], page.page)


def show(db: Reader, name: str) -> Permission:
    """A permission that there is. Raises NotFound."""
    if name in DESCRIPTIONS:
        return Permission(name, DESCRIPTIONS[name], True)
    sql = "SELECT name, description FROM permissions WHERE name = :name"
    row = db.one(sql, _Stored, name=name) if _is_name(name) else None
    if row is None:
        raise NotFound("There is no such permission.")
    return Permission(row.name, row.description, False)


def add(tx: Tx, *, person: Person, name: str, description: str | None, now: datetime) -> None:
    """A permission of the site's own. Raises NotAllowed, PermissionTaken."""
    person = require(sessions.confirm(tx, person, now=now), "manage:permissions")
    if name in DESCRIPTIONS:
        raise PermissionTaken
    try:
        tx.insert_many("permissions", [{"name": name, "description": description}])
    except Duplicate as taken:
        raise PermissionTaken from taken
    audit.record(tx, actor=person, action="add", target_kind="permission", target_id=name, details={}, now=now)


def grant(tx: Tx, *, person: Person, user_id: str, permission: str, now: datetime) -> None:
    """Grants a permission, from the next request on; doing it again changes nothing. Raises NotFound, NotAllowed."""
    person = _hold(tx, person=person, user_id=user_id, permission=permission, now=now)
    show(tx, permission)
    if permission in DESCRIPTIONS:
        tx.write(
            "INSERT INTO permissions (name, description) VALUES (:name, :words) ON CONFLICT (name) DO NOTHING",
            name=permission,
            words=DESCRIPTIONS[permission],
        )
    granted = tx.write(
        "INSERT INTO grants (user_id, permission, granted_by, granted_at) VALUES (:user_id, :permission, :by, :now)"
        " ON CONFLICT (user_id, permission) DO NOTHING",
        user_id=user_id,
        permission=permission,
        by=person.id,
        now=now,
    )
    if granted:
        users.record(tx, "grant", person=person, user_id=user_id, details={"permission": permission}, now=now)


def revoke(tx: Tx, *, person: Person, user_id: str, permission: str, now: datetime) -> None:
    """Takes back what was granted; what a role brings stays. Raises NotFound, NotAllowed."""
    person = _hold(tx, person=person, user_id=user_id, permission=permission, now=now)
    sql = "DELETE FROM grants WHERE user_id = :user_id AND permission = :permission"
    if not _is_name(permission) or not tx.write(sql, user_id=user_id, permission=permission):
        raise NotFound("This was not granted.")
    users.record(tx, "revoke", person=person, user_id=user_id, details={"permission": permission}, now=now)


def _hold(tx: Tx, *, person: Person, user_id: str, permission: str, now: datetime) -> Person:
    """Locks who is meant; who acts, as of now. Administrators grant anything, others what they have themselves."""
    held = users.hold(tx, user_id, now=now)
    person = require(sessions.confirm(tx, person, now=now), "manage:permissions")
    users.require_above(person, held.role)
    if person.role != "admin" and not may(person, permission):
        raise NotAllowed("Only administrators may grant, or take back, what they do not have themselves.")
    return person
