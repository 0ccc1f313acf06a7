"""People of the demo's comics, drawn from a few lines, in units of a head's half width."""

import math
from collections.abc import Callable
from typing import NamedTuple

from roliascan.cli.demo.ink import LINE, Canvas, Paint, Point, curve, ellipse, line, polygon


class Look(NamedTuple):
    """How somebody is recognised: `hair` is spiky, long, bob or bun; `holds` is lantern, umbrella, key or nothing."""

    hair: str
    hair_paint: Paint
    cloth: Paint
    scarf: Paint
    holds: str = ""


class Inks(NamedTuple):
    """What is drawn with: contours, skin, the white of paper and eyes, the light of lamps, a blush."""

    line: Paint
    skin: Paint
    paper: Paint
    glow: Paint
    blush: Paint


Place = Callable[[float, float], Point]


def somebody(
    on: Canvas,
    inks: Inks,
    look: Look,
    x: float,
    y: float,
    r: float,
    *,
    mood: str = "calm",
    facing: int = 1,
    full: bool = False,
) -> None:
    """A person whose head is at (x, y), `r` half as wide; down to the feet (5 r below) or out of the picture."""

    def at(dx: float, dy: float) -> Point:
        return x + dx * r * facing, y + dy * r

    _hair_behind(on, inks, look, at, r)
    (_coat if full else _shoulders)(on, inks, look, at, r)
    _head(on, inks, at, r)
    _face(on, inks, at, r, mood)
    _fringe(on, inks, look, at, r)


def _thick(r: float, part: float) -> float:
    """How thick a line of a face is: large faces are not drawn with a broom."""
    return part * r if r < 220 else part * (220 + (r - 220) * 0.3)


def _shape(at: Place, *points: Point) -> list[Point]:
    return [at(*point) for point in points]


def _head(on: Canvas, inks: Inks, at: Place, r: float) -> None:
    ellipse(on, *at(-0.84, 0.12), r * 0.16, r * 0.22, inks.skin, inks.line)
    outline = curve(
        *_shape(
            at, (-0.84, -0.1), (-0.7, -0.7), (0, -1), (0.7, -0.7), (0.84, -0.1), (0.66, 0.5), (0.18, 0.98), (-0.5, 0.68)
        ),
        at(-0.84, -0.1),
        steps=8,
    )
    polygon(on, outline, inks.skin, inks.line)


def _face(on: Canvas, inks: Inks, at: Place, r: float, mood: str) -> None:
    for side in (-1, 1):
        _eye(on, inks, at, r, 0.16 + side * 0.36, mood)
        lift = {"shock": -0.14, "angry": 0.06 * side - 0.02, "sad": 0.02}.get(mood, -0.02)
        tilt = {"angry": -0.16, "sad": 0.14}.get(mood, 0.03) * side
        brow = _shape(at, (0.02 + side * 0.36, -0.32 + lift + tilt), (0.3 + side * 0.36, -0.32 + lift - tilt))
        line(on, brow, inks.line, _thick(r, 0.06))
        if mood == "happy":
            ellipse(on, *at(0.16 + side * 0.58, 0.4), r * 0.13, r * 0.07, inks.blush)
    line(on, _shape(at, (0.24, 0.28), (0.3, 0.36)), inks.line, _thick(r, 0.045))
    _mouth(on, inks, at, r, mood)


def _eye(on: Canvas, inks: Inks, at: Place, r: float, dx: float, mood: str) -> None:
    if mood == "happy":
        line(on, curve(*_shape(at, (dx - 0.16, 0.14), (dx, 0), (dx + 0.16, 0.14)), steps=5), inks.line, _thick(r, 0.08))
        return
    ry = {"shock": 0.27, "sad": 0.17, "angry": 0.17}.get(mood, 0.22)
    iris = 0.5 if mood == "shock" else 0.8
    ellipse(on, *at(dx, 0.08), r * 0.17, r * ry, inks.paper, inks.line)
    ellipse(on, *at(dx + 0.02, 0.09), r * 0.15 * iris, r * ry * iris, inks.line)
    ellipse(on, *at(dx + 0.07, 0.0), r * 0.05, r * 0.07, inks.paper)
    line(
        on,
        curve(*_shape(at, (dx - 0.2, 0.02), (dx, 0.06 - ry), (dx + 0.2, 0.02)), steps=5),
        inks.line,
        _thick(r, 0.085),
    )


