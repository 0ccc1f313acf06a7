"""The manifest of a backup: what is in it, from which version; it is written last, so that what it names is whole."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from roliascan.cli import surroundings
from roliascan.errors import NotFound

NAME = "manifest.json"
TABLES, OBJECTS, COPIES = "tables", "objects.jsonl", "copies"


class Counted(msgspec.Struct, frozen=True):
    """How many rows a table has, and the SHA-256 of its lines."""

    rows: int
    sha256: str


class Manifest(msgspec.Struct, rename="camel"):
    """`rows`: the folder, in that of the backup, that holds its tables and `objects.jsonl`. `missing`: keys of files
    that the storage did not have. What is printed or leads to a file says nothing else: others may have made it."""

    made: Annotated[str, Meta(pattern=r"\A[0-9TZ:.+-]{1,40}\Z")]
    version: str
    revision: Annotated[int, Meta(ge=1)]
    rows: Annotated[str, Meta(pattern=r"\Arows-[0-9A-Za-z_]{1,40}\Z")]
    tables: dict[Annotated[str, Meta(pattern=r"\A[a-z_]{1,60}\Z")], Counted]
    objects: int
    bytes: int
    with_copies: bool
    missing: list[str]


class NoBackup(NotFound):
    code = "no_backup"


def read(folder: Path) -> Manifest:
    """Raises NoBackup."""
    if not (folder / NAME).is_file():  # also what would be waited for without end, such as a pipe
        raise NoBackup(f"{folder} holds no backup that was finished: it has no {NAME}.")
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise NoBackup(f"{folder} holds no backup that was finished: {NAME} cannot be read ({error}).") from None


def write(folder: Path, manifest: Manifest) -> None:
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    surroundings.write_privately(folder / NAME, text + b"\n")
