"""SQLite: the embedded database of one server, through the standard library's sqlite3."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from roliascan.database import dialects, faults
from roliascan.database.deadlines import NEVER
from roliascan.database.drivers import Turns, booleans
from roliascan.errors import Refusal

WAIT_FOR_LOCK_S = 5.0


class SqliteDriver:
    kind = "sqlite"
    error: type[Exception] = sqlite3.Error
    # IMMEDIATE takes the write lock at once: a transaction that reads first could not be upgraded under load.
    joined_begin = ""

    def __init__(self, path: str) -> None:
        self.path = path

    def connect(self, seconds: float = NEVER) -> sqlite3.Connection:
        # mode=rw: opening must not make an empty database where the address is wrong.
        address = f"{Path(self.path).absolute().as_uri()}?mode=rw"
        try:
            raw = sqlite3.connect(
                address, uri=True, timeout=WAIT_FOR_LOCK_S, isolation_level=None, check_same_thread=False
            )
            raw.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            raise (faults.Unreachable if Path(self.path).exists() else faults.Unmigrated) from error
        return raw

    @staticmethod
    @lru_cache(maxsize=1024)
    def statement(sql: str) -> str:
        return dialects.sqlite(sql)

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if datetime not in map(type, params.values()):
            return params
        return {
            name: dialects.instant_text(value) if isinstance(value, datetime) else value
            for name, value in params.items()
        }

    def turns(self, _description: Sequence[Sequence[Any]], into: type[msgspec.Struct]) -> Turns:
        return booleans(into)

    def limited(self, statement: str, _raw: Any, _milliseconds: int) -> str:
        return statement

    def begin(self, raw: Any) -> None:
        raw.execute("BEGIN IMMEDIATE")

    def commit(self, raw: Any) -> None:
        raw.execute("COMMIT")

    def rollback(self, raw: Any) -> None:
        if raw.in_transaction:
            raw.execute("ROLLBACK")

    def fault(self, error: Exception, _raw: Any) -> Refusal | None:
        name = getattr(error, "sqlite_errorname", "")
        if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
            return faults.Duplicate()
        # RESTRICT is a trigger within SQLite; we have no others
        if name in {"SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER"}:
            return faults.Dangling()
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return faults.Contended()
        if name.startswith("SQLITE_READONLY"):
            return faults.ReadOnly()
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOTADB")):
            return faults.Unreachable()
        if str(error).startswith("no such table"):
            return faults.Unmigrated()
        return None
