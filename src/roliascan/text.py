"""Text as people write it, and the forms in which it is compared, searched and put in addresses."""

import re
import unicodedata
from collections.abc import Iterator

# Not compiled here: a process that only reads never needs them, and the first takes 2 ms.
_CJK = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
TERM_LENGTH = 60
SLUG_LENGTH = 80
_UUID_LIKE = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def tidy(text: str) -> str:
    """Trimmed and in Unicode normalization form C (UAX 15): how every text of ours is stored."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    r"""Without case, accents and width: `\u00c1` and `A` are both `a`. For comparing, sorting and searching."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    # the Japanese voiced marks make another sound, not an accent
    kept = (c for c in decomposed if not unicodedata.combining(c) or c in "\u3099\u309a")
    return unicodedata.normalize("NFC", "".join(kept))


def sort_key(text: str, length: int = 300) -> str:
    """A key that sorts titles alike on every database, byte by byte."""
    return fold(text)[:length]


def terms(*texts: str) -> set[str]:
    """What search finds: folded words, and of Chinese, Japanese and Korean runs every two characters."""
    return {term for text in texts for word in re.findall(r"\w+", fold(text)) for term in _pieces(word)}


def _pieces(word: str) -> Iterator[str]:
    end = 0
    for run in re.finditer(_CJK, word):
        yield from _whole(word[end : run.start()])
        yield from _pairs(run[0])
        end = run.end()
    yield from _whole(word[end:])


def _whole(word: str) -> Iterator[str]:
    if word.strip("_"):
        yield word[:TERM_LENGTH]


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    yield from (run[i : i + 2] for i in range(len(run) - 1))


def slug(text: str, fallback: str) -> str:
    """Lower-case ASCII `[a-z0-9-]` for an address, transliterated; `fallback` where nothing can be."""
    if not text.isascii():
        from anyascii import anyascii  # its tables are loaded only by those who name something

        text = anyascii(text)
    words = re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "")).strip("-")
    words = words[:SLUG_LENGTH].strip("-")
    # what reads as an identifier could never be found by its slug
    return fallback if not words or re.fullmatch(_UUID_LIKE, words) else words
