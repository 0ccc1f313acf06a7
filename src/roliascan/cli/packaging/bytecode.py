"""Byte code in a package: a function's folder is read-only, so that without it every start compiles anew."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from roliascan.cli.packaging import NotPackaged
from roliascan.cli.packaging.filling import uv
from roliascan.cli.packaging.targets import Order


def add(folder: Path, order: Order, tell: Callable[[str], None]) -> bool:
    """Compiles every module as the ordered Python wants it; False where there is no such Python on this machine.

    Unchecked by hash (PEP 552): a start does not ask whether the source is newer, and two builds are equal.
    """
    python = _interpreter(order.python)
    if python is None:
        tell(f"There is no Python {order.python} here: the package gets no byte code, and will start slower")
        return False
    tell(f"Compiling with Python {order.python}")
    as_there = ["-s", str(folder), "-p", order.target.root]
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *as_there, str(folder)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, env=environ | {"PYTHONHASHSEED": "0"}, cwd=folder.parent, capture_output=True, text=True
    )
    if done.returncode:
        raise NotPackaged(f"Python {order.python} could not compile:\n{done.stdout.strip()}{done.stderr.strip()}")
    return True


def _interpreter(version: str) -> str | None:
    """A CPython of this version that is here; none is fetched."""
    asked = ["python", "find", "--no-project", "--no-python-downloads", f"cpython@{version}"]
    done = subprocess.run([uv(), *asked], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
