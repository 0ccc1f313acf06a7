"""What an event is, for every event; and what all that hold a request have in common."""

import copy
import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roliascan.platforms import gateway
from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway import events, proxy
from roliascan.platforms.gateway.wsgi import Malformed
from tests.platforms import echoes, encoding
from tests.platforms.encoding import FORMS, Context
from tests.platforms.recorded import EVENTS, NAMES, recorded
from tests.platforms.shapes import Request

KINDS = {
    "http_api": "http api",
    "http_api_console_test": "http api",
    "http_api_decoded_question_mark": "http api",
    "function_url": "http api",
    "rest_api": "rest api",
    "rest_api_console_test": "rest api",
    "http_api_1_0": "rest api",
    "alb": "alb",
    "alb_health_check": "alb",
    "alb_multi": "alb multi-value",
    "schedule": "schedule",
    "scheduler": "schedule",
    "lattice_1": "lattice",
    "lattice_2": "lattice",
    "s3": "unknown",
    "websocket": "unknown",
}


@pytest.mark.parametrize("name", NAMES)
def test_every_event_has_a_kind(name: str) -> None:  # SC 26, SC 27
    assert events.kind(recorded(name)) == KINDS[name]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"warmup": True}, "warm-up"),
        ({"warmup": 1}, "unknown"),
        ({"warmup": "true"}, "unknown"),
        ({"source": "aws.events"}, "unknown"),
        ({"source": ["aws.events"], "detail-type": "Scheduled Event"}, "unknown"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "unknown"),
        ({"requestContext": {"elb": {}}, "multiValueHeaders": None}, "alb"),
    ],
)
def test_kinds_are_told_apart(event: Any, kind: str) -> None:  # SC 26
    assert events.kind(event) == kind


@pytest.mark.parametrize("name", ["http_api", "rest_api"])
@pytest.mark.parametrize("arn", ["methodArn", "routeArn"])
def test_an_authorizers_event_is_no_request(name: str, arn: str) -> None:  # SC 26
    event = recorded(name) | {"type": "REQUEST", arn: "arn:aws:execute-api:us-east-1:123456789012:id/prod/DELETE/a"}
    assert events.kind(event) == "unknown"


def test_a_request_wakes_and_sweeps_nothing() -> None:  # SC 26
    """What a client may put into an event is a body, a header or a query: none of them makes it another kind."""
    for name in ("http_api", "rest_api", "alb", "alb_multi"):
        forged = {
            "warmup": True,
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "raw_path": "",
            "method": "",
        }
        assert events.kind({**recorded(name), **forged}) == KINDS[name]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
