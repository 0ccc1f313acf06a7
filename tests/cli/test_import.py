"""`roliascan import` from the shell to the reader: what is in, in which order, what is refused, and what stays."""

import io
import json
import os
from hashlib import sha256
from pathlib import Path

from PIL import Image

from roliascan.library import images
from tests.archives import Raw, assemble, cbz, comicinfo, folder, picture
from tests.cli.places import Place, account, name_of, names
from tests.database import bare
from tests.drawings import draw, page, save

Chapters = dict[str, list[bytes]]
LANTERNS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "10.5", "11", "12", "Extra"]
SKY = ["1", "2", "9", "10", "10.5", "11", "100", "Omake 2"]
SKY_SAID = {"Writer": "天野ユキ", "Summary": "Once.\nUpon a time.", "LanguageISO": "ja", "Manga": "YesAndRightToLeft"}


def pictures(seed: int) -> dict[str, bytes]:
    """Pages that no other chapter has, under names that only natural order sorts."""
    return {f"{number}.png": picture(seed, (20 + number, 31)) for number in (1, 2, 10)}


def comics(root: Path) -> dict[str, Chapters]:
    """Three series of 40 chapters with odd names, as they are downloaded; what a reader should find, in order."""
    return {
        "The Lantern Keepers": lanterns(root / "[Paper Lantern] The Lantern Keepers"),
        "ソラノカナタ": sky(root / "sora_no_kanata"),
        "L'Été des marées": tides(root / "L'Été des marées"),
    }


def lanterns(shelf: Path) -> Chapters:
    found = {name: pictures(seed) for seed, name in enumerate(LANTERNS)}
    for name, files in found.items():
        number = name if name == "Extra" else f"c{float(name):05.1f}"
        cbz(shelf / f"[Paper.Lantern] The Lantern Keepers - {number} (2021) (Digital) {{v2}}.cbz", files)
    return {name: list(files.values()) for name, files in found.items()}


def sky(shelf: Path) -> Chapters:
    """The folder's name says nothing, ComicInfo.xml all; the second one says the most."""
    found = {name: pictures(seed) for seed, name in enumerate(SKY, start=20)}
    for name, files in found.items():
        debris = {"__MACOSX/._1.png": b"debris", "Thumbs.db": b"debris"}
        said = {
            "Series": "ソラノカナタ",
            **({} if name == "Omake 2" else {"Number": name}),
            **(SKY_SAID if name == "2" else {}),
        }
        cbz(shelf / f"{name} – 空 {len(name)}%.cbz", files | debris, deflated=True, **said)
    return {name: list(files.values()) for name, files in found.items()}


def tides(shelf: Path) -> Chapters:
    """Volumes, a folder within each archive, endings in capitals, and a chapter that is a folder."""
    found = {str(number): pictures(40 + number) for number in range(1, 18)}
    for name, files in found.items():
        inside = {f"L'Été/{page}": data for page, data in files.items()}
        cbz(shelf / f"Volume {1 + int(name) // 10}" / f"Ch.{name}.ZIP", inside, deflated=int(name) % 2 == 0)
    found["Extra"] = pictures(70)
    folder(shelf / "Extra: à la plage", found["Extra"])
    return {name: list(files.values()) for name, files in found.items()}


def slip(path: Path) -> Path:
    path.write_bytes(assemble([Raw("1.png", picture(200)), Raw("../../../uploads/evil.png", picture(201))]))
    return path


def test_metadata_is_not_kept_and_the_same_again_changes_nothing(place: Place) -> None:  # UP-20
    canary = "48.8584N 2.2945E"
    exif = Image.Exif()
    exif[0x0110] = canary
    told = {f"{number}.jpg": save(draw(20, 30, seed=number), "jpeg", exif=exif.tobytes()) for number in (1, 2)}
    assert all(canary.encode() in data for data in told.values())
    cbz(place.home / "comics" / "Telling" / "c001.cbz", told)
    assert place.run("import", place.home / "comics").lines[-1] == "1 chapters added, 0 unchanged, 0 refused."
    files = place.files(place.chapters("Telling")[0])
    assert len(files) == 2
    assert all(data and canary.encode() not in data for data in files)
    stored = place.stored()
    assert place.run("import", place.home / "comics").lines[-1] == "0 chapters added, 1 unchanged, 0 refused."
    assert place.stored() == stored


def digests(files: list[bytes]) -> list[str]:
    return sorted(sha256(data).hexdigest() for data in files)


def kept(sent: bytes) -> bytes:
    """A page as it is kept."""
    return images.prepare(io.BytesIO(sent), max_bytes=1 << 20).kept.read()


