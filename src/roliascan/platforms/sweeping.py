"""What `roliascan sweep` does, when a platform's schedule asks for it: for as long as the platform lets it run."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from roliascan.app import opened, spanning, storage_of, traces_of
from roliascan.database import schema
from roliascan.errors import Refusal
from roliascan.platforms import start
from roliascan.web import logs

if TYPE_CHECKING:
    from roliascan.library.sweep import Swept


class SweepFailed(Exception):
    """Nothing or not everything was swept, and the log says why. Raised, so that the platform counts a failure."""


def run(seconds: float) -> dict[str, Any]:
    """Sweeps, starting nothing new after so many seconds; returns and logs the counts of `roliascan sweep --json`.

    Raises SweepFailed. A platform that then tries again does no harm.
    """
    try:
        counts: dict[str, Any] = msgspec.to_builtins(_swept(time.monotonic() + seconds))
    except Refusal as refusal:
        fault = {"fault": refusal.fault} if refusal.fault else {}
        logs.log("error", "sweep failed", code=refusal.code, detail=refusal.detail, **fault)
        raise SweepFailed(refusal.code) from None
    except Exception as error:
        start.log_failure(error, request_id="")
        raise SweepFailed("see the log") from None
    logs.log("info", "swept", **counts)
    return counts


def _swept(end: float) -> "Swept":
    from roliascan.library import sweep  # of all requests none needs it

    settings = start.settings()
    traces = traces_of(settings)
    with spanning(traces, "sweep"), closing(opened(settings, traces)) as db:
        schema.Gate(db).check(0)
        return sweep.run(
            db,
            storage_of(settings, traces),
            now=datetime.now(UTC),
            served_here=settings.serves_files,
            go_on=lambda: time.monotonic() < end,
        )
