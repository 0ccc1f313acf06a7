"""Documents: files that are kept and handed out as they are, never decoded and never shown in a page of ours."""

from typing import BinaryIO, Literal

import msgspec

_MAGIC = b"%PDF-"
_BLOCK = 1 << 20  # bytes read at a time


class Document(msgspec.Struct, frozen=True):
    """A PDF file: what `images.Image` says of an image, as far as it can be said without looking inside."""

    type: Literal["application/pdf"]
    extension: Literal["pdf"]
    bytes: int
    sha256: str
    sent_bytes: int
    sent_sha256: str
    sent_type: Literal["application/pdf"] = "application/pdf"
    width: None = None
    height: None = None
    placeholder: None = None
    wide: Literal[False] = False


def is_document(source: BinaryIO) -> bool:
    """Whether `source` (left at its start) begins as a PDF does (ISO 32000-1, section 7.5.2)."""
    source.seek(0)
    start = source.read(len(_MAGIC))
    source.seek(0)
    return start == _MAGIC


def measure(source: BinaryIO) -> Document:
    """Reads the whole of `source` (left at its start), of which is_document is true."""
    import hashlib

    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
    size, sha256 = source.tell(), digest.hexdigest()
    source.seek(0)
    return Document("application/pdf", "pdf", size, sha256, size, sha256)
