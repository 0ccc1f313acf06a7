"""The release before, as the file `previous-release` names it, and its code as it was."""

import re
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from tests.servers.program import PROJECT

FILE = PROJECT / "previous-release"


class Release(NamedTuple):
    """A commit, and the revision of its schema."""

    commit: str
    revision: int


class NotHere(Exception):
    """This checkout lacks the commit, as one without history does; the message says what to do."""


def release() -> Release:
    """What the file says: `commit` and forty digits, `revision` and a number; other lines are for people."""
    text = FILE.read_text()
    commit, revision = re.search(r"^commit ([0-9a-f]{40})$", text, re.M), re.search(r"^revision (\d+)$", text, re.M)
    assert commit, f"{FILE.name} names no commit"
    assert revision, f"{FILE.name} names no revision"
    return Release(commit[1], int(revision[1]))


def unpack(folder: Path) -> Path:
    """The whole tree of the release before, in `folder`. Raises NotHere."""
    commit = release().commit
    archive = subprocess.run(["git", "archive", commit], cwd=PROJECT, capture_output=True)
    if archive.returncode:
        raise NotHere(f"the release before, {commit[:7]} (not in this checkout: fetch its whole history)")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder
