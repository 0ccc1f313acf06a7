"""Every check of what lies in deploy/, in one list; a new target adds a module and its lines here."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import yaml
from lark import UnexpectedInput

from tests.deploy import (
    azure,
    called,
    container,
    dashboards,
    google,
    names,
    pages,
    played,
    proxies,
    queries,
    sam,
    serverless,
    terraform,
    tree,
    units,
    workflows,
    written,
)
from tests.deploy.facts import Facts
from tests.deploy.hcl import Module
from tests.deploy.rules import RULES

Ask = Callable[[Path], list[str]]
Read = TypeVar("Read")


class Check(NamedTuple):
    """`ask(deploy)` returns what is wrong in a copy of deploy/. `needs` are what `make deploy-check` installs.

    What needs none is quick, and part of `make test`. `besides` is something that it cannot install, and `where` says
    how it comes here: only that may be missing with CI=true.
    """

    ask: Ask
    needs: tuple[Callable[[], object], ...] = ()
    besides: Callable[[], object] = lambda: True
    where: str = ""


MIRROR = "the provider, in the folder that TERRAFORM_PROVIDERS names: `terraform providers mirror` makes one"


def judged(facts: Callable[[Path], Facts], deploy: Path) -> list[str]:
    """What our own rules find."""
    return judged_by(RULES, facts, deploy)


def judged_by(
    rules: Mapping[str, Callable[[Read], Iterator[str]]], read: Callable[[Path], Read], deploy: Path
) -> list[str]:
    try:
        of = read(deploy)
    except (ValueError, yaml.YAMLError, UnexpectedInput) as error:
        return [f"it cannot be read: {error}"]
    return [f"{rule}: {told}" for rule, judge in rules.items() for told in judge(of)]


def of_terraform(cloud: str) -> dict[str, Check]:
    """The checks of a folder below deploy/terraform."""
    there = partial(terraform.providers, cloud)
    return {
        f"terraform {cloud} rules": Check(partial(judged, partial(terraform.facts, cloud))),
        f"terraform {cloud} format": Check(partial(terraform.formatted, cloud), (terraform.found,)),
        f"terraform {cloud} validate": Check(partial(terraform.validates, cloud), (terraform.found,), there, MIRROR),
        f"terraform {cloud} test": Check(partial(terraform.tests, cloud), (terraform.found,), there, MIRROR),
        f"terraform {cloud} checkov": Check(partial(terraform.linted, cloud), (terraform.checkov,)),
    }


def of_another_cloud(cloud: str, rules: Mapping[str, Callable[[Module], Iterator[str]]]) -> dict[str, Check]:
    """The same for what is not AWS, by rules of its own, and by names: its provider is too large to be everywhere."""
    needs = (terraform.found, played.python)
    return of_terraform(cloud) | {
        f"terraform {cloud} rules": Check(partial(judged_by, rules, partial(terraform.module, cloud))),
        f"terraform {cloud} names": Check(partial(names.wrong, cloud)),
        f"terraform {cloud} validate": Check(partial(played.validates, cloud), needs),
        f"terraform {cloud} test": Check(partial(played.tests, cloud), needs),
    }


cfn_lint = partial(tree.installed, "deploy/bin/cfn-lint")

SYSTEMD = "systemd-analyze, of any Linux with systemd"

CHECKS = {
    "written": Check(written.wrong),
    "dashboards": Check(dashboards.wrong),
    "dashboards promtool": Check(queries.wrong, (), queries.promtool, "promtool, of Prometheus"),
    "pages": Check(pages.wrong, (), pages.found, "unzip and openssl"),
    "pages tools": Check(
        pages.tried, (serverless.found, sam.found, terraform.found), partial(terraform.providers, "aws"), MIRROR
    ),
    "serverless rules": Check(partial(judged, serverless.facts)),
    "serverless print": Check(serverless.prints, (serverless.found,)),
    "serverless package": Check(serverless.packages, (serverless.found, cfn_lint)),
    "serverless offline": Check(serverless.serves, (serverless.found,)),
    "sam rules": Check(partial(judged, sam.facts)),
    "sam validate": Check(sam.validates, (sam.found,)),
    "sam build": Check(sam.builds, (sam.found,)),
    **of_terraform("aws"),
    **of_another_cloud("google", google.RULES),
    **of_another_cloud("azure", azure.RULES),
    "container rules": Check(container.wrong),
    "container ignores": Check(container.ignores),
    "container compose": Check(container.composed),
    "container hadolint": Check(container.linted, (container.hadolint,)),
    "systemd rules": Check(units.wrong),
    "systemd verify": Check(units.verified, (), units.found, SYSTEMD),
    "systemd security": Check(units.exposed, (), units.found, SYSTEMD),
    "nginx rules": Check(proxies.wrong),
    "nginx test": Check(proxies.taken, (), proxies.found, "nginx and openssl"),
    "workflow rules": Check(workflows.wrong),
    "workflow names": Check(called.unknown),
    "workflow scripts": Check(workflows.scripts),
    "workflow zizmor": Check(workflows.linted, (workflows.zizmor,)),
    "yamllint": Check(workflows.styled, (workflows.yamllint,)),
}
QUICK = [name for name, check in CHECKS.items() if not check.needs and check.besides()]
