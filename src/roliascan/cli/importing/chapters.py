"""Chapters as they are read: their facts and their pages, one at a time, from a folder or from a verified archive."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from roliascan.cli.importing import archives, comicinfo, folders, names, numbers
from roliascan.cli.importing.archives import Entry, Limits, OversizedArchive
from roliascan.cli.importing.comicinfo import BYTES_MAX, ComicInfo, OversizedInfo
from roliascan.cli.importing.names import shown
from roliascan.cli.importing.numbers import Named
from roliascan.errors import Refusal, TooLarge

_IN_MEMORY = 8 * 1024 * 1024  # bytes of a page; the rest of a larger one is in a nameless temporary file


class NoPages(Refusal):
    code = "no_pages"
    detail = "There are no images in it."


class TooManyPages(TooLarge):
    code = "too_many_pages"
    detail = "It has more pages than the limit."


class OversizedPage(TooLarge):
    code = "oversized_page"
    detail = "A page is larger than the limit."


class Page(NamedTuple):
    """`name` is only a label. `open()` gives a seekable copy, which the caller closes; Refusal if the bytes changed."""

    name: str
    bytes: int
    open: Callable[[], BinaryIO]


class Item(NamedTuple):
    """Where chapters are: an archive, or a folder of images (`deep`: with the images in folders below it)."""

    path: Path
    is_archive: bool
    volume: str = ""
    deep: bool = False


class Outline(NamedTuple):
    """What a chapter's name and ComicInfo say. `inside` is its folder, when it is only a part of an archive."""

    named: Named
    info: ComicInfo
    inside: tuple[str, ...] | None = None


class Chapter(NamedTuple):
    """Either `number_milli`, in thousandths, or `label` is there. `pages` are in natural order, at least one."""

    number_milli: int | None
    label: str | None
    title: str
    volume: str
    language: str
    pages: tuple[Page, ...]
    warnings: tuple[str, ...]


def outlines(item: Item, limits: Limits) -> list[Outline]:
    """The chapters of `item`, by names and ComicInfo only. Raises what `archives`, `comicinfo` and `folders` refuse."""
    if not item.is_archive:
        return [Outline(numbers.parse(item.path.name), _info_in_folder(item.path))]
    with folders.open_file(item.path) as file:
        return _outlines(item, file, archives.entries(file, limits))


def read(item: Item, limits: Limits, *, alone: bool = False) -> Iterator[Chapter]:
    """The chapters of `item`, an archive's only after all of it was verified. Pages open until the next is asked for.

    `alone` says that the series has no other chapter: without number and label it is a oneshot. Raises Refusal.
    """
    if item.is_archive:
        yield from _read_archive(item, limits, alone)
    else:
        found = [item.path.joinpath(*parts) for parts in _pages_in_folder(item)]
        pages = tuple(page_in_folder(item.path, path, limits) for path in found)
        yield _chapter(item, outlines(item, limits)[0], pages, limits, alone)


def _read_archive(item: Item, limits: Limits, alone: bool) -> Iterator[Chapter]:
    with folders.open_file(item.path) as file:
        found = archives.entries(file, limits)
        drafts = _outlines(item, file, found)
        archives.verify(file, found, limits)
        for outline in drafts:
            own = _sorted(entry for entry in _pages(found) if _lies_in(entry, outline.inside))
            pages = tuple(_page_in_archive(file, entry, outline.inside or (), limits) for entry in own)
            yield _chapter(item, outline, pages, limits, alone and len(drafts) == 1)


def _chapter(item: Item, outline: Outline, pages: tuple[Page, ...], limits: Limits, alone: bool) -> Chapter:
    if not pages:
        raise NoPages
    if len(pages) > limits.entries:
        raise TooManyPages(f"It has {len(pages)} pages; the limit is {limits.entries}.")
    named, info = outline.named, outline.info
    number, label, warnings = number_and_label(outline)
    if number is None and label is None:
        label = "Oneshot" if alone or not named.series else shown(named.series, 80)
    return Chapter(
        number_milli=number,
        label=label,
        title=info.title or shown(named.title),
        volume=info.volume or named.volume or item.volume,
        language=info.language,
        pages=pages,
        warnings=warnings,
    )


def number_and_label(outline: Outline) -> tuple[int | None, str | None, tuple[str, ...]]:
    """The number in thousandths or the label, and warnings: ComicInfo's number wins, unless it is none.

    An extra to chapter 10 is labelled `10 Extra` and has no number: that is chapter 10's, of which there is one.
    """
    number, label, warnings = _said(outline)
    if number is None or label is None:
        return number, label, warnings
    return None, f"{number / 1000:.9g} {label}", warnings


