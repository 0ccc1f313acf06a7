"""Ink, tones and letters: what the demo's pictures are drawn with. Everything is drawn twice as large, then halved."""

import math
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from roliascan.cli.demo import strokes

SCALE = 2
LINE = 6  # width of a contour, in drawn pixels
_SMOOTH = 20  # points from which a thin line bends so little at each that it needs no rounded joints

Point: TypeAlias = tuple[float, float]
Colour: TypeAlias = tuple[int, int, int]


class Tone(NamedTuple):
    """A screentone: `darkness` 0 to 1, or from the first at the top to the second at the bottom."""

    darkness: float
    below: float | None = None


Paint: TypeAlias = int | Colour | Tone | None


class Canvas(NamedTuple):
    """A picture being drawn, in drawn pixels; `random` varies it, the same for the same seed."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    random: random.Random

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height


def canvas(mode: str, width: int, height: int, paper: int | Colour, seed: object) -> Canvas:
    """An empty canvas of drawn pixels. `mode` is `L` (a manga page) or `RGB`."""
    image = Image.new(mode, (width, height), paper)
    return Canvas(image, ImageDraw.Draw(image), random.Random(repr(seed)))  # noqa: S311 - pictures, not secrets


def finished(drawn: Canvas) -> Image.Image:
    return drawn.image.reduce(SCALE)


# --- filling


def polygon(on: Canvas, points: Sequence[Point], fill: Paint, ink: Paint = None, width: int = LINE) -> None:
    """A filled shape with a contour; `fill` may be a tone."""
    if isinstance(fill, Tone):
        _toned(on, points, fill)
    elif fill is not None:
        on.draw.polygon(points, fill)
    if ink is not None and not isinstance(ink, Tone):
        line(on, [*points, points[0], points[1]], ink, width)


def ellipse(on: Canvas, x: float, y: float, rx: float, ry: float, fill: Paint, ink: Paint = None) -> None:
    if isinstance(fill, Tone):
        steps = [index * math.tau / 48 for index in range(48)]
        _toned(on, [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in steps], fill)
        fill = None
    on.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill, None if isinstance(ink, Tone) else ink, LINE)


def box(on: Canvas, left: float, top: float, right: float, bottom: float, fill: Paint, ink: Paint = None) -> None:
    """A rectangle: what there are most of, so it takes the shorter way."""
    edges = (round(left), round(top), round(right), round(bottom))
    if isinstance(fill, Tone):
        _toned(on, [(left, top), (right, bottom)], fill, is_box=True)
        fill = None
    on.draw.rectangle(edges, fill, None if isinstance(ink, Tone) else ink, LINE)


def line(on: Canvas, points: Sequence[Point], ink: Paint, width: float = LINE) -> None:
    if ink is not None and not isinstance(ink, Tone):
        bends = width > LINE or len(points) <= _SMOOTH
        joint = "curve" if bends and width >= LINE and len(points) > 2 else None
        on.draw.line(list(points), ink, max(2, round(width)), joint=joint)


def curve(*points: Point, steps: int = 14) -> list[Point]:
    """The points of a smooth line (Catmull-Rom) through `points`."""
    padded = [points[0], *points, points[-1]]
    found: list[Point] = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for p, q, r, s in _weights(steps):
            found.append((p * a[0] + q * b[0] + r * c[0] + s * d[0], p * a[1] + q * b[1] + r * c[1] + s * d[1]))
    return [*found, points[-1]]


@lru_cache(8)
def _weights(steps: int) -> list[tuple[float, float, float, float]]:
    """What each of four points weighs, at each step between the two in the middle."""
    return [
        (
            (-t + 2 * t**2 - t**3) / 2,
            (2 - 5 * t**2 + 3 * t**3) / 2,
            (t + 4 * t**2 - 3 * t**3) / 2,
            (t**3 - t**2) / 2,
        )
        for t in (step / steps for step in range(steps))
    ]


def gradient(on: Canvas, top: Paint, bottom: Paint) -> None:
    """The whole canvas from one colour to another, downwards."""
    if isinstance(top, Tone):
        polygon(on, [(0, 0), (on.width, 0), (on.width, on.height), (0, on.height)], top)
    elif isinstance(top, int) and isinstance(bottom, int):
        _ramp(on, [round(top + (bottom - top) * step / 255) for step in range(256)])
    elif isinstance(top, tuple) and isinstance(bottom, tuple) and not isinstance(bottom, Tone):
        steps = ([round(a + (b - a) * step / 255) for a, b in zip(top, bottom, strict=True)] for step in range(256))
        _ramp(on, [(red, green, blue) for red, green, blue in steps])


def _ramp(on: Canvas, shades: Sequence[int] | Sequence[Colour]) -> None:
    """One column, made smooth; then as many as there are, which costs no more arithmetic."""
    column = Image.new(on.image.mode, (1, len(shades)))
    column.putdata(shades)
    on.image.paste(column.resize((1, on.height)).resize(on.image.size, Image.Resampling.NEAREST))


# --- tones

_PITCH = 16  # drawn pixels between dots of a row; rows are half of it apart, and shifted


def _toned(on: Canvas, points: Sequence[Point], tone: Tone, *, is_box: bool = False) -> None:
    left, top = max(0, int(min(x for x, _ in points))), max(0, int(min(y for _, y in points)))
    right = min(on.width, math.ceil(max(x for x, _ in points)))
    bottom = min(on.height, math.ceil(max(y for _, y in points)))
    if right <= left or bottom <= top:
        return
    width, height = right - left, bottom - top
    if tone.below is None:
        x, y = left % _PITCH, top % _PITCH  # so that dots of neighbours are in line
        dots = _tiled(_tile(tone), x + width, y + height).crop((x, y, x + width, y + height))
    else:
        dots = _faded(tone, tone.below, width, height)
    mask = None
    if not is_box:
        mask = Image.new("1", dots.size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=1)
    on.image.paste(dots, (left, top), mask)


@lru_cache(32)
def _tile(tone: Tone) -> Image.Image:
    """Large enough for most shapes, so that those need only be cut out of it."""
    return _tiled(_dots(_PITCH, _PITCH, [tone.darkness] * 4), _PITCH * 32, _PITCH * 32)


def _faded(tone: Tone, below: float, width: int, height: int) -> Image.Image:
    rows = height // (_PITCH // 2) + 2
    steps = [tone.darkness + (below - tone.darkness) * row / rows for row in range(rows)]
    return _tiled(_dots(_PITCH, height, steps), width, height)


def _tiled(tile: Image.Image, width: int, height: int) -> Image.Image:
    """A sheet full of `tile`, by doubling what is there."""
    if width <= tile.width and height <= tile.height:
        return tile.crop((0, 0, width, height))
    sheet = Image.new("L", (width, height))
    sheet.paste(tile)
    across, down = tile.size
    while across < width:
        sheet.paste(sheet.crop((0, 0, across, down)), (across, 0))
        across *= 2
    while down < height:
        sheet.paste(sheet.crop((0, 0, width, down)), (0, down))
        down *= 2
    return sheet


def _dots(width: int, height: int, darknesses: Sequence[float]) -> Image.Image:
    """Soft dots, one in each row; a dot's area is its row's darkness."""
    image = Image.new("L", (width * 4, height * 4), 255)
    draw = ImageDraw.Draw(image)
    for row, darkness in enumerate(darknesses):
        radius = _PITCH * 4 * math.sqrt(max(0.0, darkness) / math.tau)
        y = row * _PITCH * 2 + _PITCH
        for x in (0, _PITCH * 4) if row % 2 else (_PITCH * 2,):
            if radius > 2:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), 40)
    return image.reduce(4)


# --- letters


@lru_cache(64)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which has ASCII and little more."""
    return ImageFont.load_default(size)


