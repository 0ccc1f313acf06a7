"""Bringing a database to this code's schema: by one runner at a time, on a direct connection.

The only place that knows Alembic and SQLAlchemy. They get their connection from our own drivers, so that what an
address means is known once.
"""

import io
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from roliascan.database import faults, open_database, profiles, schema
from roliascan.database.drivers import Driver
from roliascan.database.profiles import BadAddress

__all__ = ["Locked", "Pending", "Pooled", "check", "downgrade", "plan", "refuse_pooled", "revision", "sql", "upgrade"]

HERE = Path(__file__).parent
LOCK_WAIT_S = 4  # longer, and the readers who queue behind a waiting migration would feel it
ATTEMPTS = 15
ADVISORY_LOCK = 0x526F6C6961  # any number that nobody else uses in this database: "Rolia"
DIALECTS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
SQLALCHEMY_URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg2://", "mysql": "mysql+pymysql://"}

_in_this_process = threading.Lock()  # Alembic keeps what it works on in globals


class Pooled(BadAddress):
    """The address leads to a pooler, behind which there is no lock that holds and no session of one's own."""


class Locked(faults.Contended):
    """Another migration runs, or readers hold what has to change."""

    code = "migration_locked"
    detail = "The database was locked by another migration or a long transaction all the time; try again later."


class Pending(NamedTuple):
    revision: int
    title: str


def upgrade(url: str, *, progress: Callable[[str], None] | None = None) -> None:
    """Runs every pending revision; `progress` is told each one's title when it is done. An SQLite file is made.

    Raises BadAddress, Pooled, Locked, faults.Unreachable. What failed is taken back; on MySQL, the next run
    resumes the revision that failed.
    """
    refuse_pooled(url)
    if url.startswith("sqlite:"):
        _make_file(Path(profiles.sqlite_path(url)))
    _run(url, lambda config: command.upgrade(config, "head"), progress)


def downgrade(url: str, to: str = "base") -> None:
    """Takes revisions back, with what was stored in their tables: for tests, and for a deployment that went wrong."""
    refuse_pooled(url)
    _run(url, lambda config: command.downgrade(config, to), None)


def check(url: str) -> schema.State:
    """How this code and the database at `url` fit; reads only."""
    return schema.state(_read(url))


def revision(url: str) -> int:
    """What the database is at, 0 where there is nothing of ours; reads only."""
    return _read(url).revision


def plan(url: str) -> list[Pending]:
    """The revisions that `upgrade` would run, in order; reads only."""
    current = revision(url)
    return [pending for pending in map(_pending, _revisions()) if pending.revision > current]


def sql(url_or_dialect: str) -> str:
    """The SQL of the pending revisions of a database, or of all for `sqlite`, `postgresql`, `mysql`, for review."""
    dialect = DIALECTS.get(url_or_dialect.partition(":")[0])
    if dialect is None:
        raise BadAddress("give a database's address, or one of: sqlite, postgresql, mysql")
    current = revision(url_or_dialect) if ":" in url_or_dialect else 0
    if current >= _pending(_revisions()[-1]).revision:
        return ""
    text = io.StringIO()
    config = _config(dialect_name=dialect, transactional_ddl=dialect != "mysql")
    config.output_buffer = text
    command.upgrade(config, f"{current or 'base'}:head", sql=True)
    return text.getvalue()


def refuse_pooled(url: str) -> None:
    """Raises Pooled, without connecting."""
    if reason := profiles.pooled_reason(url):
        raise Pooled(f"{reason}; migrations need the direct one: set DATABASE_DIRECT_URL")


def _make_file(path: Path) -> None:
    """An empty file that is its owner's alone, because it will hold password hashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _read(url: str) -> schema.Schema:
    database = open_database(url, pool_size=1)
    with closing(database):
        return schema.read(database)


def _revisions() -> list[Script]:
    return list(reversed(list(ScriptDirectory.from_config(_config()).walk_revisions())))


def _pending(script: Script) -> Pending:
    return Pending(int(script.revision), (script.doc or "").rstrip("."))


def _config(**attributes: Any) -> Config:
    """Alembic's settings; `attributes` reach env.py, which configures its context with them."""
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run(url: str, act: Callable[[Config], None], progress: Callable[[str], None] | None) -> None:
    def told(*, step: Any, **_: Any) -> None:
        if progress:
            progress("{}: {}".format(*_pending(step.up_revision)))

    driver = profiles.driver_for(url, patient=True)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0.1, 1))  # noqa: S311 - spreads contenders, keeps no secret
        try:
            with _in_this_process, _alone(driver) as connection:
                # SQLite's one transaction is its lock; elsewhere a revision holds its locks no longer than it runs.
                act(_config(connection=connection, on_version_apply=told, **_transactions(driver)))
            return
        except faults.Contended:
            continue
    raise Locked


def _transactions(driver: Driver) -> dict[str, bool]:
    if driver.kind == "sqlite":
        return {"transactional_ddl": True, "transaction_per_migration": False}
    return {"transaction_per_migration": True}


@contextmanager
def _alone(driver: Driver) -> Iterator[sa.Connection]:
    """A connection that no other runner has at the same time; raises Contended when it was not free in time."""
    raw = driver.connect()
    engine = sa.create_engine(SQLALCHEMY_URLS[driver.kind], creator=lambda: raw, poolclass=sa.NullPool)
    if driver.kind == "sqlite":
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        LOCKS[driver.kind](raw)
        with engine.connect() as connection:
            yield connection
    except driver.error as error:
        raise driver.fault(error, raw) or error from error
    except sa.exc.DBAPIError as error:
        fault = driver.fault(error.orig, raw) if isinstance(error.orig, driver.error) else None
        raise fault or error from error
    finally:
        with suppress(driver.error):  # SQLAlchemy closes it too
            raw.close()


def _lock_sqlite(raw: Any) -> None:
    """Its transaction is the lock. WAL, which the file remembers, lets readers and a writer not wait for each other."""
    raw.execute("PRAGMA journal_mode = WAL")


def _lock_postgresql(raw: Any) -> None:
    with raw.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
    raw.autocommit = False  # SQLAlchemy expects what psycopg2 does by default


def _lock_mysql(raw: Any) -> None:
    with raw.cursor() as cursor:
        cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}")
        # Such a lock is the whole server's, ours is the database's.
        cursor.execute("SELECT GET_LOCK(CONCAT('roliascan-', MD5(DATABASE())), %s)", (LOCK_WAIT_S,))
        if cursor.fetchone() != (1,):
            raise faults.Contended


LOCKS: dict[str, Callable[[Any], None]] = {"sqlite": _lock_sqlite, "postgresql": _lock_postgresql, "mysql": _lock_mysql}
