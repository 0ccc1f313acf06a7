"""The log: one line of JSON on standard output for each request and each fault, without tokens, queries or bodies."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

_LONGEST = 500
_FRAMES = 20
_encode = msgspec.json.Encoder().encode
_more: list[Callable[[Mapping[str, Any]], Mapping[str, Any]]] = []


def tell(more: Iterable[Callable[[Mapping[str, Any]], Mapping[str, Any]]]) -> None:
    """From now on these are told every line of this process, one after the other, and add the fields that they return.

    A process has one log, and so it has one list of them; each must be quick, and may not raise.
    """
    _more[:] = more


def log_request(
    *,
    request_id: str,
    method: str,
    path: str,
    status: int,
    ms: float,
    route: str = "",
    client: str = "",
    level: str = "",
    code: str = "",
    trace_id: str = "",
) -> None:
    """One line for an answered request. `path` is without its query, `route` the pattern that it matched.

    `level` and `code`: those of the refusal; else `error` from 500 on, and `info`, and none. `trace_id`: where there
    are traces.

    `client` is an address; it is written without what tells persons apart: the last part of an IPv4 address, all but
    the first 48 bits of an IPv6 one.
    """
    told: dict[str, Any] = {
        "time": datetime.now(UTC),
        "level": level or ("error" if status >= 500 else "info"),
        "event": "request",
        "requestId": request_id,
        "method": method[:20],
        "path": path[:_LONGEST],
        "route": route,
        "status": status,
        "ms": round(ms, 2),
        "client": _blurred(client),
    }
    if code:
        told["code"] = code
    if trace_id:
        told["traceId"] = trace_id
    write(_line(told))


def log_crash(error: BaseException, *, request_id: str, status: int = 0, code: str = "") -> None:
    """One line for what nobody expected: where it happened. Not its message, which may quote what a client sent.

    `status` and `code`: what was answered, where no line of a request tells it.
    """
    import traceback  # 3 ms that a process without a crash does not pay

    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    log(
        "error",
        "crash",
        requestId=request_id,
        error=f"{type(error).__module__}.{type(error).__qualname__}",
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        **({"status": status} if status else {}),
        **({"code": code} if code else {}),
    )


def log(level: str, event: str, **fields: Any) -> None:
    """One line: `time`, `level`, `event`, then the fields as they are given."""
    write(line(level, event, **fields))


def line(level: str, event: str, **fields: Any) -> str:
    """The line without its end; ASCII only, so that no character of a client's ends or repaints it."""
    return _line({"time": datetime.now(UTC), "level": level, "event": event, **fields})


def _line(told: dict[str, Any]) -> str:
    for more in _more:
        told.update(more(told))
    try:
        text = _encode(told)
        if text.isascii() and b"\x7f" not in text:
            return text.decode()
    except UnicodeEncodeError:  # a lone surrogate
        pass
    return json.dumps(told, default=datetime.isoformat)


def write(text: str) -> None:
    """Writes a line whole, so that threads do not mix theirs. A log that nobody takes does not stop the service."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def _blurred(client: str) -> str:
    if ":" not in client:
        return client.rpartition(".")[0] + ".0" if client else ""
    groups = client.split("::")[0].split(":")
    return ":".join([*groups[:3], ":"]) if groups[0] else "::"
