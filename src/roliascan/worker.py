"""A process of its own that answers questions: what crashes it, or keeps it busy for ever, does so to nobody else."""

import os
import socket
import subprocess
import sys
import weakref
from contextlib import suppress
from typing import BinaryIO, NamedTuple

_LONGEST = 1 << 16  # bytes of an answer
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_KEPT = ("LD_LIBRARY_PATH", "LANG", "TMPDIR")  # of the environment


class _Running(NamedTuple):
    process: "subprocess.Popen[bytes]"
    asks: socket.socket
    answers: BinaryIO

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.answers.close()
        self.asks.close()


class Worker:
    """`python -m module`, started at the first question; for one caller at a time.

    It reads questions and writes an answer to each, one line, on the socket that it gets as standard input and output,
    and ends with its input, which is when this process ends. Of this process' environment it gets only what finds
    modules and libraries: no secret; and it cannot look into this one, see `closed`.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._running: _Running | None = None
        self._at_the_end: weakref.finalize[..., Worker] | None = None

    @property
    def pid(self) -> int | None:
        return self._running.process.pid if self._running else None

    def ask(self, *question: bytes, within: float) -> bytes:
        """The answer, without the end of its line; none, and the process is gone, where it died of the question.

        The same where it does not take the question, or does not answer, within so many seconds. The next question
        starts another. Raises OSError where none can be started.
        """
        if self._running and self._running.process.poll() is not None:
            self.end()  # it died while it had nothing to do, of nobody's question
        running = self._running or self._start()
        answer = b""
        try:
            running.asks.settimeout(within)
            for part in question:
                running.asks.sendall(part)
            answer = running.answers.readline(_LONGEST)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        finally:  # also when interrupted: the next answer could be to this question
            if not answer.endswith(b"\n"):
                self.end()
        return answer[:-1] if answer.endswith(b"\n") else b""

    def end(self) -> None:
        """Ends the process, whatever it does; the next question starts another."""
        running, self._running = self._running, None
        if running:
            running.end()
        if self._at_the_end:
            self._at_the_end.detach()  # else it keeps what ended, one for each that died

    def _start(self) -> _Running:
        closed()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", self._module],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    env=_surroundings(),
                    start_new_session=True,  # Ctrl-C is not for it
                )
            except BaseException:
                ours.close()
                raise
        self._running = _Running(process, ours, ours.makefile("rb"))
        self._at_the_end = weakref.finalize(self, self._running.end)
        return self._running


def closed() -> None:
    """From now on no process of this user reads this one's memory or environment, and no core is dumped of it: Linux.

    PR_SET_DUMPABLE of prctl(2). Who has CAP_SYS_PTRACE, as root has, still can. Undone by exec, kept by fork.
    """
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # another system's library: then all goes on as it is
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _surroundings() -> dict[str, str]:
    """Where this process found its modules, which not every platform says in the environment; and its libraries."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
