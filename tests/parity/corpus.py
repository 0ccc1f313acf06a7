"""What every runtime is asked, in this order: the dozen, every route in several ways, and odd addresses. Data only.

Each runtime has a copy of the site of its own, so that what one request changes the next one finds changed alike.
"""

import re
from collections.abc import Iterator
from typing import Any

from roliascan.web.routes import API, ROUTES, Route
from tests import drawings
from tests.platforms import sites
from tests.platforms.dozen import ADMIN, DIFFERENCES, DOZEN, JSON, Step
from tests.platforms.sites import FORM

NOBODY = "00000000-0000-7000-8000-000000000000"
NAMES = dict.fromkeys(("session", "user", "comment", "team", "upload", "page"), NOBODY) | {"permission": "read:audit"}
"""What addresses hold until a step keeps something better."""
_CALLED = {"series_": "{series}", "key": "pages/none.png"}
_TURN = ("POST", "GET", "PUT", "PATCH")

_BODIES: dict[str, Any] = {
    "accounts.register": {"email": "second@comics.example", "username": "second", "password": "correct horse 12"},
    "accounts.login": {"login": "keeper", "password": "not that one"},
    "accounts.change": {"username": "keeper"},
    "series.create": {"title": "Neu & „alt“ 漫画", "author": "b"},
    "series.change": {"description": "é\n\u2028 \U0001f4d6"},
    "chapters.create": {"number": 7.5},
    "chapters.change": {"title": "Ende"},
    "chapters.hide": {"reason": "so"},
    "comments.create": {"body": "Schön 漫画 <b>"},
    "comments.change": {"body": "Noch schöner"},
    "ratings.rate_series": {"rating": 7},
    "ratings.rate_chapter": {"rating": 10},
    "pages.arrange": {"ids": []},
    "teams.set_member": {"role": "member"},
    "administration.change_user": {"role": "uploader"},
    "teams.create": {"name": "Gruppe é"},
    "teams.change": {"name": "Gruppe ü"},
    "administration.add_permission": {"name": "read:secrets", "description": "Für 漫画"},
}
_KEPT = {"comments.create": ("id:comment",), "teams.create": ("id:team",), "accounts.register": ("user.id:user",)}
_MULTIPART = {"pages.add": "page_9", "files.add": "file"}

_ODD = """
/ // /. /.. /%2e%2e/ /%2F /%5C /? /?? /?&&= /# /%00 /%0A /%FF /%C3%28 /a%20b /a+b /%E6%BC%AB%E7%94%BB /api /api/
/api/v1 /api/v1/ /api/v1//series /api//v1/series /API/V1/SERIES /api/v1/series%2F /api/v1/series%3Flimit=1
/api/v1/series/%2541 /api/v1/series/%41 /api/v1/series/zolta%252Dmanhua /api/v1/series/zolta%2Dmanhua
/api/v1/series/a;b=c /api/v1/series/a,b /api/v1/series/a&b /api/v1/series/a'b
/api/v1/series/..%2Fchapters /api/v1/series?limit=1&limit=2 /api/v1/series?limit=%31 /api/v1/series?q=a+b&sort=title
/api/v1/series?q=%2B /api/v1/series?q=%26%3D /api/v1/series?q=%F0%9F%93%96 /api/v1/series?q=%FF /api/v1/series?q
/api/v1/series?=x /api/v1/series?cursor=%3D%3D /api/v1/chapters/{chapter}/ /uploads /uploads/ /uploads/pages
/uploads//{chapter} /uploads/%2e%2e/site.db /uploads/pages/..%2F..%2Fsite.db /healthz /health/ /ready?x=1 /docs/x
/nothing/{chapter}/漫 /stage/prod /prod/api/v1/series /.env /admin/host /runtime/webhooks
"""
_COOKIES = ("token=", "a=b; c=d", "token=x.y.z; token=z", "token={admin_token}", 'a="b; c"', "=; ;;", "ä=ö")
_SENT = ("", "null", "[]", '{"a"', '{"title": 1}', '"é"', "{}")
_RANGES = ("bytes=0-0", "bytes=-1", "bytes=5-", "bytes=0-1,3-4", "bytes=9-5", "bytes=x", "lines=0-1")


def corpus() -> list[Step]:
    """The steps in their order; without a name of their own they are called by method, target and what is odd."""
    return [*DOZEN, *_known(), *_odd(), *_bodies(), *_parts_of_a_file(), *_cookies(), *_of_routes()]


