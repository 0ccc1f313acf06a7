"""What image files say of themselves, read from their structure without decoding a pixel."""

import re
import zlib
from collections.abc import Callable, Iterator
from struct import error as StructError
from struct import unpack_from

from roliascan.library.avif_headers import read_avif
from roliascan.library.image_terms import Header, ImageDamaged, NotAnImage, UnsupportedImage

_MAGIC = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "avif": re.compile(rb"....ftyp(?:....)*?avi[fs]", re.DOTALL),
}

# Known, to say what it is: nothing else is done with these.
_OTHERS = {
    "a BMP": re.compile(rb"BM"),
    "a TIFF": re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    "a Photoshop": re.compile(rb"8BPS"),
    "an icon": re.compile(rb"\0\0[\1\2]\0"),
    "a JPEG 2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    "a JPEG XL": re.compile(rb"\0\0\0\x0cJXL |\xff\x0a"),
    "a HEIC": re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL),
    "an SVG": re.compile(rb"\s*(?:<\?xml.*?)?<svg", re.DOTALL),
}


def sniff(content: bytes) -> str:
    """`jpeg`, `png`, `gif`, `webp` or `avif`, by the first bytes alone. Raises NotAnImage, UnsupportedImage."""
    start = content[:12]
    if content[4:8] == b"ftyp":  # the brands of the first box, and not the bytes after it
        start = content[: min(unpack_from(">I", content)[0], 256)]
    for kind, magic in _MAGIC.items():
        if magic.match(start):
            return kind
    for name, magic in _OTHERS.items():
        if magic.match(content[:1024]):
            raise UnsupportedImage(f"This is {name} file; save it as JPEG, PNG, WebP, GIF or AVIF.")
    raise NotAnImage(None if content else "This file is empty; send a JPEG, PNG, WebP, GIF or AVIF file.")


def read_header(kind: str, content: bytes) -> Header:
    """What the file says of itself, once its structure is found whole, to its end.

    Bytes after the end of the image are let be: cameras and archives add them, no decoder reads them, and we serve
    files under a type of our own. Raises ImageDamaged, UnsupportedImage.
    """
    readers: dict[str, Callable[[bytes], Header]] = {
        "jpeg": _read_jpeg,
        "png": _read_png,
        "gif": _read_gif,
        "webp": _read_webp,
        "avif": read_avif,
    }
    try:
        header = readers[kind](content)
    except (IndexError, StructError):
        raise ImageDamaged from None  # it ends in the middle
    if header.width < 1 or header.height < 1 or header.frames < 1:
        raise ImageDamaged
    return header


# Texts, profiles and tables in one file; real ones have less than 300. Pillow keeps or joins them, one by one.
_PARTS = 1_000
_MANY_PARTS = "This image has thousands of texts, profiles or tables in it; save it again without them."

# JPEG: ITU-T T.81, annex B.

JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")  # passes over escaped ff, restart markers, fill bytes
_JPEG_SIZES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive: what browsers show
_JPEG_RARE = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE}
_JPEG_GAPS = 1 << 16  # bytes of filling before the picture
_JPEG_SCANS = 64  # each goes through every pixel again, and can be some 70 bytes long; real files have 1 to 12


def _read_jpeg(content: bytes) -> Header:
    sizes, parts, scans, gaps, turned, at = [], 0, 0, 0, False, 2
    while (marker := JPEG_MARKER.search(content, at)) and (code := content[marker.end() - 1]) != 0xD9:
        if code in _JPEG_RARE:
            raise UnsupportedImage(
                "This JPEG is coded in a way that browsers do not show; save it as an ordinary JPEG."
            )
        start, parts, gaps = marker.end(), parts + 1, gaps + (0 if scans else marker.start() - at)
        if parts > _PARTS or gaps > _JPEG_GAPS:
            raise ImageDamaged(detail=_MANY_PARTS)
        at = start + unpack_from(">H", content, start)[0]
        if at < start + 2:
            raise ImageDamaged
        if code in _JPEG_SIZES:
            sizes.append(unpack_from(">BHHB", content, start + 2))
        elif code == 0xDA:
            scans += 1
        elif code == 0xE1 and not scans and content.startswith(b"Exif\0\0", start + 2):
            turned = _is_turned(content[start + 8 : at])
    if not marker or not scans or scans > _JPEG_SCANS or len(sizes) != 1:
        raise ImageDamaged
    [(bits, height, width, components)] = sizes
    if bits != 8 or components not in (1, 3, 4):
        raise UnsupportedImage("This JPEG has an unusual colour depth; save it with 8 bits per channel.")
    return Header(width, height, 1, width * height, turned)


def _is_turned(exif: bytes) -> bool:
    return orientation(exif) >= 5


