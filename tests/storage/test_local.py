"""The folder of this machine: it stays inside, and a full disk leaves nothing half done."""

import io
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roliascan.storage import KeyTaken, NotStored, Storage, StorageUnavailable, UnknownStorage, open_storage

SECRET = b"outside of the root"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def storage(root: Path) -> Storage:
    return open_storage(f"file:{root}")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "x.jpg").write_bytes(SECRET)
    return folder


def put(storage: Storage, key: str, content: bytes = b"x") -> None:
    storage.put(key, io.BytesIO(content), type="image/jpeg")


def files(root: Path) -> list[str]:
    """Every file there is below the root, those being written too."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def plant(root: Path, outside: Path, kind: str) -> None:
    """Put something that is no file of ours where the key `pages/x.jpg` leads."""
    if kind == "linked folder":
        (root / "pages").symlink_to(outside)
        return
    (root / "pages").mkdir()
    target = root / "pages/x.jpg"
    if kind == "link":
        target.symlink_to(outside / "x.jpg")
    elif kind == "dangling link":
        target.symlink_to(outside / "new.jpg")
    elif kind == "link within the root":
        put(open_storage(f"file:{root}"), "pages/y.jpg", SECRET)
        target.symlink_to("y.jpg")
    elif kind == "proc":
        target.symlink_to(f"/proc/{os.getpid()}/environ")
    elif kind == "hard link":
        target.hardlink_to(outside / "x.jpg")
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as plug, pytest.MonkeyPatch.context() as patch:
            patch.chdir(target.parent)  # the address of a socket is short
            plug.bind(target.name)
    elif kind == "folder":
        target.mkdir()


KINDS = [
    "link",
    "dangling link",
    "link within the root",
    "linked folder",
    "proc",
    "hard link",
    "fifo",
    "socket",
    "folder",
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_as_absent_and_in_the_way(
    storage: Storage, root: Path, outside: Path, kind: str
) -> None:  # UP-12
    plant(root, outside, kind)
    with pytest.raises(NotStored):
        storage.open("pages/x.jpg")
    with pytest.raises(KeyTaken):
        put(storage, "pages/x.jpg", b"overwritten")
    assert "pages/x.jpg" not in [stored.key for stored in storage.list()]
    assert list(storage.list("pages/x")) == []
    storage.delete("pages/x.jpg")
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("x.jpg", SECRET)]


def test_a_link_swapped_in_while_we_work_leads_nowhere(storage: Storage, root: Path, outside: Path) -> None:
    """The folder is replaced by a link while the bytes arrive: they land in the folder that was opened."""

    class Swapping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not (root / "pages").is_symlink():
                (root / "pages").rename(root / "moved")
                (root / "pages").symlink_to(outside)
            return super().read(size)

    storage.put("pages/new.jpg", Swapping(b"x"), type="image/jpeg")
    assert [path.name for path in outside.iterdir()] == ["x.jpg"]
    assert (root / "moved/new.jpg").read_bytes() == b"x"


def test_the_root_itself_may_be_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "link").symlink_to(outside)
    storage = open_storage(f"file:{tmp_path}/link")
    put(storage, "pages/x.jpg")
    assert (outside / "pages/x.jpg").read_bytes() == b"x"


def test_a_linked_folder_for_what_is_being_written_is_refused(root: Path, outside: Path) -> None:
    root.mkdir()
    (root / ".incoming").symlink_to(outside)
    with pytest.raises(UnknownStorage):
        open_storage(f"file:{root}")


def test_names_that_are_no_keys_are_not_listed(storage: Storage, root: Path) -> None:
    put(storage, "pages/x.jpg")
    for name in ("a b.jpg", ".hidden", "é.jpg", "pages/x.jpg~", "pages/.incoming"):
        (root / name).write_bytes(b"")
    (root / "..data").mkdir()
    (root / "..data/x.jpg").write_bytes(b"")
    assert [stored.key for stored in storage.list()] == ["pages/x.jpg"]


def test_a_key_below_a_file_is_taken(storage: Storage) -> None:
    put(storage, "pages/x")
    with pytest.raises(KeyTaken):
        put(storage, "pages/x/y.jpg")
    with pytest.raises(KeyTaken):
        put(storage, "pages")


def test_a_taken_key_is_refused_before_the_bytes_are_copied(storage: Storage) -> None:
    put(storage, "pages/x.jpg")
    source = io.BytesIO(b"large")
    with pytest.raises(KeyTaken):
        storage.put("pages/x.jpg", source, type="image/jpeg")
    assert source.tell() == 0


def test_nothing_but_the_file_is_left(storage: Storage, root: Path) -> None:
    put(storage, "pages/x.jpg")
    with pytest.raises(KeyTaken):
        put(storage, "pages/x.jpg")
    assert files(root) == ["pages/x.jpg"]
    assert (root / "pages/x.jpg").stat().st_nlink == 1


def test_many_names_are_listed_in_batches(storage: Storage, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roliascan.storage.local._BATCH", 3)
    expected = sorted(f"{folder}/{number}.jpg" for folder in ("a", "a-b", "b") for number in range(10))
    for key in expected:
        put(storage, key)
    assert [stored.key for stored in storage.list()] == expected
    assert [stored.key for stored in storage.list("a", after="a/4.jpg")] == [k for k in expected if "a/4.jpg" < k < "b"]


def test_what_a_dead_writer_left_is_cleared_at_the_next_start(storage: Storage, root: Path) -> None:
    old, young = root / ".incoming/old", root / ".incoming/young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    assert list(storage.list()) == []
    open_storage(f"file:{root}")
    assert files(root) == [".incoming/young"]


def test_a_root_that_is_gone_is_not_an_empty_storage(storage: Storage, root: Path, tmp_path: Path) -> None:
    put(storage, "pages/x.jpg")
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageUnavailable):
        storage.open("pages/x.jpg")
    with pytest.raises(StorageUnavailable):
        put(storage, "pages/y.jpg")
    with pytest.raises(StorageUnavailable):
        list(storage.list())
    assert not root.exists()


FILL = """
import io, sys
from roliascan.storage import StorageFull, open_storage
storage = open_storage("file:" + sys.argv[1])
storage.put("pages/small.jpg", io.BytesIO(b"x" * 1000), type="image/jpeg")
for size in (70_000, 3_000_000):
    try:
        storage.put("pages/large.jpg", io.BytesIO(b"x" * size), type="image/jpeg")
    except StorageFull as refusal:
        print(refusal.retry_after, refusal.detail)
