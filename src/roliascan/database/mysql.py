"""MySQL and MariaDB through PyMySQL: the one module that knows it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from roliascan.database import dialects, faults
from roliascan.database.deadlines import NEVER
from roliascan.database.drivers import Turns, Way, booleans, directly
from roliascan.errors import Refusal


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    is_absent = sys.modules.setdefault(name, None) is None  # type: ignore[arg-type]
    try:
        yield
    finally:
        if is_absent:
            del sys.modules[name]


# Azure's and Google's storage bring cryptography along: PyMySQL would load it at each cold start, for 23 ms
# of CPU time, and use it only to send a password to a server without TLS.
with _hidden("cryptography"):
    import pymysql
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions


def _instant(value: str) -> str:
    """`2026-01-02 03:04:05.600000` as the server writes a datetime(6), which holds UTC."""
    return f"{value[:10]}T{value[11:]}Z"


def _literal(value: datetime, _mapping: Any = None) -> str:
    """Typed, so that what is computed from a column and a parameter stays an instant."""
    return f"TIMESTAMP'{dialects.instant_text(value)[:26].replace('T', ' ')}'"


_CONVERSIONS: dict[Any, Any] = {
    **conversions,
    datetime: _literal,
    FIELD_TYPE.DATETIME: _instant,
    FIELD_TYPE.NEWDECIMAL: int,  # a sum of integers; none of our columns has a fraction
}


class MysqlDriver:
    kind = "mysql"
    error: type[Exception] = pymysql.err.Error
    joined_begin = ""  # PyMySQL sends one statement at a time, which also stops stacked injections

    def __init__(self, options: Mapping[str, Any], *, limits: bool = True, way: Way = directly) -> None:
        """`options`: keywords of pymysql.connect. Without `limits` no statement is preceded by a SET."""
        self.options = options
        self._limits = limits
        self._way = way

    def connect(self, seconds: float = NEVER) -> Any:
        return self._way(self._connect, seconds)

    def _connect(self, seconds: float, **instead: Any) -> Any:
        options = {**self.options, **instead, "connect_timeout": min(self.options["connect_timeout"], seconds)}
        try:
            return pymysql.connect(**options, autocommit=True, charset="utf8mb4", conv=_CONVERSIONS)
        except pymysql.err.Error as error:
            raise faults.Unreachable from error

    @staticmethod
    @lru_cache(maxsize=1024)
    def statement(sql: str) -> str:
        return dialects.mysql(sql)

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return params

    def turns(self, _description: Sequence[Sequence[Any]], into: type[msgspec.Struct]) -> Turns:
        return booleans(into)

    def limited(self, statement: str, raw: Any, milliseconds: int) -> str:
        """MariaDB takes a limit before the statement (seconds), MySQL a hint within it (milliseconds) if it reads.

        MariaDB also cuts json_arrayagg, at 1 MB as it comes; MySQL never does.
        """
        if "MariaDB" in raw.server_version:
            most = ", group_concat_max_len=16777216" if "json_arrayagg(" in statement else ""
            before = f"SET STATEMENT max_statement_time={milliseconds / 1000}{most} FOR "
            return f"{before}{statement}" if self._limits else statement
        return statement.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({milliseconds}) */", 1)

    def begin(self, raw: Any) -> None:
        raw.begin()

    def commit(self, raw: Any) -> None:
        raw.commit()

    def rollback(self, raw: Any) -> None:
        if raw.open:
            raw.rollback()

    def fault(self, error: Exception, raw: Any) -> Refusal | None:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else -1
        if known := _FAULTS.get(code):
            return known()
        # 2006, 2013 and the like are the client's own "server has gone away"; InterfaceError 0 is a closed socket
        if not raw.open or 2000 <= code < 3000 or (isinstance(error, pymysql.err.InterfaceError) and code == 0):
            return faults.Lost()
        return None


_FAULTS: Mapping[int, type[Refusal]] = {  # dev.mysql.com/doc/mysql-errors/8.0/en, mariadb.com/kb/en/mariadb-error-codes
    1062: faults.Duplicate,
    1451: faults.Dangling,
    1452: faults.Dangling,
    1205: faults.Contended,
    1213: faults.Contended,
    1020: faults.Contended,
    1969: faults.Slow,
    3024: faults.Slow,
    1146: faults.Unmigrated,
    1053: faults.Lost,  # the server shuts down
    1317: faults.Lost,  # the statement was killed; its transaction ends with the connection
    1927: faults.Lost,  # the connection was killed
    4031: faults.Lost,  # MySQL 8 closed it because it was idle
    1290: faults.ReadOnly,  # by --read-only, of the transaction, of the engine
    1792: faults.ReadOnly,
    1836: faults.ReadOnly,
    1040: faults.Unreachable,
    1203: faults.Unreachable,
    1226: faults.Unreachable,
}
