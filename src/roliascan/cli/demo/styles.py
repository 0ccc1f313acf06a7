"""How each series of the demo looks: its places, its people, its colours."""

from typing import NamedTuple

from roliascan.cli.demo.figures import Inks, Look
from roliascan.cli.demo.ink import Colour, Tone
from roliascan.cli.demo.scenes import Air

DAY = Air(255, Tone(0.02, 0.14), Tone(0.12), Tone(0.22), Tone(0.4), 255, 0)
DUSK = Air(Tone(0.5, 0.04), Tone(0.2), Tone(0.2), Tone(0.34), Tone(0.55), 255, 0)
NIGHT = Air(0, 0, Tone(0.6), Tone(0.45), 0, 255, 0)
MANGA = Inks(0, 255, 255, 255, Tone(0.2))

INK: Colour = (34, 28, 44)
COLOURED = Inks(INK, (252, 224, 202), (255, 255, 255), (255, 214, 110), (244, 160, 150))


class Style(NamedTuple):
    """`cast` is drawn with tones, `coloured` with colours; `airs` are coloured skies, the first for the cover.

    `byline` is the author in letters that can be drawn, where the name has others.
    """

    places: tuple[str, ...]
    cast: tuple[Look, ...]
    coloured: tuple[Look, ...]
    airs: tuple[Air, ...]
    sounds: tuple[str, ...]
    title_ink: Colour
    title_edge: Colour
    byline: str = ""


def _air(sky: Colour, low: Colour, far: Colour, mid: Colour, near: Colour, light: Colour = (255, 246, 214)) -> Air:
    return Air(sky, low, far, mid, near, light, INK)


_NAVY = _air((18, 30, 72), (92, 96, 150), (58, 66, 118), (40, 62, 110), (24, 34, 70))
_CORAL = _air((250, 150, 120), (255, 220, 168), (214, 128, 130), (120, 120, 170), (70, 70, 120))
_SKY = _air((98, 186, 236), (226, 244, 250), (152, 202, 190), (70, 160, 190), (48, 104, 120), (255, 255, 255))
_LILAC = _air((70, 54, 120), (186, 140, 190), (110, 86, 150), (82, 66, 128), (52, 42, 92))
_TEAL = _air((14, 70, 86), (110, 180, 170), (60, 130, 130), (36, 96, 104), (20, 58, 70))
_BRASS = _air((204, 156, 84), (250, 230, 180), (180, 140, 90), (140, 104, 70), (92, 66, 50))
_FAIR = _air((48, 26, 66), (206, 90, 86), (120, 54, 88), (92, 40, 78), (56, 26, 58), (255, 220, 140))

STYLES = {
    "lanterns": Style(
        ("sea", "city", "room", "sea"),
        (
            Look("spiky", 0, Tone(0.3), 255, "lantern"),
            Look("bob", Tone(0.35), 255, 0),
            Look("bun", 255, 0, Tone(0.2), "key"),
        ),
        (
            Look("spiky", (58, 44, 66), (58, 92, 130), (226, 96, 76), "lantern"),
            Look("bob", (196, 112, 62), (244, 226, 190), (60, 110, 120)),
        ),
        (_NAVY,),
        ("SPLASH", "CLANG", "WHOOSH"),
        (255, 224, 130),
        (30, 30, 66),
    ),
    "sky": Style(
        ("hills", "plain", "hills", "city"),
        (Look("long", 0, 255, Tone(0.3)), Look("spiky", Tone(0.3), Tone(0.15), 0)),
        (
            Look("long", (72, 58, 96), (250, 250, 255), (240, 120, 140)),
            Look("spiky", (150, 110, 80), (90, 150, 190), (40, 60, 90)),
        ),
        (_SKY,),
        ("ゴゴゴ", "ドン!", "ザー"),
        (255, 255, 255),
        (40, 96, 150),
        "アマノ ユキ",
    ),
    "tides": Style(
        ("sea", "hills", "sea", "room"),
        (
            Look("bun", Tone(0.3), 255, 0),
            Look("spiky", 255, Tone(0.2), Tone(0.45)),
            Look("bob", 0, Tone(0.3), 255, "lantern"),
        ),
        (
            Look("bun", (214, 120, 70), (250, 244, 230), (54, 120, 160)),
            Look("bob", (60, 46, 50), (90, 150, 170), (250, 220, 140)),
        ),
        (_CORAL,),
        ("PLOUF", "DONG", "FSSSH"),
        (255, 250, 236),
        (170, 62, 74),
    ),
    "umbrella": Style(
        ("rain", "city", "room", "plain"),
        (Look("long", Tone(0.35), 255, Tone(0.2), "umbrella"), Look("spiky", 0, Tone(0.3), 255)),
        (
            Look("long", (92, 66, 110), (246, 226, 236), (250, 206, 90), "umbrella"),
            Look("spiky", (52, 56, 80), (110, 160, 170), (236, 120, 110), "lantern"),
        ),
        (_LILAC, _TEAL, _NAVY, _CORAL),
        ("톡 톡", "쿵!", "쏴아"),
        (255, 232, 150),
        (58, 40, 100),
    ),
    "clockwork": Style(
        ("city", "room", "hills", "room"),
        (Look("bob", 255, 0, Tone(0.3), "key"), Look("spiky", Tone(0.4), 255, 0)),
        (
            Look("bob", (236, 206, 150), (88, 120, 96), (196, 72, 60), "key"),
            Look("spiky", (110, 70, 50), (70, 74, 96), (230, 190, 120)),
        ),
        (_BRASS,),
        ("TICK", "CRACK", "WHIRR"),
        (255, 244, 214),
        (92, 52, 34),
    ),
    "foxes": Style(
        ("city", "plain", "hills", "rain"),
        (Look("bun", 0, 255, Tone(0.4), "lantern"), Look("long", Tone(0.25), Tone(0.1), 0, "umbrella")),
        (
            Look("bun", (46, 36, 52), (232, 104, 72), (255, 226, 170), "lantern"),
            Look("long", (130, 80, 70), (246, 236, 220), (90, 60, 110)),
        ),
        (_FAIR,),
        ("RUSTLE", "POP", "HUSH"),
        (255, 214, 120),
        (74, 22, 54),
    ),
}
