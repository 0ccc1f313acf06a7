"""What names of chapters and pages say, and in which order they stand."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roliascan.cli.importing import comicinfo, names, numbers
from roliascan.cli.importing.comicinfo import ComicInfo
from tests.archives import comicinfo as written


@pytest.mark.parametrize(
    ("name", "series", "volume", "number", "label", "title"),
    [
        ("Ch. 10.5", "", "", 10500, None, ""),
        ("c010", "", "", 10000, None, ""),
        ("c010v2", "", "", 10000, None, ""),
        ("Chapter 10 - Title", "", "", 10000, None, "Title"),
        ("Chapter 3: Extra Cheese", "", "", 3000, None, "Extra Cheese"),
        ("Chapter 7 - Epilogue", "", "", 7000, None, "Epilogue"),
        ("Chapter_10.5_(en)", "", "", 10500, None, ""),
        ("Chapter 10½", "", "", 10500, None, ""),
        ("Chapter 10-12", "", "", 10000, None, ""),
        ("ch 10a", "", "", 10100, None, ""),
        ("c010x1", "", "", 10000, "Extra 1", ""),
        ("ep 000 - Zero", "", "", 0, None, "Zero"),
        ("Vol.2 Ch.11", "", "2", 11000, None, ""),
        ("v02 c011.5", "", "2", 11500, None, ""),
        ("v02c011", "", "2", 11000, None, ""),
        ("Volume 005 - Chapter 026", "", "5", 26000, None, ""),
        ("Vol. 04 Ch. 054.5 - Rain", "", "4", 54500, None, "Rain"),
        ("Season 2 Ep 5", "", "2", 5000, None, ""),
        ("S2 E05", "", "2", 5000, None, ""),
        ("010", "", "", 10000, None, ""),
        ("010.125", "", "", 10125, None, ""),
        ("10 - Dawn", "", "", 10000, None, "Dawn"),
        ("10. Dawn", "", "", 10000, None, "Dawn"),
        ("[010]", "", "", 10000, None, ""),
        ("[Group] Series - 010 (2020)", "Series", "", 10000, None, ""),
        ("[Group] Series - 010 (2020) [1280px] {v2}", "Series", "", 10000, None, ""),
        ("Series - c001 (v01) [Group]", "Series", "1", 1000, None, ""),
        ("Series_Name_v01_ch34_[GROUP]", "Series Name", "1", 34000, None, ""),
        ("Series #12", "Series", "", 12000, None, ""),
        ("Series 1-5", "Series", "", 1000, None, ""),
        ("Series 010 v2", "Series", "", 10000, None, ""),
        ("Series - Part 2 - 014", "Series - Part 2", "", 14000, None, ""),
        ("Level 5 Hero - 012 - Boss Fight!", "Level 5 Hero", "", 12000, None, "Boss Fight!"),
        ("20th Century Boats 010", "20th Century Boats", "", 10000, None, ""),
        ("100% Sugar 03", "100% Sugar", "", 3000, None, ""),
        ("Special A 05", "Special A", "", 5000, None, ""),
        ("Series 10 Extra", "Series", "", 10000, "Extra", ""),
        ("Series Extra", "Series", "", None, "Extra", ""),
        ("Series - Side Story 2", "Series", "", None, "Side story 2", ""),
        ("Extra", "", "", None, "Extra", ""),
        ("EXTRA 02 (2020)", "", "", None, "Extra 2", ""),
        ("Vol.3 Extra", "", "3", None, "Extra", ""),
        ("omake 3 - The Cat", "", "", None, "Omake 3", "The Cat"),
        ("Prologue - The Beginning", "", "", None, "Prologue", "The Beginning"),
        ("(Oneshot)", "", "", None, "Oneshot", ""),
        ("one-shot", "", "", None, "Oneshot", ""),
        ("第10話", "", "", 10000, None, ""),
        ("第１０．５話 夜", "", "", 10500, None, "夜"),  # full width
        ("第2巻 第11話", "", "2", 11000, None, ""),
        ("별 10화", "별", "", 10000, None, ""),
        ("カナタ番外編", "カナタ", "", None, "番外編", ""),
        ("1巻", "", "1", None, "Volume 1", ""),
        ("Series v03", "Series", "3", None, "Volume 3", ""),
        ("Just a Name", "Just a Name", "", None, None, ""),
        ("Series 2020", "Series 2020", "", None, None, ""),  # a year
        ("Ch.1000000", "Ch.1000000", "", None, None, ""),  # out of range
        ("Series 1.1234", "Series 1.1234", "", None, None, ""),  # not exact in thousandths
        ("", "", "", None, None, ""),
    ],
)
def test_a_name_says(name: str, series: str, volume: str, number: int | None, label: str | None, title: str) -> None:
    assert numbers.parse(name)[:5] == (series, volume, number, label, title)


@given(st.integers(0, 999_999_999))
def test_numbers_are_exact(milli: int) -> None:
    whole, rest = divmod(milli, 1000)
    text = f"{whole}.{rest:03}".rstrip("0").rstrip(".")
    assert numbers.milli(text) == milli
    assert numbers.parse(f"Series - Ch. {text} - Title").number == milli


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "1,5", "1.2345", "1000000", "٣", "½", "1.", ".5", "nan", "1 2", "0x10"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert numbers.milli(text) is None


@settings(deadline=20_000, max_examples=300, database=None)
@given(st.one_of(st.text(max_size=300), st.text("v0 1.c-(x)[]#extra第話", max_size=300)))
def test_any_name_can_be_asked(name: str) -> None:
    named = numbers.parse(name)
    assert named.number is None or 0 <= named.number <= 999_999_999
    assert names.natural_key((name,)) == names.natural_key((name,))
    assert names.shown(name).isprintable() or not set(names.shown(name)) - set("\u200c\u200d")
    assert len(names.shown(name)) <= 200


@pytest.mark.parametrize(
    "order",
    [
        ["1", "2", "10"],
        ["01", "02", "10"],
        ["01", "1", "2", "10"],  # equal values: by their writing
        ["p1.jpg", "p2.jpg", "P10.jpg"],
        ["a1b2", "a1b10", "a2b1"],
        ["1/1.jpg", "1/2.jpg", "1/10.jpg", "1.jpg", "2/1.jpg", "10/1.jpg"],
        ["9" * 5000, "1" + "0" * 5000],  # more digits than int() takes
        ["００１.jpg", "2.jpg"],
        ["001.jpg", "001a.jpg", "002.jpg"],
        ["A.JPG", "a.jpg", "b.jpg"],
    ],
)
def test_pages_stand_in_natural_order(order: list[str]) -> None:  # UP-14
    for seed in range(5):
        shuffled = random.Random(seed).sample(order, len(order))
        assert sorted(shuffled, key=lambda name: names.natural_key(name.split("/"))) == order


@given(st.lists(st.text("0123456789ab./", min_size=1, max_size=8), unique=True))
def test_natural_order_is_total(found: list[str]) -> None:  # UP-14: the same files give the same order, however listed
    assert len({names.natural_key(name.split("/")) for name in found}) == len(found)


@pytest.mark.parametrize(
    ("path", "debris"),
    [
        ("001.jpg", False),
        ("a/001.JPEG", False),
        (".DS_Store", True),
        ("a/.DS_Store", True),
        ("__MACOSX/001.jpg", True),
        ("a/__macosx/001.jpg", True),
        ("._001.jpg", True),
        (".hidden/001.jpg", True),
        ("Thumbs.db", True),
        ("desktop.ini", True),
        ("read me.TXT", True),
        ("group.nfo", True),
        ("@eaDir/001.jpg", True),
    ],
)
def test_debris(path: str, debris: bool) -> None:
    assert names.is_debris(path.split("/")) is debris


@pytest.mark.parametrize(
    "name", ["../up", "a\nb", "\x1b[31mred", "a\u202egpj.exe", "a" * 500, "\ud800", "\ufeffa", "  a  b "]
)
def test_shown_names_are_one_short_printable_line(name: str) -> None:  # UP-11
    assert names.shown(name).isprintable()
    assert len(names.shown(name)) <= 200
    assert names.shown(name) == names.shown(name).strip()


def test_comicinfo_is_read() -> None:
    data = written(
        Series="L'été & moi", Number="10.5", Volume=2, Title="Nuit", Writer="Léa Roux", Summary="One.\n\nTwo.\x85",
        LanguageISO="fr", Manga="YesAndRightToLeft", Format="Special", Pages="<ignored>",
    )  # fmt: skip
    assert comicinfo.parse(data) == ComicInfo(
        "L'été & moi", "10.5", "2", "Nuit", "Léa Roux", "One.\n\nTwo.", "fr", "rtl", "Special"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Manga": "Yes"}, ComicInfo()),
        ({"Volume": "-1"}, ComicInfo()),
        ({"LanguageISO": "../fr"}, ComicInfo()),
        ({"LanguageISO": "pt-BR"}, ComicInfo(language="pt-BR")),
        ({"Title": "two\nlines\u202e"}, ComicInfo(title="two lines")),
        ({"Series": "a" * 900}, ComicInfo(series="a" * 199 + "…")),
    ],
)
def test_comicinfo_says_only_what_is_well_formed(fields: dict[str, str], expected: ComicInfo) -> None:
    assert comicinfo.parse(written(**fields)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_comicinfo_in_other_encodings(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><ComicInfo><Series>Été</Series></ComicInfo>'
    assert comicinfo.parse(text.encode(encoding)).series == "Été"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"<ComicInfo>", b"<ComicInfo><Series>a</ComicInfo>", b"\xff\xfe\x00", b"<a><Series/></a>",
        b'<?xml version="1.0" encoding="klingon"?><ComicInfo/>', b'<?xml version="1.0" encoding="cp932"?><ComicInfo/>',
        b"<ComicInfo>&undefined;</ComicInfo>", b"<a>" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_comicinfo_says_nothing_with_a_warning(data: bytes) -> None:
    info = comicinfo.parse(data)
    assert info == ComicInfo(warning=info.warning)
    assert info.warning.startswith("ComicInfo.xml is ignored")
