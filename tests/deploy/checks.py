"""Every check of what lies in deploy/, in one list; a new target adds a module and its lines here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml
from lark import UnexpectedInput

from tests.deploy import sam, serverless, terraform, tree, written
from tests.deploy.facts import Facts
from tests.deploy.rules import RULES

Ask = Callable[[Path], list[str]]


class Check(NamedTuple):
    """`ask(deploy)` returns what is wrong in a copy of deploy/. `needs` are what `make deploy-check` installs.

    What needs none is quick, and part of `make test`. `besides` is something that it cannot install, and `where` says
    how it comes here: only that may be missing with CI=true.
    """

    ask: Ask
    needs: tuple[Callable[[], object], ...] = ()
    besides: Callable[[], object] = lambda: True
    where: str = ""


def judged(facts: Callable[[Path], Facts], deploy: Path) -> list[str]:
    """What our own rules find."""
    try:
        of = facts(deploy)
    except (ValueError, yaml.YAMLError, UnexpectedInput) as error:
        return [f"it cannot be read: {error}"]
    return [f"{rule}: {told}" for rule, judge in RULES.items() for told in judge(of)]


def of_terraform(cloud: str) -> dict[str, Check]:
    """The checks of a folder below deploy/terraform."""
    there = partial(terraform.providers, cloud)
    where = "the provider, in the folder that TERRAFORM_PROVIDERS names: `terraform providers mirror` makes one"
    return {
        f"terraform {cloud} rules": Check(partial(judged, partial(terraform.facts, cloud))),
        f"terraform {cloud} format": Check(partial(terraform.formatted, cloud), (terraform.found,)),
        f"terraform {cloud} validate": Check(partial(terraform.validates, cloud), (terraform.found,), there, where),
        f"terraform {cloud} test": Check(partial(terraform.tests, cloud), (terraform.found,), there, where),
        f"terraform {cloud} checkov": Check(partial(terraform.linted, cloud), (terraform.checkov,)),
    }


cfn_lint = partial(tree.installed, "deploy/bin/cfn-lint")

CHECKS = {
    "written": Check(written.wrong),
    "serverless rules": Check(partial(judged, serverless.facts)),
    "serverless print": Check(serverless.prints, (serverless.found,)),
    "serverless package": Check(serverless.packages, (serverless.found, cfn_lint)),
    "serverless offline": Check(serverless.serves, (serverless.found,)),
    "sam rules": Check(partial(judged, sam.facts)),
    "sam validate": Check(sam.validates, (sam.found,)),
    "sam build": Check(sam.builds, (sam.found,)),
    **of_terraform("aws"),
}
QUICK = [name for name, check in CHECKS.items() if not check.needs]
