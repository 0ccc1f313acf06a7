"""Folders on disk: what lies in them, without following links or opening anything that is not a plain file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from roliascan.cli.importing import names
from roliascan.errors import NotFound, Refusal

DEPTH_MAX = 16
_LINK, _DEVICE = "is a link, which is not followed", "is a device or a pipe"
_OTHER = "is neither an image nor an archive"
_HARMLESS = {_LINK, _DEVICE, _OTHER}


class NotAFile(Refusal):
    code = "not_a_file"
    detail = "This is a link, a device or a pipe, not a plain file."


class Unreadable(NotFound):
    code = "unreadable"
    detail = "This cannot be read."


class Skipped(NamedTuple):
    """What was not looked into; `is_loss` when that may be a comic, and not only a link or a file of another kind."""

    path: Path
    reason: str
    is_loss: bool = True


class Folder(NamedTuple):
    """A folder with what is below it, in natural order; `pages` are names, of images lying directly in it."""

    path: Path
    pages: tuple[str, ...]
    archives: tuple[str, ...]
    folders: tuple["Folder", ...]
    skipped: tuple[Skipped, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.pages or self.archives or self.folders)


def scan(path: Path, depth: int = 0) -> Folder:
    """What lies in the folder at `path` and below; folders with nothing of use are left out. Links are not followed."""
    pages: list[str] = []
    archives: list[str] = []
    folders: list[Folder] = []
    skipped: list[Skipped] = []
    try:
        listed = sorted(os.scandir(path), key=lambda entry: names.natural_key((entry.name,)))
    except OSError as error:
        return Folder(path, (), (), (), (Skipped(path, error.strerror or "cannot be read"),))
    for entry in listed:
        if names.is_debris((entry.name,)):
            continue
        reason = _why_not(entry, depth)
        if reason is not None:
            skipped.append(Skipped(path / entry.name, reason, is_loss=reason not in _HARMLESS))
        elif entry.is_dir(follow_symlinks=False):
            below = scan(path / entry.name, depth + 1)
            skipped.extend(below.skipped)
            folders.extend(() if below.is_empty else (below._replace(skipped=()),))
        elif names.is_page(entry.name):
            pages.append(entry.name)
        else:
            archives.append(entry.name)
    return Folder(path, tuple(pages), tuple(archives), tuple(folders), tuple(skipped))


def _why_not(entry: os.DirEntry[str], depth: int) -> str | None:
    """Why the entry is not looked at, or None."""
    if entry.is_symlink():
        return _LINK
    if entry.is_dir(follow_symlinks=False):
        return None if depth < DEPTH_MAX else f"lies more than {DEPTH_MAX} folders deep"
    if not entry.is_file(follow_symlinks=False):
        return _DEVICE
    if names.is_page(entry.name) or names.is_archive(entry.name):
        return None
    if names.suffix(entry.name) in names.FOREIGN_ARCHIVES:
        return "is not a ZIP; repack it as CBZ"
    return _OTHER


def pages_below(folder: Folder) -> Iterator[tuple[str, ...]]:
    """The paths of all images in and below the folder, as parts relative to it."""
    yield from ((name,) for name in folder.pages)
    for inner in folder.folders:
        yield from ((inner.path.name, *parts) for parts in pages_below(inner))


def open_file(path: Path) -> BinaryIO:
    """The plain file at `path`, for reading. Raises NotAFile (UP-12: links are not followed), Unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise (NotAFile() if os.path.islink(path) else Unreadable(f"{error.strerror}.")) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile
    return open(descriptor, "rb")
