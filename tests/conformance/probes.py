"""The corpus: what a correct adapter does, line by line of the checklist, one small function for each.

A probe asserts; it gets an Asker, which asks the adapter that is tried. `lines` are numbers of the checklist.
"""

import copy
import gzip
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from roliascan.platforms.gateway.wsgi import Answer
from tests.conformance.adapters import OK, Adapter, Seen
from tests.platforms.encoding import CLIENT, FORMS, LAMBDA_BYTES, Context
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Reply, Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

PNG = b"\x89PNG\r\n\x1a\n\xff"


class NotOfThisKind(Exception):
    """The probe is about WSGI apps, and the adapter serves others."""


class Asker(NamedTuple):
    """Asks an adapter."""

    adapter: Adapter

    def raw(self, event: Any, answer: Answer = OK) -> Any:
        """What the handler returns."""
        return self.adapter.serve(answer, [], "")(event, Context())

    def seen(self, event: Any, base_path: str = "") -> Seen:
        """What the app sees of an event."""
        seen: list[Seen] = []
        self.adapter.serve(OK, seen, base_path)(event, Context())
        return seen[0]

    def sent(self, form: str, request: Request) -> Seen:
        """What the app sees of a request that comes in this form."""
        return self.seen(FORMS[form].encode(request))

    def reply(self, form: str, answer: Answer, method: str = "GET") -> Reply:
        """What a client gets for the app's answer."""
        return FORMS[form].decode(self.raw(FORMS[form].encode(Request(method, "/")), answer), method)

    def wsgi(self, app: "WSGIApplication") -> Reply:
        """What a client of a WSGI app gets."""
        if self.adapter.of_wsgi is None:
            raise NotOfThisKind
        told = self.adapter.of_wsgi(app)(FORMS["http api"].encode(Request("GET", "/")), Context())
        return FORMS["http api"].decode(told)


class Probe(NamedTuple):
    """`ask` raises, of whatever kind, where the adapter does otherwise."""

    lines: str
    name: str
    ask: Callable[[Asker], None]


PROBES: list[Probe] = []


def probe(lines: str, name: str) -> Callable[[Callable[[Asker], None]], Callable[[Asker], None]]:
    """Add a probe to the corpus."""

    def add(ask: Callable[[Asker], None]) -> Callable[[Asker], None]:
        PROBES.append(Probe(lines, name, ask))
        return ask

    return add


def latin(text: str) -> str:
    """The bytes of UTF-8, one character for each."""
    return text.encode().decode("latin-1")


# Event to request.


@probe("1", "every method arrives, in every form")
def _(to: Asker) -> None:
    for form in FORMS:
        for method in ("GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST"):
            assert to.sent(form, Request(method, "/")).method == method


@probe("2", "a REST API's path is decoded once")
def _(to: Asker) -> None:
    assert to.sent("rest api", Request("GET", "/caf%C3%A9%2541")).path == latin("/café%41")


@probe("2", "a function URL's path is decoded once")
def _(to: Asker) -> None:
    assert to.sent("function url", Request("GET", "/caf%C3%A9%2541")).path == latin("/café%41")


@probe("2", "a load balancer's path is decoded once")
def _(to: Asker) -> None:
    assert to.sent("alb", Request("GET", "/caf%C3%A9%2541")).path == latin("/café%41")


@probe("3", "an HTTP API's path is not decoded again, in both formats")
def _(to: Asker) -> None:
    for form in ("http api", "http api 1.0"):
        assert to.sent(form, Request("GET", "/a%2541%252F")).path == "/a%41%2F"


@probe("4", "a question mark that was decoded makes no query")
def _(to: Asker) -> None:
    seen = to.seen(recorded("http_api_decoded_question_mark"))
    assert (seen.path, seen.query) == ("/api/v1/series/a?limit=100&x=%41", "limit=2")


@probe("5", "paths are not normalized")
def _(to: Asker) -> None:
    for form in FORMS:
        for path in ("//a", "/a//b", "/./a", "/a/../b", "/..", "/a/"):
            assert to.sent(form, Request("GET", path)).path == path


@probe("6", "an HTTP API's stage is cut off as a segment")
def _(to: Asker) -> None:
    for path, info in (("/prod/a", "/a"), ("/production/a", "/production/a"), ("/a/prod", "/a/prod")):
        event = FORMS["http api"].encode(Request("GET", "/"), stage="prod")
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        assert to.seen(event).path == info


