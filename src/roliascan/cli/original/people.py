"""The original's people: those who cannot both be here, as a question; then their accounts and permissions."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from roliascan.cli.original import reading
from roliascan.cli.original.report import Report
from roliascan.cli.original.rows import insert_new, present
from roliascan.database import Database, Tx
from roliascan.errors import Conflict
from roliascan.people import names, passwords
from roliascan.people.permissions import DESCRIPTIONS, ROLES
from roliascan.text import tidy

_NO_PASSWORD = "!"  # noqa: S105 - a hash that no password has
_USERNAME_MAX = 30
_KEY_MAX = 190  # characters that the database keeps; one letter of a name may be 18 of its key
_STAFF = {"moderator", "admin"}


class Clashing(Conflict):
    """Accounts that cannot all be here as they are; nothing was written."""

    code = "accounts_clash"


class Clash(NamedTuple):
    """Why an account cannot come as it is, of its username, its address, or both."""

    username: str = ""
    email: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, self))


class Names:
    """Every username and address of the original, as numbers: of a million people some 150 MB."""

    def __init__(self) -> None:
        self.usernames: set[int] = set()
        self.clashes: dict[str, Clash] = {}
        self._emails: set[int] = set()

    def look(self, db: Database, users: list[reading.User]) -> None:
        """Takes in those who are not here yet, the oldest first, and remembers who clashes with whom."""
        here = present(db, "users", [user.id for user in users])
        new = [user for user in users if user.id not in here]
        taken = _taken(db, new)
        for user in new:
            username, email = _keys(user)
            clash = Clash(
                _username_problem(user) or _twin("username", username, taken, self.usernames),
                names.email_problem(tidy(user.email)) or _twin("address", email, taken, self._emails),
            )
            if any(clash):
                self.clashes[user.id] = clash
            self.usernames.add(hash(username))
            self._emails.add(hash(email))


def _username_problem(user: reading.User) -> str:
    """Rules for new names do not bind old ones, but a name must fit, be seen, and not claim an office."""
    name = tidy(user.username)
    key = names.username_key(name)
    fits = name and len(name) <= _USERNAME_MAX and len(key) <= _KEY_MAX
    if not fits or "@" in name or any(unicodedata.category(c)[0] == "C" for c in name):
        return f"the username must have 1 to {_USERNAME_MAX} characters, none of them @ or invisible"
    if user.role not in _STAFF and key in {names.username_key(word) for word in names.RESERVED}:
        return "the username is reserved for those who run the site"
    return ""


def _twin(what: str, key: str, taken: set[str], before: set[int]) -> str:
    if key in taken:
        return f"an account here has this {what}, or one that looks like it"
    return f"an older account has this {what}, or one that looks like it" if hash(key) in before else ""


def _keys(user: reading.User) -> tuple[str, str]:
    return names.username_key(user.username), names.email_key(user.email)


class _Keys(msgspec.Struct):
    username_key: str
    email_key: str


def _taken(db: Database, users: list[reading.User]) -> set[str]:
    """The keys of people here, of which some could be those of `users`. No username has an @, every address does."""
    if not users:
        return set()
    rows = db.read(
        "SELECT username_key, email_key FROM users WHERE username_key IN (:usernames) OR email_key IN (:emails)",
        _Keys,
        usernames=[_keys(user)[0] for user in users],
        emails=[_keys(user)[1] for user in users],
    )
    return {key for row in rows for key in (row.username_key, row.email_key)}


def settle(db: Database, original: Tx, report: Report, *, rename: bool) -> Names:
    """Who comes under which name. Raises Clashing, after naming every account that clashes, unless it may `rename`."""
    found = Names()
    for users in reading.users(original):
        found.look(db, users)
    if found.clashes and not rename:
        for user in _clashing(original, found):
            report.tell("users", "refused", f"{user.username} <{user.email}>", str(found.clashes[user.id]), id=user.id)
        raise Clashing(
            f"{len(found.clashes)} accounts cannot come as they are; nothing was taken over. Mend them in the original,"
            " or say --rename: these come with a name of their own, or without their address."
        )
    return found


def _clashing(original: Tx, found: Names) -> Iterator[reading.User]:
    for users in reading.users(original):
        yield from (user for user in users if user.id in found.clashes)


def take(db: Database, original: Tx, report: Report, settled: Names) -> None:
    """Raises Duplicate when somebody registers under one of the names meanwhile."""
    for users in reading.users(original):
        here = present(db, "users", [user.id for user in users])
        new = [user for user in users if user.id not in here]
        rows = [_row(db, user, report, settled) for user in new]
        db.run(_insert, rows)
        report.count("users", "added", len(new))
        report.count("users", "unchanged", len(here))
        report.step(len(users))


def _row(db: Database, user: reading.User, report: Report, settled: Names) -> dict[str, Any]:
    username, email = _named(db, user, report, settled)
    role, password = user.role, user.password
    if role not in ROLES:
        report.tell("users", "warning", username, f"has the role {role!r}, which is none; came as user", id=user.id)
        role = "user"
    if passwords.bcrypt_cost_of(password) is None:
        report.tell("users", "warning", username, "has no password that can be checked", id=user.id)
        password = _NO_PASSWORD
    return {
        "id": user.id,
        "username": username,
        "username_key": names.username_key(username),
        "email": email,
        "email_key": names.email_key(email),
        "password_hash": password,
        "role": role,
        "is_banned": user.is_banned,
        "is_muted": user.is_muted,
        "created_at": datetime.fromisoformat(user.created_at),
        "updated_at": datetime.fromisoformat(user.updated_at),
    }


def _named(db: Database, user: reading.User, report: Report, settled: Names) -> tuple[str, str]:
    """Username and address; others than they were, and so reported, where they clash."""
    username, email = tidy(user.username), tidy(user.email)
    clash = settled.clashes.get(user.id)
    if clash is None:
        return username, email
    if clash.username:
        username = _free(db, username, settled)
    if clash.email:
        email = f"{user.id}@renamed.invalid"  # RFC 2606: nobody ever gets letters there
    what = f"came as {username} <{email}>: {clash}"
    report.tell("users", "warning", f"{user.username} <{user.email}>", what, id=user.id)
    return username, email


def _free(db: Database, username: str, settled: Names) -> str:
    """`name-2`, `name-3`...: a name that nobody has, neither there nor here."""
    kept = "".join(c for c in username if unicodedata.category(c)[0] != "C" and c != "@")[: _USERNAME_MAX - 6]
    base = kept.strip(".- ")
    if not base or len(names.username_key(f"{base}-99999")) > _KEY_MAX:
        base = "reader"
    number = 2
    while True:
        name = f"{base}-{number}"
        key = names.username_key(name)
        here = db.read("SELECT username_key, email_key FROM users WHERE username_key = :key", _Keys, key=key)
        if hash(key) not in settled.usernames and not here:
            settled.usernames.add(hash(key))
            return name
        number += 1


class _Cost(msgspec.Struct):
    value: int


def _insert(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.insert_many("users", rows)
    costs = [cost for row in rows if (cost := passwords.bcrypt_cost_of(row["password_hash"])) is not None]
    if costs:
        _remember_cost(tx, max(costs))


def _remember_cost(tx: Tx, cost: int) -> None:
    """From now on a failed login takes as long as one that meets such a hash; see `passwords.matches`."""
    insert_new(tx, "counters", [{"name": "bcrypt_cost", "value": cost}])
    tx.write("UPDATE counters SET value = :cost WHERE name = 'bcrypt_cost' AND value < :cost", cost=cost)


# Permissions.


def take_permissions(db: Database, original: Tx, report: Report, *, now: datetime) -> None:
    """Those of our names mean what ours mean; the others come as the site's own, and nothing asks for them."""
    for permissions in reading.permissions(original):
        rows = [
            {"name": _ours(one.name), "description": tidy(one.description)[:500] or None}
            for one in permissions
            if _fits(one, report)
        ]
        added = db.run(insert_new, "permissions", rows)
        report.count("permissions", "added", added)
        report.count("permissions", "unchanged", len(rows) - added)
    for grants in reading.grants(original):
        _grant(db, [grant for grant in grants if tidy(grant.name)[:50] == tidy(grant.name) != ""], report, now=now)
        report.step(len(grants))


