"""Filing: taking in one file by itself, a cover or anything else that people link to."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO

import msgspec

from roliascan import text
from roliascan.database import Database, Tx
from roliascan.errors import Invalid, Problem
from roliascan.library import documents, images, keeping
from roliascan.library.documents import Document
from roliascan.library.image_terms import Variant
from roliascan.library.images import Image
from roliascan.library.keeping import New, Upload
from roliascan.people import sessions
from roliascan.people.persons import Person, require_right
from roliascan.storage import AddressOf, Storage

FOLDER = "files"
LONGEST_NAME = 150  # characters, beside the extension


class StoredFile(msgspec.Struct):
    """A file by itself. `name` is for people; the file is kept and found under its identifier alone."""

    id: str
    name: str
    url: str
    bytes: int
    type: str
    width: int | None
    height: int | None


def add(
    db: Database,
    storage: Storage,
    *,
    person: Person,
    uploads: Iterable[Upload],
    max_bytes: int,
    address_of: AddressOf,
    now: datetime,
) -> StoredFile:
    """Takes in exactly one file, an image or a PDF: bytes first, then the row.

    It is for everybody who has its address, until it becomes the cover of a series. Raises NotAllowed before a byte is
    read; Invalid, TooLarge and images' refusals after.
    """
    require_right(person, "files.add")
    with keeping.kept_or_removed(storage) as stored:
        names = [
            name_of(upload.name, keeping.store(storage, stored, upload, FOLDER, inspect, max_bytes=max_bytes, now=now))
            for upload in uploads
        ]
        if not stored:
            raise Invalid(Problem("file", "send a file"))
    (new,), (name,) = stored, names
    with keeping.removed_without_rows(db, storage, stored):
        db.run(_insert, new, name, person=person, now=now)
    found = new.found
    return StoredFile(new.file_id, name, address_of(new.key), found.bytes, found.type, found.width, found.height)


def _insert(tx: Tx, new: New, name: str, *, person: Person, now: datetime) -> None:
    require_right(sessions.confirm(tx, person, now=now), "files.add")  # the bytes took their time
    tx.insert_many("files", keeping.file_rows(new, purpose="file", name=name, person=person, now=now))


def inspect(source: BinaryIO, *, max_bytes: int) -> tuple[Image | Document, BinaryIO, tuple[Variant, ...]]:
    """What a file of at most `max_bytes` is, by its bytes alone, and what to keep of it. Raises images' refusals."""
    if documents.is_document(source):
        return documents.measure(source), source, ()
    return images.inspect(source, max_bytes=max_bytes)


def name_of(given: str | None, new: New) -> str:
    """What its sender calls a file, as a label that can be shown and saved by; else its identifier.

    Without folders, control and formatting characters (which turn what follows around), dots and dashes in front, and
    with the extension of what the file is.
    """
    extension = new.found.extension
    known = {"jpg", "jpeg"} if extension == "jpg" else {extension}
    plain = label(given)
    stem, dot, end = plain.rpartition(".")
    stem, end = (stem, end) if dot and end.lower() in known else (plain, extension)
    return f"{stem[:LONGEST_NAME].strip() or new.file_id}.{end}"


def label(given: str | None) -> str:
    """A file's name as it can be shown; "" where nothing of it can."""
    last = re.split(r"[/\\]", given or "")[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return text.tidy(shown).lstrip(".- ").strip()
