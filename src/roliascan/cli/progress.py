"""How far a long command is: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial


@contextmanager
def shown(size: int, *, unit: str, quiet: bool) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """What to call with the number of things that are done, and with each line. `quiet`: no bar, as for scripts."""
    if quiet or not sys.stderr.isatty():
        yield _ignore, partial(print, flush=True)
        return
    from tqdm import tqdm

    with tqdm(total=size, unit=unit, unit_scale=unit == "B", dynamic_ncols=True) as bar:
        yield (lambda number: _ignore(bar.update(number))), (lambda line: tqdm.write(line))


@contextmanager
def transfer(
    size: int, pages: int, *, quiet: bool
) -> Iterator[tuple[Callable[[int], None], Callable[[int], None], Callable[[str], None]]]:
    """What to call with bytes that went (below zero: in vain), with the number of pages done, and with each line."""
    if quiet or not sys.stderr.isatty():
        yield _ignore, _ignore, (_ignore if quiet else partial(print, flush=True))
        return
    from tqdm import tqdm

    with tqdm(total=size, unit="B", unit_scale=True, unit_divisor=1024, dynamic_ncols=True) as bar:
        yield (
            lambda number: _ignore(bar.update(number)),
            lambda done: bar.set_description(f"{done}/{pages} pages"),
            lambda line: tqdm.write(line),
        )


def _ignore(_: object) -> None:
    """Nobody sees it; and tqdm tells whether it drew."""
