"""What of a line in the log is counted, the same in every form of metrics."""

from collections.abc import Mapping
from typing import Any

from roliascan.web.routes import API

LOGIN = f"{API}/auth/login"
NO_LOGIN = frozenset((401, 403, 429))
UNANSWERED = frozenset(("not started", "out_of_time"))
"""Events of requests that were answered 503, and have no line of their own."""


def counted(told: Mapping[str, Any]) -> list[str]:
    """The names of what this line counts as one of: none for a request that was answered well."""
    event, status = told["event"], told.get("status", 0)
    if event == "request" and status < 400:
        return ["coldStarts"] if "cold" in told else []
    names = []
    if event == "request":
        names.append("errors" if status >= 500 else "refusals")
        if status in NO_LOGIN and told["route"] == LOGIN:
            names.append("loginsRefused")
        if "cold" in told:
            names.append("coldStarts")
    elif event in UNANSWERED or (event == "crash" and status):  # else its request is counted
        names.append("errors")
    code = told.get("code", "")
    if code.startswith("database_") and event != "fault":
        names.append("databaseFaults")
    if event == "fault" or code == "storage_full" or (event == "sweep failed" and "fault" in told):
        names.append("storageFaults")
    return names
