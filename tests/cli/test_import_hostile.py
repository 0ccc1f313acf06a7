"""Archives that must be refused as a whole, and what reading them may touch."""

import os
import struct
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roliascan.cli.importing import archives as zip_archives
from roliascan.cli.importing import chapters, finding
from roliascan.cli.importing.archives import DamagedArchive, Limits, OversizedArchive
from roliascan.cli.importing.chapters import Item
from roliascan.errors import Refusal
from tests.archives import HOSTILE, STREAMED, UTF8, Raw, assemble, cbz, descriptor, wide_end

DEFAULTS = Limits()
_opened: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in {"open", "os.mkdir", "os.symlink", "os.link", "os.rename", "os.remove"}:
        path = arguments[0]
        if isinstance(path, int) or str(path).endswith((".py", ".pyc")):
            return  # a file that is open already; a module that Python loads
        _opened.append(str(path))


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The paths that are opened or made meanwhile."""
    global _watching
    _opened.clear()
    _watching = True
    try:
        yield _opened
    finally:
        _watching = False


def read(path: Path, limits: Limits = DEFAULTS) -> list[list[bytes]]:
    """The bytes of all pages of all chapters."""
    found: list[list[bytes]] = []
    for chapter in chapters.read(Item(path, is_archive=True), limits):
        found.append([])
        for page in chapter.pages:
            with page.open() as stream:
                found[-1].append(stream.read())
    return found


def is_read(item: Item) -> bool:
    try:
        return bool(list(chapters.read(item, DEFAULTS)))
    except Refusal:
        return False


@pytest.mark.parametrize("kind", HOSTILE)  # UP-11, UP-13
def test_a_hostile_archive_is_refused_as_a_whole_with_the_reason(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.cbz"
    path.write_bytes(HOSTILE[kind].make())
    with watched() as opened, pytest.raises(HOSTILE[kind].refusal) as refused:
        read(path, HOSTILE[kind].limits)
    assert HOSTILE[kind].word in refused.value.detail
    assert refused.value.detail.isprintable()
    assert set(opened) <= {str(path)}
    assert os.listdir(tmp_path) == ["hostile.cbz"]


def test_there_are_enough_hostile_kinds() -> None:
    assert len(HOSTILE) >= 60


def test_hostile_archives_in_a_folder_do_not_stop_finding_the_others(tmp_path: Path) -> None:
    kinds = [kind for kind, hostile in HOSTILE.items() if hostile.limits == DEFAULTS and kind != "100,000 entries"]
    for number, kind in enumerate(kinds):
        (tmp_path / f"Ch. {number}.cbz").write_bytes(HOSTILE[kind].make())
    cbz(tmp_path / "Ch. 5000.cbz", Series="Quiet")
    series = finding.catalogue(finding.walk([tmp_path]).shelves, DEFAULTS)
    assert [one.title for one in series] == ["Quiet"]
    assert len(series[0].items) == len(kinds) + 1
    assert [item.path.name for item in series[0].items if is_read(item)] == ["Ch. 5000.cbz"]


def good_archives() -> dict[str, bytes]:
    """Honest archives written in ways that common tools use."""
    page, more = Raw("001.jpg", b"one" * 99), Raw("002.jpg", b"two" * 99, method=8)
    plain = assemble([page, more])
    size, start = struct.unpack_from("<2L", plain, len(plain) - 10)
    packed = len(more.packed or b"")
    tail = descriptor(more.data, packed)
    unsaid = {"crc": 0, "packed": 0, "size": 0}
    wide = {"packed": 2**32 - 1, "size": 2**32 - 1, "extra": struct.pack("<HHQQ", 1, 16, len(more.data), packed)}

    def pair(first: str | bytes, second: str | bytes, mode: int = 0o100644) -> list[Raw]:
        return [Raw(first, page.data, mode=mode), Raw(second, more.data, mode=mode)]

    debris = [
        "__MACOSX/._1.jpg",
        "Thumbs.db",
        "._2.jpg",
        ".hidden/3.jpg",
        "read me.txt",
        "x.nfo",
        "a/.DS_Store",
        "@eaDir/1.jpg",
    ]
    return {
        "plain": plain,
        "with a comment": assemble([page, more], comment=b"Made by a scanner."),
        "streamed": assemble([page, replace(more, flags=STREAMED, local=unsaid, after=tail)]),
        "streamed, without signature": assemble([page, replace(more, flags=STREAMED, local=unsaid, after=tail[4:])]),
        "streamed, sizes said": assemble([page, replace(more, flags=STREAMED, after=tail)]),
        "ZIP64 sizes": assemble([page, replace(more, local=wide)]),
        "ZIP64 end": assemble([page, more], wide=wide_end(2, size, start), count=0xFFFF, here=0xFFFF),
        "with folders": assemble([Raw("a/", b"", mode=0o040755), *pair("a/001.jpg", "a/002.jpg")]),
        "from a dot": assemble(pair("./001.jpg", "./002.jpg")),
        "made on Windows": assemble(pair("001.jpg", "002.jpg", mode=0)),
        "with debris": assemble([*map(Raw, debris), *pair("001.jpg", "002.jpg")]),
        "odd but honest names": assemble(pair("-rf .jpg", "CON.jpg\u202egpj.exe.jpg")),
        "names of old Windows": assemble(pair(b"\x93\xfa\x96{1.jpg", b"\x93\xfa\x96{2.jpg")),
    }


@pytest.mark.parametrize("kind", good_archives())
def test_an_honest_archive_is_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "1.cbz").write_bytes(good_archives()[kind])
    assert read(tmp_path / "1.cbz") == [[b"one" * 99, b"two" * 99]]


def test_names_are_shown_without_what_disturbs_a_reader(tmp_path: Path) -> None:  # UP-11
    path = tmp_path / "1.cbz"
    path.write_bytes(
        assemble([Raw("safe\u202egpj.exe.jpg"), Raw("b/" + "x" * 300 + ".jpg"), Raw("naïve.jpg".encode())])
    )
    (chapter,) = chapters.read(Item(path, is_archive=True), Limits())
    assert [page.name for page in chapter.pages] == ["b/" + "x" * 197 + "…", "naïve.jpg", "safegpj.exe.jpg"]


BASE = assemble(
    [Raw("001.jpg", b"one" * 9), Raw("é/002.jpg", b"two" * 9, method=8), Raw("ComicInfo.xml", b"<ComicInfo/>")]
)


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(BASE) - 1), st.binary(max_size=4), st.integers(0, 4)), min_size=1, max_size=3
    )
)
def test_whatever_is_changed_it_is_read_right_or_refused(edits: list[tuple[int, bytes, int]], tmp_path: Path) -> None:
    data = BASE
    for at, new, removed in edits:
        data = data[:at] + new + data[at + removed :]
    path = tmp_path / "changed.cbz"
    path.write_bytes(data)
    try:
        found = read(path)
    except Refusal:
        return
    assert sorted(page for pages in found for page in pages) in ([b"one" * 9, b"two" * 9], [b"one" * 9], [b"two" * 9])


def test_each_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.cbz"
    for length in range(len(BASE)):
        path.write_bytes(BASE[:length])
        with pytest.raises(Refusal):
            read(path)


def test_an_archive_that_changes_after_it_was_verified_is_noticed(tmp_path: Path) -> None:
    path = cbz(tmp_path / "1.cbz", {"001.jpg": b"a" * 5000})
    reading = chapters.read(Item(path, is_archive=True), Limits())
    page = next(reading).pages[0]
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"b")
    with pytest.raises(DamagedArchive):
        page.open()


def test_a_large_archive_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "1.cbz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(48):
            archive.writestr(f"{number:02}.jpg", os.urandom(1024 * 1024))
    tracemalloc.start()
    try:
        for chapter in chapters.read(Item(path, is_archive=True), Limits()):
            for page in chapter.pages:
                with page.open() as stream:
                    assert stream.seek(0, os.SEEK_END) == 1024 * 1024
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 1024 * 1024


def test_a_bomb_is_refused_before_it_fills_memory_or_time(tmp_path: Path) -> None:
    path = tmp_path / "bomb.cbz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("001.jpg", "w") as entry:
        for _ in range(200):
            entry.write(bytes(1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(OversizedArchive):
            read(path, Limits(page=1 << 40, total=1 << 40))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


def test_the_total_is_counted_whatever_was_declared(tmp_path: Path) -> None:
    path = cbz(tmp_path / "1.cbz", {f"{number}.jpg": bytes(1000) for number in range(10)})
    with path.open("rb") as file:
        found = zip_archives.entries(file, DEFAULTS)
        with pytest.raises(OversizedArchive, match="unpacks to more than 5000 bytes"):
            zip_archives.verify(file, found, Limits(total=5000))


def test_utf8_said_and_unsaid_give_one_name(tmp_path: Path) -> None:
    for flags in (0, UTF8):
        path = tmp_path / f"{flags}.cbz"
        path.write_bytes(
            assemble([Raw("第1話/夜.jpg".encode(), flags=flags), Raw("第2話/夜.jpg".encode(), flags=flags)])
        )
        found = list(chapters.read(Item(path, is_archive=True), Limits()))
        assert [(chapter.number_milli, chapter.pages[0].name) for chapter in found] == [
            (1000, "夜.jpg"),
            (2000, "夜.jpg"),
        ]
