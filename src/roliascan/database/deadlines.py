"""How long something may take, where a request has to be answered before its platform ends it."""

import math
import time

from roliascan.database.faults import OutOfTime

NEVER = math.inf
"""The deadline of what may take its time."""


def within(seconds: float, deadline: float) -> float:
    """`seconds`, or what is left until `deadline` (of time.monotonic()) where that is less. Raises OutOfTime."""
    left = deadline - time.monotonic()
    if left >= seconds:
        return seconds
    if left <= 0:
        raise OutOfTime
    return left
