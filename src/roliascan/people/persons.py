"""Somebody who asks: read afresh with every request, so that a lower role or a ban counts at once."""

import msgspec

from roliascan.errors import NotAllowed, NotSignedIn
from roliascan.people.permissions import ADMIN, ROLES, RULES

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


def require_right(person: Person, act: str, *, owns: bool = False, leads: bool = False) -> None:
    """Who owns or leads the thing may do what RULES say, and who has the right to act anywhere.

    Raises NotAllowed, Muted.
    """
    rule = RULES[act]
    if rule.voice and person.is_muted:
        raise Muted
    if may_anywhere(person, act):
        return
    if not {"anybody": True, "owners": owns, "leaders": leads}[rule.whose]:
        raise NotAllowed(_NOT_YOURS[rule.whose])
    if rule.needs:
        require(person, rule.needs)


def may_anywhere(person: Person | None, act: str) -> bool:
    """Whether somebody may do this to what belongs to others."""
    return may(person, RULES[act].override)


_NOT_YOURS = {
    "owners": "This belongs to others.",
    "leaders": "This is for whoever made it, and for leaders of the team that it belongs to.",
}


def effective(role: str, granted: list[str]) -> frozenset[str]:
    """The permissions of a role and those granted on top; who may change anything has to see it."""
    found = ROLES.get(role, frozenset()).union(granted)
    return found | {"see:any"} if found & _NEED_SIGHT else found


def operator(user_id: str = "") -> Person:
    """Who works at the command line: may do everything, in the name of an account or of nobody."""
    return Person(user_id, "operator", "", "admin", False, "", ADMIN)
