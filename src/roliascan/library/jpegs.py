"""JPEGs: a page for readers that know its type not, made when the first of them asks for it."""

from datetime import datetime
from io import BytesIO

import msgspec

from roliascan.database import Database, Duplicate, Reader, Tx
from roliascan.errors import Invalid, NotFound, TooLarge, UnsupportedType
from roliascan.ids import is_id
from roliascan.library import files, images, keeping, pages, rights
from roliascan.library.keeping import NewVariant
from roliascan.people.persons import Person
from roliascan.storage import Storage


class Page(msgspec.Struct):
    """A page, and the key of its JPEG: None where nobody asked for it yet."""

    id: str
    storage_key: str
    jpeg_key: str | None
    is_public: bool
    owns: bool


_FIND = f"""
SELECT o.id, o.storage_key, CASE WHEN o.type = 'image/jpeg' THEN o.storage_key ELSE v.storage_key END AS jpeg_key,
    {files.IS_PUBLIC} AS is_public, {{owns}} AS owns
FROM files o LEFT JOIN files v ON v.original_id = o.id AND v.variant = 'jpeg'
WHERE o.id = :id AND o.state = 'ready' AND EXISTS (SELECT 1 FROM pages r WHERE r.file_id = o.id)
"""
_FIND_PUBLIC = _FIND.format(owns=":no")
_FIND_FOR = _FIND.format(owns=files.OWNS)


def find(db: Reader, page_id: str, *, viewer: Person | None) -> Page:
    """A page that they may see, in one statement. Raises NotFound."""
    sql = _FIND_PUBLIC if viewer is None else _FIND_FOR
    page = db.one(sql, Page, id=page_id, viewer=rights.viewer_id(viewer), no=False) if is_id(page_id) else None
    if page is None or not (page.is_public or page.owns or rights.sees_all(viewer)):
        raise NotFound
    return page


def make(db: Database, storage: Storage, page: Page, *, now: datetime) -> None:
    """Makes the JPEG of a page that has none; of several at once one is kept. Bytes first, then the row.

    Raises NotFound where none can be made, Busy where that would take too long.
    """
    with storage.open(page.storage_key) as source:
        content = source.read()
    try:
        variant = images.as_jpeg(BytesIO(content), max_bytes=len(content))
    except (Invalid, TooLarge, UnsupportedType) as refusal:  # which its bytes were not when they came
        raise NotFound("No JPEG can be made of this page.") from refusal
    new = keeping.store_variant(storage, variant, pages.FOLDER, now=now)
    try:
        with keeping.removed_without_rows(db, storage, [new]):
            db.run(_record, page, new, now=now)
    except Duplicate:
        pass  # somebody was quicker, and their JPEG is as good


class _Original(msgspec.Struct):
    purpose: str
    owner_id: str | None


def _record(tx: Tx, page: Page, new: NewVariant, *, now: datetime) -> None:
    # locked, so that who deletes the page at this moment deletes its JPEG as well, or comes before it
    sql = "SELECT purpose, owner_id FROM files WHERE id = :id FOR UPDATE"
    original = tx.one(sql, _Original, id=page.id)
    if original is None:
        raise NotFound
    row = keeping.variant_row(new, page.id, {**msgspec.structs.asdict(original), "created_at": now})
    tx.insert_many("files", [row])
