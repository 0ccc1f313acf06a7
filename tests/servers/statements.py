"""What the database servers were told during a run, from their own logs, and what of it a pooler would mind.

PostgreSQL's and MariaDB's own logs see every statement of every process, also of those behind a pooler, and name the
messages that prepare; a proxy would see no more, and slow down every one. Whoever administers or migrates has a name of
their own and a direct connection: what they say is not looked at.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SITE = "site"
"""The user as whom the service connects."""

POSTGRESQL = {
    "log_destination": "jsonlog",
    "logging_collector": "on",
    "log_directory": "told",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_statement": "all",
}
MARIADB = ("--general-log", "--general-log-file=told.log")
_DIRECT = re.compile(r"postgres|root|.*_migrations")
_NO_COMMENT = r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
_START = rf"(?:^|;){_NO_COMMENT}"
FORBIDDEN = {
    "prepares": re.compile(rf"{_START}(PREPARE|EXECUTE|DEALLOCATE)\b", re.I | re.S),
    # SET STATEMENT (MariaDB) and SET LOCAL end with what they are said for; the rest is PyMySQL's opening
    "sets": re.compile(
        rf"{_START}(RESET\b|DISCARD\b|SET\b(?!\s+(LOCAL|STATEMENT)\b|\s+NAMES utf8mb4$|\s+AUTOCOMMIT = [01]$))"
        r"|\bset_config\s*\(|@\w+\s*:=|\bINTO\s+@",
        re.I | re.S,
    ),
    "locks": re.compile(
        rf"\bpg_(try_)?advisory_(un)?lock\w*\s*\(|\b(GET|RELEASE)_LOCK\s*\(|{_START}(UN)?LOCK\s+TABLES?\b", re.I | re.S
    ),
    "makes temporary tables": re.compile(
        r"\b(CREATE|INTO)\s+(OR\s+REPLACE\s+)?((LOCAL|GLOBAL)\s+)?TEMP(ORARY)?\b", re.I
    ),
    "listens": re.compile(rf"{_START}(UN)?LISTEN\b", re.I | re.S),
    "keeps cursors": re.compile(r"\bWITH\s+HOLD\b", re.I),
}
"""By what such a statement does to the session that it leaves behind."""


class Said(NamedTuple):
    """A statement without the texts in it, and by which of the protocol's messages it came."""

    by: str
    text: str
    prepared: bool = False


def heard(directory: Path) -> Iterator[Said]:
    """What the server with this directory of data has been told so far."""
    for file in directory.glob("told/*.json"):
        with file.open() as lines:
            yield from _of_postgresql(lines)
    for file in directory.glob("told.log"):
        with file.open(errors="replace") as lines:
            yield from _of_mariadb(lines)


def minded(said: Iterable[Said]) -> dict[str, set[str]]:
    """The statements of the service that a pooler would mind, by what they do."""
    found: dict[str, set[str]] = {}
    for one in said:
        if not _DIRECT.fullmatch(one.by):
            for name in _faults(one):
                found.setdefault(name, set()).add(one.text[:200])
    return found


def _faults(one: Said) -> list[str]:
    return ["prepares"] * one.prepared + [name for name, pattern in FORBIDDEN.items() if pattern.search(one.text)]


_TEXTS = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.S)


def _of_postgresql(lines: Iterable[str]) -> Iterator[Said]:
    """postgresql.org/docs/15/runtime-config-logging.html, "Using JSON-Format Log Output"."""
    for line in lines:
        if '"message":"statement: ' in line or '"message":"execute ' in line:
            entry = json.loads(line)
            how, _, text = entry["message"].partition(": ")
            yield Said(entry.get("user", ""), _TEXTS.sub("''", text), prepared=how != "statement")


_ENTRY = re.compile(r"(?:\d{6} [ \d]\d:\d\d:\d\d)?\t+ *(\d+) ([A-Z][A-Za-z ]*?)\t(.*)", re.S)


def _of_mariadb(lines: Iterable[str]) -> Iterator[Said]:
    """mariadb.com/kb/en/general-query-log: who connects is told once, a statement may have several lines."""
    users: dict[str, str] = {}
    for number, command, text in _entries(lines):
        if command == "Connect":
            users[number] = text.partition("@")[0]
        elif command in {"Query", "Prepare", "Execute"}:
            yield Said(users.get(number, ""), _TEXTS.sub("''", text.strip()), prepared=command != "Query")


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    number, command, text = "", "", ""
    for line in lines:
        if entry := _ENTRY.match(line):
            yield number, command, text
            number, command, text = entry.groups()
        else:
            text += line
    yield number, command, text
