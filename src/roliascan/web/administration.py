"""Users, their permissions, and the audit log, for those who keep order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.errors import Problem
from roliascan.paging import Page
from roliascan.people import audit, grants, users
from roliascan.people.audit import AuditEntry
from roliascan.people.grants import Permission
from roliascan.people.users import User
from roliascan.web.calls import Call, Created, Empty
from roliascan.web.fields import Id, Reason, Search
from roliascan.web.queries import ListQuery

Role = Literal["user", "uploader", "moderator", "admin"]
PermissionName = Annotated[str, Meta(pattern=grants.NAME, max_length=grants.LONGEST)]


class UsersQuery(ListQuery, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`q` is how a username or an address begins."""

    q: Search | None = None
    role: Role | None = None
    is_banned: bool | None = None


class UserChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is absent stays. `banReason` and `bannedUntil` belong to a ban, which without an end lasts."""

    role: Role | UnsetType = UNSET
    is_banned: bool | UnsetType = UNSET
    ban_reason: Reason | UnsetType | None = UNSET
    banned_until: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    is_muted: bool | UnsetType = UNSET

    @staticmethod
    def rules(given: Mapping[str, Any]) -> list[Problem]:
        if given.get("is_banned") is not False:
            return []
        words = {"banReason": given.get("ban_reason"), "bannedUntil": given.get("banned_until")}
        return [Problem(field, "goes with a ban") for field, value in words.items() if value not in (None, UNSET)]


class NewPermission(msgspec.Struct, forbid_unknown_fields=True):
    """A permission of the site's own, such as `edit:wiki`, for programs that read what people may."""

    name: PermissionName
    description: Reason | None = None


class AuditQuery(ListQuery, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`targetId` goes with its `targetKind`."""

    actor: Id | None = None
    action: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    target_kind: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    target_id: Annotated[str, Meta(min_length=1, max_length=60)] | None = None

    @staticmethod
    def rules(given: Mapping[str, Any]) -> list[Problem]:
        alone = given.get("target_id") is not None and given.get("target_kind") is None
        return [Problem("targetKind", "is needed with targetId")] if alone else []


def list_users(call: Call, query: UsersQuery) -> Page[User]:
    """Users, newest first."""
    wanted = users.Filter(q=query.q, role=query.role, is_banned=query.is_banned)
    return users.index(call.db, query.asked, wanted, viewer=call.person, now=call.now)


def change_user(call: Call, body: UserChange, user: str) -> User:
    """Changes a role, bans, mutes. For administrators, and for who may mute: `isMuted` of people of lower roles.

    A ban signs them out everywhere and makes strangers of them until it ends. It is refused for the last administrator,
    and for who leads a team alone.
    """
    wanted = users.Change(**msgspec.structs.asdict(body))
    call.db.run(users.change, user, wanted, person=call.person, now=call.now)
    return _user(call, user)


def list_permissions(call: Call, query: ListQuery) -> Page[Permission]:
    """Permissions that can be granted, by name."""
    return grants.index(call.db, query.asked)


def show_permission(call: Call, permission: str) -> Permission:
    """A permission that can be granted."""
    return grants.show(call.db, permission)


def add_permission(call: Call, body: NewPermission) -> Created[Permission]:
    """Adds a permission of the site's own. It opens nothing here."""
    call.db.run(grants.add, person=call.person, name=body.name, description=body.description, now=call.now)
    return Created(grants.show(call.db, body.name), f"/admin/permissions/{body.name}")


def grant(call: Call, user: str, permission: str) -> User:
    """Grants a permission on top of the role. It counts from the person's next request on."""
    call.db.run(grants.grant, person=call.person, user_id=user, permission=permission, now=call.now)
    return _user(call, user)


def revoke(call: Call, user: str, permission: str) -> Empty:
    """Takes back a permission that was granted. What the role brings stays."""
    call.db.run(grants.revoke, person=call.person, user_id=user, permission=permission, now=call.now)
    return Empty()


def list_audit(call: Call, query: AuditQuery) -> Page[AuditEntry]:
    """The audit log, newest first: what was done by right of a role or a permission."""
    wanted = audit.Filter(
        actor=query.actor, action=query.action, target_kind=query.target_kind, target_id=query.target_id
    )
    return audit.index(call.db, query.asked, wanted)


def _user(call: Call, user_id: str) -> User:
    return users.show(call.db, user_id, viewer=call.person, now=call.now)
