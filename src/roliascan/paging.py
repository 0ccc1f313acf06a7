"""Pages of lists: by cursor, the deepest costs what the first costs; by number, only the first 10,000 rows."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from roliascan.errors import Invalid, Problem
from roliascan.ids import is_id

DEEPEST = 10_000
_LARGEST = 2**31 - 1
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
T = TypeVar("T")
L = TypeVar("L", bound="Listed")


class PageTooDeep(Invalid):
    code = "page_too_deep"
    detail = f"Pages by number end at row {DEEPEST:,}; continue with the cursor in page.next."


class PageInfo(msgspec.Struct):
    """Where a page of a list stands. `total` is null where it would have to be counted, `number` with a cursor."""

    limit: int
    number: int | None
    total: int | None
    next: str | None


class Page(msgspec.Struct, Generic[T]):
    """One page of a list."""

    data: list[T]
    page: PageInfo


class Asked(NamedTuple):
    """Which page is asked for: by `number` from 1, or after a `cursor`."""

    limit: int
    number: int | None
    cursor: str | None


class Order(NamedTuple):
    """A sorting: a column with an index, ties by identifier, both in one direction. It may be the identifier itself.

    `form`: whether a text is written as the identifiers of these rows are.
    """

    name: str
    key: str
    id: str
    descending: bool
    kind: type[Any]
    form: Callable[[str], bool] = is_id


class Listed(msgspec.Struct):
    """What a row of a list selects first. The key and the total are unset, and so not written, at the end."""

    sort_key: Any
    total: Any
    id: str


class Window(NamedTuple):
    """The SQL of one page: a condition (or nothing), the rest of the statement, and its parameters."""

    condition: str
    tail: str
    values: dict[str, Any]


def window(order: Order, asked: Asked) -> Window:
    """Keyset pagination: `key >= k AND (key > k OR id > i)` is one range of an index on each of the databases."""
    direction = "DESC" if order.descending else "ASC"
    tail = f" ORDER BY {order.key} {direction}, {order.id} {direction} LIMIT :rows"
    values: dict[str, Any] = {"rows": asked.limit + 1}
    if asked.cursor is None:
        skipped = (asked.number or 1) * asked.limit - asked.limit
        if skipped + asked.limit > DEEPEST:
            raise PageTooDeep(Problem("page", PageTooDeep.detail))
        return Window("", f"{tail} OFFSET :skipped" if skipped else tail, {**values, "skipped": skipped})
    key, last = _opened(asked.cursor, order)
    sign = "<" if order.descending else ">"
    condition = (
        f" AND {order.key} {sign}= :after_key AND ({order.key} {sign} :after_key OR {order.id} {sign} :after_id)"
    )
    return Window(condition, tail, {**values, "after_key": key, "after_id": last})


def page_of(rows: "list[L]", order: Order, asked: Asked, *, exact: bool) -> "Page[L]":
    """The page of what `window` fetched: one row more than shown tells that there is a next."""
    shown, more = rows[: asked.limit], len(rows) > asked.limit
    following = _cursor(order, shown[-1]) if more else None
    total = _total(shown, asked) if exact else None
    for row in shown:
        row.sort_key = row.total = UNSET
    number = None if asked.cursor is not None else asked.number or 1
    return Page(shown, PageInfo(asked.limit, number, total, following))


def _total(shown: "list[L]", asked: Asked) -> int | None:
    """The counter travels with every row; a first page without rows is of an empty list."""
    if shown:
        return None if isinstance(shown[0].total, UnsetType) else shown[0].total
    return 0 if asked.cursor is None and (asked.number or 1) == 1 else None


def _cursor(order: Order, row: Listed) -> str:
    written = msgspec.json.encode([order.name, row.sort_key, row.id])
    return urlsafe_b64encode(written).rstrip(b"=").decode()


def _opened(cursor: str, order: Order) -> tuple[Any, str]:
    """What a cursor says. It carries no rights, so it is checked for form only. Raises Invalid."""
    try:
        written = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        name, key, last = msgspec.json.decode(written, type=tuple[str, order.kind, str])  # type: ignore[name-defined]
        if name == order.name and order.form(last):
            return _checked(key, order), last
    except (ValueError, msgspec.MsgspecError):
        pass
    raise Invalid(Problem("cursor", "is not a cursor of this list in this order; start again without it"))


def _checked(key: Any, order: Order) -> Any:
    """A key as the database takes it. Raises ValueError for one that no row can have."""
    if isinstance(key, int):
        fits = abs(key) <= _LARGEST
    elif order.key == order.id:
        fits = order.form(key)
    elif order.key.endswith("_at"):
        fits = re.fullmatch(_INSTANT, key) is not None
    else:
        fits = "\0" not in key
    if not fits:
        raise ValueError
    return datetime.fromisoformat(key) if order.key.endswith("_at") else key
