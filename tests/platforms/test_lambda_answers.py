"""Answers to every form of Lambda's events: what HTTP wants, and what the platform can carry."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway import events, proxy
from roliascan.platforms.gateway.wsgi import Answer, NotWsgi
from tests.platforms import echoes
from tests.platforms.encoding import ALB_BYTES, FORMS, LAMBDA_BYTES, Context
from tests.platforms.shapes import Reply, Request

every_form = pytest.mark.parametrize("form", FORMS)


def shape_of(form: str) -> events.Shape:
    shape = events.shape(events.kind(FORMS[form].encode(Request("GET", "/"))))
    assert shape is not None
    return shape


def sent(
    form: str, headers: list[tuple[str, str]], body: bytes = b"", status: int = 200, method: str = "GET"
) -> dict[str, Any]:
    return shape_of(form).from_answer(Answer(status, headers, body), method=method)


def received(form: str, *args: Any, **kwargs: Any) -> Reply:
    return FORMS[form].decode(sent(form, *args, **kwargs))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "alb"])
def test_every_cookie_is_sent(form: str) -> None:  # SC 29
    reply = FORMS[form].decode(
        handler_of(lambda: echoes.app)(FORMS[form].encode(Request("GET", "/cookies")), Context())
    )
    assert [cookie.partition("=")[0] for cookie in reply.cookies] == ["seen", "token"]
    assert "set-cookie" not in reply.headers


@every_form
def test_latin_1_values_are_sent(form: str) -> None:  # SC 32
    assert received(form, [("X-A", "café")]).headers == {"x-a": "café"}


@every_form
@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD"), (404, "HEAD")])
def test_no_body_where_http_has_none(form: str, status: int, method: str) -> None:  # SC 33
    told = sent(form, [("content-length", "5")], b"hello", status, method)
    assert (told["body"], told["isBase64Encoded"]) == ("", False)
    assert FORMS[form].decode(told).headers == {"content-length": "5"}  # no content type that nobody said


@every_form
@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json", b'{"a":1}', False),
        ("application/problem+json", b"{}", False),
        ("application/vnd.api+json; charset=utf-8", b"{}", False),
        ("text/html; charset=utf-8", "漫画".encode(), False),
        ("image/svg+xml", b"<svg/>", False),
        ("application/xml", b"<a/>", False),
        ("text/plain", b"\xff\xfe", True),
        ("image/png", b"\x89PNG", True),
        ("application/jsonsomething", b"x", True),
        ("", b"x", True),
    ],
)
def test_what_is_sent_as_base64(form: str, kind: str, body: bytes, encoded: bool) -> None:  # SC 34
    told = sent(form, [("content-type", kind)], body)
    assert told["isBase64Encoded"] is encoded
    assert FORMS[form].decode(told).body == body


@every_form
def test_compressed_text_passes_as_it_is(form: str) -> None:  # SC 35
    for packed, coding in ((gzip.compress(b"text"), "gzip"), (b"like text", "br")):
        told = sent(form, [("content-type", "application/json"), ("content-encoding", coding)], packed)
        assert told["isBase64Encoded"]
        assert FORMS[form].decode(told).body == packed


@every_form
def test_what_concerns_one_connection_stays(form: str) -> None:  # SC 36
    hops = [("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Keep-Alive", "5"), ("Upgrade", "h2")]
    assert received(form, [*hops, ("x-a", "1")]).headers == {"x-a": "1"}


@every_form
def test_lists_are_joined_and_single_headers_are_not(form: str) -> None:  # SC 37
    headers = [("Vary", "accept"), ("vary", "origin"), ("Link", "<a>"), ("Link", "<b>"), ("WWW-Authenticate", "Bearer")]
    told = received(form, headers).headers
    assert told == {"vary": "accept, origin", "link": "<a>, <b>", "www-authenticate": "Bearer"}
    with pytest.raises(NotWsgi):
        sent(form, [("content-type", "a/b"), ("Content-Type", "c/d")])


@every_form
def test_a_crash_tells_its_id_and_nothing_else(form: str, capsys: pytest.CaptureFixture[str]) -> None:  # SC 24, SC 40
    for target in ("/crash", "/cut"):
        event = FORMS[form].encode(Request("GET", target))
        reply = FORMS[form].decode(handler_of(lambda: echoes.app)(event, Context()))
        assert (reply.status, reply.headers["content-type"]) == (500, "application/problem+json")
        request_id = json.loads(reply.body)["requestId"]
        assert request_id == reply.headers["x-request-id"]
        assert f'"requestId":"{request_id}"' in (log := capsys.readouterr().out)
        assert "RuntimeError" in log
        assert "secret" not in log + reply.body.decode()


@every_form
@pytest.mark.parametrize(("kind", "step"), [("text/plain", 1), ("image/png", 3)])  # 3 bytes are 4 letters of base64
def test_answers_up_to_the_limit_pass_and_larger_ones_are_refused(
    form: str, kind: str, step: int, capsys: pytest.CaptureFixture[str]
) -> None:  # SC 38
    limit = ALB_BYTES if form.startswith("alb") else LAMBDA_BYTES
    assert shape_of(form).limit == limit

    def told(size: int) -> dict[str, Any]:
        event = FORMS[form].encode(Request("GET", f"/text?type={kind}&size={size}"))
        return handler_of(lambda: echoes.app)(event, Context())

    small = limit // 6 * 3
    fitting = small + (limit - len(json.dumps(told(small)))) // (1 if step == 1 else 4) * step
    for passing in (fitting - step, fitting):
        assert FORMS[form].decode(told(passing)).body == b"a" * passing
    capsys.readouterr()
    refused = FORMS[form].decode(told(fitting + step))
    assert refused.status == 413
    assert b"POST /api/v1/uploads" in refused.body
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["code"]) == ("too_large", "too_large")


@pytest.mark.parametrize("character", ["a", "\n", "\x01", "é", "漫", "😀", '"'])
@pytest.mark.parametrize("size", [50, 99, 100, 101, 600, 1201])
@pytest.mark.parametrize("form", ["http api", "rest api"])
def test_the_measure_is_never_too_small(form: str, character: str, size: int) -> None:  # SC 38
    told = sent(form, [("content-type", "text/plain"), ("x-a", "é")], (character * size).encode())
    real = max(len(json.dumps(told)), len(json.dumps(told, ensure_ascii=False).encode()))
    for limit in (real - 1, real, real + 1):
        assert not proxy.fits(told, limit) or real <= limit
    assert proxy.fits(told, len(json.dumps(told)))
    assert not proxy.fits(told, len(json.dumps(told)) - 1)


@given(st.text(max_size=60), st.integers(-20, 20))
def test_the_measure_is_exact(text: str, off: int) -> None:  # SC 38
    told = sent("http api", [("content-type", "text/plain")], text.encode())
    size = len(json.dumps(told))
    assert proxy.fits(told, size + off) is (off >= 0)
