"""The demo's pictures: covers, manga pages, spreads and webtoon slices; the same bytes every time."""

import io
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageDraw

from roliascan.cli.demo import figures, scenes, styles
from roliascan.cli.demo.balloons import balloon, caption, sound, wrapped
from roliascan.cli.demo.figures import Inks, Look
from roliascan.cli.demo.ink import SCALE, Canvas, Point, canvas, finished, line, text, text_width
from roliascan.cli.demo.scenes import Air
from roliascan.cli.demo.story import Chapter, Series
from roliascan.cli.demo.styles import DAY, DUSK, MANGA, NIGHT, STYLES, Style

PAGE = (1115, 1600)  # pixels; a spread is two of them side by side
SLICE = (800, 1280)
COVER = (1000, 1500)
_MARGIN, _GUTTER = 56 * SCALE, 11 * SCALE


class Picture(NamedTuple):
    """A file to publish: its name, its media type, its bytes."""

    name: str
    type: str
    data: bytes


def cover(series: Series) -> Picture:
    """The series' cover, 1000 x 1500 pixels, in colour, with its title and author."""
    style = STYLES[series.key]
    on = canvas("RGB", COVER[0] * SCALE, COVER[1] * SCALE, styles.INK, series.key)
    scenes.PLACES[style.places[0]](on, style.airs[0])
    first, second = style.coloured[:2]
    side = on.random.choice((-1, 1))
    x, y = on.width / 2, on.height
    figures.somebody(on, styles.COLOURED, second, x + side * 400, y * 0.57, 290, mood="calm", facing=-side)
    if first.holds == "lantern":
        figures.lantern(on, styles.COLOURED, x + side * 780, y * 0.9, 150)
    mood = on.random.choice(("happy", "calm", "happy"))
    figures.somebody(on, styles.COLOURED, first, x - side * 300, y * 0.65, 360, mood=mood, facing=side)
    _title(on, series, style)
    return _jpeg("cover.jpg", finished(on), 82)


