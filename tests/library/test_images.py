"""Images: what is taken, as what, and what is refused before and while it is decoded."""

import hashlib
import io
import random
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from roliascan.errors import Busy, Invalid, Refusal, TooLarge, UnsupportedType
from roliascan.library import decoding, images
from roliascan.library.image_headers import read_header, sniff
from roliascan.library.image_terms import ImageDamaged, ImageTooLarge, ImageType, NotAnImage, UnsupportedImage
from roliascan.library.images import Image, inspect
from tests.drawings import (
    RED,
    WHOLE,
    animation,
    avif_of,
    avif_payload,
    box,
    chunk,
    draw,
    exif,
    flat,
    gif_header,
    huge_avif,
    jpeg_header,
    page,
    png_header,
    riff,
    save,
    segment,
    spoil,
    webp_header,
    whole,
    with_avif_payload,
    with_chunks,
    with_segments,
)

TYPES: dict[str, tuple[ImageType, str]] = {
    "jpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "webp": ("image/webp", "webp"),
    "gif": ("image/gif", "gif"),
    "avif": ("image/avif", "avif"),
}
KINDS = list(TYPES)


def look(content: bytes, *, max_bytes: int = 10_000_000, max_pixels: int = 40_000_000, wait: float = 10) -> Image:
    found, *_ = inspect(io.BytesIO(content), max_bytes=max_bytes, max_pixels=max_pixels, wait=wait)
    return found


def colour(placeholder: str) -> tuple[int, ...]:
    assert placeholder.startswith("#")
    assert placeholder == placeholder.lower()
    return tuple(bytes.fromhex(placeholder[1:]))


