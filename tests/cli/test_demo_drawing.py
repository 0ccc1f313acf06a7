"""The demo library: what is told in it, and that its pictures are pictures, small, and the same every time."""

import hashlib
import io
import time
from functools import lru_cache

import pytest
from PIL import Image

from roliascan.cli.demo import drawing, ink, strokes
from roliascan.cli.demo.drawing import Picture
from roliascan.cli.demo.story import PEOPLE, SERIES, TEAMS, Series
from roliascan.cli.demo.styles import STYLES
from roliascan.library import images

CHAPTERS = [(series, chapter) for series in SERIES for chapter in series.chapters]
KEYS = [series.key for series in SERIES]


@lru_cache
def first_chapter(series: Series) -> list[Picture]:
    return list(drawing.pages(series, series.chapters[0]))


def decoded(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    return image


def test_the_library_is_worth_a_look() -> None:
    assert len(SERIES) >= 6
    assert len(CHAPTERS) >= 24
    assert all(chapter.pages >= 4 for _, chapter in CHAPTERS)
    assert {"en", "ja", "fr", "ko"} <= {series.language for series in SERIES}
    assert {series.direction for series in SERIES} == {"rtl", "ltr", "ttb"}
    assert {"ongoing", "completed", "hiatus"} <= {series.status for series in SERIES}
    assert 10_500 in {chapter.number_milli for _, chapter in CHAPTERS}
    assert {"Extra", "Prologue", "Oneshot"} <= {chapter.label for _, chapter in CHAPTERS}


def test_every_chapter_can_be_told_from_the_others() -> None:
    keys = [(s.key, c.language, c.volume, c.number_milli, c.label, c.team) for s, c in CHAPTERS]
    assert len(set(keys)) == len(keys)
    assert all((chapter.number_milli is None) == (chapter.label is not None) for _, chapter in CHAPTERS)


def test_everybody_who_is_named_is_there() -> None:
    names = {someone.username for someone in PEOPLE}
    teams = {team.name for team in TEAMS}
    assert {name for team in TEAMS for name in (team.leader, *team.members)} <= names
    assert {series.team for series in SERIES} | {chapter.team for _, chapter in CHAPTERS if chapter.team} == teams
    assert {someone.role for someone in PEOPLE} == {"admin", "moderator", "uploader", "user"}
    assert len({someone.email for someone in PEOPLE}) == len(PEOPLE)
    assert all(someone.email.endswith("@example.com") for someone in PEOPLE)


def words() -> set[str]:
    said = {line for series in SERIES for line in (*series.lines, series.title, *(c.title for c in series.chapters))}
    said |= {line for _, chapter in CHAPTERS for line in (*chapter.lines, chapter.label or "")}
    said |= {sound for style in STYLES.values() for sound in (*style.sounds, style.byline)}
    said |= {series.author for series in SERIES if not STYLES[series.key].byline}
    return said | {line.upper() for line in said}


def test_every_letter_is_one_that_can_be_drawn() -> None:
    missing = ink.font(64).getmask("\uffff")
    for character in sorted({character for line in words() for character in strokes.decomposed(line)} - {" "}):
        if strokes.is_drawn(character):
            assert strokes.glyph(character)
        elif character not in strokes.MARKS:
            assert bytes(ink.font(64).getmask(character)) != bytes(missing), character


@pytest.mark.parametrize("series", SERIES, ids=KEYS)
def test_a_cover_is_a_colour_picture_with_the_title(series: Series) -> None:
    cover = drawing.cover(series)
    image, *_ = images.inspect(io.BytesIO(cover.data), max_bytes=1 << 20)
    assert (image.type, image.width, image.height) == (cover.type, 1000, 1500)
    title = decoded(cover).crop((0, 0, 1000, 320)).resize((250, 80), Image.Resampling.NEAREST).tobytes()
    near = [
        sum(abs(a - b) for a, b in zip(title[at : at + 3], STYLES[series.key].title_ink, strict=True)) < 30
        for at in range(0, len(title), 3)
    ]
    assert 0.02 < sum(near) / len(near) < 0.7


@pytest.mark.parametrize("series", SERIES, ids=KEYS)
def test_pages_are_what_comics_have(series: Series) -> None:
    pictures = first_chapter(series)
    assert [picture.name[:3] for picture in pictures] == [f"{n:03}" for n in range(1, series.chapters[0].pages + 1)]
    for picture in pictures:
        image, *_ = images.inspect(io.BytesIO(picture.data), max_bytes=1 << 20)
        assert image.type == picture.type
        if series.type == "webtoon":
            assert (image.width, image.height, decoded(picture).mode) == (800, 1280, "RGB")
        else:
            assert (image.width, image.height) in {(1115, 1600), (2230, 1600)}
            assert decoded(picture).mode == "L"
        low, high = decoded(picture).convert("L").getextrema()
        assert isinstance(low, int)
        assert isinstance(high, int)
        assert low < 60
        assert high > 200
    assert len({hashlib.sha256(picture.data).digest() for picture in pictures}) == len(pictures)


def test_there_is_a_spread() -> None:
    assert any(decoded(picture).width == 2230 for picture in first_chapter(SERIES[0]))


def test_the_same_story_gives_the_same_bytes() -> None:
    for series in (SERIES[1], SERIES[3]):
        assert next(drawing.pages(series, series.chapters[0])) == first_chapter(series)[0]
    assert drawing.cover(SERIES[0]) == drawing.cover(SERIES[0])


def test_a_translation_has_the_same_panels_and_other_words() -> None:
    series = SERIES[0]
    (french,) = (chapter for chapter in series.chapters if chapter.language == "fr")
    (original,) = (c for c in series.chapters if c.number_milli == french.number_milli and not c.language)
    assert len(french.lines) == len(series.lines)
    ours, theirs = (decoded(list(drawing.pages(series, chapter))[4]) for chapter in (original, french))
    differing = sum(a != b for a, b in zip(ours.tobytes(), theirs.tobytes(), strict=True)) / len(ours.tobytes())
    assert 0.001 < differing < 0.15


def test_the_whole_is_small_and_quick() -> None:
    """Estimated from some chapters: at most 30 MB, and 15 s on one core."""
    started = time.thread_time()
    drawn = [picture for series in SERIES[1:4] for picture in drawing.pages(series, series.chapters[-1])]
    seconds = time.thread_time() - started
    total = sum(chapter.pages for _, chapter in CHAPTERS)
    assert sum(len(picture.data) for picture in drawn) / len(drawn) * total < 30_000_000
    assert seconds / len(drawn) * total < 15  # 3, mostly
