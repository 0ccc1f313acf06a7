"""ZIP and CBZ archives, trusted in nothing: each is refused as a whole, with the reason, or read entry by entry.

`zipfile` reads the directory; what it takes on trust is checked here: that the directory is where the file's end says,
that each entry's own header says the same, that entries neither overlap nor leave gaps, that no name leads anywhere.
Contents are inflated here in small pieces, counted while they come out. The format: PKWARE's APPNOTE.TXT 6.3.10; its
sections are named in comments.
"""

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from roliascan.cli.importing import names
from roliascan.cli.importing.names import shown
from roliascan.errors import Refusal, TooLarge

PIECE = 64 * 1024
_DIRECTORY_MAX = 16 * 1024 * 1024  # bytes of names and fields, which zipfile holds in memory
_RATIO_FROM = 1024 * 1024  # a ratio says nothing about less
_NAME_MAX, _DEPTH_MAX = 1024, 32

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # 4.4.4: encrypted, strongly encrypted, headers masked
_PATCHED, _STREAMED, _UTF8 = 0x20, 0x8, 0x800
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


class Limits(NamedTuple):
    """What one archive may hold. `page` is for each page, `total` for everything together, in bytes after inflating."""

    entries: int = 10_000
    page: int = 10 * 1024 * 1024
    total: int = 4 * 1024 * 1024 * 1024
    ratio: int = 100


class NotAnArchive(Refusal):
    code = "not_an_archive"
    detail = "This is not a ZIP archive."


class DamagedArchive(Refusal):
    code = "damaged_archive"
    detail = "This archive is damaged."


class UnsafeArchive(Refusal):
    code = "unsafe_archive"
    detail = "This archive holds something that an honest one never does."


class OversizedArchive(TooLarge):
    code = "oversized_archive"
    detail = "This archive holds more than the limit."


class Entry(NamedTuple):
    """A file in an archive: `parts` is its path inside, `start` where its bytes begin, both sizes in bytes."""

    parts: tuple[str, ...]
    start: int
    deflated: bool
    packed: int
    size: int
    crc: int

    @property
    def shown(self) -> str:
        return shown("/".join(self.parts))


class _Directory(NamedTuple):
    start: int
    entries: int


def entries(file: BinaryIO, limits: Limits) -> list[Entry]:
    """The files of the archive, in the order of its directory; no content is read. Raises what this module names."""
    directory = _end(file, limits)
    infos = _infos(file)
    if len(infos) != directory.entries:
        raise DamagedArchive(f"Its end counts {directory.entries} entries, its directory holds {len(infos)}.")
    for info in infos:
        _check_entry(info)
    starts = _starts(file, infos, directory.start)
    found = [_entry(info, starts[info.header_offset]) for info in infos if not info.orig_filename.endswith("/")]
    _check_names(infos, found)
    if sum(entry.size for entry in found) > limits.total:
        raise OversizedArchive(f"It says that it unpacks to more than {limits.total} bytes.")
    return found


def verify(file: BinaryIO, found: Iterable[Entry], limits: Limits) -> None:
    """Inflate every entry once and keep nothing. Raises DamagedArchive, OversizedArchive."""
    total = 0
    for entry in found:
        page_limit = limits.page if names.is_page(entry.parts[-1]) else limits.total
        size = 0
        for piece in inflate(file, entry):
            size, total = size + len(piece), total + len(piece)
            if size > page_limit:
                raise OversizedArchive(f"{entry.shown} is larger than {page_limit} bytes.")
            if size > _RATIO_FROM and size > limits.ratio * entry.packed:
                raise OversizedArchive(f"{entry.shown} unpacks to more than {limits.ratio} times its size.")
            if total > limits.total:
                raise OversizedArchive(f"It unpacks to more than {limits.total} bytes.")


