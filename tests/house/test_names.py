"""House rules on names and module docstrings."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
MODULES = sorted(file for folder in ("src", "tests", "bench") for file in (PROJECT / folder).rglob("*.py"))
# They say nothing of what is inside.
EMPTY_WORDS = {
    "utils",
    "util",
    "helper",
    "helpers",
    "manager",
    "managers",
    "service",
    "services",
    "base",
    "common",
    "misc",
}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_module_is_named_for_what_it_does(file: Path) -> None:
    words = {word for part in file.relative_to(PROJECT).with_suffix("").parts for word in part.lower().split("_")}
    assert not words & EMPTY_WORDS


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_module_opens_with_one_line(file: Path) -> None:
    tree = ast.parse(file.read_text())
    if not tree.body:
        return
    docstring = ast.get_docstring(tree)
    assert docstring, "say in one line what is in here"
    first, *rest = docstring.split("\n")
    assert first.endswith((".", "?")), "the first line is a sentence of its own"
    assert rest[:1] in ([], [""]), "what follows the first line is a paragraph of its own"
