"""Keeping files: bytes in the storage first, each under a key of its own, then their rows.

Bytes without rows only wait to be swept; rows without bytes are a broken chapter.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from roliascan.database import Database
from roliascan.database.faults import OutcomeUnknown
from roliascan.errors import TooLarge
from roliascan.ids import new_id
from roliascan.library import images, rights
from roliascan.people.persons import Person
from roliascan.storage import Storage, keys

if TYPE_CHECKING:
    from tempfile import SpooledTemporaryFile

    from roliascan.library.documents import Document
    from roliascan.library.image_terms import Variant

IN_MEMORY = 1 << 20  # bytes of an upload kept in memory before a temporary file takes them


class Upload(NamedTuple):
    """A file on its way in: its field's name for messages, the page number that it asks for, its bytes.

    `name` is what its sender calls it.
    """

    field: str
    number: int | None
    source: IO[bytes]
    name: str | None = None


class NewVariant(NamedTuple):
    """A variant of a file, stored under a key of its own; `sha256` is lower-case hex."""

    file_id: str
    key: str
    name: str
    type: str
    width: int
    height: int
    bytes: int
    sha256: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all that is stored."""
        return (self.key,)


class New(NamedTuple):
    """A file whose bytes are stored and whose rows are not written yet; `found` is what it turned out to be."""

    file_id: str
    key: str
    number: int | None
    found: "images.Image | Document"
    variants: tuple[NewVariant, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all that is stored."""
        return (self.key, *(one.key for one in self.variants))


class Inspect(Protocol):
    """Finds out what a file is, what to keep of it, and what beside it; see images.Inspected."""

    def __call__(
        self, source: BinaryIO, *, max_bytes: int
    ) -> "tuple[images.Image | Document, BinaryIO, tuple[Variant, ...]]": ...


@contextmanager
def kept_or_removed(storage: Storage) -> Iterator[list[New]]:
    """Around the storing of bytes: when it ends early, what was stored is taken away again."""
    stored: list[New] = []
    try:
        yield stored
    except BaseException:
        remove(storage, stored)
        raise


@contextmanager
def removed_without_rows(db: Database, storage: Storage, stored: Sequence[New | NewVariant]) -> Iterator[None]:
    """Around the writing of rows: when they are refused, the bytes are taken away again.

    The bytes stay where the rows may be there after all: cut off while committing, or interrupted, which is no
    Exception.
    """
    try:
        yield
    except OutcomeUnknown:
        raise
    except Exception:
        remove(storage, stored)
        raise
    db.if_undone(partial(remove, storage, stored))


def remove(storage: Storage, stored: Sequence[New | NewVariant]) -> None:
    for new in stored:
        for key in new.keys:
            storage.delete(key)


def store(
    storage: Storage,
    stored: list[New],
    upload: Upload,
    folder: str,
    inspect: Inspect,
    *,
    max_bytes: int,
    now: datetime,
) -> New:
    """Looks what a file is, and keeps its bytes and those of its variants, each under a new key.

    `stored` tells at any time what has to be taken away. Raises TooLarge and what `inspect` raises.
    """
    from tempfile import SpooledTemporaryFile  # 5 ms that readers do not pay

    with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        copied = _copy(upload, spool, max_bytes)
        found, kept, variants = inspect(copied, max_bytes=max_bytes)
        key = keys.new_key(folder, new_id(now), found.extension)
        storage.put(key, kept, type=found.type)
        stored.append(New(new_id(now), key, upload.number, found))
        for variant in variants:
            beside = store_variant(storage, variant, folder, now=now)
            stored[-1] = stored[-1]._replace(variants=(*stored[-1].variants, beside))
        return stored[-1]


def store_variant(storage: Storage, variant: "Variant", folder: str, *, now: datetime) -> NewVariant:
    """Keeps the bytes of a variant under a new key."""
    from hashlib import sha256  # 2 ms that readers do not pay

    name, kind, extension, width, height, content = variant
    key = keys.new_key(folder, new_id(now), extension)
    storage.put(key, BytesIO(content), type=kind)
    return NewVariant(new_id(now), key, name, kind, width, height, len(content), sha256(content).hexdigest())


def _copy(upload: Upload, spool: "SpooledTemporaryFile[bytes]", max_bytes: int) -> BinaryIO:
    size = 0
    while chunk := upload.source.read(min(1 << 16, max_bytes + 1 - size)):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"{upload.field}: a file may have at most {max_bytes:,} bytes.")
        spool.write(chunk)
    spool.seek(0)
    return cast(BinaryIO, spool)  # which it is, and is not called in typeshed


def file_rows(
    new: New, *, purpose: str, person: Person, now: datetime, name: str | None = None, state: str = "ready"
) -> list[dict[str, object]]:
    """The row of a file, and those of its variants. `purpose`: page, cover or file.

    `state`: ready, or pending for what nobody may see yet. That of a variant says nothing: it is seen with its file.
    """
    row: dict[str, object] = {
        "id": new.file_id,
        "storage_key": new.key,
        "sha256": new.found.sha256,
        "sent_sha256": new.found.sent_sha256,
        "bytes": new.found.bytes,
        "type": new.found.type,
        "width": new.found.width,
        "height": new.found.height,
        "placeholder": new.found.placeholder,
        "name": name,
        "owner_id": rights.viewer_id(person),
        "purpose": purpose,
        "state": state,
        "created_at": now,
        "original_id": None,
        "variant": None,
    }
    return [row, *(variant_row(one, new.file_id, row) for one in new.variants)]


def variant_row(new: NewVariant, original_id: str, original: Mapping[str, object]) -> dict[str, object]:
    """The row of a variant: whose it is and what for, as its original's says."""
    return {
        **original,
        "id": new.file_id,
        "storage_key": new.key,
        "sha256": new.sha256,
        "sent_sha256": None,
        "bytes": new.bytes,
        "type": new.type,
        "width": new.width,
        "height": new.height,
        "placeholder": None,
        "name": None,
        "state": "ready",
        "original_id": original_id,
        "variant": new.name,
    }
