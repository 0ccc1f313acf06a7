"""Reads templates of CloudFormation, which SAM's are too, and what the Serverless Framework makes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tests.deploy.facts import Bucket, Facts, Function, Statement, listed

Template = dict[str, Any]
_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")


class _Loader(yaml.SafeLoader):
    """Knows the short forms: `!Sub x` is {"Fn::Sub": "x"}."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if tag == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


def load(file: Path) -> Template:
    """The template in a file of YAML or JSON. Raises yaml.YAMLError."""
    template: Template = yaml.load(file.read_text(), _Loader)
    return template


def text(value: Any) -> str:
    """A value as one text, references as `${Name}` and `${Name.Attribute}`, alternatives beside each other."""
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    (name, given), *_ = value.items()
    match name:
        case "Ref":
            return f"${{{given}}}"
        case "Fn::GetAtt":
            return f"${{{given if isinstance(given, str) else '.'.join(given)}}}"
        case "Fn::Sub":
            return str(given if isinstance(given, str) else given[0])
        case "Fn::Join":
            return str(given[0]).join(map(text, given[1]))
        case "Fn::If":
            return " | ".join(map(text, given[1:]))
    return json.dumps(value)


def facts(template: Template) -> Facts:
    resources: Mapping[str, Any] = template.get("Resources") or {}
    globals_ = template.get("Globals", {}).get("Function", {})
    defaults = {f"${{{name}}}": str(one.get("Default", "")) for name, one in template.get("Parameters", {}).items()}
    of = {name: {**resource, "Properties": resource.get("Properties", {})} for name, resource in resources.items()}
    return Facts(
        functions=tuple(
            _function(name, {**globals_, **one["Properties"]}) for name, one in of.items() if one["Type"] in _FUNCTIONS
        ),
        buckets=tuple(_bucket(name, one["Properties"]) for name, one in of.items() if one["Type"] == "AWS::S3::Bucket"),
        statements=tuple(found for name, one in of.items() for found in _statements(name, one["Properties"])),
        managed=tuple(
            f"{name}: {text(arn)}"
            for name, one in of.items()
            for key in ("ManagedPolicyArns", "Policies")
            for arn in listed(one["Properties"].get(key))
            if isinstance(arn, str) or "PolicyDocument" not in _one(arn)
        ),
        schedules=tuple(
            defaults.get(told := text(one["Properties"]["ScheduleExpression"]), told)
            for one in of.values()
            if "ScheduleExpression" in one["Properties"]
        ),
    )


def _function(name: str, properties: Mapping[str, Any]) -> Function:
    code = properties.get("CodeUri") or properties.get("Code", {}).get("S3Key", "")
    environment = properties.get("Environment", {}).get("Variables", {})
    return Function(
        name=name,
        handler=text(properties.get("Handler")),
        runtime=text(properties.get("Runtime")),
        arch=text((properties.get("Architectures") or ["x86_64"])[0]),
        archive=PurePosixPath(text(code)).name,
        timeout=int(properties.get("Timeout", 3)),
        environment={key: text(value) for key, value in environment.items()},
    )


def _bucket(name: str, properties: Mapping[str, Any]) -> Bucket:
    block = properties.get("PublicAccessBlockConfiguration", {})
    cors = _one(properties.get("CorsConfiguration", {})).get("CorsRules", [])
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return Bucket(
        name=name,
        blocked=len(block) == 4 and all(str(on).lower() == "true" for on in block.values()),
        expires={
            rule.get("Prefix", ""): int(rule["ExpirationInDays"])
            for rule in rules
            if rule.get("Status") == "Enabled" and "ExpirationInDays" in rule
        },
        cors=(
            tuple(method for rule in cors for method in rule["AllowedMethods"]),
            tuple(header.lower() for rule in cors for header in rule.get("AllowedHeaders", [])),
        ),
    )


def _one(value: dict[str, Any]) -> dict[str, Any]:
    """Of two alternatives the first."""
    return value["Fn::If"][1] if "Fn::If" in value else value


def _statements(where: str, value: Any) -> Iterator[Statement]:
    """Every statement of a policy in here, however deep; and who else may call a function."""
    if isinstance(value, list):
        for one in value:
            yield from _statements(where, one)
    elif isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            yield from (_statement(where, one) for one in value["Statement"])
        if "FunctionName" in value and "Action" in value:
            by_url = value.get("FunctionUrlAuthType") or value.get("InvokedViaFunctionUrl")
            on = ("its URL",) if by_url else ()
            yield Statement(where, "Allow", (text(value["Principal"]),), (value["Action"],), on)
        for one in value.values():
            yield from _statements(where, one)


def _statement(where: str, one: Mapping[str, Any]) -> Statement:
    principal = one.get("Principal", {})
    named = [principal] if isinstance(principal, str) else [who for each in principal.values() for who in listed(each)]
    return Statement(
        where,
        one["Effect"],
        tuple(map(text, named)),
        tuple(map(text, listed(one.get("Action")))),
        tuple(map(text, listed(one.get("Resource")))),
    )
