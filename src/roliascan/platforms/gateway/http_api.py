"""AWS Lambda behind an HTTP API or a function URL: payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from typing import Any

from . import headers, proxy
from .paths import as_bytes, decoded, mounted
from .wsgi import Answer, Environ


def to_environ(event: proxy.Event, base_path: str = "", hops: int = 0) -> Environ:
    """The request in the event, which stays as it is; raises Malformed.

    `base_path` ("" or "/name") is what stands before every path: by a custom domain's mapping, or by what is in front.
    `hops` is how many trusted proxies stand before the platform, each of which adds its peer to X-Forwarded-For; 0: the
    client is who the platform saw. What the platform says is trusted, headers that say the same are dropped.
    """
    return proxy.reading(_to_environ, event, base_path, hops, form="of payload format 2.0")


def _to_environ(event: proxy.Event, base_path: str, hops: int) -> Environ:
    context = event["requestContext"]
    http, path, domain = context["http"], event["rawPath"], context.get("domainName") or ""
    of_url = ".lambda-url." in domain
    environ = proxy.environ(
        method=http["method"],
        mounted=mounted(decoded(path), base_path) if of_url else _mounted(path, context, base_path),
        query=event.get("rawQueryString") or "",
        client=proxy.client(http.get("sourceIp"), event, hops),
        host=domain,
        protocol=http.get("protocol") or "HTTP/1.1",
        raw=path if of_url else "",
    )
    proxy.add_headers(environ, event)
    if cookies := event.get("cookies"):
        environ["HTTP_COOKIE"] = headers.native("; ".join(cookies))
    proxy.add_body(environ, event)
    return environ


def _mounted(path: str, context: dict[str, Any], base_path: str) -> tuple[str, str]:
    """An HTTP API decodes the path, puts a named stage before it, and leaves out a custom domain's mapping."""
    stage = proxy.named_stage(context)
    if proxy.is_mapped(context):
        return base_path, mounted(as_bytes(path), stage)[1]
    return mounted(as_bytes(path), stage, base_path)


def from_answer(answer: Answer, *, method: str = "GET") -> dict[str, Any]:
    """The answer in payload format 2.0. Raises NotWsgi."""
    once, cookies = headers.joined(answer.headers)
    told = {**proxy.encoded(answer, once, method), "headers": once}
    if cookies:
        told["cookies"] = cookies
    return told
