"""Images: what an uploaded file really is, and the refusal of what no reader could be shown."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from roliascan.errors import Busy, TooManyAtOnce
from roliascan.library.image_terms import Header, ImageDamaged, ImageTooLarge, ImageType, Variant

if TYPE_CHECKING:
    from roliascan.library.decoding import Found
    from roliascan.worker import Worker

# What reads headers, and what starts processes, costs a cold start milliseconds: it is imported where it is needed.

MAX_SIDE = 65_535  # pixels; JPEG and GIF can say no more, and browsers show no more
MAX_FRAMES = 1_000  # of an animation: each costs time, however small it is
_AT_ONCE = BoundedSemaphore(2)  # each decoder holds up to 4 to 16 bytes for a pixel
_WAIT = 10.0  # seconds for a turn to decode
_ANSWER_S = 120  # longer than any image takes on a slow machine: after it, the decoder is taken for stuck
_idle: "list[Worker]" = []  # processes that decode, at most as many as there are turns


class Image(msgspec.Struct, frozen=True):
    """What inspect found out.

    `width` and `height` are pixels as a reader sees them: an image that is shown a quarter turned (EXIF orientation in
    a JPEG, or in a PNG before its pixels; `irot` in an AVIF) has them swapped here. EXIF in a WebP turns nothing, as in
    browsers. `bytes` and `sha256` (lower-case hex) are of the file as it is kept, `sent_bytes` and `sent_sha256` as it
    was sent, with what told of its maker. `placeholder` is the mean colour of
    the first frame on white paper, as #rrggbb. `wide` tells a spread: wider than high.
    """

    type: ImageType
    extension: str
    width: int
    height: int
    bytes: int
    sha256: str
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
    import hashlib

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
    kept = stripped(kind, content)
    width, height, placeholder = _decoded(kind, kept, header, wait)
    if header.turned:
        width, height = height, width
    sent_sha256 = hashlib.sha256(content).hexdigest()
    image = Image(
        type=_FORMATS[kind].type,
        extension=_FORMATS[kind].extension,
        width=width,
        height=height,
        bytes=len(kept),
        sha256=sent_sha256 if kept == content else hashlib.sha256(kept).hexdigest(),
        sent_bytes=len(content),
        sent_sha256=sent_sha256,
        placeholder=placeholder,
        wide=width > height,
    )
    return Inspected(image, BytesIO(kept))


def prepare(source: BinaryIO, *, max_bytes: int) -> Inspected:
    """The same for a page of a chapter, with its variants."""
    return inspect(source, max_bytes=max_bytes)


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


def _decoded(kind: str, content: bytes, header: Header, wait: float) -> "Found":
    """Width and height as stored, and the placeholder; after every frame was decoded, in another process."""
    question = json.dumps([kind, header, len(content)]).encode() + b"\n"
    with _turn(wait) as worker:
        try:
            answer = worker.ask(question, content, within=_ANSWER_S)
        except OSError as error:
            raise Busy("Images cannot be checked right now; please try again.", retry_after=5) from error
    if not answer:
        raise ImageDamaged from ChildProcessError("the decoder crashed, or did not come to an end")
    found: Found | str | None = json.loads(answer)
    if found is None:
        raise Busy("There is too little memory for this image right now; please try again.")
    if isinstance(found, str):
        raise ImageDamaged from ValueError(found)
    width, height, placeholder = found
    return width, height, placeholder


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
