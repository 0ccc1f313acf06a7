"""Requests from steps, and answers in the form in which those of several runtimes are compared."""

import json
import re
from typing import Any

from tests.platforms import shapes, sites
from tests.platforms.dozen import Step
from tests.platforms.shapes import Reply, Request

# What is made anew by each: identifiers, tokens, instants, signatures.
FRESH = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(?:-[0-9a-f]{16})?"
    rb"|eyJ[\w-]+\.[\w-]+\.[\w-]+|\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT"
    rb"|signature=[\w-]+|expires=\d+"
)


def filled(step: Step, names: dict[str, str]) -> Request:
    """The request of a step. An address that an answer told is asked where the runtime is."""
    target = _filled(step.target, names).removeprefix(sites.PUBLIC_URL)
    headers = [
        (name, _filled(value, names))
        for name, values in step.headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    if step.json is None:
        return Request(step.method, target, headers, step.body)
    if "Content-Type" not in step.headers:
        headers.append(("Content-Type", "application/json"))
    return Request(step.method, target, headers, _filled(json.dumps(step.json, ensure_ascii=False), names).encode())


def _filled(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: names[name[1]], text)


def keep(step: Step, reply: Reply, names: dict[str, str]) -> None:
    for kept in step.keep:
        told, _, name = kept.partition(":")
        names[name or told] = reply.headers[told] if told in reply.headers else _member(json.loads(reply.body), told)


def _member(told: Any, path: str) -> Any:
    """`a.b` of an object in an object, `a.0` of a list in an object."""
    for name in path.split("."):
        told = told[int(name) if isinstance(told, list) else name]
    return told


def comparable(step: Step, reply: Reply, added: dict[str, str]) -> Reply:
    """Without what the runtime adds, the request's id, and what is fresh; the length is checked and left out."""
    headers = {name: value for name, value in reply.headers.items() if name not in added}
    request_id = headers.pop("x-request-id")
    assert request_id
    length = headers.pop("content-length", None)
    assert length in (None, str(len(reply.body))) or step.method == "HEAD" or reply.status == 304
    body = reply.body.replace(request_id.encode(), b"(request id)")
    if step.fresh:
        headers = {name: FRESH.sub(b"(fresh)", value.encode()).decode() for name, value in headers.items()}
        headers.pop("etag", None)
        body = FRESH.sub(b"(fresh)", body)
    cookies = [FRESH.sub(b"(fresh)", cookie.encode()).decode() for cookie in reply.cookies]
    return Reply(reply.status, headers, shapes.alike(cookies), body)  # type: ignore[arg-type]
