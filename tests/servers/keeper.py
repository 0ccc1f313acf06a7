"""Runs one program, and ends it with all that it started when standard input closes: no server outlives its tests."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress

PATIENCE = 10  # seconds between the polite signal and SIGKILL


def main(stop: str, user: str, directory: str, *command: str) -> int:
    """`stop` is a signal number, `user` a uid or empty; `directory`, or nothing if empty, is removed in the end.

    The caller holds the other end of standard input and nobody else does: it closes when the caller says so and
    also when the caller is killed.
    """
    uid = int(user) if user else None
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )
    threading.Thread(target=_end_when_input_closes, args=(child, int(stop)), daemon=True).start()
    status = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    if directory:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if status < 0 else status


def _end_when_input_closes(child: "subprocess.Popen[bytes]", stop: int) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    _signal_group(child.pid, stop)
    with suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE)
    _signal_group(child.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    for terminal_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Whoever runs the tests gets these too, and then closes our input. Not SIG_IGN: the program would inherit that.
        signal.signal(terminal_signal, lambda *_: None)
    sys.exit(main(*sys.argv[1:]))