def _title(on: Canvas, series: Series, style: Style) -> None:
    size = 250
    words = series.title if series.type == "webtoon" else series.title.upper()
    while any(text_width(row, size) > on.width * 0.88 for row in wrapped(words, size, on.width * 0.88)):
        size -= 10
    rows = wrapped(words, size, on.width * 0.88)
    for row, part in enumerate(rows):
        y = 190 + row * size * 1.15
        text(on, on.width / 2, y, part, size, style.title_ink, weight=size // 28, edge=style.title_edge)
    author = style.byline or series.author.upper()
    text(on, on.width / 2, on.height - 100, author, 96, style.title_ink, weight=2, edge=style.title_edge)


def pages(series: Series, chapter: Chapter) -> Iterator[Picture]:
    """The chapter's pages one by one: greyscale pages with a spread now and then, or coloured slices of a webtoon."""
    seed = (series.key, chapter.number_milli or chapter.label)  # a translation has the same pictures
    for number in range(1, chapter.pages + 1):
        if series.type == "webtoon":
            yield _jpeg(f"{number:03}.jpg", _slice(series, chapter, (*seed, number)), 84)
        else:
            is_spread = number == 3 and chapter.pages > 4
            yield _png(f"{number:03}.png", _page(series, chapter, (*seed, number), is_spread))


def _jpeg(name: str, image: Image.Image, quality: int) -> Picture:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Picture(name, "image/jpeg", out.getvalue())


def _png(name: str, image: Image.Image) -> Picture:
    """16 greys are enough for ink and tones, and make half the bytes."""
    out = io.BytesIO()
    image.point([min(255, (grey + 8) // 17 * 17) for grey in range(256)]).save(out, "PNG", compress_level=2)
    return Picture(name, "image/png", out.getvalue())


# --- manga pages

_ROWS = (
    (0.36, 0.3, 0.34), (0.28, 0.42, 0.3), (0.5, 0.5), (0.3, 0.3, 0.4), (0.4, 0.6), (0.24, 0.26, 0.24, 0.26),
)  # fmt: skip


def _page(series: Series, chapter: Chapter, seed: tuple[object, ...], is_spread: bool) -> Image.Image:
    width, height = PAGE[0] * SCALE * (2 if is_spread else 1), PAGE[1] * SCALE
    on = canvas("L", width, height, 255, seed)
    said = _lines(series, chapter, seed)
    frames = _frames(on.random, width, height, is_spread, is_first=seed[-1] == 1)
    for index, frame in enumerate(frames):
        _frame(on, frame, series, chapter, (*seed, index), said, is_first=index == 0 and seed[-1] == 1)
    number = f"{seed[-1]}"
    text(on, width / 2, height - 56, number, 40, 0)
    return finished(on)


def _lines(series: Series, chapter: Chapter, seed: tuple[object, ...]) -> Iterator[str]:
    """What is said on this page, going on where the page before stopped."""
    lines = chapter.lines or series.lines
    start = random.Random(repr(seed[:2])).randrange(len(series.lines)) + int(str(seed[-1])) * 5  # noqa: S311
    return (lines[(start + index) % len(lines)] for index in range(99))


def _frames(chance: random.Random, width: int, height: int, is_spread: bool, is_first: bool) -> list[list[Point]]:
    """The panels of a page, as four corners each, with gutters that lean."""
    rows = (0.62, 0.38) if is_first or is_spread else chance.choice(_ROWS)
    found: list[list[Point]] = []
    top, usable = float(_MARGIN), height - 2 * _MARGIN - _GUTTER * 2
    lean = 0.0
    for index, part in enumerate(rows):
        bottom = top + usable * part
        last = index == len(rows) - 1
        next_lean = 0.0 if last else chance.uniform(-40, 40)
        columns = (
            1 if index == 0 and (is_first or is_spread) else chance.choice((1, 2, 2, 3) if is_spread else (1, 2, 2))
        )
        edges = _edges(chance, columns, width)
        for (left, left_lean), (right, right_lean) in pairwise(edges):
            a, b = left + (_GUTTER if left > _MARGIN else 0), right - (_GUTTER if right < width - _MARGIN else 0)
            slope, below = lean / width, next_lean / width
            found.append([
                (a + left_lean, top + a * slope), (b + right_lean, top + b * slope),
                (b - right_lean, bottom - _GUTTER * 2 + b * below), (a - left_lean, bottom - _GUTTER * 2 + a * below),
            ])  # fmt: skip
        top, lean = bottom, next_lean
    return found


def _edges(chance: random.Random, columns: int, width: int) -> list[tuple[float, float]]:
    """Where the columns begin and end, and how far each edge leans."""
    inner = width - 2 * _MARGIN
    cuts = [
        (_MARGIN + inner * (index / columns + chance.uniform(-0.08, 0.08)), chance.uniform(-45, 45))
        for index in range(1, columns)
    ]
    return [(_MARGIN, 0.0), *cuts, (width - _MARGIN, 0.0)]


def _frame(
    page: Canvas,
    corners: list[Point],
    series: Series,
    chapter: Chapter,
    seed: tuple[object, ...],
    said: Iterator[str],
    is_first: bool,
) -> None:
    left, top = (int(min(point[axis] for point in corners)) for axis in (0, 1))
    right, bottom = (int(max(point[axis] for point in corners)) for axis in (0, 1))
    on = canvas("L", right - left, bottom - top, 255, seed)
    air = on.random.choice((DAY, DAY, DUSK, DUSK, NIGHT))
    kind = "wide" if is_first else _kind(on, is_loud=seed[-1] != 1)
    _SHOTS[kind](on, STYLES[series.key], STYLES[series.key].cast, MANGA, air, said)
    if is_first:
        caption(on, _heading(chapter), ink=0, paper=255, size=64)
    mask = Image.new("1", on.image.size)
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in corners], fill=1)
    page.image.paste(on.image, (left, top), mask)
    line(page, [*corners, corners[0], corners[1]], 0, 10)


def _heading(chapter: Chapter) -> str:
    number = chapter.label if chapter.number_milli is None else f"{chapter.number_milli / 1000:g}"
    return f"{number} - {chapter.title}"


# --- one picture

_MOODS = ("calm", "happy", "shock", "sad", "angry", "calm", "happy")


def _kind(on: Canvas, *, is_loud: bool) -> str:
    """What a panel shows, by chance and by its shape: a wide view, two people, one, a face, or something loud."""
    shape = on.width / on.height
    kinds = (
        ["face", "bust"] if shape < 1.1 else ["two", "bust", "face"] if shape < 1.7 else ["two", "two", "wide", "bust"]
    )
    return on.random.choice([*kinds, *kinds, "act"] if is_loud and shape < 2 else kinds)


def _say(on: Canvas, said: Iterator[str], x: float, y: float, mouth: Point, inks: Inks) -> None:
    balloon(on, x, y, next(said), mouth, widest=min(on.width * 0.45, 450), ink=inks.line, paper=inks.paper)


def _wide(on: Canvas, style: Style, cast: tuple[Look, ...], inks: Inks, air: Air, said: Iterator[str]) -> None:
    scenes.PLACES[on.random.choice(style.places[:3])](on, air)
    r = on.height * 0.075
    x = on.width * on.random.uniform(0.3, 0.6)
    y = on.height - r * 5.4
    scenes.ground(on, air, on.height - r * 1.1)
    figures.somebody(on, inks, cast[1], x + r * 4.2, y + r * 0.2, r, facing=-1, full=True)
    figures.somebody(on, inks, cast[0], x, y, r, facing=1, full=True)
    _say(on, said, x - r * 4, y - r * 3, (x - r * 0.4, y - r * 0.6), inks)


def _two(on: Canvas, style: Style, cast: tuple[Look, ...], inks: Inks, air: Air, said: Iterator[str]) -> None:
    scenes.PLACES[on.random.choice(style.places)](on, air)
    r = min(on.height * 0.2, on.width * 0.13)
    y = on.height * 0.62
    for look, part, facing in zip(on.random.sample(cast, 2), (0.25, 0.76), (1, -1), strict=True):
        figures.somebody(on, inks, look, on.width * part, y, r, mood=on.random.choice(_MOODS), facing=facing)
    if style.byline:  # lettered downwards, there is room between the two
        _say(on, said, on.width * 0.5, on.height * 0.3, (on.width * 0.7, y), inks)
        return
    _say(on, said, on.width * 0.72, on.height * 0.16, (on.width * 0.74, y - r * 0.8), inks)
    if on.width > 1000:
        _say(on, said, on.width * 0.26, on.height * 0.16, (on.width * 0.27, y - r * 0.8), inks)


def _bust(on: Canvas, style: Style, cast: tuple[Look, ...], inks: Inks, air: Air, said: Iterator[str]) -> None:
    scenes.PLACES[on.random.choice(style.places)](on, air)
    r = min(on.height * 0.26, on.width * 0.26)
    side = on.random.choice((-1, 1))
    x, y = on.width * (0.5 + side * 0.16), on.height * 0.56
    figures.somebody(on, inks, on.random.choice(cast), x, y, r, mood=on.random.choice(_MOODS), facing=-side)
    _say(on, said, on.width * (0.5 - side * 0.3), on.height * 0.2, (x - side * r * 0.5, y + r * 0.3), inks)


def _face(on: Canvas, _style: Style, cast: tuple[Look, ...], inks: Inks, air: Air, said: Iterator[str]) -> None:
    scenes.plain(on, air)
    r = min(on.height * 0.36, on.width * 0.46)
    x, y = on.width * 0.5, on.height * 0.6
    figures.somebody(
        on, inks, on.random.choice(cast), x, y, r, mood=on.random.choice(_MOODS), facing=on.random.choice((-1, 1))
    )
    _say(on, said, on.width * on.random.choice((0.1, 0.9)), on.height * 0.1, (x, y + r * 0.4), inks)


def _act(on: Canvas, style: Style, cast: tuple[Look, ...], inks: Inks, air: Air, _said: Iterator[str]) -> None:
    scenes.speed(on, air)
    r = min(on.height * 0.27, on.width * 0.27)
    x, y = on.width * 0.5, on.height * 0.5
    figures.somebody(on, inks, on.random.choice(cast), x, y, r, mood="shock", facing=on.random.choice((-1, 1)))
    noise = on.random.choice(style.sounds)
    size = min(200, int(on.width * 0.8 / max(1.0, text_width(noise, 100)) * 100))
    sound(on, noise, on.width / 2, on.height * 0.86, size, ink=inks.line, edge=inks.paper)


_SHOTS = {"wide": _wide, "two": _two, "bust": _bust, "face": _face, "act": _act}


# --- webtoons


def _slice(series: Series, chapter: Chapter, seed: tuple[object, ...]) -> Image.Image:
    """Two pictures on a ground that goes on from slice to slice."""
    style = STYLES[series.key]
    air = style.airs[(chapter.number_milli or 0) // 1000 % len(style.airs)]
    on = canvas("RGB", SLICE[0] * SCALE, SLICE[1] * SCALE, (250, 248, 252), seed)
    said = _lines(series, chapter, seed)
    top = 120
    if seed[-1] == 1:
        text(on, on.width / 2, 130, _heading(chapter), 84, air.near, weight=1)
        top = 260
    for index, height in enumerate(on.random.choice(((1180, 900), (900, 1180), (1040, 1040)))):
        bottom = min(top + height, on.height - 90)
        part = canvas("RGB", on.width - (0 if index == 0 else 200), bottom - top, styles.INK, (*seed, index))
        kind = _kind(part, is_loud=index == 1) if seed[-1] != 1 or index else "wide"
        _SHOTS[kind](part, style, style.coloured, styles.COLOURED, air, said)
        on.image.paste(part.image, ((on.width - part.width) // 2, top))
        top = bottom + 110
    return finished(on)
