"""Places of the demo's comics: what stands behind the people."""

import math
from collections.abc import Callable
from typing import NamedTuple

from roliascan.cli.demo.ink import Canvas, Paint, box, curve, ellipse, gradient, line, polygon


class Air(NamedTuple):
    """The paints of a place, from the sky to what is near."""

    sky: Paint
    low_sky: Paint
    far: Paint
    mid: Paint
    near: Paint
    light: Paint
    line: Paint


def sea(on: Canvas, air: Air) -> None:
    """A harbour: hills, a lighthouse, waves."""
    _sky(on, air)
    w, h = on.width, on.height
    level = h * 0.62
    _ridge(on, air.far, air.line, level - h * 0.1, h * 0.08, level)
    x = w * on.random.choice((0.2, 0.78))
    _lighthouse(on, air, x, level, h * 0.42)
    box(on, -9, level, w + 9, h + 9, air.mid)
    line(on, [(0, level), (w, level)], air.line)
    for row in range(9):
        y = level + (h - level) * (row + 0.6) / 9
        _waves(on, air, y, 40 + row * 14)


def _lighthouse(on: Canvas, air: Air, x: float, foot: float, height: float) -> None:
    half, top = height * 0.11, foot - height
    for side in (-1, 1):
        beam = [(x, top), (x + side * on.width, top - height * 0.5), (x + side * on.width, top + height * 0.2)]
        polygon(on, beam, air.light if isinstance(air.light, tuple) and len(air.light) == 3 else None)
    tower = [(x - half, foot), (x - half * 0.6, top), (x + half * 0.6, top), (x + half, foot)]
    polygon(on, tower, air.light, air.line)
    for part in (0.25, 0.6):
        band = [
            (x - half * (0.62 + 0.36 * part), foot - height * (1 - part)),
            (x + half * (0.62 + 0.36 * part), foot - height * (1 - part)),
        ]
        wide = half * (0.62 + 0.36 * (part + 0.15))
        polygon(
            on, [*band, (x + wide, foot - height * (0.85 - part)), (x - wide, foot - height * (0.85 - part))], air.line
        )
    box(on, x - half * 0.8, top - half * 0.9, x + half * 0.8, top, air.light, air.line)
    polygon(on, [(x - half, top - half * 0.9), (x, top - half * 2), (x + half, top - half * 0.9)], air.near, air.line)
    polygon(
        on,
        curve(
            (x - half * 5, foot),
            (x - half * 2, foot - half * 0.9),
            (x + half * 2, foot - half * 0.9),
            (x + half * 5, foot),
        ),
        air.near,
        air.line,
    )


def _waves(on: Canvas, air: Air, y: float, length: float) -> None:
    x = on.random.uniform(-length, length)
    while x < on.width:
        line(on, curve((x, y), (x + length * 0.25, y - length * 0.12), (x + length * 0.6, y), steps=4), air.line, 3)
        x += length * on.random.uniform(1.6, 4)


def city(on: Canvas, air: Air) -> None:
    """Houses with lit windows, in three rows."""
    _sky(on, air)
    for paint, base, tall, lit in ((air.far, 0.5, 0.16, 0), (air.mid, 0.7, 0.26, 0.35), (air.near, 1.0, 0.42, 0.5)):
        x = -on.random.uniform(0, 80.0)
        while x < on.width:
            width = on.height * on.random.uniform(0.12, 0.24)
            _house(on, air, paint, x, on.height * (base - tall * on.random.uniform(0.6, 1.3)), width, lit)
            x += width


def _house(on: Canvas, air: Air, paint: Paint, x: float, top: float, width: float, lit: float) -> None:
    box(on, x, top, x + width, on.height + 9, paint, air.line)
    if on.random.random() < 0.5:
        polygon(
            on, [(x - width * 0.06, top), (x + width / 2, top - width * 0.4), (x + width * 1.06, top)], paint, air.line
        )
    if not lit:
        return
    size = width / 5
    for row in range(int((on.height - top) / size / 1.9)):
        for column in range(2):
            left, up = x + size * (1 + column * 2), top + size * (0.7 + row * 1.9)
            box(
                on,
                left,
                up,
                left + size,
                up + size * 1.2,
                air.light if on.random.random() < lit else air.line,
                air.line,
            )


def hills(on: Canvas, air: Air) -> None:
    """Ridges with firs on them."""
    _sky(on, air)
    for paint, level, size in ((air.far, 0.5, 0.1), (air.mid, 0.66, 0.2), (air.near, 0.84, 0.34)):
        _ridge(on, paint, air.line, on.height * level, on.height * 0.06, on.height + 9)
        for _ in range(round(on.width / on.height * 0.9 / size)):
            x = on.random.uniform(0, on.width)
            _fir(
                on,
                paint,
                air.line,
                x,
                on.height * (level + on.random.uniform(0.0, 0.08)),
                on.height * size * on.random.uniform(0.7, 1.1),
            )


def _ridge(on: Canvas, paint: Paint, ink: Paint, level: float, swing: float, floor: float) -> None:
    steps = 6
    points = [(on.width * step / steps, level + on.random.uniform(-swing, swing)) for step in range(-1, steps + 2)]
    polygon(on, [*curve(*points, steps=6), (on.width * 1.2, floor), (-on.width * 0.2, floor)], paint, ink)