PARTS = [
    *("version", "rawPath", "rawQueryString", "headers", "cookies", "body", "isBase64Encoded", "requestContext"),
    *("path", "httpMethod", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"),
    *("warmup", "source", "detail-type", "raw_path"),
]
CONTEXT = st.dictionaries(
    st.sampled_from(["http", "stage", "elb", "identity", "domainName", "requestId", "path", "protocol"]), JSON
)


@given(JSON | st.dictionaries(st.sampled_from(PARTS), JSON | CONTEXT | st.sampled_from(["2.0", "1.0"])))
def test_kinds_are_total(event: Any) -> None:  # SC 26
    assert events.kind(event) in get_args(events.Kind)
    assert isinstance(proxy.request_id(None, event), str)


@pytest.mark.parametrize("form", FORMS)
def test_any_event_becomes_a_request_or_is_malformed(form: str) -> None:  # SC 18, SC 26, SC 28, IN-17
    @given(st.dictionaries(st.sampled_from(PARTS), JSON, max_size=3), CONTEXT)
    def holds(change: dict[str, Any], context: dict[str, Any]) -> None:
        event = FORMS[form].encode(Request("POST", "/a?b=c", {"Cookie": "a=b"}, b"d")) | change
        if isinstance(event["requestContext"], dict):
            event["requestContext"].update(context)
        before = copy.deepcopy(event)
        shape = events.shape(events.kind(event))
        if shape is not None:
            with suppress(Malformed):
                assert isinstance(shape.to_environ(event, "")["PATH_INFO"], str)
        assert event == before

    holds()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "change",
    [
        {"body": "%%%", "isBase64Encoded": True},  # SC 18
        {"body": "YQ", "isBase64Encoded": True},  # SC 18
        {"body": "\ud800", "isBase64Encoded": False},
        {"body": 5, "isBase64Encoded": False},
        {"headers": {"a": 5}, "multiValueHeaders": {"a": [5]}},
        {"headers": ["a"], "multiValueHeaders": {"a": "b"}},
        {"rawPath": None, "path": None},
        {"rawPath": "/\ud800", "path": "/\ud800"},
        {"queryStringParameters": 5, "multiValueQueryStringParameters": {"a": "b"}, "rawQueryString": 5},
    ],
)
def test_a_malformed_event_is_answered_in_the_form_of_the_request(
    form: str, change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:  # SC 18
    event = FORMS[form].encode(Request("POST", "/"))
    kept = {name: value for name, value in change.items() if name in event or not name.startswith("multi")}
    reply = FORMS[form].decode(handler_of(lambda: echoes.app)(event | kept, Context()))
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert b"malformed_event" in reply.body
    assert json.loads(capsys.readouterr().out)["code"] == "malformed_event"


@pytest.mark.parametrize("name", NAMES)
def test_an_event_stays_as_it_is(name: str) -> None:  # SC 28
    event = recorded(name)
    handler_of(lambda: echoes.app, sweep=lambda _: {})(event, Context())
    assert event == recorded(name)


@pytest.mark.parametrize("form", ["rest api", "http api 1.0", "http api"])
def test_a_stage_that_is_also_the_base_path_is_cut_off_once(form: str) -> None:  # SC 6, SC 7
    """The address of an API itself ends in its stage, and so does PUBLIC_URL then."""
    event = FORMS[form].encode(Request("GET", "/api/v1/series"), stage="prod")
    shape = events.shape(events.kind(event))
    assert shape is not None
    environ = shape.to_environ(event, "/prod")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/prod", "/api/v1/series")


@pytest.mark.parametrize("form", FORMS)
def test_a_length_that_a_client_says_never_counts(form: str) -> None:  # SC 19
    for body, length in ((b"", None), (b"four", "4")):
        event = FORMS[form].encode(Request("GET", "/", {"Content-Length": "999"}, body))
        shape = events.shape(events.kind(event))
        assert shape is not None
        environ = shape.to_environ(event)
        assert environ.get("CONTENT_LENGTH") == length
        assert "HTTP_CONTENT_LENGTH" not in environ


@pytest.mark.parametrize("form", FORMS)
def test_a_proxy_before_the_platform_tells_the_client(form: str) -> None:  # SC 21
    event = FORMS[form].encode(Request("GET", "/", {"X-Forwarded-For": "6.6.6.6, 198.51.100.9"}))
    shape = events.shape(events.kind(event))
    assert shape is not None
    if not form.startswith("alb"):
        event["headers"]["x-forwarded-for"] = "6.6.6.6, 198.51.100.9, 203.0.113.9"
        event.get("multiValueHeaders", {})["x-forwarded-for"] = ["6.6.6.6, 198.51.100.9, 203.0.113.9"]
        event.get("multiValueHeaders", {}).pop("X-Forwarded-For", None)
    assert shape.to_environ(event, "", 0)["REMOTE_ADDR"] == "203.0.113.9"
    assert shape.to_environ(event, "", 1)["REMOTE_ADDR"] == "198.51.100.9"


def test_request_ids() -> None:  # SC 24
    event = FORMS["http api"].encode(Request("GET", "/"))
    assert proxy.request_id(Context(), event) == encoding.ID
    assert proxy.request_id(Context(), FORMS["rest api"].encode(Request("GET", "/"))) == encoding.ID
    assert proxy.request_id(Context(), FORMS["alb"].encode(Request("GET", "/"))) == Context.aws_request_id
    event["requestContext"]["requestId"] = "two\nlines"
    assert proxy.request_id(Context(), event) == Context.aws_request_id
    assert proxy.request_id(None) == ""


@pytest.mark.parametrize(
    ("kind", "loaded"), [("http api", "http_api"), ("rest api", "rest_api"), ("alb", "alb"), ("unknown", "")]
)
def test_a_kind_loads_its_module_only(kind: str, loaded: str) -> None:
    code = (
        f"import sys; from roliascan.platforms.gateway import events; events.shape({kind!r});"
        " print(*{'http_api', 'rest_api', 'alb', 'azure'} & {name.rpartition('.')[2] for name in sys.modules})"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == loaded
    )


ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gateway import azure, events, problems, proxy, wsgi

def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [environ["PATH_INFO"].encode("latin-1")]

event = json.load(open(sys.argv[2]))
shape = events.shape(events.kind(event))
environ = shape.to_environ(event, base_path="", hops=0)
told = shape.from_answer(wsgi.call(app, environ), method=environ["REQUEST_METHOD"])
print(json.dumps(told if proxy.fits(told, shape.limit) else None))
"""


@pytest.mark.parametrize("name", ["http_api", "rest_api", "alb", "alb_multi"])
def test_the_gateway_serves_alone(name: str, tmp_path: Path) -> None:
    """Copied elsewhere, with the standard library and nothing else, as its own documentation says."""
    shutil.copytree(Path(gateway.__file__).parent, tmp_path / "gateway")
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(tmp_path), str(EVENTS / f"{name}.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"].startswith(("/my/path", "/api/v1/series"))
