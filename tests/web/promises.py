"""The OpenAPI document as promises: every exchange is checked against it, and what was promised can be counted."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jsonschema  # type: ignore[import-untyped]
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Broken: type[Exception] = jsonschema.ValidationError
"""Raised where a body is not after its schema; other broken promises are AssertionErrors."""


class Promise(NamedTuple):
    """An answer: of which operation, with which status, and the code of a refusal."""

    operation: str
    status: str
    code: str = ""


class Operation(NamedTuple):
    method: str
    path: str
    about: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.about["operationId"])


class Promises:
    """Those of a document. `kept` grows with each answer that `check` was shown."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = _closed(document)
        self._registry: Registry[Any] = Registry().with_resource("urn:it", DRAFT202012.create_resource(self._document))
        self.operations = [
            Operation(method.upper(), path, about)
            for path, methods in self._document["paths"].items()
            for method, about in methods.items()
        ]
        self.kept: set[Promise] = set()

    def made(self) -> set[Promise]:
        """All of them, save for `default`."""
        return {promise for operation in self.operations for promise in self._of(operation)}

    def _of(self, operation: Operation) -> Iterator[Promise]:
        for status, response in operation.about["responses"].items():
            if status != "default":
                for code in self._at(response).get("x-codes", [""]):
                    yield Promise(operation.name, status, code)

    def check(self, method: str, path: str, answer: Any, sent: Any = None) -> None:
        """That an answer is one of those promised, with its headers and a body after its schema, and nothing else.

        What was sent and taken must be after the schema too.
        """
        self.check_of(self._operation(method, path.partition("?")[0]), answer, sent)

    def check_of(self, operation: Operation, answer: Any, sent: Any = None) -> None:
        """As `check`, where it is known which operation answered."""
        status = str(answer.status_code)
        assert status in operation.about["responses"], f"{operation.name} answered {status}: {answer.text}"
        response = self._at(operation.about["responses"][status])
        assert set(response["headers"]) <= {_capital(name) for name in answer.headers}, f"{operation.name} {status}"
        code = self._check_body(operation, response, answer)
        self.kept.add(Promise(operation.name, status, code))
        if sent is not None and answer.status_code < 300:
            self._validate(sent, operation.about["requestBody"]["content"]["application/json"]["schema"])

    def _check_body(self, operation: Operation, response: dict[str, Any], answer: Any) -> str:
        """The code of a refusal."""
        if "content" not in response:
            assert not answer.content, f"{operation.name}: a body that was not promised"
            return ""
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in response["content"], f"{operation.name}: {kind} was not promised"
        if not kind.endswith("json"):
            return ""
        self._validate(answer.json, response["content"][kind]["schema"])
        code = answer.json.get("code", "") if kind.startswith("application/problem") else ""
        assert not code or code in response["x-codes"], f"{operation.name}: {code} was not promised"
        return str(code)

    def _validate(self, value: Any, schema: dict[str, Any]) -> None:
        self._validator(json.dumps(schema).replace('"#/', '"urn:it#/')).validate(value)

    @cache  # noqa: B019 - there are few of them, and they last as long as their tests
    def _validator(self, schema: str) -> Any:
        return OAS31Validator(json.loads(schema), registry=self._registry, format_checker=oas31_format_checker)

    def _operation(self, method: str, path: str) -> Operation:
        """The one at this address; of several the one with the fewest parameters."""
        found = [one for one in self.operations if one.method == method and _matches(one.path, path)]
        assert found, f"{method} {path} is not described"
        return min(found, key=lambda one: one.path.count("{"))

    def _at(self, part: dict[str, Any]) -> dict[str, Any]:
        """What a reference refers to."""
        while "$ref" in part:
            found: Any = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            part = found
        return part


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\{key\}", ".+", template)
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path.rstrip("/")) is not None


def _capital(name: str) -> str:
    return {"etag": "ETag", "www-authenticate": "WWW-Authenticate"}.get(name.lower(), name.title())


def _closed(document: dict[str, Any]) -> dict[str, Any]:
    """With schemas that allow no more than they name."""
    closed = copy.deepcopy(document)
    for schema in closed["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return closed
