"""A fresh clone of this project, whose .venv borrows the packages of the one that runs the tests."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.servers import program


def clone(target: Path) -> Path:
    """What git tracks, as it is in the working tree, at `target`; `make` finds its .venv filled already."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=program.PROJECT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (program.PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(program.PROJECT / name, target / name)
    _fill(target)
    return target


def _fill(target: Path) -> None:
    venv = target / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = (venv / "lib").glob("python3*/site-packages")
    (packages / "borrowed.pth").write_text(f"{target}/src\n{sysconfig.get_path('purelib')}\n")
    command = venv / "bin" / "roliascan"
    command.write_text(f"#!{venv}/bin/python\nimport sys\nfrom roliascan.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    shutil.copyfile(target / "requirements" / "test.txt", venv / "test.txt")
    shutil.copyfile(target / "pyproject.toml", venv / "pyproject.toml")


@contextmanager
def made(target: Path, *words: str, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`make WORDS` in the clone, in a session of its own that does not outlive the block; both outputs in one."""
    process = subprocess.Popen(
        ["make", "--no-print-directory", *words],
        cwd=target,
        env=program.environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with process:
            try:
                yield process
            finally:
                end(process)
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kills the whole session, as the machine does when it goes down."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def until(process: "subprocess.Popen[bytes]", words: str) -> str:
    """What it prints up to and with the line that holds `words`; all of it when that never comes."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line.decode()
        if words in line.decode():
            break
    return printed
