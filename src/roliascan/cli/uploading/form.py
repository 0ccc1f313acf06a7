"""Bodies of requests that carry a file: its bytes alone, or a form as RFC 7578 has it, with the file last."""

import io
import secrets
from collections.abc import Callable, Sequence
from typing import BinaryIO

from roliascan.cli.uploading.folder import Page

_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}  # in names, as browsers do (HTML, multipart form data)


class Counted:
    """Sources one after the other; `tell` is called with the number of bytes that were taken."""

    def __init__(self, sources: Sequence[BinaryIO], tell: Callable[[int], None]) -> None:
        self._sources = list(sources)
        self._tell = tell

    def read(self, size: int = -1, /) -> bytes:
        while self._sources:
            block = self._sources[0].read(size)
            if block:
                self._tell(len(block))
                return block
            self._sources.pop(0)
        return b""


def plain(page: Page, file: BinaryIO, tell: Callable[[int], None]) -> tuple[dict[str, str], Counted]:
    return {"Content-Length": str(page.bytes)}, Counted([file], tell)


def form(
    fields: dict[str, str], page: Page, file: BinaryIO, tell: Callable[[int], None]
) -> tuple[dict[str, str], Counted]:
    """The fields in the order in which they were given, then `file`: what object storages want of a POST."""
    boundary = secrets.token_hex(16)
    before = "".join(_part(boundary, f'name="{_escaped(name)}"') + f"\r\n{value}\r\n" for name, value in fields.items())
    named = _part(boundary, f'name="file"; filename="{_escaped(page.name)}"')
    head = f"{before}{named}Content-Type: {page.type}\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + page.bytes + len(tail)),
    }
    return headers, Counted([io.BytesIO(head), file, io.BytesIO(tail)], tell)


def _part(boundary: str, disposition: str) -> str:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"


def _escaped(name: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in name)
