"""AWS Lambda as the target of an Application Load Balancer, whose target group may have multi-value headers or not.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from . import headers, proxy
from .addresses import client, scheme
from .paths import decoded, encoded, mounted
from .wsgi import Answer, Environ, NotWsgi

LIMIT = 1_000_000
"""Bytes of an answer as JSON: "1 MB" in the documentation, which does not say whether of 1,000 or of 1,024."""

_IN_A_QUERY = "!$'()*+,/:;?@%"  # parameters come as they were sent; what no client can have sent is encoded


def to_environ(event: proxy.Event, base_path: str = "", hops: int = 0) -> Environ:
    """The request in the event, which stays as it is; raises Malformed. Options as of `http_api.to_environ`.

    REMOTE_ADDR is the last address of X-Forwarded-For: the load balancer adds its peer at the right. HTTP_HOST is what
    the client said.
    """
    return proxy.reading(_to_environ, event, base_path, hops, form="of a load balancer")


def _to_environ(event: proxy.Event, base_path: str, hops: int) -> Environ:
    parameters = proxy.each(event.get("multiValueQueryStringParameters"), event.get("queryStringParameters"))
    told = proxy.lasts(event)
    sent_by = scheme(told.get("x-forwarded-proto", ""), "https", 1)
    environ = proxy.environ(
        method=event["httpMethod"],
        mounted=mounted(decoded(event["path"]), base_path),
        query=_query(parameters),
        client=client(told.get("x-forwarded-for", ""), "", hops + 1),
        host=told.get("host", ""),
        scheme=sent_by,
        port="443" if sent_by == "https" else "80",
        raw=event["path"],
    )
    proxy.add_headers(environ, event)
    proxy.add_body(environ, event)
    return environ


def _query(given: Iterable[tuple[str, list[str]]]) -> str:
    """The load balancer has only split the query: its parts are put together again as they are."""
    return "&".join(
        f"{encoded(name, _IN_A_QUERY)}={encoded(value, _IN_A_QUERY + '=')}"
        for name, values in given
        for value in values
    )


def from_answer(answer: Answer, *, method: str = "GET") -> dict[str, Any]:
    """The answer for a target group without multi-value headers. Raises NotWsgi, also for a second cookie."""
    once, cookies = headers.joined(answer.headers)
    if len(cookies) > 1:
        # One more spelling of the name for each cookie would pass, and some load balancer or proxy would fold them.
        raise NotWsgi("a load balancer passes on one cookie, unless its target group has multi-value headers")
    if cookies:
        once["set-cookie"] = cookies[0]
    return {**_described(answer, once, method), "headers": once}


def from_answer_multi(answer: Answer, *, method: str = "GET") -> dict[str, Any]:
    """The answer for a target group with multi-value headers, which takes no others. Raises NotWsgi."""
    once, cookies = headers.joined(answer.headers)
    return {**_described(answer, once, method), "multiValueHeaders": headers.listed(once, cookies)}


def _described(answer: Answer, once: dict[str, str], method: str) -> dict[str, Any]:
    """With the status in words, without which the load balancer answers 502."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    return {**proxy.encoded(answer, once, method), "statusDescription": f"{answer.status} {phrase}"}
