"""Fill an empty library with a small demo that is drawn here: comics, chapters, pages, people."""

import argparse
import json
import secrets
import sys
from pathlib import Path

import msgspec

from roliascan.cli import surroundings
from roliascan.cli.surroundings import Site


class _Note(msgspec.Struct):
    """What is kept of the demo beside the database: the password of its accounts, and whether it is whole."""

    password: str
    is_whole: bool = False


class _Count(msgspec.Struct):
    value: int


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the accounts as JSON")


def run(args: argparse.Namespace) -> int:
    found = surroundings.settings()
    surroundings.prepare_embedded(found)
    filled = fill_if_empty()
    if args.json:
        print(json.dumps(accounts(), indent=2))
    else:
        print_accounts()
    if not filled and not accounts():
        print("The library is not empty; nothing was added.")
    return 0


def fill_if_empty() -> bool:
    """Draws and publishes the demo in an empty library, or finishes one that was cut short. Whether it did."""
    with surroundings.site() as site:
        note = _read_note(site)
        if note is None and not _is_empty(site):
            return False
        if note is None:
            note = _Note(secrets.token_urlsafe(9))
            _write_note(site, note)
        if note.is_whole:
            return False
        _fill(site, note.password)
        _write_note(site, _Note(note.password, is_whole=True))
    return True


def _fill(site: Site, password: str) -> None:
    from tqdm import tqdm

    from roliascan.cli.demo import library

    on_terminal = sys.stderr.isatty()
    print("Drawing the demo library.", file=sys.stderr)
    with tqdm(total=library.STEPS, unit="chapter", disable=not on_terminal, dynamic_ncols=True) as bar:

        def step(title: str) -> None:
            bar.set_description(title)
            bar.update()

        library.fill(
            site.db,
            site.storage,
            password=password,
            max_bytes=site.settings.max_file_size,
            clock=surroundings.now,
            step=step,
        )


def accounts() -> list[dict[str, str]]:
    """The demo's accounts, where there are some: name, role, password."""
    note = _read_note_at(Path(surroundings.settings().data_dir))
    if note is None:
        return []
    from roliascan.cli.demo.story import PEOPLE

    return [{"login": one.username, "role": one.role, "password": note.password} for one in PEOPLE]


def print_accounts() -> None:
    found = accounts()
    if found:
        print("\nDemo accounts, all with the password", found[0]["password"])
        for one in found:
            print(f"  {one['login']:8} {one['role']}")


def _is_empty(site: Site) -> bool:
    sql = "SELECT (SELECT COUNT(*) FROM series) + (SELECT COUNT(*) FROM users) AS value"
    count = site.db.one(sql, _Count)
    return count is not None and count.value == 0


def _read_note(site: Site) -> _Note | None:
    return _read_note_at(Path(site.settings.data_dir))


def _read_note_at(data_dir: Path) -> _Note | None:
    try:
        return msgspec.json.decode((data_dir / "demo.json").read_bytes(), type=_Note)
    except FileNotFoundError:
        return None


def _write_note(site: Site, note: _Note) -> None:
    """Readable by its owner only: an administrator's password is in it."""
    data_dir = Path(site.settings.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "demo.json"
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(note))
