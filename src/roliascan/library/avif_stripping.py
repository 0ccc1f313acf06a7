"""AVIF files without what tells of their makers, each byte of their pictures at its place.

ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (items and properties). Places are counted from the start of the file, so
nothing is taken out: it is overwritten with zeros, under a name that readers pass over.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from struct import unpack_from
from typing import NamedTuple

from roliascan.library.avif_headers import Span, boxes_in, full, locations, unique_boxes
from roliascan.library.image_terms import ImageDamaged

_FILE = {"ftyp", "meta", "mdat"}
_META = {"hdlr", "pitm", "iinf", "iloc", "iprp", "iref", "idat", "grpl"}
_PROPERTIES = {  # those of descriptions, names and times are not among them
    *("ispe", "pixi", "colr", "av1C", "auxC", "irot", "imir", "clap", "pasp"),
    *("clli", "mdcv", "cclv", "amve", "reve", "ndwt", "a1op", "lsel", "a1lx"),
}
_PICTURES = {b"av01", b"grid", b"iovl", b"iden", b"tmap", b"sato"}
_LABELS = {b"Color", b"Alpha", b"GMap"}  # what libavif calls the parts of any picture
_GONE = b"free"

_Edit = tuple[int, bytes]  # from where on to write what


class _Item(NamedTuple):
    number: int
    kind: bytes
    at: int  # where its kind stands; its name and types of media follow
    end: int


def strip_avif(content: bytes) -> bytes:
    """Also without thumbnails. Raises ImageDamaged for animations, and where a picture shares bytes with metadata."""
    top = unique_boxes(content, (0, len(content)))
    if "moov" in top:  # read_header takes none
        raise ImageDamaged
    meta = unique_boxes(content, full(top.get("meta")))
    items = _items(content, full(meta.get("iinf")))
    shown = {item.number for item in items if item.kind in _PICTURES} & _seen(content, meta, items)
    pictures, others = _extents(content, meta, shown)
    if any(_meet(pictures, start, end) for start, end in others):
        raise ImageDamaged
    view, result = memoryview(content), bytearray(content)
    for at, written in chain(_box_edits(content, top, meta), _item_edits(content, items, shown)):
        if _meet(pictures, at, at + len(written)):
            raise ImageDamaged
        result[at : at + len(written)] = written
    for start, end in _data(content, meta):
        result[start:end] = bytes(end - start)
    for start, end in pictures:
        result[start:end] = view[start:end]
    return bytes(result)


def _items(content: bytes, span: Span) -> list[_Item]:
    items: dict[int, _Item] = {}
    wide = content[span[0] - 4] > 0
    for name, (start, end) in boxes_in(content, (span[0] + (4 if wide else 2), span[1])):
        form, size = {2: (">HH4s", 8), 3: (">IH4s", 10)}.get(content[start], ("", 0))
        if name != "infe" or not form or end < start + 4 + size:
            raise ImageDamaged
        number, _, kind = unpack_from(form, content, start + 4)
        if number in items:  # which of them a decoder believes is not known
            raise ImageDamaged
        items[number] = _Item(number, kind, start + size, end)
    return list(items.values())


_LINKS = 1 << 18  # from item to item; a grid has up to 65,536 tiles, and as many of its transparency


def _seen(content: bytes, meta: dict[str, Span], items: list[_Item]) -> set[int]:
    """Numbers of the item that is shown, of those it is made of or made into, and of what belongs to these."""
    start, end = full(meta.get("pitm"))
    made = {item.number for item in items if item.kind in (b"tmap", b"sato")}
    leads: dict[int, list[int]] = {}
    links = 0
    for name, source, targets in _references(content, meta):
        links += len(targets)
        if links > _LINKS:
            raise ImageDamaged
        if name == "dimg":
            leads.setdefault(source, []).extend(targets)
        if name == "auxl" or (name == "dimg" and source in made):
            for target in targets:
                leads.setdefault(target, []).append(source)
    seen: set[int] = set()
    waiting = [int.from_bytes(content[start:end], "big")]
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            waiting.extend(leads.get(number, ()))
    return seen


def _references(content: bytes, meta: dict[str, Span]) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Of each reference its kind, the item from which it goes, and those to which it goes."""
    if "iref" not in meta:
        return
    span = full(meta["iref"])
    number = "I" if content[span[0] - 4] else "H"
    for name, (start, end) in boxes_in(content, span):
        source, count = unpack_from(f">{number}H", content, start)
        size = 4 if number == "I" else 2
        if start + size + 2 + size * count > end:
            raise ImageDamaged
        yield name, source, unpack_from(f">{count}{number}", content, start + size + 2)


def _box_edits(content: bytes, top: dict[str, Span], meta: dict[str, Span]) -> Iterator[_Edit]:
    """For boxes that no picture needs, and the name that the program gave its handler."""
    yield from _foreign(content, (0, len(content)), _FILE)
    yield from _foreign(content, full(top.get("meta")), _META)
    if "iprp" in meta:
        yield from _foreign(content, meta["iprp"], {"ipco", "ipma"})
        yield from _foreign(content, unique_boxes(content, meta["iprp"]).get("ipco", (0, 0)), _PROPERTIES)
    if "hdlr" in meta:
        start, end = meta["hdlr"]
        yield start + 12, bytes(max(0, end - start - 12))


def _foreign(content: bytes, span: Span, kept: set[str]) -> Iterator[_Edit]:
    at = span[0]
    for name, (start, end) in boxes_in(content, span):
        if name not in kept:
            yield at + 4, _GONE
            yield start, bytes(end - start)
        at = end


def _item_edits(content: bytes, items: list[_Item], shown: set[int]) -> Iterator[_Edit]:
    for item in items:
        if item.number not in shown:
            yield item.at, _GONE + bytes(item.end - item.at - 4)
        elif content[item.at + 4 : item.end].rstrip(b"\0") not in _LABELS:
            yield item.at + 4, bytes(item.end - item.at - 4)


def _extents(content: bytes, meta: dict[str, Span], shown: set[int]) -> tuple[list[Span], list[Span]]:
    """Where in the file the pictures are, in order and each byte once; and where all other items are."""
    pictures: list[Span] = []
    others: list[Span] = []
    for number, inside, extents in locations(content, full(meta.get("iloc"))):
        base, limit = meta.get("idat", (0, 0)) if inside else (0, len(content))
        for offset, length in extents:
            start, end = base + offset, base + offset + length
            if number in shown:
                pictures.append((start, end if length else limit))
            elif length:
                others.append((start, end))
            if end > limit:
                raise ImageDamaged
    return _merged(pictures), others


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _meet(pictures: list[Span], start: int, end: int) -> bool:
    """Whether a byte from `start` on, before `end`, is one of `pictures`."""
    before = bisect_left(pictures, (end, 0)) - 1  # the last picture that starts before the end
    return start < end and before >= 0 and pictures[before][1] > start


def _data(content: bytes, meta: dict[str, Span]) -> Iterator[Span]:
    """Where bytes of items are, and of nothing else."""
    yield meta.get("idat", (0, 0))
    yield from (span for name, span in boxes_in(content, (0, len(content))) if name == "mdat")
