"""Covers: images that show a series."""

from datetime import datetime
from typing import IO

from roliascan.database import Database
from roliascan.library import pages
from roliascan.library.pages import Upload
from roliascan.people.persons import Person
from roliascan.storage import Storage

FOLDER = "covers"


def add(db: Database, storage: Storage, source: IO[bytes], *, person: Person, max_bytes: int, now: datetime) -> str:
    """Keeps an image as a cover; the identifier of its file. Raises TooLarge and the refusals of images."""
    with pages.kept_or_removed(storage) as stored:
        pages.store(storage, stored, Upload("cover", None, source), folder=FOLDER, max_bytes=max_bytes, now=now)
        rows = [pages.file_row(new, purpose="cover", person=person, now=now) for new in stored]
        db.run(lambda tx: tx.insert_many("files", rows))
        return stored[0].file_id
