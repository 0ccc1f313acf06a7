"""Runs a command as systemd or a container would confine it, where neither is here.

    python -m tests.deploy.confined FOLDER UNIT COMMAND...

All file systems are read-only but FOLDER, which is a new one in memory, with TMPDIR in it; who runs it has no
capability. (The user stays: Python may lie where only that one gets.) That takes root. UNIT is a file with
SystemCallFilter, MemoryDenyWriteExecute and RestrictAddressFamilies, put into seccomp filters as systemd 252 does
(systemd.exec(5)), or `none`.
"""

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.deploy import units

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000 | errno.EPERM
_EQUAL, _GREATER, _MASKED = 4, 6, 7  # enum scmp_compare of seccomp.h
_NO_NEW_PRIVS, _DROP = 38, 24  # of prctl
_NEW_MOUNTS = 0x00020000
_SHM_EXEC = 0o100000


class _Compared(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def main(folder: str, unit: str, *command: str) -> None:
    """Becomes the command."""
    if os.geteuid() == 0:
        _close(folder)
    os.environ["TMPDIR"] = f"{folder}/tmp"
    os.makedirs(os.environ["TMPDIR"], exist_ok=True)
    if unit != "none":
        service = units.read(Path(unit))["Service"]
        allowed = sorted(calls(service["SystemCallFilter"]))  # asks a program, which may not be started later
        _filter(service, allowed)
    os.execvp(command[0], command)


def calls(filters: Iterable[str]) -> set[str]:
    """What lines of SystemCallFilter allow, of which the first begins a list of what is allowed."""
    allowed: set[str] = set()
    for line in filters:
        names = {name for word in line.removeprefix("~").split() for name in _named(word)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def _named(word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    told = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
    for line in told.stdout.splitlines()[1:]:
        if (name := line.strip()) and not name.startswith("#"):
            yield from _named(name)


def _close(folder: str) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    for arguments in (
        ["--make-rprivate", "/"],
        ["-t", "tmpfs", "-o", "mode=0700", "tmpfs", folder],
        ["-o", "remount,bind,ro", "/"],
    ):
        subprocess.run(["mount", *arguments], check=True)
    capability = 0
    while ctypes.CDLL(None).prctl(_DROP, capability, 0, 0, 0) == 0:
        capability += 1  # none of the bounding set is there after the next execve, capabilities(7)


def _filter(service: units.Section, allowed: Iterable[str]) -> None:
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if service["MemoryDenyWriteExecute"] == ["yes"]:
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        refused = [("mmap", 2, both), ("mprotect", 2, mmap.PROT_EXEC), ("pkey_mprotect", 2, mmap.PROT_EXEC)]
        refused.append(("shmat", 2, _SHM_EXEC))
        _load(_ALLOW, [(_ERRNO, name, _Compared(arg, _MASKED, bits, bits)) for name, arg, bits in refused])
    families = {int(getattr(socket, name)) for line in service["RestrictAddressFamilies"] for name in line.split()}
    others = [_Compared(0, _EQUAL, one, 0) for one in range(max(families)) if one not in families]
    others.append(_Compared(0, _GREATER, max(families), 0))
    _load(_ALLOW, [(_ERRNO, "socket", other) for other in others])
    _load(_ERRNO, [(_ALLOW, name, None) for name in allowed])


def _load(otherwise: int, rules: Iterable[tuple[int, str, _Compared | None]]) -> None:
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filters = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(otherwise)))
    for action, name, compared in rules:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # of another machine
            continue
        arguments = (compared is not None, ctypes.byref(compared) if compared else None)
        if refused := seccomp.seccomp_rule_add_array(filters, ctypes.c_uint32(action), number, *arguments):
            raise OSError(-refused, name)
    if refused := seccomp.seccomp_load(filters):
        raise OSError(-refused, "seccomp_load")


if __name__ == "__main__":
    main(*sys.argv[1:])