def _mouth(on: Canvas, inks: Inks, at: Place, r: float, mood: str) -> None:
    if mood == "shock":
        ellipse(on, *at(0.2, 0.64), r * 0.12, r * 0.16, inks.line)
    elif mood == "happy":
        polygon(
            on,
            curve(*_shape(at, (-0.02, 0.5), (0.2, 0.55), (0.42, 0.5), (0.2, 0.82), (-0.02, 0.5)), steps=6),
            inks.line,
        )
    else:
        bend = {"sad": -0.06, "angry": -0.05}.get(mood, 0.05)
        line(on, curve(*_shape(at, (0.06, 0.6), (0.2, 0.6 + bend), (0.36, 0.58)), steps=5), inks.line, _thick(r, 0.05))


def _hair_behind(on: Canvas, inks: Inks, look: Look, at: Place, r: float) -> None:
    if look.hair == "long":
        back = curve(
            *_shape(
                at,
                (0.9, -0.3),
                (0, -1.24),
                (-1.05, -0.4),
                (-1.2, 1),
                (-1.35, 2.5),
                (-0.3, 2.2),
                (0.75, 1.9),
                (0.95, 0.4),
            )
        )
        polygon(on, back, look.hair_paint, inks.line)
    elif look.hair in ("bob", "bun"):
        polygon(
            on,
            curve(*_shape(at, (0.95, -0.2), (0, -1.2), (-1.08, -0.3), (-1.08, 0.95), (0.2, 1.05), (0.98, 0.85))),
            look.hair_paint,
            inks.line,
        )
    if look.hair == "bun":
        ellipse(on, *at(-0.35, -1.3), r * 0.42, r * 0.38, look.hair_paint, inks.line)


def _fringe(on: Canvas, inks: Inks, look: Look, at: Place, r: float) -> None:
    if look.hair == "spiky":
        outline = []
        for step in range(17):
            angle = math.pi * (1.08 - 1.16 * step / 16)
            far = 1.38 if step % 2 else 1.06
            outline.append((math.cos(angle) * far, -math.sin(angle) * far - 0.05))
        outline += [
            (0.82, 0.05),
            (0.62, -0.3),
            (0.44, -0.08),
            (0.2, -0.42),
            (-0.02, -0.14),
            (-0.3, -0.44),
            (-0.5, -0.1),
            (-0.7, -0.3),
        ]
        polygon(on, _shape(at, *outline), look.hair_paint, inks.line)
        return
    fringe = [
        (-0.92, 0.35),
        (-0.98, -0.4),
        (-0.5, -1.06),
        (0.1, -1.12),
        (0.7, -0.86),
        (0.95, -0.2),
        (0.9, 0.3),
        (0.74, -0.12),
    ]
    fringe += [(0.55, -0.42), (0.4, -0.2), (0.2, -0.46), (0.02, -0.24), (-0.2, -0.5), (-0.45, -0.2), (-0.7, -0.3)]
    polygon(on, _shape(at, *fringe), look.hair_paint, inks.line)
    if not isinstance(look.hair_paint, tuple) and look.hair_paint == 0:
        line(on, curve(*_shape(at, (-0.5, -0.84), (-0.1, -0.92), (0.35, -0.86)), steps=6), inks.paper, r * 0.07)


def _shoulders(on: Canvas, inks: Inks, look: Look, at: Place, _r: float) -> None:
    outline = curve(
        *_shape(at, (-1.6, 6), (-1.45, 2.2), (-1.1, 1.5), (-0.3, 1.18), (0.36, 1.18), (1.1, 1.5), (1.4, 2.2), (1.6, 6))
    )
    polygon(on, outline, look.cloth, inks.line)
    for side in (-1, 1):
        line(on, _shape(at, (side * 0.95, 2.2), (side * 0.9, 6)), inks.line)
    line(on, _shape(at, (0.04, 1.5), (0.04, 6)), inks.line)
    _neck(on, inks, look, at)


def _neck(on: Canvas, inks: Inks, look: Look, at: Place) -> None:
    polygon(on, _shape(at, (-0.3, 0.7), (-0.32, 1.35), (0.34, 1.35), (0.3, 0.7)), inks.skin, inks.line)
    polygon(
        on,
        curve(
            *_shape(at, (-0.6, 1.1), (0.03, 1.3), (0.66, 1.1), (0.7, 1.5), (0.03, 1.72), (-0.66, 1.5), (-0.6, 1.1)),
            steps=6,
        ),
        look.scarf,
        inks.line,
    )


