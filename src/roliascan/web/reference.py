"""The documentation for people: one HTML page made from the OpenAPI document, which loads nothing and runs nothing."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Any

from roliascan.web import documents

_Part = Mapping[str, Any]
_LIMITS = (("minLength", "maxLength", " characters"), ("minItems", "maxItems", ""), ("minimum", "maximum", ""))

BEGIN = (
    (
        "Make an administrator, on the machine that serves (`make serve` on a new site has made and printed demo"
        " accounts already):",
        "roliascan admin create --email you@example.org --username you",
    ),
    (
        "Sign in, and keep the token. It says who you are wherever you send it as `Authorization: Bearer`:",
        "SITE=http://127.0.0.1:3000\n"
        "TOKEN=$(curl -sS $SITE/api/v1/auth/login -H 'Content-Type: application/json' \\\n"
        """  -d '{"login": "you", "password": "..."}' | sed 's/.*"token":"\\([^"]*\\).*/\\1/')""",
    ),
    (
        "Start a series, and keep its identifier, which begins the answer:",
        'SERIES=$(curl -sS $SITE/api/v1/series -H "Authorization: Bearer $TOKEN" \\\n'
        """  -H 'Content-Type: application/json' -d '{"title": "My First", "author": "Me"}' | cut -d '"' -f 4)""",
    ),
    (
        "Add a chapter, then its pages: images, in order:",
        'CHAPTER=$(curl -sS $SITE/api/v1/series/$SERIES/chapters -H "Authorization: Bearer $TOKEN" \\\n'
        "  -H 'Content-Type: application/json' -d '{\"number\": 1}' | cut -d '\"' -f 4)\n"
        'curl -sS $SITE/api/v1/chapters/$CHAPTER/pages -H "Authorization: Bearer $TOKEN" \\\n'
        "  -F page_1=@1.png -F page_2=@2.png",
    ),
    (
        "Publish it:",
        'curl -sS -X POST $SITE/api/v1/chapters/$CHAPTER/publish -H "Authorization: Bearer $TOKEN"',
    ),
    (
        "Now anyone can read it. The addresses of its pages are in the answer:",
        "curl -sS $SITE/api/v1/chapters/$CHAPTER",
    ),
    (
        "Readers make themselves an account, and get a token with it:",
        "curl -sS $SITE/api/v1/auth/register -H 'Content-Type: application/json' \\\n"
        """  -d '{"email": "aiko@example.org", "username": "aiko", "password": "a long password"}'""",
    ),
)
"""Words, and commands that do what they say, one after the other."""


@cache
def page() -> bytes:
    """The page, the same for every site."""
    return page_of(json.loads(documents.document_bytes()))


def page_of(document: _Part) -> bytes:
    """The page of an OpenAPI document of ours."""
    title = escape(f"{document['info']['title']} API")
    written = "".join(_sections(document))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_style()}</style></head><body>"
        f"<nav>{_contents(document)}</nav>"
        f'<header><h1>{title}</h1><p class="soft">Version {escape(document["info"]["version"])}. For programs:'
        ' <a href="api/v1/openapi.json">OpenAPI 3.1</a>.</p></header>'
        f"<main>{written}</main></body></html>\n"
    ).encode()


@cache
def policy() -> str:
    """A Content-Security-Policy under which the page shows, and nothing else."""
    style = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> str:
    return resources.files("roliascan.web").joinpath("reference.css").read_text(encoding="utf-8")


def _contents(document: _Part) -> str:
    groups = "".join(
        _item(f"#{tag['name']}", tag["name"].capitalize(), _list(_links(document, tag["name"])))
        for tag in document["tags"]
    )
    return f"<ul>{_item('#begin', 'Begin')}{_item('#rules', 'Rules')}{groups}{_item('#things', 'Things')}</ul>"


def _links(document: _Part, tag: str) -> Iterator[str]:
    for _, _, operation in _operations(document, tag):
        yield _item(f"#{operation['operationId']}", operation["summary"])


def _item(address: str, words: str, more: str = "") -> str:
    return f'<li><a href="{escape(address)}">{escape(words)}</a>{more}</li>'


def _list(items: Iterator[str]) -> str:
    return f"<ul>{''.join(items)}</ul>"


def _operations(document: _Part, tag: str) -> Iterator[tuple[str, str, _Part]]:
    """Method, path and operation of each with this tag."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method, path, operation


def _sections(document: _Part) -> Iterator[str]:
    yield '<section id="begin"><h2>Begin</h2>'
    for words, command in BEGIN:
        yield f"{_prose(words)}<pre>{escape(command)}</pre>"
    yield f'</section><section id="rules"><h2>Rules</h2>{_prose(document["info"]["description"])}'
    yield "<p>Any request may be answered 503, with <code>Retry-After</code>, for one of these reasons:</p>"
    yield f"{_prose(document['components']['responses']['503']['description'])}</section>"
    for tag in document["tags"]:
        yield f'<section id="{escape(tag["name"])}"><h2>{escape(tag["name"].capitalize())}</h2>'
        yield _prose(tag["description"])
        for method, path, operation in _operations(document, tag["name"]):
            yield "".join(_operation(document, method, path, operation))
        yield "</section>"
    yield '<section id="things"><h2>Things</h2><p>What is sent and answered, by name.</p>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<section class="thing" id="thing-{escape(name)}"><h3>{escape(name)}</h3>'
        yield f"{_prose(schema['description'])}{_fields(schema)}</section>"
    yield "</section>"


