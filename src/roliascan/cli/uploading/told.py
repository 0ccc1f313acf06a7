"""What a site tells, as far as it is used here: what is not so is refused, and nothing of it is believed or shown."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar

import msgspec
from msgspec import Meta

from roliascan.errors import Refusal

T = TypeVar("T")

Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
"""It is printed, and is a part of addresses."""


class Unexpected(Refusal):
    code = "unexpected_answer"

    def __init__(self, asked: str, why: str) -> None:
        super().__init__(
            f"What the site answers to {asked} cannot be used ({why}): it may be another version, or something in"
            " between changes what it says."
        )


class Shown(TypedDict):
    type: str
    bytes: int
    url: str


class Chapter(TypedDict):
    id: Id
    state: Literal["draft", "scheduled", "published", "hidden"]
    pageCount: int
    pages: list[Shown]


class _Sent(TypedDict):
    sha256: str


class SentPages(TypedDict):
    pages: list[_Sent]


class Series(TypedDict):
    id: Id


class Item(TypedDict):
    """A chapter in a list."""

    id: Id
    number: int | float | None
    label: str | None
    volume: str | None
    language: str


class _Page(TypedDict):
    next: str | None


class Items(TypedDict):
    data: list[Item]
    page: _Page


class Ticket(TypedDict):
    id: Id
    done: NotRequired[bool]
    method: NotRequired[Literal["PUT", "POST"]]
    url: NotRequired[str]
    headers: NotRequired[dict[str, str]]
    fields: NotRequired[dict[str, str]]


class Tickets(TypedDict):
    session: Id
    tickets: list[Ticket]


class _File(TypedDict):
    id: Id
    name: str


class Session(TypedDict):
    state: str
    files: list[_File]


def read(answer: object, into: type[T], *, asked: str) -> T:
    """JSON as such a thing, with what it has besides left out. Raises Unexpected."""
    try:
        found = msgspec.convert(answer, into)
    except (msgspec.ValidationError, UnicodeError) as error:  # JSON can have halves of characters, no text of ours
        raise Unexpected(asked, str(error)) from None
    return found


def tickets(found: Any, number: int, *, asked: str) -> Any:
    """Tickets of which there is one for each file, and each says how to send it. Raises Unexpected."""
    for ticket in found["tickets"]:
        if not ticket.get("done") and not (ticket.get("method") and ticket.get("url")):
            raise Unexpected(asked, "a ticket does not say where to send its file")
    if len(found["tickets"]) != number:
        raise Unexpected(asked, f"{len(found['tickets'])} tickets for {number} files")
    return found
