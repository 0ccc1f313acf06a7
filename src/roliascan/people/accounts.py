"""Accounts: registering, signing in, changing one's own, and the first administrator."""

from datetime import datetime

import msgspec

from roliascan.database import Database, Duplicate, Reader, Tx
from roliascan.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Problem
from roliascan.ids import is_id, new_id
from roliascan.people import names, passwords, sessions
from roliascan.people.persons import Person

MOST_TEAMS = 200  # that are told of one person


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this e-mail address exists already; sign in instead."


class UsernameTaken(Conflict):
    code = "username_taken"
    detail = "This username, or one that looks like it, is taken; choose another."


class InvalidCredentials(NotSignedIn):
    """Said for every reason alike: unknown, wrong, banned."""

    code = "invalid_credentials"
    detail = "The name or the password is wrong."


class WrongPassword(NotAllowed):
    code = "wrong_password"
    detail = "currentPassword is missing or wrong; it is needed to change the address or the password."


class Account(msgspec.Struct, rename="camel"):
    """What a person is told of their own account."""

    id: str
    email: str
    username: str
    role: str


class PublicPerson(msgspec.Struct, rename="camel"):
    """What everybody is told of a person."""

    id: str
    username: str
    role: str
    created_at: str


class Membership(msgspec.Struct):
    """A team that a person belongs to."""

    id: str
    name: str
    role: str


class SignedIn(msgspec.Struct):
    """A person's new session."""

    account: Account
    session_id: str
    expires_at: datetime


def problems(*, username: str | None = None, email: str | None = None, password: str | None = None) -> list[Problem]:
    """Everything that is wrong with what is given."""
    found = []
    if username is not None and (wrong := names.username_problem(username)):
        found.append(Problem("username", wrong))
    if email is not None and (wrong := names.email_problem(email)):
        found.append(Problem("email", wrong))
    if password is not None and not 8 <= len(password.encode()) <= 1024:
        found.append(Problem("password", "must be 8 to 1024 bytes long"))
    if password is not None and password.casefold() in {(username or "").casefold(), (email or "").casefold()}:
        found.append(Problem("password", "must not be your name or address"))
    return found


def check(*, username: str | None = None, email: str | None = None, password: str | None = None) -> None:
    """Raises Invalid naming everything that is wrong with what is given."""
    if found := problems(username=username, email=email, password=password):
        raise Invalid(*found)


def register(
    db: Database, *, email: str, username: str, password: str, role: str = "user", lasts_s: int, now: datetime
) -> SignedIn:
    """A new account and its first session. Raises Invalid, EmailTaken, UsernameTaken."""
    check(username=username, email=email, password=password)
    password_hash = passwords.hashed(password)
    account = Account(new_id(now), email, username, role)
    return db.run(_insert, account, password_hash=password_hash, lasts_s=lasts_s, now=now)


def _insert(tx: Tx, account: Account, *, password_hash: str, lasts_s: int, now: datetime) -> SignedIn:
    _refuse_taken(tx, username=account.username, email=account.email, but=account.id)
    try:
        tx.write(
            "INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, is_banned, is_muted,"
            " created_at, updated_at) VALUES (:id, :username, :username_key, :email, :email_key, :password_hash, :role,"
            " :no, :no, :now, :now)",
            id=account.id,
            username=account.username,
            username_key=names.username_key(account.username),
            email=account.email,
            email_key=names.email_key(account.email),
            password_hash=password_hash,
            role=account.role,
            no=False,
            now=now,
        )
    except Duplicate as taken:  # the other one came between the look and the insert
        raise UsernameTaken("This username or e-mail address was taken a moment ago.") from taken
    session_id, expires_at = sessions.start(tx, user_id=account.id, lasts_s=lasts_s, now=now)
    if account.role == "admin":
        _record_admin(tx, account, now=now)
    return SignedIn(account, session_id, expires_at)


def _record_admin(tx: Tx, account: Account, *, now: datetime) -> None:
    from roliascan.people import audit  # who signs up does not need it

    details = {"username": account.username}
    audit.record(
        tx, actor=None, action="create_admin", target_kind="user", target_id=account.id, details=details, now=now
    )


class _Taken(msgspec.Struct):
    email_key: str


def _refuse_taken(tx: Tx, *, username: str, email: str, but: str) -> None:
    """The helpful answer; the unique keys decide."""
    key = names.email_key(email)
    taken = tx.one(
        "SELECT email_key FROM users WHERE (username_key = :username_key OR email_key = :email_key) AND id <> :but",
        _Taken,
        username_key=names.username_key(username),
        email_key=key,
        but=but,
    )
    if taken:
        raise EmailTaken if taken.email_key == key else UsernameTaken


class _Login(msgspec.Struct):
    """Who wants to sign in. The other fields are null unless it `is_known`."""

    bcrypt_cost: int | None
    is_known: bool
    id: str
    email: str
    username: str
    role: str
    password_hash: str
    is_open: bool


