"""Work off what has become due, what has run out, and files that nothing points to. For a timer; safe to repeat."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec

from roliascan.cli import surroundings
from roliascan.library import sweep
from roliascan.settings import duration

_LINES = {
    "chapters_published": "chapters published",
    "series_published": "series published",
    "sessions_ended": "sessions ended",
    "uploads_ended": "uploads ended",
    "limits_forgotten": "limits forgotten",
    "keys_forgotten": "idempotency keys forgotten",
    "files_concealed": "hidden files got new addresses",
    "files_deleted": "files deleted that nothing shows",
    "strays_deleted": "stored files deleted that no row names",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grace",
        type=_span,
        default=int(sweep.GRACE.total_seconds()),
        metavar="TIME",
        help="how long files stay that nothing points to, such as 90m or 2d (default: 24h)",
    )
    parser.add_argument("--within", type=_span, metavar="TIME", help="start nothing new after this time")
    parser.add_argument(
        "--strays", action="store_true", help="delete stored files without a row even where most are such"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")


def _span(text: str) -> int:
    """Seconds."""
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """0 also where something is left for the next time; that is told."""
    end = None if args.within is None else time.monotonic() + args.within
    with surroundings.site("sweep") as site, _progress(quiet=args.json) as step:
        swept = sweep.run(
            site.db,
            site.storage,
            now=surroundings.now(),
            grace=timedelta(seconds=args.grace),
            strays=args.strays,
            served_here=site.settings.serves_files,
            go_on=lambda: end is None or time.monotonic() < end,
            step=step,
        )
    if args.json:
        print(msgspec.json.encode(swept).decode())
        return 0
    for name, words in _LINES.items():
        print(f"{getattr(swept, name)} {words}")
    if not swept.finished:
        print("Something is left for the next time.")
    return 0


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """What to call with numbers of things looked at: a count on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from tqdm import tqdm

    with tqdm(unit="thing", dynamic_ncols=True, leave=False) as bar:
        yield lambda number: _ignore(bar.update(number))


def _ignore(_: object) -> None:
    """tqdm tells whether it drew."""
