"""The original's folder of uploads: read below it only, never through a link, whatever a row says."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from roliascan.errors import NotFound, Refusal

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INSIDE = _FOLDER | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a fifo must not wait


class NoFolder(NotFound):
    code = "no_folder"
    detail = "The folder of uploads is not there."


class NotBelow(Refusal):
    """The path leads out of the folder, or through a link (threat UP-12)."""

    code = "not_below"
    detail = "its address leads out of the folder of uploads"


class Gone(NotFound):
    code = "gone"
    detail = "its file is gone"


class Uploads:
    """The folder; `None` is one with nothing in it."""

    def __init__(self, root: Path | None) -> None:
        """Raises NoFolder."""
        self._root = root
        if root is not None and not root.is_dir():
            raise NoFolder(f"There is no folder {root}.")

    def open(self, path: str) -> BinaryIO:
        """The plain file at `path`, which is hostile. Raises Gone, NotBelow."""
        *folders, name = path.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in (*folders, name)):
            raise NotBelow
        if self._root is None:
            raise Gone("its file was not looked for without --uploads")
        descriptor = _open(self._root, folders, name)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Gone("its file is a folder, a device or a pipe")
        return open(descriptor, "rb")

    def walk(self) -> Iterator[str]:
        """The paths of all files, of links too, in no order."""
        if self._root is None:
            return
        for folder, _, names in os.walk(self._root):
            yield from (os.path.relpath(os.path.join(folder, name), self._root) for name in names)


def _open(root: Path, folders: list[str], name: str) -> int:
    """Each step below the one before: a link that is put there meanwhile is not followed either."""
    try:
        folder = os.open(root, _FOLDER)
        try:
            for step in folders:
                inner = os.open(step, _INSIDE, dir_fd=folder)
                os.close(folder)
                folder = inner
            return os.open(name, _FILE, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        if _is_link(root, folders, name):
            raise NotBelow("its file is a link, or behind one, which is not followed") from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise Gone from error
        raise Gone(f"its file cannot be read: {error.strerror}") from error


def _is_link(root: Path, folders: list[str], name: str) -> bool:
    """Only for the message."""
    steps = [root.joinpath(*folders[: at + 1]) for at in range(len(folders))] + [root.joinpath(*folders, name)]
    return any(os.path.islink(step) for step in steps)
