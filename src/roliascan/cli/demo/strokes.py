"""Letters that Pillow's own font lacks, as pen strokes: accents, the katakana used here, and Hangul put together."""

import math
import unicodedata
from functools import lru_cache
from typing import TypeAlias

Stroke: TypeAlias = tuple[tuple[float, float], ...]
Glyph: TypeAlias = tuple[Stroke, ...]
"""Points in a square from (0, 0) at the top left to (1, 1)."""


def _glyph(written: str) -> Glyph:
    """Strokes from `x,y x,y / x,y ...` in hundredths."""
    return tuple(
        tuple((int(x) / 100, int(y) / 100) for x, y in (point.split(",") for point in stroke.split()))
        for stroke in written.split("/")
    )


MARKS = {
    "\u0300": _glyph("35,-2 60,12"),
    "\u0301": _glyph("65,-2 40,12"),
    "\u0302": _glyph("25,12 50,-2 75,12"),
    "\u0303": _glyph("20,10 38,0 62,10 80,0"),
    "\u0308": _glyph("28,5 30,5/70,5 72,5"),
    "\u0327": _glyph("50,86 58,94 42,102"),
}
"""Accents: x over the width of the letter before, y from the top of the line."""

_KATAKANA = {
    "ア": "15,18 85,18 62,46/50,32 48,60 25,93",
    "イ": "76,10 20,52/52,35 52,95",
    "エ": "20,20 80,20/50,20 50,82/10,82 90,82",
    "オ": "10,35 90,35/62,8 62,92 48,88/60,38 15,80",
    "カ": "12,32 85,32 80,84 70,92 56,86/46,8 43,48 14,93",
    "キ": "18,32 82,26/12,60 88,54/42,8 58,95",
    "ク": "42,8 34,30 12,55/38,24 84,24 70,60 30,95",
    "コ": "15,20 82,20 82,85/15,85 82,85",
    "サ": "8,35 92,35/32,12 32,65/68,12 67,55 40,95",
    "シ": "18,14 36,26/12,42 30,54/15,92 55,78 86,32",
    "ス": "18,18 80,18 58,58 12,92/55,60 88,92",
    "ソ": "20,15 33,43/82,12 70,56 36,93",
    "タ": "42,8 34,30 12,55/38,24 84,24 70,60 30,95/32,45 66,62",
    "チ": "75,12 25,22/10,48 90,48/52,20 50,60 25,95",
    "ッ": "28,48 34,62/50,44 56,60/82,44 74,74 46,92",
    "テ": "24,14 76,14/10,40 90,40/50,40 46,70 26,94",
    "ト": "40,8 40,95/40,40 80,60",
    "ナ": "10,35 90,35/52,8 50,50 22,95",
    "ニ": "20,25 80,25/10,80 90,80",
    "\u30ce": "78,10 66,50 18,92",
    "ハ": "36,25 28,60 10,86/62,25 74,60 90,86",
    "マ": "10,20 88,20 50,68/34,50 66,82",
    "ミ": "22,14 76,26/24,44 74,56/16,74 82,92",
    "ユ": "18,22 74,22 66,78/8,78 92,78",
    "ヨ": "20,15 80,15 80,90/22,50 80,50/20,88 80,88",
    "ラ": "22,12 78,12/12,40 85,40 72,70 36,95",
    "リ": "28,12 28,58/74,10 74,55 45,95",
    "ル": "34,15 32,60 10,92/60,10 60,88 92,60",
    "レ": "25,10 25,88 86,48",
    "ロ": "18,18 82,18 82,86 18,86 18,18",
    "ン": "14,20 36,38/14,88 52,76 87,30",
    "ー": "8,50 92,50",
    "゙": "76,2 84,18/90,-2 98,14",
}

