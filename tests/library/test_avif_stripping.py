"""Stripping of AVIF files: what is beside their pictures in boxes, and bytes that pictures share."""

import io
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image as Pillow

from roliascan.errors import Refusal
from roliascan.library.image_headers import read_header
from roliascan.library.image_terms import ImageDamaged, UnsupportedImage
from roliascan.library.stripping import stripped
from tests.drawings import avif_payload, box, draw, exif, mutate, save

CANARY = b"canary"
Item = tuple[bytes, bytes, bytes]  # kind, name, bytes
SMALL = (30, 45)


def properties(avif: bytes) -> bytes:
    """The boxes that describe a picture, four of them, of an AVIF that Pillow wrote."""
    at = avif.index(b"ipco") + 4
    return avif[at : avif.index(b"ipma") - 4]


def information(number: int, kind: bytes, name: bytes) -> bytes:
    return box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, kind), name + b"\0")


def references(*of: tuple[bytes, int, int]) -> bytes:
    return box(b"iref", bytes(4), *(box(name, struct.pack(">HHH", source, 1, to)) for name, source, to in of))


def built(
    items: list[Item],
    *,
    more: bytes = b"",
    links: bytes = b"",
    moved: Callable[[int, int, int], tuple[int, int]] = lambda number, at, size: (at, size),
    inside: tuple[int, ...] = (),
) -> bytes:
    """A file of these items, the first of which is shown; `more` are boxes in `meta`.

    `moved` gives each item another place and size; those of numbers `inside` lie in `idat`.
    """
    kinds = [information(number, kind, name) for number, (kind, name, _) in enumerate(items, 1)]
    large = properties(save(draw(), "avif"))
    small = properties(save(draw(*SMALL), "avif"))
    told = box(b"udes", bytes(4), b"en\0canary\0canary\0canary\0") + box(b"crtt", bytes(4), b"canary..")
    count = 4
    pictures = [number for number, (kind, *_) in enumerate(items, 1) if kind == b"av01"]
    belongs = b""
    for number in pictures:
        first = 1 if number == 1 else 1 + count
        belongs += struct.pack(">HB", number, count + 2)
        belongs += bytes(first + step for step in range(count)) + bytes([2 * count + 1, 2 * count + 2])
    ipma = box(b"ipma", struct.pack(">II", 0, len(pictures)), belongs)
    held = b"".join(body for number, (*_, body) in enumerate(items, 1) if number in inside)

    def start(data: int) -> bytes:
        places, within, at = b"", 0, data
        for number, (*_, body) in enumerate(items, 1):
            place, size = (within, len(body)) if number in inside else moved(number, at, len(body))
            places += struct.pack(">HHHHII", number, number in inside, 0, 1, place, size)
            within, at = (within + len(body), at) if number in inside else (within, at + len(body))
        meta = box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", b"appl", bytes(8), b"canary, program\0"),
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iloc", struct.pack(">IHH", 1 << 24, 0x4400, len(items)), places),
            box(b"iinf", struct.pack(">IH", 0, len(items)), *kinds),
            links,
            box(b"iprp", box(b"ipco", large, small, told), ipma),
            box(b"idat", held) if held else b"",
            more,
        )
        return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + meta

    bodies = [body for number, (*_, body) in enumerate(items, 1) if number not in inside]
    return start(len(start(0)) + 8) + box(b"mdat", *bodies, b"canary, between")


PICTURE = avif_payload(save(draw(), "avif"))
THUMBNAIL = avif_payload(save(draw(*SMALL, seed=7), "avif"))
NOTES: list[Item] = [
    (b"Exif", b"canary", b"\0\0\0\0" + exif(6) + CANARY),
    (b"mime", b"XMP\0application/rdf+xml", b"<x>canary</x>"),
    (b"mime", b"canary\0image/jpeg", b"canary"),
    (b"uri ", b"canary\0https://canary.example/", b"canary"),
    (b"cnry", b"", b"canary"),
]
TOLD = references((b"cdsc", 2, 1), (b"cdsc", 3, 1))
THUMBED = references((b"thmb", 2, 1))


def shown(content: bytes) -> tuple[Any, ...]:
    with Pillow.open(io.BytesIO(content)) as image:
        image.load()
        return image.mode, image.size, image.tobytes(), set(image.info)


def test_a_built_file_is_one_that_decoders_show() -> None:
    """What the others here stand on."""
    mode, size, pixels, info = shown(built([(b"av01", b"Color", PICTURE), *NOTES], links=TOLD))
    assert (mode, size, pixels) == shown(save(draw(), "avif"))[:3]
    assert {"exif", "xmp"} <= info


def noted() -> bytes:
    more = box(b"uuid", CANARY * 4) + box(b"free", CANARY) + box(b"xml ", bytes(4), CANARY) + box(b"dinf", CANARY)
    content = built([(b"av01", CANARY, PICTURE), *NOTES], links=TOLD, more=more, inside=(2, 6))
    far = struct.pack(">I4sQ", 1, b"jumb", 16 + len(CANARY)) + CANARY
    tail = b"".join(box(name, CANARY * 4) for name in (b"uuid", b"udta", b"free", b"skip", b"cnry"))
    return content + far + tail + struct.pack(">I4s", 0, b"uuid") + b"canary, up to the end"


def thumbed() -> bytes:
    return built([(b"av01", b"Color", PICTURE), (b"av01", b"canary", THUMBNAIL)], links=THUMBED)


