"""Take in folders and CBZ archives of comics, and publish them. Doing it again changes nothing.

A PATH is a CBZ or ZIP archive, a folder of images (one chapter), a folder of chapters (one series), or a folder of
series. What ComicInfo.xml says goes before what names say. What cannot be taken is named with the reason, and the rest
stays.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from roliascan.cli import surroundings
from roliascan.cli.importing import finding
from roliascan.cli.importing.archives import Limits
from roliascan.cli.importing.intake import RESULTS, Importer, Outcome
from roliascan.cli.importing.names import shown
from roliascan.cli.surroundings import Site
from roliascan.errors import NotFound
from roliascan.people import persons
from roliascan.people.names import username_key


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--as", dest="username", help="whose the series are (default: the first administrator)")
    parser.add_argument("--json", action="store_true", help="print one JSON document with every outcome")


def run(args: argparse.Namespace) -> int:
    """0 when everything is in, 1 when something was refused."""
    outcomes: list[Outcome] = []
    with surroundings.site() as site:
        person = persons.operator(_owner(site, args.username))
        found = finding.walk(args.paths)
        with _progress(found.size, quiet=args.json) as (step, say):

            def report(outcome: Outcome) -> None:
                outcomes.append(outcome)
                if not args.json:
                    say(_line(outcome))

            importer = Importer(
                site.db,
                site.storage,
                person=person,
                limits=Limits(page=site.settings.max_file_size),
                clock=surroundings.now,
                report=report,
                step=step,
            )
            try:
                importer.take(found)
            finally:  # who interrupts it wants to know how far it came
                say(_summary(outcomes, as_json=args.json))
    return 1 if any(outcome.result == "refused" for outcome in outcomes) else 0


class _Id(msgspec.Struct):
    id: str


def _owner(site: Site, username: str | None) -> str:
    """The account in whose name things are taken in; none is fine when there is no administrator yet."""
    if username is None:
        first = site.db.one("SELECT id FROM users WHERE role = 'admin' ORDER BY created_at, id LIMIT 1", _Id)
        return first.id if first else ""
    row = site.db.one("SELECT id FROM users WHERE username_key = :key", _Id, key=username_key(username))
    if row is None:
        raise NotFound(f"There is no account called {username}; make one, or leave out --as.")
    return row.id


@contextmanager
def _progress(size: int, *, quiet: bool) -> Iterator[tuple[Callable[[], None], Callable[[str], None]]]:
    """What to call when an item is done, and with each line: a bar on a terminal, plain lines elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield (lambda: None), partial(print, flush=True)
        return
    from tqdm import tqdm

    with tqdm(total=size, unit="item", dynamic_ncols=True) as bar:
        yield (lambda: _ignore(bar.update())), (lambda line: tqdm.write(line))


def _ignore(_: object) -> None:
    """tqdm tells whether it drew."""


def _line(outcome: Outcome) -> str:
    if outcome.result in {"refused", "warning"}:
        return f"{outcome.result}: {shown(outcome.path, 1000)}: {outcome.detail}"
    what = " ".join(part for part in (outcome.series, outcome.chapter) if part)
    return f"{outcome.result}: {what}" + (f" ({outcome.detail})" if outcome.detail else "")


def _summary(outcomes: Sequence[Outcome], *, as_json: bool) -> str:
    counts = dict.fromkeys(RESULTS, 0) | Counter(outcome.result for outcome in outcomes)
    if as_json:
        return json.dumps({"outcomes": [_plain(outcome) for outcome in outcomes], "counts": counts}, indent=2)
    return f"{counts['added']} chapters added, {counts['unchanged']} unchanged, {counts['refused']} refused."


def _plain(outcome: Outcome) -> dict[str, str]:
    """For JSON, which is Unicode: a byte of a path that is not UTF-8 becomes `\\xff`."""
    path = os.fsencode(outcome.path).decode("utf-8", "backslashreplace")
    return outcome._replace(path=path)._asdict()
