"""What machine a compiled file is for: the head of an ELF file says it (elf(5))."""

from pathlib import Path

from roliascan.cli.packaging import NotPackaged
from roliascan.cli.packaging.targets import Order

_ELF = b"\x7fELF"
_LITTLE = 1
_NUMBERS = {"x86_64": 62, "aarch64": 183}
"""EM_X86_64, EM_AARCH64."""


def check(folder: Path, order: Order) -> int:
    """The number of compiled files. Raises NotPackaged for one that the ordered architecture cannot load."""
    found = [(file, head) for file in sorted(folder.rglob("*")) if file.is_file() and (head := _head(file))]
    for file, head in found:
        if head[5] != _LITTLE or int.from_bytes(head[18:20], "little") != _NUMBERS[order.machine]:
            raise NotPackaged(f"{file.relative_to(folder)} is not compiled for {order.arch}")
    for file in folder.rglob("*.so"):
        if not _head(file):
            raise NotPackaged(f"{file.relative_to(folder)} is called .so and is no such file")
    return len(found)


def _head(file: Path) -> bytes:
    """The first 20 bytes of an ELF file; nothing of another."""
    with file.open("rb") as opened:
        head = opened.read(20)
    return head if head.startswith(_ELF) and len(head) == 20 else b""
