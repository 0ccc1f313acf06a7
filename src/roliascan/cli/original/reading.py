"""The original's database: one read-only snapshot, fetched in batches, so that it fits in memory whatever its size."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import msgspec

from roliascan.database import BadAddress, Tx, open_database
from roliascan.errors import Refusal

BATCH = 500
_MOST_MISSING = 10  # names in one message

# Bytes travel while the snapshot is open, for hours perhaps: only a server that goes away may end it.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
_TABLES = {
    "users": "id email username password role is_banned is_muted created_at updated_at",
    "permissions": "id name description",
    "user_permissions": "user_id permission_id",
    "contents": "id name slug description author cover_image created_by_id created_at updated_at",
    "chapters": "id content_id name chapter_number created_by_id created_at updated_at",
    "chapter_images": "id chapter_id image_url page_number created_at",
    "comments": "id chapter_id user_id content created_at updated_at",
    "content_ratings": "content_id user_id rating created_at updated_at",
    "chapter_ratings": "chapter_id user_id rating created_at updated_at",
}
T = TypeVar("T", bound=msgspec.Struct)


class NotTheOriginal(Refusal):
    code = "not_the_original"
    detail = "This is no database of the original backend."


class User(msgspec.Struct):
    id: str
    email: str
    username: str
    password: str
    role: str
    is_banned: bool
    is_muted: bool
    created_at: str
    updated_at: str


class Grant(msgspec.Struct):
    user_id: str
    username: str
    name: str
    description: str


class Content(msgspec.Struct):
    """What is a series here. `cover_path` is below the folder of uploads; None where the address tells none."""

    id: str
    name: str
    slug: str
    description: str
    author: str
    cover_image: str
    cover_path: str | None
    created_by_id: str | None
    created_at: str
    updated_at: str


class Chapter(msgspec.Struct):
    id: str
    content_id: str
    content: str
    name: str
    number: int | None
    created_by_id: str | None
    created_at: str
    updated_at: str


class Image(msgspec.Struct):
    """A page. `path` as `cover_path` of a Content."""

    id: str
    chapter_id: str
    address: str
    path: str | None


class Comment(msgspec.Struct):
    id: str
    chapter_id: str
    user_id: str
    body: str
    created_at: str
    updated_at: str


class Rating(msgspec.Struct):
    """Of a content or a chapter, 1 to 5."""

    rated_id: str
    user_id: str
    rating: int
    created_at: str
    updated_at: str


@contextmanager
def opened(url: str) -> Iterator[Tx]:
    """The snapshot. Raises BadAddress, Unreachable, NotTheOriginal."""
    if not url.startswith(("postgresql:", "postgres:")):
        raise BadAddress("the original's starts with postgresql:")
    with closing(open_database(url, pool_size=1)) as db, db.begin() as tx:
        for setting in _SETTINGS:
            tx.write(setting)
        _check(tx)
        yield tx


class _Column(msgspec.Struct):
    name: str


def _check(tx: Tx) -> None:
    sql = (
        "SELECT table_name || '.' || column_name AS name FROM information_schema.columns"
        " WHERE table_schema = ANY (current_schemas(false)) AND table_name IN (:tables)"
    )
    there = {row.name for row in tx.read(sql, _Column, tables=list(_TABLES))}
    needed = [f"{table}.{column}" for table, columns in _TABLES.items() for column in columns.split()]
    missing = [name for name in needed if name not in there]
    if missing:
        more = f" and {len(missing) - _MOST_MISSING} more" if len(missing) > _MOST_MISSING else ""
        raise NotTheOriginal(f"{NotTheOriginal.detail} It lacks {', '.join(missing[:_MOST_MISSING])}{more}.")


class _Count(msgspec.Struct):
    rows: int


def size(tx: Tx) -> int:
    """How many rows there are to take, pages aside: a chapter's come with it."""
    tables = ("users", "user_permissions", "contents", "chapters", "comments", "content_ratings", "chapter_ratings")
    counts = " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in tables)
    (row,) = tx.read(f"SELECT {counts} AS rows", _Count)
    return row.rows


def users(tx: Tx) -> Iterator[list[User]]:
    """The oldest first: of two that look alike, they keep the name."""
    sql = f"""SELECT id::text AS id, COALESCE(email, '') AS email, COALESCE(username, '') AS username,
        COALESCE(password, '') AS password, COALESCE(role, '') AS role, COALESCE(is_banned, false) AS is_banned,
        COALESCE(is_muted, false) AS is_muted, {_times("users")} FROM users ORDER BY users.created_at, users.id"""
    return _batches(tx, sql, User)


def grants(tx: Tx) -> Iterator[list[Grant]]:
    sql = """SELECT u.id::text AS user_id, COALESCE(u.username, '') AS username, COALESCE(p.name, '') AS name,
        COALESCE(p.description, '') AS description FROM user_permissions g JOIN users u ON u.id = g.user_id
        JOIN permissions p ON p.id = g.permission_id ORDER BY u.id, p.name"""
    return _batches(tx, sql, Grant)


