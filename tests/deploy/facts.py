"""What a template makes, in words that are the same for each kind of template; `rules` judges it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Values = tuple[str, ...]


class Function(NamedTuple):
    """`archive` is the name of its file; the environment's values are texts, with references as `${...}`."""

    name: str
    handler: str
    runtime: str
    arch: str
    archive: str
    timeout: int
    environment: Mapping[str, str]


class Bucket(NamedTuple):
    """`expires`: days by prefix. `cors`: methods, and headers in lower case."""

    name: str
    blocked: bool
    expires: Mapping[str, int]
    cors: tuple[Values, Values]


class Statement(NamedTuple):
    """One of a policy. `principals` is empty where the policy belongs to a role."""

    where: str
    effect: str
    principals: Values
    actions: Values
    resources: Values


class Facts(NamedTuple):
    """Of one template; `managed` are policies of Amazon's by which roles may more, `schedules` those of sweeps."""

    functions: tuple[Function, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    statements: tuple[Statement, ...] = ()
    managed: Values = ()
    schedules: Values = ()


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