def run(program: str, *arguments: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_described(kind: str) -> None:
    content = flat(kind, 60, 90, quality=90)
    image = look(content)
    assert (image.type, image.extension) == TYPES[kind]
    assert (image.width, image.height, image.wide) == (60, 90, False)
    assert image.bytes == len(content)
    assert image.sha256 == hashlib.sha256(content).hexdigest()
    assert all(abs(seen - drawn) <= 4 for seen, drawn in zip(colour(image.placeholder), RED, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".html", ".png.html"])
def test_the_name_of_a_file_means_nothing(kind: str, suffix: str, tmp_path: Path) -> None:  # UP-01
    path = tmp_path / ("page" + suffix)
    path.write_bytes(page(kind))
    with path.open("rb") as source:
        image, *_ = inspect(source, max_bytes=10_000_000)
        assert source.tell() == 0  # ready to be stored
    assert (image.type, image.extension) == TYPES[kind]


def test_a_spread_is_wide() -> None:
    assert look(page(width=91, height=90)).wide
    assert not look(page(width=90, height=90)).wide


def test_the_source_is_read_from_its_start() -> None:
    source = io.BytesIO(page())
    source.seek(0, io.SEEK_END)
    assert inspect(source, max_bytes=10_000_000)[0].width == 60


NOT_IMAGES = {  # UP-02
    "nothing": b"",
    "a byte": b"\xff",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
    "xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "pdf": b"%PDF-1.7\n",
    "swf": b"FWS\x06" + bytes(60),
    "script": b"alert(1)//",
    "gif script": b"GIF=1;alert(1)",
    "zip": b"PK\x03\x04" + bytes(60),
    "elf": b"\x7fELF" + bytes(60),
    "text": "第一話".encode(),
    "mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(60),
    "mp4 with avif after its first box": b"\0\0\0\x14ftypisom\0\0\0\0isom" + b"\0\0\0\x10freeavifavif",
    "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
    "png signature mangled by a text transfer": page().replace(b"\r\n", b"\n", 1),
    "png after a space": b" " + page(),
}


@pytest.mark.parametrize("content", NOT_IMAGES.values(), ids=list(NOT_IMAGES))
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(NotAnImage) as refusal:
        look(content)
    assert isinstance(refusal.value, UnsupportedType)
    assert "JPEG, PNG, WebP, GIF or AVIF" in refusal.value.detail


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
UNSUPPORTED = {  # UP-02
    "an SVG": SVG,
    "an SVG ": b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->\n' + SVG,
    "a BMP": flat("bmp", 8, 8),
    "a TIFF": flat("tiff", 8, 8),
    "an icon": flat("ico", 16, 16),
    "a JPEG 2000": flat("jpeg2000", 8, 8),
    "a JPEG XL": b"\xff\x0a" + bytes(60),
    "a Photoshop": b"8BPS\0\x01" + bytes(60),
    "a HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_images_of_other_kinds_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedImage, match=f"This is {name.strip()} file; save it as") as refusal:
        look(UNSUPPORTED[name])
    assert isinstance(refusal.value, UnsupportedType)


def test_a_file_larger_than_the_limit_is_refused() -> None:  # UP-16
    content = page()
    assert look(content, max_bytes=len(content)).bytes == len(content)
    with pytest.raises(ImageTooLarge) as refusal:
        look(content, max_bytes=len(content) - 1)
    assert isinstance(refusal.value, TooLarge)
    with pytest.raises(ImageTooLarge, match="larger than 10 MB"):
        look(bytes(10 * 2**20 + 1), max_bytes=10 * 2**20)


@pytest.mark.parametrize("kind", KINDS)
def test_more_pixels_than_the_limit_are_refused(kind: str) -> None:
    assert look(page(kind), max_pixels=60 * 90).width == 60
    with pytest.raises(ImageTooLarge, match="60 x 90 pixels") as refusal:
        look(page(kind), max_pixels=60 * 90 - 1)
    assert isinstance(refusal.value, TooLarge)


@pytest.mark.parametrize("kind", ["png", "gif", "webp"])
def test_frames_count_as_pixels(kind: str) -> None:  # UP-05
    content = animation(kind, frames=3, width=30, height=40)
    assert (look(content, max_pixels=3 * 1200).width, look(content).height) == (30, 40)
    with pytest.raises(ImageTooLarge, match="30 x 40 pixels in each of 3 frames"):
        look(content, max_pixels=3 * 1200 - 1)


def test_the_hidden_first_image_of_an_animated_png_counts_too() -> None:  # UP-05
    frames = [draw(30, 40, seed=seed) for seed in range(3)]
    content = save(frames[0], "png", save_all=True, append_images=frames[1:], default_image=True)
    assert look(content, max_pixels=3 * 1200).width == 30
    with pytest.raises(ImageTooLarge):
        look(content, max_pixels=3 * 1200 - 1)


def animated_png_header(frames: int, width: int = 1, height: int = 1) -> bytes:
    return with_chunks(png_header(width, height), chunk(b"acTL", frames.to_bytes(4, "big") + bytes(4)))


# UP-04 and UP-05: small files that ask for very much.
BOMBS: dict[str, Callable[[], bytes]] = {
    "png 13,000 x 13,000": lambda: png_header(13_000, 13_000),
    "png 65,500 x 65,500": lambda: png_header(65_500, 65_500),
    "png 1,000,000,000 x 1": lambda: png_header(1_000_000_000, 1),
    "png 66,000 x 1": lambda: png_header(66_000, 1),
    "png 4,294,967,295 x 4,294,967,295": lambda: png_header(2**32 - 1, 2**32 - 1),
    "jpeg 20,000 x 20,000": lambda: jpeg_header(20_000, 20_000),
    "jpeg 65,500 x 65,500": lambda: jpeg_header(65_500, 65_500),
    "gif 65,535 x 65,535": lambda: gif_header(65_535, 65_535),
    "gif with a frame that sticks out": lambda: gif_header(1, 1, 2).replace(
        b",\0\0\0\0\1\0\1\0", b",\xff\xff\xff\xff\xff\xff\xff\xff", 1
    ),
    "gif with a later frame that sticks out": lambda: (
        gif_header(1, 1)[:-1] + gif_header(1, 1)[19:].replace(b"\1\0\1\0", b"\xff\xff\xff\xff", 1)
    ),
    "gif of 10,000 frames": lambda: gif_header(1, 1, 10_000),
    "gif of 500 frames": lambda: gif_header(500, 500, 500),
    "apng of 10,000 frames": lambda: animated_png_header(10_000),
    "apng of 4,294,967,295 frames": lambda: animated_png_header(2**32 - 1),
    "apng of 500 frames": lambda: animated_png_header(500, 500, 500),
    "webp 16,383 x 16,383": lambda: webp_header(16_383, 16_383),
    "webp 16,777,216 x 16,777,216": lambda: webp_header(2**24, 2**24),
    "webp, lossless": lambda: riff((b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(20))),
    "webp, lossy": lambda: riff((b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(20))),
    "webp of 10,000 frames": lambda: webp_header(1, 1, 10_000),
    "webp of 500 frames": lambda: webp_header(500, 500, 500),
    "avif 8,192 x 8,192": huge_avif,
    "avif 8,192 x 8,192 that says 64 x 64": lambda: huge_avif(says=(64, 64)),
    "avif that says more than it is": lambda: huge_avif(says=(2**31, 2**31)),
}

MEASURE = """
import io, sys
from pathlib import Path
from roliascan.library.image_terms import ImageTooLarge
from roliascan.library.images import inspect

def peak():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024

before = peak()
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        with path.open("rb") as source:
            print(path.name, "taken", inspect(source, max_bytes=10_000_000))
    except ImageTooLarge:
        pass
print(peak() - before, "PIL" in sys.modules)
"""


def test_bombs_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:  # UP-04, UP-05
    for number, bomb in enumerate(BOMBS.values()):
        (tmp_path / f"{number:02}").write_bytes(bomb())
    [line] = run(MEASURE, str(tmp_path)).splitlines()
    megabytes, decoder_loaded = line.split()
    assert int(megabytes) < 40
    assert decoder_loaded == "False"


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_name(name: str) -> None:
    with pytest.raises(ImageTooLarge):
        look(BOMBS[name]())


DECODE = """
import io, sys
from pathlib import Path
from roliascan.library import images

def peak():
    [decoder] = images._idle
    status = Path(f"/proc/{decoder.pid}/status").read_text().splitlines()
    [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

def decoded(path):
    with open(path, "rb") as source:
        image, *_ = images.inspect(source, max_bytes=10_000_000)
    return peak(), image.width * image.height

(before, small), (after, large) = map(decoded, sys.argv[1:])
print((after - before) / (large - small))
"""


@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [
        ("jpeg", {}, 6),
        ("jpeg", {"progressive": True}, 9),
        ("png", {"compress_level": 1}, 6),
        ("gif", {}, 6),
        ("webp", {"method": 0}, 22),
        ("avif", {"speed": 10}, 13),
    ],
)
def test_decoding_takes_few_bytes_a_pixel(kind: str, options: dict[str, Any], most: float, tmp_path: Path) -> None:
    """What inspect promises to those who choose max_pixels by the memory that there is.

    Of the pixels that one image has more than another; a third more is allowed, as allocators and kernels round.
    """
    (tmp_path / "small").write_bytes(flat(kind, 1000, 1000, **options))
    (tmp_path / "large").write_bytes(flat(kind, 3000, 3000, **options))
    assert float(run(DECODE, str(tmp_path / "small"), str(tmp_path / "large"))) < most


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:  # UP-07
    content = whole(name)
    assert look(content).sent_bytes == len(content)
    lengths = {len(content) * percent // 100 for percent in range(100)} | {len(content) - less for less in range(1, 16)}
    for length in lengths:
        with pytest.raises(ImageDamaged if length > 12 else (ImageDamaged, NotAnImage)) as refusal:
            look(content[:length])
        assert refusal.value.__cause__ is None  # found before anything was decoded


@pytest.mark.parametrize("name", [name for name in WHOLE if name[:4] in ("jpeg", "png", "png,", "gif", "gif,")])
def test_a_file_whose_end_was_never_written_is_refused(name: str) -> None:  # UP-07
    """A broken download has its whole length and zeros for an end."""
    content = whole(name)
    for percent in range(20, 100, 10):
        kept = len(content) * percent // 100
        with pytest.raises(ImageDamaged):
            look(content[:kept] + bytes(len(content) - kept))


def png_cut_inside() -> bytes:
    content = animation("png")
    at = content.rindex(b"fdAT")
    return content[: at - 4] + chunk(b"fdAT", content[at + 4 : at + 40]) + chunk(b"IEND", b"")


def gif_cut_inside() -> bytes:
    return gif_header(40, 40)[:-1] + b",\0\0\0\0\x28\0\x28\0\0\x02\x02\x44\x01\0;"


def webp_cut_inside() -> bytes:
    *_, last = animation("webp", width=30, height=40).split(b"ANMF")
    canvas = b"\x02\0\0\0\x1d\0\0\x27\0\0"
    cut = last[4:60]
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", cut[:20] + b"\x24\0\0\0" + cut[24:]))


@pytest.mark.parametrize("cut", [png_cut_inside, gif_cut_inside, webp_cut_inside])
def test_a_frame_that_is_cut_is_refused(cut: Callable[[], bytes]) -> None:  # UP-07
    """The structure around it is whole: only looking into the frames finds out."""
    content = cut()
    read_header(sniff(content), content)
    with pytest.raises(ImageDamaged):
        look(content)


def test_a_png_with_one_wrong_bit_is_refused() -> None:
    content = page()
    for at in range(16, len(content), 41):
        with pytest.raises(ImageDamaged):
            look(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tail", [b"\0", b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(100)], ids=["0", "js", "zip"]
)
def test_bytes_after_the_end_are_not_kept_where_decoders_pass_over_them(kind: str, tail: bytes) -> None:  # UP-03
    content = page(kind) + tail
    if kind == "avif":  # what follows would be a box
        with pytest.raises(ImageDamaged):
            look(content)
    else:
        found, kept, _ = inspect(io.BytesIO(content), max_bytes=10_000_000)
        assert (found.width, found.sent_bytes, found.bytes) == (60, len(content), len(page(kind)))
        assert kept.read() == page(kind)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_exif_orientation_gives_the_size_as_displayed(orientation: int, order: str) -> None:  # UP-21
    turned = orientation in (5, 6, 7, 8)
    tag = exif(orientation, order)
    jpeg = with_segments(page("jpeg"), segment(0xE1, b"Exif\0\0" + tag))
    png = with_chunks(page("png"), chunk(b"eXIf", tag))
    for content in (jpeg, png):
        image = look(content)
        assert (image.width, image.height, image.wide) == ((90, 60, True) if turned else (60, 90, False))


def test_exif_after_the_pixels_and_in_webp_turns_nothing() -> None:
    """As in browsers."""
    png = with_chunks(page("png"), chunk(b"eXIf", exif(6)), before=b"IEND")
    jpeg = page("jpeg")[:-2] + segment(0xE1, b"Exif\0\0" + exif(6)) + b"\xff\xd9"
    webp = save(draw(), "webp", exif=exif(6))
    assert [look(content).width for content in (png, jpeg, webp)] == [60, 60, 60]


@pytest.mark.parametrize(("orientation", "turned"), [(1, False), (3, False), (6, True), (8, True)])
def test_avif_rotation_gives_the_size_as_displayed(orientation: int, turned: bool) -> None:
    image = look(save(draw(), "avif", exif=exif(orientation)))
    assert (image.width, image.height) == ((90, 60) if turned else (60, 90))


BROKEN_EXIF = {  # UP-06
    "nothing": b"",
    "zeros": bytes(40),
    "cut": exif(6)[:20],
    "an offset beyond the end": exif(6)[:4] + b"\xff\xff\xff\xff" + exif(6)[8:],
    "an offset to itself": b"II*\0\4\0\0\0" * 10,
    "65,535 entries": exif(6)[:8] + b"\xff\xff" + exif(1)[10:],
    "no byte order": b"XX*\0" + exif(6)[4:],
    "a text as orientation": exif(6).replace(b"\x12\x01\x03", b"\x12\x01\x02"),
    "noise": random.Random(1).randbytes(2000),
}


@pytest.mark.parametrize("tag", BROKEN_EXIF.values(), ids=list(BROKEN_EXIF))
def test_broken_exif_spoils_no_image(tag: bytes) -> None:
    assert look(with_segments(page("jpeg"), segment(0xE1, b"Exif\0\0" + tag))).width == 60
    assert look(with_chunks(page("png"), chunk(b"eXIf", tag))).width == 60


def test_broken_metadata_spoils_no_image() -> None:  # UP-06
    entities = b'<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b "&a;&a;">]><x>&a;</x>'
    for body in (b"ICC_PROFILE\0\1\1" + bytes(50), b"ICC_PROFILE\0\1\7x", b"MPF\0II*\0\x08\0\0\0\xff\xff", b"MPF\0"):
        assert look(with_segments(page("jpeg"), segment(0xE2, body))).type == "image/jpeg"
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + entities)
    assert look(with_segments(page("jpeg"), xmp)).type == "image/jpeg"
    assert look(with_chunks(page(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + entities))).type == "image/png"
    assert look(with_chunks(page(), chunk(b"iCCP", b"icc\0\0" + b"no zlib"))).type == "image/png"


def bomb(name: bytes, size: int) -> bytes:
    prefix = {b"zTXt": b"text\0\0", b"iCCP": b"icc\0\0", b"iTXt": b"text\0\1\0\0\0"}[name]
    return chunk(name, prefix + zlib.compress(bytes(size), 9))


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_a_text_or_profile_that_inflates_without_end_is_refused(name: bytes, before: bytes) -> None:  # UP-06
    assert look(with_chunks(page(), bomb(name, 50_000), before=before)).type == "image/png"
    for bombs in (bomb(name, 50_000_000), bomb(name, 900_000) * 10):
        with pytest.raises(ImageDamaged, match="far too large"):
            look(with_chunks(page(), bombs, before=before))


def test_a_broken_bomb_is_not_inflated_again_and_again() -> None:  # UP-06
    broken = chunk(b"zTXt", b"text\0\0" + zlib.compress(bytes(200_000), 9)[:-4] + b"\0\0\0\0")
    assert look(with_chunks(page(), broken)).type == "image/png"
    with pytest.raises(ImageDamaged, match="far too large"):
        look(with_chunks(page(), broken * 4 + bomb(b"zTXt", 10)))


def test_a_gif_of_comments_is_refused() -> None:  # UP-06
    comments = b"!\xfe" + b"\x02xx" * 400_000 + b"\0"
    content = gif_header(1, 1)
    assert look(content[:19] + b"!\xfe" + b"\x02xx" * 1000 + b"\0" + content[19:]).type == "image/gif"
    with pytest.raises(ImageDamaged, match="comments"):
        look(content[:19] + comments + content[19:])


MANY: dict[str, Callable[[int], bytes]] = {  # UP-06
    "png": lambda times: with_chunks(page(), chunk(b"tEXt", b"a\0b") * times),
    "png, after the pixels": lambda times: with_chunks(page(), chunk(b"prVt", b"") * times, before=b"IEND"),
    "jpeg, comments": lambda times: with_segments(page("jpeg"), segment(0xFE, b"") * times),
    "jpeg, exif": lambda times: with_segments(page("jpeg"), segment(0xE1, b"Exif\0\0x") * times),
    "jpeg, tables": lambda times: with_segments(page("jpeg"), segment(0xC4, b"") * times),
    "jpeg, filling": lambda times: with_segments(page("jpeg"), b"\xff" * 80 * times),
}


@pytest.mark.parametrize("name", MANY)
def test_an_image_of_thousands_of_parts_is_refused(name: str) -> None:
    """10 MB of them took Pillow 16 s and 250 MB."""
    assert look(MANY[name](300)).width == 60
    with pytest.raises(ImageDamaged, match="thousands"):
        look(MANY[name](2000))


def test_a_jpeg_of_many_scans_is_refused() -> None:
    """Each scan goes over all pixels again, in 70 bytes."""
    content = save(draw(), "jpeg", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    assert look(content[:-2] + last * 20 + b"\xff\xd9").type == "image/jpeg"
    with pytest.raises(ImageDamaged):
        look(content[:-2] + last * 100 + b"\xff\xd9")


def test_what_must_be_there_once_is_refused_twice() -> None:
    animated = animation("png")
    at = animated.index(b"acTL") - 4
    for content in (
        with_chunks(page(), chunk(b"IHDR", page()[16:29])),
        animated[:at] + animated[at : at + 20] + animated[at:],
    ):
        with pytest.raises(ImageDamaged) as refusal:
            look(content)
        assert refusal.value.__cause__ is None


def test_a_webp_chunk_that_leaves_its_file_is_refused() -> None:
    pixel = flat("webp", 1, 1, lossless=True)
    body = pixel[20 : 20 + int.from_bytes(pixel[16:20], "little")]
    odd = riff((b"VP8L", body), (b"XMP ", b"odd"))
    assert look(odd).width == 1
    long = odd.replace(b"XMP \x03", b"XMP \x43") + bytes(100)
    for content in (odd[:-1], long):
        with pytest.raises(ImageDamaged) as refusal:
            look(content)
        assert refusal.value.__cause__ is None


def test_a_webp_of_two_sizes_is_refused() -> None:
    """The decoder takes the first; the last, which is within the limit, must not be the one that is checked."""
    canvas = [bytes(4) + (side - 1).to_bytes(3, "little") * 2 for side in (50, 5)]
    pixels = flat("webp", 50, 50, lossless=True)[12:]
    content = riff((b"VP8X", canvas[0]), (b"VP8X", canvas[1]), (b"VP8L", pixels[8:]))
    with pytest.raises((ImageDamaged, ImageTooLarge)):
        look(content, max_pixels=100)


def test_a_jpeg_of_two_sizes_is_refused() -> None:
    content = page("jpeg")
    at = content.index(b"\xff\xc0")
    with pytest.raises(ImageDamaged):
        look(content[:at] + content[at : at + 19].replace(b"\x00\x5a\x00\x3c", b"\xff\x00\xff\x00") + content[at:])


@pytest.mark.parametrize(
    ("place", "byte"),
    [(1, 0xC3), (1, 0xC9), (4, 12), (9, 2)],
    ids=["lossless", "arithmetic", "12 bits", "two channels"],
)
def test_a_jpeg_that_browsers_do_not_show_is_refused(place: int, byte: int) -> None:
    content = page("jpeg")
    at = content.index(b"\xff\xc0") + place
    with pytest.raises(UnsupportedImage, match="JPEG"):
        look(content[:at] + bytes([byte]) + content[at + 1 :])


def test_an_animated_avif_is_refused() -> None:
    content = save(draw(), "avif", save_all=True, append_images=[draw(seed=1)])
    with pytest.raises(UnsupportedImage, match="animated WebP or GIF"):
        look(content)


def test_an_avif_with_hidden_pictures_is_refused() -> None:  # UP-05
    """Frames that are decoded and never shown; the last in the file is the frame, after what describes all."""
    content = page("avif")
    payload = avif_payload(content)
    assert look(with_avif_payload(content, payload)) == look(content)
    at = next(at for at in range(len(payload)) if payload[at] == 0x32)
    with pytest.raises(ImageDamaged):
        look(with_avif_payload(content, payload + payload[at:] * 20))


def test_an_avif_of_pictures_without_end_is_refused() -> None:
    """Empty units in a picture, and boxes that are there twice."""
    content = page("avif")
    with pytest.raises(ImageDamaged):
        look(with_avif_payload(content, avif_payload(content) + b"\x12\0" * 20_000))
    box = content[content.index(b"iloc") - 4 : content.index(b"iinf") - 4]
    twice = content.replace(box, box + box).replace(b"meta", b"meta", 1)
    at = twice.index(b"meta") - 4
    size = int.from_bytes(twice[at : at + 4], "big") + len(box)
    with pytest.raises(ImageDamaged) as refusal:
        look(twice[:at] + size.to_bytes(4, "big") + twice[at + 4 :])
    assert refusal.value.__cause__ is None


def in_parts(parts: list[int], *, length: int | None = None, filling: int = 0) -> bytes:
    """An AVIF whose items, of no kind, lie in that many parts each: of no bytes that say so, or each of that length."""
    part = b"" if length is None else struct.pack(">I", length)
    places = b"".join(struct.pack(">HHH", item, 0, count) + part * count for item, count in enumerate(parts))
    locations = box(b"iloc", struct.pack(">IHH", 0, 0 if length is None else 0x0400, len(parts)), places)
    properties = box(b"iprp", box(b"ipco", box(b"ispe", struct.pack(">III", 0, 8, 8))))
    meta = box(b"meta", bytes(4), locations, box(b"iinf", bytes(6)), properties)
    return box(b"ftyp", b"avif\0\0\0\0avif") + meta + box(b"mdat", bytes(filling))


def test_an_avif_in_parts_without_end_is_refused() -> None:  # UP-04, UP-07
    """Of which 6 bytes can say 65,535, and each can be the whole file."""
    for taken, refused in (
        (in_parts([100] * 690, length=1), in_parts([100] * 700, length=1)),
        (in_parts([100], filling=50_000), in_parts([65_535, 65_535], filling=50_000)),
        (in_parts([300], length=50_000, filling=50_000), in_parts([400], length=50_000, filling=50_000)),
    ):
        assert read_header("avif", taken)[:2] == (8, 8)
        with pytest.raises(ImageDamaged):
            read_header("avif", refused)


def test_an_avif_of_pictures_of_many_units_each_is_refused() -> None:
    picture = avif_payload(page("avif")) + b"\x12\0" * 9_000
    assert read_header("avif", avif_of([(b"av01", picture)] * 11, 1, 1)).height >= 90
    with pytest.raises(ImageDamaged):
        read_header("avif", avif_of([(b"av01", picture)] * 12, 1, 1))


def test_what_an_avif_is_coded_as_counts() -> None:  # UP-04
    """Its pictures and grids, whatever size the boxes around them say."""
    picture = avif_payload(page("avif"))
    for items, pixels in [
        ([(b"av01", picture)], 60 * 90),
        ([(b"av01", picture)] * 3, 60 * 90),
        ([(b"av01", picture)] * 9, 3 * 60 * 90),
        ([(b"grid", b"\0\0\0\0\x03\x00\x02\x00")], 768 * 512),
        ([(b"grid", b"\0\1\0\0\0\1\0\0\0\1\0\0")], 65536 * 65536),
    ]:
        content = avif_of(items, 1, 1)
        with pytest.raises(ImageTooLarge):
            look(content, max_pixels=pixels - 1)
        with pytest.raises((ImageDamaged, ImageTooLarge) if pixels > 2**31 else ImageDamaged):
            look(content, max_pixels=pixels)


def test_an_avif_whose_frames_may_differ_in_size_counts_as_the_largest() -> None:
    """The header of an animation, around its first picture."""
    animated = save(draw(), "avif", save_all=True, append_images=[draw(seed=1)])
    content = animated.replace(b"avis", b"avif").replace(b"msf1", b"mif1").replace(b"moov", b"free")
    assert look(content, max_pixels=64 * 128).width == 60
    with pytest.raises(ImageTooLarge):
        look(content, max_pixels=64 * 128 - 1)


def test_an_avif_item_beyond_the_end_of_the_file_is_refused() -> None:
    content = page("avif")
    at = content.index(b"iinf") - 8
    length = int.from_bytes(content[at : at + 4], "big") + 1
    with pytest.raises(ImageDamaged) as refusal:
        look(content[:at] + length.to_bytes(4, "big") + content[at + 4 :])
    assert refusal.value.__cause__ is None


# 1 x 1, white, of seven passes.
INTERLACED = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\1")
    + chunk(b"IDAT", zlib.compress(b"\0\xff\xff\xff"))
    + chunk(b"IEND", b"")
)
ODDITIES: dict[str, tuple[Callable[[], bytes], tuple[int, int, int]]] = {  # UP-08, UP-16, UP-21
    "1 x 1": (lambda: flat("png", 1, 1), RED),
    "1 x 1 gif": (lambda: flat("gif", 1, 1), RED),
    "1 x 1 avif": (lambda: flat("avif", 1, 1, quality=100), RED),
    "a line": (lambda: flat("png", 5000, 1), RED),
    "a column": (lambda: flat("png", 1, 5000), RED),
    "jpeg, grey": (lambda: flat("jpeg", 9, 9, (100,), mode="L"), (100, 100, 100)),
    "jpeg, cmyk": (lambda: flat("jpeg", 9, 9, (0, 255, 255, 0), mode="CMYK"), (254, 0, 0)),
    "png, black and white": (lambda: save(Pillow.new("1", (9, 9), 1), "png"), (255, 255, 255)),
    "png, grey": (lambda: flat("png", 9, 9, (100,), mode="L"), (100, 100, 100)),
    "png, 16 bits": (lambda: save(Pillow.new("I;16", (9, 9), 100 * 256 + 7), "png"), (100, 100, 100)),
    "png, transparent": (lambda: flat("png", 9, 9, (0, 0, 0, 0), mode="RGBA"), (255, 255, 255)),
    "png, half transparent": (lambda: flat("png", 9, 9, (0, 0, 0, 128), mode="RGBA"), (127, 127, 127)),
    "png, grey and alpha": (lambda: flat("png", 9, 9, (100, 255), mode="LA"), (100, 100, 100)),
    "png, palette and alpha": (
        lambda: save(Pillow.new("RGBA", (9, 9), (0, 0, 0, 128)).quantize(), "png"),
        (127, 127, 127),
    ),
    "png, a transparent colour": (lambda: flat("png", 9, 9, transparency=RED), (255, 255, 255)),
    "png, interlaced": (lambda: INTERLACED, (255, 255, 255)),
    "gif, transparent": (lambda: save(Pillow.new("P", (9, 9), 0), "gif", transparency=0), (255, 255, 255)),
    "gif, animated": (
        lambda: save(Pillow.new("RGB", (9, 9), RED), "gif", save_all=True, append_images=[draw(9, 9)]),
        RED,
    ),
    "webp, animated": (
        lambda: save(Pillow.new("RGB", (9, 9), RED), "webp", lossless=True, save_all=True, append_images=[draw(9, 9)]),
        RED,
    ),
    "png, animated": (
        lambda: save(Pillow.new("RGB", (9, 9), RED), "png", save_all=True, append_images=[draw(9, 9)]),
        RED,
    ),
    "webp, transparent": (lambda: flat("webp", 9, 9, (0, 0, 0, 0), mode="RGBA", lossless=True), (255, 255, 255)),
    "avif, transparent": (lambda: flat("avif", 9, 9, (0, 0, 0, 0), mode="RGBA"), (255, 255, 255)),
    "avif, 4:4:4": (lambda: flat("avif", 9, 9, subsampling="4:4:4", quality=100), RED),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_odd_images_are_taken_and_seen_as_they_are(name: str) -> None:
    drawn, expected = ODDITIES[name]
    seen = colour(look(drawn()).placeholder)
    assert all(abs(one - other) <= 4 for one, other in zip(seen, expected, strict=True)), seen


@pytest.mark.parametrize("name", [name for name in WHOLE if "animated" not in name])
def test_the_placeholder_is_the_mean_of_all_pixels(name: str) -> None:
    content = whole(name)
    with Pillow.open(io.BytesIO(content)) as image:
        reference = image.convert("RGB").resize((1, 1), Pillow.Resampling.BOX).tobytes()
    assert all(abs(one - other) <= 1 for one, other in zip(colour(look(content).placeholder), reference, strict=True))


def test_a_tall_image_is_averaged_to_its_end() -> None:
    """White above, black below, in more than one strip."""
    image = Pillow.new("L", (500, 2100), 255)
    image.paste(0, (0, 1050, 500, 2100))
    assert look(save(image, "png")).placeholder == "#808080"


MPO = """
import io, sys
from PIL import Image
from roliascan.errors import Refusal
from roliascan.library.decoding import decoded
from roliascan.library.image_headers import read_header, sniff
from roliascan.library.images import inspect
from tests.drawings import draw, page, save

two = save(draw(), "mpo", save_all=True, append_images=[draw(seed=1)])
assert inspect(io.BytesIO(two), max_bytes=10**7)[0].type == "image/jpeg"
del sys.modules["PIL.MpoImagePlugin"]
opened = []
for name in list(Image.OPEN):
    factory, accept = Image.OPEN[name]
    Image.OPEN[name] = (lambda *given, name=name: opened.append(name), accept)
for content in [two, *(page(kind) for kind in ("jpeg", "png", "webp", "gif", "avif"))]:
    kind = sniff(content)
    decoded(kind, content, read_header(kind, content))
for kind in ("bmp", "tiff", "ico", "ppm", "tga", "pcx", "sgi", "eps", "pdf", "jpeg2000"):
    try:
        print("taken", kind, inspect(io.BytesIO(page(kind)), max_bytes=10**7))
    except Refusal:
        pass
print(opened, "PIL.MpoImagePlugin" in sys.modules)
"""


def test_no_other_format_of_pillow_is_opened() -> None:  # UP-08
    assert run(MPO).strip() == "[] False"


def test_what_pillow_warns_of_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoding._make_pillow_strict()
        warns = compile("import warnings; warnings.warn('read only in part')", "x", "exec")
        with pytest.raises(UserWarning, match="in part"):
            exec(warns, {"__name__": "PIL.PngImagePlugin"})
        exec(warns, {"__name__": "PIL.TiffImagePlugin"})
        exec(warns, {"__name__": "other"})


def test_importing_costs_no_decoder() -> None:
    loaded = run(
        "import sys, roliascan.library.images; print([m for m in sys.modules if m in {'PIL', 'hashlib', 'zlib'}])"
    )
    assert "PIL" not in loaded
    assert "image_headers" not in run("import sys, roliascan.library.images; print(*sys.modules)")


def test_at_most_two_are_decoded_at_once() -> None:
    with images._turn(0), images._turn(0):
        with pytest.raises(Busy) as refusal:
            look(page(), wait=0.01)
        assert refusal.value.retry_after == 5
        with pytest.raises(ImageTooLarge):  # what needs no decoding needs no turn
            look(png_header(13_000, 13_000), wait=0.01)
    assert look(page(), wait=0).width == 60


def test_a_refusal_gives_its_turn_back() -> None:
    without_tables = page("jpeg").replace(b"\xff\xdb", b"\xff\xfe")
    for _ in range(5):
        with pytest.raises(ImageDamaged) as refusal:
            look(without_tables, wait=0)
        assert refusal.value.__cause__ is not None  # while decoding
    assert look(page(), wait=0).width == 60


@pytest.mark.parametrize("name", WHOLE)
def test_spoiled_images_are_taken_or_refused_by_name(name: str) -> None:  # UP-09, in short
    chance = random.Random(name)
    outcomes: set[type] = set()
    for _ in range(60):
        spoiled = spoil(name, chance)
        try:
            outcomes.add(type(look(spoiled, max_pixels=1_000_000)))
        except Refusal as refusal:
            outcomes.add(type(refusal))
    assert ImageDamaged in outcomes
    assert outcomes <= {Image, ImageDamaged, NotAnImage, ImageTooLarge, UnsupportedImage}


def test_a_damaged_image_is_invalid_input() -> None:
    with pytest.raises(Invalid) as refusal:
        look(page()[:-1])
    assert refusal.value.code == "image_damaged"
    assert "save it again" in refusal.value.detail
