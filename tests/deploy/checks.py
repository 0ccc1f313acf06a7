"""Every check of what lies in deploy/, in one list; a new target adds a module and its lines here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.deploy import sam, serverless, tree, written
from tests.deploy.facts import Facts
from tests.deploy.rules import RULES

Ask = Callable[[Path], list[str]]


class Check(NamedTuple):
    """`ask(deploy)` returns what is wrong in a copy of deploy/. `needs` are programs, and `brings` what installs them.

    What needs none is quick, and part of `make test`.
    """

    ask: Ask
    needs: tuple[Callable[[], object], ...] = ()
    brings: str = "make deploy-check"


def judged(facts: Callable[[Path], Facts], deploy: Path) -> list[str]:
    """What our own rules find."""
    of = facts(deploy)
    return [f"{rule}: {told}" for rule, judge in RULES.items() for told in judge(of)]


cfn_lint = partial(tree.installed, "deploy/bin/cfn-lint")

CHECKS = {
    "written": Check(written.wrong),
    "serverless rules": Check(partial(judged, serverless.facts)),
    "serverless print": Check(serverless.prints, (serverless.found,)),
    "serverless package": Check(serverless.packages, (serverless.found, cfn_lint)),
    "sam rules": Check(partial(judged, sam.facts)),
    "sam validate": Check(sam.validates, (sam.found,)),
    "sam build": Check(sam.builds, (sam.found,)),
    "serverless offline": Check(serverless.serves, (serverless.found,)),
}
QUICK = [name for name, check in CHECKS.items() if not check.needs]