def orientation(exif: bytes) -> int:
    """EXIF orientation (TIFF tag 274), 1 to 8; what cannot be read turns nothing, which is 1."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if not order:
        return 1
    try:
        [at] = unpack_from(order + "I", exif, 4)
        [entries] = unpack_from(order + "H", exif, at)
        for number in range(entries):
            tag, form, count, value = unpack_from(order + "HHIH", exif, at + 2 + 12 * number)
            if (tag, form, count) == (274, 3, 1):
                return int(value) if 1 <= value <= 8 else 1
    except StructError:
        pass
    return 1


# PNG: https://www.w3.org/TR/png-3/

_PNG_PICTURE = (b"IDAT", b"fdAT", b"fcTL")
_PNG_TEXT = 1 << 20  # bytes that all compressed texts and the colour profile may have together, when inflated


def _read_png(content: bytes) -> Header:
    width, height = unpack_from(">II", content, 16)
    frames, hidden, seen, turned, room, parts = 1, 0, set[bytes](), False, _PNG_TEXT, 0
    for name, body in _png_chunks(content):
        if (not seen and name != b"IHDR") or (name in seen and name in (b"IHDR", b"acTL")):
            raise ImageDamaged
        if name in (b"zTXt", b"iTXt", b"iCCP"):
            room -= _inflated(name, bytes(body), room)
        elif name == b"acTL" and b"IDAT" not in seen:
            [frames] = unpack_from(">I", body)
        elif name == b"IDAT" and b"acTL" in seen and b"fcTL" not in seen:
            hidden = 1  # shown where animations are not, and no frame of this one
        elif name == b"eXIf" and b"IDAT" not in seen:
            turned = _is_turned(bytes(body))
        seen.add(name)
        parts += name not in _PNG_PICTURE
        if parts > _PARTS:
            raise ImageDamaged(detail=_MANY_PARTS)
    if b"IDAT" not in seen:
        raise ImageDamaged
    return Header(width, height, frames + hidden, width * height * (frames + hidden), turned)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and body of each chunk before the end chunk, each with the checksum that it says."""
    view, at, name = memoryview(content), 8, b""
    while name != b"IEND":
        length, name = unpack_from(">I4s", content, at)
        body = view[at + 8 : at + 8 + length]
        if unpack_from(">I", content, at + 8 + length)[0] != zlib.crc32(body, zlib.crc32(name)):
            raise ImageDamaged
        at += 12 + length
        if name != b"IEND":
            yield name, body


def _inflated(name: bytes, body: bytes, room: int) -> int:
    """How many bytes the compressed part of a chunk inflates to: viewers inflate all of it. Refused beyond `room`."""
    rest = body.partition(b"\0")[2]
    if name != b"iTXt":
        rest = rest[1:]
    elif rest[:1] == b"\1":
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return 0
    try:
        size = len(zlib.decompressobj().decompress(rest, room + 1))
    except zlib.error:  # viewers pass over it; how much it was until it broke is unknown
        return min(room, _PNG_TEXT // 4)
    if size > room:
        raise ImageDamaged(
            detail="The texts or the colour profile in this PNG are far too large; save it again without them."
        )
    return size


# GIF: GIF89a specification, appendix A.

_GIF_TEXT = 1 << 20  # bytes of comments: Pillow keeps each block of them as an object


def _read_gif(content: bytes) -> Header:
    width, height, flags = unpack_from("<HHB", content, 6)
    most_wide, most_high = width, height
    at, frames, room = 13 + gif_colours(flags), 0, _GIF_TEXT
    while (block := content[at]) != 0x3B:
        if block == 0x2C:
            left, top, wide, high, flags = unpack_from("<4HB", content, at + 1)
            frames += 1
            most_wide, most_high = max(most_wide, left + wide), max(most_high, top + high)
            if frames == 1:  # sticking out, it makes the picture larger; a later one only makes a decoder work
                width, height = most_wide, most_high
            at = gif_skip(content, at + 11 + gif_colours(flags))
        elif block == 0x21:
            end = gif_skip(content, at + 2)
            room -= end - at if content[at + 1] == 0xFE else 0
            at = end
        else:
            raise ImageDamaged
        if room < 0:
            raise ImageDamaged(detail="The comments in this GIF are far too large; save it again without them.")
    return Header(width, height, frames, most_wide * most_high * frames, False)


def gif_colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def gif_skip(content: bytes, at: int) -> int:
    while size := content[at]:
        at += 1 + size
    return at + 1


# WebP: RFC 9649.


def _read_webp(content: bytes) -> Header:
    width, height, frames = 0, 0, 0
    end, at = 8 + unpack_from("<I", content, 4)[0], 12
    if end > len(content):
        raise ImageDamaged
    while at < end:
        name, length = unpack_from("<4sI", content, at)
        body = at + 8
        if body + length > end:
            raise ImageDamaged
        if name == b"VP8X":
            width, height = (_webp_size(content, body + 4), _webp_size(content, body + 7))
        elif name == b"ANMF":
            frames += 1
        elif name == b"VP8 " and not width:
            width, height = (side & 0x3FFF for side in unpack_from("<HH", content, body + 6))
        elif name == b"VP8L" and not width:
            [sides] = unpack_from("<I", content, body + 1)
            width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
        at = body + length + (length & 1)
    frames = max(frames, 1)
    return Header(width, height, frames, width * height * frames, False)


def _webp_size(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 3], "little") + 1
