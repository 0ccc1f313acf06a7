"""What can be asked of every list."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from roliascan.errors import Invalid, Problem
from roliascan.paging import Asked
from roliascan.web import bodies
from roliascan.web.fields import Cursor, Limit, PageNumber

T = TypeVar("T", bound=msgspec.Struct)


class ListQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page: the first, `page` by number, or the one after `cursor`."""

    limit: Limit = 20
    page: PageNumber | None = None
    cursor: Cursor | None = None

    @property
    def asked(self) -> Asked:
        if self.page is not None and self.cursor is not None:
            raise Invalid(Problem("page", "cannot be used together with cursor"))
        return Asked(self.limit, self.page, self.cursor)


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing can be asked; what is sent is named."""


def read(params: Mapping[str, Any], into: type[T]) -> T:
    """The query string as `into`. Raises Invalid for what is out of range, unknown, or there twice."""
    if not params:
        return into()
    return _without_null(params, bodies.convert(dict(params), into, strict=False))


def read_plain(params: dict[str, Any], into: type[T]) -> T:
    """The same for texts of which nothing has to be trimmed or normalized."""
    try:
        return _without_null(params, msgspec.convert(params, into, strict=False) if params else into())
    except msgspec.ValidationError:
        return read(params, into)


def _without_null(params: Mapping[str, Any], made: T) -> T:
    """What was made, unless msgspec took the text `null` for nothing, as it does where a number may be absent."""
    if "null" in map(str.lower, params.values()):
        names = {field.encode_name: field.name for field in msgspec.structs.fields(made)}
        if nulls := [name for name in params if getattr(made, names[name]) is None]:
            raise Invalid(*(Problem(name, "must not be null") for name in nulls))
    return made