def text_width(text: str, size: int) -> float:
    return sum(_advance(character, size) for character in strokes.decomposed(text))


def _advance(character: str, size: int) -> float:
    if character in strokes.MARKS:
        return 0
    return size * 1.04 if strokes.is_drawn(character) else float(font(size).getlength(character))


def text(
    on: Canvas, x: float, y: float, words: str, size: int, ink: Paint, *, weight: int = 0, edge: Paint = None
) -> None:
    """One line of letters centred on (x, y). `weight` thickens them, `edge` is a contour around them."""
    if edge is not None:
        _text(on, x, y, words, size, edge, weight + max(3, size // 9))
    _text(on, x, y, words, size, ink, weight)


def _text(on: Canvas, x: float, y: float, words: str, size: int, ink: Paint, weight: int) -> None:
    left = x - text_width(words, size) / 2
    before = (left, 0.0)
    for character in strokes.decomposed(words):
        advance = _advance(character, size)
        if character in strokes.MARKS:
            _strokes(
                on, strokes.MARKS[character], before[0], y - size * 0.5, before[1], size, ink, size * 0.09 + 2 * weight
            )
            continue
        if strokes.is_drawn(character):
            glyph = strokes.glyph(character)
            _strokes(on, glyph, left, y - size / 2, size * 0.96, size * 0.96, ink, size * 0.1 + 2 * weight)
        elif not isinstance(ink, Tone):
            on.draw.text((left, y), character, ink, font(size), anchor="lm", stroke_width=weight)
        before, left = (left, advance), left + advance


def column(
    on: Canvas, x: float, y: float, words: str, size: int, ink: Paint, *, weight: int = 0, edge: Paint = None
) -> None:
    """One line of letters from top to bottom, centred on (x, y)."""
    top = y - len(words) * size * 0.55 + size * 0.55
    for row, character in enumerate(words):
        text(on, x, top + row * size * 1.1, character, size, ink, weight=weight, edge=edge)


def _strokes(
    on: Canvas, glyph: strokes.Glyph, x: float, y: float, width: float, height: float, ink: Paint, thick: float
) -> None:
    radius = thick / 2
    for stroke in glyph:
        points = [(x + px * width, y + py * height) for px, py in stroke]
        line(on, points, ink, thick)
        for px, py in (points[0], points[-1]):
            ellipse(on, px, py, radius, radius, ink)
