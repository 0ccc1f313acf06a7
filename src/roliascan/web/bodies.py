"""What people send: JSON bodies and query strings into typed structs, with every problem named at once."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from roliascan.errors import Invalid, Problem, Refusal, TooLarge, UnsupportedType
from roliascan.text import tidy

if TYPE_CHECKING:
    from roliascan.web.lean import falcon

LARGEST = 1 << 20  # bytes of a JSON body
MOST_FILES = 100  # of a form
DEEPEST = 20  # objects and lists within each other
MOST_PROBLEMS = 100  # told at once
VERBATIM = {"password", "currentPassword"}
"""Fields taken as typed: neither trimmed nor normalized."""

T = TypeVar("T")
Rules = Callable[[Mapping[str, Any]], Sequence[Problem]]


class Malformed(Refusal):
    code = "malformed"
    detail = "The body is not well-formed JSON."


class LengthRequired(Refusal):
    code = "length_required"
    detail = "Send the body with a Content-Length."


class Sent(NamedTuple):
    """The bytes of a body, or why they were not taken, which is said when its turn comes."""

    data: bytes
    refusal: Refusal | None = None


def receive(req: "falcon.Request") -> Sent:
    """The body, whole, however long it takes to come."""
    try:
        return Sent(_bytes(req))
    except (LengthRequired, TooLarge) as refusal:
        return Sent(b"", refusal)


def read(req: "falcon.Request", sent: Sent, into: type[T]) -> T:
    """The JSON body as `into`. Raises UnsupportedType, TooLarge, Malformed, Invalid."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("Send JSON, with Content-Type: application/json.")
    if sent.refusal is not None:
        raise sent.refusal
    return convert(_decoded(sent.data), into)


def is_empty(req: "falcon.Request") -> bool:
    """Whether there is no body (RFC 9112, section 6.3): neither a length nor chunks."""
    return not req.content_length and "HTTP_TRANSFER_ENCODING" not in req.env


def _bytes(req: "falcon.Request") -> bytes:
    if is_empty(req):
        return b""
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
    """Untyped input as `into`, texts tidied first. Raises Malformed, and Invalid with a problem for each field.

    What types cannot say, `into.rules(given)` says: problems of the fields that are well-formed, by their names.
    """
    problems: list[Problem] = []
    cleaned = _cleaned(raw, "", problems, 0)
    rules: Rules | None = getattr(into, "rules", None)
    made: Any = None
    try:
        made = msgspec.convert(cleaned, into, strict=strict)
        given = msgspec.structs.asdict(made) if rules else {}
    except msgspec.ValidationError:
        problems += islice(_each_problem(cleaned, into, "", strict), MOST_PROBLEMS)
        given = _well_formed(cleaned, into, strict)
    if rules:
        problems += rules(given)
    if problems:
        raise Invalid(*problems[:MOST_PROBLEMS])
    converted: T = made
    return converted


def _cleaned(value: Any, where: str, problems: list[Problem], depth: int) -> Any:
    if depth > DEEPEST:
        raise Malformed("The body is nested too deep.")
    if isinstance(value, str):
        if "\0" in value:
            problems.append(Problem(where or "body", "must not contain a NUL character"))
        return value if where in VERBATIM else tidy(value)
    if isinstance(value, list):
        return [_cleaned(one, f"{where}[{place}]", problems, depth + 1) for place, one in enumerate(value)]
    if isinstance(value, dict):
        return {name: _cleaned(one, _below(where, name), problems, depth + 1) for name, one in value.items()}
    return value


def _each_problem(raw: Any, kind: Any, where: str, strict: bool) -> Iterator[Problem]:
    """msgspec stops at the first problem; this looks at one field, and one element, after the other."""
    struct, element = _inside(kind)
    if struct is not None and isinstance(raw, dict):
        yield from _each_problem_of_fields(raw, struct, where, strict)
        return
    found = False
    if element is not None and isinstance(raw, list):
        for place, one in enumerate(raw):
            for problem in _each_problem(one, element, f"{where}[{place}]", strict):
                found = True
                yield problem
    if not found:
        try:
            msgspec.convert(raw, kind, strict=strict)
        except msgspec.ValidationError as error:
            yield _problem(error, where)


def _each_problem_of_fields(raw: dict[str, Any], struct: Any, where: str, strict: bool) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in raw:
        if name not in fields:
            yield Problem(_below(where, name), "is not known here")
    for name, field in fields.items():
        if name in raw:
            yield from _each_problem(raw[name], field.type, _below(where, name), strict)
        elif field.required:
            yield Problem(_below(where, name), "is missing")


def _inside(kind: Any) -> tuple[Any, Any]:
    """The struct, or the type of the elements of the list, in a type such as `Annotated[list[X], ...] | None`."""
    for one in get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,):
        plain = get_args(one)[0] if get_origin(one) is Annotated else one
        if hasattr(plain, "__struct_fields__"):
            return plain, None
        if get_origin(plain) is list:
            return None, get_args(plain)[0]
    return None, None


def _well_formed(raw: Any, into: Any, strict: bool) -> dict[str, Any]:
    """The fields that can be converted, by their names in Python."""
    made = {}
    for field in msgspec.structs.fields(into) if isinstance(raw, dict) else ():
        with suppress(KeyError, msgspec.ValidationError):
            made[field.name] = msgspec.convert(raw[field.encode_name], field.type, strict=strict)
    return made


def _below(where: str, name: str) -> str:
    return f"{where}.{_shown(name)}" if where else _shown(name)


def _shown(name: str) -> str:
    """A key of the asker's, safe to repeat."""
    if name.isascii() and name.isprintable() and 0 < len(name) <= 60:
        return name
    return "".join(c for c in name[:60] if not unicodedata.category(c).startswith("C")) or "(a key)"


def _problem(error: msgspec.ValidationError, field: str) -> Problem:
    """msgspec's `Expected ... - at `$.a[0]`` as a field and a sentence."""
    message, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").replace("[...]", "").lstrip(".")
    where = f"{field}{'' if not path or path.startswith('[') else '.'}{path}" if field else path
    return Problem(where or "body", message[:1].lower() + message[1:])
