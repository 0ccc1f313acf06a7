"""The drivers as they come: a connection in autocommit, and rows in bulk."""

import sqlite3
import tempfile
from collections.abc import Iterable
from itertools import islice
from typing import IO, Any
from urllib.parse import urlsplit

import psycopg2
import pymysql

BATCH = 100_000  # rows on their way at once

_WITHOUT_CHECKS = {
    "sqlite": "PRAGMA synchronous = off",
    "postgresql": "SET session_replication_role = replica",
    "mysql": "SET foreign_key_checks = 0, unique_checks = 0",
}


def kind(url: str) -> str:
    return url.partition(":")[0]


def connect(url: str) -> Any:
    if kind(url) == "sqlite":
        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    if kind(url) == "mysql":
        parts = urlsplit(url)
        return pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            database=parts.path.lstrip("/"),
            charset="utf8mb4",
            autocommit=True,
            local_infile=True,
            ssl_disabled=True,
        )
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def without_checks(url: str, cursor: Any) -> None:
    """What this connection writes is right, and need not survive a power cut."""
    cursor.execute(_WITHOUT_CHECKS[kind(url)])


def load(url: str, cursor: Any, table: str, columns: str, rows: Iterable[tuple[str | None, ...]]) -> None:
    """Texts as the database itself reads them; None is null."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        if kind(url) == "sqlite":
            marks = ", ".join("?" * len(batch[0]))
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", batch)
            cursor.execute("COMMIT")
            continue
        with tempfile.NamedTemporaryFile("w+", prefix="rows-", suffix=".txt") as file:
            _write(file, batch)
            if kind(url) == "mysql":
                cursor.execute(
                    f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table} CHARACTER SET utf8mb4 ({columns})"
                )
            else:
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", file)


def _write(file: IO[str], rows: Iterable[tuple[str | None, ...]]) -> None:
    """Tabs and backslashes, which both servers read alike; no text of ours has any."""
    file.writelines("\t".join("\\N" if value is None else value for value in row) + "\n" for row in rows)
    file.seek(0)
