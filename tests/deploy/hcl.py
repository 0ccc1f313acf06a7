"""Reads Terraform's files without Terraform: blocks, and what a few of AWS's resources say.

References are followed to locals and to variables' defaults; what Terraform would compute stays as it is written.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

import hcl2

from tests.deploy.facts import Bucket, Facts, Function, Statement, listed

Blocks = Mapping[str, Mapping[str, Mapping[str, Any]]]
_DOCUMENT = re.compile(r"\$\{data\.aws_iam_policy_document\.\w+\.json\}")
_NAMED = re.compile(r"\$\{(local|var)\.(\w+)\}")
_ONE_AT_A_TIME = Lock()  # its parser remembers where it is, for all: of two threads each got pieces of the other's file


class Module:
    """The blocks of a folder: `resource` and `data` by type and name, `names` what
    `local.x` and `var.x` mean, `variables` and `outputs` as they stand there."""

    def __init__(self, folder: Path) -> None:
        self.resource: dict[str, dict[str, Any]] = defaultdict(dict)
        self.data: dict[str, dict[str, Any]] = defaultdict(dict)
        self.names: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self.variables: dict[str, Any] = {}
        for file in sorted(folder.glob("*.tf")):
            with _ONE_AT_A_TIME:
                read = hcl2.loads(file.read_text())
            self._add(_plain(read))

    def _add(self, parts: Mapping[str, list[dict[str, Any]]]) -> None:
        for kind, places in (("resource", self.resource), ("data", self.data)):
            for block in parts.get(kind, []):
                for type_, named in block.items():
                    places[type_].update(named)
        for block in parts.get("locals", []):
            self.names |= {f"local.{name}": value for name, value in block.items()}
        for block in parts.get("variable", []):
            self.variables |= block
            self.names |= {f"var.{name}": one.get("default", "") for name, one in block.items()}
        for block in parts.get("output", []):
            self.outputs |= block

    def known(self, value: Any) -> Any:
        """A value with its references followed."""
        if not isinstance(value, str):
            return value
        if (one := _NAMED.fullmatch(value)) and one[0][2:-1] in self.names:
            return self.known(self.names[one[0][2:-1]])
        return _NAMED.sub(lambda found: self._inside(found[0]), value)

    def _inside(self, reference: str) -> str:
        meant = self.names.get(reference[2:-1])
        return str(self.known(meant)) if isinstance(meant, str) else reference


def _plain(value: Any) -> Any:
    """Without the quotation marks that hcl2 keeps, and its own marks."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def facts(folder: Path) -> Facts:
    """Raises what hcl2 raises for what is no HCL."""
    module = Module(folder)
    return Facts(
        functions=tuple(_function(module, name, one) for name, one in module.resource["aws_lambda_function"].items()),
        buckets=tuple(_bucket(module, name) for name in module.resource["aws_s3_bucket"]),
        statements=tuple(_statements(module)),
        managed=tuple(_unread(module)),
        schedules=tuple(
            str(module.known(one["schedule_expression"]))
            for one in module.resource["aws_cloudwatch_event_rule"].values()
        ),
    )


def _function(module: Module, name: str, one: Mapping[str, Any]) -> Function:
    environment = [module.known(block["variables"]) for block in one.get("environment", [])]
    return Function(
        name=name,
        handler=module.known(one.get("handler", "")),
        runtime=module.known(one.get("runtime", "")),
        arch=module.known(listed(one.get("architectures"))[0]) if one.get("architectures") else "x86_64",
        archive=PurePosixPath(str(module.known(one.get("filename", "")))).name,
        timeout=int(one.get("timeout", 3)),
        environment={key: str(module.known(value)) for block in environment for key, value in block.items()},
    )


def _bucket(module: Module, name: str) -> Bucket:
    def of(type_: str) -> Iterator[Mapping[str, Any]]:
        yield from (one for one in module.resource[type_].values() if f"aws_s3_bucket.{name}." in one["bucket"])

    blocks = [{**one, "bucket": True} for one in of("aws_s3_bucket_public_access_block")]
    cors = [rule for one in of("aws_s3_bucket_cors_configuration") for rule in one.get("cors_rule", [])]
    rules = [rule for one in of("aws_s3_bucket_lifecycle_configuration") for rule in one.get("rule", [])]
    return Bucket(
        name=name,
        blocked=any(len(block) == 5 and all(on is True for on in block.values()) for block in blocks),
        expires={
            rule["filter"][0]["prefix"]: rule["expiration"][0]["days"]
            for rule in rules
            if rule.get("status") == "Enabled" and "expiration" in rule
        },
        cors=(
            tuple(method for rule in cors for method in rule["allowed_methods"]),
            tuple(header.lower() for rule in cors for header in rule.get("allowed_headers", [])),
        ),
    )


def _statements(module: Module) -> Iterator[Statement]:
    for name, document in module.data["aws_iam_policy_document"].items():
        dynamic = [one["statement"]["content"][0] for one in document.get("dynamic", []) if "statement" in one]
        for one in [*document.get("statement", []), *dynamic]:
            yield Statement(
                name,
                one.get("effect", "Allow"),
                tuple(who for principals in one.get("principals", []) for who in listed(principals["identifiers"])),
                tuple(map(str, listed(one.get("actions")))),
                tuple(str(module.known(resource)) for resource in listed(one.get("resources"))),
            )
    for name, one in module.resource["aws_lambda_permission"].items():
        on = ("its URL",) if "function_url_auth_type" in one else ()
        yield Statement(name, "Allow", (one["principal"],), (one["action"],), on)


def _unread(module: Module) -> Iterator[str]:
    """Policies that are not written as documents, which are read above."""
    for type_, named in module.resource.items():
        for name, one in named.items():
            for key in ("policy", "assume_role_policy", "inline_policy", "managed_policy_arns", "policy_arn"):
                if key in one and not _DOCUMENT.fullmatch(str(one[key])):
                    yield f"{type_}.{name}: {one[key]}"
