"""What `roliascan import` finds below the paths that it is given: series, and where their chapters are.

    found = walk(paths)                       names only: quick, and says how much there is
    for series in catalogue(found.shelves, limits):   names and ComicInfo.xml, in the order of the chapters' numbers
        for item in series.items:
            for chapter in chapters.read(item, limits, alone=len(series.items) == 1):
                ...

A PATH is an archive, a folder of images (a chapter), a folder of chapters (a series), or a folder of series. Whatever
is refused or skipped is named in `found.skipped` or raised by `chapters.read`, and the rest goes on.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from roliascan.cli.importing import chapters, folders, names, numbers
from roliascan.cli.importing.archives import Limits
from roliascan.cli.importing.chapters import Item, Outline, Page
from roliascan.cli.importing.folders import Folder, Skipped
from roliascan.cli.importing.names import shown
from roliascan.errors import Refusal
from roliascan.text import sort_key

_GROUPS = re.compile(r"\A(?:\[[^\]]*\]\s*)+")


class Shelf(NamedTuple):
    """Chapters that belong together by where they lie. `title` is the series' where no ComicInfo names it."""

    title: str
    items: tuple[Item, ...]
    cover: Path | None = None


class Found(NamedTuple):
    shelves: tuple[Shelf, ...]
    skipped: tuple[Skipped, ...]

    @property
    def size(self) -> int:
        """Archives and folders to read, for a progress bar."""
        return sum(len(shelf.items) for shelf in self.shelves)


class Series(NamedTuple):
    """Empty where nothing is said. `direction` is `rtl` or nothing; `cover` is an image beside the chapters."""

    title: str
    author: str
    description: str
    language: str
    direction: str
    cover: Path | None
    items: tuple[Item, ...]


_Part: TypeAlias = tuple[Item, list[Outline]]


class _Gathered(NamedTuple):
    """A series while its parts are being found."""

    title: str
    parts: list[_Part]
    covers: list[Path]


class _Place(NamedTuple):
    """An item and the title of the series that its place says."""

    title: str
    item: Item
    cover: Path | None = None


def walk(paths: Iterable[Path]) -> Found:
    """What is below `paths`, by names alone; the same file is found once, however often it is named."""
    places: list[_Place] = []
    refused: list[Skipped] = []
    for path in dict.fromkeys(path.absolute() for path in paths):
        found, without = _at(path)
        places += found
        refused += without
    shelves: dict[str, dict[Path, _Place]] = {}
    for place in places:
        shelves.setdefault(place.title, {}).setdefault(place.item.path, place)
    return Found(tuple(_shelf(title, list(own.values())) for title, own in shelves.items()), tuple(refused))


def _shelf(title: str, places: Sequence[_Place]) -> Shelf:
    cover = next((place.cover for place in places if place.cover), None)
    return Shelf(title, tuple(place.item for place in places), cover)


def _at(path: Path) -> tuple[list[_Place], list[Skipped]]:
    try:
        resolved = path.resolve(
            strict=True
        )  # a link that was named by the person who asks is followed; none below it is
    except (OSError, RuntimeError) as error:
        return [], [Skipped(path, getattr(error, "strerror", None) or "is a link to itself")]
    if resolved.is_file():
        return _lone(resolved)
    if not resolved.is_dir():
        return [], [Skipped(path, "is neither a folder nor an archive")]
    folder = folders.scan(resolved)
    if folder.is_empty:
        return [], [*folder.skipped, Skipped(path, "holds neither images nor archives")]
    named = numbers.parse(resolved.name)
    above = named.series or _title(resolved.parent) if named.is_chapter else _title(resolved)
    return list(_places(folder, above, title=None if named.is_volume else _title(resolved))), list(folder.skipped)


def _lone(path: Path) -> tuple[list[_Place], list[Skipped]]:
    """An archive named by itself: the series is its name without the chapter's part, else its folder."""
    if not names.is_archive(path.name):
        reason = "is one image; name its folder" if names.is_page(path.name) else "is neither a folder nor a CBZ or ZIP"
        return [], [Skipped(path, reason)]
    title = numbers.parse(path.stem).series or _title(path.parent)
    return [_Place(shown(title), Item(path, is_archive=True))], []


def _title(path: Path) -> str:
    """The folder's name, without the groups that stand before it in brackets."""
    name = shown(path.name)
    return _GROUPS.sub("", name) or name or "Untitled"


def _places(folder: Folder, above: str, *, title: str | None = None, volume: str = "") -> Iterator[_Place]:
    """The items in and below `folder`, which lies in the series `above`, or is a series itself, called `title`."""
    cover, loose = _cover_and_loose(folder)
    deep = _is_deep(folder, loose)
    if loose or deep:
        yield _Place(above, Item(folder.path, is_archive=False, volume=volume, deep=deep))
    if deep:
        return
    named = numbers.parse(folder.path.name)
    if title is None and named.is_volume:
        title, volume = shown(named.series) or above, named.volume
    elif title is None:
        is_wrapper = named.sure and len(folder.archives) == 1 and not folder.folders
        title = above if is_wrapper else _title(folder.path)
    yield from _archives(folder, title, volume, cover)
    for inner in folder.folders:
        for place in _below(inner, folder, title, volume):
            yield place._replace(cover=cover) if cover and place.title == title else place


