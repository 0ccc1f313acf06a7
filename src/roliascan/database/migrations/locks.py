"""One runner at a time: the lock that each database has for it, and who stands in the way of a runner."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from roliascan.database import faults
from roliascan.database.drivers import Driver

LOCK_WAIT_S = 4  # longer, and the readers who queue behind a waiting migration would feel it
ADVISORY_LOCK = 0x526F6C6961  # any number that nobody else uses in this database: "Rolia"
RUNNER = "roliascan migrate"
_MYSQL_NAME = "CONCAT('roliascan-', MD5(DATABASE()))"  # such a lock is the whole server's, ours is the database's


class Locked(faults.Contended):
    """Another migration runs, or somebody holds what has to change; `detail` names them, as far as may be seen."""

    code = "migration_locked"
    detail = "The database was locked by another migration or a long transaction all the time; try again later."


class Holder(NamedTuple):
    """A session in the way, as its server describes it; `runs` tells a migration."""

    runs: bool
    session: int
    user: str
    program: str
    address: str
    seconds: int

    def __str__(self) -> str:
        what = "another migration" if self.runs else "a transaction"
        program = f" ({self.program})" if self.program and not self.runs else ""
        return f"{what} of {self.user}{program} at {self.address}, session {self.session}, for {self.seconds} s"


def take(driver: Driver, raw: Any) -> None:
    """Makes the connection `raw` the one that migrates, until it is closed. Raises Contended where there is another.

    A lock that a statement waits for is given up after LOCK_WAIT_S from now on.
    """
    _TAKE[driver.kind](raw)


def locked(driver: Driver) -> Locked:
    """The refusal of who could not go on, naming who is in the way now."""
    holders: list[Holder] = []
    with suppress(driver.error, faults.Unreachable):
        raw = driver.connect()
        try:
            with suppress(driver.error):
                holders = _HOLDERS[driver.kind](raw)
        finally:
            raw.close()
    return Locked(f"{Locked.detail} In the way: {'; '.join(map(str, holders))}." if holders else None)


def _take_sqlite(raw: Any) -> None:
    """Its transaction is the lock. WAL, which the file remembers, lets readers and a writer not wait for each other."""
    raw.execute("PRAGMA journal_mode = WAL")


def _take_postgresql(raw: Any) -> None:
    with raw.cursor() as cursor:
        cursor.execute(f"SET application_name = '{RUNNER}'")
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
        cursor.execute("SET statement_timeout = 0")
        # Who waits within a statement has a snapshot, and CREATE INDEX CONCURRENTLY waits for all that are older.
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (ADVISORY_LOCK,))
        if cursor.fetchone() != (True,):
            raise faults.Contended
    raw.autocommit = False  # SQLAlchemy expects what psycopg2 does by default


def _take_mysql(raw: Any) -> None:
    with raw.cursor() as cursor:
        cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}")
        cursor.execute(f"SELECT GET_LOCK({_MYSQL_NAME}, %s)", (LOCK_WAIT_S,))
        if cursor.fetchone() != (1,):
            raise faults.Contended


# Who migrates, or else whose transactions are the oldest. What a role may not see of others is left out.
_POSTGRESQL_HOLDERS = """
SELECT l.locktype = 'advisory', a.pid, COALESCE(a.usename, '?'), COALESCE(a.application_name, ''),
    COALESCE(host(a.client_addr), 'a socket'),
    COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - COALESCE(a.xact_start, a.backend_start))::int, 0)
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND (l.locktype = 'advisory' AND l.classid = {high} AND l.objid = {low}
        OR l.locktype = 'relation' AND a.xact_start IS NOT NULL)
ORDER BY 1 DESC, 6 DESC
"""
_MYSQL_RUNNER = f"SELECT IS_USED_LOCK({_MYSQL_NAME})"
_MYSQL_SESSION = (
    "SELECT {runs}, p.id, p.user, '', p.host, {seconds} FROM information_schema.processlist p {rest}"
    " AND p.db = DATABASE() ORDER BY 6 DESC"
)
# Only who has the right PROCESS is told.
_MYSQL_OLDEST = "JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id WHERE p.id <> CONNECTION_ID()"


def _holders_postgresql(raw: Any) -> list[Holder]:
    high, low = divmod(ADVISORY_LOCK, 1 << 32)
    return _first(raw, _POSTGRESQL_HOLDERS.format(high=high, low=low))


def _holders_mysql(raw: Any) -> list[Holder]:
    with raw.cursor() as cursor:
        cursor.execute(_MYSQL_RUNNER)
        ((runner,),) = cursor.fetchall()
    if runner is not None:
        return _first(raw, _MYSQL_SESSION.format(runs="TRUE", seconds="p.time", rest=f"WHERE p.id = {runner}"))
    seconds = "TIMESTAMPDIFF(SECOND, t.trx_started, NOW())"
    return _first(raw, _MYSQL_SESSION.format(runs="FALSE", seconds=seconds, rest=_MYSQL_OLDEST))


def _first(raw: Any, sql: str) -> list[Holder]:
    """The three that a query names first, each once; only the migration where there is one."""
    with raw.cursor() as cursor:
        cursor.execute(sql)
        found = list(dict.fromkeys(Holder(bool(runs), *rest) for runs, *rest in cursor.fetchall()))
    return [one for one in found if one.runs] or found[:3]


_Take = Callable[[Any], None]
_TAKE: dict[str, _Take] = {"sqlite": _take_sqlite, "postgresql": _take_postgresql, "mysql": _take_mysql}
_HOLDERS: dict[str, Callable[[Any], list[Holder]]] = {
    "sqlite": lambda _raw: [],  # it knows no names
    "postgresql": _holders_postgresql,
    "mysql": _holders_mysql,
}
