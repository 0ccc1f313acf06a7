"""Whether the service is alive and ready."""

import msgspec

from roliascan.database import faults, schema
from roliascan.errors import ReadOnly, Refusal
from roliascan.web.calls import Call


class Health(msgspec.Struct):
    """That the process answers."""

    status: str


class Readiness(msgspec.Struct):
    """`ok`, or what is wrong, for each part that the service needs. Without `changes`, reading goes on."""

    status: str
    database: str
    schema: str
    storage: str
    changes: str


def health(_call: Call) -> Health:
    """The process answers. Touches nothing, so that a paused database stays asleep."""
    return Health("ok")


def ready(call: Call) -> Readiness:
    """Asks each part; 503 when one is not as it should be."""
    database, fits, changes = _database(call)
    storage = _storage(call)
    fine = database == fits == storage == "ok"
    if not fine:
        call.resp.status = 503
        call.resp.set_header("Retry-After", "5")
    return Readiness("ok" if fine else "unavailable", database, fits, storage, changes)


def _database(call: Call) -> tuple[str, str, str]:
    try:
        found = schema.read(call.db)
    except Refusal as refusal:
        return refusal.detail, "unknown", "unknown"
    state = schema.state(found)
    changes = "ok"
    if call.settings.read_only:
        changes = ReadOnly.detail
    elif found.read_only:
        changes = faults.ReadOnly.detail
    return "ok", "ok" if state.fits else state.detail, changes


def _storage(call: Call) -> str:
    try:
        next(call.storage.list(after="~"), None)
    except Refusal as refusal:
        return refusal.detail
    return "ok"
