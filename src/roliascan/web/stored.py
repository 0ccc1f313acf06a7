"""The bytes of stored files over HTTP (RFC 9110, sections 8.8.3 and 14), or the way to them with FILES=private."""

import re
from datetime import timedelta
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from roliascan.errors import NotFound, NotSatisfiable
from roliascan.library import files
from roliascan.library.files import File
from roliascan.storage import keys
from roliascan.storage.keys import IMMUTABLE
from roliascan.web.calls import Call
from roliascan.web.headers import PRIVATE, SHOWN_ANYWHERE

SIGNED_FOR = timedelta(minutes=5)


class _Span(NamedTuple):
    start: int
    length: int


class _Part:
    """The next `length` bytes of a file, for WSGI."""

    def __init__(self, source: BinaryIO, length: int) -> None:
        self._source = source
        self._left = length

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = self._source.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._source.close()


def show(call: Call, key: str) -> None:
    """A stored file, or a range of it. With its right type, never sniffed, never run, for ever the same."""
    if not keys.is_key(key):
        raise NotFound
    file = files.find(call.db, key, viewer=call.viewer)
    if call.settings.files == "private" and (address := _signed(call, file)):
        _send_on(call, address)
        return
    _describe(call, file)
    if _is_known(call, file):
        call.resp.status = 304
        call.resp.delete_header("Content-Type")
        return
    span = _span(call, file)
    if call.req.method == "HEAD":
        call.resp.content_length = span.length
    else:
        source = call.storage.open(file.storage_key, start=span.start)
        call.resp.set_stream(_Part(source, span.length), span.length)


def _signed(call: Call, file: File) -> str | None:
    """Where the storage itself shows the file to whoever has the address; None where it leaves that to us."""
    how = {"method": call.req.method, "type": file.type, "disposition": _disposition(file)}
    return call.storage.address(file.storage_key, **how, expires_at=call.now + SIGNED_FOR)


def _send_on(call: Call, address: str) -> None:
    """Kept by nobody: a cache may answer a HEAD by what it kept of a GET (RFC 9111, section 4).

    What is signed for a GET, S3 and Google do not take for a HEAD.
    """
    call.resp.status = 307
    call.resp.set_headers({"Location": address, "Cache-Control": PRIVATE, **SHOWN_ANYWHERE})


def _disposition(file: File) -> str:
    name = file.name or file.storage_key.rpartition("/")[2]
    place = "inline" if file.type.startswith("image/") else "attachment"
    return f"{place}; filename*=UTF-8''{quote(name, safe='')}"


def _describe(call: Call, file: File) -> None:
    call.resp.content_type = file.type
    call.resp.set_headers(
        {
            "Accept-Ranges": "bytes",
            "Cache-Control": IMMUTABLE if file.is_public else PRIVATE,
            "Content-Disposition": _disposition(file),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            **SHOWN_ANYWHERE,
            "ETag": _tag(file),
        }
    )


def _tag(file: File) -> str:
    return f'"{file.sha256[:32]}"'


def _is_known(call: Call, file: File) -> bool:
    known = (call.req.get_header("If-None-Match") or "").strip()
    return known == "*" or _tag(file) in known


def _span(call: Call, file: File) -> _Span:
    """One range is answered; several, or what is no range, as if there were none. Raises NotSatisfiable."""
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", call.req.get_header("Range") or "", re.ASCII)
    if_range = call.req.get_header("If-Range")
    if not match or match[0] == "bytes=-" or (if_range and if_range != _tag(file)):
        return _Span(0, file.bytes)
    if not match[1]:
        start, end = max(0, file.bytes - int(match[2])), file.bytes - 1
    else:
        start, end = int(match[1]), min(int(match[2] or file.bytes), file.bytes - 1)
        if match[2] and int(match[2]) < start:
            return _Span(0, file.bytes)
    if start >= file.bytes:
        call.resp.delete_header("Content-Disposition")  # what follows is a refusal, not the file
        call.resp.set_header("Content-Range", f"bytes */{file.bytes}")
        raise NotSatisfiable
    call.resp.status = 206
    call.resp.set_header("Content-Range", f"bytes {start}-{end}/{file.bytes}")
    return _Span(start, end - start + 1)
