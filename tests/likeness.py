"""How much two pictures look alike."""

from math import inf, log10
from statistics import fmean

from PIL import Image, ImageChops, ImageMath, ImageStat

_BLOCK = 8
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity of their brightness (Wang, Bovik, Sheikh, Simoncelli, 2004), the mean of blocks of 8 x 8.

    1 where they are equal. Both are of one size.
    """
    a, b = (image.convert("L").convert("F") for image in (one, other))
    mean_a, mean_b = a.reduce(_BLOCK), b.reduce(_BLOCK)
    squares_a, squares_b, products = (_times(x, y).reduce(_BLOCK) for x, y in ((a, a), (b, b), (a, b)))
    likeness = ImageMath.lambda_eval(
        lambda of: (
            (2 * of["a"] * of["b"] + _C1)
            * (2 * (of["ab"] - of["a"] * of["b"]) + _C2)
            / (of["a"] * of["a"] + of["b"] * of["b"] + _C1)
            / (of["aa"] - of["a"] * of["a"] + of["bb"] - of["b"] * of["b"] + _C2)
        ),
        a=mean_a,
        b=mean_b,
        aa=squares_a,
        bb=squares_b,
        ab=products,
    )
    return float(likeness.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def _times(one: Image.Image, other: Image.Image) -> Image.Image:
    product: Image.Image = ImageMath.lambda_eval(lambda of: of["one"] * of["other"], one=one, other=other)
    return product


def psnr(one: Image.Image, other: Image.Image) -> float:
    """How far they are apart in all channels, in dB; infinite where they are equal. Both are of one size and mode."""
    squares = fmean(value**2 for value in ImageStat.Stat(ImageChops.difference(one, other)).rms)
    return 10 * log10(255**2 / squares) if squares else inf
