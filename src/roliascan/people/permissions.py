"""Who may do what by role: one table as data."""

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
