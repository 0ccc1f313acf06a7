"""House rules on everything that git tracks."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# Where packages come from and where a checkout lies differ from machine to machine. Split, so as not to find itself.
PLACES = "|".join(
    [
        r"pypi" r"\.org",
        r"pythonhosted" r"\.org",
        r"npmjs" r"\.(org|com)",
        r"yarnpkg" r"\.com",
        r"deb\.debian" r"\.org",
        r"--(extra-)?index" r"-url",
        r"/work" r"/(main|shared|plan)",
        r"\.\./" r"shared",
        r"/root" r"/",
    ]
)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [file for name in listed.stdout.split("\0") if name and (file := PROJECT / name).is_file()]


def test_no_tracked_file_names_a_registry_or_a_place_on_one_machine() -> None:
    pattern = re.compile(PLACES.encode())
    found = {
        f"{file.relative_to(PROJECT)}: {match.group().decode()}"
        for file in _tracked()
        if (match := pattern.search(file.read_bytes()))
    }
    assert not found


def test_nothing_that_is_made_is_tracked() -> None:
    made = re.compile(r"(^|/)(\.venv|\.tools|data|dist|build|node_modules|__pycache__|\.env)(/|$)")
    assert not [file for file in _tracked() if made.search(str(file.relative_to(PROJECT)))]