storage.put("pages/large.jpg", io.BytesIO(b"x" * 2000), type="image/jpeg")
print([(stored.key, stored.bytes) for stored in storage.list()])
"""


def test_a_full_disk_refuses_and_leaves_no_file(root: Path) -> None:  # UP-18
    """The kernel cuts the write at 64 KiB (RLIMIT_FSIZE), half way through a block, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(root)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536)),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    refused, again, listed = done.stdout.splitlines()
    assert refused == again == "60 There is no room left to store files; please try again later."
    assert listed == "[('pages/large.jpg', 2000), ('pages/small.jpg', 1000)]"
    assert files(root) == ["pages/large.jpg", "pages/small.jpg"]


KILLED = """
import io, os, sys
from roliascan.storage import open_storage

class Dying(io.BytesIO):
    def read(self, size=-1, /):
        if self.tell():
            os.kill(os.getpid(), 9)
        return super().read(1000)

open_storage("file:" + sys.argv[1]).put("pages/x.jpg", Dying(b"x" * 5000), type="image/jpeg")
"""


def test_a_killed_writer_leaves_nothing_visible(storage: Storage, root: Path) -> None:  # UP-18
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], timeout=30)
    assert done.returncode == -9
    assert list(storage.list()) == []
    put(storage, "pages/x.jpg", b"whole")
    assert [stored.bytes for stored in storage.list()] == [5]


@pytest.mark.parametrize("look", ["open", "list", "start"])
def test_a_writer_that_died_before_its_last_step_leaves_a_whole_file(storage: Storage, root: Path, look: str) -> None:
    """SL-01: the file has its key, and still the name of its draft; bytes that are whole are there."""
    put(storage, "pages/x.jpg", b"whole")
    (root / ".incoming" / "draft").hardlink_to(root / "pages/x.jpg")
    if look == "list":
        assert [one.key for one in storage.list()] == ["pages/x.jpg"]
    elif look == "start":
        open_storage(f"file:{root}")
        assert list((root / ".incoming").iterdir()) == []
    with storage.open("pages/x.jpg") as file:
        assert file.read() == b"whole"
    assert list((root / ".incoming").iterdir()) == []
    with pytest.raises(KeyTaken):
        put(storage, "pages/x.jpg", b"other")
