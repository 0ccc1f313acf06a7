"""Who may do what: permissions by role, and what each act asks for, as two tables of data."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

UPLOADER = frozenset(
    {"create:series", "update:series", "create:chapter", "update:chapter", "upload:file", "create:team"}
)
MODERATOR = UPLOADER | {"hide:any", "edit:any", "see:any", "delete:comment", "mute:user"}
ADMIN = MODERATOR | {"delete:any", "manage:teams", "manage:users", "manage:permissions", "read:audit"}

ROLES: dict[str, frozenset[str]] = {
    "user": frozenset(),
    "uploader": UPLOADER,
    "moderator": MODERATOR,
    "admin": ADMIN,
}
"""Roles from least to most, each with its permissions. A person can be granted more, one by one."""

DESCRIPTIONS: dict[str, str] = {
    "create:series": "Start a series.",
    "update:series": "Edit the series that one owns, alone or with a team.",
    "create:chapter": "Add chapters to the series that one owns.",
    "update:chapter": "Edit chapters that one owns: their pages, publishing, hiding.",
    "upload:file": "Upload covers and other files.",
    "create:team": "Found a team.",
    "hide:any": "Hide and show any series or chapter.",
    "edit:any": "Edit the words of any series or chapter.",
    "see:any": "See drafts, scheduled and hidden things of others.",
    "delete:comment": "Delete comments of others.",
    "mute:user": "Mute people of lower roles.",
    "delete:any": "Delete any series or chapter.",
    "manage:teams": "Change any team and its members.",
    "manage:users": "Change roles, ban and unban.",
    "manage:permissions": "Grant permissions to single people.",
    "read:audit": "Read the log of what was done.",
}


def outranks(role: str, other: str) -> bool:
    """Whether `role` is above `other`."""
    order = list(ROLES)
    return order.index(role) > order.index(other)


class Rule(NamedTuple):
    """An act is for `whose` the thing is, when they have the permission `needs`; and for all who have `override`.

    With `voice` it is for nobody who is muted.
    """

    whose: Literal["anybody", "owners", "leaders"]
    needs: str = ""
    override: str = ""
    voice: bool = False


RULES: Mapping[str, Rule] = {
    # act: for whom, who have, or anybody who has
    "series.create": Rule("anybody", "create:series"),
    "series.change": Rule("owners", "update:series", "edit:any"),
    "series.hide": Rule("owners", "update:series", "hide:any"),
    "series.give": Rule("leaders", "update:series", "manage:teams"),
    "series.remove": Rule("leaders", "update:series", "delete:any"),
    "chapters.create": Rule("owners", "create:chapter", "delete:any"),
    "chapters.change": Rule("owners", "update:chapter", "edit:any"),
    "chapters.give": Rule("leaders", "update:chapter", "manage:teams"),
    "chapters.publish": Rule("owners", "update:chapter", "delete:any"),
    "chapters.unhide": Rule("owners", "update:chapter", "hide:any"),
    "chapters.hide": Rule("owners", "update:chapter", "hide:any"),
    "chapters.remove": Rule("owners", "update:chapter", "delete:any"),
    "pages.tell": Rule("owners", "update:chapter", "delete:any"),
    "pages.add": Rule("owners", "update:chapter", "delete:any"),
    "pages.arrange": Rule("owners", "update:chapter", "delete:any"),
    "files.add": Rule("anybody", "upload:file"),
    "uploads.to_chapter": Rule("owners", "update:chapter", "delete:any"),
    "uploads.to_series": Rule("owners", "update:series", "edit:any"),
    "uploads.generic": Rule("anybody", "upload:file"),
    "comments.create": Rule("anybody", voice=True),
    "comments.change": Rule("owners", voice=True),
    "comments.remove": Rule("owners", "", "delete:comment"),
    "ratings.rate_series": Rule("anybody", voice=True),
    "ratings.rate_chapter": Rule("anybody", voice=True),
    "administration.change_user": Rule("anybody", "manage:users"),
    "administration.mute_user": Rule("anybody", "mute:user", "manage:users"),
    "teams.create": Rule("anybody", "create:team"),
    "teams.name": Rule("owners", "", "edit:any"),
    "teams.change": Rule("leaders", "", "manage:teams"),
    "teams.remove": Rule("leaders", "", "manage:teams"),
    "teams.set_member": Rule("leaders", "", "manage:teams"),
    "teams.remove_member": Rule("leaders", "", "manage:teams"),
}
"""What each act asks for, named as its verb. It is asked after sight: what somebody may not see is not found.

`series.hide` takes out of sight, or shows again what was shown before, as `chapters.unhide` does; `series.give` and
`chapters.give` change whose it is; `uploads.*` are asked by what the files are for, from announcing to committing them.
Owners of a team are its members, of a comment who wrote it.
"""
