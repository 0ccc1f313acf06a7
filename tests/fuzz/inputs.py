"""Inputs as the OpenAPI document describes them, and others, for hypothesis: what schemathesis does, in few lines.

It knows the part of JSON Schema that our document uses.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.ground import PIXEL, Ground
from tests.web.promises import Operation

Schema = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]
Request = tuple[str, dict[str, Any]]

TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["'", '"', "%", "_", "\\", "null", "0", "-1", "1e999", "a\0b"]))
JSON: Strategy = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from(["pages", "page_1", "page_7", "page_0", "é"]), st.sampled_from([PIXEL, b"x"]))


def of_schema(schema: Schema, document: Schema) -> Strategy:
    """Values that a schema allows."""
    if "$ref" in schema:
        return of_schema(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([of_schema(_branch(schema, one), document) for one in schema["anyOf"]])
    return _typed(schema, document)


def _branch(schema: Schema, one: Schema) -> Schema:
    """A branch of `anyOf` with what stands beside it."""
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **one}


def _typed(schema: Schema, document: Schema) -> Strategy:
    kinds = schema.get("type", ["string"])
    return st.one_of([_of_kind(kind, schema, document) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def _of_kind(kind: str, schema: Schema, document: Schema) -> Strategy:
    if kind == "object":
        needed = set(schema.get("required", ()))
        fields = {name: of_schema(one, document) for name, one in schema.get("properties", {}).items()}
        optional = {name: one for name, one in fields.items() if name not in needed}
        return st.fixed_dictionaries({name: fields[name] for name in needed}, optional=optional)
    if kind == "array":
        return st.lists(of_schema(schema["items"], document), max_size=min(3, schema.get("maxItems", 3)))
    if kind == "string":
        return _texts(schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    return {
        "integer": st.integers(low, high),
        "number": st.one_of(
            st.integers(low, None if high is None else int(high)), st.floats(low, high, allow_nan=False)
        ),
        "boolean": st.booleans(),
        "null": st.none(),
    }[kind]


def _texts(schema: Schema) -> Strategy:
    formats = {
        "uuid": st.uuids().map(str),
        "date-time": st.datetimes().map(lambda at: f"{at.isoformat()}+09:00"),
        "email": st.emails(),
    }
    if schema.get("format") in formats:
        return formats[schema["format"]]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    longest = schema.get("maxLength", 30)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(longest, 30)) | st.just("x" * longest)


def request(draw: Callable[[Strategy], Any], operation: Operation, document: Schema, ground: Ground) -> Request:
    """A path and what goes with it: mostly as described, and mostly of what exists."""
    about = operation.about
    query, headers, names = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for parameter in about.get("parameters", ()):
        described = of_schema(parameter["schema"], document)
        value = draw(st.one_of(described, described, described, TEXTS))
        if parameter["in"] == "path":
            names[parameter["name"]] = value
        elif draw(st.booleans()):
            (query if parameter["in"] == "query" else headers)[parameter["name"]] = value
    path = operation.path
    for name, value in ground.path(names).items():
        segment = _segment(value)
        path = path.replace(f"{{{name}}}", segment if name == "key" else segment.replace("/", "-"))
    asked: dict[str, Any] = {"params": query, "headers": {name: _header(value) for name, value in headers.items()}}
    for kind, content in about.get("requestBody", {}).get("content", {}).items():
        if kind != "application/json":
            return path, {**asked, "form": draw(FIELDS)}
        described = of_schema(content["schema"], document)
        body = ground.body(draw(st.one_of(described, described, described, JSON)))
        asked["body"] = json.dumps(body).encode()
        asked["headers"]["Content-Type"] = kind
    return path, asked


def _segment(value: Any) -> str:
    """Within one segment of a path: what splits it would be another address."""
    return "".join(one for one in str(value) if one not in "?#%\0" and not one.isspace()).strip("/.") or "x"


def _header(value: Any) -> str:
    return "".join(one for one in str(value) if " " <= one <= "~")
