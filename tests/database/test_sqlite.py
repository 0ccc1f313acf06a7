"""SQLite among several processes, some of which die."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from roliascan.database import Database, Tx, faults, open_database
from tests.database import bare
from tests.database.test_connections import TEAMS, count_one, teams
from tests.database.test_values import ONE, Number

PROGRAM = """
import sys
import msgspec
from roliascan.database import open_database

class Number(msgspec.Struct):
    number: int

def think(tx):
    found = tx.one("SELECT value AS number FROM counters WHERE name = 'teams' FOR UPDATE", Number)
    if "die" in sys.argv:
        tx.write("UPDATE counters SET value = 1000")
        print("written", flush=True)
        sys.stdin.read()
    tx.write("UPDATE counters SET value = :next WHERE name = 'teams'", next=found.number + 1)

db = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(100):
    db.run(think)
"""


def start(url: str, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, url, *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def say(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word)
    process.stdin.flush()


def hear(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"


def test_four_processes_and_one_that_dies(sqlite_url: str) -> None:  # DB-16
    processes = [start(sqlite_url) for _ in range(4)]
    dying = start(sqlite_url, "die")
    for process in [*processes, dying]:
        hear(process, "ready")
    say(dying, "go\n")
    hear(dying, "written")
    for process in processes:
        say(process, "go\n")
    dying.kill()
    for process in [*processes, dying]:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    assert dying.returncode == -signal.SIGKILL
    with closing(open_database(sqlite_url)) as db:
        assert teams(db) == 400
    assert bare.rows(sqlite_url, "PRAGMA integrity_check") == [("ok",)]


def test_a_log_that_was_cut_off(sqlite_url: str, tmp_path: Path) -> None:  # DB-16
    """As after a power cut: whole transactions remain, in their order."""
    with closing(open_database(sqlite_url)) as db:
        for _ in range(10):
            db.run(count_one)
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        log = Path(f"{file}-wal").read_bytes()
        whole = file.read_bytes()
    seen = set()
    for size in [*range(0, len(log), len(log) // 40), len(log)]:
        copy = tmp_path / f"{size}.db"
        copy.write_bytes(whole)
        Path(f"{copy}-wal").write_bytes(log[:size])
        with closing(open_database(f"sqlite:///{copy}")) as db:
            seen.add(teams(db))
        assert bare.rows(f"sqlite:///{copy}", "PRAGMA integrity_check") == [("ok",)]
    assert seen == set(range(11))


def test_references_hold_on_every_connection(sqlite_url: str) -> None:
    with closing(open_database(sqlite_url, pool_size=2)) as db:
        row = {"chapter_id": ONE, "rating_sum": 0, "rating_count": 0}
        for _ in range(2):
            with db.begin(), pytest.raises(faults.Dangling):
                db.run(lambda tx: tx.insert_many("chapter_stats", [row]))


def test_readers_do_not_wait_for_a_writer(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roliascan.database.sqlite.WAIT_FOR_LOCK_S", 0)
    with closing(open_database(sqlite_url)) as db, db.begin() as tx:
        count_one(tx)
        assert teams(db) == 0
        with pytest.raises(faults.Contended):
            nested(db)


def nested(db: Database) -> None:
    with db.begin() as other:
        count_one(other)


def test_a_read_transaction_can_always_write(sqlite_url: str) -> None:
    """One that began by reading could not: somebody may have written since, and SQLite would refuse at once."""

    def verb(tx: Tx) -> None:
        assert tx.one(TEAMS, Number)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            bare.rows(sqlite_url, "UPDATE counters SET value = 9 RETURNING 1")
        count_one(tx)

    with closing(open_database(sqlite_url)) as db:
        db.run(verb)
        assert teams(db) == 1
