"""What people send: JSON bodies and query strings into typed structs, with every problem named at once."""

import unicodedata
from typing import Any, TypeVar

import falcon
import msgspec
from msgspec import Meta

from roliascan.errors import Invalid, Problem, Refusal, TooLarge, UnsupportedType
from roliascan.text import tidy

LARGEST = 1 << 20  # bytes of a JSON body
VERBATIM = {"password", "currentPassword"}
"""Fields taken as typed: neither trimmed nor normalized."""

T = TypeVar("T")


class Malformed(Refusal):
    code = "malformed"
    detail = "The body is not well-formed JSON."


class LengthRequired(Refusal):
    code = "length_required"
    detail = "Send the body with a Content-Length."


def read(req: falcon.Request, into: type[T]) -> T:
    """The JSON body as `into`. Raises UnsupportedType, TooLarge, Malformed, Invalid."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("Send JSON, with Content-Type: application/json.")
    return convert(_decoded(_bytes(req)), into)


def _bytes(req: falcon.Request) -> bytes:
    length = req.content_length
    if length is None and not req.env.get("wsgi.input_terminated"):
        raise LengthRequired
    if (length or 0) > LARGEST:
        raise TooLarge(f"A JSON body may have at most {LARGEST:,} bytes.")
    body: bytes = req.stream.read(LARGEST + 1 if length is None else length)
    if len(body) > LARGEST:
        raise TooLarge(f"A JSON body may have at most {LARGEST:,} bytes.")
    return body


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed from error


def convert(raw: Any, into: type[T], *, strict: bool = True) -> T:
    """Untyped input as `into`, texts tidied first. Raises Invalid with a problem for each field."""
    problems: list[Problem] = []
    cleaned = _cleaned(raw, "", problems)
    if not problems:
        try:
            return msgspec.convert(cleaned, into, strict=strict)
        except msgspec.ValidationError as error:
            problems = _each_problem(cleaned, into, strict) or [_problem(error, "")]
    raise Invalid(*problems)


def _cleaned(value: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(value, str):
        if "\0" in value:
            problems.append(Problem(where, "must not contain a NUL character"))
        return value if where in VERBATIM else tidy(value)
    if isinstance(value, list):
        return [_cleaned(one, f"{where}[{place}]", problems) for place, one in enumerate(value)]
    if isinstance(value, dict):
        return {name: _cleaned(one, f"{where}.{name}" if where else name, problems) for name, one in value.items()}
    return value


def _each_problem(raw: Any, into: Any, strict: bool) -> list[Problem]:
    """msgspec stops at the first problem; this looks at one field after the other."""
    if not isinstance(raw, dict) or not hasattr(into, "__struct_fields__"):
        return []
    fields = {field.encode_name: field for field in msgspec.structs.fields(into)}
    problems = [Problem(_shown(name), "is not known here") for name in raw if name not in fields]
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                problems.append(Problem(name, "is missing"))
            continue
        try:
            msgspec.convert(raw[name], field.type, strict=strict)
        except msgspec.ValidationError as error:
            problems.append(_problem(error, name))
    return problems


def _shown(name: str) -> str:
    """A key of the asker's, safe to repeat."""
    return "".join(c for c in name[:60] if not unicodedata.category(c).startswith("C")) or "(a key)"


def _problem(error: msgspec.ValidationError, field: str) -> Problem:
    """msgspec's `Expected ... - at `$.a[0]`` as a field and a sentence."""
    message, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").replace("[...]", "").lstrip(".")
    where = f"{field}{'' if not path or path.startswith('[') else '.'}{path}" if field else path
    return Problem(where or "body", message[:1].lower() + message[1:])


Title = Meta(min_length=1, max_length=300)
"""Lengths count characters, after trimming and normalizing."""
