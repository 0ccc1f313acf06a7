"""Round trips: what a client sends, passed on as each platform does, is what an app gets, and the same on the way back.

`there(shape)` and `back(shape)` give what hypothesis is to generate for a shape of `encoding.SHAPES` or for "server",
`check_there` and `check_back` say whether it arrived. Short in the tests, long in `make fuzz`.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_plus, unquote_to_bytes

from hypothesis import strategies as st

from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.azure_functions import function_of
from roliascan.platforms.border import bordered
from roliascan.platforms.gateway.wsgi import Answer, call, line
from tests.platforms import encoding, shapes
from tests.platforms.encoding import SHAPES, Context
from tests.platforms.shapes import Reply, Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

NAMES = [*SHAPES, "server"]
DECODES = {"http api", "http api 1.0"}
"""Those that decode the path to text."""


class Sent(NamedTuple):
    """A request, and who sends it."""

    request: Request
    client: str


# What travels.

METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
SEGMENT = TEXT.map(lambda text: quote(text, safe="")) | st.sampled_from(["..", ".", "", "%2F", "%25", "%253F", "a;b=c"])
ODD_SEGMENT = SEGMENT | st.sampled_from(["%FF", "%E6%BC", "%", "%zz"])
PART = TEXT.map(lambda text: quote(text, safe="")) | st.sampled_from(["a", "b", "+", "%2B", "a%20b", "%26", "%3D", ""])
NAME = st.text(st.sampled_from("abcxyz019-"), min_size=1, max_size=8).map(lambda name: f"x-a{name}")
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12).map(
    str.strip
)
COOKIE = st.text(st.sampled_from("abc012_-.=%/"), min_size=1, max_size=9).map(lambda value: f"c={value}")
KINDS = st.sampled_from(
    ["application/octet-stream", "image/png", "multipart/form-data; boundary=x", "application/json", "text/plain"]
)
BODY = st.binary(max_size=64) | TEXT.map(str.encode)
PLAIN_COOKIE = st.text(st.sampled_from("abc012"), min_size=1, max_size=9).map(lambda value: f"{value}={value}")
CLIENTS = st.ip_addresses().map(lambda address: str(getattr(address, "ipv4_mapped", None) or address))


@st.composite
def there(draw: Callable[..., Any], shape: str) -> Sent:
    """A request that the shape can pass on."""
    segments = draw(st.lists(SEGMENT if shape in DECODES else ODD_SEGMENT, max_size=4))
    pairs = draw(st.lists(st.tuples(PART, PART), max_size=4))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = [("Content-Type", draw(KINDS)), *draw(st.lists(st.tuples(NAME, VALUE), max_size=4))]
    cookies = draw(st.lists(COOKIE, max_size=3))
    apart = shape != "alb" and draw(st.booleans())
    headers += [("Cookie", cookie) for cookie in (cookies if apart else ["; ".join(cookies)] if cookies else [])]
    forged = draw(st.sampled_from(["", "forged", "10.0.0.1", "::1, 10.0.0.1"]))
    headers += [("X-Forwarded-For", forged)] if forged else []
    target = "/" + "/".join(segments) + (f"?{query}" if query else "")
    return Sent(Request(draw(METHODS), target, headers, draw(BODY)), draw(CLIENTS))


@st.composite
def back(draw: Callable[..., Any], shape: str) -> Answer:
    """An answer that the shape can pass on."""
    kind = draw(KINDS | st.just(""))
    headers = draw(st.dictionaries(NAME, VALUE, max_size=4))
    cookies = draw(st.lists(PLAIN_COOKIE if shape == "azure" else COOKIE, max_size=1 if shape == "alb" else 3))
    told = [*headers.items(), *(("set-cookie", f"{cookie}; Path=/; HttpOnly") for cookie in cookies)]
    told += [("content-type", kind)] if kind else []
    told += [("Vary", "accept"), ("vary", "origin")] if draw(st.booleans()) else []
    status = draw(st.sampled_from([200, 201, 202, 204, 206, 301, 304, 400, 404, 409, 418, 500, 503]))
    return Answer(status, told, b"" if status in (204, 304) else draw(BODY))


# How it travels.


def asked(shape: str, app: "WSGIApplication", request: Request, client: str) -> Reply:
    """The client's view of an app behind a shape."""
    if shape == "server":
        served = bordered(app, hops=1, inherited={})
        return shapes.of_wsgi(call(served, shapes.environ_of(encoding.google(request, client=client))))
    way = SHAPES[shape]
    event = way.encode(request, client=client)
    if shape == "azure":
        return way.decode(function_of(lambda: app)(event, Context()))  # type: ignore[arg-type]
    return way.decode(handler_of(lambda: app)(event, Context()), request.method)


def check_there(shape: str, sent: Sent) -> None:
    """That the app gets the request, and knows who sent it."""
    request, told = sent.request, _received(shape, sent)
    assert told["REQUEST_METHOD"] == request.method
    assert told["SCRIPT_NAME"] == ("/prod" if shape == "rest api" else "")
    assert told["PATH_INFO"] == unquote_to_bytes(request.path).decode("latin-1")
    assert _arrived(shape, told["QUERY_STRING"]) == _expected(shape, request.query)
    assert told["body"] == request.body
    assert told.get("CONTENT_LENGTH", "0") == str(len(request.body))
    assert told["roliascan.client"] == told["REMOTE_ADDR"] == sent.client
    assert "HTTP_X_FORWARDED_FOR" not in told
    given = {name.lower(): value for name, value in request.pairs} if shape == "alb" else request.joined
    for name in given.keys() - {"x-forwarded-for"}:
        variable = name.upper().replace("-", "_")
        assert told[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] == given[name]


def _received(shape: str, sent: Sent) -> dict[str, Any]:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        seen.append({**environ, "body": environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))})
        start_response("204 -", [])
        return []

    assert asked(shape, app, sent.request, sent.client).status == 204
    return seen[0]


def _arrived(shape: str, query: str) -> Any:
    return parse_qsl(query, keep_blank_values=True) if shape.startswith(("rest", "alb", "http api 1")) else query


def _expected(shape: str, query: str) -> Any:
    """The query as the platform can tell it: as it is, or its parameters by name."""
    if shape.startswith("alb"):
        lists = _by_name(part.partition("=")[::2] for part in query.split("&") if part)
        kept = [(name, values[-1:] if shape == "alb" else values) for name, values in lists.items()]
        return [(unquote_plus(name), unquote_plus(value)) for name, values in kept for value in values]
    if shape in ("rest api", "http api 1.0"):
        lists = _by_name(parse_qsl(query, keep_blank_values=True))
        return [(name, value) for name, values in lists.items() for value in values]
    return query


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def check_back(shape: str, answer: Answer) -> None:
    """That the client gets the app's answer."""

    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        start_response(line(answer.status), answer.headers)
        return [answer.body]

    got = asked(shape, app, Request("GET", "/"), "203.0.113.9")
    once: dict[str, str] = {}
    for name, value in answer.headers:
        if name != "set-cookie":
            lower = name.lower()
            once[lower] = f"{once[lower]}, {value}" if lower in once else value
    cookies = sorted(value for name, value in answer.headers if name == "set-cookie")
    assert got._replace(cookies=[]) == Reply(answer.status, once, [], answer.body)
    assert shapes.alike(got.cookies) == shapes.alike(cookies)
