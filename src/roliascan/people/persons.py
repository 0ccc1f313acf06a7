"""Somebody who asks: read afresh with every request, so that a lower role or a ban counts at once."""

import msgspec

from roliascan.errors import NotAllowed, NotSignedIn
from roliascan.people.permissions import ADMIN, ROLES

_NEED_SIGHT = {"hide:any", "edit:any", "delete:any"}


class Muted(NotAllowed):
    code = "muted"
    detail = "You are muted: you can read, but neither comment nor rate."


class Person(msgspec.Struct, frozen=True):
    """A signed-in person and what they may do right now."""

    id: str
    username: str
    email: str
    role: str
    is_muted: bool
    session_id: str
    permissions: frozenset[str]


def may(person: Person | None, permission: str) -> bool:
    return person is not None and permission in person.permissions


def require(person: Person | None, permission: str) -> Person:
    """The person, who has this permission; raises NotSignedIn or NotAllowed."""
    if person is None:
        raise NotSignedIn
    if permission not in person.permissions:
        raise NotAllowed(f"This needs the permission {permission}, which you do not have.")
    return person


def require_voice(person: Person) -> None:
    """Raises Muted."""
    if person.is_muted:
        raise Muted


def effective(role: str, granted: list[str]) -> frozenset[str]:
    """The permissions of a role and those granted on top; who may change anything has to see it."""
    found = ROLES.get(role, frozenset()).union(granted)
    return found | {"see:any"} if found & _NEED_SIGHT else found


def operator(user_id: str = "") -> Person:
    """Who works at the command line: may do everything, in the name of an account or of nobody."""
    return Person(user_id, "operator", "", "admin", False, "", ADMIN)
