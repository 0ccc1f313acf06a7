"""Where a command runs: its settings, from the environment and a file `.env`, and the parts made from them."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values

from roliascan.database import Database, open_database
from roliascan.database.schema import Gate
from roliascan.settings import FUNCTION_MARKERS, Settings
from roliascan.storage import Storage, open_storage


class Site(NamedTuple):
    """A site's parts, for commands that work on it."""

    settings: Settings
    db: Database
    storage: Storage


def now() -> datetime:
    return datetime.now(UTC)


def load_environment() -> None:
    """Adds the lines of `.env` (never on a function platform), and the made secret if one is needed."""
    if any(os.environ.get(marker) for marker in FUNCTION_MARKERS):
        return
    for name, value in dotenv_values(".env").items():
        os.environ.setdefault(name, value or "")
    if not os.environ.get("JWT_SECRET") and is_embedded():
        os.environ["JWT_SECRET"] = _made_secret(Path(os.environ.get("DATA_DIR") or "data"))


def is_embedded() -> bool:
    """Whether the database is the embedded one, which needs no operator."""
    return (os.environ.get("DATABASE_URL") or "sqlite:").startswith("sqlite:")


def _made_secret(data_dir: Path) -> str:
    """A secret made once, readable by its owner only."""
    path = data_dir / "jwt-secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


def settings() -> Settings:
    """The settings of this site. Raises BadSettings."""
    load_environment()
    return Settings.from_environ(os.environ)


@contextmanager
def site() -> Iterator[Site]:
    """The parts of this site, its database known to fit. Raises BadSettings, SchemaMismatch, Unreachable."""
    found = settings()
    db = open_database(found.database_url, pool_size=1)
    try:
        Gate(db).check(0)
        yield Site(found, db, open_storage(found.storage_url))
    finally:
        db.close()


def prepare_embedded(found: Settings) -> None:
    """Brings the embedded database to this version. Others are migrated by their operator, in a step of its own."""
    if found.database_url.startswith("sqlite:"):
        from roliascan.database import migrations

        migrations.upgrade(found.database_url)