_LOGIN = """
SELECT k.value AS bcrypt_cost, u.id IS NOT NULL AS is_known, u.id, u.email, u.username, u.role, u.password_hash,
       (NOT u.is_banned OR (u.banned_until IS NOT NULL AND u.banned_until <= :now)) AS is_open
FROM (SELECT 1 AS one) o LEFT JOIN users u ON u.{} = :key LEFT JOIN counters k ON k.name = 'bcrypt_cost'
"""
_LOGIN_BY = {True: _LOGIN.format("email_key"), False: _LOGIN.format("username_key")}


def login_key(login: str) -> str:
    """Equal for all spellings of the address or the username that somebody signs in with."""
    return names.email_key(login) if "@" in login else names.username_key(login)


def log_in(db: Database, *, login: str, password: str, lasts_s: int, now: datetime) -> SignedIn:
    """A new session for an address or a username. Raises InvalidCredentials, in equal time for every reason."""
    (row,) = db.read(_LOGIN_BY["@" in login], _Login, key=login_key(login), now=now)
    known_hash = row.password_hash if row.is_known else None
    if not passwords.matches(password, known_hash, bcrypt_cost=row.bcrypt_cost) or not row.is_open:
        raise InvalidCredentials
    fresh = passwords.hashed(password) if passwords.is_outdated(row.password_hash) else None
    return db.run(_start, row, fresh_hash=fresh, lasts_s=lasts_s, now=now)


def _start(tx: Tx, row: _Login, *, fresh_hash: str | None, lasts_s: int, now: datetime) -> SignedIn:
    # Hashing took its time: who changed the password, or banned them, meanwhile meant to keep the old one's owner out.
    held = tx.one(_HELD, _Held, id=row.id, now=now)
    if held is None or held.password_hash != row.password_hash or not held.is_open:
        raise InvalidCredentials
    if fresh_hash:
        _set(tx, row.id, now=now, password_hash=fresh_hash)
    session_id, expires_at = sessions.start(tx, user_id=row.id, lasts_s=lasts_s, now=now)
    return SignedIn(Account(row.id, row.email, row.username, row.role), session_id, expires_at)


class _Held(msgspec.Struct):
    password_hash: str
    is_open: bool


_HELD = f"SELECT u.password_hash, {sessions.IS_OPEN} AS is_open FROM users u WHERE u.id = :id FOR UPDATE"


class _Hash(msgspec.Struct):
    password_hash: str


def change(
    db: Database,
    person: Person,
    *,
    username: str | None,
    email: str | None,
    password: str | None,
    current_password: str | None,
    now: datetime,
) -> None:
    """Changes one's own account; a new password ends the other sessions. Raises WrongPassword, Invalid, *Taken."""
    check(username=username, email=email, password=password)
    if email is not None or password is not None:
        row = db.one("SELECT password_hash FROM users WHERE id = :id", _Hash, id=person.id)
        if row is None or current_password is None or not passwords.matches(current_password, row.password_hash):
            raise WrongPassword
    password_hash = None if password is None else passwords.hashed(password)
    db.run(_change, person, username=username, email=email, password_hash=password_hash, now=now)


def _change(
    tx: Tx, person: Person, *, username: str | None, email: str | None, password_hash: str | None, now: datetime
) -> None:
    # Hashing took its time: who changed the password meanwhile ended this session, and meant it.
    tx.one(_HELD, _Held, id=person.id, now=now)
    sessions.confirm(tx, person, now=now)
    _refuse_taken(tx, username=username or person.username, email=email or person.email, but=person.id)
    changes: dict[str, str] = {}
    if username is not None:
        changes |= {"username": username, "username_key": names.username_key(username)}
    if email is not None:
        changes |= {"email": email, "email_key": names.email_key(email)}
    if password_hash is not None:
        changes |= {"password_hash": password_hash}
        sessions.end_others(tx, user_id=person.id, but=person.session_id)
    try:
        _set(tx, person.id, now=now, **changes)
    except Duplicate as taken:
        raise UsernameTaken("This username or e-mail address was taken a moment ago.") from taken


def _set(tx: Tx, user_id: str, *, now: datetime, **changes: str) -> None:
    # column names are keywords of our own callers, values are parameters
    assignments = "".join(f", {column} = :{column}" for column in changes)
    tx.write(f"UPDATE users SET updated_at = :now{assignments} WHERE id = :id", id=user_id, now=now, **changes)


def teams_of(db: Reader, user_id: str) -> list[Membership]:
    """By name; not more than anybody has who was not put into them by somebody of bad will."""
    return db.read(
        "SELECT t.id, t.name, m.role FROM team_members m JOIN teams t ON t.id = m.team_id"
        " WHERE m.user_id = :user_id ORDER BY t.name_key LIMIT :most",
        Membership,
        user_id=user_id,
        most=MOST_TEAMS,
    )


def show(db: Reader, user_id: str) -> PublicPerson:
    """What everybody may know of a person. Raises NotFound."""
    sql = "SELECT id, username, role, created_at FROM users WHERE id = :id"
    person = db.one(sql, PublicPerson, id=user_id) if is_id(user_id) else None
    if person is None:
        raise NotFound
    return person
