"""Who uploads in tests: a real site on a server of its own, somebody's token, folders of pages, and the command."""

import io
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from roliascan.cli.importing.names import natural_key
from tests import drawings
from tests.cli.places import COMMAND, Place, Ran, account
from tests.servers import program, server

_titles = count(1)
_PASSWORD = account("owner")[-1]


class Uploading:
    """A site that listens at `address`, and its administrator's `token`."""

    def __init__(self, address: str, environ: dict[str, str], home: Path) -> None:
        self.address = address
        self.environ = environ
        self.home = home
        self.token: str = self.ask("POST", "auth/login", {"login": "owner", "password": _PASSWORD}, token="")["token"]

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        headers |= {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def series(self) -> str:
        named = {"title": f"Series {next(_titles)}", "author": "Somebody"}
        return str(self.ask("POST", "series", named)["id"])

    def chapter(self, series: str = "", number: float = 1) -> str:
        return str(self.ask("POST", f"series/{series or self.series()}/chapters", {"number": number})["id"])

    def pages(self, chapter: str) -> list[bytes]:
        """The pages as a reader gets them, one after the other."""
        shown = self.ask("GET", f"chapters/{chapter}")["pages"]
        assert [page["number"] for page in shown] == [*range(1, len(shown) + 1)]
        return [self.file(page["url"]) for page in shown]

    def file(self, url: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        path = url[url.index("/uploads/") :]
        request = urllib.request.Request(f"{self.address}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def asks_in_vain(self, method: str, path: str, **how: Any) -> int:
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.ask(method, path, **how)
        refused.value.close()
        return refused.value.code


def folder(where: Path, pages: int, *, width: int = 40, seed: int = 0) -> Path:
    """Pages that only natural order sorts, of several kinds, among debris."""
    where.mkdir(parents=True, exist_ok=True)
    for number in range(1, pages + 1):
        kind = ("png", "jpeg", "webp")[number % 3]
        (where / f"p{number}.{kind}").write_bytes(drawings.page(kind, width, 60, seed=seed * 1000 + number))
    (where / "Thumbs.db").write_bytes(b"debris")
    (where / "__MACOSX").mkdir(exist_ok=True)
    (where / "__MACOSX" / "._p1.png").write_bytes(b"debris")
    return where


def contents(where: Path) -> list[bytes]:
    files = [path for path in where.iterdir() if path.is_file() and path.name != "Thumbs.db"]
    return [path.read_bytes() for path in sorted(files, key=lambda path: natural_key((path.name,)))]


def are_equal(shown: list[bytes], sent: list[bytes]) -> bool:
    """Pixel by pixel."""
    return len(shown) == len(sent) and all(_is_equal(one, other) for one, other in zip(shown, sent, strict=True))


def _is_equal(one: bytes, other: bytes) -> bool:
    first, second = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    return first.size == second.size and ImageChops.difference(first, second).getbbox() is None


@pytest.fixture(scope="module")
def uploading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploading]:
    home = tmp_path_factory.mktemp("uploading")
    with listening(home, STORAGE_URL=f"file:{home}/uploads") as site:
        yield site


@contextmanager
def listening(home: Path, **given: str) -> Iterator[Uploading]:
    """A site with an administrator; `given` are further settings."""
    environ = {"DATABASE_URL": f"sqlite:///{home}/roliascan.db", "DATA_DIR": str(home), "RATE_LIMITS": "off", **given}
    made = [COMMAND, "admin", "create", *account("owner")]
    subprocess.run(made, cwd=home, env=program.environment(environ), check=True, capture_output=True)
    with server.running(environ, cwd=home) as address:
        yield Uploading(address, environ, home)


Run = Callable[..., Ran]


@pytest.fixture
def sender(
    uploading: Uploading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Place:
    """Where `upload` runs, with that site and its token in the environment."""
    place = Place("sqlite:", tmp_path, monkeypatch, capsys)
    place.environ = {"ROLIASCAN_URL": uploading.address, "ROLIASCAN_TOKEN": uploading.token}
    return place
