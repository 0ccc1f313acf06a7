"""Takes in one hostile thing after the other with `roliascan import`, and tells what came of it and what it cost.

    python -m tests.hostile.measuring PATH...

Each is taken in by a process of its own, together with which the decoders count that it starts. Prints a line of JSON
for each. The settings are in the environment, which names an SQLite database and a folder of files.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import databases, program

TABLES = ("series", "chapters", "pages", "files")


class Cost(NamedTuple):
    """The command's exit status and what it said of each thing; seconds of a processor, and the most memory that one of
    its processes held, in bytes; the rows and the stored files that there are more than before."""

    status: int
    outcomes: list[dict[str, str]]
    cpu_s: float
    memory: int
    rows: int
    objects: list[str]


def measure(paths: Sequence[Path], run: Path, directory: Path) -> list[Cost]:
    """Of each, on a new site in `directory`; `run` is shared by all processes of this run."""
    with databases.sqlite(run, directory, migrated=True) as url:
        environ = {"DATABASE_URL": url, "STORAGE_URL": f"file:{directory}/uploads", "DATA_DIR": str(directory)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.measuring", *map(str, paths)],
            cwd=program.PROJECT,
            env=program.environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-4000:]
    return [Cost(*json.loads(line)) for line in done.stdout.splitlines()]


def main(paths: Sequence[str]) -> None:
    from roliascan.cli import import_  # noqa: F401  as the children find it

    there = _there(os.environ)
    for path in paths:
        status, outcomes, used = _taken_in(path)
        rows, objects = _there(os.environ)
        told = Cost(
            os.waitstatus_to_exitcode(status),
            outcomes,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss << 10,
            rows - there[0],
            sorted(objects - there[1]),
        )
        there = rows, objects
        print(json.dumps(told), flush=True)


def _taken_in(path: str) -> tuple[int, Any, resource.struct_rusage]:
    """By a process that has loaded already what all of them need."""
    with tempfile.TemporaryFile() as printed:
        if (pid := os.fork()) == 0:
            os.dup2(printed.fileno(), sys.stdout.fileno())
            _take_in(path)
        _, status, used = os.wait4(pid, 0)
        printed.seek(0)
        said = printed.read()
    return status, json.loads(said)["outcomes"] if said else [], used


def _take_in(path: str) -> None:
    """And end."""
    from roliascan.cli import main as command
    from roliascan.library import images

    status = 70
    try:
        status = command(["import", path, "--json"])
        images.end_decoders()  # and wait for them, so that they are counted
        sys.stdout.flush()
    finally:
        os._exit(status)


def _there(environ: Mapping[str, str]) -> tuple[int, set[str]]:
    """How many rows, and the files in storage."""
    with sqlite3.connect(environ["DATABASE_URL"].removeprefix("sqlite:///")) as db:
        rows = sum(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES)
    db.close()
    return rows, set(_files(Path(environ["STORAGE_URL"].removeprefix("file:"))))


def _files(root: Path) -> Iterator[str]:
    return (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(sys.argv[1:])