def _coat(on: Canvas, inks: Inks, look: Look, at: Place, r: float) -> None:
    for side in (-1, 1):
        leg = _shape(at, (side * 0.55, 3.0), (side * 0.5, 4.75), (side * 0.12, 4.75), (side * 0.08, 3.0))
        polygon(on, leg, inks.line if look.cloth != inks.line else inks.paper, inks.line)
        ellipse(on, *at(side * 0.33 + 0.08, 4.85), r * 0.32, r * 0.15, inks.line)
    _arm(on, inks, look, at, r, (-0.62, 1.4), (-1.1, 2.2), (-0.95, 2.95))
    polygon(
        on,
        curve(
            *_shape(
                at,
                (-1.0, 3.5),
                (-0.8, 2.2),
                (-0.62, 1.3),
                (0, 1.12),
                (0.66, 1.3),
                (0.8, 2.2),
                (1.0, 3.5),
                (0, 3.62),
                (-1.0, 3.5),
            ),
            steps=6,
        ),
        look.cloth,
        inks.line,
    )
    line(on, _shape(at, (0.03, 1.6), (0.03, 3.55)), inks.line)
    hand = (1.35, 1.95) if look.holds else (1.05, 2.95)
    if look.holds == "umbrella":
        _umbrella(on, inks, look, at, r)
    _arm(on, inks, look, at, r, (0.6, 1.45), (1.05, 2.25), hand)
    if look.holds == "lantern":
        lantern(on, inks, *at(1.4, 2.75), r * 0.5)
    elif look.holds == "key":
        _key(on, inks, at, r)
    _neck(on, inks, look, at)


def _arm(on: Canvas, inks: Inks, look: Look, at: Place, r: float, *joints: Point) -> None:
    points = _shape(at, *joints)
    line(on, points, inks.line, r * 0.42 + 2 * LINE)
    solid = inks.paper if look.cloth is None or (isinstance(look.cloth, tuple) and len(look.cloth) == 2) else look.cloth
    line(on, points, solid, r * 0.42)
    ellipse(on, *points[-1], r * 0.22, r * 0.22, inks.skin, inks.line)


def lantern(on: Canvas, inks: Inks, x: float, y: float, r: float) -> None:
    """A paper lantern hanging at (x, y), `r` half as wide."""
    line(on, [(x, y - r * 1.9), (x, y - r)], inks.line)
    ellipse(on, x, y, r, r * 1.15, inks.glow, inks.line)
    for level in (-0.5, 0, 0.5):
        half = r * math.sqrt(1 - level * level)
        line(
            on,
            curve((x - half, y + level * r), (x, y + level * r + r * 0.12), (x + half, y + level * r), steps=4),
            inks.line,
            4,
        )
    for edge in (-1.1, 1.1):
        line(on, [(x - r * 0.4, y + edge * r), (x + r * 0.4, y + edge * r)], inks.line, r * 0.22)


def _umbrella(on: Canvas, inks: Inks, look: Look, at: Place, r: float) -> None:
    line(on, _shape(at, (1.35, 2.1), (1.0, -1.5)), inks.line, r * 0.1)
    rim = [
        (-1.3, -0.75),
        (-0.85, -1.0),
        (-0.3, -0.9),
        (0.3, -1.15),
        (0.95, -1.0),
        (1.6, -1.2),
        (2.2, -0.95),
        (2.85, -1.1),
    ]
    dome = curve(*_shape(at, (2.85, -1.1), (2.3, -2.3), (0.9, -2.9), (-0.6, -2.2), (-1.3, -0.75)), steps=8)
    polygon(on, [*_shape(at, *rim), *dome], look.scarf, inks.line)
    for dx in (-0.3, 0.95, 2.2):
        line(
            on, curve(at(0.9, -2.9), at((0.9 + dx) / 2 + (dx - 0.9) * 0.15, -2.2), at(dx, -1.0), steps=5), inks.line, 4
        )


def _key(on: Canvas, inks: Inks, at: Place, r: float) -> None:
    ellipse(on, *at(1.4, 1.35), r * 0.34, r * 0.34, inks.glow, inks.line)
    ellipse(on, *at(1.4, 1.35), r * 0.15, r * 0.15, inks.paper, inks.line)
    line(on, _shape(at, (1.4, 1.7), (1.4, 2.7)), inks.line, r * 0.16)
    for dy in (2.4, 2.65):
        line(on, _shape(at, (1.4, dy), (1.68, dy)), inks.line, r * 0.14)
