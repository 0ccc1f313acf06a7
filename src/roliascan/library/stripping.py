"""Images without what tells of their makers: the pixels as they were sent, and nothing beside them."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import chain
from struct import error as StructError
from struct import pack, unpack_from

from roliascan.library.avif_stripping import strip_avif
from roliascan.library.image_headers import JPEG_MARKER, gif_colours, gif_skip, orientation, read_header
from roliascan.library.image_terms import Header, ImageDamaged

_Piece = bytes | memoryview


def stripped(kind: str, content: bytes) -> bytes:
    """The same image without what tells of its maker, and without what is no image: nothing is decoded or coded anew.

    `kind` is what `image_headers.sniff` answers, and `content` passed `read_header`. Gone are EXIF (places, serial
    numbers, thumbnails), XMP, IPTC, comments, texts, times, names of programs, and whatever follows the end of the
    image or stands between its parts. Kept is what changes how the image looks: every coded pixel, animation and its
    loops, resolution, colours, transparency, and of EXIF its orientation where browsers turn by it. A colour profile
    is kept as it is, whose name and texts may tell which program or screen it comes from; so is what hides within
    coded pixels. Where coded pixels of a JPEG are damaged, decoders guess, and libjpeg-turbo guesses otherwise near
    the end of a file: there alone what is shown can differ.

    An image that has nothing to take away is answered byte for byte, and so is one that was stripped before. This needs
    the memory of one copy, and of three for an AVIF. Raises ImageDamaged, also where taking away would change what is
    seen.
    """
    strippers: dict[str, Callable[[bytes], bytes]] = {
        "jpeg": _strip_jpeg,
        "png": _strip_png,
        "gif": _strip_gif,
        "webp": _strip_webp,
        "avif": strip_avif,
    }
    try:
        result = strippers[kind](content)
    except (IndexError, StructError):
        raise ImageDamaged from None  # it ends in the middle
    if result != content and _looks(read_header(kind, result)) != _looks(read_header(kind, content)):
        raise ImageDamaged  # what was taken away lay within what is seen
    return result


def _looks(header: Header) -> tuple[int, int, int, bool]:
    return header.width, header.height, header.frames, header.turned


def _joined(pieces: Iterable[_Piece]) -> bytes:
    """As they come: a hostile file has millions, each of which costs more than its bytes."""
    file = BytesIO()
    file.writelines(pieces)
    return file.getvalue()


def _exif(turn: int) -> bytes:
    """EXIF with an orientation alone."""
    return pack(">4sIHHHIHHI", b"MM\0*", 8, 1, 274, 3, 1, turn, 0, 0)


# JPEG: ITU-T T.81, annex B; JFIF 1.02; ICC.1:2022, annex B.4; for Adobe's segment, its Technical Note 5116.

_JPEG_PICTURE = {0xC0, 0xC1, 0xC2, 0xC4, 0xCC, 0xDA, 0xDB, 0xDD}
_JPEG_LINES = 0xDC  # a number of lines, two bytes; which decoders pass over, however long it is
_JPEG_NOTES = {*range(0xE0, 0xF0), 0xFE}  # APPn and COM; any other marker stops a decoder


def _strip_jpeg(content: bytes) -> bytes:
    view = memoryview(content)
    pieces: list[_Piece] = [view[:2]]
    place, turn, scanned = 0, 1, False
    for code, start, end in _jpeg_segments(content):
        if code in _JPEG_PICTURE or (code == _JPEG_LINES and end - start == 6):
            pieces.append(view[start:end])
            scanned = scanned or code == 0xDA
        elif code not in _JPEG_NOTES | {_JPEG_LINES}:
            raise ImageDamaged
        elif not scanned and code == 0xE1 and content.startswith(b"Exif\0\0", start + 4):
            place, turn = len(pieces), orientation(content[start + 10 : end])  # the last one counts
        elif not scanned:
            pieces.append(_application(code, content[start + 4 : end]))
    if turn > 1:
        pieces.insert(place, _segment(0xE1, b"Exif\0\0" + _exif(turn)))
    return b"".join([*pieces, b"\xff\xd9"])


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, start and end of each segment before the end of the image; a scan ends with its coded pixels."""
    marker = JPEG_MARKER.search(content, 2)
    while marker and (code := content[marker.end() - 1]) != 0xD9:
        start = marker.start()
        end = start + 2 + unpack_from(">H", content, start + 2)[0]
        marker = JPEG_MARKER.search(content, end)
        if marker:
            yield code, start, marker.start() if code == 0xDA else end
    if not marker:
        raise ImageDamaged


def _application(code: int, body: bytes) -> bytes:
    """What stays of a segment of an application: of most, nothing. Decoders pass over the shorter ones."""
    if code == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return _segment(code, body[:12] + b"\0\0")  # without its thumbnail
    if code == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
        return _segment(code, body)
    if code == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        return _segment(code, body[:12])
    return b""


def _segment(code: int, body: bytes) -> bytes:
    return pack(">BBH", 0xFF, code, len(body) + 2) + body


