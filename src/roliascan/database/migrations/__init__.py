"""Bringing a database to this code's schema: by one runner at a time, on a direct connection.

The only place that knows Alembic and SQLAlchemy. They get their connection from our own drivers, so that what an
address means is known once.
"""

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
from roliascan.database.migrations import locks, review
from roliascan.database.migrations.locks import Locked
from roliascan.database.profiles import BadAddress
from roliascan.errors import Refusal

__all__ = [
    "Incompatible",
    "Locked",
    "Pending",
    "Pooled",
    "check",
    "downgrade",
    "plan",
    "refuse_pooled",
    "revision",
    "sql",
    "statements",
    "upgrade",
]

HERE = Path(__file__).parent
VERSIONS = [HERE / "versions"]
WAIT_S = 60.0  # for locks, since something was last done
LONGEST_PAUSE_S = 5.0
DIALECTS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
SQLALCHEMY_URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg2://", "mysql": "mysql+pymysql://"}

Tell = Callable[[str], None]

_in_this_process = threading.Lock()  # Alembic keeps what it works on in globals


class Pooled(BadAddress):
    """The address leads to a pooler, behind which there is no lock that holds and no session of one's own."""


class Incompatible(Refusal):
    """The database is ahead, and this version must not touch it."""

    code = "schema_mismatch"


class Pending(NamedTuple):
    """A revision that has not run; `steps` are its statements, and whom each keeps waiting."""

    revision: int
    title: str
    steps: list[tuple[str, str]]


def upgrade(url: str, *, to: str = "head", progress: Tell | None = None) -> None:
    """Runs every pending revision, or those up to one.

    `progress` is told each one's title when it is done, and how far back-fills are.
    An SQLite file is made. A database that is ahead is left alone. Raises BadAddress, Pooled, Locked, Incompatible,
    faults.Unreachable, faults.Lost. What failed is taken back, as far as the database can; the next run goes on there.
    """
    refuse_pooled(url)
    if url.startswith("sqlite:"):
        _make_file(Path(profiles.sqlite_path(url)))
    found = check(url)
    if found.name == "incompatible":
        raise Incompatible(found.detail)
    if revision(url) <= _number(_revisions()[-1]):
        _run(url, lambda config: command.upgrade(config, to), progress)


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
    current, dialect = revision(url), DIALECTS[url.partition(":")[0]]
    pending = [script for script in _revisions() if _number(script) > current]
    sent = statements(dialect, since=current) if pending and dialect != "sqlite" else []
    return [_pending(script, sent, dialect) for script in pending]


def _pending(script: Script, sent: list[review.Statement], dialect: str) -> Pending:
    """`sent`: also those of other revisions, in order; what was made before this one, nobody uses yet."""
    mine = [one for one in sent if str(one.file) == script.path]
    made = review.tables_made(sent[: sent.index(mine[0])] if mine else [])
    return Pending(_number(script), _title(script), review.steps(mine, dialect, made))


def sql(url_or_dialect: str, *, since: int | None = None, foreign_keys: bool | None = None) -> str:
    """The SQL of the revisions after `since`, for review, and for who runs it by other means.

    Of a database's address: for that one; by default after the revision that it is at, and with foreign keys unless the
    address says otherwise. Of `sqlite`, `postgresql` or `mysql`: from the beginning, without asking anybody.
    """
    dialect = DIALECTS.get(url_or_dialect.partition(":")[0])
    if dialect is None:
        raise BadAddress("give a database's address, or one of: sqlite, postgresql, mysql")
    if since is None:
        since = revision(url_or_dialect) if ":" in url_or_dialect else 0
    if foreign_keys is None:
        foreign_keys = has_foreign_keys(url_or_dialect)
    return _written(dialect, since, foreign_keys).getvalue()


def statements(dialect: str, *, since: int) -> list[review.Statement]:
    """What the revisions after `since` send, each statement with the line that sends it."""
    return _written(dialect, since, True).statements


def _written(dialect: str, since: int, foreign_keys: bool) -> review.Written:
    text = review.Written(VERSIONS)
    if since < _number(_revisions()[-1]):
        config = _config(dialect_name=dialect, transactional_ddl=dialect != "mysql", foreign_keys=foreign_keys)
        config.output_buffer = text
        with _in_this_process:
            command.upgrade(config, f"{since or 'base'}:head", sql=True)
    return text


def has_foreign_keys(url: str) -> bool:
    """Whether tables get foreign keys: not with `?foreign_keys=off`, for databases that know none, as Vitess."""
    return profiles.profile(url).foreign_keys


def refuse_pooled(url: str) -> None:
    """Raises Pooled, without connecting."""
    if reason := profiles.pooled_reason(url):
        raise Pooled(f"{reason}; migrations need the direct one: set DATABASE_DIRECT_URL")


def _make_file(path: Path) -> None:
    """An empty file that is its owner's alone, because it will hold password hashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _read(url: str) -> schema.Schema:
    with closing(open_database(url, pool_size=1)) as database:
        return schema.read(database)


def _revisions() -> list[Script]:
    return list(reversed(list(ScriptDirectory.from_config(_config()).walk_revisions())))


def _number(script: Script) -> int:
    return int(script.revision)


def _title(script: Script) -> str:
    return (script.doc or "").rstrip(".")


def _config(**attributes: Any) -> Config:
    """Alembic's settings; `attributes` reach env.py, which configures its context with them."""
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("version_locations", os.pathsep.join(map(str, VERSIONS)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


class _Patience:
    """Pauses between attempts, each longer than the one before; at its end WAIT_S after something was last done."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._until = time.monotonic() + WAIT_S
        self._pause = 0.1

    def pause(self) -> bool:
        """Waits; False when there should be no other attempt."""
        if time.monotonic() >= self._until:
            return False
        time.sleep(random.uniform(0.5, 1) * self._pause)  # noqa: S311 - spreads contenders, keeps no secret
        self._pause = min(LONGEST_PAUSE_S, 2 * self._pause)
        return True


def _run(url: str, act: Callable[[Config], None], progress: Tell | None) -> None:
    driver, patience = profiles.driver_for(url, patient=True), _Patience()

    def tell(sentence: str) -> None:
        patience.renew()
        if progress:
            progress(sentence)

    def applied(*, step: Any, **_: Any) -> None:
        tell(f"{_number(step.up_revision)}: {_title(step.up_revision)}")

    while True:
        try:
            with _in_this_process, _alone(driver) as connection:
                # SQLite's one transaction is its lock; elsewhere a revision holds its locks no longer than it runs.
                how = {"foreign_keys": has_foreign_keys(url), "tell": tell, **_transactions(driver)}
                act(_config(connection=connection, on_version_apply=applied, **how))
            return
        except faults.Contended:
            if not patience.pause():
                raise locks.locked(driver) from None


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
        locks.take(driver, raw)
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
