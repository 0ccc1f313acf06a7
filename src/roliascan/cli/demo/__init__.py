"""Fill an empty library with a small demo that is drawn here: comics, chapters, pages, people."""

import argparse
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from roliascan.cli import surroundings
from roliascan.cli.demo.story import PEOPLE
from roliascan.cli.surroundings import Site
from roliascan.people.names import email_key


class _Note(msgspec.Struct):
    """What is kept of the demo beside the database: the password of its accounts, and whether it is whole."""

    password: str
    is_whole: bool = False


class _Count(msgspec.Struct):
    value: int


class _Email(msgspec.Struct):
    email_key: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the accounts as JSON")


def run(args: argparse.Namespace) -> int:
    with surroundings.site() as site:
        filled = fill_if_empty(site)
        found = accounts(site)
    if args.json:
        print(json.dumps(found, indent=2))
    elif found:
        print_accounts(found)
    elif not filled:
        print("The library is not empty; nothing was added.")
    return 0


def fill_if_empty(site: Site) -> bool:
    """Draws and publishes the demo in an empty library, or finishes one that was cut short. Whether it did."""
    with _alone(site):
        note, is_empty = _read_note(site), _is_empty(site)
        if not is_empty and (note is None or note.is_whole or not _people(site)):
            return False
        password = note.password if note else secrets.token_urlsafe(9)
        _write_note(site, _Note(password))
        _fill(site, password)
        _write_note(site, _Note(password, is_whole=True))
    return True


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    """Who starts the same site twice at once has the second wait for the first."""
    data_dir = Path(site.settings.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _fill(site: Site, password: str) -> None:
    from roliascan.cli.demo import library

    with _progress(library.STEPS) as step:
        library.fill(
            site.db,
            site.storage,
            password=password,
            max_bytes=site.settings.max_file_size,
            clock=surroundings.now,
            step=step,
        )


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """What to tell the title of each chapter's series: a bar on a terminal, elsewhere one line for each series."""
    print("Drawing the demo library.", file=sys.stderr)
    if not sys.stderr.isatty():
        titles: set[str] = set()

        def line(title: str) -> None:
            if title not in titles:
                titles.add(title)
                print(f"  {title}", file=sys.stderr, flush=True)

        yield line
        return
    from tqdm import tqdm

    with tqdm(total=steps, unit="chapter", dynamic_ncols=True) as bar:

        def step(title: str) -> None:
            bar.set_description(title)
            bar.update()

        yield step


def accounts(site: Site) -> list[dict[str, str]]:
    """The demo's accounts that there are in this site: name, role, password."""
    note, there = _read_note(site), _people(site)
    if note is None:
        return []
    return [
        {"login": one.username, "role": one.role, "password": note.password}
        for one in PEOPLE
        if email_key(one.email) in there
    ]


def print_accounts(found: list[dict[str, str]]) -> None:
    print("\nDemo accounts, all with the password", found[0]["password"])
    for one in found:
        print(f"  {one['login']:8} {one['role']}")


def _people(site: Site) -> set[str]:
    """The e-mail addresses, as keys, of the demo's people in this site. They are the first that the demo makes."""
    rows = site.db.read(
        "SELECT email_key FROM users WHERE email_key IN (:keys)", _Email, keys=[email_key(one.email) for one in PEOPLE]
    )
    return {row.email_key for row in rows}


def _is_empty(site: Site) -> bool:
    sql = "SELECT (SELECT COUNT(*) FROM series) + (SELECT COUNT(*) FROM users) AS value"
    count = site.db.one(sql, _Count)
    return count is not None and count.value == 0


def _note_path(site: Site) -> Path:
    return Path(site.settings.data_dir) / "demo.json"


def _read_note(site: Site) -> _Note | None:
    try:
        return msgspec.json.decode(_note_path(site).read_bytes(), type=_Note)
    except FileNotFoundError:
        return None


def _write_note(site: Site, note: _Note) -> None:
    """Readable by its owner only: an administrator's password is in it."""
    surroundings.write_privately(_note_path(site), msgspec.json.encode(note))
