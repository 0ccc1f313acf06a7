"""A small library, made once through the front door and copied for each runtime, so that all answer from equal data."""

import io
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.people import accounts
from roliascan.platforms.gateway.wsgi import call
from roliascan.settings import Settings
from tests import drawings
from tests.platforms import shapes
from tests.platforms.shapes import Reply, Request
from tests.servers import databases

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

PUBLIC_URL = "https://comics.example"
PASSWORD = "correct horse 漫画"
BOUNDARY = "boundary-of-tests"


class Site(NamedTuple):
    """Where it lies, and what is in it."""

    folder: Path
    names: Mapping[str, str]

    @property
    def environ(self) -> dict[str, str]:
        return {
            "DATABASE_URL": f"sqlite:///{self.folder / 'site.db'}",
            "STORAGE_URL": f"file:{self.folder / 'uploads'}",
            "JWT_SECRET": "0123456789abcdef0123456789abcdef",
            "PUBLIC_URL": PUBLIC_URL,
            "CORS_ORIGINS": "https://reader.example",
            "ALLOW_EPHEMERAL": "on",
        }

    def copied(self, folder: Path) -> "Site":
        """The same in another folder."""
        shutil.copytree(self.folder, folder)
        return Site(folder, self.names)


def make(folder: Path) -> Site:
    """A library of three series, one of them with a chapter of two pages, and an administrator called `keeper`."""
    site = Site(folder, {})
    folder.mkdir()
    with databases.sqlite(Path(os.environ["TEST_RUN"]), folder, migrated=True) as url:
        Path(urlsplit(url).path[1:]).rename(folder / "site.db")
    settings = Settings.from_environ(site.environ)
    with closing(open_database(settings.database_url)) as db:
        now = datetime.now(UTC)
        accounts.register(
            db, email="a@comics.example", username="keeper", password=PASSWORD, role="admin", lasts_s=3600, now=now
        )
        return Site(folder, _filled(create_app(settings, database=db)))


def _filled(app: "WSGIApplication") -> dict[str, str]:
    token = _made(app, "auth/login", {"login": "keeper", "password": PASSWORD}, status=200)["token"]
    made = [
        _made(app, "series", {"title": title, "author": "Zoë"}, token) for title in ("Żółta 漫画", "Second", "Third")
    ]
    chapter = _made(app, f"series/{made[0]['id']}/chapters", {"number": 10.5, "title": "Начало"}, token)
    for seed in (1, 2):
        body = form({"page": ("a.png", drawings.page(seed=seed))})
        _ask(app, Request("POST", f"/api/v1/chapters/{chapter['id']}/pages", FORM | _bearer(token), body), 201)
    _made(app, f"chapters/{chapter['id']}/publish", {}, token, status=200)
    read = json.loads(_ask(app, Request("GET", f"/api/v1/chapters/{chapter['id']}"), 200).body)
    return {
        "series": made[0]["id"],
        "slug": made[0]["slug"],
        "second": made[1]["id"],
        "chapter": chapter["id"],
        "file": urlsplit(read["pages"][0]["url"]).path,
    }


FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(files: Mapping[str, tuple[str, bytes]]) -> bytes:
    """A body of type FORM (RFC 7578)."""
    parts = io.BytesIO()
    for field, (name, data) in files.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        parts.write(head.encode() + data + b"\r\n")
    return parts.getvalue() + f"--{BOUNDARY}--\r\n".encode()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _made(app: "WSGIApplication", path: str, body: Any, token: str = "", *, status: int = 201) -> Any:
    headers = {"Content-Type": "application/json"} | (_bearer(token) if token else {})
    return json.loads(_ask(app, Request("POST", f"/api/v1/{path}", headers, json.dumps(body).encode()), status).body)


def _ask(app: "WSGIApplication", request: Request, status: int) -> Reply:
    answer = shapes.of_wsgi(call(app, shapes.environ_of(request)))
    assert answer.status == status, answer
    return answer
