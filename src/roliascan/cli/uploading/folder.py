"""The pages in a folder: what the importer would take, in the same order, hashed once; and what is no page."""

import os
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from roliascan.cli.importing import chapters, comicinfo, folders
from roliascan.cli.importing.archives import Limits
from roliascan.cli.importing.chapters import Item
from roliascan.cli.importing.names import shown
from roliascan.errors import Refusal
from roliascan.library import image_headers

_FIRST = 1024  # bytes that tell what it is


class Changed(Refusal):
    code = "changed"
    detail = "This file was changed after it was announced; run the command again."


class Page(NamedTuple):
    """`name` is only a label; `type` is by the first bytes, `sha256` lower-case hex."""

    path: Path
    name: str
    bytes: int
    type: str
    sha256: str

    def open(self) -> BinaryIO:
        """Raises Changed, NotAFile, Unreadable."""
        file = folders.open_file(self.path)
        if os.fstat(file.fileno()).st_size != self.bytes:
            file.close()
            raise Changed
        return file


class Wrong(NamedTuple):
    """Something that is in the way, and why."""

    name: str
    reason: str


class Named(NamedTuple):
    """What the folder's name and ComicInfo.xml say of the chapter; the number in thousandths."""

    number_milli: int | None
    label: str | None
    title: str
    volume: str
    language: str


def read(path: Path) -> tuple[list[Page], list[Wrong]]:
    """The pages in natural order, and all that has to be mended first: a chapter that lacks one is no chapter."""
    if not path.is_dir():
        return [], [Wrong(str(path), "is no folder")]
    found = folders.scan(path.resolve())
    wrong = [Wrong(shown(one.path.name), one.reason) for one in found.skipped]
    wrong += [Wrong(shown(name), "is an archive; unpack it first") for name in found.archives]
    wrong += [Wrong(shown(one.path.name), "is a folder; upload it by itself") for one in found.folders]
    pages = []
    for name in found.pages:
        try:
            pages.append(_page(found.path / name))
        except Refusal as refusal:
            wrong.append(Wrong(shown(name), refusal.detail))
        except OSError as error:
            wrong.append(Wrong(shown(name), error.strerror or "cannot be read"))
    return pages, wrong or ([] if pages else [Wrong(shown(path.name) or str(path), "holds no images")])


def _page(path: Path) -> Page:
    """Raises NotAnImage, UnsupportedImage, NotAFile, Unreadable."""
    with folders.open_file(path) as file:
        first = file.read(_FIRST)
        kind = image_headers.sniff(first)
        digest = sha256(first)
        while block := file.read(1 << 16):
            digest.update(block)
        size = os.fstat(file.fileno()).st_size
    return Page(path, shown(path.name), size, f"image/{kind}", digest.hexdigest())


def named(path: Path) -> Named:
    """Raises what `comicinfo` refuses."""
    [outline] = chapters.outlines(Item(path.resolve(), is_archive=False), Limits())
    number, label, _ = chapters.number_and_label(outline)
    info: comicinfo.ComicInfo = outline.info
    said = outline.named
    return Named(number, label, info.title or shown(said.title), info.volume or said.volume, info.language)
