"""Put a backup into the database and the storage of the settings: any of those that there are, and both empty.

The database may be without tables: they are made as the backup has them, and brought to this version afterwards. Rows
are loaded in one transaction, read again and compared by their hash; so is each file.
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from roliascan.app import storage_of
from roliascan.cli import progress, surroundings
from roliascan.cli.backups import manifest, tables
from roliascan.cli.backups.manifest import COPIES, TABLES, Manifest
from roliascan.cli.backups.tables import Damaged, NotEmpty
from roliascan.cli.importing.names import shown
from roliascan.database import migrations, open_database, schema
from roliascan.library import moving
from roliascan.settings import Settings
from roliascan.storage import open_storage


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `roliascan backup` made")
    parser.add_argument("--without-files", action="store_true", help="the rows only; the storage has the files already")


def run(args: argparse.Namespace) -> int:
    """0 when all of it is there, 1 when files are missing."""
    folder = args.folder.absolute()
    kept = manifest.read(folder)
    settings = surroundings.settings(signs=False)
    _restore_rows(settings.database_direct_url, folder, kept, tell=print)
    found = 0 if args.without_files or not kept.with_copies else _restore_files(settings, folder)
    print(f"restored what {folder} had at {kept.made}: {kept.objects} files, {found} of them missing")
    return 1 if found else 0


def _restore_rows(url: str, folder: Path, kept: Manifest, *, tell: Callable[[str], None]) -> None:
    _prepare(url, kept, tell)
    tables.load(url, folder / kept.rows / TABLES, kept.tables, tell=tell)
    if tables.counts(url) != kept.tables:
        raise Damaged("What was loaded is not what the backup has: do not use this database.")
    migrations.upgrade(url, progress=tell)


def _prepare(url: str, kept: Manifest, tell: Callable[[str], None]) -> None:
    """Brings the tables to what the backup's are. Raises Damaged, NotEmpty, and what migrations raise."""
    if kept.revision > schema.REVISION:
        raise Damaged(
            f"The backup is at revision {kept.revision} of the tables, and this version knows {schema.REVISION}:"
            f" restore it with the version that made it, {shown(kept.version)}, or a newer one."
        )
    migrations.upgrade(url, to=str(kept.revision), progress=tell)
    if (there := migrations.revision(url)) != kept.revision:
        raise NotEmpty(
            f"The database is at revision {there}, the backup at {kept.revision}: restore into one without tables."
        )


def _restore_files(settings: Settings, folder: Path) -> int:
    """How many could not be put there."""
    source = open_storage(f"file:{folder / COPIES}")
    target = storage_of(settings)
    with closing(open_database(settings.database_url)) as db, progress.shown(0, unit="B", quiet=False) as (step, say):
        copied = moving.copy(
            db,
            source,
            target,
            again=True,
            report=lambda finding: say(f"{finding.wrong} {finding.key}: {finding.detail}"),
            step=lambda _number, size: step(size),
        )
        say(f"files: {copied.copied} put there ({copied.bytes} bytes), {copied.passed_over} were there")
    return copied.findings
