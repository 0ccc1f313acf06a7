"""Packages as `roliascan package` builds them for the Python and the machine of the tests, each once for a run."""

import fcntl
import json
import os
import platform
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.servers import program

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
ARCH = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
ALL = os.environ.get("TEST_ALL") == "1"
OUT_OF_REACH = ("error sending request", "dns error", "operation timed out")
"""What uv says without a network, where it has not cached everything."""


class Package(NamedTuple):
    """What `--json` told, and the archive unpacked."""

    told: dict[str, Any]
    folder: Path

    @property
    def file(self) -> Path:
        return Path(self.told["archive"])


def package(*words: str, output: Path) -> dict[str, Any]:
    """What `roliascan package WORDS` tells of what it built."""
    command = [str(Path(sys.executable).with_name("roliascan")), "package", *words, "--json", "--output", str(output)]
    done = subprocess.run(command, cwd=output, capture_output=True, text=True, timeout=900)
    skip_out_of_reach(done.stderr)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def skip_out_of_reach(said: str) -> None:
    """Skips the test where packages cannot be had; with CI=true it then fails."""
    if any(told in said for told in OUT_OF_REACH) and os.environ.get("CI") != "true":
        pytest.skip("packages (the index that they come from is out of reach)")


@cache
def built(*words: str) -> Package:
    """The package of these words, made by the first process of this run that needs it."""
    home = Path(os.environ["TEST_RUN"]) / "-".join(["package", *words]).replace("--", "")
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = home / "told.json"
        if not told.exists():
            made = package(*words, *here(words[0]), output=home)
            with zipfile.ZipFile(made["archive"]) as archive:
                archive.extractall(home / "unpacked")
            told.write_text(json.dumps(made))
    return Package(json.loads(told.read_text()), home / "unpacked")


def here(name: str) -> tuple[str, ...]:
    """The words that ask for what runs here. Google's and Azure's functions run on one architecture only."""
    return ("--python", PYTHON, *(("--arch", ARCH) if name == "aws" else ()))


def alone(source: str, *paths: Path) -> str:
    """What a program prints that can import from these folders and the standard library only."""
    command = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path[:0] = sys.argv[1:]\n{source}"]
    done = subprocess.run(
        [*command, *map(str, paths)],
        env=program.environment({}),
        cwd=paths[0],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
