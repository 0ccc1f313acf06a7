"""Makers of comic archives and folders: good ones, and hostile ones with what each must be refused for."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from PIL import Image

from roliascan.cli.importing.archives import DamagedArchive, Limits, NotAnArchive, OversizedArchive, UnsafeArchive
from roliascan.cli.importing.chapters import NoPages
from roliascan.cli.importing.comicinfo import OversizedInfo, UnsafeInfo
from roliascan.errors import Refusal

UTF8, STREAMED = 0x800, 0x8


# --- good ones


def picture(shade: int = 128, size: tuple[int, int] = (24, 36), kind: str = "PNG") -> bytes:
    """A small real image of one grey, distinct for each `shade`."""
    out = io.BytesIO()
    Image.new("L", size, shade % 256).save(out, kind)
    return out.getvalue()


def pages(count: int = 3, folder: str = "") -> dict[str, bytes]:
    return {f"{folder}{number:03}.png": picture(number) for number in range(1, count + 1)}


def comicinfo(**fields: object) -> bytes:
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="utf-8"?>\n<ComicInfo>{inner}</ComicInfo>'.encode()


def cbz(path: Path, files: Mapping[str, bytes] | None = None, *, deflated: bool = False, **info: object) -> Path:
    """An archive as common tools write it, with three pages if nothing is said, and ComicInfo.xml made of `info`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for name, data in (pages() if files is None else files).items():
            archive.writestr(name, data)
        if info:
            archive.writestr("ComicInfo.xml", comicinfo(**info))
    return path


def folder(path: Path, files: Mapping[str, bytes] | None = None, **info: object) -> Path:
    for name, data in {
        **(pages() if files is None else files),
        **({"ComicInfo.xml": comicinfo(**info)} if info else {}),
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


# --- a writer that says whatever it is told


@dataclass
class Raw:
    """One entry. `local` and `central` overwrite single fields of its two headers, by their names in `fields`."""

    name: bytes | str
    data: bytes = b"page"
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    packed: bytes | None = None
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    after: bytes = b""  # a descriptor, or something that belongs to no entry

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.flags |= 0 if self.name.isascii() else UTF8
            self.name = self.name.encode()
        if self.packed is None:
            self.packed = deflate(self.data) if self.method == 8 else self.data

    def fields(self) -> dict[str, Any]:
        assert self.packed is not None
        return {
            "signature": b"PK\3\4", "version": 20, "flags": self.flags, "method": self.method,
            "crc": zlib.crc32(self.data), "packed": len(self.packed), "size": len(self.data),
            "name": self.name, "extra": b"", "comment": b"", "disk": 0, "mode": self.mode << 16,
        }  # fmt: skip


def deflate(data: bytes, end: int = zlib.Z_FINISH) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush(end)


def _local(raw: Raw) -> bytes:
    f = raw.fields() | dict(raw.local)
    head = struct.pack(
        "<4s5H3L2H", f["signature"], f["version"], f["flags"], f["method"], 0, 0x21, f["crc"], f["packed"], f["size"],
        f.get("name_length", len(f["name"])), len(f["extra"]),
    )  # fmt: skip
    return bytes(head + f["name"] + f["extra"])


def _central(raw: Raw, offset: int) -> bytes:
    f = raw.fields() | {"signature": b"PK\1\2", "offset": offset} | dict(raw.central)
    head = struct.pack(
        "<4s6H3L5H2L", f["signature"], 0x314, f["version"], f["flags"], f["method"], 0, 0x21, f["crc"], f["packed"],
        f["size"], len(f["name"]), len(f["extra"]), len(f["comment"]), f["disk"], 0, f["mode"], f["offset"],
    )  # fmt: skip
    return bytes(head + f["name"] + f["extra"] + f["comment"])


def assemble(
    entries: Iterable[Raw], *, prefix: bytes = b"", comment: bytes = b"", wide: bytes = b"", **end: int
) -> bytes:
    """An archive of `entries`; `end` overwrites fields of the last record, `wide` stands before it."""
    body, directory = bytearray(prefix), bytearray()
    count = 0
    for raw in entries:
        directory += _central(raw, len(body))
        body += _local(raw) + (raw.packed or b"") + raw.after
        count += 1
    f = {"disk": 0, "first": 0, "here": count, "count": count, "size": len(directory), "start": len(body)} | end
    f["comment"] = end.get("comment", len(comment))
    record = struct.pack(
        "<4s4H2LH", b"PK\5\6", *(f[name] for name in ("disk", "first", "here", "count", "size", "start", "comment"))
    )
    return bytes(body + directory + wide + record + comment)


def descriptor(data: bytes, packed: int, crc: int | None = None) -> bytes:
    return struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(data) if crc is None else crc, packed, len(data))


