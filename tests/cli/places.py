"""Where commands run: a database, a storage and a data folder of a test's own, and what is in them afterwards."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
from falcon.testing import Result, simulate_request

from roliascan.app import create_app
from roliascan.cli import main
from roliascan.database import Database, open_database
from roliascan.settings import Settings
from tests.database import bare
from tests.front import SECRET, told
from tests.servers import program

PASSWORD = "lantern keeper 12"
COMMAND = str(Path(sys.executable).with_name("roliascan"))


class Ran(NamedTuple):
    """A command that ended: its exit status, what it printed, what it said on standard error."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Place:
    """A working directory with settings. `url` is the database's address."""

    def __init__(self, url: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.url = url
        self.home = home
        self.data = home / "data"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.environ = {"DATABASE_URL": url, "STORAGE_URL": f"file:{home}/uploads", "DATA_DIR": str(self.data)}
        if not url.startswith("sqlite:"):
            self.environ["JWT_SECRET"] = SECRET

    def run(self, *words: object, stdin: str = "") -> Ran:
        """The command within this process: quick, and its warnings are errors."""
        environ = program.environment(self.environ)
        with self._monkeypatch.context() as patch, mock.patch.dict(os.environ, environ, clear=True):
            patch.chdir(self.home)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            self._capsys.readouterr()  # what the site has logged
            try:
                status = main([str(word) for word in words])
            except SystemExit as ended:  # how argparse ends
                status = int(ended.code or 0)
        printed = self._capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    def start(self, *words: object, **how: Any) -> "subprocess.Popen[str]":
        """The command as a process of its own; `how` is as for Popen."""
        environ = program.environment(self.environ | how.pop("environ", {}))
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [COMMAND, *(str(word) for word in words)]
        return subprocess.Popen(command, cwd=self.home, env=environ, text=True, **{**options, **how})

    def ran(self, *words: object, **how: Any) -> Ran:
        """The command as a process of its own, until it ends."""
        with self.start(*words, **how) as process:
            out, err = process.communicate(timeout=300)
        return Ran(process.returncode, out or "", err or "")

    # What there is afterwards: behind the door, and in front of it.

    def rows(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        return {table: sorted(self.select(f"SELECT * FROM {table}"), key=repr) for table in self._tables()}

    def _tables(self) -> list[str]:
        with bare.inspector(self.url) as inspector:
            return inspector.get_table_names()

    def select(self, sql: str) -> list[Any]:
        return bare.rows(self.url, sql)

    def count(self, what: str) -> int:
        return int(self.select(f"SELECT COUNT(*) FROM {what}")[0][0])

    def stored(self) -> dict[str, str]:
        """The SHA-256 of every file in storage, by path; also of those that are still being written."""
        root = self.home / "uploads"
        files = [path for path in root.rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in files}

    @cached_property
    def _db(self) -> Database:
        return open_database(self.url)

    @cached_property
    def _app(self) -> Any:
        return create_app(
            Settings.from_environ({"JWT_SECRET": SECRET, "RATE_LIMITS": "off", **self.environ}), database=self._db
        )

    def close(self) -> None:
        self._db.close()

    def ask(self, method: str, path: str, **how: Any) -> Result:
        where = path if path.startswith("/") else f"/api/v1/{path}"
        return simulate_request(self._app, method, where, **how)

    def get(self, path: str, **how: Any) -> Any:
        return told(self.ask("GET", path, **how))

    def series(self) -> dict[str, Any]:
        """Every series as its page shows it, by title."""
        listed = self.get("series", params={"limit": 100})["data"]
        assert len({one["title"] for one in listed}) == len(listed)
        return {one["title"]: self.get(f"series/{one['id']}") for one in listed}

    def chapters(self, title: str) -> list[Any]:
        """The chapters of a series, as a reader meets them: by number, each as its own page shows it."""
        listed = self.get(f"series/{self.series()[title]['id']}/chapters", params={"limit": 100})["data"]
        return [self.get(f"chapters/{one['id']}") for one in listed]

    def files(self, chapter: Any) -> list[bytes]:
        """The pages of a chapter, fetched one after the other."""
        assert [page["number"] for page in chapter["pages"]] == list(range(1, chapter["pageCount"] + 1))
        return [self.file(page["url"]) for page in chapter["pages"]]

    def file(self, url: str) -> bytes:
        answer = self.ask("GET", url)
        assert answer.status_code == 200
        return bytes(answer.content)


def account(username: str, email: str = "", password: str = PASSWORD) -> tuple[str, ...]:
    """What `admin create` is told."""
    named = ("--email", email or f"{username}@example.com", "--username", username)
    return (*named, "--password", password) if password else named


def name_of(chapter: Any) -> str:
    """`10.5` or `Extra`."""
    return str(chapter["label"] if chapter["number"] is None else chapter["number"])


def names(chapters: Sequence[Any]) -> list[str]:
    return [name_of(chapter) for chapter in chapters]


@pytest.fixture
def new_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], Place]]:
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(Place(url, tmp_path, monkeypatch, capsys)))


@pytest.fixture
def place(database_url: str, new_place: Callable[[str], Place]) -> Place:
    """On each kind of database, migrated and empty."""
    return new_place(database_url)


@pytest.fixture
def simple_place(site_url: str, new_place: Callable[[str], Place]) -> Place:
    """For what does not depend on the kind of database."""
    return new_place(site_url)


@pytest.fixture
def bare_place(tmp_path: Path, new_place: Callable[[str], Place]) -> Place:
    """A new machine: the embedded database is not there yet."""
    return new_place(f"sqlite:///{tmp_path}/data/roliascan.db")
