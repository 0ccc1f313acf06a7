"""Stripping: what tells of the maker is gone, and every pixel is what it was."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from roliascan.errors import Refusal
from roliascan.library.image_headers import gif_colours, read_header
from roliascan.library.image_terms import Header, ImageDamaged
from roliascan.library.stripping import stripped
from tests.drawings import (
    chunk,
    draw,
    exif,
    mutate,
    page,
    riff,
    save,
    segment,
    with_chunks,
    with_right_checksums,
    with_segments,
)

CANARY = b"canary"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>canary</x:xmpmeta>"
TAIL = b"<script>canary</script>PK\x03\x04canary" + page("jpeg")


@cache
def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def camera(orientation: int = 6) -> bytes:
    """EXIF as a camera writes it: its name and serial number, where it was, and a small picture."""
    told = Pillow.Exif()
    told[0x010F], told[0x0112] = "canary, maker", orientation
    told.get_ifd(0x8769)[0xA431] = "canary, serial number"
    place = told.get_ifd(0x8825)
    place[1], place[2], place[28] = "N", (35.0, 41.0, 22.0), b"canary, place"
    return told.tobytes() + save(draw(16, 16), "jpeg", comment=b"canary, thumbnail")


def opened(content: bytes) -> ImageFile:
    """As `images.inspect` opens it: what else is in a JPEG is no picture."""
    source = io.BytesIO(content)
    return JpegImageFile(source) if content[:2] == b"\xff\xd8" else Pillow.open(source)


def frames(content: bytes) -> list[tuple[Any, ...]]:
    """What Pillow shows of each frame, and for how long."""
    with opened(content) as image:
        shown = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            palette = image.palette.tobytes() if image.palette else b""
            info = [image.info.get(name) for name in ("transparency", "duration", "loop", "gamma", "dpi")]
            shown.append((image.mode, image.size, palette, image.tobytes(), *info))
        return shown


def profile_of(content: bytes) -> bytes | None:
    with opened(content) as image:
        return image.info.get("icc_profile")


def turn_of(content: bytes) -> int:
    with opened(content) as image:
        return int(image.getexif().get(0x0112, 1))


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    """A JPEG that tells what it can, wherever it can."""
    content = save(
        draw(mode=mode),
        "jpeg",
        exif=camera(),
        comment=CANARY,
        icc_profile=profile(),
        xmp=XMP,
        dpi=(300, 300),
        **options,
    )
    if content[6:10] == b"JFIF":
        content = content[:2] + segment(0xE0, content[6:18] + b"\2\1canary") + content[20:]
    at = content.find(b"\xff\xee\0\x0eAdobe")
    if at > 0:
        content = content[:at] + segment(0xEE, content[at + 4 : at + 16] + CANARY) + content[at + 16 :]
    notes = [
        (0xE0, b"JFXX\0\x13\2\1canary"),
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0canary"),
        (0xE2, b"MPF\0canary"),
        (0xE2, b"FPXR\0canary"),
        (0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\x0b\x1c\2\x50\0\6canary\0"),
        *((code, CANARY) for code in range(0xE3, 0xF0)),
    ]
    at = content.index(b"\xff\xe1")
    content = content[:at] + b"".join(segment(code, body) for code, body in notes) + b"canary" + content[at:]
    return content[:-2] + segment(0xFE, CANARY) + segment(0xE1, b"Exif\0\0" + camera(3)) + b"\xff\xd9" + TAIL


def png(image: Pillow.Image | None = None, **options: Any) -> bytes:
    content = save(image or draw(), "png", exif=camera(), icc_profile=profile(), dpi=(300, 300), **options)
    texts = [
        chunk(b"tEXt", b"Author\0<script>canary</script>"),
        chunk(b"zTXt", b"canary\0\0" + zlib.compress(XMP)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"tIME", b"\x07\xe8\1\1\1\1\1"),
        chunk(b"caBX", CANARY),
    ]
    content = with_chunks(content, b"".join(texts) + chunk(b"cHRM", bytes(32) + CANARY))
    content = with_chunks(content, b"".join(texts) + chunk(b"eXIf", camera(3)), before=b"IEND")
    return content[:-12] + chunk(b"IEND", CANARY) + TAIL


def blocks(body: bytes) -> bytes:
    """The data of an extension of a GIF file."""
    return bytes([len(body)]) + body + b"\0"


def gif(content: bytes) -> bytes:
    """The same with texts before its first frame and after its last."""
    texts = b"\x21\xfe" + blocks(CANARY) + b"\x21\xff\x0bXMP DataXMP" + blocks(XMP)
    texts += b"\x21\xff\x0bcanary, 2.0\3\1\0\0\0"
    texts += b"\x21\1\x0c" + bytes(12) + blocks(CANARY) + b"\x21\x99" + blocks(CANARY)
    loops = b"\x21\xff\x0bNETSCAPE2.0\3\1\7\0"
    at = 13 + gif_colours(content[10])
    content = content.replace(loops + b"\0", loops + blocks(CANARY))
    return content[:at] + texts + content[at:-1] + texts + b";" + TAIL


def webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        yield name, content[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def webp(content: bytes) -> bytes:
    """The same with chunks that nobody knows, also within each frame."""
    chunks = []
    for name, body in webp_chunks(content):
        chunks.append((name, body + (riff((b"CNRY", CANARY))[12:] if name == b"ANMF" else b"")))
        chunks.append((b"CNRY", b"canary?"))
    return riff(*chunks) + TAIL


def animated(kind: str, **options: Any) -> bytes:
    first, *others = (draw(30, 40, seed=seed) for seed in range(3))
    return save(first, kind, save_all=True, append_images=others, duration=[100, 200, 300], loop=7, **options)


def translucent() -> Pillow.Image:
    """A palette of colours with an alpha each."""
    grain = Pillow.frombytes("RGBA", (16, 16), random.Random(4).randbytes(1024))
    return grain.quantize(64)


META = {"exif": camera(), "xmp": XMP}
TELLING: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "jpeg, progressive": lambda: jpeg(progressive=True),
    "jpeg, grey": lambda: jpeg("L"),
    "jpeg, cmyk": lambda: jpeg("CMYK"),
    "jpeg, 4:4:4": lambda: jpeg(subsampling=0, quality=100, restart_marker_blocks=2),
    "png": png,
    "png, 16 bits": lambda: png(Pillow.frombytes("I;16", (30, 30), random.Random(1).randbytes(1800))),
    "png, palette and alpha": lambda: png(translucent()),
    "png, transparent": lambda: png(draw(mode="RGBA")),
    "png, animated": lambda: png(save_all=True, append_images=[draw(seed=1), draw(seed=2)], duration=[100, 200, 300]),
    "png, with a hidden picture": lambda: png(save_all=True, append_images=[draw(seed=1)], default_image=True),
    "gif": lambda: gif(save(draw(), "gif", comment=CANARY)),
    "gif, transparent": lambda: gif(save(draw(mode="P"), "gif", transparency=3, interlace=True)),
    "gif, animated": lambda: gif(animated("gif", comment=CANARY)),
    "webp": lambda: webp(save(draw(), "webp", icc_profile=profile(), **META)),
    "webp, without a header": lambda: webp(save(draw(), "webp")),
    "webp, lossless": lambda: webp(save(draw(mode="RGBA"), "webp", lossless=True, icc_profile=profile(), **META)),
    "webp, transparent": lambda: webp(save(draw(mode="RGBA"), "webp", **META)),
    "webp, animated": lambda: webp(animated("webp", icc_profile=profile(), **META)),
    "avif": lambda: save(draw(), "avif", icc_profile=profile(), **META),
    "avif, transparent": lambda: save(draw(mode="RGBA"), "avif", quality=100, subsampling="4:4:4", **META),
}


@cache
def telling(name: str) -> tuple[str, bytes]:
    return name.partition(",")[0], TELLING[name]()


@pytest.mark.parametrize("name", TELLING)
def test_what_tells_of_the_maker_is_gone(name: str) -> None:
    """UP-20: places, serial numbers, thumbnails; UP-03: scripts in texts and after the end."""
    kind, content = telling(name)
    assert CANARY in content
    result = stripped(kind, content)
    assert CANARY not in result
    for word in (b"xmpmeta", b"<script", b"PK\3\4", b"zTXt", b"tIME"):
        assert word not in result
    if kind != "avif":  # whose places in the file are numbers
        assert len(result) < len(content) - len(TAIL)
    with opened(result) as image:
        assert set(image.getexif()) <= {0x0112}
        assert not {"comment", "xmp", "mp", "photoshop", "Author"} & set(image.info)


@pytest.mark.parametrize("name", TELLING)
def test_every_pixel_is_what_it_was(name: str) -> None:
    """UP-20, UP-21"""
    kind, content = telling(name)
    result = stripped(kind, content)
    assert frames(result) == frames(content)
    assert read_header(kind, result) == read_header(kind, content)
    assert profile_of(result) == profile_of(content)


@pytest.mark.parametrize("name", TELLING)
def test_an_image_that_was_stripped_stays_as_it_is(name: str) -> None:
    kind, content = telling(name)
    result = stripped(kind, content)
    assert stripped(kind, result) == result


PLAIN: dict[str, Callable[[], bytes]] = {
    **{kind: lambda kind=kind: page(kind) for kind in ("jpeg", "png", "gif", "webp", "avif")},  # type: ignore[misc]
    "jpeg, progressive": lambda: save(draw(), "jpeg", progressive=True, dpi=(300, 300), icc_profile=profile()),
    "jpeg, cmyk": lambda: save(draw(mode="CMYK"), "jpeg"),
    "jpeg, turned": lambda: save(draw(), "jpeg", exif=turned_by(6)),
    "png, turned": lambda: save(draw(), "png", exif=turned_by(6)),
    "png, palette and alpha": lambda: save(translucent(), "png", dpi=(72, 72), icc_profile=profile()),
    "png, animated": lambda: animated("png"),
    "gif, animated": lambda: animated("gif"),
    "gif, transparent": lambda: save(draw(mode="P"), "gif", transparency=3),
    "webp, animated": lambda: animated("webp"),
    "webp, transparent": lambda: save(draw(mode="RGBA"), "webp", icc_profile=profile()),
    "webp, lossless": lambda: save(draw(), "webp", lossless=True),
    "avif, transparent": lambda: save(draw(mode="RGBA"), "avif", icc_profile=profile()),
}


def turned_by(orientation: int) -> Pillow.Exif:
    told = Pillow.Exif()
    told[0x0112] = orientation
    return told


@pytest.mark.parametrize("name", PLAIN)
def test_an_image_that_tells_nothing_stays_as_it_is(name: str) -> None:
    content = PLAIN[name]()
    assert stripped(name.partition(",")[0], content) == content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_an_image_that_is_shown_turned_stays_turned(orientation: int, order: str) -> None:
    """UP-21: what counts today counts afterwards, and what does not is gone."""
    tag = exif(orientation, order)
    told = orientation if 2 <= orientation <= 8 else 1
    first = segment(0xE1, b"Exif\0\0" + exif(3)) + segment(0xFE, CANARY)  # a later one counts
    for kind, content in (
        ("jpeg", with_segments(page("jpeg"), first + segment(0xE1, b"Exif\0\0" + tag))),
        ("png", with_chunks(page("png"), chunk(b"eXIf", exif(3)) + chunk(b"eXIf", tag))),
    ):
        result = stripped(kind, content)
        assert turn_of(result) == told
        assert (b"Exif\0\0" in result or b"eXIf" in result) == (told > 1)
        assert read_header(kind, result) == read_header(kind, content)
        assert stripped(kind, result) == result


def test_exif_that_turns_nothing_is_gone() -> None:
    """UP-20: after the pixels, in a WebP, and where it cannot be read."""
    late = with_chunks(page("png"), chunk(b"eXIf", exif(6)), before=b"IEND")
    scanned = page("jpeg")[:-2] + segment(0xE1, b"Exif\0\0" + exif(6)) + b"\xff\xd9"
    noise = with_segments(page("jpeg"), segment(0xE1, b"Exif\0\0" + exif(6)) + segment(0xE1, b"Exif\0\0canary"))
    assert stripped("png", late) == page("png")
    assert stripped("jpeg", scanned) == stripped("jpeg", noise) == page("jpeg")
    assert stripped("webp", save(draw(), "webp", exif=exif(6)))[20] == 0  # says that there is nothing


@pytest.mark.parametrize("place", ["before the picture", "between its scans"])
def test_nothing_is_kept_between_the_parts_of_a_jpeg(place: str) -> None:
    """UP-03: decoders pass over it, and over half a scan after a note within it."""
    content = save(draw(), "jpeg", progressive=True)
    at = content.rindex(b"\xff\xdb") if place == "before the picture" else content.index(b"\xff\xda", 700) + 20
    spoiled = (
        content[:at] + b"canary" * (place == "before the picture") + segment(0xE5, CANARY) + b"canary" + content[at:]
    )
    result = stripped("jpeg", spoiled)
    assert CANARY not in result
    assert frames(result) == frames(spoiled)


def test_the_control_of_a_text_in_a_gif_goes_on_to_the_next_frame() -> None:
    """As viewers do that pass over texts: without it the frame would not be transparent."""
    image = Pillow.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    content = save(image, "gif")
    at = content.index(b"\x2c")
    control, text = b"\x21\xf9\4\1\0\0\0\0", b"\x21\1\x0c" + bytes(12) + blocks(CANARY)
    result = stripped("gif", content[:at] + control + text + content[at:])
    assert result == content[:at] + control + content[at:]
    long = b"\x21\xf9\4\1\0\0\0" + blocks(CANARY)
    assert stripped("gif", content[:at] + long + content[at:]) == result


def test_what_no_browser_shows_is_refused() -> None:
    """Chunks and markers that stop a decoder, and a picture that would be another one afterwards."""
    for kind, content in (
        ("png", with_chunks(page("png"), chunk(b"CNRY", CANARY))),
        ("png", with_chunks(page("png"), chunk(b"tRNS", bytes(300)))),
        ("jpeg", with_segments(page("jpeg"), segment(0xF0, CANARY))),
        ("webp", riff((b"VP8X", b"\0"), (b"CNRY", bytes(9)), *webp_chunks(page("webp")))),
    ):
        read_header(kind, content)
        with pytest.raises(ImageDamaged):
            stripped(kind, content)


@pytest.mark.parametrize("name", TELLING)
def test_a_file_cut_anywhere_is_refused_or_whole(name: str) -> None:
    """UP-07"""
    kind, content = telling(name)
    for percent in range(100):
        cut = content[: len(content) * percent // 100]
        try:
            result = stripped(kind, cut)
        except ImageDamaged:
            continue
        assert read_header(kind, result) == read_header(kind, cut)


@pytest.mark.parametrize("name", TELLING)
def test_spoiled_images_are_refused_or_whole(name: str) -> None:
    """UP-09, in short: 200 that are taken as they are, and those between, which are not."""
    kind, content = telling(name)
    chance, taken = random.Random(name), 0
    for _ in range(10_000):
        spoiled = mutate(content, chance)
        spoiled = with_right_checksums(spoiled) if kind == "png" else spoiled
        with suppress(Refusal):
            stripped(kind, spoiled)  # nothing else is raised, whatever it is
        try:
            header = read_header(kind, spoiled)
        except Refusal:
            continue
        check_spoiled(kind, spoiled, header)
        taken += 1
        if taken == 200:
            return
    pytest.fail(f"only {taken} of them were taken")


def check_spoiled(kind: str, content: bytes, header: Header) -> None:
    try:
        result = stripped(kind, content)
    except ImageDamaged:
        return
    seen = read_header(kind, result)
    assert (*seen[:3], seen.turned) == (*header[:3], header.turned)
    assert stripped(kind, result) == result
