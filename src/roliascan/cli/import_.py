"""Take in folders and CBZ archives of comics, or a whole site of the original backend. Again, it changes nothing.

A PATH is a CBZ or ZIP archive, a folder of images (one chapter), a folder of chapters (one series), or a folder of
series. What ComicInfo.xml says goes before what names say. What cannot be taken is named with the reason, and the rest
stays.

--from-original takes people, series, chapters, comments and ratings from a database of the original backend, and the
files from its folder of uploads. It is only read. docs/coming-from-the-original.md tells how.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from roliascan.cli import progress, surroundings
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
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--from-original", metavar="URL", help="its database: postgresql://user:password@host/name")
    parser.add_argument("--uploads", type=Path, metavar="DIR", help="with --from-original: its folder of uploads")
    parser.add_argument("--rename", action="store_true", help="with --from-original: rename accounts that clash")
    parser.add_argument("--as", dest="username", help="whose the series are (default: the first administrator)")
    parser.add_argument("--json", action="store_true", help="print one JSON document with every outcome")
    parser.set_defaults(wrong_use=parser.error)


def run(args: argparse.Namespace) -> int:
    """0 when everything is in, 1 when something was refused."""
    if args.from_original is not None:
        return _take_over(args)
    if not args.paths or args.uploads or args.rename:
        args.wrong_use("name what to take in: PATH..., or --from-original URL with --uploads and --rename")
    outcomes: list[Outcome] = []
    with surroundings.site() as site:
        person = persons.operator(_owner(site, args.username))
        found = finding.walk(args.paths)
        with progress.shown(found.size, unit="item", quiet=args.json) as (step, say):

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
                step=lambda: step(1),
            )
            try:
                importer.take(found)
            finally:  # who interrupts it wants to know how far it came
                say(_summary(outcomes, as_json=args.json))
    return 1 if any(outcome.result == "refused" for outcome in outcomes) else 0


def _take_over(args: argparse.Namespace) -> int:
    from roliascan.cli.original import taking

    if args.paths or args.username:
        args.wrong_use("--from-original takes neither PATH nor --as: things keep their owners")
    return taking.run(args)


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
