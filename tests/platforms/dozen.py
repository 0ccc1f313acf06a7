"""The requests that every runtime answers alike, and where they may not, why. Data only."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests import drawings
from tests.platforms import sites
from tests.platforms.sites import FORM, PASSWORD

NONE: Mapping[str, str] = MappingProxyType({})


class Step(NamedTuple):
    """One request. `{name}` in target, headers and texts stands for what the site holds or a step before kept.

    A header with a tuple of values is sent once for each. `keep` names members of the JSON answer, or headers, to keep.
    `fresh`: the answer holds identifiers, tokens and instants made for it, which are compared by their place and not by
    their value.
    """

    name: str
    method: str
    target: str
    status: int
    headers: Mapping[str, str | tuple[str, ...]] = NONE
    json: Any = None
    body: bytes = b""
    keep: tuple[str, ...] = ()
    fresh: bool = False


SIGNED_IN = {"Authorization": "Bearer {token}"}
ADMIN = {"Authorization": "Bearer {admin_token}"}
JSON = {"Content-Type": "application/json"}
PERSON = {"email": "reader@comics.example", "username": "Лектор", "password": PASSWORD}
API = "/api/v1"

# A page by a ticket, from its announcement to its reader.
_PICTURE = drawings.page(seed=21)
_ANNOUNCED = {
    "target": {"chapterId": "{chapter}"},
    "files": [
        {
            "name": "é.png",
            "size": len(_PICTURE),
            "type": "image/png",
            "sha256": hashlib.sha256(_PICTURE).hexdigest(),
            "page": 40,
        }
    ],
}
_PNG = {"Content-Type": "image/png"}
_SESSION = f"{API}/uploads/sessions/{{session}}"
_UPLOAD = f"{API}/uploads/{{upload}}"
_TICKETS = (
    Step("a ticket", "POST", f"{API}/uploads", 201, ADMIN, json=_ANNOUNCED, fresh=True,
         keep=("session", "tickets.0.id:upload", "tickets.0.url:send_to")),
    Step("the same ticket again", "POST", f"{API}/uploads", 201, ADMIN, json=_ANNOUNCED, fresh=True,
         keep=("tickets.0.url:send_to",)),
    Step("what it was not given for", "PUT", "{send_to}", 400, _PNG, body=_PICTURE[::-1]),
    Step("what is missing", "GET", _SESSION, 200, ADMIN, fresh=True),
    Step("too early an end", "POST", f"{_SESSION}/commit", 409, ADMIN, json={}, fresh=True),
    Step("the bytes", "PUT", "{send_to}", 204, _PNG, body=_PICTURE),
    Step("the bytes again", "PUT", "{send_to}", 204, _PNG, body=_PICTURE),
    Step("they are complete", "POST", f"{_UPLOAD}/complete", 200, ADMIN, json={}, fresh=True),
    Step("nothing is missing", "GET", _SESSION, 200, ADMIN, fresh=True),
    Step("a page of them", "POST", f"{_SESSION}/commit", 200, ADMIN, json={}, fresh=True,
         keep=("files.0.url:sent",)),
    Step("a page of them, again", "POST", f"{_SESSION}/commit", 200, ADMIN, json={}, fresh=True),
    Step("the upload", "GET", _UPLOAD, 200, ADMIN, fresh=True),
    Step("the chapter with it", "GET", f"{API}/chapters/{{chapter}}", 200, ADMIN, fresh=True),
    Step("the page that was sent", "GET", "{sent}", 200, fresh=True),
)  # fmt: skip

DOZEN = (
    Step("health", "GET", "/health", 200),
    Step("ready", "GET", "/ready", 200),
    Step("a list", "GET", f"{API}/series?limit=2&sort=title", 200, keep=("etag",)),
    Step("the same list again", "GET", f"{API}/series?limit=2&sort=title", 304, {"If-None-Match": "{etag}"}),
    Step("only its headers", "HEAD", f"{API}/series?limit=2&sort=title", 200),
    Step("a search in letters of another script", "GET", f"{API}/series?q=%E6%BC%AB%E7%94%BB", 200),
    Step("a series by slug", "GET", f"{API}/series/{{slug}}", 200),
    Step("a series by identifier", "GET", f"{API}/series/{{series}}/", 200),
    Step("a chapter", "GET", f"{API}/chapters/{{chapter}}", 200),
    Step("a page", "GET", "{file}", 200, keep=("etag",)),
    Step("its headers", "HEAD", "{file}", 200),
    Step("a part of it", "GET", "{file}", 206, {"Range": "bytes=5-20"}),
    Step("a part that is not there", "GET", "{file}", 416, {"Range": "bytes=99999999-"}),
    Step("the same page again", "GET", "{file}", 304, {"If-None-Match": "{etag}"}),
    Step("no such series", "GET", f"{API}/series/00000000-0000-7000-8000-000000000000", 404),
    Step("no such address, encoded twice", "GET", "/nothing/caf%C3%A9%2541%2F..", 404),
    Step("no such file", "GET", "/uploads/..%2F..%2Fetc/passwd", 404),
    Step("a path that goes up", "GET", f"{API}/series/../../../etc/passwd", 404),
    Step("no such method", "DELETE", f"{API}/series", 405),
    Step("an unknown parameter, a bad one", "GET", f"{API}/series?limit=0&foo=%3Cb%3E", 400),
    Step("a preflight", "OPTIONS", f"{API}/series", 204,
         {"Origin": "https://reader.example", "Access-Control-Request-Method": "PATCH"}),
    Step("signing up", "POST", f"{API}/auth/register", 201, json=PERSON, keep=("token",), fresh=True),
    Step("signing up again", "POST", f"{API}/auth/register", 409, json=PERSON),
    Step("a wrong password", "POST", f"{API}/auth/login", 401, json={"login": "keeper", "password": "x" * 9}),
    Step("who am I", "GET", f"{API}/auth/me", 200, SIGNED_IN, fresh=True),
    Step("who am I, by cookie", "GET", f"{API}/auth/me", 200, {"Cookie": "a=b; token={token}"}, fresh=True),
    Step("what I may not", "POST", f"{API}/series", 403, SIGNED_IN, json={"title": "a", "author": "b"}),
    Step("a stranger", "GET", f"{API}/auth/me", 401),
    Step("signing out", "POST", f"{API}/auth/logout", 204, SIGNED_IN, json={}),
    Step("signing in", "POST", f"{API}/auth/login", 200, json={"login": "keeper", "password": PASSWORD},
         keep=("token:admin_token",), fresh=True),
    Step("a change", "PATCH", f"{API}/series/{{second}}", 200, ADMIN | {"If-Match": '"1"'}, fresh=True,
         json={"title": "Zwei 漫画 ñ"}),
    Step("a change of an old version", "PATCH", f"{API}/series/{{second}}", 412, ADMIN | {"If-Match": '"1"'},
         json={"title": "c"}),
    Step("many problems", "POST", f"{API}/series", 400, ADMIN, json={"title": "", "foo": 1}),
    Step("no JSON", "POST", f"{API}/series", 400, ADMIN | JSON, body=b'{"title": "a"'),
    Step("not JSON", "POST", f"{API}/series", 415, ADMIN | {"Content-Type": "text/plain"}, body=b"title"),
    Step("a new page, in bytes", "POST", f"{API}/chapters/{{chapter}}/pages", 201, ADMIN | FORM, fresh=True,
         body=sites.form({"page_3": ("é.png", drawings.page(seed=3))})),
    Step("no page", "POST", f"{API}/chapters/{{chapter}}/pages", 400, ADMIN | FORM,
         body=sites.form({"page": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))})),
    *_TICKETS,
    Step("the end of a series", "DELETE", f"{API}/series/{{second}}", 204, ADMIN),
    Step("after its end", "GET", f"{API}/series/{{second}}", 410),
)  # fmt: skip


ADDED = {
    "server": {
        "server": "granian names itself",
        "date": "HTTP wants it of a server",
        "connection": "our border says where the server will end the connection: at a body that nobody read",
    },
    "google": {
        "server": "gunicorn, in functions-framework, names itself",
        "date": "HTTP wants it of a server",
        "connection": "gunicorn says whether it keeps the connection",
    },
    "lambda": {},
    "azure": {},
    "serverless-offline": {
        "date": "HTTP wants it of a server",
        "connection": "Node says whether it keeps the connection",
        "keep-alive": "Node says how long it does",
    },
}
"""Headers that a runtime adds to ours, and why. The gateways of AWS and Azure, which add theirs, do not run here."""


class Difference(NamedTuple):
    """A request that runtimes answer with another status or type of content, and why."""

    name: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    answers: Mapping[str, tuple[int, str]]
    reason: str


PROBLEM = "application/problem+json"
DIFFERENCES = (
    Difference(
        "a body in chunks", "POST", f"{API}/auth/login", JSON | {"Transfer-Encoding": "chunked"}, b"{}",
        {"server": (411, PROBLEM), "google": (411, PROBLEM), "lambda": (400, PROBLEM), "azure": (400, PROBLEM)},
        "A server hands a body in chunks on while it arrives, and ends a cut one as if it were whole: we refuse it. The"
        " gateways of AWS and Azure collect the body and send its length.",
    ),
    Difference(
        "robots", "GET", "/robots.txt", {}, b"",
        {"server": (404, PROBLEM), "google": (404, "text/html; charset=utf-8"), "lambda": (404, PROBLEM),
         "azure": (404, PROBLEM)},
        "functions-framework answers /robots.txt and /favicon.ico itself.",
    ),
)  # fmt: skip