def read(place: Place, title: str) -> Chapters:
    """The chapters of a series in order, with the bytes of their pages."""
    return {name_of(chapter): place.files(chapter) for chapter in place.chapters(title)}


def test_a_shelf_of_comics_with_a_hostile_one_is_in_but_for_that(place: Place) -> None:  # UP-11, UP-13
    root = place.home / "comics"
    wanted = comics(root)
    hostile = slip(root / "[Paper Lantern] The Lantern Keepers" / "c013.cbz")
    assert sum(map(len, wanted.values())) == 40

    ran = place.run("import", root)
    assert (ran.status, ran.err) == (1, "")
    assert ran.lines[-1] == "40 chapters added, 0 unchanged, 1 refused."
    (refused,) = (line for line in ran.lines if line.startswith("refused"))
    assert refused.startswith(f"refused: {hostile}: ")
    assert "leads out of the archive" in refused

    assert set(place.series()) == set(wanted)
    for title, chapters in wanted.items():
        found = read(place, title)
        assert list(found) == list(chapters)
        assert found == {name: [kept(data) for data in files] for name, files in chapters.items()}
    assert_linked(place, wanted)

    covers = [next(iter(chapters.values()))[0] for chapters in wanted.values()]
    everything = [kept(data) for chapters in wanted.values() for files in chapters.values() for data in files]
    assert sorted(place.stored().values()) == digests(everything + covers)
    assert place.count("files") == len(everything) + len(covers)
    assert place.count("pages") == len(everything)
    assert not list(place.home.rglob("evil*"))

    rows, stored = place.rows(), place.stored()
    again = place.run("import", root)
    assert again.status == 1
    assert again.lines[-1] == "0 chapters added, 40 unchanged, 1 refused."
    assert (place.rows(), place.stored()) == (rows, stored)


def assert_linked(place: Place, wanted: dict[str, Chapters]) -> None:
    for title in wanted:
        found = place.chapters(title)
        ids = [chapter["id"] for chapter in found]
        assert [chapter["previous"] and chapter["previous"]["id"] for chapter in found] == [None, *ids[:-1]]
        assert [chapter["next"] and chapter["next"]["id"] for chapter in found] == [*ids[1:], None]


def test_what_comicinfo_says_of_the_series(simple_place: Place) -> None:
    comics(simple_place.home / "comics")
    simple_place.run("import", simple_place.home / "comics")
    told = simple_place.series()
    sky = told["ソラノカナタ"]
    assert (sky["author"], sky["language"], sky["direction"]) == ("天野ユキ", "ja", "rtl")
    assert sky["description"] == "Once.\nUpon a time."
    lanterns = told["The Lantern Keepers"]
    assert (lanterns["author"], lanterns["language"], lanterns["description"]) == ("Unknown", "und", "")
    assert (lanterns["chapterCount"], lanterns["state"]) == (14, "published")
    assert lanterns["slug"] == "the-lantern-keepers"
    assert simple_place.file(lanterns["cover"]) == pictures(0)["1.png"]
    assert {chapter["language"] for chapter in simple_place.chapters("ソラノカナタ")} == {"ja"}


def test_the_picture_beside_the_chapters_is_the_cover(simple_place: Place) -> None:
    cover = page("jpeg", 40, 60)
    root = folder(simple_place.home / "Series", {"cover.jpg": cover})
    cbz(root / "1.cbz")
    assert simple_place.run("import", root).status == 0
    assert simple_place.file(simple_place.series()["Series"]["cover"]) == cover


def test_a_bad_picture_beside_the_chapters_is_named_and_the_first_page_shows_the_series(simple_place: Place) -> None:
    """Once this started a series for each chapter."""
    simple_place.environ["MAX_FILE_SIZE"] = "2000"
    for name, cover in {"Damaged": page("png")[:-40], "Large": os.urandom(3000)}.items():
        folder(simple_place.home / "comics" / name, {"cover.png": cover})
        for number in (1, 2):
            cbz(simple_place.home / "comics" / name / f"{number}.cbz", {"1.png": picture(number)})
    ran = simple_place.run("import", simple_place.home / "comics")
    assert ran.status == 0
    assert ran.lines[-1] == "4 chapters added, 0 unchanged, 0 refused."
    warnings = [line for line in ran.lines if line.startswith("warning: ")]
    assert [("cover.png: no cover: " in line) for line in warnings] == [True, True]
    for one in simple_place.series().values():
        assert one["chapterCount"] == 2
        assert simple_place.file(one["cover"]) == picture(1)
    assert len(simple_place.stored()) == 6


