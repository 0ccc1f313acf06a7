"""How often something is tried, and how long to wait in between."""

import random
from collections.abc import Callable, Iterator

from roliascan.cli.uploading.wire import Answer

NOT_NOW = {408, 425, 429, 500, 502, 503, 504}
FIRST_S, MOST_S = 0.25, 30.0
WORTH_A_WORD_S = 5.0
LONGEST_S = 900.0  # that a site may ask us to wait; its limit of uploads asks for up to 600

Rest = Callable[[float, str], None]
"""Waits so many seconds, and tells why when that is long. Raises what ends the waiting."""


def is_not_now(answer: Answer) -> bool:
    """Whether the same request may be answered otherwise, later."""
    return answer.status in NOT_NOW or answer.code == "idempotency_key_in_use"


def pauses(tries: int) -> Iterator[float]:
    """Before each try how many seconds to wait: nothing, then twice as long each time, and never all at once."""
    yield 0.0
    for failures in range(tries - 1):
        longest = min(MOST_S, FIRST_S * 2**failures)
        yield random.uniform(longest / 2, longest)  # noqa: S311 - no secret


def asked_for(answer: Answer | None) -> float:
    """What `Retry-After` says, a little later than others of the same moment; 0 where nothing is said."""
    seconds = answer.retry_after if answer else 0.0
    return min(seconds, LONGEST_S) + random.uniform(0, min(seconds, 1.0))  # noqa: S311 - no secret