@probe("6", "a REST API's path that begins like its stage keeps all of itself")
def _(to: Asker) -> None:
    assert to.seen(FORMS["rest api"].encode(Request("GET", "/api/v1"), stage="api")).path == "/api/v1"


@probe("7 8", "a mapping is cut off as a segment, and becomes the mount")
def _(to: Asker) -> None:
    for path, expected in (
        ("/comics/a", ("/comics", "/a")),
        ("/comics", ("/comics", "/")),
        ("/comicsans", ("", "/comicsans")),
    ):
        event = FORMS["rest api"].encode(Request("GET", ""), base="/comics")
        event["path"] = event["requestContext"]["path"] = path
        seen = to.seen(event, "/comics")
        assert (seen.mount, seen.path) == expected


@probe("10", "a raw query arrives as it was sent")
def _(to: Asker) -> None:
    for form in ("http api", "function url"):
        assert to.sent(form, Request("GET", "/?b=1&a=2&b=%20+&c")).query == "b=1&a=2&b=%20+&c"


@probe("10 11", "parameters that were decoded are encoded once, all of them")
def _(to: Asker) -> None:
    query = to.sent("rest api", Request("GET", "/?q=a%26b%3Dc&q=%2B%20d&%E6%BC%AB=%25")).query
    assert parse_qsl(query) == [("q", "a&b=c"), ("q", "+ d"), ("漫", "%")]


@probe("12", "a load balancer's parameters are not encoded again")
def _(to: Asker) -> None:
    for form in ("alb", "alb multi-value"):
        query = to.sent(form, Request("GET", "/?q=a%26b%20c&r=%2541&s=x+y")).query
        assert parse_qsl(query) == [("q", "a&b c"), ("r", "%41"), ("s", "x y")]


@probe("13", "nulls of the console's test of a REST API")
def _(to: Asker) -> None:
    seen = to.seen(recorded("rest_api_console_test"))
    assert (seen.path, seen.query, seen.body) == ("/health", "", b"")


@probe("13", "nulls of the console's test of an HTTP API")
def _(to: Asker) -> None:
    seen = to.seen(recorded("http_api_console_test"))
    assert (seen.path, seen.query, seen.body) == ("/health", "", b"")


@probe("14", "cookies are joined as cookies are, in every form")
def _(to: Asker) -> None:
    for form in ("http api", "function url", "rest api", "http api 1.0", "alb multi-value"):
        request = Request("GET", "/", [("Cookie", "a=1"), ("Cookie", "b=2")])
        assert to.sent(form, request).headers["cookie"] == "a=1; b=2"


@probe("15", "of repeated headers none is lost")
def _(to: Asker) -> None:
    for form in ("http api", "rest api", "alb multi-value"):
        seen = to.sent(form, Request("GET", "/", [("Accept", "a/b"), ("Accept", "c/d")]))
        assert seen.headers["accept"].replace(" ", "") == "a/b,c/d"


@probe("16", "header values are latin-1")
def _(to: Asker) -> None:
    for form in FORMS:
        assert to.sent(form, Request("GET", "/", {"X-A": "café"})).headers["x-a"] == "café"


@probe("16", "header values beyond latin-1 do not crash")
def _(to: Asker) -> None:
    event = FORMS["http api"].encode(Request("GET", "/"))
    event["headers"]["x-a"] = "漫画"
    assert to.seen(event).headers["x-a"] == latin("漫画")


@probe("17", "bodies arrive: binary, text, none")
def _(to: Asker) -> None:
    for form in FORMS:
        assert to.sent(form, Request("POST", "/", {"Content-Type": "image/png"}, PNG)).body == PNG
        text = Request("POST", "/", {"Content-Type": "application/json"}, '"漫画"'.encode())
        assert to.sent(form, text).body == text.body
        assert to.sent(form, Request("POST", "/")).body == b""


@probe("18", "malformed base64 is answered with 400")
def _(to: Asker) -> None:
    for body in ("%%%", "YQ"):
        event = FORMS["http api"].encode(Request("POST", "/")) | {"body": body, "isBase64Encoded": True}
        assert to.raw(event)["statusCode"] == 400


