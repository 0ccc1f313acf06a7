"""`make conformance`: what each adapter does of the corpus, as a table. Ends with 1 unless ours does all of it."""

import os
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version

from tests.conformance.adapters import OTHERS, OURS, Adapter
from tests.conformance.probes import PROBES, Asker, NotOfThisKind, Probe

ADAPTERS = [OURS, *OTHERS]
_ROW = "{:<7}{:<84}" + "{:>12}" * len(ADAPTERS)


def main() -> int:
    print(_ROW.format("line", "probe", *(one.name for one in ADAPTERS)))
    print(_ROW.format("", "", "", *(version(one.name) for one in OTHERS)))
    totals = Counter[tuple[str, str]]()
    for probe in PROBES:
        told = [verdict(probe, adapter) for adapter in ADAPTERS]
        totals.update(zip((one.name for one in ADAPTERS), told, strict=True))
        print(_ROW.format(probe.lines, probe.name, *told), flush=True)
    sums = [f"{totals[one.name, 'yes']}/{len(PROBES) - totals[one.name, '-']}" for one in ADAPTERS]
    print(_ROW.format("", f"all {len(PROBES)}", *sums))
    return 1 if totals[OURS.name, "no"] else 0


def verdict(probe: Probe, adapter: Adapter) -> str:
    """yes or no, or - where the probe does not apply. Whatever is raised is a no: a function that fails."""
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        try:
            probe.ask(Asker(adapter))
        except NotOfThisKind:
            return "-"
        except Exception:
            return "no"
    return "yes"


if __name__ == "__main__":
    sys.exit(main())
