"""ComicInfo.xml, the description inside a comic archive (github.com/anansi-project/comicinfo, schema 2.0)."""

import re
from typing import NamedTuple
from xml.parsers import expat

from roliascan.cli.importing.names import shown
from roliascan.errors import Refusal

BYTES_MAX = 1024 * 1024  # of the file: its list of pages grows with them, the rest is some hundred bytes
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")
_WANTED = frozenset({"Series", "Number", "Volume", "Title", "Writer", "Summary", "LanguageISO", "Manga", "Format"})
_SUMMARY_MAX = 4000  # characters


class UnsafeInfo(Refusal):
    code = "unsafe_comicinfo"
    detail = "ComicInfo.xml declares a document type or entities, which a description of a comic never needs."


class OversizedInfo(Refusal):
    code = "oversized_comicinfo"
    detail = f"ComicInfo.xml is larger than {BYTES_MAX} bytes."


class ComicInfo(NamedTuple):
    """Empty where the file says nothing. `number` and `volume` are as written; `direction` is `rtl` or nothing."""

    series: str = ""
    number: str = ""
    volume: str = ""
    title: str = ""
    writer: str = ""
    summary: str = ""
    language: str = ""
    direction: str = ""
    format: str = ""
    warning: str = ""


def parse(data: bytes) -> ComicInfo:
    """What the file says; one that is not XML, or not a ComicInfo, says nothing, with a warning. Raises UnsafeInfo."""
    try:
        fields = _fields(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        return ComicInfo(warning=f"ComicInfo.xml is ignored: {shown(str(error))}")
    if fields is None:
        return ComicInfo(warning="ComicInfo.xml is ignored: it holds something else")
    text = {name: shown(value) for name, value in fields.items()}
    language = text.get("LanguageISO", "")
    return ComicInfo(
        series=text.get("Series", ""),
        number=text.get("Number", ""),
        volume=_volume(text.get("Volume", "")),
        title=text.get("Title", ""),
        writer=text.get("Writer", ""),
        summary=_paragraphs(fields.get("Summary", "")),
        language=language if _LANGUAGE.fullmatch(language) else "",
        direction="rtl" if text.get("Manga") == "YesAndRightToLeft" else "",
        format=text.get("Format", ""),
    )


def _paragraphs(text: str) -> str:
    lines = (shown(line, _SUMMARY_MAX) for line in text.splitlines())
    return "\n".join(lines).strip()[:_SUMMARY_MAX]


def _volume(text: str) -> str:
    """The volume; ComicRack writes -1 for none."""
    return text if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text) else ""


def _fields(data: bytes) -> dict[str, str] | None:
    """The texts directly below `<ComicInfo>`, or None when the root is another element."""
    fields: dict[str, str] = {}
    path: list[str] = []
    roots: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name.rpartition(":")[2])
        roots.extend(path if len(path) == 1 else [])

    def end(_name: str) -> None:
        path.pop()

    def text(characters: str) -> None:
        if len(path) == 2 and path[1] in _WANTED:
            fields[path[1]] = fields.get(path[1], "") + characters

    def refuse(*_: object) -> None:
        raise UnsafeInfo

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(data, True)
    return fields if roots == ["ComicInfo"] else None
