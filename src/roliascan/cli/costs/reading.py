"""Reading a log: our lines of requests, and AWS Lambda's reports of what it bills, among whatever else is there.

Nothing in a log is trusted: who asks chooses paths, and files come from elsewhere. A line that is none of ours is
counted and passed over; memory does not grow with the length of a line or of a file, nor with the number of routes.
"""

import gzip
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import msgspec

from roliascan.errors import Refusal

LONGEST = 65_536
"""Bytes of a line; ours have some thousand at most."""
_Number = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
_Text = Annotated[str, msgspec.Meta(max_length=500)]


class Damaged(Refusal):
    code = "log_damaged"


class Request(msgspec.Struct):
    """A line of `web.logs`; `bytes` where something in front has added how many were sent."""

    time: datetime
    method: _Text
    route: _Text
    status: Annotated[int, msgspec.Meta(ge=100, le=599)]
    ms: _Number
    bytes: _Bytes | None = None


class Report(msgspec.Struct, rename={"billed_ms": "billedDurationMs", "init_ms": "initDurationMs"}):
    """What Lambda says at the end of an invocation; `init_ms` of the first one of a process."""

    billed_ms: _Number
    init_ms: _Number | None = None


class _Record(msgspec.Struct):
    metrics: Report


class _Line(msgspec.Struct):
    """What of any line of JSON says which one it is; Google puts ours into `jsonPayload`, Azure into `message`."""

    event: object = None
    type: object = None
    record: msgspec.Raw = msgspec.Raw()
    payload: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="jsonPayload")
    message: object = None


_line = msgspec.json.Decoder(_Line)
_request = msgspec.json.Decoder(Request)
_record = msgspec.json.Decoder(_Record)
# Of Lambda's own log, where it is not set to JSON.
_REPORT = re.compile(
    rb"REPORT RequestId: \S+\s+Duration: [\d.]{1,12} ms\s+Billed Duration: (\d{1,9}) ms\s"
    rb"(?:.*?Init Duration: (\d{1,9}(?:\.\d{1,9})?) ms)?"
)
_LIFE = re.compile(rb"(?:^|\s)(?:START|END) RequestId: |(?:^|\s)INIT_START Runtime Version: ")


def read(lines: Iterable[bytes]) -> Iterator[Request | Report | str]:
    """Of each line what it tells, or why it tells nothing: "other" (of ours, but no request) or "skipped"."""
    for line in lines:
        try:
            yield _read(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError):  # a time in the year 0
            yield "skipped"


def _read(line: bytes) -> Request | Report | str:
    begin = line.find(b"{", 0, 300)  # what brings logs together writes its time, or a name, in front
    if begin >= 0:  # whatever it looks like within: a path is what somebody asked for
        return _of_json(line[begin:], depth=2)
    if found := _REPORT.search(line[:1_000]):
        return Report(float(found[1]), float(found[2]) if found[2] else None)
    return "other" if _LIFE.search(line[:300]) else "skipped"


def _of_json(text: bytes, *, depth: int) -> Request | Report | str:
    line = _line.decode(text)
    if line.event == "request":
        return _in_utc(_request.decode(text))
    if line.type == "platform.report":
        return _record.decode(line.record).metrics
    if line.event is not None or line.type is not None:
        return "other"
    inner = line.message.encode() if isinstance(line.message, str) else bytes(line.payload)
    return _of_json(inner, depth=depth - 1) if depth and inner else "skipped"


def _in_utc(request: Request) -> Request:
    if request.time.tzinfo is None:
        raise msgspec.ValidationError("no zone")
    request.time = request.time.astimezone(UTC)
    return request


def lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file but for blank ones; one that is longer than LONGEST comes empty. Raises Damaged."""
    try:
        while line := file.readline(LONGEST):
            if len(line) == LONGEST and not line.endswith(b"\n"):
                _pass_over(file)
                yield b""
            elif line.strip():
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Damaged(f"{getattr(file, 'name', 'what was packed')} cannot be unpacked to its end: {error}") from error


def _pass_over(file: BinaryIO) -> None:
    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
        pass


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """A file, one that gzip has packed, or standard input as `-`."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with gzip.open(name) if name.endswith(".gz") else Path(name).open("rb") as file:
        yield cast("BinaryIO", file)
