"""Names of files: their natural order, which of them are pages, archives or debris, and how they may be shown."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

PAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"})
ARCHIVES = frozenset({".cbz", ".zip"})
FOREIGN_ARCHIVES = frozenset({".cbr", ".rar", ".cb7", ".7z", ".cbt", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"})
INFO = "comicinfo.xml"

_DEBRIS = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_DEBRIS_TYPES = frozenset({".txt", ".nfo", ".sfv", ".md5", ".url", ".db", ".log", ".ini", ".xml", ".json", ".html"})
_COVERS = frozenset({"cover", "folder", "poster", "thumbnail", "thumb", "default", "banner", "fanart", "logo"})
_DIGITS = re.compile(r"([0-9]+)")
_SPACES = re.compile(r"\s+")
_JOINERS = "\u200c\u200d"  # they shape letters in Persian and Hindi names

NaturalKey = tuple[tuple[tuple[int, int, str], ...], ...]


def suffix(name: str) -> str:
    """The lower-case ending of a file's name, with its dot, or nothing."""
    return PurePath(name).suffix.lower()


def is_page(name: str) -> bool:
    return suffix(name) in PAGES


def is_archive(name: str) -> bool:
    return suffix(name) in ARCHIVES


def is_cover(name: str) -> bool:
    """Whether an image beside chapters is the picture of the series, as readers and servers of comics name it."""
    return PurePath(name).stem.casefold() in _COVERS


def is_debris(parts: Sequence[str]) -> bool:
    """Whether what lies at the path `parts` is left by a system or a downloader, and is skipped without a word."""
    if not parts:
        return True
    hidden = any(part.startswith(".") or part.casefold() in _DEBRIS for part in parts)
    return hidden or suffix(parts[-1]) in _DEBRIS_TYPES


def natural_key(parts: Sequence[str]) -> NaturalKey:
    """What sorts 1, 2, 10 by value, folder by folder, without regard to case; equal values (1, 01) by their writing.

    Digits are compared by length and text: `int` refuses the thousands of digits that a hostile name may have.
    """
    folded = tuple(_component_key(unicodedata.normalize("NFKC", part).casefold()) for part in parts)
    return (*folded, ((1, 0, "/".join(parts)),))


def _component_key(text: str) -> tuple[tuple[int, int, str], ...]:
    pieces = [piece for piece in _DIGITS.split(text) if piece]
    return tuple(_piece_key(piece) for piece in pieces)


def _piece_key(piece: str) -> tuple[int, int, str]:
    if _DIGITS.fullmatch(piece):
        value = piece.lstrip("0")
        return (0, len(value), value)
    return (1, 0, piece)


def shown(text: str, limit: int = 200) -> str:
    """`text` fit for a terminal, a log or a page: NFC, one line, without control or direction characters, bounded.

    Only a label: no path and no key is ever made of it.
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    kept = (character for character in text if character in _JOINERS or not _unshown(character))
    line = _SPACES.sub(" ", "".join(kept)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _unshown(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} and character not in "\t\n\r"
