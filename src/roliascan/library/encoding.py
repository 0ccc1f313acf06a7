"""Encoding: what is kept of a page and beside it, from its decoded pixels. Runs within the process that decodes."""

from collections.abc import Callable, Iterator
from io import BytesIO
from struct import unpack_from
from typing import TYPE_CHECKING, NamedTuple, cast

from roliascan.library import pictures, slicing
from roliascan.library.image_terms import KEPT, ImageType, Variant

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_EXTENSIONS: dict[ImageType, str] = {"image/webp": "webp", "image/jpeg": "jpg"}
_WEBP_SIDE = 16_383  # pixels, RFC 9649
_JPEG_SIDE = 65_500  # pixels, libjpeg's JPEG_MAX_DIMENSION; the format has 65,535, as images.MAX_SIDE
_LOSSLESS_PIXELS = 16_000_000  # that are encoded at once: each needs some 30 bytes
_SAVER_WIDTH, _SAVER_SHARE = 1_000, 0.8  # of the page's bytes, above which it saves nobody anything
_THUMBNAIL = (320, 480)
_QUALITY, _SLICE_QUALITY, _JPEG_QUALITY = 75, 90, 88
_METHOD = 2  # 4 makes what is lossy 1 to 3 % smaller, in twice the time
_FLAT_BITS = 2  # a pixel: what compresses so well does so better still, in 1 to 2 times the time; else in 6 times
_SMALL = 250_000  # pixels that need no sample


class Page(NamedTuple):
    """A file, and the first frame of it as it is seen; see pictures.plain for its modes."""

    kind: str
    content: bytes
    image: "ImageFile"
    picture: "Image"
    frames: int

    @property
    def profile(self) -> bytes | None:
        profile: bytes | None = self.image.info.get("icc_profile")
        return profile


def page_of(kind: str, content: bytes, image: "ImageFile", frames: int) -> Page:
    """`image` is loaded."""
    return Page(kind, content, image, pictures.plain(pictures.upright(image)), frames)


def variants(page: Page) -> Iterator[Variant]:
    """What is to be kept of it, if that is another encoding, and beside it. What cannot be made is left out."""
    kept = _kept_if_possible(page)
    yield from kept
    size = len(kept[0].content) if kept else len(page.content)
    shown = _attempted(_shown, page, size)
    yield from shown
    if page.frames == 1:
        yield from _attempted(_slices, page)


def jpeg(page: Page) -> Iterator[Variant]:
    """For readers that know nothing newer. By some rows smaller than a page that is too high, or too wide."""
    picture = _at_most(page.picture, _JPEG_SIDE, _JPEG_SIDE)
    picture = pictures.on_white(pictures.in_srgb(picture, page.profile))
    yield _variant("jpeg", "image/jpeg", picture, quality=_JPEG_QUALITY, optimize=True)


def _attempted(make: Callable[..., Iterator[Variant]], *given: object) -> list[Variant]:
    """All of them or none. A picture that was decoded is good, whatever an encoder has against it."""
    try:
        return list(make(*given))
    except Exception as error:
        if isinstance(error, MemoryError) or "encoding error 1:" in str(error):  # libwebp's VP8_ENC_ERROR_OUT_OF_MEMORY
            raise MemoryError from error
        return []


def _kept_if_possible(page: Page) -> list[Variant]:
    """It takes the most memory of all; where that is not there, the page stays as it was sent."""
    try:
        return _attempted(_kept, page)
    except MemoryError:
        return []


def _kept(page: Page) -> Iterator[Variant]:
    """The same pixels as a lossless WebP, where that is smaller."""
    if not _can_be_webp(page):
        return
    small = _lossless(KEPT, _sample(page.picture), 0, None)
    is_flat = _is_flat(small)
    taken = len(small.content) / (small.width * small.height)  # bytes a pixel
    if is_flat or taken * page.picture.width * page.picture.height < len(page.content):
        made = _lossless(KEPT, page.picture, int(is_flat), page.profile)
        if len(made.content) < len(page.content):
            yield made


def _is_flat(made: Variant) -> bool:
    """Whether what was made without loss, by method 0, has so few bytes that method 1 is worth its time."""
    return len(made.content) * 8 < _FLAT_BITS * made.width * made.height


def _can_be_webp(page: Page) -> bool:
    """Whether everybody would see the same: 8 bits, one picture, and colours that a WebP can tell of."""
    width, height = page.picture.size
    return (
        page.kind == "png"
        and page.frames == 1
        and page.content[24] <= 8  # bits of a sample
        and max(width, height) <= _WEBP_SIDE
        and width * height <= _LOSSLESS_PIXELS
        and _has_common_colours(page)
    )


