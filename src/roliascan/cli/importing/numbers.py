"""What the name of a chapter says: its series, volume, number, label and title."""

import re
from typing import NamedTuple


class Named(NamedTuple):
    """`number` is in thousandths; `sure` tells "Ch. 21" from a name that a series could have ("Area 21")."""

    series: str = ""
    volume: str = ""
    number: int | None = None
    label: str | None = None
    title: str = ""
    sure: bool = False

    @property
    def is_chapter(self) -> bool:
        return self.number is not None or self.label is not None

    @property
    def is_volume(self) -> bool:
        return self.label == f"Volume {self.volume}"


_LABELS = {
    "extra": "Extra",
    "extras": "Extra",
    "omake": "Omake",
    "special": "Special",
    "sp": "Special",
    "bonus": "Bonus",
    "prologue": "Prologue",
    "prolog": "Prologue",
    "epilogue": "Epilogue",
    "epilog": "Epilogue",
    "interlude": "Interlude",
    "intermission": "Interlude",
    "afterword": "Afterword",
    "gaiden": "Gaiden",
    "pilot": "Pilot",
    "preview": "Preview",
    "teaser": "Teaser",
    "notice": "Notice",
    "oneshot": "Oneshot",
    "one-shot": "Oneshot",
    "one shot": "Oneshot",
    "side story": "Side story",
    "sidestory": "Side story",
}
_CJK_LABELS = (
    "番外編", "番外篇", "番外", "特別編", "特别篇", "読み切り", "読切", "おまけ", "プロローグ", "エピローグ",
    "外伝", "序章", "終章", "외전", "번외", "특별편", "프롤로그", "에필로그", "후기", "단편",
)  # fmt: skip

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,3})?"
_ENDS = r"(?![0-9]|[.,][0-9])"
_RANGE = rf"(?:[-~](?:ch?\.?)?{_NUMBER}(?![0-9]))?"
_VERSION = r"(?:\s?v[0-9](?![0-9]))?"
_WORDS = "|".join(sorted((re.escape(word) for word in _LABELS), key=len, reverse=True))
_SPECIAL = rf"(?:(?<![^\W_])(?P<word>{_WORDS})(?![^\W_])|(?P<cjk>{'|'.join(_CJK_LABELS)}))"
_COUNT = r"(?:[\s.#]*(?P<count>[0-9]{1,3}(?:\.[0-9])?)(?![0-9]))?"

_MILLI = re.compile(r"0*([0-9]{1,6})(?:\.([0-9]{1,3})0*)?")
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75"}
# Full-width forms (U+FF01 to U+FF5E) become ASCII; NFKC would do more, and write ½ behind a 10 as 101/2.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", ord("_"): " "}
_TAG = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_INNER = re.compile(rf"(?:v|vol|volume|c|ch|chapter)[\s.]*{_NUMBER}|{_SPECIAL}", re.I)
_VOLUME = re.compile(
    rf"(?<![^\W_])(?:volume|vol|v|tome|tomo|band|bd)[\s.:#]*(?P<volume>[0-9]{{1,4}}(?:\.[0-9]{{1,2}})?){_ENDS}"
    r"(?!\s?%)(?=[^\W\d_]*[0-9]|\W|\Z)|第?\s*(?P<cjk>[0-9]{1,4})\s*[巻卷권]",
    re.I,
)
_SEASON = re.compile(
    r"(?<![^\W_])(?:season\s*|s)([0-9]{1,2})(?=[\s.,-]*(?:episode|ep|e|chapter|ch|c)[\s.#]*[0-9])", re.I
)
_CHAPTER = re.compile(
    r"(?:(?<![^\W\d_])(?:chapter|chapitre|chap|chp|ch|capítulo|capitulo|cap|kapitel|kap|episode|épisode|episodio|ep|глава)"
    r"(?:[\s.:#]*|-)|(?<![^\W\d_])[ce]\.?|[#№]\s?)"
    rf"(?P<number>{_NUMBER})(?:(?P<letter>[a-i])(?![^\W_])|x(?P<extra>[0-9]{{1,2}}))?{_ENDS}{_RANGE}{_VERSION}",
    re.I,
)
_CJK_CHAPTER = re.compile(rf"第\s*(?P<number>{_NUMBER})\s*[話话章回集화장]|(?<![0-9.])(?P<bare>{_NUMBER})\s*[話话화]")
_LEADING = re.compile(
    rf"(?P<number>{_NUMBER}){_ENDS}{_RANGE}{_VERSION}(?:\s*\Z|\s*[-\u2013\u2014:.]\s+|\s*[\u2013\u2014:]\s*)"
)
_LABELLED = re.compile(rf"{_SPECIAL}{_COUNT}(?=\s*\Z|\s*[-\u2013\u2014:~])", re.I)
_BARE = re.compile(rf"(?<![\w.,])(?P<number>{_NUMBER}){_ENDS}{_RANGE}{_VERSION}(?![\w%])", re.I)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_EDGES = " \t-\u2013\u2014:;,.~_#"