# Consonants and vowels of Hangul, each in its own square; Unicode's order, which the arithmetic below relies on.
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_CONSONANTS = {
    "ㄱ": "15,15 85,15 80,90",
    "ㄴ": "15,10 15,85 90,85",
    "ㄷ": "85,15 15,15 15,85 90,85",
    "ㄹ": "15,12 85,12 85,48 15,48 15,88 90,88",
    "ㅁ": "15,15 85,15 85,85 15,85 15,15",
    "ㅂ": "15,8 15,88 85,88 85,8/15,48 85,48",
    "ㅅ": "50,10 42,50 8,90/46,45 92,90",
    "ㅇ": "O",
    "ㅈ": "10,14 90,14/50,14 40,55 8,90/46,52 92,90",
    "ㅊ": "35,0 65,0/10,20 90,20/50,20 40,60 8,92/46,56 92,92",
    "ㅋ": "15,15 85,15 80,90/15,50 82,50",
    "ㅌ": "88,12 15,12 15,88 90,88/15,50 85,50",
    "ㅍ": "8,14 92,14/30,14 34,86/70,14 66,86/5,86 95,86",
    "ㅎ": "35,0 65,0/8,20 92,20/o",
}
_PAIRS = {
    "ㄲ": "ㄱㄱ", "ㄸ": "ㄷㄷ", "ㅃ": "ㅂㅂ", "ㅆ": "ㅅㅅ", "ㅉ": "ㅈㅈ", "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ",
    "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_UPRIGHT = {
    "ㅏ": "30,0 30,100/30,48 95,48",
    "ㅐ": "10,2 10,98/10,48 75,48/75,0 75,100",
    "ㅑ": "30,0 30,100/30,34 95,34/30,62 95,62",
    "ㅓ": "70,0 70,100/5,48 70,48",
    "ㅔ": "38,2 38,98/0,48 38,48/80,0 80,100",
    "ㅕ": "70,0 70,100/5,34 70,34/5,62 70,62",
    "ㅣ": "50,0 50,100",
}
_LYING = {
    "ㅗ": "50,5 50,80/0,80 100,80",
    "ㅛ": "32,5 32,80/68,5 68,80/0,80 100,80",
    "ㅜ": "0,25 100,25/50,25 50,100",
    "ㅠ": "0,25 100,25/32,25 32,100/68,25 68,100",
    "ㅡ": "0,50 100,50",
}
_BOTH = {"ㅢ": "ㅡㅣ", "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ"}


def decomposed(text: str) -> str:
    """`text` with accents and voiced marks behind their letters, and Hangul whole."""
    parts = (character if _is_hangul(character) else unicodedata.normalize("NFD", character) for character in text)
    return "".join(part if "\u3099" not in part else unicodedata.normalize("NFC", part) for part in parts)


def is_upright(text: str) -> bool:
    """Whether the text is Japanese, which is lettered downwards."""
    return any(is_drawn(character) and not _is_hangul(character) for character in text)


def is_drawn(character: str) -> bool:
    """Whether the letter is drawn here, and not by the font."""
    return _is_hangul(character) or unicodedata.normalize("NFD", character)[0] in _KATAKANA


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


@lru_cache(256)
def glyph(character: str) -> Glyph:
    """The strokes of a katakana or a Hangul syllable. Raises KeyError for others."""
    if _is_hangul(character):
        return _syllable(ord(character) - 0xAC00)
    letter = unicodedata.normalize("NFD", character)
    return _glyph(_KATAKANA[letter[0]]) + (_glyph(_KATAKANA["゙"]) if len(letter) > 1 else ())


def _syllable(index: int) -> Glyph:
    """Consonant, vowel, and a consonant below, in a square (Unicode 15, section 3.12, for the arithmetic)."""
    initial, vowel, final = _INITIALS[index // 588], _VOWELS[index % 588 // 28], _FINALS[index % 28]
    floor = 0.56 if final != " " else 0.96
    both = _BOTH.get(vowel, vowel + vowel)
    lying, upright = both[0], both[1]
    strokes: Glyph = ()
    if upright in _UPRIGHT:
        strokes += _placed(_glyph(_UPRIGHT[upright]), 0.66, 0.02, 0.98, floor + 0.02)
    if lying in _LYING:
        right = 0.62 if upright in _UPRIGHT else 0.98
        strokes += _placed(_glyph(_LYING[lying]), 0.02, floor * 0.58, right, floor)
        strokes += _placed(_consonant(initial), 0.18 if right > 0.9 else 0.06, 0.04, right - 0.16, floor * 0.54)
    else:
        strokes += _placed(_consonant(initial), 0.04, 0.08, 0.56, floor - 0.04)
    return strokes if final == " " else strokes + _placed(_consonant(final), 0.18, 0.66, 0.86, 0.98)


def _consonant(letter: str) -> Glyph:
    if letter in _PAIRS:
        left, right = (_consonant(half) for half in _PAIRS[letter])
        return _placed(left, 0, 0, 0.46, 1) + _placed(right, 0.54, 0, 1, 1)
    strokes: Glyph = ()
    for written in _CONSONANTS[letter].split("/"):
        if written in ("O", "o"):
            top = 0.08 if written == "O" else 0.36
            strokes += (_ring(0.5, (top + 0.94) / 2, 0.42, (0.94 - top) / 2),)
        else:
            strokes += _glyph(written)
    return strokes


def _ring(x: float, y: float, rx: float, ry: float) -> Stroke:
    angles = [index * math.tau / 24 for index in range(25)]
    return tuple((x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles)


def _placed(strokes: Glyph, left: float, top: float, right: float, bottom: float) -> Glyph:
    width, height = right - left, bottom - top
    return tuple(tuple((left + x * width, top + y * height) for x, y in stroke) for stroke in strokes)