def _below(inner: Folder, folder: Folder, title: str, volume: str) -> Iterator[_Place]:
    """A folder of images is a chapter of the series above; beside whole series, one without a number is a oneshot."""
    among_series = any(other.folders or other.archives for other in folder.folders)
    is_oneshot = among_series and not numbers.parse(inner.path.name).is_chapter
    yield from _places(inner, _title(inner.path) if is_oneshot else title, volume=volume)


def _cover_and_loose(folder: Folder) -> tuple[Path | None, tuple[str, ...]]:
    """The picture of the series, where nothing but that lies beside chapters, and the images that are pages."""
    if (folder.folders or folder.archives) and all(names.is_cover(name) for name in folder.pages):
        return (folder.path / folder.pages[0] if folder.pages else None), ()
    return None, folder.pages


def _is_deep(folder: Folder, loose: tuple[str, ...]) -> bool:
    """Whether the folders below hold pages of one chapter: this one is a chapter, and they are not."""
    if not folder.folders or folder.archives or any(_holds_archives(inner) for inner in folder.folders):
        return False
    if any(numbers.parse(inner.path.name).is_chapter for inner in folder.folders):
        return False
    return bool(loose) or numbers.parse(folder.path.name).sure


def _holds_archives(folder: Folder) -> bool:
    return bool(folder.archives) or any(_holds_archives(inner) for inner in folder.folders)


def _archives(folder: Folder, title: str, volume: str, cover: Path | None) -> Iterator[_Place]:
    """The archives of the series `title`; in a mixed folder, where each names another series, of their own."""
    series = {name: shown(numbers.parse(Path(name).stem).series) for name in folder.archives}
    folded = {_folded(own) for own in series.values()}
    is_mixed = len(folded) > 1 and "" not in folded and _folded(title) not in folded
    for name in folder.archives:
        item = Item(folder.path / name, is_archive=True, volume=volume)
        yield _Place(series[name] if is_mixed else title, item, None if is_mixed else cover)


def _folded(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


# --- what the chapters say of their series


def catalogue(shelves: Iterable[Shelf], limits: Limits) -> list[Series]:
    """The series on the shelves, as ComicInfo.xml names them, each with its chapters in the order of their numbers.

    Equal titles (but for case and accents) are one series, wherever its chapters lie. What is refused is found again,
    and raised, when it is read.
    """
    gathered: dict[str, _Gathered] = {}
    for shelf in shelves:
        for title, part in _titled(shelf, limits):
            one = gathered.setdefault(sort_key(title), _Gathered(title, [], []))
            one.parts.append(part)
            one.covers.extend([shelf.cover] if shelf.cover else [])
    return [
        _series(one.title, sorted(one.parts, key=_order), next(iter(one.covers), None)) for one in gathered.values()
    ]


def _titled(shelf: Shelf, limits: Limits) -> Iterator[tuple[str, _Part]]:
    """What is on a shelf, by the title of its series.

    Chapters without one belong to the series that the others name, if that is one.
    """
    known = [(item, _outlines(item, limits)) for item in shelf.items]
    titles = {outline.info.series for _, found in known for outline in found if outline.info.series}
    own = titles.pop() if len(titles) == 1 else ""
    kin = {"", _folded(own), _folded(shelf.title)} | {_part(item) for item, found in known if _said(found)}
    for item, found in known:
        adopted = own if own and _part(item) in kin else shelf.title
        whole = shown(numbers.parse(item.path.stem).series) if len(found) > 1 else ""
        yield _said(found) or whole or adopted, (item, found)


def _outlines(item: Item, limits: Limits) -> list[Outline]:
    try:
        return chapters.outlines(item, limits)
    except (Refusal, OSError):
        return []


def _said(found: Sequence[Outline]) -> str:
    return next((outline.info.series for outline in found if outline.info.series), "")


def _part(item: Item) -> str:
    return _folded(numbers.parse(item.path.stem if item.is_archive else item.path.name).series)


def _order(part: _Part) -> tuple[bool, int, names.NaturalKey]:
    item, found = part
    number = chapters.number_and_label(found[0])[0] if found else None
    return number is None, number or 0, names.natural_key((item.path.name,))


def _series(title: str, parts: Sequence[_Part], cover: Path | None) -> Series:
    infos = [outline.info for _, found in parts for outline in found]

    def first(field: str) -> str:
        return next((value for info in infos if (value := getattr(info, field))), "")

    return Series(
        title=title,
        author=first("writer"),
        description=first("summary"),
        language=first("language"),
        direction=first("direction"),
        cover=cover,
        items=tuple(item for item, _ in parts),
    )


def cover_of(series: Series, limits: Limits) -> Page | None:
    """The image beside the chapters that shows the series, or None."""
    return None if series.cover is None else chapters.page_in_folder(series.cover.parent, series.cover, limits)