def _operation(document: _Part, method: str, path: str, operation: _Part) -> Iterator[str]:
    yield (
        f'<section class="operation" id="{escape(operation["operationId"])}"><h3>'
        f'<a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></h3>'
        f'<p class="address"><span class="method {escape(method)}">{escape(method.upper())}</span>'
        f'<code>{escape(path)}</code><span class="who">{escape(operation["x-who"])}</span></p>'
        + _prose(operation["description"])
    )
    if parameters := operation.get("parameters"):
        yield "<h4>Parameters</h4>" + _table((_named(one["name"], one["in"]), _described(one)) for one in parameters)
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        needed = "" if operation["requestBody"]["required"] else ", which may be absent"
        yield f"<h4>Body</h4><p>{escape(kind)}{needed}{_thing(media['schema'])}</p>"
        yield _fields(_resolved(document, media["schema"]))
    yield "<h4>Answers</h4>" + _table(
        (f"<code>{escape(status)}</code>", _answer(_resolved(document, response)))
        for status, response in operation["responses"].items()
        if status != "default" and not response.get("$ref", "").endswith("/503")
    )
    yield f"<h4>Example</h4><pre>{escape(_curl(method, path, operation))}</pre></section>"


def _resolved(document: _Part, part: _Part) -> _Part:
    """What a reference refers to."""
    while "$ref" in part:
        _, _, kind, name = part["$ref"].split("/", 3)
        part = document["components"][kind][name]
    return part


def _answer(response: _Part) -> str:
    kinds = response.get("content", {})
    things = [_type(media["schema"]) for kind, media in kinds.items() if kind == "application/json"]
    others = [escape(kind) for kind in kinds if kind not in {"application/json", "application/problem+json"}]
    return " ".join([_prose(response["description"]), *things, ", ".join(others)])


def _fields(schema: _Part) -> str:
    """A table of an object's properties; which of them are needed is said of what is sent."""
    needed = schema.get("required", []) if schema.get("additionalProperties") is False else []
    fields = {**schema.get("properties", {}), **schema.get("patternProperties", {})}
    if isinstance(schema.get("additionalProperties"), dict):
        fields["others"] = schema["additionalProperties"]
    return _table((_named(name, "needed" if name in needed else ""), _described(one)) for name, one in fields.items())


def _named(name: str, mark: str) -> str:
    return f'<code>{escape(name)}</code> <span class="soft">{escape(mark)}</span>'


def _table(rows: Iterator[tuple[str, str]]) -> str:
    written = "".join(f"<tr><td>{first}</td><td>{second}</td></tr>" for first, second in rows)
    return f"<table>{written}</table>" if written else ""


def _described(part: _Part) -> str:
    """The type, limits and words of a property or a parameter."""
    schema = part.get("schema", part)
    words = part.get("description", schema.get("description", ""))
    after = escape("".join(f", {limit}" for limit in _limits(schema)))
    return f'<p>{_type(schema)}<span class="soft">{after}</span></p>{_prose(words)}'


def _limits(schema: _Part) -> Iterator[str]:
    for least, most, unit in _LIMITS:
        if most in schema:
            span = f"{schema[least]:,} to " if least in schema else "at most "
            yield f"{span}{schema[most]:,}{unit}"
    if schema.get("default") is not None:
        yield f"{schema['default']} where it is absent"


def _type(schema: _Part) -> str:
    """In words: `string (uuid)`, `list of Series`, `"a" or "b"`."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#thing-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "array" in kinds:
        return f"list of {_type(schema['items'])}"
    if "contentMediaType" in schema:
        return "file"
    form = f" ({escape(schema['format'])})" if "format" in schema else ""
    return " or ".join(escape(kind) + (form if kind == "string" else "") for kind in kinds)


def _thing(schema: _Part) -> str:
    return f": {_type(schema)}" if "$ref" in schema else ""


def _curl(method: str, path: str, operation: _Part) -> str:
    """A command that asks for it; addresses and identifiers are variables of the shell."""
    address = "$SITE" + re.sub(r"\{(\w+)\}", lambda match: f"${match[1].upper()}", path)
    parts = [f"curl {address}" if method in {"get", "post"} else f"curl -X {method.upper()} {address}"]
    if operation["x-who"] != "anyone":
        parts.append('-H "Authorization: Bearer $TOKEN"')
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        fields = content["multipart/form-data"]["schema"].get("properties", ["page_1", "page_2"])
        parts.append(" ".join(f"-F {field}=@{place}.png" for place, field in enumerate(fields, start=1)))
    elif "*/*" in content:
        needed = "&".join(
            f"{one['name']}=${one['name'].upper()}" for one in operation["parameters"] if one["in"] == "query"
        )
        parts = [f'curl -X {method.upper()} "{address}?{needed}"', "-H 'Content-Type: image/png' --data-binary @1.png"]
    elif content:
        example = json.dumps(content["application/json"]["example"], ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    elif method == "post":
        parts[0] = f"curl -X POST {address}"
    return " \\\n  ".join(parts)


def _prose(words: str) -> str:
    """Paragraphs and lists of plain text, `code` in backticks."""
    return "".join(_paragraph(one) for one in words.split("\n\n") if one)


def _paragraph(words: str) -> str:
    if words.startswith("- "):
        return _list(f"<li>{_line(one)}</li>" for one in words.removeprefix("- ").split("\n- "))
    return f"<p>{_line(words)}</p>"


def _line(words: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))
