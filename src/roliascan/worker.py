"""A process of its own that answers questions: what crashes it, or keeps it busy for ever, does so to nobody else."""

import os
import socket
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from typing import NamedTuple

_LONGEST = 1 << 16  # bytes of an answer's line
_DIGITS = 12  # of the number of bytes after it
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_KEPT = ("LD_LIBRARY_PATH", "LANG", "TMPDIR", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE")  # of the environment


class _Running(NamedTuple):
    process: "subprocess.Popen[bytes]"
    asks: socket.socket

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
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

        The same where it does not take the question and answer within so many seconds in all. The next question
        starts another. Raises OSError where none can be started.
        """
        return self._ask(question, within, most=None)[0]

    def ask_for_bytes(self, *question: bytes, within: float, most: int) -> tuple[bytes, memoryview]:
        """An answer whose line begins with a number and a blank: what follows them, and so many bytes after the line.

        Where they would be more than `most`, there is no answer, as from one that died; see ask.
        """
        return self._ask(question, within, most=most)

    def _ask(self, question: tuple[bytes, ...], within: float, *, most: int | None) -> tuple[bytes, memoryview]:
        if self._running and self._running.process.poll() is not None:
            self.end()  # it died while it had nothing to do, of nobody's question
        running, answer = self._running or self._start(), None
        try:
            answer = _answered(running.asks, question, time.monotonic() + within, most=most)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        finally:  # also when interrupted: the next answer could be to this question
            if answer is None:
                self.end()
        return answer or (b"", memoryview(b""))

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
                    cwd=os.sep,  # a folder that stays: in one that is gone, encoders fail
                    start_new_session=True,  # Ctrl-C is not for it
                )
            except BaseException:
                ours.close()
                raise
        self._running = _Running(process, ours)
        self._at_the_end = weakref.finalize(self, self._running.end)
        return self._running


def _answered(
    asks: socket.socket, question: tuple[bytes, ...], end: float, *, most: int | None
) -> tuple[bytes, memoryview] | None:
    """The line that answers, and the bytes after it if it says how many; None where that is no answer."""
    for part in question:
        asks.settimeout(_left(end))
        asks.sendall(part)
    got = b""
    while b"\n" not in got:
        asks.settimeout(_left(end))
        block = asks.recv(_LONGEST)
        if not block or len(got) > _LONGEST:
            return None
        got += block
    line, _, begun = got.partition(b"\n")
    size, _, line = (b"0", b"", line) if most is None else line.partition(b" ")
    if not size.isdigit() or len(size) > _DIGITS or not len(begun) <= int(size) <= (most or 0):
        return None
    return _filled(asks, line, begun, int(size), end)


def _filled(asks: socket.socket, line: bytes, begun: bytes, size: int, end: float) -> tuple[bytes, memoryview] | None:
    rest, at = memoryview(bytearray(size)), len(begun)
    rest[:at] = begun
    while at < size:
        asks.settimeout(_left(end))
        got = asks.recv_into(rest[at:])
        if not got:
            return None
        at += got
    return line, rest


def _left(end: float) -> float:
    """Seconds. Not none: with 0, a socket does not wait, and says so in another way."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


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
    return {**kept, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
