"""A site of the original backend: its database as it was documented, and its folder of uploads."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import bcrypt

from tests.database import bare
from tests.drawings import page

SCHEMA = """
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL UNIQUE, username text NOT NULL UNIQUE,
    password text NOT NULL, role text NOT NULL DEFAULT 'user', is_banned boolean NOT NULL DEFAULT false,
    is_muted boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE permissions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE, description text);
CREATE TABLE user_permissions (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    permission_id uuid NOT NULL REFERENCES permissions ON DELETE CASCADE, PRIMARY KEY (user_id, permission_id));
CREATE TABLE contents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, slug text NOT NULL UNIQUE, description text,
    author text, cover_image text, cover_image_key text, created_by_id uuid REFERENCES users,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE chapters (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), content_id uuid NOT NULL REFERENCES contents ON DELETE CASCADE,
    name text, chapter_number integer, created_by_id uuid REFERENCES users,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE chapter_images (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), chapter_id uuid NOT NULL REFERENCES chapters ON DELETE CASCADE,
    image_url text NOT NULL, file_key text, page_number integer NOT NULL, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE comments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), chapter_id uuid NOT NULL REFERENCES chapters ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, content text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE content_ratings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), content_id uuid NOT NULL REFERENCES contents ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, rating integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (content_id, user_id));
CREATE TABLE chapter_ratings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), chapter_id uuid NOT NULL REFERENCES chapters ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, rating integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (chapter_id, user_id));
"""
PASSWORD = "correct horse battery"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


class Original:
    """Rows and files are put in one by one; each verb returns an identifier. Instants are text without a zone."""

    def __init__(self, url: str, uploads: Path) -> None:
        self.url = url
        self.uploads = uploads
        self._minute = 0
        uploads.mkdir()
        self.write(SCHEMA)

    def write(self, sql: str, *values: Any) -> None:
        with bare.cursor(self.url) as asking:
            asking.execute(sql, values or None)

    def _add(self, table: str, **columns: Any) -> str:
        """Each row is a minute younger than the one before."""
        self._minute += 1
        moment = f"2024-03-05 {self._minute // 60 % 24:02}:{self._minute % 60:02}:06.789"
        row: dict[str, Any] = {"id": str(uuid4()), "created_at": moment}
        if table != "chapter_images":
            row["updated_at"] = moment.replace("2024", "2025")
        row |= columns
        marks = ", ".join(["%s"] * len(row))
        self.write(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
        return str(row["id"])

    def user(self, username: str, email: str = "", **columns: Any) -> str:
        email = email or f"{username}@example.com"
        return self._add("users", **{"username": username, "email": email, "password": HASH, **columns})

    def grants(self, user: str, name: str) -> None:
        self.write("INSERT INTO permissions (name) VALUES (%s) ON CONFLICT DO NOTHING", name)
        self.write("INSERT INTO user_permissions SELECT %s, p.id FROM permissions p WHERE p.name = %s", user, name)

    def content(self, name: str, slug: str, by: str | None = None, **columns: Any) -> str:
        return self._add(
            "contents", **{"name": name, "slug": slug, "author": "A. Writer", "created_by_id": by, **columns}
        )

    def chapter(self, content: str, number: int | None, by: str | None = None, **columns: Any) -> str:
        columns = {"name": f"Title {number}", **columns}
        return self._add("chapters", content_id=content, chapter_number=number, created_by_id=by, **columns)

    def image(self, chapter: str, number: int, data: bytes | None = None, *, url: str = "", **columns: Any) -> str:
        """A page with its file, unless its address is given."""
        url = url or self.file(f"chapters/{chapter}/{uuid4()}.png", data or page(seed=number))
        return self._add("chapter_images", chapter_id=chapter, page_number=number, image_url=url, **columns)

    def file(self, path: str, data: bytes) -> str:
        """Its address."""
        where = self.uploads / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)
        return f"/uploads/{path}"

    def comment(self, chapter: str, user: str, content: str, **columns: Any) -> str:
        return self._add("comments", chapter_id=chapter, user_id=user, content=content, **columns)

    def rate(self, of: str, rated: str, user: str, rating: int) -> str:
        return self._add(f"{of}_ratings", **{f"{of}_id": rated, "user_id": user, "rating": rating})

    def everything(self) -> str:
        """All that it holds, rows and files, to see that it stayed as it was."""
        tables = bare.rows(self.url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = {table: sorted(map(repr, bare.rows(self.url, f"SELECT * FROM {table}"))) for (table,) in sorted(tables)}
        files = sorted(str(path) for path in self.uploads.rglob("*"))
        return json.dumps([rows, files])
