"""What each platform wants in the lines of the log, beside what they say everywhere."""

from collections.abc import Callable, Mapping
from typing import Any

from roliascan.settings import FUNCTION_MARKERS

More = Callable[[Mapping[str, Any]], Mapping[str, Any]]
AWS, GOOGLE, _ = FUNCTION_MARKERS

_cold = iter(({"cold": True},))
"""For the first request of this process, whichever thread answers it."""


def wanted(environ: Mapping[str, str]) -> list[More]:
    """By what this process was started with, before anything else is read of it: also a line on why not goes there."""
    found: list[More] = []
    if any(environ.get(marker) for marker in FUNCTION_MARKERS):
        found.append(first)
    if environ.get("METRICS", "").strip() == "emf":
        from roliascan.platforms import emf

        found.append(emf.embedded(environ.get(AWS, "roliascan")))
    return found + graded(environ)


def graded(environ: Mapping[str, str]) -> list[More]:
    """What says how grave a line is, where a platform reads that: all that a function needs which only migrates."""
    if not environ.get(GOOGLE):
        return []
    from roliascan.platforms import cloud_logging

    return [cloud_logging.fields(environ.get("GOOGLE_CLOUD_PROJECT", "").strip())]


def first(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """`cold` for the request for which a process was started."""
    return next(_cold, {}) if told["event"] == "request" else {}
