"""Concealing: what everybody could see and was hidden gets new keys, because its old addresses are known.

Where readers get files past this service, nobody asks who they are. Hiding leaves a row, in its own transaction, and
the sweep works it off, file by file. Showing again needs to do nothing: what is seen then stays as it is, old or new.
"""

from datetime import datetime

import msgspec

from roliascan.database import Reader, Tx
from roliascan.ids import NONE
from roliascan.library import rights


class Concealment(msgspec.Struct):
    """A chapter or a series that was hidden at `at`. Its files up to `reached`, by their identifiers, are done."""

    id: str
    kind: str
    at: str
    reached: str

    @property
    def values(self) -> dict[str, object]:
        """What makes it the same, when it is looked at again: hidden once more, it is another."""
        at = datetime.fromisoformat(self.at)
        return {"concealed": self.id, "kind": self.kind, "at": at, "reached": self.reached}


class Known(msgspec.Struct):
    """A file whose address is known: a page of this chapter, or without one a cover."""

    id: str
    storage_key: str
    type: str
    chapter_id: str | None


def begin(tx: Tx, kind: str, id: str, *, now: datetime) -> None:
    """Where a chapter or a series is hidden that everybody could see. Before counters are touched, or it would wait."""
    tx.write(
        "INSERT INTO concealments (id, kind, at, reached) VALUES (:id, :kind, :now, :none)"
        " ON CONFLICT (id, kind) DO UPDATE SET at = excluded.at, reached = excluded.reached",
        id=id,
        kind=kind,
        now=now,
        none=NONE,
    )


class _Id(msgspec.Struct):
    id: str


def due(db: Reader, *, after: str, most: int) -> list[str]:
    """What waits, in the order of the identifiers."""
    sql = "SELECT DISTINCT id FROM concealments WHERE id > :after ORDER BY id LIMIT :most"
    return [row.id for row in db.read(sql, _Id, after=after, most=most)]


def of(db: Reader, id: str) -> list[Concealment]:
    return db.read("SELECT id, kind, at, reached FROM concealments WHERE id = :id ORDER BY kind", Concealment, id=id)


_SAME = "id = :concealed AND kind = :kind AND at = :at AND reached = :reached"
_IS_DUE = f"""
SELECT id FROM concealments WHERE {_SAME}
  AND NOT EXISTS (SELECT 1 FROM series s WHERE s.id = :concealed AND s.state = 'published')
  AND NOT EXISTS (SELECT 1 FROM chapters c JOIN series s ON s.id = c.series_id
    WHERE c.id = :concealed AND c.state = 'published' AND s.state = 'published')
"""


def is_due(db: Reader, one: Concealment) -> bool:
    """Whether it is still hidden, and nobody else works it off."""
    return db.one(_IS_DUE, _Id, **one.values) is not None


_PAGES = "SELECT f.id AS id, f.storage_key, f.type, p.chapter_id FROM pages p JOIN files f ON f.{} = p.file_id"
_COVER = (
    "SELECT f.id AS id, f.storage_key, f.type, NULL AS chapter_id FROM series s JOIN files f ON f.id = s.cover_file_id"
)
_OF_CHAPTER = f"{_PAGES} WHERE p.chapter_id = :id AND f.id > :after"
_OF_SERIES = f"""{_PAGES} JOIN chapters c ON c.id = p.chapter_id
    WHERE c.series_id = :id AND c.state = 'published' AND f.id > :after"""
_LIMIT = "ORDER BY id LIMIT :most"
_KNOWN = {
    "chapter": f"{_OF_CHAPTER.format('id')} UNION ALL {_OF_CHAPTER.format('original_id')} {_LIMIT}",
    "series": f"""{_OF_SERIES.format("id")} UNION ALL {_OF_SERIES.format("original_id")}
    UNION ALL {_COVER} WHERE s.id = :id AND f.id > :after {_LIMIT}""",
}
"""SQL: the files that were seen of it, with variants; other chapters of a series never were, or have a row."""


def known(db: Reader, one: Concealment, *, after: str, most: int) -> list[Known]:
    """The next files whose addresses are known, in the order of their identifiers."""
    return db.read(_KNOWN[one.kind], Known, id=one.id, after=after, most=most)


def move(tx: Tx, one: Concealment, file: Known, key: str) -> bool:
    """Gives a file the key under which its bytes are by now too; False where it is seen, gone, or another's turn."""
    if _is_seen(tx, file):
        return False
    if tx.one(f"SELECT id FROM concealments WHERE {_SAME} FOR UPDATE", _Id, **one.values) is None:
        return False
    sql = "UPDATE files SET storage_key = :key WHERE id = :id AND storage_key = :old"
    if not tx.write(sql, id=file.id, key=key, old=file.storage_key):
        return False
    return tx.write(f"UPDATE concealments SET reached = :file WHERE {_SAME}", file=file.id, **one.values) == 1


class _States(msgspec.Struct):
    state: str
    series_state: str


_OF_PAGE = """
SELECT c.state, s.state AS series_state FROM chapters c JOIN series s ON s.id = c.series_id WHERE c.id = :id FOR UPDATE
"""
_OF_COVER = "SELECT state, state AS series_state FROM series WHERE cover_file_id = :id FOR UPDATE"


def _is_seen(tx: Tx, file: Known) -> bool:
    """Whether everybody sees it, locked so that it stays so; also where nothing has it any more."""
    if file.chapter_id:
        shows = tx.read(_OF_PAGE, _States, id=file.chapter_id)
    else:
        tx.read("SELECT id FROM files WHERE id = :id FOR UPDATE", _Id, id=file.id)  # as who takes it for a cover does
        shows = tx.read(_OF_COVER, _States, id=file.id)
    return not shows or any(one.state == one.series_state == rights.PUBLIC for one in shows)


def end(tx: Tx, one: Concealment) -> bool:
    """When all its files are done, or it is seen again."""
    return tx.write(f"DELETE FROM concealments WHERE {_SAME}", **one.values) == 1