# PNG: https://www.w3.org/TR/png-3/ The names of chunks that stay, and how many bytes each can have.

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_ANY = 1 << 31
_PNG_PICTURE = {
    b"IHDR": 13,
    b"PLTE": 768,
    b"tRNS": 256,
    b"IDAT": _PNG_ANY,
    b"acTL": 8,
    b"fcTL": 26,
    b"fdAT": _PNG_ANY,
}
_PNG_COLOURS = {
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"iCCP": _PNG_ANY,
    b"sBIT": 4,
    b"bKGD": 6,
    b"pHYs": 9,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
}


def _strip_png(content: bytes) -> bytes:
    return _joined(_png_pieces(content, *_png_turn(content)))


def _png_turn(content: bytes) -> tuple[int, int]:
    """Where the EXIF stands that counts, which is the last one before the pixels, and its orientation."""
    place, turn = 0, 1
    for name, start, end in _png_chunks(content):
        if name == b"IDAT":
            break
        if name == b"eXIf":
            place, turn = start, orientation(content[start + 8 : end - 4])
    return place, turn


def _png_pieces(content: bytes, place: int, turn: int) -> Iterator[_Piece]:
    view = memoryview(content)
    yield view[:8]
    for name, start, end in _png_chunks(content):
        if _png_stays(name, end - start - 12):
            yield view[start:end]
        elif start == place and turn > 1:
            yield _png_chunk(b"eXIf", _exif(turn))
    yield _PNG_END


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk before the end chunk."""
    at = 8
    while True:
        length, name = unpack_from(">I4s", content, at)
        if at + 12 + length > len(content):
            raise ImageDamaged
        if name == b"IEND":
            return
        yield name, at, at + 12 + length
        at += 12 + length


def _png_stays(name: bytes, size: int) -> bool:
    if size <= _PNG_PICTURE.get(name, -1):
        return True
    if name in _PNG_PICTURE or not name[0] & 32:  # it is critical: who does not know it shows nothing
        raise ImageDamaged
    return size <= _PNG_COLOURS.get(name, -1)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    from zlib import crc32

    return pack(">I4s", len(body), name) + body + pack(">I", crc32(body, crc32(name)))


# GIF: GIF89a specification, sections 23 to 26; loops by Netscape and by AnimateExtension.

_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def _strip_gif(content: bytes) -> bytes:
    return _joined(_gif_pieces(content))


def _gif_pieces(content: bytes) -> Iterator[_Piece]:
    view, at = memoryview(content), 13 + gif_colours(content[10])
    yield view[:at]
    while (block := content[at]) != 0x3B:
        start = at
        if block == 0x2C:
            at = gif_skip(content, at + 11 + gif_colours(content[at + 9]))
            yield view[start:at]
        elif block == 0x21:
            at = gif_skip(content, at + 2)
            yield _gif_extension(content[start:at])
        else:
            raise ImageDamaged
    yield b";"


def _gif_extension(block: bytes) -> bytes:
    """What stays of an extension: how frames follow each other, and how often.

    The graphic control of a text that goes stays: viewers pass over texts, and use it for the next frame.
    """
    if block[1] == 0xF9 and block[2] >= 4:
        return b"\x21\xf9\4" + block[3:7] + b"\0"
    if block[1] == 0xFF and block[2] == 11 and block[3:14] in _GIF_LOOPS and block[14] >= 3 and block[15] == 1:
        return block[:14] + b"\3" + block[15:18] + b"\0"
    return b""


# WebP: RFC 9649. The names of chunks that stay, and how many of their first bytes.

_WEBP_ANY = 1 << 32
_WEBP_PICTURE = {b"ALPH": _WEBP_ANY, b"VP8 ": _WEBP_ANY, b"VP8L": _WEBP_ANY}
_WEBP_FILE = {b"VP8X": 10, b"ICCP": _WEBP_ANY, b"ANIM": 6, b"ANMF": _WEBP_ANY, **_WEBP_PICTURE}
_WEBP_NOTES = 0b1100  # the flags that say that there is EXIF, and XMP


def _strip_webp(content: bytes) -> bytes:
    end = 8 + unpack_from("<I", content, 4)[0]
    if end > len(content):
        raise ImageDamaged
    chunks = _webp_chunks(memoryview(content)[:end], 12, _WEBP_FILE)
    file = BytesIO()
    size = sum(map(file.write, chain([b"RIFF    WEBP"], chunks)))
    file.seek(4)
    file.write(pack("<I", size - 8))
    return file.getvalue()


def _webp_chunks(view: memoryview, at: int, kept: dict[bytes, int]) -> Iterator[_Piece]:
    """Head, body and padding of each chunk that stays."""
    while at < len(view):
        name, length = unpack_from("<4sI", view, at)
        at += 8
        if at + length > len(view):
            raise ImageDamaged
        if name in kept:
            body = _webp_body(name, view[at : at + min(length, kept[name])])
            yield from (pack("<4sI", name, len(body)), body, bytes(len(body) & 1))
        at += length + (length & 1)


def _webp_body(name: bytes, body: memoryview) -> _Piece:
    if name == b"VP8X":
        return bytes([body[0] & ~_WEBP_NOTES]) + body[1:]
    if name == b"ANMF":
        return _joined(chain([body[:16]], _webp_chunks(body, 16, _WEBP_PICTURE)))
    return body
