"""What RoliaScan needs of a template, and what none may have; each finding is a sentence."""

import re
from collections.abc import Callable, Iterator
from importlib import import_module

from roliascan import __version__
from roliascan.settings import Settings
from tests.deploy.facts import Facts, Function
from tests.house.test_docs import Asked

Findings = Iterator[str]

WILDCARDS = {
    "ec2:CreateNetworkInterface": "which interface it will be is not known before",
    "ec2:DescribeNetworkInterfaces": "has no permissions by resource",
    "ec2:DescribeSubnets": "has no permissions by resource",
    "ec2:DeleteNetworkInterface": "Lambda checks for it without naming an interface",
    "ec2:AssignPrivateIpAddresses": "the same",
    "ec2:UnassignPrivateIpAddresses": "the same",
}
"""Actions that may be on any resource, and why; a Deny beside them keeps the function's own code from them."""

WITHIN = re.compile(r"[^*]*\$\{[\w.]+\}(/(pages/|covers/|files/)?|:log-stream:)\*")
"""Of resources that end in `*`, those that may: objects in a bucket, and streams of a log, of the template's own."""

NEEDED = {
    "logs:CreateLogStream": "else nothing is logged",
    "logs:PutLogEvents": "else nothing is logged",
    "s3:GetObject": "else no upload is completed",
    "s3:PutObject": "else nothing is uploaded",
    "s3:DeleteObject": "else nothing is deleted",
    "s3:ListBucket": "else a missing file is 403 and not 404",
    "ssm:GetParameter": "else the secrets cannot be read",
}
PUBLIC = {"cloudfront.amazonaws.com"}
READABLE = ("/pages/*", "/covers/*", "/files/*")
HEADERS = {"content-type", "if-none-match", "x-amz-checksum-sha256"}
SITE = {"DATABASE_URL", "JWT_SECRET", "PUBLIC_URL", "STORAGE_URL", "IMAGE_URL"}
SECRETS = ("DATABASE_URL", "DATABASE_DIRECT_URL", "JWT_SECRET")
LONGEST_S = 28
"""Of the function behind an API Gateway, see docs/operations.md, "Time"."""

_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\(\S+( \S+){5}\)")


def handlers(facts: Facts) -> Findings:
    for function in facts.functions:
        module, _, name = function.handler.rpartition(".")
        try:
            found = callable(getattr(import_module(module), name, None))
        except (ImportError, ValueError):
            found = False
        if not found:
            yield f"{function.name}: there is no handler {function.handler}"


def machines(facts: Facts) -> Findings:
    """The archive's name says for what it was built."""
    for function in facts.functions:
        expected = f"-{__version__}-aws-{function.arch}-{function.runtime}.zip"
        if not function.archive.endswith(expected):
            yield f"{function.name}: {function.archive} is not for {function.arch} and {function.runtime}"


def settings(facts: Facts) -> Findings:
    environ = Asked()
    Settings.from_environ(environ)
    for function in facts.functions:
        for name in sorted(set(function.environment) - environ.names):
            yield f"{function.name}: there is no setting {name}"
        if lacking := SITE - set(function.environment) if "web" in function.name.lower() else ():
            yield f"{function.name}: it is not told {', '.join(sorted(lacking))}"


def secrets(facts: Facts) -> Findings:
    """By reference, or a login that has no password."""
    for function in facts.functions:
        for name in SECRETS:
            value = function.environment.get(name, "arn:")
            if not ("arn:" in value or "auth=aws-iam" in value) or re.search(r"://[^/@$]*:[^/@]*@", value):
                yield f"{function.name}: {name} is there for everybody who may look at the function"


def times(facts: Facts) -> Findings:
    for function in filter(_serves, facts.functions):
        if function.timeout > LONGEST_S:
            yield f"{function.name}: the API gives up before {function.timeout} s"


def _serves(function: Function) -> bool:
    return "web" in function.name.lower()


def public(facts: Facts) -> Findings:
    for bucket in facts.buckets:
        if not bucket.blocked:
            yield f"{bucket.name}: public access to the bucket is not blocked"
    for one in facts.statements:
        if one.effect != "Allow" or not one.principals or not any(action.startswith("s3:") for action in one.actions):
            if "*" in one.principals and one.effect == "Allow" and one.resources != ("its URL",):
                yield f"{one.where}: anybody may do {', '.join(one.actions)}"
            continue
        if not set(one.principals) <= PUBLIC:
            yield f"{one.where}: {', '.join(one.principals)} may read the bucket"
        for resource in one.resources:
            if not resource.endswith(READABLE):
                yield f"{one.where}: {resource} can be read from outside"


def uploads(facts: Facts) -> Findings:
    """Browsers can send files, and what is never completed goes."""
    if facts.buckets and not any("PUT" in b.cors[0] and set(b.cors[1]) >= HEADERS for b in facts.buckets):
        yield "no bucket has the CORS rule by which browsers upload"
    if facts.buckets and not any(bucket.expires.get("incoming/") == 1 for bucket in facts.buckets):
        yield "no bucket has the lifecycle rule for incoming/, of one day"


def wildcards(facts: Facts) -> Findings:
    for policy in facts.managed:
        yield f"{policy} is a policy of somebody else's, which nobody reads here"
    for one in facts.statements:
        if one.effect != "Allow":
            continue
        yield from (f"{one.where}: the action {action}" for action in one.actions if "*" in action)
        for resource in one.resources:
            if resource == "*" and set(one.actions) <= set(WILDCARDS):
                continue
            if "*" in resource and not WITHIN.fullmatch(resource):
                yield f"{one.where}: {', '.join(one.actions)} on {resource}"


def permissions(facts: Facts) -> Findings:
    allowed = {action for one in facts.statements if one.effect == "Allow" for action in one.actions}
    for action, else_ in NEEDED.items() if facts.functions or facts.statements else ():
        if action not in allowed:
            yield f"no role has {action}: {else_}"


def schedules(facts: Facts) -> Findings:
    if facts.functions and not facts.schedules:
        yield "nothing sweeps"
    for expression in facts.schedules:
        if not expression.startswith("${") and not _RATE.fullmatch(expression):
            yield f"{expression} is no schedule"


RULES: dict[str, Callable[[Facts], Findings]] = {
    "handlers": handlers,
    "machines": machines,
    "settings": settings,
    "secrets": secrets,
    "times": times,
    "public": public,
    "uploads": uploads,
    "wildcards": wildcards,
    "permissions": permissions,
    "schedules": schedules,
}
