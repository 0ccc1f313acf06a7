"""What the people of a run remember: what was acknowledged, and what must be there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.faults.invariants import Act


class People(NamedTuple):
    """Tokens."""

    owner: str
    moderator: str
    admin: str


class Commons(NamedTuple):
    """A published series with a published chapter, which all lanes rate and comment on."""

    series: str
    chapter: str


class Chapter(NamedTuple):
    """A chapter as its readers get it: the SHA-256 of each page, in order."""

    number: int
    state: str
    pages: tuple[str, ...] = ()


@dataclass
class Series:
    """A series; `cover` is the SHA-256 of its cover."""

    id: str
    title: str
    state: str = "published"
    cover: str | None = None


class Filed(NamedTuple):
    """A file that was uploaded by itself and is no cover yet."""

    id: str
    url: str
    sha256: str


class Comment(NamedTuple):
    chapter: str
    body: str


class Change(NamedTuple):
    """A request, what it does to the model once it is acknowledged, and how to find out whether it was done.

    `found()` gives what the answer would have been, or something as good, and None where nothing was done.
    """

    method: str
    path: str
    by: str
    apply: Callable[[Any], None]
    found: Callable[[], Any]
    json: Any = None
    form: bytes = b""
    act: Act | None = None