def test_a_chapter_with_one_damaged_page_leaves_nothing(place: Place) -> None:
    root = place.home / "Series"
    whole = page("png")
    for number, last in {1: whole, 2: whole[: len(whole) // 2], 3: whole}.items():
        cbz(root / f"{number}.cbz", {"1.png": picture(number), "2.png": last})
    ran = place.run("import", root)
    assert ran.status == 1
    assert ran.lines[-1] == "2 chapters added, 0 unchanged, 1 refused."
    assert f"refused: {root}/2.cbz: chapter 2: " in ran.out
    assert "chapter 2: 2.png: This image is damaged" in ran.out
    assert names(place.chapters("Series")) == ["1", "3"]
    assert sorted(place.stored().values()) == digests(
        [picture(1), *(kept(data) for data in (picture(1), whole, picture(3), whole))]
    )
    assert (place.count("chapters"), place.count("files")) == (2, 5)


def test_a_damaged_first_chapter_does_not_keep_the_series_out(simple_place: Place) -> None:
    root = simple_place.home / "Series"
    cbz(root / "1.cbz", {"1.png": b"no image"})
    cbz(root / "2.cbz", {"1.png": picture(2)})
    assert simple_place.run("import", root).status == 1
    assert names(simple_place.chapters("Series")) == ["2"]
    assert simple_place.file(simple_place.series()["Series"]["cover"]) == picture(2)


def test_other_pages_under_a_number_that_is_there_are_named_and_left(place: Place) -> None:
    root = place.home / "Series"
    cbz(root / "Ch. 10.cbz", {"1.png": picture(1)})
    assert place.run("import", root).status == 0
    cbz(root / "Chapter 010 (v2).cbz", {"1.png": picture(2)})
    rows, stored = place.rows(), place.stored()
    ran = place.run("import", root)
    assert ran.status == 1
    refused = (
        f"refused: {root}/Chapter 010 (v2).cbz: chapter 10 is there already with other pages; it was left as it is"
    )
    assert refused in ran.lines
    assert ran.lines[-1] == "0 chapters added, 1 unchanged, 1 refused."
    assert (place.rows(), place.stored()) == (rows, stored)


def test_new_chapters_join_the_series_that_is_there(place: Place) -> None:
    root = place.home / "pokémon ADVENTURES"
    cbz(root / "1.cbz", {"1.png": picture(1)})
    place.run("import", root)
    cbz(root / "10.5.cbz", {"1.png": picture(3)})
    cbz(root / "2.cbz", {"1.png": picture(2)})
    other = cbz(place.home / "elsewhere" / "Pokemon Adventures 11.cbz", {"1.png": picture(4)})
    ran = place.run("import", root, other)
    assert (ran.status, ran.lines[-1]) == (0, "3 chapters added, 1 unchanged, 0 refused.")
    assert names(place.chapters("pokémon ADVENTURES")) == ["1", "2", "10.5", "11"]


def test_a_file_larger_than_the_setting_is_refused(simple_place: Place) -> None:
    large = page("png", 200, 300)
    simple_place.environ["MAX_FILE_SIZE"] = str(len(large) - 1)
    root = simple_place.home / "Series"
    cbz(root / "1.cbz", {"1.png": large})
    folder(root / "2", {"1.png": large})
    cbz(root / "3.cbz", {"1.png": picture(3)})
    ran = simple_place.run("import", root)
    assert ran.status == 1
    assert [f"1.png is larger than {len(large) - 1} bytes" in line for line in ran.lines] == [True, True, False, False]
    assert names(simple_place.chapters("Series")) == ["3"]
    simple_place.environ["MAX_FILE_SIZE"] = str(len(large))
    assert simple_place.run("import", root).status == 0
    assert names(simple_place.chapters("Series")) == ["1", "2", "3"]


# --- in whose name


def ids(place: Place, sql: str) -> set[str | None]:
    return {None if row[0] is None else str(row[0]) for row in bare.rows(place.url, sql)}


def person(place: Place, username: str, role: str = "admin") -> set[str | None]:
    assert place.run("admin", "create", *account(username)).status == 0
    with bare.cursor(place.url) as cursor:
        cursor.execute(f"UPDATE users SET role = '{role}' WHERE username = '{username}'")
    return ids(place, f"SELECT id FROM users WHERE username = '{username}'")


def test_without_an_administrator_nobody_owns_what_is_imported(place: Place) -> None:
    assert place.run("import", cbz(place.home / "Series 1.cbz")).status == 0
    assert ids(place, "SELECT created_by FROM series") == {None}
    assert place.series()["Series"]["chapterCount"] == 1


def test_the_first_administrator_owns_what_is_imported(place: Place) -> None:
    person(place, "reader", "user")
    first = person(place, "first")
    person(place, "second")
    assert place.run("import", cbz(place.home / "Series 1.cbz")).status == 0
    assert ids(place, "SELECT created_by FROM series") == first


def test_an_account_may_be_named(place: Place) -> None:
    person(place, "first")
    yuki = person(place, "Yuki", "uploader")
    assert place.run("import", "--as", "yuki", cbz(place.home / "Series 1.cbz")).status == 0
    assert ids(place, "SELECT created_by FROM series") == yuki
    assert ids(place, "SELECT owner_id FROM files") == yuki


def test_an_unknown_account_is_refused_before_anything_is_read(simple_place: Place) -> None:
    ran = simple_place.run("import", "--as", "nobody", cbz(simple_place.home / "Series 1.cbz"))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "roliascan: There is no account called nobody; make one, or leave out --as.\n"
    assert simple_place.count("series") == 0


# --- what it prints


def test_json_is_one_document_with_every_outcome(simple_place: Place) -> None:
    root = simple_place.home / "comics"
    good = cbz(root / "Series" / "Series 10.5.cbz", Number="x")
    bad = slip(root / "Series" / "Series 11.cbz")
    ran = simple_place.run("import", "--json", root)
    assert (ran.status, ran.err) == (1, "")
    document = json.loads(ran.out)
    assert document["counts"] == {"added": 1, "unchanged": 0, "warning": 1, "refused": 1}
    warning, added, refused = document["outcomes"]
    assert added == {"result": "added", "path": str(good), "series": "Series", "chapter": "10.5", "detail": "3 pages"}
    assert (warning["result"], warning["path"]) == ("warning", str(good))
    assert (refused["result"], refused["path"], refused["series"]) == ("refused", str(bad), "Series")
    again = json.loads(simple_place.run("import", "--json", good).out)
    assert again["counts"] == {"added": 0, "unchanged": 1, "warning": 1, "refused": 0}


def test_names_that_no_terminal_should_see_are_shown_safely(simple_place: Place) -> None:  # IN-15
    root = simple_place.home / "comics"
    root.mkdir()
    for name in (b"\xff\xfe 1.cbz", b"red\x1b[31m\n 2.cbz", "\u202eevil 3.cbz".encode()):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(b"no archive")
    ran = simple_place.run("import", root)
    assert ran.status == 1
    assert len(ran.lines) == 4
    assert all(line.isprintable() for line in ran.lines)
    assert "\x1b" not in ran.out
    document = json.loads(simple_place.run("import", "--json", root).out)
    paths = {outcome["path"] for outcome in document["outcomes"]}
    assert str(root / "\\xff\\xfe 1.cbz") in paths
    assert all(path.encode() for path in paths)


def test_an_encoding_that_lacks_the_letters_does_not_end_the_import(simple_place: Place) -> None:
    root = simple_place.home / "comics"
    cbz(root / "ソラ" / "1.cbz")
    cbz(root / "Zebra" / "1.cbz")
    ran = simple_place.ran("import", root, environ={"PYTHONIOENCODING": "ascii"})
    assert (ran.status, ran.err) == (0, "")
    assert ran.lines[:2] == ["added: Zebra 1 (3 pages)", "added: \\u30bd\\u30e9 1 (3 pages)"]


def test_what_is_not_there_is_named(simple_place: Place) -> None:
    lone = simple_place.home / "1.png"
    lone.write_bytes(picture(1))
    (simple_place.home / "empty").mkdir()
    absent = simple_place.home / "absent"
    ran = simple_place.run("import", absent, lone, simple_place.home / "empty", cbz(simple_place.home / "Series 1.cbz"))
    assert ran.status == 1
    assert ran.lines == [
        f"refused: {absent}: No such file or directory",
        f"refused: {lone}: is one image; name its folder",
        f"refused: {simple_place.home}/empty: holds neither images nor archives",
        "added: Series 1 (3 pages)",
        "1 chapters added, 0 unchanged, 3 refused.",
    ]


def test_comicinfo_alone_is_not_a_chapter(simple_place: Place) -> None:
    path = cbz(simple_place.home / "Series 1.cbz", {"ComicInfo.xml": comicinfo(Series="Series")})
    ran = simple_place.run("import", path)
    assert (ran.status, simple_place.count("series")) == (1, 0)
    assert "There are no images in it." in ran.out