def inflate(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The content in pieces of at most 64 KiB; never more than the entry declared. Raises DamagedArchive at a lie."""
    size = crc = 0
    for piece in _unpacked(file, entry) if entry.deflated else _packed(file, entry):
        size, crc = size + len(piece), zlib.crc32(piece, crc)
        if size > entry.size:
            raise DamagedArchive(f"{entry.shown} unpacks to more than it declares.")
        yield piece
    if size != entry.size:
        raise DamagedArchive(f"{entry.shown} unpacks to less than it declares.")
    if crc != entry.crc:
        raise DamagedArchive(f"{entry.shown} has a wrong checksum.")


def _packed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    for at in range(0, entry.packed, PIECE):
        file.seek(entry.start + at)  # the reader of one entry may be asked in between others
        yield _exactly(file, min(PIECE, entry.packed - at))


def _unpacked(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _packed(file, entry):
            data = packed
            while data and not inflater.eof:
                yield inflater.decompress(data, PIECE)
                data = inflater.unconsumed_tail
            if data or inflater.unused_data:
                raise DamagedArchive(f"{entry.shown} has bytes behind its end.")
        while not inflater.eof and (piece := inflater.decompress(b"", PIECE)):
            yield piece
    except zlib.error as error:
        raise DamagedArchive(f"{entry.shown} cannot be inflated.") from error
    if not inflater.eof:
        raise DamagedArchive(f"{entry.shown} is cut short.")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedArchive("It is cut short.")
    return data


# --- the end and the directory (4.3.12 to 4.3.16)


def _end(file: BinaryIO, limits: Limits) -> _Directory:
    """Where the directory starts and what it counts, from the last record, which must close the file."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - zipfile.ZIP_MAX_COMMENT - 22))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise NotAnArchive("It is not a ZIP archive, or its end is missing.")
    if len(tail) - at < 22:
        raise DamagedArchive("It is cut short.")
    disk, first, here, count, size, start, comment = struct.unpack_from("<4H2LH", tail, at + 4)
    end = length - len(tail) + at
    if end + 22 + comment != length:
        raise DamagedArchive("It has bytes behind its end, or a cut comment.")
    plain = (disk, first, here, count, size, start)
    wide = _wide_end(file, end)
    if wide is not None:
        fulls = (_FULL16, _FULL16, _FULL16, _FULL16, _FULL32, _FULL32)
        if any(a not in (b, full) for a, b, full in zip(plain, wide, fulls, strict=True)):
            raise DamagedArchive("Its two ends (ZIP and ZIP64) disagree.")
        end -= 76
    disk, first, here, count, size, start = wide or plain
    if disk or first or here != count:
        raise DamagedArchive("It is one part of an archive in several.")
    if count > limits.entries or size > _DIRECTORY_MAX:
        raise OversizedArchive(f"It has {count} entries in {size} bytes; the limit is {limits.entries}.")
    if start + size != end:
        raise DamagedArchive("Its directory is not where its end says, or other bytes precede the archive.")
    return _Directory(start, count)


def _wide_end(file: BinaryIO, end: int) -> tuple[int, int, int, int, int, int] | None:
    """The fields of a ZIP64 end that stands right before the plain end (4.3.14, 4.3.15), or None."""
    if end < 20:
        return None
    file.seek(end - 20)
    locator = file.read(20)
    if locator[:4] != b"PK\6\7":
        return None
    disk, at, disks = struct.unpack_from("<LQL", locator, 4)
    if disk or disks > 1 or end < 76 or at != end - 76:
        raise DamagedArchive("Its ZIP64 end is not where it says.")
    file.seek(at)
    record = _exactly(file, 56)
    if record[:4] != b"PK\6\6" or struct.unpack_from("<Q", record, 4) != (44,):
        raise DamagedArchive("Its ZIP64 end is malformed.")
    disk, first, here, count, size, start = struct.unpack_from("<2L4Q", record, 16)
    return disk, first, here, count, size, start


def _infos(file: BinaryIO) -> list[zipfile.ZipInfo]:
    try:
        return zipfile.ZipFile(file).infolist()
    except UnicodeDecodeError as error:
        raise UnsafeArchive("A name in it is not valid UTF-8.") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error) as error:
        raise DamagedArchive("Its directory cannot be read.") from error


