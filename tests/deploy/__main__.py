"""`make deploy-check`: every template through its strictest checks, and wrong ones through the same.

    python -m tests.deploy [WORD...]      only the checks, and examples of them, whose names hold one of the words

Nothing is deployed, and nobody is asked. Ends with 1 where a check finds something, or sees nothing in an example that
was made for it. What a check needs and is not here is named; with CI=true that is a failure.
"""

import io
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from tests.deploy import tree
from tests.deploy.checks import CHECKS, Check
from tests.deploy.examples import EXAMPLES, spoil

_ROW = "{:<28}{:>8}  {}"


def main() -> int:
    asked = sys.argv[1:]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="roliascan-deploy-") as run:
        os.environ.setdefault("TEST_RUN", run)
        deploy = tree.lay(Path(run, "right"))
        print(_ROW.format("check", "seconds", "found"))
        chosen = {name: check for name, check in CHECKS.items() if not asked or any(word in name for word in asked)}
        for name, check in chosen.items():
            wrong += _told(name, check, deploy)
        for name, example in EXAMPLES.items():
            if example.check in chosen and _is_here(chosen[example.check]):
                wrong += _seen(name, spoil(deploy, example, Path(run, name)), example.check, example.says)
    print(f"{wrong} wrong")
    return 1 if wrong else 0


def _is_here(check: Check) -> bool:
    return all(needed() for needed in check.needs)


def _ask(check: Check, deploy: Path) -> list[str]:
    with redirect_stdout(io.StringIO()):  # the log of a site that serves
        return check.ask(deploy)


def _told(name: str, check: Check, deploy: Path) -> int:
    if not _is_here(check):
        print(_ROW.format(name, "", f"not asked: needs what {check.brings} installs"))
        return int(os.environ.get("CI") == "true")
    start = time.monotonic()
    found = _ask(check, deploy)
    print(_ROW.format(name, f"{time.monotonic() - start:.1f}", len(found) or "nothing"), flush=True)
    for told in found:
        print(f"    {told}".replace("\n", "\n    "))
    return len(found)


def _seen(name: str, deploy: Path, check: str, says: str) -> int:
    found = _ask(CHECKS[check], deploy)
    seen = any(says in told for told in found)
    print(f"  broken: {name:<34}{'seen' if seen else 'NOT SEEN'} by {check}", flush=True)
    if not seen:
        print("    " + "\n".join(found or ["it found nothing"]).replace("\n", "\n    "))
    return int(not seen)


if __name__ == "__main__":
    sys.exit(main())
