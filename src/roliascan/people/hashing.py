"""Argon2 in a process of its own, for a server: it holds up no lock and no memory map that those who read need.

    python -m roliascan.people.hashing

reads lines of JSON, `[password, hash]` or `[password, null]`, and answers each with one: whether it fits, or a new
hash. It ends with its input, which is when the server ends.
"""

import ctypes
import json
import sys
from contextlib import suppress

from roliascan.worker import Worker

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT_BYTES = 32 << 20  # more than a hash needs
ANSWER_S = 30
"""Longer than the process takes to start and to hash on any machine: after it, it is taken for stuck."""


class Child:
    """The process, from its first use on; for one caller at a time."""

    def __init__(self) -> None:
        self.worker = Worker("roliascan.people.hashing")

    def hashed(self, password: str) -> str:
        """A new hash."""
        return str(self._ask(password, None))

    def fits(self, password: str, password_hash: str) -> bool:
        """Whether the password fits; no hash is fitted by any."""
        return self._ask(password, password_hash) is True

    def _ask(self, *question: str | None) -> str | bool:
        """The answer; of a second process where the first one was killed, or is stuck.

        Raises OSError where none can be started, or none stays.
        """
        for _ in range(2):
            answer = self.worker.ask(json.dumps(question).encode() + b"\n", within=ANSWER_S)
            if answer:
                found: str | bool = json.loads(answer)
                return found
        raise ChildProcessError("the process that hashes passwords does not stay")


def _keep_memory() -> None:
    """Not taken from the system and cleared for each hash, where this is glibc."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def main() -> None:
    """Answers until the input ends."""
    from roliascan.people import passwords

    _keep_memory()
    for line in sys.stdin.buffer:
        password, password_hash = json.loads(line)
        answer = (
            passwords.hash_here(password) if password_hash is None else passwords.fits_here(password, password_hash)
        )
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