def milli(text: str) -> int | None:
    """`text` ("10.5") as exact thousandths (10500), or None: 0 to 999999.999, at most three decimals."""
    match = _MILLI.fullmatch(text.strip())
    return None if match is None else int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))


def label_of(text: str) -> str | None:
    """`text` as the label of a special ("omake 2" -> "Omake 2"), or None."""
    match = _LABELLED.fullmatch(text.strip())
    return None if match is None else _label(match)


def parse(name: str) -> Named:
    """What `name`, a folder's or a file's without its ending, says.

    `Ch. 10.5`, `c010`, `Chapter 10 - Title`, `Vol.2 Ch.11`, `v02 c011.5`, `010`, `[Group] Series - 010 (2020)`,
    `Series 10 Extra`, `Extra 2`, `第10話`, `10화`. A marked number wins over a bare one, the last bare one over others.
    """
    text, volume = _without_volume(_prepared(name))
    marked = _marked(text)
    named = marked or _leading(text) or _labelled(text) or _bare(text) or Named(series=_trim(text))
    if volume and not named.is_chapter:
        named = Named(series=named.series, label=f"Volume {volume}")
    return named._replace(volume=volume, sure=bool(marked) or (named.is_chapter and not named.series))


def _prepared(name: str) -> str:
    text = name.translate(_FULL_WIDTH)
    for sign, decimals in _FRACTIONS.items():
        text = re.sub(rf"(?<=[0-9]){sign}", decimals, text)
    bare = _TAG.sub(" ", _PARENTHESES.sub(_kept, text))
    return " ".join((bare if bare.strip(_EDGES) else re.sub(r"[\[\](){}【】]", " ", text)).split())


def _kept(match: re.Match[str]) -> str:
    """Groups, years and sources go; `(v01)`, `(c010)` and `(Oneshot)` stay."""
    return f" {match[1]} " if _INNER.fullmatch(match[1].strip()) else " "


def _without_volume(text: str) -> tuple[str, str]:
    for match in _VOLUME.finditer(text):
        if re.search(r"[0-9]\s?\Z", text[: match.start()]) and re.fullmatch(r"v[0-9]", match[0], re.I):
            continue  # `010 v2`: the second version of a chapter
        rest = f"{text[: match.start()].rstrip(_EDGES)} {text[match.end() :].lstrip(_EDGES)}".strip()
        return rest, _unpadded(match["volume"] or match["cjk"])
    season = _SEASON.search(text)
    if season is None:
        return text, ""
    return f"{text[: season.start()]} {text[season.end() :]}".strip(), _unpadded(season[1])


def _unpadded(digits: str) -> str:
    return re.sub(r"\A0+(?=[0-9])", "", digits)


def _marked(text: str) -> Named | None:
    match = _CHAPTER.search(text) or _CJK_CHAPTER.search(text)
    if match is None:
        return None
    found = match.groupdict()
    number = milli(found["number"] or found.get("bare") or "")
    if number is not None and found.get("letter"):
        number += 100 * (ord(found["letter"].lower()) - ord("a") + 1)  # 10a is 10.1, as readers' apps have it
    label = f"Extra {_unpadded(found['extra'])}" if found.get("extra") else None
    return _around(text, match, number, label)


def _leading(text: str) -> Named | None:
    match = _LEADING.match(text)
    return match and Named(number=milli(match["number"]), title=_trim(text[match.end() :]))


def _labelled(text: str) -> Named | None:
    match = _LABELLED.search(text)
    if match is None:
        return None
    before = _trim(text[: match.start()])
    named = _bare(before)
    if named is None or named.title:
        named = Named(series=before)
    return named._replace(label=_label(match), title=_trim(text[match.end() :]))


def _bare(text: str) -> Named | None:
    matches = [match for match in _BARE.finditer(text) if not _YEAR.fullmatch(match["number"])]
    return _around(text, matches[-1], milli(matches[-1]["number"]), None) if matches else None


def _around(text: str, match: re.Match[str], number: int | None, label: str | None) -> Named:
    """A name with its series before `match` and its title behind it; a label may follow the number at once."""
    rest = text[match.end() :].strip()
    special = _LABELLED.match(rest)
    if special:
        label, rest = label or _label(special), rest[special.end() :]
    return Named(series=_trim(text[: match.start()]), number=number, label=label, title=_trim(rest))


def _label(match: re.Match[str]) -> str:
    word = match["cjk"] or _LABELS[match["word"].lower()]
    return f"{word} {_unpadded(match['count'])}" if match["count"] else word


def _trim(text: str) -> str:
    return text.strip(_EDGES)
