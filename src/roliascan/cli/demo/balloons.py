"""What people say, and what is heard: balloons, captions and sounds."""

import math

from roliascan.cli.demo import strokes
from roliascan.cli.demo.ink import Canvas, Paint, Point, box, column, ellipse, polygon, text, text_width

LETTERS = 50  # drawn pixels


def balloon(
    on: Canvas,
    x: float,
    y: float,
    words: str,
    mouth: Point,
    *,
    widest: float,
    ink: Paint,
    paper: Paint,
    size: int = LETTERS,
) -> None:
    """`words` in a balloon around (x, y), kept inside the picture, with a tail towards `mouth`; if loud, in a burst."""
    upright = strokes.is_upright(words)
    rows = [words] if upright else wrapped(words.upper(), size, widest)
    wide = size * 1.1 if upright else max(text_width(row, size) for row in rows)
    tall = len(words) * size * 1.1 if upright else len(rows) * size * 1.16
    rx, ry = wide * 0.62 + size * 0.75, tall * 0.6 + size * 0.7
    x, y = _inside(x, rx, on.width), _inside(y, ry, on.height)
    _tail(on, x, y, rx, ry, mouth, ink, paper)
    if words.endswith("!"):
        _burst(on, x, y, rx * 1.12, ry * 1.15, ink, paper)
    else:
        ellipse(on, x, y, rx, ry, paper, ink)
        _tail(on, x, y, rx * 0.9, ry * 0.9, mouth, None, paper)
    if upright:
        column(on, x, y, words, size, ink)
        return
    for row, line in enumerate(rows):
        text(on, x, y + (row - (len(rows) - 1) / 2) * size * 1.16, line, size, ink, weight=1)


def wrapped(words: str, size: int, widest: float) -> list[str]:
    """The words in lines no wider than `widest`, as even as they get."""
    rows: list[str] = []
    for word in words.split():
        if rows and text_width(f"{rows[-1]} {word}", size) <= widest:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return rows


def _inside(at: float, half: float, length: int) -> float:
    margin = half * 1.15 + 12
    return length / 2 if 2 * margin > length else min(max(at, margin), length - margin)


def _tail(on: Canvas, x: float, y: float, rx: float, ry: float, mouth: Point, ink: Paint, paper: Paint) -> None:
    angle = math.atan2((mouth[1] - y) / ry, (mouth[0] - x) / rx)
    far = math.hypot(mouth[0] - x, mouth[1] - y)
    reach = min(1.0, (max(rx, ry) + 90) / far) if far else 1.0
    tip = (x + (mouth[0] - x) * reach, y + (mouth[1] - y) * reach)
    root = [(x + math.cos(angle + turn) * rx * 0.96, y + math.sin(angle + turn) * ry * 0.96) for turn in (-0.16, 0.16)]
    polygon(on, [root[0], tip, root[1]], paper, ink)


def _burst(on: Canvas, x: float, y: float, rx: float, ry: float, ink: Paint, paper: Paint) -> None:
    points = []
    for step in range(36):
        far = on.random.uniform(1.1, 1.28) if step % 2 else 0.95
        angle = step * math.tau / 36
        points.append((x + math.cos(angle) * rx * far, y + math.sin(angle) * ry * far))
    polygon(on, points, paper, ink)


def caption(on: Canvas, words: str, *, ink: Paint, paper: Paint, size: int = LETTERS, low: bool = False) -> None:
    """A box with a line of telling, at the top left or the bottom right."""
    rows = wrapped(words.upper(), size, on.width * 0.7)
    wide, tall = max(text_width(row, size) for row in rows) + size, len(rows) * size * 1.2 + size * 0.6
    left, top = (on.width - wide - 24, on.height - tall - 24) if low else (24.0, 24.0)
    box(on, left, top, left + wide, top + tall, paper, ink)
    for row, line in enumerate(rows):
        text(on, left + wide / 2, top + size * 0.9 + row * size * 1.2, line, size, ink, weight=1)


def sound(on: Canvas, words: str, x: float, y: float, size: int, *, ink: Paint, edge: Paint) -> None:
    """A noise in large letters that climb."""
    total = text_width(words, size)
    left = x - total / 2
    for index, character in enumerate(words):
        advance = text_width(character, size)
        step = (index - (len(words) - 1) / 2) * size * 0.1
        text(on, left + advance / 2, y - step, character, size + index * 4, ink, weight=size // 26, edge=edge)
        left += advance
