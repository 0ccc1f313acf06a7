"""Decoding of images, in a process of its own: hostile bytes that crash a decoder, or never let it end, cost only that.

    python -m roliascan.library.decoding

reads a line of JSON, `[wish, kind, header, size]`, and `size` bytes of an image, again and again. It answers each with
a line, the number of bytes that follow it and `[found, variants]`, and these bytes. `found` is
`[width, height, placeholder]`, as stored, or what is wrong, as text, or null where memory ran out; each variant says
what image_terms.Variant does, but for its content how many bytes it has, in their order.
"""

import json
import os
import resource
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from roliascan.library.image_terms import Header, ImageDamaged, Variant, Wish

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MOST_MEMORY = 2 << 30  # bytes of address space: twice what the largest image takes
_SERVER = 128 << 20  # bytes that the service itself needs, of what there is
_LEAST = 64 << 20
_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
MOST_CPU_S = 30  # of a processor, for one image; the largest takes some 5

_SAID = 1_000  # characters of what is wrong

Found = tuple[int, int, str]


def main() -> None:
    """Answers until the input ends."""
    _limit(resource.RLIMIT_AS, most_memory(os.environ))
    _limit(resource.RLIMIT_CORE, 0)
    _make_pillow_strict()
    asks, tells = sys.stdin.buffer, sys.stdout.buffer
    for line in asks:
        wish, kind, header, size = json.loads(line)
        content = asks.read(size)
        _limit_time()
        found, variants = _answer(kind, content, Header(*header), wish)
        del content
        told = json.dumps([found, [(*one[:-1], len(one.content)) for one in variants]])
        tells.write(f"{sum(len(one.content) for one in variants)} {told}\n".encode())
        tells.writelines(one.content for one in variants)
        tells.flush()


def most_memory(environ: Mapping[str, str], groups: Sequence[str] = _GROUPS) -> int:
    """Bytes for one decoder, so that the platform does not end the whole instance for one image.

    AWS Lambda says what there is in its environment, and serves one request at a time; in a container its control group
    does (docs.kernel.org/admin-guide/cgroup-v2.html), and two may decode at once.
    """
    megabytes = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if megabytes.isdecimal():
        return _within((int(megabytes) << 20) - _SERVER)
    return min(_within((_number(path) - _SERVER) // 2) for path in groups)


def _within(size: int) -> int:
    return max(_LEAST, min(size, MOST_MEMORY))


def _number(path: str) -> int:
    """What a file holds; without one, or where it says that there is no limit, more than anybody has."""
    with suppress(OSError, ValueError):
        return int(Path(path).read_text())
    return 1 << 60


def _limit_time() -> None:
    """From now on; who goes on for longer is killed (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + MOST_CPU_S)


def _limit(what: int, most: int) -> None:
    """Below a limit that is there already, and where a system knows none, all goes on without."""
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _answer(kind: str, content: bytes, header: Header, wish: Wish) -> tuple[Found | str | None, Sequence[Variant]]:
    try:
        return decoded(kind, content, header, wish)
    except MemoryError:
        return None, ()
    except Exception as error:  # hostile bytes make a decoder raise about anything
        return f"{type(error).__name__}: {error}"[:_SAID], ()


def decoded(kind: str, content: bytes, header: Header, wish: Wish = "nothing") -> tuple[Found, Sequence[Variant]]:
    """Width and height as stored, and the mean colour, of the first frame; after every frame was decoded.

    And what is wished for beside it.
    """
    with closing(_open(kind, content)) as image:
        _check_agreement(kind, image, header)
        image.load()
        first = image.width, image.height, _mean_colour(image)
        made = _made(kind, content, image, header, wish)
        for number in range(1, header.frames):
            image.seek(number)
            image.load()
        return first, made


def _made(kind: str, content: bytes, image: "ImageFile", header: Header, wish: Wish) -> Sequence[Variant]:
    if wish == "nothing":
        return ()
    from roliascan.library import encoding

    page = encoding.page_of(kind, content, image, header.frames)
    return list(encoding.jpeg(page) if wish == "jpeg" else encoding.variants(page))


def _open(kind: str, content: bytes) -> "ImageFile":
    """Opened by the one class for its kind: PIL.Image.open would try others, and turns some JPEGs into MPO (UP-08)."""
    source = BytesIO(content)
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

    Its TIFF module warns of metadata only, which we do not use.
    """
    warnings.filterwarnings("error", module=r"PIL\.")
    warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")


def _check_agreement(kind: str, image: "ImageFile", header: Header) -> None:
    """Pillow must have understood what was checked; else what it decodes has no limit."""
    if kind == "avif":
        agree = image.width * image.height <= header.width * header.height
    else:
        agree = image.size == (header.width, header.height)
    if not agree or (kind != "gif" and getattr(image, "n_frames", 1) != header.frames):
        raise ImageDamaged


def _mean_colour(image: "ImageFile") -> str:
    """In strips, because converting the whole would double the memory."""
    from PIL.Image import Resampling

    from roliascan.library.pictures import high_bytes

    rows = max(1, 250_000 // image.width)
    sums = [0.0, 0.0, 0.0]
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        strip = image.crop((0, top, image.width, bottom))
        if strip.mode == "I;16":
            strip = high_bytes(strip)
        *colours, alpha = strip.convert("RGBA").resize((1, 1), Resampling.BOX).tobytes()
        for band, colour in enumerate(colours):
            sums[band] += (bottom - top) * (colour * alpha + 255 * (255 - alpha)) / 255
    return "#" + "".join(f"{round(value / image.height):02x}" for value in sums)


if __name__ == "__main__":
    main()