@pytest.mark.parametrize("name", ["notes", "thumbnail"])
def test_what_tells_of_the_maker_is_overwritten(name: str) -> None:
    """UP-20, UP-03: in items, properties, boxes of every level, names, and between all of them."""
    content = noted() if name == "notes" else thumbed()
    result = stripped("avif", content)
    assert CANARY not in result
    for word in (b"https", b"uuid", b"jumb", b"udta", b"cnry", b"udes"):
        assert word not in result
    assert len(result) == len(content)
    assert shown(result)[:3] == shown(content)[:3]
    assert not {"exif", "xmp"} & shown(result)[3]
    seen, before = read_header("avif", result), read_header("avif", content)
    assert (*seen[:3], seen.turned) == (*before[:3], before.turned)
    assert stripped("avif", result) == result


def test_a_thumbnail_is_overwritten_and_the_picture_is_still_shown() -> None:
    """UP-20: it may show what was cut away."""
    content = thumbed()
    assert content.count(THUMBNAIL) == 1
    result = stripped("avif", content)
    assert THUMBNAIL not in result
    assert PICTURE in result


@pytest.mark.parametrize(
    "links",
    [
        [(b"thmb", 2, 1), (b"auxl", 2, 1)],
        [(b"thmb", 2, 1), (b"dimg", 1, 2)],
        [(b"auxl", 2, 1)],
    ],
    ids=["called a thumbnail, and transparency", "called a thumbnail, and a part", "transparency"],
)
def test_what_belongs_to_the_picture_shown_stays(links: list[tuple[bytes, int, int]]) -> None:
    items: list[Item] = [(b"av01", b"", PICTURE), (b"av01", b"", THUMBNAIL)]
    result = stripped("avif", built(items, links=references(*links)))
    assert PICTURE in result
    assert THUMBNAIL in result


@pytest.mark.parametrize(
    "links",
    [
        [],
        [(b"thmb", 1, 2)],
        [(b"thmb", 2, 1), (b"thmb", 1, 2)],
        [(b"thmb", 2, 1), (b"cdsc", 2, 1)],
        [(b"dimg", 2, 1)],
    ],
    ids=["nothing", "the picture shown as its thumbnail", "thumbnails of each other", "a description", "made of it"],
)
def test_a_picture_that_is_never_shown_goes(links: list[tuple[bytes, int, int]]) -> None:
    """UP-20: it may be the one before something was cut away."""
    items: list[Item] = [(b"av01", b"", PICTURE), (b"av01", b"", THUMBNAIL)]
    result = stripped("avif", built(items, links=references(*links)))
    assert PICTURE in result
    assert THUMBNAIL not in result


def test_a_picture_keeps_the_bytes_that_metadata_says_are_its_own() -> None:
    """No file is taken whose pictures would be spoilt, nor one that hides its texts in them."""
    items = [(b"av01", b"", PICTURE), NOTES[0]]

    def within_the_picture(number: int, at: int, size: int) -> tuple[int, int]:
        return (at - 1, size) if number == 2 else (at, size)

    def over_its_end(number: int, at: int, size: int) -> tuple[int, int]:
        return (at, size + 1) if number == 1 else (at, size)

    def everywhere(number: int, at: int, size: int) -> tuple[int, int]:
        return (0, at + size) if number == 2 else (at, size)

    for moved in (within_the_picture, over_its_end, everywhere):
        content = built(items, links=references((b"cdsc", 2, 1)), moved=moved)
        read_header("avif", content)
        with pytest.raises(ImageDamaged):
            stripped("avif", content)
    assert stripped("avif", built(items, links=references((b"cdsc", 2, 1))))


def test_a_picture_within_a_box_of_another_name_is_refused() -> None:
    """What nobody knows would be overwritten, and the picture with it."""
    content = built([(b"av01", b"", PICTURE)])
    at = content.index(b"mdat")
    content = content[:at] + b"cnry" + content[at + 4 :]
    assert shown(content)[:2] == ("RGB", (60, 90))
    with pytest.raises(ImageDamaged):
        stripped("avif", content)


def test_an_item_that_is_there_twice_is_refused() -> None:
    """A decoder could believe either."""
    content = built([(b"av01", b"", PICTURE), (b"Exif", b"", CANARY)])
    at = content.index(b"Exif") - 4
    with pytest.raises(ImageDamaged):
        stripped("avif", content[: at + 1] + b"\1" + content[at + 2 :])


def test_an_animation_is_refused_before() -> None:
    content = save(draw(), "avif", save_all=True, append_images=[draw(seed=1)])
    with pytest.raises(UnsupportedImage):
        read_header("avif", content)
    with pytest.raises(ImageDamaged):
        stripped("avif", content)


def test_a_turned_picture_stays_turned() -> None:
    """UP-21: by a property of its own, which is no EXIF."""
    for orientation in range(1, 9):
        content = save(draw(), "avif", exif=exif(orientation) + CANARY)
        result = stripped("avif", content)
        assert read_header("avif", result) == read_header("avif", content)
        with Pillow.open(io.BytesIO(result)) as image:
            assert image.getexif().get(0x0112, 1) == orientation
        assert CANARY not in result


@pytest.mark.parametrize("whole", [noted, thumbed])
def test_spoiled_files_are_refused_or_whole(whole: Callable[[], bytes]) -> None:
    """UP-07, UP-09, in short"""
    content, chance, taken = whole(), random.Random(5), 0
    for percent in range(100):
        with suppress(ImageDamaged):
            stripped("avif", content[: len(content) * percent // 100])
    for _ in range(20_000):
        spoiled = mutate(content, chance)
        with suppress(Refusal):
            stripped("avif", spoiled)
        try:
            header = read_header("avif", spoiled)
        except Refusal:
            continue
        taken += 1
        with suppress(ImageDamaged):
            result = stripped("avif", spoiled)
            assert read_header("avif", result)[:3] == header[:3]
            assert stripped("avif", result) == result
        if taken == 200:
            return
    pytest.fail(f"only {taken} of them were taken")
