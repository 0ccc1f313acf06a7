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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from tests.deploy import tree
from tests.deploy.checks import CHECKS, Check
from tests.deploy.examples import EXAMPLES, Example, spoil

_ROW = "{:<28}{:>8}  {}"


def main() -> int:
    words = sys.argv[1:]
    if unknown := [word for word in words if not any(word in name for name in CHECKS)]:
        raise SystemExit(f"there is no check {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    chosen = {name: check for name, check in CHECKS.items() if not words or any(word in name for word in words)}
    with tempfile.TemporaryDirectory(prefix="roliascan-deploy-") as run, ThreadPoolExecutor(2) as pool:
        os.environ.setdefault("TEST_RUN", run)
        deploy = tree.lay(Path(run, "right"))
        _print(_ROW.format("check", "seconds", "found"))
        with redirect_stdout(io.StringIO()):  # the log of a site that serves
            wrong = sum(map(_told, pool.map(lambda item: (item[0], *_asked(item[1], deploy)), chosen.items())))
            wrong += sum(map(_print_seen, pool.map(partial(_spoilt, deploy, Path(run)), _examples(chosen))))
    print(f"{wrong} wrong")
    return 1 if wrong else 0


def _print(text: str) -> None:
    print(text, file=sys.__stdout__, flush=True)


def _lacking(check: Check) -> str:
    """What is not here; nothing where the check can be asked."""
    if not all(needed() for needed in check.needs):
        return "what make deploy-check installs"
    return "" if check.besides() else check.where


def _asked(check: Check, deploy: Path) -> tuple[str, str, list[str]]:
    """The seconds, a word on them, and what is wrong."""
    if lacking := _lacking(check):
        in_ci = os.environ.get("CI") == "true" and lacking != check.where
        return "", f"not asked: it needs {lacking}", ["CI=true"] if in_ci else []
    start = time.monotonic()
    found = check.ask(deploy)
    return f"{time.monotonic() - start:.1f}", str(len(found) or "nothing"), found


def _told(told: tuple[str, str, str, list[str]]) -> int:
    *row, found = told
    _print("\n    ".join([_ROW.format(*row), *"\n".join(found).splitlines()]))
    return len(found)


def _examples(chosen: Mapping[str, Check]) -> list[tuple[str, Example]]:
    there = [name for name, check in chosen.items() if not _lacking(check)]
    return [(name, example) for name, example in EXAMPLES.items() if example.check in there]


def _spoilt(deploy: Path, run: Path, named: tuple[str, Example]) -> tuple[str, Example, list[str]]:
    name, example = named
    return name, example, CHECKS[example.check].ask(spoil(deploy, example, run / name))


def _print_seen(told: tuple[str, Example, list[str]]) -> int:
    name, example, found = told
    is_seen = any(example.says in one for one in found)
    _print(f"  broken: {name:<34}{'seen' if is_seen else 'NOT SEEN'} by {example.check}")
    if not is_seen:
        _print("    " + "\n".join(found or ["it found nothing"]).replace("\n", "\n    "))
    return int(not is_seen)


if __name__ == "__main__":
    sys.exit(main())