def _known() -> Iterator[Step]:
    """What is known to differ, which nobody would see otherwise when it no longer does."""
    for one in DIFFERENCES:
        yield Step(one.name, one.method, one.target, 0, one.headers, body=one.body, fresh=True)


def _odd() -> Iterator[Step]:
    for target in _ODD.split():
        encoded = "".join(letter if letter.isascii() else _percent(letter) for letter in target)
        for method in ("GET", "HEAD"):
            yield _step(method, encoded)


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def _bodies() -> Iterator[Step]:
    for text in _SENT:
        yield _step("POST", f"{API}/series", ADMIN | JSON, body=text.encode(), note=f"the JSON {text}")
        yield _step("PUT", f"{API}/nothing", body=text.encode(), note=text)
    bytewise = ADMIN | {"Content-Type": "application/octet-stream"}
    yield _step("POST", f"{API}/series", ADMIN | JSON, body=bytes(range(256)), note="no UTF-8")
    yield _step("POST", f"{API}/series", bytewise, body=bytes(range(256)), note="bytes")
    yield _step("POST", f"{API}/series", ADMIN | JSON, body=b'"' + b"a" * 400_000 + b'"', note="long")
    yield _step("POST", f"{API}/files", ADMIN | FORM, body=sites.form({"file": ("é.png", drawings.page(seed=9))}))
    yield _step("POST", f"{API}/files", ADMIN | FORM, body=sites.form({"file": ("a.png", bytes(200_000))}))
    yield _step("DELETE", f"{API}/nothing", ADMIN, body=b"{}")


def _parts_of_a_file() -> Iterator[Step]:
    for part in _RANGES:
        yield _step("GET", "{file}", {"Range": part}, note=part)
        yield _step("HEAD", "{file}", {"Range": part}, note=part)
    yield _step("GET", "{file}", {"If-None-Match": "*"})
    yield _step("GET", "{file}", {"If-None-Match": ("{etag}", '"other"')}, note="its tag and another")
    yield _step("GET", "{file}", {"Accept-Encoding": "gzip", "Range": "bytes=0-3", "If-Range": '"other"'})


def _cookies() -> Iterator[Step]:
    for cookie in _COOKIES:
        yield _step("GET", f"{API}/auth/me", {"Cookie": cookie}, note=cookie)
        foreign = JSON | {"Cookie": cookie, "Origin": "https://evil.example"}
        yield _step("PATCH", f"{API}/auth/me", foreign, body=b"{}", note=cookie)
    yield _step("GET", f"{API}/auth/me", {"Cookie": ("theme=dark", "token={admin_token}")}, note="two lines of cookies")


def _of_routes() -> Iterator[Step]:
    """What is removed last was made first, and sessions end when all is done."""
    made = [route for route in ROUTES if route.method != "DELETE" and route.answers != "accounts.logout"]
    removed = [route for route in reversed(ROUTES) if route.method == "DELETE"]
    ends = [route for route in ROUTES if route.answers == "accounts.logout"]
    turns = [*sorted(made, key=lambda route: _TURN.index(route.method)), *removed, *ends]
    for route in turns:
        target = re.sub(r"{(\w+)(:path)?}", lambda name: _CALLED.get(name[1], f"{{{name[1]}}}"), route.path)
        yield from _of(route, target)


def _of(route: Route, target: str) -> Iterator[Step]:
    """A stranger, a preflight, rubbish, and somebody who may."""
    method, origin = route.method, {"Origin": "https://reader.example"}
    yield _step(method, target)
    yield _step("OPTIONS", target, origin | {"Access-Control-Request-Method": method})
    if method == "GET":
        yield _step("HEAD", target, ADMIN)
        yield _step(method, f"{target}?foo=1&limit=%30", origin)
        yield _step(method, target, ADMIN | {"If-None-Match": "*"})
    else:
        yield _step(method, target, {"Authorization": "Bearer x.y.z"} | JSON, body=b'{"a"')
    if route.answers in _MULTIPART:
        yield _step(
            method, target, ADMIN | FORM, body=sites.form({_MULTIPART[route.answers]: ("a.png", drawings.page(seed=5))})
        )
        return
    body = None if method in ("GET", "DELETE") else _BODIES.get(route.answers, {})
    yield _step(method, target, ADMIN, json=body, keep=_KEPT.get(route.answers, ()))


def _step(method: str, target: str, headers: Any = None, *, note: str = "", **more: Any) -> Step:
    name = f"{method} {target}: {note}" if note else f"{method} {target}"
    return Step(name, method, target, 0, headers or {}, fresh=True, **more)
