"""PostgreSQL through psycopg2: the one module that knows it.

psycopg2 speaks the simple protocol, so nothing is ever prepared on the server (poolers in transaction mode need that),
and several statements in one text are one round trip and one transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import psycopg2
import psycopg2.extensions

from roliascan.database import dialects, faults
from roliascan.database.deadlines import NEVER
from roliascan.database.drivers import Turns, Way, directly
from roliascan.errors import Refusal


@lru_cache(maxsize=2048)
def _instant(value: str) -> str:
    """`2026-01-02 03:04:05.6+00` as the server writes it, into our one form; other zones are turned to UTC.

    A list of 20 series has a hundred instants, and who reads next is shown mostly the same ones.
    """
    if value[-3:] == "+00" and value[4] == "-":
        whole = len(value) == 29  # no zeros left out at the end
        return f"{value[:10]}T{value[11:26]}Z" if whole else f"{value[:10]}T{value[11:19]}.{value[20:-3]:0<6}Z"
    return dialects.instant_text(datetime.fromisoformat(value).astimezone(UTC))


def _whole(value: Any, _cursor: Any) -> int | None:
    """A sum of bigints is a numeric; none of our columns has a fraction."""
    return None if value is None else int(value)


_TIMESTAMPTZ, _NUMERIC, _JSON, _JSONB = 1184, 1700, 114, 3802  # pg_type.dat
_TYPES = (
    psycopg2.extensions.new_type((_NUMERIC,), "WHOLE", _whole),
    psycopg2.extensions.new_type((_JSON, _JSONB, _TIMESTAMPTZ), "TEXT", psycopg2.extensions.UNICODE),
)
_LEAST_TO_CONNECT_S = 2  # libpq takes whole seconds, and 1 for 2
# A person who waits gives up about then. What a frozen process left open is ended by the server, which frees its locks.
_LIMITS_MS = {"statement_timeout": 10_000, "lock_timeout": 4_000, "idle_in_transaction_session_timeout": 10_000}


class PostgresqlDriver:
    kind = "postgresql"
    error: type[Exception] = psycopg2.Error
    joined_begin = "BEGIN; " + "".join(f"SET LOCAL {name} = {value}; " for name, value in _LIMITS_MS.items())

    def __init__(self, options: Mapping[str, Any], *, limits: bool = True, way: Way = directly) -> None:
        """`options`: keywords of libpq (postgresql.org/docs/current/libpq-connect.html).

        Without `limits` nothing is SET, which pins a session on RDS Proxy: there the role has to have them.
        """
        self.options = options
        self._limits = limits
        self._way = way
        if not limits:
            self.joined_begin = "BEGIN; "

    def connect(self, seconds: float = NEVER) -> Any:
        return self._way(self._connect, seconds)

    def _connect(self, seconds: float, **instead: Any) -> Any:
        if seconds < _LEAST_TO_CONNECT_S:
            raise faults.OutOfTime
        timeout = int(min(self.options["connect_timeout"], seconds))
        options = {**self.options, **instead, "connect_timeout": timeout}
        try:
            raw = psycopg2.connect(**options)
        except psycopg2.Error as error:
            raise faults.Unreachable from error
        raw.autocommit = True
        for kind in _TYPES:
            psycopg2.extensions.register_type(kind, raw)
        return raw

    @staticmethod
    @lru_cache(maxsize=1024)
    def statement(sql: str) -> str:
        return dialects.postgresql(sql)

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return params

    def turns(self, description: Sequence[Sequence[Any]], _into: type[msgspec.Struct]) -> Turns:
        """Instants, here and not while psycopg2 reads a row: its calls of Python functions take twice the time."""
        return tuple((place, _instant) for place, column in enumerate(description) if column[1] == _TIMESTAMPTZ)

    def limited(self, statement: str, _raw: Any, milliseconds: int) -> str:
        return f"SET LOCAL statement_timeout = {milliseconds}; {statement}" if self._limits else statement

    def begin(self, raw: Any) -> None:
        raise NotImplementedError("BEGIN travels with the first statement")

    def commit(self, raw: Any) -> None:
        _execute(raw, "COMMIT")

    def rollback(self, raw: Any) -> None:
        if not raw.closed:
            _execute(raw, "ROLLBACK")

    def fault(self, error: Exception, raw: Any) -> Refusal | None:
        code = getattr(error, "pgcode", None) or ""
        if known := _FAULTS.get(code):
            return known()
        # 08: the connection itself; 57P: the server is going away; 25P03: we were silent for too long in a transaction
        if (raw.closed and not code) or code.startswith(("08", "57P")) or code == "25P03":
            return faults.Lost()
        if code.startswith("53"):
            return faults.Unreachable()
        return None


def _execute(raw: Any, text: str) -> None:
    with raw.cursor() as cursor:
        cursor.execute(text)


_FAULTS: Mapping[str, type[Refusal]] = {  # postgresql.org/docs/current/errcodes-appendix.html
    "23505": faults.Duplicate,
    "23503": faults.Dangling,
    "40001": faults.Contended,
    "40P01": faults.Contended,
    "55P03": faults.Contended,
    "57014": faults.Slow,
    "25006": faults.ReadOnly,
    "42P01": faults.Unmigrated,
}
