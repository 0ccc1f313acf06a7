"""Generated requests, valid and not: RoliaScan gives the same answer through every adapter (IN-17)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.platforms.aws_lambda import Handler, handler_of
from roliascan.platforms.azure_functions import function_of
from roliascan.platforms.border import bordered
from roliascan.platforms.gateway.wsgi import call
from roliascan.settings import Settings
from roliascan.web.bodies import LARGEST
from tests.platforms import shapes, sites
from tests.platforms.encoding import FORMS, Shape
from tests.platforms.shapes import Reply, Request
from tests.platforms.sites import Site

Send = Callable[[Request], Reply]


class Context:
    aws_request_id = invocation_id = "fdbc2a07-2ef4-4b6d-a4a4-0b2d1b0d4b1a"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("alike") / "site")


@pytest.fixture(scope="module")
def adapters(site: Site) -> Iterator[dict[str, Send]]:
    read = Settings.from_environ(site.environ)
    with closing(open_database(read.database_url)) as database:
        app = create_app(read, database=database)
        function, handler, served = function_of(lambda: app), handler_of(lambda: app), bordered(app, hops=0)
        yield {
            "server": lambda request: shapes.of_wsgi(call(served, shapes.environ_of(request))),
            "azure": lambda request: shapes.of_azure(function(shapes.azure_request(request), Context)),  # type: ignore[arg-type]
            **{name: partial(_through, form, handler) for name, form in FORMS.items()},
        }


def _through(form: Shape, handler: Handler, request: Request) -> Reply:
    return form.decode(handler(form.encode(request), Context), request.method)


ODD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6).map(
    lambda text: quote(text, safe="")
)
KNOWN = [
    "api",
    "v1",
    "series",
    "chapters",
    "auth",
    "me",
    "login",
    "uploads",
    "pages",
    "health",
    "{series}",
    "{chapter}",
    "..",
]
PATHS = st.lists(st.sampled_from(KNOWN) | ODD, max_size=5).map("/".join) | st.sampled_from(
    ["api/v1/series", "api/v1/series/{slug}", "api/v1/chapters/{chapter}", "{file}", "api/v1/auth/login", "health"]
)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["q", "limit", "page", "cursor", "sort", "a"]), ODD | st.integers(-1, 200).map(str)),
    max_size=3,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/plain", "multipart/form-data; boundary=x", "a"]),
        "If-None-Match": st.sampled_from(["*", '"a"', "é"]),
        "Range": st.sampled_from(["bytes=0-0", "bytes=-5", "bytes=9999999-", "lines=1"]),
        "Authorization": st.sampled_from(["Bearer x.y.z", "Basic a", ""]),
        "Cookie": st.sampled_from(["token=a", "a=b; token=", "é"]),
        "Origin": st.just("https://reader.example"),
    },
)
BODIES = st.sampled_from([b"", b"{}", b'{"login": "a", "password": "b"}', b"[1", b'"\xc3\xa9"']) | st.binary(
    max_size=20
)
METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES)
def test_every_adapter_gives_the_same_answer(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, site: Site, adapters: dict[str, Send]
) -> None:
    for name, value in site.names.items():
        path = path.replace(f"{{{name}}}", value.removeprefix("/"))
    request = Request(method, f"/{path}?{query}", headers, body)
    expected = _comparable(adapters["server"](request))
    assert expected.status < 500
    names = [part.partition("=")[0] for part in query.split("&")]
    for adapter in adapters.keys() - ({"alb"} if len({*names}) < len(names) else set()):  # it loses all but the last
        assert (adapter, _comparable(adapters[adapter](request))) == (adapter, expected)


def test_a_body_that_is_too_large_is_refused_readably_by_every_adapter(
    adapters: dict[str, Send],
) -> None:  # SC 38, SL-11
    """Those that a platform lets through; what is larger the platform refuses in its own words."""
    request = Request("POST", "/api/v1/auth/login", {"Content-Type": "application/json"}, b" " * (LARGEST + 1))
    for name, send in adapters.items():
        reply = send(request)
        assert (name, reply.status, reply.headers["content-type"]) == (name, 413, "application/problem+json")
        assert b"may have at most" in reply.body


def _comparable(reply: Reply) -> Reply:
    """Without the request's id, and the length of what quotes it."""
    headers = dict(reply.headers)
    request_id, length = headers.pop("x-request-id"), headers.pop("content-length", None)
    assert length is None or not reply.body or length == str(len(reply.body))
    return Reply(reply.status, headers, reply.cookies, reply.body.replace(request_id.encode(), b"(request id)"))
