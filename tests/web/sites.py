"""A whole site in this process: an app over a database, people of every role, and requests to it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from falcon import testing

from roliascan.app import create_app
from roliascan.database import open_database
from roliascan.people import accounts, tokens
from roliascan.settings import Settings

SECRET = "a secret of tests, 0123456789 abcdefghij"
PASSWORD = "correct horse battery"
BOUNDARY = "a-boundary"


def settings(database_url: str, **more: str) -> Settings:
    environ = {"DATABASE_URL": database_url, "STORAGE_URL": "memory:", "JWT_SECRET": SECRET, **more}
    return Settings.from_environ(environ)


class Site:
    """What was asked of it is asked as a stranger, or as who holds the token `by`."""

    def __init__(self, database_url: str, **more: str) -> None:
        self.db = open_database(database_url)
        self.client = testing.TestClient(create_app(settings(database_url, **more), database=self.db))

    def close(self) -> None:
        self.db.close()

    def token(self, username: str, role: str = "user") -> str:
        """A new person's token."""
        now = datetime.now(UTC)
        signed_in = accounts.register(
            self.db,
            email=f"{username}@example.org",
            username=username,
            password=PASSWORD,
            role=role,
            lasts_s=3600,
            now=now,
        )
        return tokens.issue(signed_in.session_id, secret=SECRET, now=now, expires_at=signed_in.expires_at)

    def ask(self, method: str, path: str, *, by: str = "", headers: dict[str, str] | None = None, **more: Any) -> Any:
        """A request, with whatever else `falcon.testing` takes; its answer."""
        signed = {"Authorization": f"Bearer {by}"} if by else {}
        return self.client.simulate_request(method, path, headers={**signed, **(headers or {})}, **more)


def form(files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """The body and headers of a form with these files, by field."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a"\r\n\r\n'.encode() + content
        for field, content in files
    ]
    body = b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
    return {"body": body, "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}}
