"""Files: who may read the bytes under a storage key."""

import msgspec

from roliascan.database import Reader
from roliascan.errors import NotFound
from roliascan.library import rights
from roliascan.people.persons import Person


class File(msgspec.Struct):
    """A stored file as it is served. `is_public`: for everybody, and so for caches."""

    storage_key: str
    type: str
    bytes: int
    name: str | None
    sha256: str
    is_public: bool
    owns: bool


IS_PUBLIC = """(o.purpose = 'file'
     OR EXISTS (SELECT 1 FROM series s WHERE s.cover_file_id = o.id AND s.state = 'published')
     OR EXISTS (SELECT 1 FROM pages p JOIN chapters c ON c.id = p.chapter_id AND c.revision = p.revision
       JOIN series s ON s.id = c.series_id
       WHERE p.file_id = o.id AND c.state = 'published' AND s.state = 'published'))"""
"""SQL: whether file `o` is for everybody. A variant is seen as its original."""

OWNS = f"""((o.owner_id = :viewer AND o.purpose <> 'page')
     OR EXISTS (SELECT 1 FROM series s WHERE s.cover_file_id = o.id AND {rights.OWNS_SERIES})
     OR EXISTS (SELECT 1 FROM pages p JOIN chapters c ON c.id = p.chapter_id JOIN series s ON s.id = c.series_id
       WHERE p.file_id = o.id AND {rights.OWNS_CHAPTER}))"""
"""SQL: whether `:viewer` owns what file `o` belongs to."""

_FIND = f"""
SELECT f.storage_key, f.type, f.bytes, f.name, f.sha256, {IS_PUBLIC} AS is_public, {{owns}} AS owns
FROM files f JOIN files o ON o.id = COALESCE(f.original_id, f.id) WHERE f.storage_key = :key AND o.state = 'ready'
"""
_FIND_PUBLIC = _FIND.format(owns=":no")
_FIND_FOR = _FIND.format(owns=OWNS)


def find(db: Reader, key: str, *, viewer: Person | None) -> File:
    """The file under a key, for somebody who may see what it belongs to, in one statement. Raises NotFound."""
    sql = _FIND_PUBLIC if viewer is None else _FIND_FOR
    file = db.one(sql, File, key=key, viewer=rights.viewer_id(viewer), no=False)
    if file is None or not (file.is_public or file.owns or rights.sees_all(viewer)):
        raise NotFound
    return file
