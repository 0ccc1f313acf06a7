"""Who sends pages as docs/uploads.md says, by the command or the script, sends them to UploadThing's stand-in too."""

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.places import Place
from tests.cli.sending import Uploading, are_equal, contents, folder, listening
from tests.cli.test_upload_docs import NEEDED, block
from tests.servers import program
from tests.servers.uploadthing import App


@pytest.fixture
def site(tmp_path: Path, uploadthing_app: App) -> Iterator[Uploading]:
    app = uploadthing_app
    given = {"UPLOAD_METHOD": "cdn", "UPLOADTHING_TOKEN": app.token, "STORAGE_URL": app.url}
    with listening(tmp_path, **given) as site:
        yield site


def pages(site: Uploading, chapter: str) -> list[bytes]:
    urls = [page["url"] for page in site.ask("GET", f"chapters/{chapter}")["pages"]]
    return [urllib.request.urlopen(url, timeout=60).read() for url in urls]


def test_the_command_and_the_script_send_there(
    site: Uploading,
    uploadthing_app: App,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where, series = folder(tmp_path / "pages", 3), site.series()
    one, other = site.chapter(series, 1), site.chapter(series, 2)
    sender = Place("sqlite:", tmp_path, monkeypatch, capsys)
    sender.environ = {"ROLIASCAN_URL": site.address, "ROLIASCAN_TOKEN": site.token}
    assert sender.run("upload", where, "--to", one).status == 0
    assert are_equal(pages(site, one), contents(where))
    assert len(uploadthing_app.files) == 3
    if lacking := [name for name in NEEDED if shutil.which(name) is None]:
        pytest.skip(f"{', '.join(lacking)} (not here)")
    script = tmp_path / "upload.sh"
    script.write_text(block("sh"))
    files = [where / name for name in ("p1.jpeg", "p2.webp", "p3.png")]
    environ = program.environment({"SITE": site.address, "TOKEN": site.token, "CHAPTER": other})
    subprocess.run(["sh", script, *files], env=environ, check=True, capture_output=True)
    assert are_equal(pages(site, other), contents(where))
