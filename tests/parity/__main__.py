"""`make parity`: the same requests to RoliaScan in every real runtime, and what they answer otherwise.

    python -m tests.parity [RUNTIME...]      as the table calls them; all of them when none is named

Ends with 1 where an answer differs from the server's, byte for byte, and `differences.py` does not say why.
"""

import io
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.parity.corpus import NAMES, corpus
from tests.parity.differences import reasons
from tests.parity.runtimes import RUNTIMES, SERVER, Send, added, needed
from tests.platforms import sites
from tests.platforms.comparing import comparable, filled, keep
from tests.platforms.dozen import Step
from tests.platforms.shapes import Reply
from tests.platforms.sites import Site
from tests.servers import parts

_ROW = "{:<24}{:>9}{:>9}{:>13}{:>13}"
# Besides what `comparing.FRESH` knows: cursors and hashes that hold it.
_MADE_OF_FRESH = re.compile(rb'"[0-9a-f]{64}"|"next":"[\w-]+"')


def main() -> int:
    names = _chosen(sys.argv[1:])
    unexplained = 0
    given: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="roliascan-parity-") as run:
        os.environ.setdefault("TEST_RUN", run)
        with redirect_stdout(io.StringIO()):  # the log
            original = sites.make(Path(run, "original"))
        expected = _answers(SERVER, original, Path(run, "server"))
        print(_ROW.format("runtime", "requests", "equal", "documented", "unexplained"))
        for place, name in enumerate(names):
            found = Counter[str]()
            for step, ours, other in zip(
                corpus(), _answers(name, original, Path(run, f"{place}")), expected, strict=True
            ):
                found[_judged(name, step, ours, other, given)] += 1
            print(
                _ROW.format(name, found.total(), found["equal"], found["documented"], found["unexplained"]), flush=True
            )
            unexplained += found["unexplained"]
    for why, times in given.items():
        print(f"{times:>5} x {why}")
    print(f"{unexplained} unexplained differences")
    return 1 if unexplained else 0


def _chosen(asked: list[str]) -> list[str]:
    """The runtimes to try. What a machine lacks is named, and with CI=true refused."""
    if unknown := set(asked) - set(RUNTIMES):
        sys.exit(f"no runtime is called {', '.join(sorted(unknown))}; there are: {', '.join(RUNTIMES)}")
    needs = {name: needed(name) for name in asked or RUNTIMES}
    try:
        parts.refuse_gaps(set(filter(None, needs.values())))
        missing = {part: why for part in set(filter(None, needs.values())) if (why := parts.missing(part))}
    except pytest.UsageError as error:
        sys.exit(str(error))
    for why in missing.values():
        print(f"Skipped: {why}")
    return [name for name, part in needs.items() if part not in missing]


def _judged(name: str, step: Step, told: Reply | str, other: Reply | str, given: "Counter[str]") -> str:
    if told == other and isinstance(told, Reply):
        return "equal"
    if why := reasons(name, step, told, other):
        given.update(why)
        return "documented"
    print(
        f"{name}: {step.name} {dict(step.headers)}\n  server    {other!s:.600}\n  answered  {told!s:.600}",
        file=sys.stderr,
    )
    return "unexplained"


def _answers(name: str, original: Site, folder: Path) -> list[Reply | str]:
    with redirect_stdout(io.StringIO()), RUNTIMES[name](original.copied(folder)) as send:
        return list(_asked(send, {**NAMES, **original.names}, added(name)))


def _asked(send: Send, names: dict[str, str], extra: dict[str, str]) -> Iterator[Reply | str]:
    """What is answered, as it is compared; what goes wrong instead as text."""
    for step in corpus():
        try:
            reply = send(filled(step, names))
            if reply.status < 300:
                keep(step, reply, names)
            told = comparable(step, reply, extra)
            yield told._replace(body=_MADE_OF_FRESH.sub(b"(fresh)", told.body))
        except Exception as error:
            yield f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
