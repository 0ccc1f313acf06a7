"""What Google's Cloud Logging reads in a line: how grave it is, and of which trace.

https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
`httpRequest` is not written: Cloud Run writes a line of its own with it for each request.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

SEVERITIES = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL", "debug": "DEBUG"}
TRACE = "logging.googleapis.com/trace"
_is_trace = re.compile("[0-9a-f]{32}").fullmatch


def fields(project: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """`project`: its identifier, "" for unknown. A request's id is the trace id that Google's front end gave it."""

    def more(told: Mapping[str, Any]) -> Mapping[str, Any]:
        added = {"severity": SEVERITIES.get(told["level"], "DEFAULT")}
        if project and _is_trace(told.get("requestId", "")):
            added[TRACE] = f"projects/{project}/traces/{told['requestId']}"
        return added

    return more
