"""The server that `roliascan serve` becomes: apart from the commands, because its processes load this module too."""

import os
import signal
import socket

from roliascan.platforms import serving
from roliascan.settings import Settings
from roliascan.worker import closed

_LOOK_EVERY_S = 0.02


def main() -> None:
    """Serves until SIGTERM or SIGINT, and says where once it can be reached."""
    found = Settings.from_environ(os.environ)
    closed()  # granian's parent holds the same environment as its worker
    os.register_at_fork(after_in_child=_leave_ctrl_c_to_the_parent)
    try:
        serving.serve(host=found.host, port=found.port, ready=lambda: _watch(found))
    except serving.CannotListen as error:
        raise SystemExit(f"roliascan: {error}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _leave_ctrl_c_to_the_parent() -> None:
    """For granian's worker. A terminal sends SIGINT to both, and a worker that then gets the parent's SIGTERM too hangs
    until it is killed; one that gets it while it still loads would keep the parent's handler, and not hear it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(found: Settings) -> None:
    """granian's worker, which is about to start, listens and tells nobody; so a timer of this process looks."""

    def look(*_: object) -> None:
        try:
            socket.create_connection((found.host, found.port), timeout=1).close()
        except OSError:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        _tell(found.public_url)

    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # granian's handlers are set
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)


def _tell(address: str) -> None:
    print(f"\nRoliaScan serves on {address}\nThe API is described on {address}/docs\nStop it with Ctrl-C.", flush=True)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # the worker, where processes are not forked
    _leave_ctrl_c_to_the_parent()
