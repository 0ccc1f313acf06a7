"""The life of a process on AWS Lambda around its requests: its beginning, a snapshot of it, and its end."""

import os
import random
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from roliascan.platforms.start import Once


def serves(module: str) -> bool:
    """Whether Lambda runs this module's handler, or one that is not ours and may call it."""
    asked = os.environ.get("_HANDLER", "")
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ and (
        asked.startswith(f"{module}.") or not asked.startswith("roliascan.")
    )


def begin(app: Once, *, warm: Callable[[], object]) -> None:
    """While Lambda initializes there is a whole CPU, later only a share by the memory: `warm` builds the app now.

    It connects nothing: what would be open when a snapshot is taken would be dead, and shared, when it is restored.
    """
    warm()
    signal.signal(signal.SIGTERM, partial(_end, app))
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        _take_part_in_snapshots(app, warm)


def _end(app: Once, *_: Any) -> None:
    """Lambda says so between requests, where the function has an extension; 0.5 s later it kills.

    Not by sys.exit, which would wait for the thread that waits for the next request.
    """
    app.forget()
    os._exit(0)


def _take_part_in_snapshots(app: Once, warm: Callable[[], object]) -> None:
    """SnapStart freezes a process after its start, and restores it many times, each as a process of its own.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    register_before_snapshot(app.forget)
    register_after_restore(_restored, warm)


def _restored(warm: Callable[[], object]) -> None:
    """Modules stay loaded; settings, secrets and the app are read and built anew, and differ from those of its twins.

    Identifiers and secrets come from os.urandom, which the system keeps apart; `random` only spreads repetitions.
    """
    random.seed()
    warm()
