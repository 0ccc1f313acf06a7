"""STORAGE_URL: what it can name, and how everything else stops the start."""

import subprocess
import sys
from pathlib import Path

import pytest

from roliascan.storage import UnknownStorage, open_storage
from roliascan.storage.local import LocalStorage
from roliascan.storage.memory import MemoryStorage


def test_a_relative_folder_stays_where_it_was_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("file:data/uploads")
    assert isinstance(storage, LocalStorage)
    monkeypatch.chdir("/")
    assert (tmp_path / "data/uploads").is_dir()
    assert list(storage.list()) == []


@pytest.mark.parametrize("form", ["file:{}", "file://{}"])
def test_an_absolute_folder(tmp_path: Path, form: str) -> None:
    open_storage(form.format(tmp_path / "up"))
    assert (tmp_path / "up").is_dir()


def test_memory() -> None:
    assert isinstance(open_storage("memory:"), MemoryStorage)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3:bucket", "unknown"),
        ("gs:bucket", "unknown"),
        ("az:account/container", "unknown"),
        ("ftp://user:secret@host", "unknown"),
        ("", "unknown"),
        ("data/uploads", "unknown"),
        ("file", "unknown"),
        ("memory", "unknown"),
        ("memory:x", "unknown"),
        ("FILE:x", "unknown"),
        ("file:", "name of a folder"),
        ("file:a\0b", "name of a folder"),
        ("file://host/x", "file:///DIR"),
        ("file://", "file:///DIR"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(url: str, says: str) -> None:
    with pytest.raises(UnknownStorage) as refusal:
        open_storage(url)
    assert says in refusal.value.detail
    assert "file:" in refusal.value.detail  # what can be used
    assert "secret" not in refusal.value.detail  # ST-21


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnknownStorage, match="cannot be used"):
        open_storage(f"file:{tmp_path}/file")
    with pytest.raises(UnknownStorage, match="cannot be used"):
        open_storage(f"file:{tmp_path}/file/below")


def test_no_backend_is_imported_before_it_is_named() -> None:
    program = "import sys, roliascan.storage; print([m for m in sys.modules if m.startswith('roliascan.storage.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