@probe("19", "the length is that of the decoded body")
def _(to: Asker) -> None:
    for name in ("http_api", "rest_api", "alb"):
        seen = to.seen(recorded(name))
        assert seen.headers["content-length"] == str(len(seen.body))


@probe("21", "an API's client is told by the platform")
def _(to: Asker) -> None:
    for form in ("http api", "function url", "rest api", "http api 1.0"):
        assert to.sent(form, Request("GET", "/", {"X-Forwarded-For": "6.6.6.6"})).client == CLIENT


@probe("21", "a load balancer's client is the last that was forwarded")
def _(to: Asker) -> None:
    for form in ("alb", "alb multi-value"):
        assert to.sent(form, Request("GET", "/", {"X-Forwarded-For": "6.6.6.6"})).client == CLIENT


@probe("22", "an API is https, whatever a header says")
def _(to: Asker) -> None:
    for form in ("http api", "rest api"):
        event = FORMS[form].encode(Request("GET", "/"))
        event["headers"]["x-forwarded-proto"] = "http"
        event.get("multiValueHeaders", {})["x-forwarded-proto"] = ["http"]
        assert to.seen(event).scheme == "https"


@probe("22", "an API's host is its domain, whatever a header says")
def _(to: Asker) -> None:
    for name in ("http_api", "rest_api"):
        assert to.seen(recorded(name)).headers["host"] == "id.execute-api.us-east-1.amazonaws.com"


@probe("23", "a client of IPv6 with a port is an address")
def _(to: Asker) -> None:
    assert to.seen(recorded("alb_multi")).client == "2001:db8::1"


@probe("25", "nothing that only the platform may say arrives from a client")
def _(to: Asker) -> None:
    names = ("X-Forwarded-Host", "Forwarded", "X-Amzn-Request-Context", "X-Amzn-Lambda-Context", "X-Real-IP")
    forged = dict.fromkeys(names, "forged")
    for form in FORMS:
        assert "forged" not in to.sent(form, Request("GET", "/", forged)).headers.values()


@probe("26", "an unknown event is answered, not raised")
def _(to: Asker) -> None:
    events: list[Any] = [recorded("s3"), recorded("websocket"), {}, [], None, 5]
    for event in events:
        assert 400 <= to.raw(event)["statusCode"] < 500


@probe("26", "a ping is answered, not raised")
def _(to: Asker) -> None:
    assert isinstance(to.raw({"warmup": True}), dict)


@probe("27", "VPC Lattice is answered")
def _(to: Asker) -> None:
    for name in ("lattice_1", "lattice_2"):
        assert to.raw(recorded(name))["statusCode"] in (200, 400)


@probe("28", "an event stays as it is")
def _(to: Asker) -> None:
    for form in FORMS:
        event = FORMS[form].encode(Request("POST", "/a?b=c", {"Cookie": "a=b; c=d"}, b"e"))
        before = copy.deepcopy(event)
        to.seen(event)
        assert event == before


# Answer to event.


@probe("29", "every cookie is sent, in every form that can")
def _(to: Asker) -> None:
    cookies = ["a=1; Path=/", "b=2; Path=/"]
    for form in ("http api", "function url", "rest api", "http api 1.0", "alb multi-value"):
        assert to.reply(form, Answer(200, [("Set-Cookie", cookie) for cookie in cookies], b"")).cookies == cookies


@probe("29", "a second cookie that a load balancer would lose is no success")
def _(to: Asker) -> None:
    event = FORMS["alb"].encode(Request("GET", "/"))
    assert to.raw(event, Answer(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], b""))["statusCode"] == 500


@probe("30", "a load balancer's answer has the status in words and the form of the request")
def _(to: Asker) -> None:
    for form in ("alb", "alb multi-value"):
        told = to.raw(FORMS[form].encode(Request("GET", "/")), Answer(404, [("content-type", "text/plain")], b"no"))
        assert told["statusDescription"] == "404 Not Found"
        assert FORMS[form].decode(told) == Reply(404, {"content-type": "text/plain"}, [], b"no")


@probe("32", "latin-1 values are sent")
def _(to: Asker) -> None:
    for form in FORMS:
        assert to.reply(form, Answer(200, [("x-a", "café")], b"")).headers["x-a"] == "café"


@probe("32", "a value with a line end is not sent")
def _(to: Asker) -> None:
    told = json.dumps(to.raw(FORMS["http api"].encode(Request("GET", "/")), Answer(200, [("x-a", "a\r\nx-b: c")], b"")))
    assert "x-b" not in told


