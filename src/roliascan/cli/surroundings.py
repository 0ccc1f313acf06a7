"""Where a command runs: its settings, from the environment and a file `.env`, and the parts made from them."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values

from roliascan.app import spanning, storage_of, traces_of
from roliascan.database import Database, open_database, schema
from roliascan.settings import FUNCTION_MARKERS, BadSettings, Settings
from roliascan.storage import Storage


class Site(NamedTuple):
    """A site's parts, for commands that work on it."""

    settings: Settings
    db: Database
    storage: Storage


def now() -> datetime:
    return datetime.now(UTC)


def load_environment(*, signs: bool = True) -> None:
    """Adds the lines of `.env` (never on a function platform), and for who `signs` tokens, the made secret."""
    if any(os.environ.get(marker) for marker in FUNCTION_MARKERS):
        return
    for name, value in _written().items():
        os.environ.setdefault(name, value or "")
    if signs and not _is_given("JWT_SECRET") and is_embedded():
        os.environ["JWT_SECRET"] = _made_secret(Path(os.environ.get("DATA_DIR") or "data"))


def _written() -> dict[str, str | None]:
    try:
        return dotenv_values(".env", interpolate=False)
    except UnicodeDecodeError:
        raise BadSettings([".env: save this file as UTF-8"]) from None


def is_embedded() -> bool:
    """Whether the database is the embedded one, which needs no operator."""
    return not _is_given("DATABASE_URL") or os.environ.get("DATABASE_URL", "").startswith("sqlite:")


def _is_given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _made_secret(data_dir: Path) -> str:
    """A secret made once, readable by its owner only."""
    path = data_dir / "jwt-secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            write_privately(path, secrets.token_urlsafe(48).encode(), replace=False)
    return path.read_text().strip()


def write_privately(path: Path, content: bytes, *, replace: bool = True) -> None:
    """A file that only its owner may read, whole or not at all. Raises FileExistsError unless it may `replace` one."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def settings(*, signs: bool = True) -> Settings:
    """The settings of this site; who `signs` no tokens needs no secret to do it with. Raises BadSettings."""
    load_environment(signs=signs)
    needless = {} if signs or _is_given("JWT_SECRET") else {"JWT_SECRET": secrets.token_urlsafe(48)}
    return Settings.from_environ(os.environ | needless)


@contextmanager
def site(span: str = "") -> Iterator[Site]:
    """The parts of this site, its database known to fit. Raises BadSettings, SchemaMismatch, Unreachable.

    What is done meanwhile is a trace of the name `span`, if there is one and the settings ask for traces.
    """
    found = settings(signs=False)
    prepare_embedded(found)
    with redirect_stdout(sys.stderr):  # what there is to say of it is no result of a command
        traces = traces_of(found) if span else None
    around = traces.connecting if traces else None
    with spanning(traces, span), closing(open_database(found.database_url, pool_size=1, around=around)) as db:
        schema.Gate(db).check(0)
        yield Site(found, db, storage_of(found, traces))


def prepare_embedded(found: Settings) -> None:
    """Brings the embedded database to this version. Others are migrated by their operator, in a step of its own."""
    if found.database_url.startswith("sqlite:") and _state(found).name == "behind":
        from roliascan.database import migrations  # which costs half a second

        migrations.upgrade(found.database_url)


def _state(found: Settings) -> schema.State:
    with closing(open_database(found.database_url, pool_size=1)) as db:
        return schema.state(schema.read(db))