def wide_end(count: int, size: int, start: int, *, length: int = 44, at: int | None = None) -> bytes:
    """A ZIP64 end and its locator, for an archive whose directory of `size` bytes starts at `start`."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", length, 45, 45, 0, 0, count, count, size, start)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, start + size if at is None else at, 1)


# --- hostile ones


class Hostile(NamedTuple):
    """An archive, what refuses it, and a word that the reason must hold."""

    make: Callable[[], bytes]
    refusal: type[Refusal]
    word: str
    limits: Limits = Limits()


PAGE = Raw("001.jpg", b"an honest page")
_ZEROS = bytes(8 * 1024 * 1024)


def _named(name: bytes | str, **kw: Any) -> Callable[[], bytes]:
    return lambda: assemble([PAGE, Raw(name, **kw)])


def _page(**kw: Any) -> Callable[[], bytes]:
    return lambda: assemble([PAGE, Raw("002.jpg", **kw)])


def _ended(**end: Any) -> Callable[[], bytes]:
    return lambda: assemble([PAGE, Raw("002.jpg")], **end)


def _info(xml: bytes) -> Callable[[], bytes]:
    return lambda: assemble([PAGE, Raw("ComicInfo.xml", xml, method=8)])


def _twins() -> bytes:
    """Two entries with one content between them."""
    return assemble([PAGE, Raw("002.jpg", central={"offset": 0})])


def _quine() -> bytes:
    """Each entry's stored content is the header and the content of the next: many outputs of the same bytes."""
    kernel = Raw("b.jpg", _ZEROS, method=8)
    inner = _local(kernel) + (kernel.packed or b"")
    outer = Raw("a.jpg", inner)
    whole = _local(outer) + inner
    directory = _central(outer, 0) + _central(kernel, len(_local(outer)))
    return whole + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(whole), 0)


def _two_archives() -> bytes:
    return assemble([Raw("hidden.jpg")]) + assemble([PAGE])


def _wide(entries: int = 1, **kw: Any) -> Callable[[], bytes]:
    """An archive that only its ZIP64 end describes, as archives with over 65,535 entries have to."""

    def make() -> bytes:
        raws = [Raw(f"{number}.jpg", b"") for number in range(entries)]
        size = sum(len(_central(raw, 0)) for raw in raws)
        fields = {"count": entries, "size": size, "start": sum(len(_local(raw)) for raw in raws)} | kw
        return assemble(raws, wide=wide_end(**fields), count=0xFFFF, here=0xFFFF, size=0xFFFFFFFF, start=0xFFFFFFFF)

    return make


def _many(count: int) -> Callable[[], bytes]:
    return lambda: assemble(Raw(f"{number}.jpg", b"") for number in range(count))


def _cut(part: float) -> Callable[[], bytes]:
    def make() -> bytes:
        whole = assemble([PAGE, Raw("002.jpg", bytes(range(256)) * 20)])
        return whole[: int(len(whole) * part)]

    return make


