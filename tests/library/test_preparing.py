"""Pages: what is kept of one and beside it looks as what was sent, and is what it says (UP-21)."""

import hashlib
import io
import random
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageDraw, ImageOps
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from roliascan.errors import Busy
from roliascan.library import images
from roliascan.library.image_terms import ImageDamaged, ImageTooLarge, NotAnImage, Variant
from roliascan.library.images import Inspected
from roliascan.library.slicing import cuts
from tests.drawings import animation, chunk, draw, exif, flat, page, save, with_chunks
from tests.library.decoders import begun_with
from tests.likeness import psnr, ssim
from tests.servers.parts import TEST_ALL

MOST = 50 << 20


def prepare(content: bytes) -> Inspected:
    return images.prepare(io.BytesIO(content), max_bytes=MOST)


def named(prepared: Inspected, name: str) -> Variant:
    [found] = [one for one in prepared.variants if one.name == name]
    return found


def names(prepared: Inspected) -> list[str]:
    return [one.name for one in prepared.variants]


def slices(prepared: Inspected) -> list[Variant]:
    return [one for one in prepared.variants if one.name.startswith("slice-")]


def opened(content: bytes) -> Pillow.Image:
    image = Pillow.open(io.BytesIO(content))
    image.load()
    return image


@cache
def drawn(width: int = 1200, height: int = 1800, mode: str = "RGB") -> Pillow.Image:
    """A page of panels in a few colours, with outlines."""
    chance, image = random.Random(7), Pillow.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = chance.randrange(width), chance.randrange(height)
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        panel = (left, top, left + width // 4, top + height // 5)
        chance.choice((pen.rectangle, pen.ellipse))(panel, fill=colour, outline="black", width=5)
    return image.convert(mode)


@cache
def swapped() -> bytes:
    """A colour profile in which red and green are swapped: who does not apply it is seen to."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swaps = [(b"rXYZ", b"...."), (b"gXYZ", b"rXYZ"), (b"....", b"gXYZ")]
    for old, new in swaps:
        profile = profile.replace(old, new, 1)
    return profile.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))


def translucent(width: int = 1200, height: int = 1800) -> Pillow.Image:
    image = drawn(width, height, "RGBA")
    image.putalpha(Pillow.linear_gradient("L").resize((width, height)))
    return image


def sixteen_bits(mode: int, bands: int) -> bytes:
    """A PNG of 16 bits a sample: grey (0) or RGB (2)."""
    import zlib

    image = drawn(1200, 1800, "L" if bands == 1 else "RGB")
    rows = [
        b"\0" + bytes(byte for sample in row for byte in (sample, 7))
        for row in (image.crop((0, y, 1200, y + 1)).tobytes() for y in range(1800))
    ]
    header = struct.pack(">IIBBBBB", 1200, 1800, 16, mode, 0, 0, 0)
    body = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def moving(kind: str) -> bytes:
    """An animation that begins with the page."""
    return save(drawn(), kind, save_all=True, append_images=[ImageOps.flip(drawn())], duration=100)


def turned(kind: str, orientation: int) -> bytes:
    return save(drawn(), kind, exif=told(kind, orientation))


def told(kind: str, orientation: int) -> bytes:
    return (b"Exif\0\0" if kind == "jpeg" else b"") + exif(orientation)


# UP-21: a file of each kind, and what Pillow itself makes of it.
GOLDEN: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: save(drawn(), "jpeg", quality=90),
    "jpeg, grey": lambda: save(drawn(mode="L"), "jpeg", quality=90),
    "jpeg, cmyk": lambda: save(drawn(mode="CMYK"), "jpeg", quality=90),
    "jpeg, another profile": lambda: save(drawn(), "jpeg", quality=90, icc_profile=swapped()),
    "png": lambda: save(drawn(), "png"),
    "png, grey": lambda: save(drawn(mode="L"), "png"),
    "png, black and white": lambda: save(drawn(mode="L").point(lambda v: 255 * (v > 100)).convert("1"), "png"),
    "png, 16 bits": lambda: sixteen_bits(0, 1),
    "png, 16 bits of colour": lambda: sixteen_bits(2, 3),
    "png, palette": lambda: save(drawn().quantize(64), "png"),
    "png, palette and alpha": lambda: save(translucent().quantize(64), "png"),
    "png, grey and alpha": lambda: save(translucent().convert("LA"), "png"),
    "png, transparent": lambda: save(translucent(), "png"),
    "png, a transparent colour": lambda: save(drawn(), "png", transparency=(255, 255, 255)),
    "png, another profile": lambda: save(drawn(), "png", icc_profile=swapped()),
    "png, transparent, another profile": lambda: save(translucent(), "png", icc_profile=swapped()),
    "png, turned, another profile": lambda: save(drawn(), "png", icc_profile=swapped(), exif=exif(6)),
    "gif": lambda: save(drawn(), "gif"),
    "gif, transparent": lambda: save(drawn().quantize(16), "gif", transparency=3),
    "gif, animated": lambda: moving("gif"),
    "png, animated": lambda: moving("png"),
    "webp": lambda: save(drawn(), "webp", quality=95),
    "webp, lossless": lambda: save(drawn(), "webp", lossless=True, quality=0),
    "webp, transparent": lambda: save(translucent(), "webp", quality=95),
    "webp, animated": lambda: moving("webp"),
    "webp, exif, which turns nothing": lambda: turned("webp", 6),
    "avif": lambda: save(drawn(), "avif", quality=90, speed=10),
    "avif, transparent": lambda: save(translucent(), "avif", quality=90, speed=10),
    **{f"jpeg, turned {turn}": partial(turned, "jpeg", turn) for turn in range(2, 9)},
    **{f"png, turned {turn}": partial(turned, "png", turn) for turn in range(2, 9)},
    "avif, turned": lambda: save(drawn(), "avif", quality=90, speed=10, exif=exif(6)),
}
SOME = [*GOLDEN] if TEST_ALL else [*GOLDEN][::3]


def seen(content: bytes) -> Pillow.Image:
    """The first frame as Pillow shows it: upright, in sRGB, with alpha."""
    image = opened(content)
    if image.format != "WEBP":  # in which EXIF turns nothing, as in browsers
        image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":
        image = Pillow.frombytes("L", image.size, image.tobytes()[1::2])
    rgba = image.convert("RGBA")
    if profile := image.info.get("icc_profile"):
        applied = ImageCms.profileToProfile(
            image.convert("RGB"), io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        assert applied
        applied.putalpha(rgba.getchannel("A"))
        return applied
    return rgba


def on_white(image: Pillow.Image) -> Pillow.Image:
    return Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


def check_alike(variant: Variant, reference: Pillow.Image) -> None:
    """Both on white, at the size of the variant."""
    shown = opened(variant.content)
    assert shown.size == (variant.width, variant.height)
    one, other = on_white(shown), on_white(reference.resize(shown.size, Pillow.Resampling.LANCZOS))
    assert ssim(one, other) >= 0.98, variant.name
    assert psnr(one, other) >= 25, variant.name


@pytest.mark.parametrize("name", SOME)
def test_every_kind_of_page_looks_the_same_in_every_size(name: str) -> None:  # UP-21
    content = GOLDEN[name]()
    prepared = prepare(content)
    reference = seen(content)
    assert (prepared.found.width, prepared.found.height) == reference.size
    for variant in prepared.variants:
        check_alike(variant, reference)
        assert variant.width * reference.height == pytest.approx(variant.height * reference.width, rel=0.01)
        assert set(opened(variant.content).info) <= {"background", "loop", "duration", "timestamp"}
    smaller = ["thumbnail"] if "animated" in name else ["data-saver", "thumbnail"]
    assert [one for one in names(prepared) if one != "data-saver" or "animated" in name] == smaller[-1:]


@pytest.mark.parametrize("name", SOME)
def test_every_kind_of_page_is_to_be_had_as_a_jpeg(name: str) -> None:  # UP-21
    content = GOLDEN[name]()
    made = images.as_jpeg(io.BytesIO(content), max_bytes=MOST)
    assert (made.name, made.type, made.extension) == ("jpeg", "image/jpeg", "jpg")
    check_alike(made, seen(content))
    assert not {"exif", "icc_profile", "comment"} & set(opened(made.content).info)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((100, 65_500), (100, 65_500)),
        ((100, 65_501), (100, 65_500)),
        ((100, 65_535), (100, 65_500)),
        ((65_535, 100), (65_500, 100)),
        ((1, 65_535), (1, 65_500)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_jpeg_is_as_long_as_libjpeg_writes(mode: str, size: tuple[int, int], shown: tuple[int, int]) -> None:
    gradient = Pillow.linear_gradient("L").resize(size)
    image = gradient.convert(mode)
    if mode == "RGBA":
        image.putalpha(128)
    made = images.as_jpeg(io.BytesIO(save(image, "png")), max_bytes=MOST)
    jpeg = opened(made.content)
    assert (jpeg.format, jpeg.size, (made.width, made.height)) == ("JPEG", shown, shown)
    assert psnr(on_white(jpeg), on_white(image.resize(shown, Pillow.Resampling.LANCZOS))) >= 40  # none cut away


def test_a_jpeg_is_refused_as_anything_is() -> None:
    for content, refusal in ((b"text", NotAnImage), (page()[:-1], ImageDamaged)):
        with pytest.raises(refusal):
            images.as_jpeg(io.BytesIO(content), max_bytes=MOST)
    with pytest.raises(ImageTooLarge):
        images.as_jpeg(io.BytesIO(page()), max_bytes=MOST, max_pixels=100)
    with pytest.raises(ImageDamaged) as damaged:  # while decoding
        images.as_jpeg(io.BytesIO(page("jpeg").replace(b"\xff\xdb", b"\xff\xfe")), max_bytes=MOST)
    assert damaged.value.__cause__ is not None


def hidden_colours() -> Pillow.Image:
    """Of which some are there and cannot be seen."""
    image = translucent(300, 450)
    image.paste((10, 20, 30, 0), (50, 50, 150, 150))
    return image


FAITHFUL: dict[str, Callable[[], Pillow.Image]] = {
    "grey": lambda: drawn(300, 450, "L"),
    "grey, as colour": lambda: drawn(300, 450, "L").convert("RGB"),
    "colour": lambda: drawn(300, 450),
    "black and white": lambda: drawn(300, 450, "L").point(lambda v: 255 * (v > 100)).convert("1"),
    "palette": lambda: drawn(300, 450).quantize(16),
    "transparent": hidden_colours,
    "opaque": lambda: drawn(300, 450, "RGBA"),
    "grey and alpha": lambda: translucent(300, 450).convert("LA"),
    "palette and alpha": lambda: translucent(300, 450).quantize(16),
    "as large as one that is sampled": drawn,
}


_TURNED_OR_COLOURED: list[dict[str, Any]] = [{"exif": exif(6)}, {"icc_profile": "profile"}]
_OPTIONS: list[dict[str, Any]] = [{}, *(_TURNED_OR_COLOURED if TEST_ALL else ())]


@pytest.mark.parametrize("name", FAITHFUL)
@pytest.mark.parametrize("options", _OPTIONS)
def test_a_png_is_kept_as_a_smaller_webp_of_equal_pixels(name: str, options: dict[str, Any]) -> None:
    """UP-21"""
    image = FAITHFUL[name]()
    if "icc_profile" in options:
        options = {"icc_profile": swapped()}
        image = image.convert(
            {"1": "RGB", "L": "RGB", "LA": "RGBA"}.get(image.mode, image.mode)
        )  # grey has none of colours
    content = save(image, "png", **options)
    found, kept, _ = prepare(content)
    data = kept.read()
    assert (found.type, found.extension, found.sent_type) == ("image/webp", "webp", "image/png")
    assert (found.bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (found.sent_bytes, found.sent_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert len(data) < len(content)
    webp = opened(data)
    assert webp.format == "WEBP"
    assert (found.width, found.height) == webp.size
    assert webp.info.get("icc_profile") == options.get("icc_profile")
    assert "exif" not in webp.info
    assert webp.convert("RGBA").tobytes() == ImageOps.exif_transpose(opened(content)).convert("RGBA").tobytes()


def with_profile(space: bytes) -> bytes:
    profile = swapped()
    return save(drawn(300, 450), "png", icc_profile=profile[:16] + space + profile[20:])


def coloured(name: bytes, body: bytes) -> bytes:
    return with_chunks(save(drawn(300, 450), "png"), chunk(name, body))


STAYS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: save(drawn(), "jpeg"),
    "webp": lambda: save(drawn(), "webp"),
    "gif": lambda: save(drawn(), "gif"),
    "avif": lambda: save(drawn(), "avif", speed=10),
    "png, 16 bits": lambda: sixteen_bits(2, 3),
    "png, animated": lambda: animation("png"),
    "png, higher than a webp": lambda: flat("png", 2, 16_384),
    "png, a scan": lambda: save(Pillow.blend(drawn(600, 900, "L"), Pillow.effect_noise((600, 900), 6), 0.15), "png"),
    "png, a profile of grey": lambda: with_profile(b"GRAY"),
    "png, a brightness of its own": lambda: coloured(b"gAMA", struct.pack(">I", 100_000)),
    "png, colours of its own": lambda: coloured(b"cHRM", struct.pack(">8I", *range(10_000, 90_000, 10_000))),
    "png, of a high dynamic range": lambda: coloured(b"cICP", bytes([9, 16, 0, 1])),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_a_webp_would_not_show_the_same_or_smaller_stays_as_it_was_sent(name: str) -> None:
    """UP-21"""
    content = STAYS[name]()
    found, kept, _ = prepare(content)
    assert kept.read() == content
    assert found.type == found.sent_type
    assert found.sha256 == found.sent_sha256


def test_a_png_that_says_that_it_is_srgb_may_be_a_webp() -> None:
    said = chunk(b"gAMA", struct.pack(">I", 45_455)) + chunk(b"sRGB", b"\0") + chunk(b"cHRM", bytes(32))
    assert prepare(with_chunks(save(drawn(300, 450), "png"), said)).found.type == "image/webp"


def test_the_size_for_savers_is_smaller_and_never_wider() -> None:
    wide, narrow = (prepare(save(drawn(*size), "jpeg", quality=95)) for size in ((1600, 2400), (700, 900)))
    saver = named(wide, "data-saver")
    assert (saver.type, saver.width, saver.height) == ("image/webp", 1000, 1500)
    assert len(saver.content) <= 0.8 * wide.found.bytes
    saver = named(narrow, "data-saver")
    assert (saver.width, saver.height) == (700, 900)


@pytest.mark.parametrize("content", [save(drawn(700, 900), "webp", quality=20), flat("png", 500, 500)])
def test_what_would_save_nothing_is_left_out(content: bytes) -> None:
    assert names(prepare(content)) == ["thumbnail"]


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1200, 1800), (320, 480)),
        ((1800, 1200), (320, 213)),
        ((1, 5000), (1, 480)),
        ((5000, 1), (320, 1)),
    ],
)
def test_a_thumbnail_fits(size: tuple[int, int], small: tuple[int, int]) -> None:
    made = named(prepare(flat("png", *size)), "thumbnail")
    assert (made.type, made.extension, made.width, made.height) == ("image/webp", "webp", *small)


def test_what_fits_into_a_thumbnail_has_none() -> None:
    assert names(prepare(flat("png", 320, 480))) == []
    assert names(prepare(flat("png", 321, 480))) == ["thumbnail"]


@cache
def strip(width: int = 400, height: int = 7000, *, gutters: tuple[int, ...] = ()) -> Pillow.Image:
    """Drawn all over, but for gutters of 40 pixels."""
    grain = Pillow.frombytes("RGB", (20, 350), random.Random(2).randbytes(21_000))
    image = grain.resize((width, height), Pillow.Resampling.BICUBIC)
    for top in gutters:
        image.paste("white", (0, top, width, top + 40))
    return image


def few() -> Pillow.Image:
    """The strip in few colours."""
    return strip().quantize(32, Pillow.Quantize.FASTOCTREE)


def joined(prepared: Inspected) -> Pillow.Image:
    """All slices beneath each other."""
    parts = [opened(one.content) for one in slices(prepared)]
    whole = Pillow.new(parts[0].mode, (prepared.found.width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


STRIPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "png": (lambda: save(strip(), "png"), "image/webp"),
    "png, another profile": (lambda: save(strip(), "png", icc_profile=swapped()), "image/webp"),
    "png, transparent": (lambda: save(translucent(200, 3200), "png"), "image/webp"),
    "png, palette": (lambda: save(few(), "png"), "image/webp"),
    "png, higher than a webp": (lambda: save(strip(10, 20_000), "png"), "image/webp"),
    "png, turned": (lambda: save(strip().transpose(Pillow.Transpose.ROTATE_90), "png", exif=exif(6)), "image/webp"),
    "gif": (lambda: save(few(), "gif"), "image/webp"),
    "webp, lossless": (lambda: save(strip(), "webp", lossless=True, quality=0), "image/webp"),
    "webp, lossless, with a profile": (
        lambda: save(strip(), "webp", lossless=True, quality=0, icc_profile=swapped()),
        "image/webp",
    ),
}


def check_cuts(prepared: Inspected) -> None:
    parts, found = slices(prepared), prepared.found
    assert [one.name for one in parts] == [f"slice-{number:03}" for number in range(1, len(parts) + 1)]
    assert {one.width for one in parts} == {found.width}
    assert sum(one.height for one in parts) == found.height
    assert all(one.height % 16 == 0 for one in parts[:-1])
    assert all(0 < one.height <= 2000 for one in parts)


@pytest.mark.parametrize("name", [*STRIPS] if TEST_ALL else [*STRIPS][::3])
def test_the_slices_of_a_lossless_strip_are_its_pixels(name: str) -> None:  # UP-21
    draws, kind = STRIPS[name]
    content = draws()
    prepared = prepare(content)
    check_cuts(prepared)
    assert {one.type for one in slices(prepared)} == {kind}
    sent = ImageOps.exif_transpose(opened(content))
    assert joined(prepared).convert("RGBA").tobytes() == sent.convert("RGBA").tobytes()
    assert {opened(one.content).info.get("icc_profile") for one in slices(prepared)} == {sent.info.get("icc_profile")}


def test_the_slices_of_a_flat_strip_are_not_larger_than_what_was_sent() -> None:  # UP-21
    content = save(drawn(800, 9000), "png")
    prepared = prepare(content)
    sliced = sum(len(one.content) for one in slices(prepared))
    assert sliced < len(content)
    assert sliced < 1.5 * prepared.found.bytes


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 75},
        {"quality": 90, "subsampling": 0},
        {"quality": 85, "subsampling": 1, "progressive": True, "icc_profile": swapped()},
    ],
    ids=["4:2:0", "4:4:4", "4:2:2"],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_slices_of_a_jpeg_are_coded_as_it_is(options: dict[str, Any], mode: str) -> None:
    content = save(strip().convert(mode), "jpeg", **options)
    sent, prepared = opened(content), prepare(content)
    assert isinstance(sent, JpegImageFile)
    check_cuts(prepared)
    for one in slices(prepared):
        part = opened(one.content)
        assert isinstance(part, JpegImageFile)
        assert one.type == "image/jpeg"
        assert (part.quantization, get_sampling(part)) == (sent.quantization, get_sampling(sent))
        assert part.info.get("icc_profile") == sent.info.get("icc_profile")
    assert psnr(joined(prepared), sent) > 40
    assert sum(len(one.content) for one in slices(prepared)) < 1.2 * len(content)


OTHERS = {
    "webp": lambda: save(strip(), "webp", quality=80),
    "avif": lambda: save(strip(), "avif", quality=80, speed=10),
    "jpeg, cmyk": lambda: save(strip().convert("CMYK"), "jpeg", quality=90),
    "jpeg, turned": lambda: save(
        strip().transpose(Pillow.Transpose.ROTATE_90), "jpeg", quality=90, exif=told("jpeg", 6)
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_slices_of_a_lossy_strip_look_like_it(name: str) -> None:  # UP-21
    content = OTHERS[name]()
    prepared = prepare(content)
    check_cuts(prepared)
    assert ssim(joined(prepared), seen(content).convert("RGB")) >= 0.98


@pytest.mark.parametrize("size", [(400, 3000), (1001, 3003), (1200, 1800), (6000, 400)])
def test_a_page_that_is_no_strip_is_not_cut(size: tuple[int, int]) -> None:
    assert not slices(prepare(flat("png", *size)))


def test_an_animation_is_not_cut_and_has_a_thumbnail_of_its_first_frame() -> None:
    prepared = prepare(save(strip(), "webp", save_all=True, append_images=[ImageOps.flip(strip())]))
    assert names(prepared) == ["thumbnail"]


def test_strips_are_cut_between_their_drawings() -> None:
    tops = [part[0] for part in cuts(strip(gutters=(1610, 3520, 5300)))]
    assert tops[0] == 0
    assert [top for top in tops[1:] if not any(gutter < top < gutter + 40 for gutter in (1610, 3520, 5300))] == []
    assert [bottom - top for top, bottom in cuts(strip())] == [1760, 1760, 1744, 1736]


@pytest.mark.parametrize("height", [3001, 4000, 4001, 16_384, 65_535] if TEST_ALL else [3001, 16_384])
@pytest.mark.parametrize("colour", [None, "white"])
def test_the_highest_strip_is_cut_into_few(height: int, colour: str | None) -> None:
    image = Pillow.new("L", (8, height), colour) if colour else strip(8, height)
    parts = list(cuts(image))
    assert [top for top, _ in parts] == [0, *(bottom for _, bottom in parts)][:-1]
    assert parts[-1][1] == height
    assert max(bottom - top for top, bottom in parts) <= 2000
    assert len(parts) <= 40


# Whatever else goes wrong with what is beside a page, the page is good.

FAULTY = """
import PIL.WebPImagePlugin as plugin

def save(im, fp, filename):
    raise {raises}

plugin._save = save
plugin.Image.register_save("WEBP", save)
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """An encoder that refuses whatever it gets."""
    with begun_with(FAULTY.format(raises=request.param), tmp_path, monkeypatch):
        yield


@pytest.mark.parametrize("faulty", ["OSError('encoder error -2')", "KeyError('WEBP')"], indirect=True)
def test_a_good_page_is_taken_without_what_cannot_be_made(faulty: None) -> None:
    found, _, variants = prepare(save(strip(), "jpeg"))
    assert found.type == "image/jpeg"
    assert {one.type for one in variants} == {"image/jpeg"}  # the slices
    assert prepare(page()).found.type == "image/png"


@pytest.mark.parametrize("faulty", ["MemoryError", "ValueError('encoding error 1: out of memory')"], indirect=True)
def test_too_little_memory_for_what_is_beside_a_page_is_no_fault_of_the_page(faulty: None) -> None:
    with pytest.raises(Busy):
        prepare(save(strip(), "jpeg"))
    assert prepare(page()).found.type == "image/png"  # what takes the most memory of all is done without


def test_a_hostile_profile_spoils_no_page() -> None:  # UP-06
    """It is taken as if it had none, or refused by name."""
    chance, taken = random.Random(3), 0
    for _ in range(100):
        spoiled = bytearray(swapped())
        for _ in range(chance.choice((1, 3, 30))):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        with suppress(ImageDamaged):
            taken += "thumbnail" in names(prepare(save(draw(400, 40), "jpeg", icc_profile=bytes(spoiled))))
    assert taken > 90
    assert names(prepare(save(drawn(), "jpeg", icc_profile=b"canary" * 50)))[-1] == "thumbnail"
