"""What an AVIF file says of itself: the boxes around its pictures, and the size that each coded picture asks for.

ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (items), the AV1 bitstream specification, sections 5.3 to 5.5. The size in
the boxes is not enough: the decoder makes what the coded picture says, and 700 bytes can say 8,192 x 8,192 within a
file that calls itself 64 x 64.
"""

from collections.abc import Iterator
from struct import unpack_from

from roliascan.library.image_terms import Header, ImageDamaged, UnsupportedImage

Span = tuple[int, int]  # where a box's content starts and ends

_FRAMES = 8  # in one coded picture: layers of a still one; each more could be a picture that is decoded and not shown
_UNITS = 10_000  # in one coded picture; real ones have less than 100
_UNITS_IN_ALL = 100_000
_PLACES = 70_000  # items, and the parts in which they lie, which can be none of its bytes: a grid has up to 65,536
_SHARED = 1 << 24  # bytes that items may have more than the file: equal tiles of a grid are written once


def read_avif(content: bytes) -> Header:
    """`width` and `height` are of the largest picture in the file. Raises ImageDamaged, UnsupportedImage."""
    boxes = unique_boxes(content, (0, len(content)))
    if "moov" in boxes:
        raise UnsupportedImage("This AVIF is animated, which is not supported; save it as an animated WebP or GIF.")
    meta = unique_boxes(content, full(boxes.get("meta")))
    sizes: list[Span] = []
    turned = False
    for name, (start, _) in boxes_in(content, unique_boxes(content, meta.get("iprp", (0, 0))).get("ipco", (0, 0))):
        if name == "ispe":
            sizes.append(unpack_from(">II", content, start + 4))
        elif name == "irot":
            turned = bool(content[start] & 1)
    coded, units = 0, 0
    for kind, picture in _items(content, meta):
        if kind == "av01":
            size, parts = _coded_size(picture)
            sizes.append(size)
            coded, units = coded + size[0] * size[1], units + parts
            if units > _UNITS_IN_ALL:
                raise ImageDamaged
        elif kind == "grid":
            sizes.append(unpack_from(">II" if picture[1] & 1 else ">HH", picture, 4))
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    # Colours, transparency, and what the tiles of a grid stick out: three times the picture at most.
    return Header(width, height, 1, max(width * height, coded // 3), turned)


def boxes_in(content: bytes, span: Span) -> Iterator[tuple[str, Span]]:
    """Name and content of each box in `span`, which they fill."""
    at, end = span
    while at < end:
        size, name = unpack_from(">I4s", content, at)
        start = at + 8
        if size == 1:
            size = unpack_from(">Q", content, start)[0]
            start += 8
        at = at + size if size else end
        if at < start or at > end:
            raise ImageDamaged
        yield name.decode("latin-1"), (start, at)


def unique_boxes(content: bytes, span: Span) -> dict[str, Span]:
    """The same by name; a second one of a name that matters could be the one that a decoder reads."""
    boxes: dict[str, Span] = {}
    for name, inner in boxes_in(content, span):
        if name in boxes and name in ("moov", "meta", "iprp", "ipco", "iinf", "iloc", "idat"):
            raise ImageDamaged
        boxes[name] = inner
    return boxes


def full(span: Span | None) -> Span:
    """The content after version and flags."""
    if span is None:
        raise ImageDamaged
    return span[0] + 4, span[1]


def _items(content: bytes, meta: dict[str, Span]) -> Iterator[tuple[str, bytes]]:
    """Kind and bytes of each item."""
    kinds, room = _kinds(content, full(meta.get("iinf"))), len(content) + _SHARED
    for item, inside, extents in locations(content, full(meta.get("iloc"))):
        start, end = meta.get("idat", (0, 0)) if inside else (0, len(content))
        parts = []
        for offset, length in extents:
            first, last = start + offset, start + offset + length if length else end
            room -= max(0, last - first)
            if max(first, last) > end or room < 0:
                raise ImageDamaged
            parts.append(content[first:last])
        yield kinds.get(item, ""), b"".join(parts)


def _kinds(content: bytes, span: Span) -> dict[int, str]:
    wide = content[span[0] - 4] > 0
    kinds = {}
    for _, (start, _) in boxes_in(content, (span[0] + (4 if wide else 2), span[1])):
        form = ">IH4s" if content[start] > 2 else ">HH4s"
        item, _, kind = unpack_from(form, content, start + 4)
        kinds[item] = kind.decode("latin-1")
    return kinds


def locations(content: bytes, span: Span) -> Iterator[tuple[int, bool, list[Span]]]:
    """For each item its number, whether it lies in `idat`, and its extents as offset and length."""
    at = span[0]
    version = content[at - 4]

    def take(size: int) -> int:
        nonlocal at
        at += size
        if at > span[1]:
            raise ImageDamaged
        return int.from_bytes(content[at - size : at], "big")

    sizes = take(2)
    places = 0
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(take(4 if version == 2 else 2)):
        item = take(4 if version == 2 else 2)
        method = take(2) & 15 if version else 0
        take(2)
        base, count = take(base_size), take(2)
        places += 1 + count
        if places > _PLACES:
            raise ImageDamaged
        extents = []
        for _ in range(count):
            take(index_size if version else 0)
            extents.append((base + take(offset_size), take(length_size)))
        if method > 1:
            raise UnsupportedImage("This AVIF is built in an unusual way; save it again with another program.")
        yield item, method == 1, extents


def _coded_size(picture: bytes) -> tuple[Span, int]:
    """The largest width and height that decoding a coded picture can ask for, and of how many units it consists."""
    size, frames, at = (0, 0), 0, 0
    for units in range(_UNITS):
        if at >= len(picture):
            return size, units
        head = picture[at]
        at += 2 if head & 4 else 1
        length, at = _leb128(picture, at) if head & 2 else (len(picture) - at, at)
        kind = head >> 3 & 15
        if kind == 1:
            width, height = _sequence_size(picture[at : at + length])
            size = max(size[0], width), max(size[1], height)
        frames += kind in (3, 6)  # a frame header, or a frame with one
        if frames > _FRAMES:
            break
        at += length
    raise ImageDamaged


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for shift in range(0, 56, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ImageDamaged


def _sequence_size(header: bytes) -> Span:
    bits = "".join(f"{byte:08b}" for byte in header[:128])
    at = 4

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at] or "0", 2)

    reduced = take(1)
    if reduced:
        take(5)
    else:
        if take(1):
            raise UnsupportedImage("This AVIF holds timing, as films do; save it again as a still image.")
        delays = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if delays and take(1):
                take(4)
    width_bits, height_bits = take(4) + 1, take(4) + 1
    if not reduced:  # a frame may be as large as these bits can say
        return 1 << width_bits, 1 << height_bits
    return take(width_bits) + 1, take(height_bits) + 1