_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><ComicInfo><Series>&c;</Series></ComicInfo>"""
_XXE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><ComicInfo><Series>&f;</Series></ComicInfo>'
_DEFLATED = deflate(b"a page " * 50)
_UNFINISHED = deflate(b"a page " * 50, zlib.Z_SYNC_FLUSH)

# UP-11, UP-13: the kinds that warehouse refuses for packages, and what only concerns comics.
HOSTILE: dict[str, Hostile] = {
    # names that lead somewhere
    "slip": Hostile(_named("../evil.jpg"), UnsafeArchive, "leads out"),
    "slip below": Hostile(_named("a/../../evil.jpg"), UnsafeArchive, "leads out"),
    "slip at the end": Hostile(_named("a/.."), UnsafeArchive, "leads out"),
    "slip with blanks": Hostile(_named(".. /evil.jpg"), UnsafeArchive, "leads out"),
    "slip as a folder": Hostile(_named("../up/", data=b""), UnsafeArchive, "leads out"),
    "slip of debris": Hostile(_named("__MACOSX/../../evil.jpg"), UnsafeArchive, "leads out"),
    "slip with backslashes": Hostile(_named("..\\evil.jpg"), UnsafeArchive, "backslash"),
    "backslashes": Hostile(_named("a\\b.jpg"), UnsafeArchive, "backslash"),
    "absolute": Hostile(_named("/etc/cron.d/evil.jpg"), UnsafeArchive, "absolute"),
    "network path": Hostile(_named("//server/share/evil.jpg"), UnsafeArchive, "absolute"),
    "drive": Hostile(_named("C:/evil.jpg"), UnsafeArchive, "absolute"),
    "drive without a slash": Hostile(_named("c:evil.jpg"), UnsafeArchive, "absolute"),
    "look-alike slash": Hostile(_named("..\uff0fevil.jpg"), UnsafeArchive, "leads out"),
    "look-alike dots": Hostile(_named("\u2025/evil.jpg"), UnsafeArchive, "leads out"),
    # names that are none
    "NUL": Hostile(_named(b"evil.jpg\0.sh"), UnsafeArchive, "control"),
    "new line": Hostile(_named("evil\n.jpg"), UnsafeArchive, "control"),
    "terminal sequence": Hostile(_named("\x1b[2Jevil.jpg"), UnsafeArchive, "control"),
    "delete": Hostile(_named("evil\x7f.jpg"), UnsafeArchive, "control"),
    "C1 control": Hostile(_named("evil\x85.jpg"), UnsafeArchive, "control"),
    "C1 control, unsaid UTF-8": Hostile(_named("evil\x85.jpg".encode()), UnsafeArchive, "control"),
    "not UTF-8": Hostile(_named(b"evil\xff.jpg", flags=UTF8), UnsafeArchive, "UTF-8"),
    "overlong UTF-8": Hostile(_named(b"..\xc0\xafevil.jpg", flags=UTF8), UnsafeArchive, "UTF-8"),
    "surrogates": Hostile(_named(b"evil\xed\xa0\x80.jpg", flags=UTF8), UnsafeArchive, "UTF-8"),
    "long name": Hostile(_named("e" * 5000 + ".jpg"), UnsafeArchive, "too long"),
    "deep name": Hostile(_named("e/" * 100 + "1.jpg"), UnsafeArchive, "too long"),
    "no name": Hostile(_named(""), UnsafeArchive, "no name"),
    "a dot for a name": Hostile(_named("./."), UnsafeArchive, "no name"),
    # two of one name
    "twice": Hostile(_named("001.jpg"), UnsafeArchive, "twice"),
    "twice by a dot": Hostile(_named("./001.jpg"), UnsafeArchive, "twice"),
    "twice by composition": Hostile(
        lambda: assemble([Raw("e\u0301.jpg"), Raw("\u00e9.jpg")]), UnsafeArchive, "twice"
    ),
    "a file and a folder": Hostile(_named("001.jpg/002.jpg"), UnsafeArchive, "also a file"),
    # what is no plain file
    "link": Hostile(_page(data=b"/etc/passwd", mode=0o120777), UnsafeArchive, "symbolic link"),
    "link to a neighbour": Hostile(_page(data=b"001.jpg", mode=0o120777), UnsafeArchive, "symbolic link"),
    "link to a folder": Hostile(_named("x", data=b"..", mode=0o120777), UnsafeArchive, "symbolic link"),
    "pipe": Hostile(_page(mode=0o010644), UnsafeArchive, "device or a pipe"),
    "device": Hostile(_page(mode=0o060644), UnsafeArchive, "device or a pipe"),
    "folder with content": Hostile(_named("a/"), UnsafeArchive, "folder with content"),
    # what cannot be read
    "encrypted": Hostile(_page(flags=0x1), UnsafeArchive, "encrypted"),
    "strongly encrypted": Hostile(_page(flags=0x41), UnsafeArchive, "encrypted"),
    "masked headers": Hostile(_page(flags=0x2000), UnsafeArchive, "encrypted"),
    "patch": Hostile(_page(flags=0x20), UnsafeArchive, "not supported"),
    "bzip2": Hostile(_page(method=12), UnsafeArchive, "not supported"),
    "LZMA": Hostile(_page(method=14), UnsafeArchive, "not supported"),
    "Deflate64": Hostile(_page(method=9), UnsafeArchive, "not supported"),
    "AES": Hostile(_page(method=99), UnsafeArchive, "not supported"),
    "future version": Hostile(_page(central={"version": 99}), DamagedArchive, "directory"),
    "archive inside": Hostile(_named("more.zip"), UnsafeArchive, "archive in an archive"),
    "comic inside": Hostile(_named("a/002.CBZ"), UnsafeArchive, "archive in an archive"),
    "RAR inside": Hostile(_named("more.rar"), UnsafeArchive, "archive in an archive"),
    # too much
    "many entries": Hostile(_many(11), OversizedArchive, "limit", Limits(entries=10)),
    "100,000 entries": Hostile(_wide(100_000), OversizedArchive, "100000 entries"),
    "large directory": Hostile(
        lambda: assemble(Raw(f"{n}.jpg", central={"comment": bytes(60_000)}) for n in range(300)),
        OversizedArchive, "limit",
    ),
    "declares too much": Hostile(
        _page(packed=b"x", method=8, local={"size": 0xFFFFFFF0}, central={"size": 0xFFFFFFF0}),
        OversizedArchive, "says that it unpacks", Limits(total=1 << 30),
    ),
    "large page": Hostile(
        _page(data=bytes(range(256)) * 20, method=8), OversizedArchive, "002.jpg is larger", Limits(page=4096)
    ),
    "bomb": Hostile(_page(data=_ZEROS, method=8), OversizedArchive, "times its size"),
    "bomb of debris": Hostile(_named("__MACOSX/._1", data=_ZEROS, method=8), OversizedArchive, "times its size"),
    "bomb of many": Hostile(
        lambda: assemble(Raw(f"{n}.jpg", _ZEROS[:65_536], method=8) for n in range(64)),
        OversizedArchive, "unpacks to more", Limits(total=1 << 20),
    ),
    "bomb that lies": Hostile(
        _page(data=_ZEROS, method=8, local={"size": 10}, central={"size": 10}), DamagedArchive, "more than it declares"
    ),
    "less than declared": Hostile(
        _page(method=8, local={"size": 10}, central={"size": 10}), DamagedArchive, "less than it declares"
    ),
    # two stories
    "other name": Hostile(_page(local={"name": b"003.jpg"}), UnsafeArchive, "differently"),
    "other slip": Hostile(_page(local={"name": b"../2jpg"}), UnsafeArchive, "differently"),
    "other method": Hostile(_page(local={"method": 8}), UnsafeArchive, "differently"),
    "other size": Hostile(_page(local={"size": 5}), UnsafeArchive, "differently"),
    "other packed size": Hostile(_page(local={"packed": 5}), UnsafeArchive, "differently"),
    "other checksum": Hostile(_page(local={"crc": 5}), UnsafeArchive, "differently"),
    "other encryption": Hostile(_page(local={"flags": 1}), UnsafeArchive, "differently"),
    "other encoding": Hostile(_page(local={"flags": UTF8}), UnsafeArchive, "differently"),
    "unsaid streaming": Hostile(_page(local={"flags": STREAMED}), UnsafeArchive, "differently"),
    "other signature": Hostile(_page(local={"signature": b"PK\1\2"}), UnsafeArchive, "differently"),
    "other ZIP64 size": Hostile(
        _page(local={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": struct.pack("<HHQQ", 1, 16, 4, 5)}),
        UnsafeArchive, "differently",
    ),
    "two sizes": Hostile(_page(local={"size": 5}, central={"size": 5}), DamagedArchive, "two sizes"),
    # overlaps and gaps
    "one content for two": Hostile(_twins, UnsafeArchive, "overlaps"),
    "entry in an entry": Hostile(_quine, UnsafeArchive, "overlaps"),
    "into the directory": Hostile(
        _page(local={"packed": 40, "size": 40}, central={"packed": 40, "size": 40}), UnsafeArchive, "overlaps"
    ),
    "hidden entry": Hostile(
        lambda: assemble([Raw("001.jpg", after=_local(Raw("hidden.jpg")) + b"page"), Raw("002.jpg")]),
        UnsafeArchive, "belong to no entry",
    ),
    "bytes before the directory": Hostile(
        lambda: assemble([Raw("1.jpg", after=b"??")]), UnsafeArchive, "belong to no entry"
    ),
    "wrong descriptor": Hostile(
        lambda: assemble([Raw("1.jpg", flags=STREAMED, after=descriptor(b"page", 4, crc=7))]),
        UnsafeArchive, "belong to no entry",
    ),
    "image before it": Hostile(lambda: picture() + assemble([PAGE]), DamagedArchive, "precede"),
    "image before it, with offsets": Hostile(
        lambda: assemble([PAGE], prefix=picture()), UnsafeArchive, "belong to no entry"
    ),
    "two archives": Hostile(_two_archives, DamagedArchive, "precede"),
    # a wrong end
    "bytes behind it": Hostile(lambda: assemble([PAGE]) + b"tail", DamagedArchive, "behind its end"),
    "cut comment": Hostile(lambda: assemble([PAGE], comment=b"a comment")[:-3], DamagedArchive, "comment"),
    "end in a comment": Hostile(
        lambda: assemble([PAGE], comment=assemble([Raw("002.jpg")])), DamagedArchive, "precede"
    ),
    "counts too few": Hostile(_ended(count=1, here=1), DamagedArchive, "counts 1"),
    "counts too many": Hostile(_ended(count=3, here=3), DamagedArchive, "counts 3"),
    "directory elsewhere": Hostile(_ended(start=7), DamagedArchive, "directory"),
    "short directory": Hostile(_ended(size=50), DamagedArchive, "directory"),
    "in several parts": Hostile(_ended(disk=1), DamagedArchive, "part of an archive"),
    "entry in another part": Hostile(_page(central={"disk": 3}), DamagedArchive, "part of an archive"),
    "other count in this part": Hostile(_ended(here=1), DamagedArchive, "part of an archive"),
    "ZIP64 end elsewhere": Hostile(_wide(at=3), DamagedArchive, "not where it says"),
    "ZIP64 end with more": Hostile(_wide(length=60), DamagedArchive, "ZIP64"),
    "ZIP64 end counts otherwise": Hostile(_wide(count=2), DamagedArchive, "counts 2"),
    "two ends disagree": Hostile(
        lambda: assemble([PAGE], wide=wide_end(1, 9, 9, at=len(assemble([PAGE])) - 22)), DamagedArchive, "disagree"
    ),
    # damage
    "wrong checksum": Hostile(_page(local={"crc": 7}, central={"crc": 7}), DamagedArchive, "checksum"),
    "cut content": Hostile(
        _page(data=b"a page " * 50, method=8, packed=_DEFLATED[:-4]), DamagedArchive, "002.jpg"
    ),
    "unfinished content": Hostile(
        _page(data=b"a page " * 50, method=8, packed=_UNFINISHED), DamagedArchive, "002.jpg is cut short"
    ),
    "name up to behind the end": Hostile(_page(local={"name_length": 0xFFFF}), DamagedArchive, "cut short"),
    "broken content": Hostile(_page(method=8, packed=b"\xff" * 30), DamagedArchive, "inflated"),
    "bytes behind the content": Hostile(
        _page(data=b"a page " * 50, method=8, packed=_DEFLATED + b"more"), DamagedArchive, "behind its end"
    ),
    "cut in the middle": Hostile(_cut(0.5), NotAnArchive, "not a ZIP"),
    "cut in the directory": Hostile(_cut(0.985), NotAnArchive, "not a ZIP"),
    "cut in the end": Hostile(lambda: assemble([PAGE])[:-5], DamagedArchive, "cut short"),
    "text": Hostile(lambda: b"This is no archive.\n" * 10, NotAnArchive, "not a ZIP"),
    "empty file": Hostile(lambda: b"", NotAnArchive, "not a ZIP"),
    "RAR": Hostile(lambda: b"Rar!\x1a\x07\x01\x00" + bytes(100), NotAnArchive, "not a ZIP"),
    "HTML": Hostile(lambda: b"<!doctype html><script>alert(1)</script>", NotAnArchive, "not a ZIP"),
    # nothing to read
    "no entries": Hostile(lambda: assemble([]), NoPages, "no images"),
    "debris only": Hostile(lambda: assemble([Raw("__MACOSX/._1.jpg"), Raw("readme.txt")]), NoPages, "no images"),
    # a hostile description
    "entity bomb": Hostile(_info(_LAUGHS), UnsafeInfo, "entities"),
    "outside entity": Hostile(_info(_XXE), UnsafeInfo, "entities"),
    "document type": Hostile(_info(b"<!DOCTYPE ComicInfo><ComicInfo/>"), UnsafeInfo, "document type"),
    "document type in UTF-16": Hostile(
        _info("<!DOCTYPE ComicInfo><ComicInfo/>".encode("utf-16")), UnsafeInfo, "document type"
    ),
    "large description": Hostile(
        _info(b"<ComicInfo><Notes>" + b"12345678" * 200_000 + b"</Notes></ComicInfo>"), OversizedInfo, "larger"
    ),
}  # fmt: skip