def _said(outline: Outline) -> tuple[int | None, str | None, tuple[str, ...]]:
    named, info = outline.named, outline.info
    warnings = (info.warning,) if info.warning else ()
    if not info.number:
        label = numbers.label_of(info.format) if named.number is None and named.label is None else None
        return named.number, named.label or label, warnings
    number = numbers.milli(info.number)
    if number is not None:
        return number, named.label if named.number == number else None, warnings
    label = numbers.label_of(info.number)
    if label is not None:
        return None, label, warnings
    warning = f"the number {shown(info.number, 20)!r} in ComicInfo.xml is ignored"
    return named.number, named.label, (*warnings, warning)


# --- folders


def _pages_in_folder(item: Item) -> list[tuple[str, ...]]:
    folder = folders.scan(item.path)
    found = folders.pages_below(folder) if item.deep else ((name,) for name in folder.pages)
    return sorted(found, key=names.natural_key)


def page_in_folder(folder: Path, path: Path, limits: Limits) -> Page:
    name = shown(path.relative_to(folder).as_posix())
    size = path.lstat().st_size
    if size > limits.page:
        raise OversizedPage(f"{name} is larger than {limits.page} bytes.")
    return Page(name, size, partial(_copy_file, path, name, limits.page))


def _copy_file(path: Path, name: str, limit: int) -> BinaryIO:
    with folders.open_file(path) as file:
        return _copy(iter(partial(file.read, archives.PIECE), b""), name, limit)


def _info_in_folder(path: Path) -> ComicInfo:
    for name in ("ComicInfo.xml", "comicinfo.xml"):
        try:
            with folders.open_file(path / name) as file:
                data = file.read(BYTES_MAX + 1)
        except (folders.Unreadable, folders.NotAFile):
            continue
        if len(data) > BYTES_MAX:
            raise OversizedInfo
        return comicinfo.parse(data)
    return ComicInfo()


# --- archives


def _outlines(item: Item, file: BinaryIO, found: Sequence[Entry]) -> list[Outline]:
    whole = numbers.parse(item.path.stem)
    return [Outline(_named(whole, inside), _info_in_archive(file, found, inside), inside) for inside in _divided(found)]


def _named(whole: Named, inside: tuple[str, ...] | None) -> Named:
    if inside is None:
        return whole
    named = numbers.parse(inside[-1])
    return named._replace(volume=named.volume or whole.volume)


def _pages(found: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in found if names.is_page(entry.parts[-1]) and not names.is_debris(entry.parts)]


def _sorted(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda entry: names.natural_key(entry.parts))


def _lies_in(entry: Entry, inside: tuple[str, ...] | None) -> bool:
    return inside is None or entry.parts[:-1] == inside


def _divided(found: Sequence[Entry]) -> list[tuple[str, ...] | None]:
    """The folders that are chapters, when all images lie in several and each is named as one; else [None]."""
    pages = _pages(found)
    inner = {entry.parts[:-1] for entry in pages if not (len(entry.parts) == 1 and names.is_cover(entry.parts[0]))}
    if len(inner) > 1 and all(parts and numbers.parse(parts[-1]).is_chapter for parts in inner):
        return [*sorted(inner, key=names.natural_key)]
    return [None]


def _page_in_archive(file: BinaryIO, entry: Entry, inside: tuple[str, ...], limits: Limits) -> Page:
    name = shown("/".join(entry.parts[len(inside) :]))
    return Page(name, entry.size, lambda: _copy(archives.inflate(file, entry), name, limits.page))


def _info_in_archive(file: BinaryIO, found: Sequence[Entry], inside: tuple[str, ...] | None) -> ComicInfo:
    """The ComicInfo of the folder `inside`, else the one at the top or in the only folder there."""
    infos = {entry.parts[:-1]: entry for entry in found if entry.parts[-1].casefold() == names.INFO}
    tops = {entry.parts[0] for entry in _pages(found)}
    places = [inside or (), (), *([(top,) for top in tops] if len(tops) == 1 else [])]
    entry = next((infos[place] for place in places if place in infos), None)
    if entry is None:
        return ComicInfo()
    if entry.size > BYTES_MAX:
        raise OversizedInfo
    info = comicinfo.parse(b"".join(archives.inflate(file, entry)))
    # A description of the whole does not number its parts.
    return info if inside is None or entry.parts[:-1] == inside else info._replace(number="", title="", format="")


def _copy(pieces: Iterable[bytes], name: str, limit: int) -> BinaryIO:
    copy = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        for piece in pieces:
            copy.write(piece)
            if copy.tell() > limit:
                raise OversizedArchive(f"{name} is larger than {limit} bytes.")
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return cast(BinaryIO, copy)
