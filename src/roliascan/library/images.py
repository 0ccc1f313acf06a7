"""Images: what an uploaded file really is, and the refusal of what no reader could be shown."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from roliascan.errors import Busy, TooManyAtOnce
from roliascan.library.image_terms import KEPT, Header, ImageDamaged, ImageTooLarge, ImageType, Variant, Wish

if TYPE_CHECKING:
    from roliascan.worker import Worker

# What reads headers, and what starts processes, costs a cold start milliseconds: it is imported where it is needed.

MAX_SIDE = 65_535  # pixels; JPEG and GIF can say no more, and browsers show no more
MAX_FRAMES = 1_000  # of an animation: each costs time, however small it is
_AT_ONCE = BoundedSemaphore(2)  # each decoder holds up to 4 to 16 bytes for a pixel
_WAIT = 10.0  # seconds for a turn to decode
_MOST_BYTES = 256 << 20  # of all that is made of one image: more than its pixels have
_ANSWER_S = 120  # longer than any image takes on a slow machine: after it, the decoder is taken for stuck
_idle: "list[Worker]" = []  # processes that decode, at most as many as there are turns


class Image(msgspec.Struct, frozen=True):
    """What inspect found out.

    `width` and `height` are pixels as a reader sees them: an image that is shown a quarter turned (EXIF orientation in
    a JPEG, or in a PNG before its pixels; `irot` in an AVIF) has them swapped here. EXIF in a WebP turns nothing, as in
    browsers. `type`, `bytes` and `sha256` (lower-case hex) are of the file as it is kept, `sent_type`, `sent_bytes` and
    `sent_sha256` as it was sent, with what told of its maker. `placeholder` is the mean colour of the first frame on
    white paper, as #rrggbb. `wide` tells a spread: wider than high.
    """

    type: ImageType
    extension: str
    width: int
    height: int
    bytes: int
    sha256: str
    sent_type: ImageType
    sent_bytes: int
    sent_sha256: str
    placeholder: str
    wide: bool


class Inspected(NamedTuple):
    """What an image is, its bytes as they are to be kept, and what to keep beside it."""

    found: Image
    kept: BinaryIO
    variants: tuple[Variant, ...] = ()


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


def inspect(source: BinaryIO, *, max_bytes: int, max_pixels: int = 40_000_000, wait: float = _WAIT) -> Inspected:
    """What an image is, and its bytes as they are to be kept: the same pixels, without what tells of its maker.

    Reads the whole of `source` (seekable; left at its start), and vouches that it is an image which can be shown.

    Only its bytes tell what it is. Size, frames and completeness are checked from its structure before anything is
    decoded; then metadata is taken out (see stripping), and every frame of what is kept is decoded, `max_pixels` in all
    of them together, by another process, which hostile bytes may crash. That needs, for each pixel, 4 bytes (JPEG, PNG,
    GIF), 7 (progressive JPEG), 9 (AVIF) or 16 (WebP; its decoder keeps several copies): choose `max_pixels` by the
    memory there is. `wait` is how many seconds to wait for one of the two turns to decode.

    Raises NotAnImage, UnsupportedImage, ImageDamaged, ImageTooLarge, and Busy when no turn came or memory ran out.
    """
    sent = _read(source, max_bytes, max_pixels)
    decoded = _decoded(sent, "nothing", wait)
    return _inspected(sent, decoded, _FORMATS[sent.kind], sent.kept)


def prepare(source: BinaryIO, *, max_bytes: int, max_pixels: int = 40_000_000, wait: float = _WAIT) -> Inspected:
    """The same for a page of a chapter, with its variants; and a PNG is kept as a WebP of equal pixels if smaller.

    `data-saver`: at most 1,000 pixels wide, where it has less than four fifths of the page's bytes; not of an
    animation, nor of what is too high for a WebP. `thumbnail`: fits into 320 x 480; what does so itself has neither.
    `slice-001` and so on: the parts of a tall strip, from the top, in full size. All are upright; the first two are in
    sRGB.
    Needs, for each pixel, up to 12 bytes more than inspect, and 35 for a PNG of up to 16 million pixels.
    """
    sent = _read(source, max_bytes, max_pixels)
    decoded = _decoded(sent, "page", wait)
    form, kept, made = _FORMATS[sent.kind], sent.kept, decoded.made
    if made and made[0].name == KEPT:
        first = made.pop(0)
        form, kept = _Format(first.type, first.extension), first.content
    return _inspected(sent, decoded, form, kept)._replace(variants=tuple(made))


def as_jpeg(source: BinaryIO, *, max_bytes: int, max_pixels: int = 40_000_000, wait: float = _WAIT) -> Variant:
    """The first frame of an image as a JPEG, for readers that know its type not: upright, in sRGB, on white.

    Scaled down to 65,500 pixels on its longer side, where it has more: libjpeg writes no more.
    Raises what inspect raises.
    """
    made = _decoded(_read(source, max_bytes, max_pixels), "jpeg", wait).made
    if not made:
        raise ImageDamaged
    return made[0]


class _Sent(NamedTuple):
    kind: str
    content: bytes
    header: Header
    kept: bytes


def _read(source: BinaryIO, max_bytes: int, max_pixels: int) -> _Sent:
    """What can be found out without decoding."""
    from roliascan.library.image_headers import read_header, sniff
    from roliascan.library.stripping import stripped

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
    return _Sent(kind, content, header, stripped(kind, content))


def _inspected(sent: _Sent, decoded: "_Decoded", form: _Format, kept: bytes) -> Inspected:
    import hashlib

    width, height = decoded.width, decoded.height
    if sent.header.turned:
        width, height = height, width
    sent_sha256 = hashlib.sha256(sent.content).hexdigest()
    image = Image(
        type=form.type,
        extension=form.extension,
        width=width,
        height=height,
        bytes=len(kept),
        sha256=sent_sha256 if kept == sent.content else hashlib.sha256(kept).hexdigest(),
        sent_type=_FORMATS[sent.kind].type,
        sent_bytes=len(sent.content),
        sent_sha256=sent_sha256,
        placeholder=decoded.placeholder,
        wide=width > height,
    )
    return Inspected(image, BytesIO(kept))


def end_decoders() -> None:
    """Ends the processes that decode and have nothing to do; the next image starts another."""
    while _idle:
        _idle.pop().end()


def _check_size(header: Header, max_pixels: int) -> None:
    if header.pixels > max_pixels or max(header.width, header.height) > MAX_SIDE or header.frames > MAX_FRAMES:
        frames = f" in each of {header.frames} frames (at most {MAX_FRAMES})" if header.frames > 1 else ""
        raise ImageTooLarge(
            f"The image has {header.width} x {header.height} pixels{frames}; the limit is {max_pixels / 1e6:g} million "
            f"in all, and {MAX_SIDE} on a side: save it smaller, or cut it into several pages."
        )


_Found = tuple[int, int, str]  # as in _Decoded
_Told = tuple[str, ImageType, str, int, int, int]  # as a Variant, with the number of its bytes


class _Decoded(NamedTuple):
    width: int  # as stored
    height: int
    placeholder: str
    made: list[Variant]


def _decoded(sent: _Sent, wish: Wish, wait: float) -> _Decoded:
    """After every frame was decoded, in another process."""
    question = json.dumps([wish, sent.kind, sent.header, len(sent.kept)]).encode() + b"\n"
    with _turn(wait) as worker:
        try:
            answer, content = worker.ask_for_bytes(question, sent.kept, within=_ANSWER_S, most=_MOST_BYTES)
        except OSError as error:
            raise Busy("Images cannot be checked right now; please try again.", retry_after=5) from error
    if not answer:
        raise ImageDamaged from ChildProcessError("the decoder crashed, or did not come to an end")
    found, told = msgspec.json.decode(answer, type=tuple[_Found | str | None, list[_Told]])
    if found is None:
        raise Busy("There is too little memory for this image right now; please try again.")
    if isinstance(found, str):
        raise ImageDamaged from ValueError(found)
    return _Decoded(*found, _variants(told, content))


def _variants(told: list[_Told], content: memoryview) -> list[Variant]:
    """The same with their bytes, which follow each other."""
    made, at = [], 0
    for name, type_, extension, width, height, size in told:
        made.append(Variant(name, type_, extension, width, height, bytes(content[at : at + size])))
        at += size
    return made


@contextmanager
def _turn(wait: float) -> "Iterator[Worker]":
    from roliascan.worker import Worker

    if not _AT_ONCE.acquire(timeout=wait):
        raise TooManyAtOnce("Too many images are being checked right now; please try again.", retry_after=5)
    worker = _idle.pop() if _idle else Worker("roliascan.library.decoding")
    try:
        yield worker
    finally:
        _idle.append(worker)
        _AT_ONCE.release()
