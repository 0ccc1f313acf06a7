"""Put a backup into the database and the storage of the settings: any of those that there are, and both empty.

First all of it is read, and a backup that is damaged is refused before anything is written. The database may be without
tables: they are made as the backup has them, and brought to this version afterwards. Rows are loaded in one
transaction, read again and compared by their hash before it is committed; so is each file.
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from roliascan.app import storage_of
from roliascan.cli import progress, surroundings
from roliascan.cli.backups import manifest, tables, written
from roliascan.cli.backups.manifest import COPIES, TABLES, Manifest
from roliascan.cli.backups.tables import NotEmpty
from roliascan.cli.backups.written import Damaged
from roliascan.cli.importing.names import shown
from roliascan.database import migrations, open_database, schema
from roliascan.errors import Busy, Refusal
from roliascan.library import moving
from roliascan.settings import Settings
from roliascan.storage import Storage, open_storage


class NewerBackup(Refusal):
    code = "backup_newer"


class FilesLacking(Refusal):
    """The rows are there, and a restore cannot be run again: the files are brought by other means."""

    code = "files_lacking"

    def __init__(self, why: str, copies: Path) -> None:
        super().__init__(
            f"All rows are restored, and not all files: {why} To go on, run:"
            f' roliascan storage copy "file:{copies}" TO, with TO as STORAGE_URL has it.'
        )


class _Files(NamedTuple):
    """Where the files of the backup are, and where they go."""

    copies: Path
    source: Storage
    target: Storage


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `roliascan backup` made")
    parser.add_argument("--without-files", action="store_true", help="the rows only; the storage has the files already")


def run(args: argparse.Namespace) -> int:
    """0 when all of it is there; anything else is a refusal."""
    folder = args.folder.absolute()
    kept = manifest.read(folder)
    _require_known(kept)
    written.check(folder / kept.rows / TABLES, kept.tables)
    settings = surroundings.settings(signs=False)
    files = _files(settings, folder) if kept.with_copies and not args.without_files else None
    _restore_rows(settings.database_direct_url, folder, kept, tell=print)
    if files:
        _restore_files(settings, files)
    print(f"restored what {folder} had at {kept.made}: {kept.objects} files")
    return 0


def _require_known(kept: Manifest) -> None:
    if kept.revision > schema.REVISION:
        raise NewerBackup(
            f"The backup is at revision {kept.revision} of the tables, and this version knows {schema.REVISION}:"
            f" restore it with the version that made it, {shown(kept.version)}, or a newer one."
        )


def _files(settings: Settings, folder: Path) -> _Files:
    """Both were reached, before there are rows that need them. Raises Damaged, and what storages raise."""
    copies = folder / COPIES
    if not copies.is_dir():
        raise Damaged(f"{copies}, where the backup has its files, is not there")
    files = _Files(copies, open_storage(f"file:{copies}"), storage_of(settings))
    next(files.target.list(), None)
    return files


def _restore_rows(url: str, folder: Path, kept: Manifest, *, tell: Callable[[str], None]) -> None:
    """Brings the tables to what the backup's are, loads them, and brings them to this version. Raises NotEmpty."""
    migrations.upgrade(url, to=str(kept.revision), progress=tell)
    if (there := migrations.revision(url)) != kept.revision:
        raise NotEmpty(
            f"The database is at revision {there}, the backup at {kept.revision}: restore into one without tables."
        )
    tables.load(url, folder / kept.rows / TABLES, kept.tables, tell=tell)
    migrations.upgrade(url, progress=tell)


def _restore_files(settings: Settings, files: _Files) -> None:
    """Raises FilesLacking."""
    with closing(open_database(settings.database_url)) as db, progress.shown(0, unit="B", quiet=False) as (step, say):
        try:
            copied = moving.copy(
                db,
                files.source,
                files.target,
                again=True,
                report=lambda finding: say(f"{finding.wrong} {finding.key}: {finding.detail}"),
                step=lambda _number, size: step(size),
            )
        except Busy as busy:
            raise FilesLacking(f"{busy} ({busy.fault})" if busy.fault else str(busy), files.copies) from busy
        except KeyboardInterrupt as interrupt:
            raise FilesLacking("It was interrupted.", files.copies) from interrupt
        say(f"files: {copied.copied} put there ({copied.bytes} bytes), {copied.passed_over} were there")
    if copied.findings:
        raise FilesLacking(f"{copied.findings} could not be put there, as told above.", files.copies)
