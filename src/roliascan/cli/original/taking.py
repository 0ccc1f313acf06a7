"""Taking over a whole site, step by step: people, series, chapters with their files, what people said of them."""

from argparse import Namespace

from roliascan.cli import progress, surroundings
from roliascan.cli.original import community, people, reading
from roliascan.cli.original.report import Report
from roliascan.cli.original.uploads import Uploads
from roliascan.cli.original.works import Taker
from roliascan.cli.surroundings import Site
from roliascan.database import Tx


def run(args: Namespace) -> int:
    """0 when everything is in, 1 when something was refused. The original is never written to."""
    uploads = Uploads(args.uploads)
    with (
        surroundings.site() as site,
        reading.opened(args.from_original) as original,
        progress.shown(reading.size(original), unit="row", quiet=args.json) as (step, say),
    ):
        report = Report(say=say, step=step, as_json=args.json)
        try:
            _take(site, original, uploads, report, rename=args.rename)
        finally:  # who interrupts it wants to know how far it came
            report.end()
    return 1 if report.is_refused else 0


def _take(site: Site, original: Tx, uploads: Uploads, report: Report, *, rename: bool) -> None:
    settled = people.settle(site.db, original, report, rename=rename)
    people.take(site.db, original, report, settled)
    people.take_permissions(site.db, original, report, now=surroundings.now())
    taker = Taker(
        site.db,
        site.storage,
        uploads,
        max_bytes=site.settings.max_file_size,
        clock=surroundings.now,
        report=report,
    )
    taker.take_series(original)
    taker.take_chapters(original)
    community.take_comments(site.db, original, report)
    community.take_ratings(site.db, original, report)
    taker.tell_files_without_rows(original)