def _has_common_colours(page: Page) -> bool:
    """A profile of RGB, which a WebP takes too, or sRGB, which is what nothing means."""
    head = page.content[: page.content.index(b"IDAT")]
    if any(name in head for name in (b"cICP", b"mDCV", b"cLLI")):
        return False
    info = page.image.info
    if page.profile:
        return page.profile[16:20] == b"RGB "
    return "srgb" in info or (abs(info.get("gamma", 1 / 2.2) - 1 / 2.2) < 0.001 and "chromaticity" not in info)


def _sample(picture: "Image") -> "Image":
    """Eight bands out of a larger picture, an eighth of it, which tell how well all of it compresses."""
    from PIL.Image import new

    if picture.width * picture.height < _SMALL or picture.height < 64:
        return picture
    rows = picture.height // 64
    sample = new(picture.mode, (picture.width, rows * 8))
    for band in range(8):
        top = (picture.height - rows) * band // 7
        sample.paste(picture.crop((0, top, picture.width, top + rows)), (0, rows * band))
    return sample


def _shown(page: Page, size: int) -> Iterator[Variant]:
    """The smaller ones. What is no larger than a thumbnail needs none."""
    picture, saver = page.picture, None
    if picture.width <= _THUMBNAIL[0] and picture.height <= _THUMBNAIL[1]:
        return
    if page.frames == 1:
        picture = _at_most(picture, _SAVER_WIDTH, picture.height)
        picture = pictures.in_srgb(picture, page.profile)
        if max(picture.size) <= _WEBP_SIDE:
            saver = _lossy("data-saver", picture, _QUALITY)
    if saver and len(saver.content) <= size * _SAVER_SHARE:
        yield saver
    small = _at_most(picture, *_THUMBNAIL)
    yield _lossy("thumbnail", small if saver else pictures.in_srgb(small, page.profile), _QUALITY)


def _at_most(picture: "Image", width: int, height: int) -> "Image":
    """Made smaller to fit; never larger."""
    from PIL.Image import Resampling

    scale = max(picture.width / width, picture.height / height)
    if scale <= 1:
        return picture
    size = max(1, round(picture.width / scale)), max(1, round(picture.height / scale))
    return picture.resize(size, Resampling.LANCZOS, reducing_gap=3)


def _slices(page: Page) -> Iterator[Variant]:
    picture = page.picture
    for number, (top, bottom) in enumerate(slicing.cuts(picture), 1):
        part = picture.crop((0, top, picture.width, bottom))
        yield _slice(page, f"slice-{number:03}", part)


def _slice(page: Page, name: str, part: "Image") -> Variant:
    """As faithful as what it is cut out of."""
    if page.kind == "jpeg" and part.mode != "CMYK":
        return _variant(name, "image/jpeg", part, **_as_sent(page))
    part, profile = _for_webp(part, page.profile)
    if page.kind in ("png", "gif") or (page.kind == "webp" and _is_lossless(page.content)):
        made = _lossless(name, part, 0, profile)
        return _lossless(name, part, 1, profile) if _is_flat(made) else made
    return _lossy(name, part, _SLICE_QUALITY, profile)


def _as_sent(page: Page) -> dict[str, object]:
    """How the JPEG was coded, which loses next to nothing when it is done again."""
    from PIL.JpegImagePlugin import JpegImageFile, get_sampling

    image = cast(JpegImageFile, page.image)
    return {
        "qtables": image.quantization,
        "subsampling": max(get_sampling(image), 0),  # -1: of another kind, or of grey
        "icc_profile": page.profile,
        "optimize": True,
    }


def _for_webp(picture: "Image", profile: bytes | None) -> tuple["Image", bytes | None]:
    """With its profile if that is one of RGB, which alone a WebP can have; else in sRGB."""
    if profile and profile[16:20] == b"RGB " and picture.mode != "CMYK":
        return picture, profile
    return pictures.in_srgb(picture, profile), None


def _is_lossless(content: bytes) -> bool:
    """Whether the picture of a WebP is; RFC 9649, section 2.6."""
    at = 12
    while content[at : at + 4] not in (b"VP8L", b"VP8 "):
        [length] = unpack_from("<I", content, at + 4)
        at += 8 + length + (length & 1)
    return content[at : at + 4] == b"VP8L"


def _lossless(name: str, picture: "Image", method: int, profile: bytes | None) -> Variant:
    options = {"lossless": True, "quality": 0, "method": method, "exact": True, "icc_profile": profile}
    return _variant(name, "image/webp", picture, **options)


def _lossy(name: str, picture: "Image", quality: int, profile: bytes | None = None) -> Variant:
    return _variant(name, "image/webp", picture, quality=quality, method=_METHOD, icc_profile=profile)


def _variant(name: str, type_: ImageType, picture: "Image", **options: object) -> Variant:
    from PIL import JpegImagePlugin, WebPImagePlugin  # noqa: F401 - which save knows once they are loaded

    file = BytesIO()
    picture.save(file, "WEBP" if type_ == "image/webp" else "JPEG", comment=b"", **options)
    return Variant(name, type_, _EXTENSIONS[type_], picture.width, picture.height, file.getvalue())
