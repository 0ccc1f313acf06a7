"""What is found below folders and in archives: series, chapters, pages, and what is skipped."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from roliascan.cli.importing import chapters, finding
from roliascan.cli.importing.archives import Limits, OversizedArchive
from roliascan.cli.importing.chapters import Chapter, NoPages, OversizedPage, TooManyPages
from roliascan.cli.importing.comicinfo import BYTES_MAX, OversizedInfo, UnsafeInfo
from roliascan.cli.importing.finding import Found, Series
from roliascan.cli.importing.folders import NotAFile, open_file
from tests.archives import cbz, comicinfo, folder, pages, picture

LIMITS = Limits()


class Read(NamedTuple):
    series: Series
    chapters: list[Chapter]

    @property
    def names(self) -> list[str]:
        return [written(chapter) for chapter in self.chapters]


def written(chapter: Chapter) -> str:
    """`v2 10.5 Label: Title`, what is there of it."""
    number = "" if chapter.number_milli is None else f"{chapter.number_milli / 1000:g}"
    volume = f"v{chapter.volume}" if chapter.volume else ""
    head = " ".join(part for part in (volume, number, chapter.label) if part)
    return f"{head}: {chapter.title}" if chapter.title else head


def read(found: Found) -> dict[str, Read]:
    reads = {}
    for series in finding.catalogue(found.shelves, LIMITS):
        alone = len(series.items) == 1
        got = [chapter for item in series.items for chapter in chapters.read(item, LIMITS, alone=alone)]
        assert series.title not in reads
        reads[series.title] = Read(series, got)
    return reads


def find(*paths: Path) -> dict[str, list[str]]:
    return {title: one.names for title, one in read(finding.walk(paths)).items()}


def only(*paths: Path) -> Read:
    (one,) = read(finding.walk(paths)).values()
    return one


# --- shapes of input


def test_one_archive_is_a_chapter_of_the_series_in_its_name(tmp_path: Path) -> None:
    assert find(cbz(tmp_path / "[Group] Moon Boat - 010 (2020).cbz")) == {"Moon Boat": ["10"]}


def test_one_archive_without_a_series_in_its_name_belongs_to_its_folder(tmp_path: Path) -> None:
    assert find(cbz(tmp_path / "Moon Boat" / "Ch. 10.5.cbz")) == {"Moon Boat": ["10.5"]}


def test_one_archive_without_a_number_is_a_oneshot(tmp_path: Path) -> None:
    assert find(cbz(tmp_path / "Moon Boat.zip")) == {"Moon Boat": ["Oneshot"]}


def test_several_archives_named_one_by_one_are_one_series(tmp_path: Path) -> None:
    paths = [cbz(tmp_path / "Moon Boat" / name) for name in ("Moon Boat 2.cbz", "Extra.cbz", "Moon Boat 1.cbz")]
    assert find(*paths) == {"Moon Boat": ["1", "2", "Extra"]}


def test_a_folder_of_images_is_a_chapter(tmp_path: Path) -> None:
    assert find(folder(tmp_path / "Moon Boat" / "Ch. 3 - Rain")) == {"Moon Boat": ["3: Rain"]}
    assert find(folder(tmp_path / "Moon Boat - c004")) == {"Moon Boat": ["4"]}
    assert find(folder(tmp_path / "Quiet")) == {"Quiet": ["Oneshot"]}


def test_an_extra_to_a_chapter_does_not_take_its_number(tmp_path: Path) -> None:
    for name in ("Moon Boat 10 Extra", "Moon Boat 10", "Moon Boat 10.125 Omake", "c010x2"):
        cbz(tmp_path / "Moon Boat" / f"{name}.cbz")
    assert find(tmp_path / "Moon Boat") == {"Moon Boat": ["10", "10 Extra 2", "10 Extra", "10.125 Omake"]}


def test_a_folder_of_chapters_is_a_series(tmp_path: Path) -> None:
    for name in ("10.5", "Chapter 11", "Ch. 10", "Extra", "Vol.2 Ch.12", "Afterword"):
        folder(tmp_path / "Moon Boat" / name)
    cbz(tmp_path / "Moon Boat" / "Moon Boat 9 [Group].cbz")
    assert find(tmp_path / "Moon Boat") == {"Moon Boat": ["9", "10", "10.5", "11", "v2 12", "Afterword", "Extra"]}


def test_a_folder_of_series_is_a_library(tmp_path: Path) -> None:
    cbz(tmp_path / "Moon Boat" / "1.cbz")
    folder(tmp_path / "[Group] Rain Sea" / "Ch. 1")
    folder(tmp_path / "Quiet")
    cbz(tmp_path / "Area 21" / "Area 21 - 1.cbz")
    cbz(tmp_path / "Area 21" / "Area 21 - 2.cbz")
    assert find(tmp_path) == {
        "Area 21": ["1", "2"], "Moon Boat": ["1"], "Quiet": ["Oneshot"], "Rain Sea": ["1"],
    }  # fmt: skip


def test_folders_of_volumes_lie_in_between(tmp_path: Path) -> None:
    folder(tmp_path / "Moon Boat" / "Vol. 1" / "Ch. 1")
    cbz(tmp_path / "Moon Boat" / "Volume 02" / "Ch. 2.cbz")
    expected = {"Moon Boat": ["v1 1", "v2 2"]}
    assert find(tmp_path / "Moon Boat") == expected
    assert find(tmp_path) == expected
    assert find(tmp_path / "Moon Boat" / "Vol. 1") == {"Moon Boat": ["v1 1"]}


def test_an_archive_of_a_whole_volume_is_labelled(tmp_path: Path) -> None:
    cbz(tmp_path / "Moon Boat" / "Moon Boat v01.cbz")
    cbz(tmp_path / "Moon Boat" / "Moon Boat v02.cbz")
    assert find(tmp_path / "Moon Boat") == {"Moon Boat": ["v1 Volume 1", "v2 Volume 2"]}


def test_a_folder_in_folders_of_its_own_is_still_one_chapter(tmp_path: Path) -> None:
    folder(
        tmp_path / "Moon Boat" / "Ch. 1",
        {"b/1.png": picture(), "b/10.png": picture(), "b/2.png": picture(), "a/9.png": picture()},
    )
    (chapter,) = only(tmp_path / "Moon Boat").chapters
    assert written(chapter) == "1"
    assert [page.name for page in chapter.pages] == ["a/9.png", "b/1.png", "b/2.png", "b/10.png"]  # UP-14


def test_an_archive_in_a_folder_of_its_name_belongs_to_the_series_above(tmp_path: Path) -> None:
    cbz(tmp_path / "Moon Boat" / "Ch. 1" / "Ch. 1.cbz")
    cbz(tmp_path / "Moon Boat" / "Ch. 2" / "Ch. 2.cbz")
    assert find(tmp_path / "Moon Boat") == {"Moon Boat": ["1", "2"]}


def test_an_archive_of_chapters_is_a_series(tmp_path: Path) -> None:
    files = pages(2, "Moon Boat/Ch. 2/") | pages(3, "Moon Boat/Ch. 10 - Sea/") | {"cover.png": picture()}
    one = only(cbz(tmp_path / "Moon Boat.zip", files))
    assert one.names == ["2", "10: Sea"]
    assert [[page.name for page in chapter.pages] for chapter in one.chapters] == [
        ["001.png", "002.png"],
        ["001.png", "002.png", "003.png"],
    ]


def test_an_archive_with_folders_that_are_no_chapters_is_one(tmp_path: Path) -> None:
    files = pages(2, "Side A/") | pages(2, "Side B/")
    (chapter,) = only(cbz(tmp_path / "Moon Boat 7.cbz", files)).chapters
    assert written(chapter) == "7"
    assert [page.name for page in chapter.pages] == [
        "Side A/001.png",
        "Side A/002.png",
        "Side B/001.png",
        "Side B/002.png",
    ]


def test_archives_of_several_series_in_one_folder_keep_theirs(tmp_path: Path) -> None:
    for name in ("Moon Boat 1.cbz", "Moon Boat 2.cbz", "Rain Sea - c001.cbz"):
        cbz(tmp_path / "Downloads" / name)
    assert find(tmp_path / "Downloads") == {"Moon Boat": ["1", "2"], "Rain Sea": ["1"]}


def test_chapters_without_number_or_label_are_labelled_by_their_names(tmp_path: Path) -> None:
    folder(tmp_path / "Moon Boat" / "The Cat")
    folder(tmp_path / "Moon Boat" / "Ch. 1")
    assert find(tmp_path / "Moon Boat") == {"Moon Boat": ["1", "The Cat"]}


def test_an_image_beside_the_chapters_is_the_cover(tmp_path: Path) -> None:
    folder(tmp_path / "Moon Boat", {"cover.png": picture(7), "Ch. 1/1.png": picture()})
    one = only(tmp_path / "Moon Boat")
    assert one.names == ["1"]
    cover = finding.cover_of(one.series, LIMITS)
    assert cover is not None
    with cover.open() as stream:
        assert stream.read() == picture(7)


def test_the_same_thing_named_twice_is_found_once(tmp_path: Path) -> None:
    path = cbz(tmp_path / "Moon Boat" / "Ch. 1.cbz")
    assert find(path, tmp_path / "Moon Boat", tmp_path / "." / "Moon Boat" / "..") == {"Moon Boat": ["1"]}


# --- ComicInfo


def test_comicinfo_wins_over_names(tmp_path: Path) -> None:
    path = cbz(
        tmp_path / "Folder" / "Ch. 1.cbz", Series="Moon Boat", Number="10.50", Volume=2, Title="Rain", Writer="Ann Bo",
        Summary="A boat.", LanguageISO="en", Manga="YesAndRightToLeft",
    )  # fmt: skip
    one = only(path.parent)
    assert one.series[:5] == ("Moon Boat", "Ann Bo", "A boat.", "en", "rtl")
    assert one.names == ["v2 10.5: Rain"]
    assert one.chapters[0].language == "en"


def test_comicinfo_in_a_folder_of_images(tmp_path: Path) -> None:
    one = only(folder(tmp_path / "x", Series="Moon Boat", Number=3, Writer="Ann Bo"))
    assert (one.series.title, one.series.author, one.names) == ("Moon Boat", "Ann Bo", ["3"])


def test_chapters_without_comicinfo_belong_to_the_series_of_the_others(tmp_path: Path) -> None:
    cbz(tmp_path / "moon_boat" / "Ch. 1.cbz")
    cbz(tmp_path / "moon_boat" / "Ch. 2.cbz", Series="Moon Boat", Number=2, Writer="Ann Bo")
    one = only(tmp_path / "moon_boat")
    assert (one.series.title, one.series.author, one.names) == ("Moon Boat", "Ann Bo", ["1", "2"])


def test_one_series_in_several_folders_is_one_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    cbz(tmp_path / "2019" / "Moon.cbz", Series="Moon Boat", Number="10")
    cbz(tmp_path / "2020" / "Sea.cbz", Series="moon boat", Number="2", Writer="A. Writer")
    cbz(tmp_path / "2020" / "Sun.cbz", Series="Sun", Number="1")
    cbz(tmp_path / "Moon Boat" / "10.5.cbz")
    read_all = read(finding.walk([tmp_path]))
    assert {title: one.names for title, one in read_all.items()} == {"Moon Boat": ["2", "10", "10.5"], "Sun": ["1"]}
    assert read_all["Moon Boat"].series.author == "A. Writer"


def test_two_series_named_in_one_folder_stay_two(tmp_path: Path) -> None:
    cbz(tmp_path / "Both" / "Ch. 1.cbz", Series="Moon Boat")
    cbz(tmp_path / "Both" / "Ch. 2.cbz", Series="Rain Sea")
    cbz(tmp_path / "Both" / "Ch. 3.cbz")
    assert find(tmp_path / "Both") == {"Moon Boat": ["1"], "Rain Sea": ["2"], "Both": ["3"]}


@pytest.mark.parametrize(
    ("name", "info", "expected"),
    [
        ("Ch. 5", {"Number": "0010.500"}, "10.5"),
        ("Ch. 5", {"Number": "Omake"}, "Omake"),
        ("Ch. 5", {"Number": "five"}, "5"),
        ("Ch. 5", {"Number": "-1"}, "5"),
        ("Moon Boat 5 Extra", {"Number": "5"}, "5 Extra"),
        ("Moon Boat 5 Extra", {"Number": "6"}, "6"),
        ("The Cat", {"Format": "Special"}, "Special"),
    ],
)
def test_the_number_and_the_label(name: str, info: dict[str, str], expected: str, tmp_path: Path) -> None:
    files = pages() | {"ComicInfo.xml": comicinfo(**info)}
    (chapter,) = only(cbz(tmp_path / "Moon Boat" / f"{name}.cbz", files)).chapters
    assert written(chapter) == expected
    assert bool(chapter.warnings) == (info.get("Number") in {"five", "-1"})


def test_a_wrong_comicinfo_is_ignored_with_a_warning(tmp_path: Path) -> None:
    (chapter,) = only(cbz(tmp_path / "Moon Boat 1.cbz", pages() | {"ComicInfo.xml": b"<ComicInfo>"})).chapters
    assert written(chapter) == "1"
    assert chapter.warnings[0].startswith("ComicInfo.xml is ignored")


def test_a_hostile_comicinfo_in_a_folder_is_refused(tmp_path: Path) -> None:
    for data, refusal in ((b"<!DOCTYPE x><ComicInfo/>", UnsafeInfo), (bytes(BYTES_MAX + 1), OversizedInfo)):
        found = finding.walk([folder(tmp_path / "A 1", pages() | {"ComicInfo.xml": data})])
        with pytest.raises(refusal):
            list(chapters.read(found.shelves[0].items[0], LIMITS))


def test_comicinfo_of_an_archive_of_chapters(tmp_path: Path) -> None:
    files = pages(1, "Ch. 1/") | pages(1, "Ch. 2/") | {"Ch. 2/ComicInfo.xml": comicinfo(Title="Rain")}
    one = only(cbz(tmp_path / "x.cbz", files, Series="Moon Boat", Number=77))
    assert (one.series.title, one.names) == ("Moon Boat", ["1", "2: Rain"])


# --- pages


def test_pages_are_in_natural_order_without_debris(tmp_path: Path) -> None:  # UP-14
    debris = ["__MACOSX/._1.png", ".DS_Store", "Thumbs.db", "desktop.ini", "._2.png", "a.txt", "a.nfo", ".x/1.png"]
    files = {name: picture() for name in ("10.png", "2.png", "1.png", "02.png", "a/1.jpg")} | dict.fromkeys(
        debris, b"x"
    )
    expected = ["1.png", "02.png", "2.png", "10.png", "a/1.jpg"]
    for path in (cbz(tmp_path / "Moon Boat 1.cbz", files), folder(tmp_path / "Moon Boat 2", files)):
        (chapter,) = only(path).chapters
        assert [page.name for page in chapter.pages] == expected, path


@pytest.mark.parametrize("deflated", [False, True])
def test_a_page_is_opened_as_often_as_wanted(deflated: bool, tmp_path: Path) -> None:
    for path in (cbz(tmp_path / "A 1.cbz", deflated=deflated), folder(tmp_path / "A 2")):
        for chapter in chapters.read(next(iter(finding.walk([path]).shelves)).items[0], LIMITS):
            for page, expected in reversed(list(zip(chapter.pages, pages().values(), strict=True))):
                with page.open() as first, page.open() as second:
                    assert first.read() == second.read() == expected
                    assert first.seek(0) == 0
                    assert first.read(8) == b"\x89PNG\r\n\x1a\n"
                    assert page.bytes == len(expected)


def test_limits_hold_for_folders_and_archives(tmp_path: Path) -> None:
    (item,) = finding.walk([folder(tmp_path / "A 1", {"1.png": bytes(5000)})]).shelves[0].items
    with pytest.raises(OversizedPage, match=r"1\.png is larger than 4096 bytes"):
        list(chapters.read(item, LIMITS._replace(page=4096)))
    with pytest.raises(TooManyPages):
        list(chapters.read(finding.walk([folder(tmp_path / "A 2")]).shelves[0].items[0], LIMITS._replace(entries=2)))
    (item,) = finding.walk([cbz(tmp_path / "A 3.cbz", {"1.png": os.urandom(5000)})]).shelves[0].items
    with pytest.raises(OversizedArchive, match=r"1\.png is larger than 4096 bytes"):
        list(chapters.read(item, LIMITS._replace(page=4096)))


def test_a_page_that_grew_after_it_was_listed_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "A 1", {"1.png": bytes(50)})
    (chapter,) = only(path).chapters
    (path / "1.png").write_bytes(bytes(LIMITS.page + 1))
    with pytest.raises(OversizedArchive):
        chapter.pages[0].open()


# --- what is skipped, and links


def skipped(*paths: Path) -> dict[str, str]:
    return {one.path.name: one.reason for one in finding.walk(paths).skipped}


def test_what_is_skipped_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "A" / "Ch. 1")
    for name in ("b.cbr", "c.pdf", "d.exe", "Thumbs.db", "notes.txt"):
        (tmp_path / "A" / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "A" / "e.jpg")
    (tmp_path / "A" / "empty").mkdir()
    assert skipped(tmp_path / "A") == {
        "b.cbr": "is not a ZIP; repack it as CBZ",
        "c.pdf": "is neither an image nor an archive",
        "d.exe": "is neither an image nor an archive",
        "e.jpg": "is a device or a pipe",
    }
    losses = [one.path.name for one in finding.walk([tmp_path / "A"]).skipped if one.is_loss]
    assert losses == ["b.cbr"]


def test_paths_that_cannot_be_imported_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.cbr").write_bytes(b"Rar!")
    (tmp_path / "1.png").write_bytes(picture())
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    names = ("empty", "a.cbr", "1.png", "missing", "loop")
    assert skipped(*(tmp_path / name for name in names)) == {
        "empty": "holds neither images nor archives",
        "a.cbr": "is neither a folder nor a CBZ or ZIP",
        "1.png": "is one image; name its folder",
        "missing": "No such file or directory",
        "loop": "is a link to itself",
    }


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root reads everything; it becomes another user meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_read_is_named(unprivileged: None) -> None:
    with tempfile.TemporaryDirectory() as top:  # its owner is who reads; pytest's own folders are root's
        path = folder(Path(top) / "A" / "Ch. 1").parent
        (path / "Ch. 2").mkdir(mode=0)
        assert skipped(path) == {"Ch. 2": "Permission denied"}
        (path / "Ch. 2").chmod(0o700)


def test_links_are_not_followed_unless_named(tmp_path: Path) -> None:  # UP-12
    outside = folder(tmp_path / "outside" / "Ch. 9")
    inside = folder(tmp_path / "A" / "Ch. 1")
    (tmp_path / "A" / "Ch. 2").symlink_to(outside)
    (tmp_path / "A" / "x.cbz").symlink_to(cbz(tmp_path / "outside" / "x.cbz"))
    (inside / "004.png").symlink_to(outside / "001.png")
    (tmp_path / "A" / "loop").symlink_to(tmp_path / "A")
    assert find(tmp_path / "A") == {"A": ["1"]}
    assert len(only(tmp_path / "A").chapters[0].pages) == 3
    assert set(skipped(tmp_path / "A")) == {"Ch. 2", "x.cbz", "004.png", "loop"}
    (tmp_path / "named").symlink_to(tmp_path / "A")
    assert find(tmp_path / "named") == {"A": ["1"]}


def test_a_page_that_became_a_link_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "A 1")
    (chapter,) = only(path).chapters
    (path / "001.png").unlink()
    (path / "001.png").symlink_to("/etc/passwd")
    with pytest.raises(NotAFile):
        chapter.pages[0].open()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAFile):
        open_file(tmp_path / "pipe")


def test_a_deep_tree_ends(tmp_path: Path) -> None:
    deep = tmp_path.joinpath("A", *("b" for _ in range(40)))
    folder(deep / "Ch. 1")
    folder(tmp_path / "A" / "Ch. 2")
    assert find(tmp_path / "A") == {"A": ["2"]}
    assert list(skipped(tmp_path / "A").values()) == ["lies more than 16 folders deep"]


def test_a_chapter_without_pages_is_refused(tmp_path: Path) -> None:
    (item,) = finding.walk([cbz(tmp_path / "A 1.cbz", {"a.txt": b"x"})]).shelves[0].items
    with pytest.raises(NoPages):
        list(chapters.read(item, LIMITS))


def test_names_of_folders_in_no_encoding(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/Moon \xff Boat"
    os.mkdir(path)
    cbz(Path(os.fsdecode(path)) / "Ch. 1.cbz")
    assert find(Path(os.fsdecode(path))) == {"Moon ? Boat": ["1"]}


def test_a_library_of_40_chapters_with_one_hostile(tmp_path: Path) -> None:
    for number in ("1", "2", "10", "10.5", "11"):
        cbz(tmp_path / "Alpha" / f"Alpha - {number} [Group].cbz")
    cbz(tmp_path / "Alpha" / "Alpha - Extra.cbz")
    for count in range(1, 18):
        cbz(tmp_path / "Beta" / f"Vol.{(count + 8) // 9} Ch.{count:03}.cbz", Series="Beta", Writer="B. Eta")
        cbz(tmp_path / "Gamma" / f"第{count}話.zip")
    cbz(tmp_path / "Gamma" / "Ch. 99.cbz", {"../../evil.png": picture()})
    found = finding.walk([tmp_path])
    assert sum(len(shelf.items) for shelf in found.shelves) == found.size == 41
    series = {one.title: one for one in finding.catalogue(found.shelves, LIMITS)}
    assert list(series) == ["Alpha", "Beta", "Gamma"]
    assert find(tmp_path / "Alpha") == {"Alpha": ["1", "2", "10", "10.5", "11", "Extra"]}
    assert find(tmp_path / "Beta")["Beta"][7:10] == ["v1 8", "v1 9", "v2 10"]
