"""The archive: sorted names, fixed times and rights, so that equal contents are equal archives; and its sizes."""

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from roliascan.cli.packaging.filling import Parts

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that the format knows
_FILE = 0o100644 << 16  # anybody may read it: a platform runs it as whom it likes
_UNIX = 3
_HEADERS = 30 + 46
"""Bytes that the format spends on a file twice, before it and in the directory, each time with its name."""

OURS, PLATFORMS = "roliascan", "(entry)"


class Part(NamedTuple):
    """A package in the archive: how many files, their bytes, and what they take in the archive."""

    name: str
    files: int
    bytes: int
    zipped: int


def write(folder: Path, file: Path, parts: Parts) -> list[Part]:
    """The largest part first. `file` is there when it is whole, or not at all."""
    draft = file.with_name(f".{file.name}")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()):
                archive.writestr(_entry(path), (folder / path).read_bytes())
            infos = archive.infolist()
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return _parts(infos, parts)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _FILE, _UNIX
    return entry


def _parts(infos: Iterable[zipfile.ZipInfo], parts: Parts) -> list[Part]:
    found: dict[str, Part] = {}
    for info in infos:
        name = _part(info.filename, parts)
        _, files, size, zipped = found.get(name, Part(name, 0, 0, 0))
        taken = info.compress_size + _HEADERS + 2 * len(info.filename.encode())
        found[name] = Part(name, files + 1, size + info.file_size, zipped + taken)
    return sorted(found.values(), key=lambda part: -part.zipped)


def _part(path: str, parts: Parts) -> str:
    """Byte code is of its module's part."""
    source = re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", path)
    return parts.get(source) or (OURS if OURS in PurePosixPath(source).parts[:-1] else PLATFORMS)
