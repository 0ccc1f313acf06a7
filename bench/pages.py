"""Taking in a chapter: what it costs from completion to published, beside Pillow alone with the same conversions."""

import io
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bench.databases import Filled
from bench.report import Line
from roliascan.library import images
from roliascan.storage.memory import MemoryStorage
from tests.front import Asker, opened, told
from tests.library.uploading import announced, puts

PAGES, AT_ONCE = 200, 100  # of the chapter; announced together
SIZE = (1600, 2400)
OF_PILLOW = 1.15
FUNCTION_GB = 1.769  # a function of this size has one processor, whole
_BANDS = 8


class _Counted(MemoryStorage):
    """Tells how many bytes went in and out."""

    read = written = 0

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        super().put(key, source, type=type)
        self.written += len(self._files[key][0])

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        self.read += len(self._files[key][0]) - start
        return super().open(key, start=start)


class _Spent(NamedTuple):
    ours_s: float  # of a processor
    pillow_s: float
    wall_s: float  # of all requests
    bodies: int  # bytes of them and of their answers


def measure(databases: Mapping[str, Filled]) -> Iterator[Line]:
    """On SQLite and storage in memory; ours and Pillow take turns, page by page."""
    files, storage = [_page(number) for number in range(PAGES)], _Counted()
    with opened(databases["sqlite"].url, storage=storage) as site, open(os.devnull, "w") as log, redirect_stdout(log):
        spent = _spent(site.sign_up("uploader"), files, storage)
    told = f"{spent.ours_s:.1f} of {spent.pillow_s:.1f} s for {PAGES} pages of {SIZE[0]} x {SIZE[1]}"
    yield Line("CPU from completion to published: of Pillow alone", spent.ours_s / spent.pillow_s, "x", OF_PILLOW, told)
    yield Line("pages a second of a processor", PAGES / spent.ours_s, "")
    yield Line("sent by its uploader", sum(map(len, files)) / 1e6, "MB")
    yield Line("read from storage", storage.read / 1e6, "MB")
    yield Line("written to storage", storage.written / 1e6, "MB")
    yield Line("bodies of requests and answers", spent.bodies / 1e6, "MB")
    yield Line("of a function with 1,769 MB", spent.wall_s * FUNCTION_GB, "GB-s", told="requests' time x 1.769 GB")


def _spent(uploader: Asker, files: list[bytes], storage: _Counted) -> _Spent:
    target = {"chapterId": uploader.makes_chapter(uploader.makes_series("Bench"), 1)["id"]}
    session, tickets = _sent(uploader, target, files)
    storage.read = storage.written = bodies = 0
    ours = pillow = wall = 0.0
    images.end_decoders()
    before = _of_children()
    for ticket, content in zip(tickets, files, strict=True):
        spent, took, size = _asked(uploader, f"uploads/{ticket}/complete", None)
        ours, wall, bodies = ours + spent, wall + took, bodies + size
        began = time.process_time()
        _converted(content)
        pillow += time.process_time() - began
    for path, body in (
        (f"uploads/sessions/{session}/commit", {"order": tickets}),
        (f"chapters/{target['chapterId']}/publish", None),
    ):
        spent, took, size = _asked(uploader, path, body)
        ours, wall, bodies = ours + spent, wall + took, bodies + size
    images.end_decoders()
    return _Spent(ours + _of_children() - before, pillow, wall, bodies)


def _sent(uploader: Asker, target: Any, files: list[bytes]) -> tuple[str, list[str]]:
    """The session, and the tickets of all files, whose bytes are there."""
    session, ids = "", list[str]()
    for first in range(0, len(files), AT_ONCE):
        some = files[first : first + AT_ONCE]
        announcements = [announced(one, type="image/png" if one[:1] == b"\x89" else "image/jpeg") for one in some]
        asked = told(uploader.post("uploads", {"target": target, "files": announcements}), 201)
        for ticket, content in zip(asked["tickets"], some, strict=True):
            told(puts(uploader.site, ticket, content), 204)
        session, ids = asked["session"], [*ids, *(ticket["id"] for ticket in asked["tickets"])]
    return session, ids


def _asked(uploader: Asker, path: str, body: Any) -> tuple[float, float, int]:
    """Seconds of a processor in this process, seconds, and bytes of the bodies."""
    cpu, wall = time.process_time(), time.perf_counter()
    answer = uploader.post(path, body)
    spent, took = time.process_time() - cpu, time.perf_counter() - wall
    told(answer)
    return spent, took, len(answer.content) + (len(str(body)) if body else 0)


def _of_children() -> float:
    """Seconds of a processor that processes took which ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _converted(content: bytes) -> list[bytes]:
    """What is made of a page, by Pillow alone."""
    image = Image.open(io.BytesIO(content))
    image.load()
    made = [*_lossless(image, content)] if image.format == "PNG" else []
    saver = image.resize((1000, 1500), Image.Resampling.LANCZOS, reducing_gap=3)
    thumbnail = saver.resize((320, 480), Image.Resampling.LANCZOS, reducing_gap=3)
    return [*made, *(_webp(one, quality=75, method=2) for one in (saver, thumbnail))]


def _lossless(image: Image.Image, content: bytes) -> Iterator[bytes]:
    """An eighth of it tells whether, and how, all of it is worth to be coded."""
    rows = image.height // 64
    sample = Image.new(image.mode, (image.width, rows * _BANDS))
    for band in range(_BANDS):
        top = (image.height - rows) * band // (_BANDS - 1)
        sample.paste(image.crop((0, top, image.width, top + rows)), (0, rows * band))
    bits = 8 * len(_webp(sample, lossless=True, quality=0, method=0)) / (sample.width * sample.height)
    if bits < 2 or bits * image.width * image.height < 8 * len(content):
        yield _webp(image, lossless=True, quality=0, method=int(bits < 2))


def _webp(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", exact=True, **options)
    return file.getvalue()


def _page(number: int) -> bytes:
    """Each is another one; four of five are JPEG in colour, the fifth a PNG in grey."""
    chance = random.Random(number)
    ink = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(ink)
    for _ in range(60):
        left, top = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
        shape = chance.choice((pen.rectangle, pen.ellipse, pen.line))
        shape((left, top, left + chance.randrange(500), top + chance.randrange(500)), width=chance.randrange(2, 9))
        pen.text((left, top), f"page {number} says little " * 3, fill=0, font_size=28)
    ink = ink.filter(ImageFilter.SMOOTH)
    file = io.BytesIO()
    if number % 5 == 4:
        ink.save(file, "PNG")
        return file.getvalue()
    bands = [Image.frombytes("L", (5, 7), chance.randbytes(35)).resize(SIZE, Image.Resampling.BICUBIC) for _ in "RGB"]
    colours = ImageChops.multiply(Image.merge("RGB", bands), Image.merge("RGB", [ink] * 3))
    grain = Image.effect_noise(SIZE, 12).convert("RGB")
    Image.blend(colours, grain, 0.08).save(file, "JPEG", quality=88)
    return file.getvalue()
