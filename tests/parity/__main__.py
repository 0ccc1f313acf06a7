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

from tests.parity.corpus import NAMES, corpus
from tests.parity.differences import reason
from tests.parity.runtimes import RUNTIMES, SERVER, Send, added
from tests.platforms import sites
from tests.platforms.comparing import comparable, filled, keep
from tests.platforms.dozen import Step
from tests.platforms.shapes import Reply
from tests.platforms.sites import Site

_ROW = "{:<24}{:>9}{:>9}{:>13}{:>13}"
# Besides what `comparing.FRESH` knows: cursors, hashes and signatures that hold it.
_MADE_OF_FRESH = re.compile(rb'"[0-9a-f]{64}"|signature=[\w-]+|expires=\d+|"next":"[\w-]+"')


def main() -> int:
    names = sys.argv[1:] or list(RUNTIMES)
    if unknown := set(names) - set(RUNTIMES):
        sys.exit(f"no runtime is called {', '.join(sorted(unknown))}; there are: {', '.join(RUNTIMES)}")
    unexplained = 0
    reasons: Counter[str] = Counter()
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
                found[_judged(name, step, ours, other, reasons)] += 1
            print(
                _ROW.format(name, found.total(), found["equal"], found["documented"], found["unexplained"]), flush=True
            )
            unexplained += found["unexplained"]
    for why, times in reasons.items():
        print(f"{times:>5} x {why}")
    print(f"{unexplained} unexplained differences")
    return 1 if unexplained else 0


def _judged(name: str, step: Step, told: Reply | str, other: Reply | str, reasons: "Counter[str]") -> str:
    if told == other and isinstance(told, Reply):
        return "equal"
    why = reason(name, step)
    if why:
        reasons[why] += 1
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
