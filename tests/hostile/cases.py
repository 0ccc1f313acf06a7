"""What is hostile and may be taken in, as one list: archives and pages, and what must become of each."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from roliascan.cli.importing.archives import Limits
from tests import drawings
from tests.archives import HOSTILE, Raw, assemble, pages, picture
from tests.drawings import chunk, flat, gif_header, page, save, segment, with_chunks, with_segments
from tests.library.test_images import BOMBS, MANY, NOT_IMAGES, UNSUPPORTED, bomb

Make = Callable[[], bytes]
NO_IMAGE = "JPEG, PNG, WebP, GIF or AVIF"


class Most(NamedTuple):
    """What one may cost: seconds of a processor, and bytes of memory."""

    cpu_s: float = 2.0
    memory: int = 256 << 20


class Case(NamedTuple):
    """`suffix` is of an archive, or empty for a page; `says` is in the reason for refusing it. None: it is taken."""

    group: str
    name: str
    make: Make
    says: str | None = ""
    suffix: str = ""
    most: Most = Most()

    def written(self, folder: Path, number: int) -> Path:
        """What the command is told to take in."""
        path = folder / f"{number}{self.suffix}"
        if self.suffix:
            path.write_bytes(self.make())
        else:
            path.mkdir()
            (path / "001.png").write_bytes(self.make())
        return path


# --- archives

CUTS = range(100)  # percent


def _lying() -> Iterator[Case]:
    for name, hostile in HOSTILE.items():
        says = hostile.word if hostile.limits == Limits() else ""  # those of the command are larger
        yield Case("archives that lie", name, hostile.make, says, ".cbz")


def _cut_archives() -> Iterator[Case]:
    whole = assemble(Raw(name, data) for name, data in pages().items())
    for percent, suffix in zip(CUTS, [".cbz", ".zip"] * 50, strict=True):
        yield Case("archives that are cut", f"at {percent} %", partial(_part, whole, percent), "", suffix)


NAMES = [
    *("CON.png", "nul.png", "COM1.png", "LPT9.tar.png", "aux/prn.png", "clock$.png", ".. .png", " .png", "~.png"),
    *("safe\u202egpj.png", "\u2066a\u2069.png", "a\u200b.png", "-rf.png", "$(reboot).png", "`reboot`.png", "a;b|c.png"),
    *(
        "%2e%2e%2fevil.png",
        "%00.png",
        "'--.png",
        "<script>.png",
        "{0}{{1}}.png",
        "e" * 200 + ".png",
        "con",
        "\U0001f4a9.png",
    ),
]
"""Which mean something to some system or somebody, and nothing to us: no file is ever called so."""


def _named() -> Iterator[Case]:
    for shade, name in enumerate(NAMES):
        make = _constant(assemble([Raw("1.png", picture(shade)), Raw(name, picture(shade + 100))]))
        yield Case("archives of odd names", repr(name), make, None, ".cbz")


# --- pages

KINDS = ("jpeg", "png", "webp", "gif", "avif")
MAGIC = {"jpeg": 3, "png": 8, "webp": 12, "gif": 6, "avif": 12}  # bytes by which a kind is known
OTHERS = {
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "a script": b"/*" + bytes(40) + b"*/=1;alert(1)//",
    "a ZIP": assemble([Raw("evil.html")]),
    "a PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF",
    "a program": b"<?php system($_GET[1]); ?>",
    "Flash": b"CWS\x06" + bytes(60),
}


def _no_images() -> Iterator[Case]:
    for name, content in NOT_IMAGES.items():
        yield Case("pages that are none", name, _constant(content), NO_IMAGE)
    for name, content in OTHERS.items():
        yield Case("pages that are none", name, _constant(content), NO_IMAGE)
    for name, content in UNSUPPORTED.items():
        yield Case("pages of other kinds", name, _constant(content), "save it as")


def _two_faced() -> Iterator[Case]:
    for kind in KINDS:
        for name, content in OTHERS.items():
            start = page(kind)[: MAGIC[kind]]
            yield Case("pages of two kinds", f"{name} that begins as {kind}", _constant(start + content))
            if kind != "avif":  # where it would be a box
                yield Case("pages of two kinds", f"{kind} before {name}", _constant(page(kind) + content), None)
        for other in KINDS:
            if other != kind:
                swapped = page(kind)[: MAGIC[kind]] + page(other)[MAGIC[other] :]
                yield Case("pages with the head of another", f"{other} as {kind}", _constant(swapped))


def _bombs() -> Iterator[Case]:
    for name, make in BOMBS.items():
        yield Case("bombs of pixels and frames", name, make, "the limit is")
    for part in (b"zTXt", b"iTXt", b"iCCP"):
        for before in (b"IDAT", b"IEND"):
            for size, times in ((50_000_000, 1), (900_000, 10)):
                told = f"{part.decode()} before {before.decode()}, {times} of {size} bytes"
                bombs = partial(_bomb, part, size, times, before)
                yield Case("bombs of metadata", told, bombs, "far too large")
    for told, many in MANY.items():
        yield Case("bombs of metadata", f"{told}, thousands", partial(many, 50_000), "thousands")


def _large_heads() -> Iterator[Case]:
    """Of nearly 10 MB, and whole but for that."""
    noise = bytes(65_000)
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + noise)
    heads: dict[str, Make] = {
        "jpeg, profiles": lambda: with_segments(page("jpeg"), profile * 140),
        "jpeg, comments": lambda: with_segments(page("jpeg"), segment(0xFE, noise) * 140),
        "jpeg, exif": lambda: with_segments(page("jpeg"), segment(0xE1, b"Exif\0\0" + noise) * 140),
        "png, text": lambda: with_chunks(page(), chunk(b"tEXt", b"a\0" + bytes(9_000_000))),
        "png, profile": lambda: with_chunks(page(), chunk(b"iCCP", b"a\0\0" + bytes(9_000_000))),
        "png, exif": lambda: with_chunks(page(), chunk(b"eXIf", bytes(9_000_000))),
        "webp, XMP": lambda: save(drawings.draw(), "webp", xmp=bytes(9_000_000)),
        "gif, comments": lambda: (
            gif_header(1, 1)[:19] + b"!\xfe" + b"\x02xx" * 3_000_000 + b"\0" + gif_header(1, 1)[19:]
        ),
    }
    for name, make in heads.items():
        says = {"gif, comments": "comments"}.get(name)
        yield Case("pages with large heads", name, make, says)


def _cut_pages() -> Iterator[Case]:
    for kind in KINDS:
        for percent in CUTS:
            yield Case(f"pages that are cut, {kind}", f"at {percent} %", partial(_part, page(kind), percent))


def _as_large_as_may_be() -> Iterator[Case]:
    """Of one colour and few bytes, just below 40 million pixels: within the limits, whose price this is."""
    how: dict[str, dict[str, Any]] = {
        "jpeg": {},
        "jpeg, progressive": {"progressive": True},
        "png": {},
        "gif": {},
        "webp, lossless": {"lossless": True, "method": 0},
        "webp": {"method": 0},
        "avif": {"speed": 10},
    }
    for name, options in how.items():
        drawn = partial(flat, name.partition(",")[0], 6320, 6320, **options)
        yield Case("pages as large as may be", name, drawn, None, most=Most(10.0, 1 << 30))


def _part(whole: bytes, percent: int) -> bytes:
    return whole[: len(whole) * percent // 100]


def _constant(content: bytes) -> Make:
    return lambda: content


def _bomb(name: bytes, size: int, times: int, before: bytes) -> bytes:
    return with_chunks(page(), bomb(name, size) * times, before=before)


ARCHIVES = [*_lying(), *_named(), *_cut_archives()]
PAGES = [*_no_images(), *_two_faced(), *_bombs(), *_large_heads(), *_cut_pages(), *_as_large_as_may_be()]


def in_short(cases: list[Case]) -> list[Case]:
    """Without nine of ten cuts, two of three polyglots, half the lies, and what takes so much memory by right."""
    number = count()
    cheap = [case for case in cases if case.most == Most()]
    among = {"that are cut": 10, "of two kinds": 3, "that lie": 2}
    every = [next((n for words, n in among.items() if words in case.group), 1) for case in cheap]
    return [case for case, n in zip(cheap, every, strict=True) if n == 1 or next(number) % n == 0]