def _fits(one: reading.Grant, report: Report) -> bool:
    if 1 <= len(tidy(one.name)) <= 50:
        return True
    report.tell("permissions", "refused", one.name, "a name has 1 to 50 characters")
    return False


def _ours(name: str) -> str:
    """`create:content` is `create:series` here."""
    name = tidy(name)
    renamed = name.replace("content", "series")
    return renamed if renamed in DESCRIPTIONS else name


class _Granted(msgspec.Struct):
    user_id: str
    permission: str


def _grant(db: Database, grants: list[reading.Grant], report: Report, *, now: datetime) -> None:
    sql = "SELECT user_id, permission FROM grants WHERE user_id IN (:ids)"
    ids = sorted({grant.user_id for grant in grants})
    here = {(row.user_id, row.permission) for row in db.read(sql, _Granted, ids=ids)}
    new = [grant for grant in grants if (grant.user_id, _ours(grant.name)) not in here]
    rows = [{"user_id": grant.user_id, "permission": _ours(grant.name), "granted_at": now} for grant in new]
    db.run(insert_new, "grants", rows)
    for grant in new:
        if (name := _ours(grant.name)) in DESCRIPTIONS:
            # The original never asked for what was granted to single people: somebody should know that this does.
            report.tell("permissions", "warning", grant.username, f"may {name} from now on", id=grant.user_id)
    report.count("permissions", "unchanged", len(grants) - len(new))
    report.count("permissions", "added", len(new))
