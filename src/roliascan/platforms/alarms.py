"""The last resort against a request that does not end: a signal, where the main thread answers, as on AWS Lambda."""

import signal
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class TooLate(BaseException):
    """Raised into whatever the request is doing just then, which no `except Exception` on the way may keep."""


def in_time(act: Callable[[], T], seconds: float, *, late: Callable[[], T]) -> T:
    """What `act` returns, or `late` where that takes longer. In other threads than the main one it just acts.

    Python code is interrupted within the millisecond, and so is what waits in it; C code when it returns. What `act`
    was using may be left in any state: do not use it again.
    """
    if threading.get_ident() != threading.main_thread().ident:
        return act()
    if seconds <= 0:
        return late()
    _listen()
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            return act()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TooLate:  # from here on no alarm is set, nor can one be on its way
        return late()


@cache
def _listen() -> None:
    signal.signal(signal.SIGALRM, _ring)


def _ring(*_: Any) -> None:
    raise TooLate