def permissions(tx: Tx) -> Iterator[list[Grant]]:
    """Those that there are, granted or not, as grants to nobody."""
    sql = """SELECT '' AS user_id, '' AS username, COALESCE(name, '') AS name,
        COALESCE(description, '') AS description FROM permissions ORDER BY 3"""
    return _batches(tx, sql, Grant)


def contents(tx: Tx) -> Iterator[list[Content]]:
    """Those whose slug can stay come first, so that no new slug takes an old one away."""
    sql = f"""SELECT id::text AS id, COALESCE(name, '') AS name, COALESCE(slug, '') AS slug,
        COALESCE(description, '') AS description, COALESCE(author, '') AS author,
        COALESCE(cover_image, '') AS cover_image, {_path("cover_image")} AS cover_path,
        created_by_id::text AS created_by_id, {_times("contents")} FROM contents
        ORDER BY COALESCE(contents.slug, '') ~ '^[a-z0-9]+(-[a-z0-9]+)*$' DESC, contents.created_at, contents.id"""
    return _batches(tx, sql, Content)


_ORDER = "c.content_id, c.chapter_number, c.created_at, c.id"


def chapters(tx: Tx) -> Iterator[list[Chapter]]:
    """Series after series; of a number that is there twice, the older one first."""
    sql = f"""SELECT c.id::text AS id, c.content_id::text AS content_id, COALESCE(s.name, '') AS content,
        COALESCE(c.name, '') AS name, c.chapter_number AS number, c.created_by_id::text AS created_by_id, {_times("c")}
        FROM chapters c JOIN contents s ON s.id = c.content_id ORDER BY {_ORDER}"""
    return _batches(tx, sql, Chapter)


def images(tx: Tx) -> Iterator[list[Image]]:
    """In the order of `chapters`; of one chapter, in the order in which its pages are read."""
    sql = f"""SELECT i.id::text AS id, i.chapter_id::text AS chapter_id, COALESCE(i.image_url, '') AS address,
        {_path("i.image_url")} AS path FROM chapter_images i JOIN chapters c ON c.id = i.chapter_id
        JOIN contents s ON s.id = c.content_id ORDER BY {_ORDER}, i.page_number, i.created_at, i.id"""
    return _batches(tx, sql, Image)


def comments(tx: Tx) -> Iterator[list[Comment]]:
    sql = f"""SELECT id::text AS id, chapter_id::text AS chapter_id, user_id::text AS user_id,
        COALESCE(content, '') AS body, {_times("comments")} FROM comments ORDER BY comments.chapter_id, comments.id"""
    return _batches(tx, sql, Comment)


def ratings(tx: Tx, of: str) -> Iterator[list[Rating]]:
    """`of` is `content` or `chapter`."""
    table = f"{of}_ratings"
    sql = f"""SELECT {of}_id::text AS rated_id, user_id::text AS user_id, COALESCE(rating, 0) AS rating,
        {_times(table)} FROM {table} ORDER BY {table}.{of}_id, {table}.user_id"""
    return _batches(tx, sql, Rating)


class _Path(msgspec.Struct):
    path: str


def known_paths(tx: Tx, paths: list[str]) -> set[str]:
    """Those of `paths`, below the folder of uploads, that some row points to."""
    sql = f"""SELECT DISTINCT a.path FROM (
        SELECT {_path("image_url")} AS path FROM chapter_images
        UNION ALL SELECT {_path("cover_image")} FROM contents) a
        WHERE a.path IN (SELECT json_array_elements_text(CAST(:paths AS json)))"""
    return {row.path for row in tx.read(sql, _Path, paths=msgspec.json.encode(paths).decode())}


def _batches(tx: Tx, sql: str, into: type[T]) -> Iterator[list[T]]:
    """A cursor of the server's: the driver would fetch the whole result at once."""
    name = f"taking_{into.__name__}".lower()
    tx.write(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}")
    while batch := tx.read(f"FETCH {BATCH} FROM {name}", into):
        yield batch
    tx.write(f"CLOSE {name}")


def _times(table: str) -> str:
    """Columns without a zone, which hold UTC; what no calendar of ours can hold becomes 1970."""
    return ", ".join(
        f"(CASE WHEN {table}.{column} BETWEEN '1970-01-01' AND '9000-01-01' THEN {table}.{column}"
        f" ELSE TIMESTAMP '1970-01-01' END) AT TIME ZONE 'UTC' AS {column}"
        for column in ("created_at", "updated_at")
    )


def _path(address: str) -> str:
    """SQL: where the file of an address lies below the folder of uploads. One that is elsewhere in the web is looked
    for in `uploadthing/`, by the last part of its address, where the operator may have put it."""
    own, bare = "'^(https?://[^/]+)?/*uploads/+'", f"regexp_replace({address}, '[?#].*$', '')"
    return f"""(CASE WHEN {address} ~ {own} THEN regexp_replace({address}, {own}, '')
        WHEN {address} ~ '^https?://' THEN 'uploadthing/' || regexp_replace({bare}, '^.*/', '') END)"""
