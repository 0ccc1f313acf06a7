"""What a handler is given, and what it may give back."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from roliascan.database import Database
from roliascan.database.schema import Gate
from roliascan.errors import Invalid, NotSignedIn, Problem
from roliascan.people import sessions, tokens
from roliascan.people.persons import Person
from roliascan.settings import Settings
from roliascan.storage import AddressOf, Storage
from roliascan.web import queries

if TYPE_CHECKING:
    from roliascan.web.lean import falcon

COOKIE = "token"
NOBODY: Mapping[str, int] = {}
OF_ONE_SITE = 10
"""Addresses: what a whole site of IPv6 may do together."""
T = TypeVar("T")


class Parts(msgspec.Struct, frozen=True):
    """The parts that `create_app` puts together."""

    settings: Settings
    db: Database
    storage: Storage
    clock: Callable[[], datetime]
    gate: Gate
    address_of: AddressOf
    """Below `/uploads/`, or where IMAGE_URL or PUBLIC_URL say."""


class Created(msgspec.Struct, Generic[T]):
    """201 with the thing and its address: below /api/v1, or the whole one of a stored file."""

    body: T
    location: str
    below_api: bool = True


class Opened(Created[T], Generic[T]):
    """201 too, with what asking again goes on with, and needs no key for; what is signed in it is never kept."""


class Empty(msgspec.Struct):
    """204."""


class Redirect(msgspec.Struct):
    """308 to another address below /api/v1."""

    location: str


class Elsewhere(msgspec.Struct):
    """307 to the address of a stored file."""

    location: str


class Tagged(msgspec.Struct, Generic[T]):
    """200 with the thing; its version leads the ETag, so that it can come back in If-Match."""

    body: T
    version: int


def database(parts: Parts, env: Mapping[str, Any]) -> Database:
    """The database for one request, which knows when that has to be answered, where the platform tells."""
    deadline = env.get("roliascan.deadline")
    return parts.db if deadline is None else parts.db.until(deadline)


class Call:
    """One request on its way through a handler: who asks, when, and the parts to answer with."""

    req: "falcon.Request"
    resp: "falcon.Response"
    # Both are for what more than reads for everybody needs: those are answered without the framework (web/reads.py).

    def __init__(self, parts: Parts, env: Mapping[str, Any], token: str | None = None) -> None:
        self.db = database(parts, env)
        self._counts = self.db  # also where `db` tells apart what was saved: counting a request saves nothing of it
        self.storage = parts.storage
        self.settings = parts.settings
        self.address_of = parts.address_of
        self.env = env
        self.now = parts.clock()
        self.token = token
        # no functools.cached_property: in Python 3.11 it has one lock for all requests
        self._viewer: Person | UnsetType | None = UNSET

    @classmethod
    def of(cls, parts: Parts, req: "falcon.Request", resp: "falcon.Response") -> "Call":
        """With what the framework made of the request."""
        call = cls(parts, req.env, token_of(req))
        call.req, call.resp = req, resp
        return call

    @property
    def by_cookie(self) -> bool:
        return self.token is not None and "HTTP_AUTHORIZATION" not in self.env

    @property
    def viewer(self) -> Person | None:
        """Who asks, read once, in one statement; None for strangers, and for tokens that are no longer good."""
        if self._viewer is UNSET:
            self.read_viewer()
        return self._viewer or None

    def read_viewer(self) -> None:
        """Reads who asks, again after they changed themselves."""
        secret = self.settings.jwt_secret
        session_id = tokens.session_of(self.token, secret=secret, now=self.now) if self.token else None
        self._viewer = sessions.find(self.db, session_id, now=self.now) if session_id else None

    @property
    def person(self) -> Person:
        """Who asks, signed in. Raises NotSignedIn."""
        if self.viewer is None:
            raise NotSignedIn
        return self.viewer

    @property
    def address(self) -> str:
        """From where it is asked, as the platform says and nobody else can: what limits of strangers count by."""
        from roliascan.people import limits

        return limits.network(self.env.get("roliascan.client", ""))

    @property
    def around(self) -> dict[str, int]:
        """What is around `address` where there may be many of one owner, for `limit`: the site of an IPv6 address."""
        from roliascan.people import limits

        site = limits.site(self.env.get("roliascan.client", ""))
        return {site: OF_ONE_SITE} if site else {}

    def limit(self, kind: str, whose: str, *, times: int = 1, wider: Mapping[str, int] = NOBODY) -> None:
        """Counts this request against RATE_LIMITS; call it when the request is known to be valid. Raises TooMany.

        `whose`: an identifier of the person who asks, or `address` for strangers. `wider`: what counts it too, each
        allowing so many times the limit. Either all of them count it, or it is refused and none does.
        """
        limit = self.settings.rate_limits.get(kind)
        if limit is None:
            return
        from roliascan.people import limits  # hashing takes 2 ms to load, which readers do not pay

        shares, secret = {whose: 1, **wider}, self.settings.jwt_secret
        buckets = [limits.bucket(kind, one, limit, secret=secret, share=share) for one, share in shares.items()]
        limits.take(self._counts, buckets, times=times)

    @property
    def if_match(self) -> int | None:
        """The version in `If-Match: "7"` (or in an ETag of ours, `"7-..."`); None where there is none, or `*`."""
        header = str(self.env.get("HTTP_IF_MATCH") or "*").strip()
        if header == "*":
            return None
        written = re.fullmatch(r'(?:W/)?"([0-9]{1,9})(?:-[^"]*)?"', header)
        if not written:
            raise Invalid(Problem("If-Match", 'must be a version in quotes, such as "7"'))
        return int(written[1])


def token_of(req: "falcon.Request") -> str | None:
    """The bearer token of the header, else that of the cookie."""
    header = req.get_header("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    return req.cookies.get(COOKIE) if "HTTP_COOKIE" in req.env else None


Handler = Callable[..., Any]


class Wants(NamedTuple):
    """A handler, the types of the query and the body that it takes, and whether it answers with what it created."""

    handler: Handler
    query: Any
    body: Any
    body_optional: bool
    creates: bool


def wants_of(handler: Handler) -> Wants:
    """What the annotations of a handler say."""
    query = handler.__annotations__.get("query", queries.NoQuery)
    body = handler.__annotations__.get("body")
    creates = getattr(handler.__annotations__.get("return"), "__origin__", None) is Created
    arguments = getattr(body, "__args__", ())
    if type(None) in arguments:
        return Wants(handler, query, next(one for one in arguments if one is not type(None)), True, creates)
    return Wants(handler, query, body, False, creates)
