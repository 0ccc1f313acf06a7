"""Events of a load balancer to WSGI, with and without multi-value headers, and answers in the form of the request."""

from typing import Any

import pytest

from roliascan.platforms.aws_lambda import handler_of
from roliascan.platforms.gateway import alb
from roliascan.platforms.gateway.wsgi import Answer, NotWsgi, call
from tests.platforms import echoes, encoding, shapes
from tests.platforms.encoding import FORMS, Context, alb_event, alb_multi_event
from tests.platforms.recorded import recorded
from tests.platforms.shapes import Request

COOKIES = [("set-cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")]


def echoed(event: Any, base_path: str = "") -> dict[str, Any]:
    """What reaches an app behind the adapter."""
    return shapes.told(encoding.of_alb(alb.from_answer(call(echoes.app, alb.to_environ(event, base_path)))))


def test_the_documented_event() -> None:
    environ = alb.to_environ(recorded("alb"))
    assert environ["REQUEST_METHOD"] == "PUT"  # SC 1
    assert environ["PATH_INFO"] == "/api/v1/series/café%41".encode().decode("latin-1")  # SC 2
    assert environ["QUERY_STRING"] == "q=a%20b%26c+d&caf%C3%A9=1=2"  # SC 12
    assert environ["REQUEST_URI"] == "/api/v1/series/caf%C3%A9%2541?q=a%20b%26c+d&caf%C3%A9=1=2"  # SC 2
    assert environ["HTTP_COOKIE"] == "cookie1=one; cookie2=two"  # SC 14
    assert environ["CONTENT_LENGTH"] == "15"  # SC 19
    assert environ["wsgi.input"].read() == '{"title":"叔"}'.encode()  # SC 17
    assert environ["REMOTE_ADDR"] == "72.12.164.125"  # SC 21
    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == ("http", "80")  # SC 22
    assert (environ["HTTP_HOST"], environ["SERVER_NAME"]) == ("comics.example:8443", "comics.example")  # SC 22
    assert not [value for value in environ.values() if "forged" in str(value)]  # SC 21, SC 22, SC 25


def test_the_documented_event_with_lists() -> None:
    environ = alb.to_environ(recorded("alb_multi"))
    assert environ["QUERY_STRING"] == "q=a&q=b%20c&limit=2"  # SC 10, SC 12
    assert environ["HTTP_ACCEPT"] == "application/json, text/html"  # SC 15
    assert environ["HTTP_COOKIE"] == "cookie1=one; cookie2=two"  # SC 14
    assert environ["REMOTE_ADDR"] == "2001:db8::1"  # SC 21, SC 23
    assert environ["wsgi.url_scheme"] == "https"
    assert not [value for value in environ.values() if "forged" in str(value)]  # SC 21


def test_a_health_check_names_no_host() -> None:  # SC 13
    told = echoed(recorded("alb_health_check"))
    assert (told["PATH_INFO"], told["HTTP_HOST"], told["REMOTE_ADDR"]) == ("/health", "lambda.invalid", "")


@pytest.mark.parametrize("host", ["a/b", "a b", "a,b", "é", "", "a@b", "[::1"])
def test_a_host_that_is_none_is_not_passed_on(host: str) -> None:  # SC 22
    event = alb_event(Request("GET", "/"))
    event["headers"]["host"] = host
    assert echoed(event)["HTTP_HOST"] == "lambda.invalid"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [("a%2Bb", "a%2Bb"), ("a+b", "a+b"), ("%E6%BC%AB", "%E6%BC%AB"), ("a&b", "a%26b"), ("漫", "%E6%BC%AB"), ("%", "%")],
)
def test_parameters_are_encoded_once(sent: str, arrives: str) -> None:  # SC 12
    event = alb_event(Request("GET", "/")) | {"queryStringParameters": {"q": sent}}
    assert echoed(event)["QUERY_STRING"] == f"q={arrives}"


@pytest.mark.parametrize(
    ("path", "mounted"),
    [("/comics/a", ("/comics", "/a")), ("/comics", ("/comics", "/")), ("/comicsans", ("", "/comicsans"))],
)
def test_a_base_path_is_cut_off_as_a_segment(path: str, mounted: tuple[str, str]) -> None:  # SC 7, SC 8
    told = echoed(alb_event(Request("GET", path)), "/comics")
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == mounted


@pytest.mark.parametrize("status", [200, 204, 304, 404, 418, 500, 599])
def test_the_status_is_also_told_in_words(status: int) -> None:  # SC 30
    for encode in (alb.from_answer, alb.from_answer_multi):
        assert encode(Answer(status, [], b""))["statusDescription"].startswith(f"{status} ")


def test_the_answer_has_the_form_of_the_request() -> None:  # SC 29, SC 30
    handler = handler_of(lambda: echoes.app)
    for target in ("/", "/crash", "/text?size=2000000"):
        single = handler(alb_event(Request("GET", target)), Context())
        multi = handler(alb_multi_event(Request("GET", target)), Context())
        assert ("headers" in single, "multiValueHeaders" in single) == (True, False)
        assert ("headers" in multi, "multiValueHeaders" in multi) == (False, True)
        assert {"statusCode", "statusDescription", "body", "isBase64Encoded"} <= set(single) & set(multi)


def test_every_cookie_is_sent_where_headers_are_lists() -> None:  # SC 29
    told = alb.from_answer_multi(Answer(200, COOKIES, b""))
    assert told["multiValueHeaders"] == {"set-cookie": ["a=1; Path=/", "b=2; Path=/"]}


def test_a_second_cookie_is_refused_loudly(capsys: pytest.CaptureFixture[str]) -> None:  # SC 29
    assert alb.from_answer(Answer(200, COOKIES[:1], b""))["headers"] == {"set-cookie": "a=1; Path=/"}
    with pytest.raises(NotWsgi, match="multi-value"):
        alb.from_answer(Answer(200, COOKIES, b""))
    told = handler_of(lambda: echoes.app)(alb_event(Request("GET", "/cookies")), Context())
    assert FORMS["alb"].decode(told).status == 500
    assert "NotWsgi" in capsys.readouterr().out
