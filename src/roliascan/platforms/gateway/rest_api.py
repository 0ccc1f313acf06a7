"""AWS Lambda behind a REST API, or behind an HTTP API that asks for the same form: payload format 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from collections.abc import Iterable
from typing import Any

from . import headers, proxy
from .paths import as_bytes, decoded, encoded, mounted
from .wsgi import Answer, Environ


def to_environ(event: proxy.Event, base_path: str = "", hops: int = 0) -> Environ:
    """The request in the event, which stays as it is; raises Malformed. Options as of `http_api.to_environ`."""
    return proxy.reading(_to_environ, event, base_path, hops, form="of payload format 1.0")


def _to_environ(event: proxy.Event, base_path: str, hops: int) -> Environ:
    context, path = event["requestContext"], event["path"]
    of_http_api = event.get("version") == "1.0"  # a REST API says no version
    environ = proxy.environ(
        method=event["httpMethod"],
        mounted=_as_sent(path, context, base_path) if of_http_api else _encoded(path, context, base_path),
        query=_query(proxy.each(event.get("multiValueQueryStringParameters"), event.get("queryStringParameters"))),
        client=proxy.client((context.get("identity") or {}).get("sourceIp"), event, hops),
        host=context.get("domainName") or "",
        protocol=context.get("protocol") or "HTTP/1.1",
        raw="" if of_http_api else path,
    )
    proxy.add_headers(environ, event)
    proxy.add_body(environ, event)
    return environ


def _as_sent(path: str, context: dict[str, Any], base_path: str) -> tuple[str, str]:
    """An HTTP API decodes the path, and leaves what the client put before it: a named stage, or a domain's mapping."""
    return mounted(as_bytes(path), "" if proxy.is_mapped(context) else proxy.named_stage(context), base_path)


def _encoded(path: str, context: dict[str, Any], base_path: str) -> tuple[str, str]:
    """A REST API does not decode the path. Its stage stands in the context's path only; a domain's mapping in both.

    So a path that begins like the stage by chance keeps all of itself.
    """
    stage = proxy.named_stage(context)
    script, info = mounted(decoded(path), base_path)
    return (stage if context.get("path") == stage + path else "") + script, info


def _query(given: Iterable[tuple[str, list[str]]]) -> str:
    """API Gateway has decoded names and values: encoded again, once."""
    return "&".join([f"{encoded(name, '')}={encoded(value, '')}" for name, values in given for value in values])


def from_answer(answer: Answer, *, method: str = "GET") -> dict[str, Any]:
    """The answer in payload format 1.0, whose two kinds of headers API Gateway puts together. Raises NotWsgi."""
    once, cookies = headers.joined(answer.headers)
    told = {**proxy.encoded(answer, once, method), "headers": once}
    if cookies:
        told["multiValueHeaders"] = {"set-cookie": cookies}
    return told
