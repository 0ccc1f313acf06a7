"""Signing up, in and out, and one's own account."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.errors import Problem
from roliascan.people import accounts, sessions, tokens
from roliascan.people.accounts import Account, Membership, PublicPerson, SignedIn
from roliascan.web.calls import COOKIE, Call, Created, Empty

# Tries to sign in, in multiples of the limit of one address. An account's own limit is wide, and nothing outlasts it:
# with a narrow one, or with locks, anybody could keep its owner out from a single address.
OF_ONE_ACCOUNT, OF_EVERYBODY = 10, 100

Username = Annotated[str, Meta(min_length=3, max_length=30)]
Email = Annotated[str, Meta(min_length=3, max_length=254)]
Password = Annotated[str, Meta(max_length=1024)]


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """An account to make."""

    email: Email
    username: Username
    password: Password

    @staticmethod
    def rules(given: Mapping[str, Any]) -> list[Problem]:
        return _problems(given)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """`login` is an e-mail address or a username."""

    login: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Password


class AccountChange(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """`currentPassword` is needed for another address or password; a new password ends the other sessions."""

    username: Username | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET

    @staticmethod
    def rules(given: Mapping[str, Any]) -> list[Problem]:
        return _problems(given)


def _problems(given: Mapping[str, Any]) -> list[Problem]:
    """Of what is given, what no type can say."""
    told = {name: given.get(name, UNSET) for name in ("username", "email", "password")}
    return accounts.problems(**{name: value for name, value in told.items() if value is not UNSET})


class Token(msgspec.Struct):
    """A token for `Authorization: Bearer`; the same is set as the cookie `token`."""

    token: str
    user: Account


class Me(msgspec.Struct, rename="camel"):
    """One's own account and what one may do."""

    id: str
    email: str
    username: str
    role: str
    permissions: list[str]
    is_muted: bool
    teams: list[Membership]


def register(call: Call, body: Registration) -> Created[Token]:
    """Makes an account and signs it in. It may read and take part; to publish takes another role."""
    call.limit("register", call.address, wider=call.around)
    signed_in = accounts.register(
        call.db,
        email=body.email,
        username=body.username,
        password=body.password,
        lasts_s=call.settings.jwt_expires_in,
        now=call.now,
    )
    return Created(_token(call, signed_in), f"/users/{signed_in.account.id}")


def login(call: Call, body: Credentials) -> Token:
    """Signs in. The token is in the answer and, for browsers, in the cookie `token`."""
    wider = {accounts.login_key(body.login): OF_ONE_ACCOUNT, **call.around, "everybody": OF_EVERYBODY}
    call.limit("login", call.address, wider=wider)
    signed_in = accounts.log_in(
        call.db, login=body.login, password=body.password, lasts_s=call.settings.jwt_expires_in, now=call.now
    )
    return _token(call, signed_in)


def _token(call: Call, signed_in: SignedIn) -> Token:
    token = tokens.issue(
        signed_in.session_id, secret=call.settings.jwt_secret, now=call.now, expires_at=signed_in.expires_at
    )
    call.resp.set_cookie(
        COOKIE,
        token,
        max_age=call.settings.jwt_expires_in,
        path="/",
        http_only=True,
        same_site="Lax",
        secure=call.settings.public_url.startswith("https:"),
    )
    return Token(token, signed_in.account)


def logout(call: Call) -> Empty:
    """Ends the session of this token."""
    call.db.run(sessions.end, call.person.session_id)
    call.resp.unset_cookie(COOKIE, path="/", same_site="Lax")
    return Empty()


def me(call: Call) -> Me:
    """Your own account, and what you may do."""
    person = call.person
    return Me(
        person.id,
        person.email,
        person.username,
        person.role,
        sorted(person.permissions),
        person.is_muted,
        accounts.teams_of(call.db, person.id),
    )


def change(call: Call, body: AccountChange) -> Me:
    """Changes your own account."""
    if body.current_password is not UNSET:  # who stole a token could try passwords here
        call.limit("login", call.person.id)
    accounts.change(
        call.db,
        call.person,
        username=_given(body.username),
        email=_given(body.email),
        password=_given(body.password),
        current_password=_given(body.current_password),
        now=call.now,
    )
    call.read_viewer()
    return me(call)


def _given(value: str | UnsetType) -> str | None:
    return None if value is UNSET else value


def show(call: Call, user: str) -> PublicPerson:
    """A person, as everybody sees them."""
    return accounts.show(call.db, user)