@probe("33", "no body and no content type where there is none")
def _(to: Asker) -> None:
    for form in FORMS:
        assert to.reply(form, Answer(304, [("etag", '"1"')], b"")) == Reply(304, {"etag": '"1"'}, [], b"")


@probe("33", "the length of an answer to HEAD is kept, and has no body")
def _(to: Asker) -> None:
    for form in FORMS:
        told = to.raw(FORMS[form].encode(Request("HEAD", "/")), Answer(200, [("content-length", "5")], b"hello"))
        reply = FORMS[form].decode(told)
        assert (reply.headers["content-length"], reply.body) == ("5", b"")


@probe("34", "binary answers arrive")
def _(to: Asker) -> None:
    for form in FORMS:
        assert to.reply(form, Answer(200, [("content-type", "image/png")], PNG)).body == PNG
        assert to.reply(form, Answer(200, [], PNG)).body == PNG


@probe("34", "text is sent as text: JSON, problems, SVG, XML")
def _(to: Asker) -> None:
    for kind in ("application/json", "application/problem+json", "image/svg+xml", "application/xml", "text/html"):
        told = to.raw(FORMS["http api"].encode(Request("GET", "/")), Answer(200, [("content-type", kind)], b"<a/>"))
        assert not told["isBase64Encoded"]


@probe("34", "text that is no UTF-8 arrives")
def _(to: Asker) -> None:
    assert to.reply("http api", Answer(200, [("content-type", "text/plain")], b"\xff\xfe")).body == b"\xff\xfe"


@probe("35", "compressed text arrives")
def _(to: Asker) -> None:
    headers = [("content-type", "application/json"), ("content-encoding", "gzip")]
    for form in FORMS:
        assert to.reply(form, Answer(200, headers, gzip.compress(b"{}"))).body == gzip.compress(b"{}")


@probe("36", "what concerns one connection is not sent")
def _(to: Asker) -> None:
    headers = [("transfer-encoding", "chunked"), ("connection", "close"), ("keep-alive", "5"), ("x-a", "1")]
    for form in FORMS:
        assert to.reply(form, Answer(200, headers, b"")).headers == {"x-a": "1"}


@probe("37", "of repeated headers of an answer none is lost")
def _(to: Asker) -> None:
    for form in FORMS:
        headers = to.reply(
            form, Answer(200, [("Vary", "accept"), ("vary", "origin"), ("Link", "<a>"), ("Link", "<b>")], b"")
        ).headers
        assert (headers["vary"].replace(" ", ""), headers["link"].replace(" ", "")) == ("accept,origin", "<a>,<b>")


@probe("38", "an answer that Lambda would not pass on becomes a 413")
def _(to: Asker) -> None:
    told = to.raw(
        FORMS["http api"].encode(Request("GET", "/")),
        Answer(200, [("content-type", "text/plain")], b"a" * LAMBDA_BYTES),
    )
    assert told["statusCode"] == 413


@probe("38", "an answer that a load balancer would not pass on becomes a 413")
def _(to: Asker) -> None:
    told = to.raw(
        FORMS["alb"].encode(Request("GET", "/")), Answer(200, [("content-type", "text/plain")], b"a" * 1_048_577)
    )
    assert told["statusCode"] == 413


@probe("40", "an app that crashes is answered with 500, without the reason")
def _(to: Asker) -> None:
    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        raise RuntimeError("secret")

    reply = to.wsgi(app)
    assert reply.status == 500
    assert b"secret" not in reply.body


@probe("40", "an app that breaks in the middle is answered with 500")
def _(to: Asker) -> None:
    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"half"
        raise RuntimeError

    assert to.wsgi(app).status == 500


@probe("42", "what an app returns is closed, empty or not")
def _(to: Asker) -> None:
    closed = []

    class Chunks(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        return Chunks([b"", b"a"])

    assert to.wsgi(app).body == b"a"
    assert closed == [True]


@probe("43", "write() comes before what is returned")
def _(to: Asker) -> None:
    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])(b"a")
        return [b"b"]

    assert to.wsgi(app).body == b"ab"


@probe("44", "a status that is none is not sent")
def _(to: Asker) -> None:
    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        start_response("700 Odd", [])
        return []

    assert to.wsgi(app).status == 500
