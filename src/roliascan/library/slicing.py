"""Slicing: where tall strips are cut, so that a reader loads and shows a part at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_TALL = 3_000  # pixels, and three times as high as wide: what is lower is a page
_MOST = 2_000  # pixels of a slice
_STEP = 16  # pixels of a JPEG's blocks, of which colours share one
_MOVES = 192  # pixels that a cut may move to where nothing is drawn
_SAME = 8  # of 255: a row of a scan or a JPEG that differs less is of one colour


def cuts(picture: "Image") -> Iterator[tuple[int, int]]:
    """Top and bottom of each slice, in order, without gaps; none where the picture is no strip.

    All but the last are multiples of 16 high, none is higher than 2,000.
    """
    if not is_strip(*picture.size):
        return
    top = 0
    while (left := picture.height - top) > _MOST:
        number = -(-left // _MOST)
        wanted = -(-left // (number * _STEP)) * _STEP
        bottom = top + _quiet(picture, top, wanted)
        yield top, bottom
        top = bottom
    yield top, picture.height


def is_strip(width: int, height: int) -> bool:
    return height > _TALL and height > 3 * width


def _quiet(picture: "Image", top: int, wanted: int) -> int:
    """The height next to `wanted` at which both rows are of one colour; else `wanted`."""
    for moved in range(0, _MOVES + _STEP, _STEP):
        for height in (wanted - moved, wanted + moved):
            if height <= _MOST and _is_quiet(picture, top + height):
                return height
    return wanted


def _is_quiet(picture: "Image", row: int) -> bool:
    """The row and the one above it."""
    bands = picture.crop((0, row - 1, picture.width, row + 1)).getextrema()
    pairs = bands if isinstance(bands[0], tuple) else (bands,)
    return all(most - least <= _SAME for least, most in pairs)
