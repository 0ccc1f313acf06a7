"""Images: what an uploaded file really is, and the refusal of what no reader could be shown."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

import msgspec

from roliascan.errors import Busy, TooManyAtOnce
from roliascan.library.image_terms import Header, ImageDamaged, ImageTooLarge

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Pillow and what reads headers cost a cold start some 50 ms: they are imported in the functions that need them.

ImageType = Literal["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]

MAX_SIDE = 65_535  # pixels; JPEG and GIF can say no more, and browsers show no more
MAX_FRAMES = 1_000  # of an animation: each costs time, however small it is
_AT_ONCE = BoundedSemaphore(2)  # decodes per process: each holds up to 4 to 16 bytes for a pixel
_WAIT = 10.0  # seconds for a turn to decode


class Image(msgspec.Struct, frozen=True):
    """What inspect found out.

    `width` and `height` are pixels as a reader sees them: an image that is shown a quarter turned (EXIF orientation in
    a JPEG, or in a PNG before its pixels; `irot` in an AVIF) has them swapped here. EXIF in a WebP turns nothing, as in
    browsers. `bytes` and `sha256` (lower-case hex) are of the file as it was sent. `placeholder` is the mean colour of
    the first frame on white paper, as #rrggbb. `wide` tells a spread: wider than high.
    """

    type: ImageType
    extension: str
    width: int
    height: int
    bytes: int
    sha256: str
    placeholder: str
    wide: bool


class _Format(NamedTuple):
    type: ImageType
    extension: str


_FORMATS = {
    "jpeg": _Format("image/jpeg", "jpg"),
    "png": _Format("image/png", "png"),
    "webp": _Format("image/webp", "webp"),
    "gif": _Format("image/gif", "gif"),
    "avif": _Format("image/avif", "avif"),
}


def inspect(source: BinaryIO, *, max_bytes: int, max_pixels: int = 40_000_000, wait: float = _WAIT) -> Image:
    """Reads the whole of `source` (seekable; left at its start), and vouches that it is an image which can be shown.

    Only its bytes tell what it is. Size, frames and completeness are checked from its structure before anything is
    decoded; then every frame is decoded, `max_pixels` in all of them together. That needs, for each pixel, 4 bytes
    (JPEG, PNG, GIF), 7 (progressive JPEG), 9 (AVIF) or 16 (WebP; its decoder keeps several copies): choose `max_pixels`
    by the memory there is. `wait` is how many seconds to wait for one of the two turns to decode.

    Raises NotAnImage, UnsupportedImage, ImageDamaged, ImageTooLarge, and Busy when no turn came or memory ran out.
    """
    import hashlib

    from roliascan.library.image_headers import read_header, sniff

    source.seek(0)
    content = source.read(max_bytes + 1)
    source.seek(0)
    if len(content) > max_bytes:
        raise ImageTooLarge(
            f"The file is larger than {max_bytes / 2**20:.4g} MB; save it with less quality or smaller."
        )
    kind = sniff(content)
    header = read_header(kind, content)
    _check_size(header, max_pixels)
    with _turn(wait):
        width, height, placeholder = _decode(kind, content, header)
    if header.turned:
        width, height = height, width
    return Image(
        type=_FORMATS[kind].type,
        extension=_FORMATS[kind].extension,
        width=width,
        height=height,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        placeholder=placeholder,
        wide=width > height,
    )


def _check_size(header: "Header", max_pixels: int) -> None:
    if header.pixels > max_pixels or max(header.width, header.height) > MAX_SIDE or header.frames > MAX_FRAMES:
        frames = f" in each of {header.frames} frames (at most {MAX_FRAMES})" if header.frames > 1 else ""
        raise ImageTooLarge(
            f"The image has {header.width} x {header.height} pixels{frames}; the limit is {max_pixels / 1e6:g} million "
            f"in all, and {MAX_SIDE} on a side: save it smaller, or cut it into several pages."
        )


@contextmanager
def _turn(wait: float) -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=wait):
        raise TooManyAtOnce("Too many images are being checked right now; please try again.", retry_after=5)
    try:
        yield
    finally:
        _AT_ONCE.release()


def _decode(kind: str, content: bytes, header: "Header") -> tuple[int, int, str]:
    """Width and height as stored, and the placeholder, of the first frame; after every frame was decoded."""
    _make_pillow_strict()
    try:
        return _decode_frames(kind, content, header)
    except ImageDamaged:
        raise
    except MemoryError:
        raise Busy("There is too little memory for this image right now; please try again.") from None
    except Exception as error:
        # Hostile bytes make a decoder raise about anything. Its traceback holds the pixels: it must not outlive this.
        raise ImageDamaged from error.with_traceback(None)


def _decode_frames(kind: str, content: bytes, header: "Header") -> tuple[int, int, str]:
    with closing(_open(kind, content)) as image:
        _check_agreement(kind, image, header)
        image.load()
        first = image.width, image.height, _mean_colour(image)
        for number in range(1, header.frames):
            image.seek(number)
            image.load()
        return first


def _open(kind: str, content: bytes) -> "ImageFile":
    """Opened by the one class for its kind: PIL.Image.open would try others, and turns some JPEGs into MPO (UP-08)."""
    import io

    source = io.BytesIO(content)
    if kind == "jpeg":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(source)
    if kind == "png":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(source)
    if kind == "webp":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(source)
    if kind == "gif":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile(source)
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread of the decoder holds frames of its own
    return AvifImagePlugin.AvifImageFile(source)


def _make_pillow_strict() -> None:
    """Pillow's warnings become errors: it warns of what it then reads wrongly, or reads only in part.

    Set for the process and not with catch_warnings, which does not hold between threads. Its TIFF module warns of
    metadata only, which we do not use.
    """
    import warnings

    warnings.filterwarnings("error", module=r"PIL\.")
    warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")


def _check_agreement(kind: str, image: "ImageFile", header: "Header") -> None:
    """Pillow must have understood what was checked; else what it decodes has no limit."""
    if kind == "avif":
        agree = image.width * image.height <= header.width * header.height
    else:
        agree = image.size == (header.width, header.height)
    if not agree or (kind != "gif" and getattr(image, "n_frames", 1) != header.frames):
        raise ImageDamaged


def _mean_colour(image: "ImageFile") -> str:
    """In strips, because converting the whole would double the memory."""
    from PIL.Image import Resampling, frombytes

    rows = max(1, 250_000 // image.width)
    sums = [0.0, 0.0, 0.0]
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        strip = image.crop((0, top, image.width, bottom))
        if strip.mode == "I;16":  # which convert would clip: take the high byte of each sample
            strip = frombytes("L", strip.size, strip.tobytes()[1::2])
        *colours, alpha = strip.convert("RGBA").resize((1, 1), Resampling.BOX).tobytes()
        for band, colour in enumerate(colours):
            sums[band] += (bottom - top) * (colour * alpha + 255 * (255 - alpha)) / 255
    return "#" + "".join(f"{round(value / image.height):02x}" for value in sums)
