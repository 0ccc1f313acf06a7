"""Keep a copy of the database and the files in a folder; `roliascan restore` puts it into any database and storage.

The site goes on meanwhile. Done again into the same folder, only new files are fetched, and the backup before stays
until the new one is whole. The folder holds password hashes and drafts: keep it where nobody else reads.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from roliascan import __version__
from roliascan.cli import progress, surroundings
from roliascan.cli.backups import manifest, tables, written
from roliascan.cli.backups.manifest import COPIES, OBJECTS, TABLES, Counted, Manifest
from roliascan.cli.surroundings import Site
from roliascan.database import instant_text, migrations
from roliascan.errors import Conflict
from roliascan.library import moving, stocktaking
from roliascan.library.stocktaking import Row
from roliascan.storage import Storage, open_storage

ROUNDS = 10  # until nothing was both added and deleted around the moment of the rows; a quiet site needs one


class OfItself(Conflict):
    """What the site has would be taken for a copy, and cleared away with what no row speaks of: uploads under way."""

    code = "backup_of_itself"


class _Rows(NamedTuple):
    """The rows as they are kept: where, how many, and which of the files that they speak of were not copied."""

    place: Path
    counted: dict[str, Counted]
    missing: list[Row]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="made where it is not there")
    parser.add_argument("--without-files", action="store_true", help="the rows, and the files' hashes, only")
    parser.add_argument("--json", action="store_true", help="print the manifest")


def run(args: argparse.Namespace) -> int:
    """0 when all of it was kept, 1 when files are missing from the storage."""
    folder = args.folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with surroundings.site() as site:
        copies = None if args.without_files else _copies(folder, site)
        made = _manifest(site, _kept(site, folder, copies, quiet=args.json), with_copies=copies is not None)
    manifest.write(folder, made)
    _clear(folder, made, copies)
    _tell(folder, made, as_json=args.json)
    return 1 if made.missing else 0


def _copies(folder: Path, site: Site) -> Storage:
    """Where the files go, which nobody else may read, whoever made the folder. Raises OfItself."""
    place = folder / COPIES
    place.mkdir(mode=0o700, exist_ok=True)
    kind, _, where = site.settings.storage_url.partition(":")
    if kind == "file" and place.samefile(where):
        raise OfItself(f"{place} is where the site keeps its files (STORAGE_URL): back up into another folder.")
    return open_storage(f"file:{place}")


def _kept(site: Site, folder: Path, copies: Storage | None, *, quiet: bool) -> _Rows:
    """Files first, which take long; then the rows as of one moment; then the files that came in between."""
    for left in reversed(range(ROUNDS)):
        if copies:
            _copy(site, copies, quiet=quiet)
        place = Path(tempfile.mkdtemp(prefix="rows-", dir=folder))
        (place / TABLES).mkdir()
        counted = tables.dump(site.settings.database_url, place / TABLES, tell=(lambda _: None) if quiet else print)
        if copies:
            _copy(site, copies, quiet=True)
        kept = _Rows(place, counted, _list_objects(place, copies))
        if not left or all(stocktaking.is_there(site.db, row) for row in kept.missing):
            return kept  # else some were deleted after the rows were read
    raise AssertionError("unreachable")


def _copy(site: Site, copies: Storage, *, quiet: bool) -> None:
    with progress.shown(0, unit="B", quiet=quiet) as (step, say):
        copied = moving.copy(
            site.db, site.storage, copies, report=lambda _: None, step=lambda _number, size: step(size)
        )
        if not quiet:
            say(f"files: {copied.copied} copied ({copied.bytes} bytes), {copied.passed_over} were there")


def _list_objects(place: Path, copies: Storage | None) -> list[Row]:
    """Writes the list of files that rows speak of; those that were not copied."""
    there = {file.key: file.bytes for file in copies.list()} if copies else {}
    missing = []
    with (place / OBJECTS).open("wb") as file:
        for row in _objects(place):
            file.write(msgspec.json.encode(row) + b"\n")
            if copies and there.get(row.storage_key) != row.bytes:
                missing.append(row)
    return missing


def _objects(place: Path) -> Iterator[Row]:
    lines = written.lines(place / TABLES, "files")
    columns = json.loads(next(lines))
    for line in lines:
        row = dict(zip(columns, json.loads(line), strict=True))
        yield Row(row["id"], row["storage_key"], row["bytes"], row["sha256"])


def _manifest(site: Site, kept: _Rows, *, with_copies: bool) -> Manifest:
    objects = [row.bytes for row in _objects(kept.place)]
    return Manifest(
        made=instant_text(surroundings.now()),
        version=__version__,
        revision=migrations.revision(site.settings.database_url),
        rows=kept.place.name,
        tables=kept.counted,
        objects=len(objects),
        bytes=sum(objects),
        with_copies=with_copies,
        missing=[row.storage_key for row in kept.missing],
    )


def _clear(folder: Path, made: Manifest, copies: Storage | None) -> None:
    """Takes away what the backup before had, and this one has not."""
    for place in folder.glob("rows-*"):
        if place.name != made.rows:
            shutil.rmtree(place)
    if copies:
        kept = {row.storage_key for row in _objects(folder / made.rows)}
        for key in [file.key for file in copies.list() if file.key not in kept]:
            copies.delete(key)


def _tell(folder: Path, made: Manifest, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(made).decode())
        return
    for key in made.missing:
        print(f"missing {key}: the storage does not have it as its row says")
    rows = sum(one.rows for one in made.tables.values())
    files = f"{made.objects} files ({made.bytes} bytes)" if made.with_copies else f"the hashes of {made.objects} files"
    print(f"{folder}: {rows} rows of {len(made.tables)} tables, {files}, {len(made.missing)} missing")
