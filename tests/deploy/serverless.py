"""Checks of deploy/serverless, by osls; where Node is not here, what can be read of its files."""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from tests.deploy import cloudformation, tree
from tests.deploy.facts import Facts
from tests.deploy.rules import RULES
from tests.platforms import clients, sites
from tests.platforms.shapes import Request
from tests.servers import program, serverless_offline

VARIANTS = {
    "outside": {},
    "proxy": {
        "database": "proxy",
        "network": "private",
        "subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "securityGroups": "sg-0123456789abcdef0",
        "roots": "arn:aws:lambda:eu-central-1:123456789012:layer:rds-roots:1",
        "databaseId": "comics",
        "alarms": "on",
        "alarmEmail": "you@example.org",
        "databaseSecret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:comics-AbCdEf",
    },
}
"""Parameters with which everything in it is made once."""
GENERATED = "cloudformation-template-update-stack.json"
LINT_LEFT_OUT = {"W3005": "what the framework itself names twice"}


def facts(deploy: Path) -> Facts:
    """Of what is written in resources/, all variants together; the functions are known only to the framework."""
    files = sorted((deploy / "serverless" / "resources").glob("*.yml"))
    of = [cloudformation.facts(cloudformation.load(file)) for file in files]
    return Facts(*(tuple(chain.from_iterable(kind)) for kind in zip(*of, strict=True)))


def found() -> Path | None:
    return serverless_offline.found()


def prints(deploy: Path) -> list[str]:
    """`osls print` resolves every variable of each variant."""
    return [told for options in _options() for told in _osls(deploy, "print", *options)]


def packages(deploy: Path) -> list[str]:
    """`osls package`, and our rules and cfn-lint on what it makes."""
    for name, options in zip(VARIANTS, _options(), strict=True):
        if wrong := list(_package(deploy, name, options)):
            return wrong
    return []


def _package(deploy: Path, name: str, options: list[str]) -> Iterator[str]:
    if wrong := _osls(deploy, "package", "--package", f"made-{name}", *options):
        yield from wrong
        return
    made = deploy / "serverless" / f"made-{name}" / GENERATED
    of = cloudformation.facts(cloudformation.load(made))
    if wrong := [f"{rule}: {told}" for rule, judge in RULES.items() for told in judge(of)]:
        yield from wrong
        return
    lint: list[str | Path] = [tree.TOOLS / "deploy" / "bin" / "cfn-lint", "--ignore-checks", *LINT_LEFT_OUT, "--", made]
    yield from tree.findings(lint, made.parent)


def _options() -> list[list[str]]:
    return [
        ["--stage", "prod", *(word for name, value in given.items() for word in ("--param", f"{name}={value}"))]
        for given in VARIANTS.values()
    ]


def _osls(deploy: Path, *words: str) -> list[str]:
    """What it printed where it ended with another status than 0, or warned."""
    link(deploy)
    status, told = tree.run(["node", "node_modules/serverless/bin/serverless.js", *words], deploy / "serverless")
    return [told.strip()] if status or re.search("^Warning: ", told, re.M) else []


def link(deploy: Path) -> None:
    """The framework is osls, under the name by which plugins look for it."""
    modules = deploy / "serverless" / "node_modules"
    with suppress(FileExistsError):
        modules.symlink_to(serverless_offline.INSTALLED)


def serves(deploy: Path) -> list[str]:
    """serverless-offline runs the real handler from the same file, in the stage `local`, before a library of SQLite."""
    site = sites.make(deploy.parent / "site")
    port = program.free_port()
    options = ["--stage", "local", "--httpPort", str(port), "--lambdaPort", str(program.free_port()), "--noSponsor"]
    link(deploy)
    with program.running(
        ["node", "node_modules/serverless/bin/serverless.js", "offline", *options],
        ready=lambda: program.listens(port),
        environ={**tree.QUIET, **site.environ, "VIRTUAL_ENV": sys.prefix},
        cwd=deploy / "serverless",
    ) as output:
        address = f"http://127.0.0.1:{port}"
        told = [clients.send(address, Request("GET", path)) for path in ("/health", "/api/v1/series")]
        if [reply.status for reply in told] == [200, 200] and "Żółta".encode() in told[1].body:
            return []
        return [f"{reply.status} {reply.body.decode(errors='replace')}" for reply in told] + [output()[-2000:]]
