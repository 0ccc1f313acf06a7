"""What must hold in the database and in the storage folder, whenever the server was killed."""

import hashlib
import json
import os
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from roliascan.cli.surroundings import now
from roliascan.database import Database
from roliascan.library import sweep
from roliascan.people import audit
from roliascan.storage.local import LocalStorage

_OF_SERIES = "FROM chapters c WHERE c.series_id = t.series_id AND c.state = 'published'"
_RATED = "FROM {0}_ratings r WHERE r.{0}_id = t.{0}_id"
_LAST = f"(SELECT MAX(c.published_at) {_OF_SERIES})"
NEVER = {
    "two chapters are equal": "(SELECT 1 AS one FROM chapters"
    " GROUP BY series_id, language, volume, number_key, release_key HAVING COUNT(*) > 1) d",
    "two files share a key": "(SELECT 1 AS one FROM files GROUP BY storage_key HAVING COUNT(*) > 1) d",
    "two pages share a file": "(SELECT 1 AS one FROM pages GROUP BY file_id HAVING COUNT(*) > 1) d",
    "a page has no file": "pages p WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.id = p.file_id)",
    "a variant is of nothing": "files v WHERE (v.variant IS NULL) <> (v.original_id IS NULL)"
    " OR v.original_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM files f WHERE f.id = v.original_id)",
    "a variant is of a variant": "files v JOIN files f ON f.id = v.original_id WHERE f.original_id IS NOT NULL",
    "a page is of a revision that nobody reads": "pages p JOIN chapters c ON c.id = p.chapter_id"
    " WHERE p.revision <> c.revision",
    "a chapter counts its pages wrongly": "chapters c"
    " WHERE c.page_count <> (SELECT COUNT(*) FROM pages p WHERE p.chapter_id = c.id)",
    "a published chapter has no page": "chapters WHERE state = 'published' AND page_count = 0",
    "a series is without counters": "series s WHERE NOT EXISTS (SELECT 1 FROM series_stats t WHERE t.series_id = s.id)",
    "a series is without its slug": "series s WHERE NOT EXISTS"
    " (SELECT 1 FROM series_slugs k WHERE k.slug = s.slug AND k.series_id = s.id)",
    "a series counts its chapters wrongly": f"series_stats t WHERE t.chapter_count <> (SELECT COUNT(*) {_OF_SERIES})",
    "a series has another last chapter": f"series_stats t WHERE t.last_chapter_at <> {_LAST}"
    f" OR (t.last_chapter_at IS NULL) <> ({_LAST} IS NULL)",
    "a series counts its ratings wrongly": "series_stats t"
    f" WHERE t.rating_count <> (SELECT COUNT(*) {_RATED.format('series')})"
    f" OR t.rating_sum <> (SELECT COALESCE(SUM(r.rating), 0) {_RATED.format('series')})"
    " OR t.rating_count > 0 AND ABS(t.rating_milli - 1000.0 * t.rating_sum / t.rating_count) > 0.501",
    "a chapter counts its ratings wrongly": "chapter_stats t"
    f" WHERE t.rating_count <> (SELECT COUNT(*) {_RATED.format('chapter')})"
    f" OR t.rating_sum <> (SELECT COALESCE(SUM(r.rating), 0) {_RATED.format('chapter')})",
    "a rating is counted nowhere": "chapter_ratings r WHERE NOT EXISTS"
    " (SELECT 1 FROM chapter_stats t WHERE t.chapter_id = r.chapter_id)",
    "the site counts its series wrongly": "counters n WHERE n.name = 'series'"
    " AND n.value <> (SELECT COUNT(*) FROM series WHERE state = 'published')",
    "the site counts its chapters wrongly": "counters n WHERE n.name = 'chapters' AND n.value <> (SELECT COUNT(*)"
    " FROM chapters c JOIN series s ON s.id = c.series_id WHERE c.state = 'published' AND s.state = 'published')",
}
"""By what is wrong: the FROM of a statement that finds nothing. (I5, I6)"""


class Act(NamedTuple):
    """What somebody did by right of a role, as the audit log tells it."""

    action: str
    kind: str
    id: str
    reason: str = ""


class _Number(msgspec.Struct):
    number: int


class _Entry(msgspec.Struct):
    action: str
    target_kind: str
    target_id: str
    details: str


class _File(msgspec.Struct):
    storage_key: str
    sha256: str
    bytes: int


def of_rows(db: Database, acts: list[Act]) -> list[str]:
    """What is wrong in the database, each in a sentence. `acts` are all that have been done (I8)."""
    wrong = [sentence for sentence, rows in NEVER.items() if _count(db, rows)]
    if broken := audit.verify(db).broken:
        wrong.append(f"the audit log is broken: {broken}")
    entries = db.read("SELECT action, target_kind, target_id, details FROM audit", _Entry)
    told = Counter(
        Act(one.action, one.target_kind, one.target_id, json.loads(one.details).get("reason") or "") for one in entries
    )
    done = Counter(acts)
    wrong += [f"done and not in the audit log: {act}" for act in done - told]
    wrong += [f"in the audit log and not done: {act}" for act in told - done]
    return wrong


def _count(db: Database, rows: str) -> int:
    (found,) = db.read(f"SELECT COUNT(*) AS number FROM {rows}", _Number)
    return found.number


def of_file(url: str) -> list[str]:
    """What SQLite finds wrong in its own file; nothing for other databases."""
    if not url.startswith("sqlite:"):
        return []
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        found = [text for (text,) in raw.execute("PRAGMA integrity_check") if text != "ok"]
        return found + [f"dangling: {row}" for row in raw.execute("PRAGMA foreign_key_check")]


def of_storage(db: Database, folder: Path, *, swept: bool) -> list[str]:
    """Rows without their bytes (I4); once it was `swept`, also bytes without a row (I3)."""
    rows = {row.storage_key: row for row in db.read("SELECT storage_key, sha256, bytes FROM files", _File)}
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    wrong = [f"a row without its file: {key}" for key in rows.keys() - there.keys()]
    for key in rows.keys() & there.keys():
        data = there[key].read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (rows[key].bytes, rows[key].sha256):
            wrong.append(f"a file is not what its row says: {key}")
    return wrong + [f"a file without a row after the sweep: {key}" for key in there.keys() - rows.keys() if swept]


def sweep_later(db: Database, folder: Path) -> int:
    """What `roliascan sweep` does a day and an hour from now; the number of files without a row that it deleted."""
    later = timedelta(hours=25)
    for draft in (folder / ".incoming").iterdir():
        os.utime(draft, (time.time() - later.total_seconds(),) * 2)
    return sweep.run(db, LocalStorage(str(folder)), now=now() + later, strays=True).strays_deleted