def _fir(on: Canvas, paint: Paint, ink: Paint, x: float, foot: float, height: float) -> None:
    line(on, [(x, foot), (x, foot - height * 0.2)], ink, height * 0.06)
    for tier in range(3):
        base, half = foot - height * (0.15 + tier * 0.25), height * (0.27 - tier * 0.06)
        polygon(on, [(x - half, base), (x, base - height * 0.42), (x + half, base)], paint, ink)


def room(on: Canvas, air: Air) -> None:
    """A wall, a window with the sky in it, a lamp, a shelf."""
    w, h = on.width, on.height
    box(on, -9, -9, w + 9, h + 9, air.far)
    box(on, -9, h * 0.8, w + 9, h + 9, air.near, air.line)
    left, half = w * on.random.choice((0.12, 0.52)), min(w * 0.36, h * 0.5)
    box(on, left, h * 0.12, left + half, h * 0.58, air.sky if not isinstance(air.sky, tuple) else air.low_sky, air.line)
    ellipse(on, left + half * 0.7, h * 0.25, h * 0.06, h * 0.06, air.light, air.line)
    line(on, [(left + half / 2, h * 0.12), (left + half / 2, h * 0.58)], air.line, 12)
    line(on, [(left, h * 0.35), (left + half, h * 0.35)], air.line, 12)
    shelf = w * (0.62 if left < w * 0.3 else 0.06)
    for row in (0.3, 0.52):
        line(on, [(shelf, h * row), (shelf + w * 0.32, h * row)], air.line, 14)
        x = shelf + 10
        while x < shelf + w * 0.28:
            thick, tall = h * on.random.uniform(0.02, 0.04), h * on.random.uniform(0.09, 0.15)
            box(
                on,
                x,
                h * row - tall,
                x + thick,
                h * row - 7,
                on.random.choice((air.mid, air.light, air.near)),
                air.line,
            )
            x += thick + 4


def speed(on: Canvas, air: Air) -> None:
    """Lines towards the middle: something happens."""
    box(on, -9, -9, on.width + 9, on.height + 9, air.light)
    x, y, far = on.width / 2, on.height * 0.48, math.hypot(on.width, on.height)
    for step in range(110):
        angle = (step + on.random.uniform(-0.4, 0.4)) * math.tau / 110
        near, half = far * on.random.uniform(0.27, 0.4), on.random.uniform(0.003, 0.012)
        tip = (x + math.cos(angle) * near, y + math.sin(angle) * near * 0.8)
        ends = [(x + math.cos(angle + side * half) * far, y + math.sin(angle + side * half) * far) for side in (-1, 1)]
        polygon(on, [tip, *ends], air.line)


def rain(on: Canvas, air: Air) -> None:
    """The city under slanting rain."""
    city(on, air)
    for _ in range(round(on.width * on.height / 30_000)):
        x, y, length = (
            on.random.uniform(0, on.width * 1.2),
            on.random.uniform(-50, on.height),
            on.random.uniform(60, 150),
        )
        line(on, [(x, y), (x - length * 0.3, y + length)], air.light, 4)


def plain(on: Canvas, air: Air) -> None:
    """Nothing but tone, and some sparks."""
    gradient(on, air.sky if isinstance(air.sky, tuple) else air.low_sky, air.low_sky)
    for _ in range(9):
        x, y, r = on.random.uniform(0, on.width), on.random.uniform(0, on.height), on.random.uniform(8, 26)
        star = [(x, y - r), (x + r * 0.2, y - r * 0.2), (x + r, y), (x + r * 0.2, y + r * 0.2)]
        star += [(2 * x - px, 2 * y - py) for px, py in star]
        polygon(on, star, air.light, air.line, 3)


def ground(on: Canvas, air: Air, level: float) -> None:
    """Boards to stand on."""
    box(on, -9, level, on.width + 9, on.height + 9, air.light, air.line)
    for step in range(1, round(on.width / 150) + 1):
        line(on, [(step * 150, level), (step * 150 - 40, on.height)], air.line, 4)


def _sky(on: Canvas, air: Air) -> None:
    gradient(on, air.sky, air.low_sky)
    w, h = on.width, on.height
    if air.sky == air.line:  # night
        for _ in range(60):
            r = on.random.uniform(2, 6)
            ellipse(on, on.random.uniform(0, w), on.random.uniform(0, h * 0.6), r, r, air.light)
    ellipse(
        on, w * on.random.uniform(0.3, 0.7), h * on.random.uniform(0.14, 0.22), h * 0.07, h * 0.07, air.light, air.line
    )
    for _ in range(3):
        _cloud(on, air, on.random.uniform(0, w), h * on.random.uniform(0.1, 0.36), h * on.random.uniform(0.03, 0.07))


def _cloud(on: Canvas, air: Air, x: float, y: float, r: float) -> None:
    for dx, size in ((-1.6, 0.7), (-0.7, 1.0), (0.5, 1.2), (1.6, 0.8)):
        ellipse(on, x + dx * r, y - size * r * 0.3, r * size, r * size * 0.7, air.light, air.line)
    box(on, x - 2 * r, y - r * 0.3, x + 2.1 * r, y + r * 0.2, air.light)
    line(on, [(x - 2.2 * r, y + r * 0.2), (x + 2.3 * r, y + r * 0.2)], air.line)


PLACES: dict[str, Callable[[Canvas, Air], None]] = {
    "sea": sea, "city": city, "hills": hills, "room": room, "speed": speed, "rain": rain, "plain": plain,
}  # fmt: skip