# --- one entry (4.3.7, 4.4)


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = shown(info.orig_filename)
    if info.flag_bits & _ENCRYPTED:
        raise UnsafeArchive(f"{name} is encrypted.")
    if info.flag_bits & _PATCHED or info.compress_type not in _METHODS:
        raise UnsafeArchive(f"{name} is compressed in a way that is not supported (method {info.compress_type}).")
    if info.volume:
        raise DamagedArchive("It is one part of an archive in several.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        raise UnsafeArchive(f"{name} is a symbolic link.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeArchive(f"{name} is a device or a pipe.")
    if info.orig_filename.endswith("/") and info.file_size:
        raise UnsafeArchive(f"{name} is a folder with content.")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise DamagedArchive(f"{name} is stored, yet declares two sizes.")


def _entry(info: zipfile.ZipInfo, start: int) -> Entry:
    return Entry(
        parts=_parts(_name(info)),
        start=start,
        deflated=info.compress_type == zipfile.ZIP_DEFLATED,
        packed=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
    )


def _starts(file: BinaryIO, infos: list[zipfile.ZipInfo], directory: int) -> dict[int, int]:
    """Where each entry's bytes begin, by the offset of its header; entries must fill the file up to the directory."""
    starts: dict[int, int] = {}
    ends = {0}
    for info in sorted(infos, key=lambda info: info.header_offset):
        _check_joint(ends, info.header_offset, shown(info.orig_filename))
        start = _local(file, info)
        starts[info.header_offset] = start
        ends = _ends(file, info, start + info.compress_size)
    _check_joint(ends, directory, "the directory")
    return starts


def _check_joint(ends: set[int], at: int, name: str) -> None:
    if at in ends:
        return
    if at < min(ends):
        raise UnsafeArchive(f"{name} overlaps the entry before it.")
    raise UnsafeArchive(f"There are bytes before {name} that belong to no entry.")


def _local(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where the bytes behind the entry's own header begin. Raises UnsafeArchive when it contradicts the directory."""
    file.seek(info.header_offset)
    header = _exactly(file, 30)
    fields: tuple[bytes, int, int, int, int, int, int, int] = struct.unpack("<4s2x2H4xLLLHH", header)
    signature, flags, method, crc, packed, size, name_length, extra_length = fields
    name, extra = _exactly(file, name_length), _exactly(file, extra_length)
    packed, size = _wide_sizes(extra, packed, size)
    declared = (info.CRC, info.compress_size, info.file_size)
    unsaid = bool(flags & _STREAMED) and not (crc or packed or size)  # they follow the bytes
    mask = _ENCRYPTED | _PATCHED | _STREAMED | _UTF8
    agrees = (
        signature == b"PK\3\4"
        and name == _raw(info)
        and method == info.compress_type
        and (flags ^ info.flag_bits) & mask == 0
        and (unsaid or (crc, packed, size) == declared or (bool(flags & _STREAMED) and (packed, size) == declared[1:]))
    )
    if not agrees:
        raise UnsafeArchive(f"{shown(info.orig_filename)} is described differently in its own header.")
    return info.header_offset + 30 + name_length + extra_length


def _wide_sizes(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """The sizes, read from the ZIP64 field (4.5.3) when the header's own are full."""
    while _FULL32 in (packed, size) and len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 1 and length >= 16 and len(extra) >= 20:
            wide_size, wide_packed = struct.unpack_from("<QQ", extra, 4)
            return (wide_packed if packed == _FULL32 else packed), (wide_size if size == _FULL32 else size)
        extra = extra[4 + length :]
    return packed, size


def _ends(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> set[int]:
    """Where the entry may end: at its last byte, or behind a streamed one's descriptor (4.3.9), in its four forms."""
    if not info.flag_bits & _STREAMED:
        return {end}
    file.seek(end)
    after = file.read(24)
    forms = [b"<QQ"] if max(info.compress_size, info.file_size) > _FULL32 else [b"<LL", b"<QQ"]
    tails = [struct.pack("<L", info.CRC) + struct.pack(form, info.compress_size, info.file_size) for form in forms]
    descriptors = [signature + tail for tail in tails for signature in (b"PK\7\x08", b"")]
    return {end + len(descriptor) for descriptor in descriptors if after.startswith(descriptor)} or {end}


# --- names (4.4.17)


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _name(info: zipfile.ZipInfo) -> str:
    """The name; many tools write UTF-8 without saying so."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    try:
        return _raw(info).decode("utf-8")
    except UnicodeDecodeError:
        return info.orig_filename


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", "."))


def _check_names(infos: list[zipfile.ZipInfo], found: list[Entry]) -> None:
    for info in infos:
        for name in {info.orig_filename, _name(info)}:
            _check_name(name)
    files: set[tuple[str, ...]] = set()
    for entry in found:
        if entry.parts in files:
            raise UnsafeArchive(f"{entry.shown} is in it twice.")
        files.add(entry.parts)
        if names.suffix(entry.parts[-1]) in names.ARCHIVES | names.FOREIGN_ARCHIVES and not names.is_debris(
            entry.parts
        ):
            raise UnsafeArchive(f"{entry.shown} is an archive in an archive; unpack it first.")
    for entry in found:
        if any(entry.parts[:depth] in files for depth in range(1, len(entry.parts))):
            raise UnsafeArchive(f"{entry.shown} lies in what is also a file.")


def _check_name(name: str) -> None:
    compatible = unicodedata.normalize("NFKC", name)  # shows the look-alikes of dots and slashes
    why = None
    if any(unicodedata.category(character) == "Cc" for character in name):
        why = "has a control character in its name"
    elif "\\" in name:
        why = "has a backslash in its name"
    elif name.startswith("/") or re.match(r"[A-Za-z]:", name):
        why = "has an absolute path"
    elif any(_is_upward(part) for part in compatible.split("/")) or compatible.count("/") != name.count("/"):
        why = "leads out of the archive"
    elif len(name) > _NAME_MAX or name.count("/") > _DEPTH_MAX:
        why = "has too long a path"
    elif not _parts(name):
        why = "has no name"
    if why is not None:
        raise UnsafeArchive(f"{shown(name) or 'An entry'} {why}.")


def _is_upward(part: str) -> bool:
    """`..`, also with the dots and blanks around it that some systems drop."""
    return part.count(".") >= 2 and not part.strip(". ")
