"""What docs/ says of settings and refusals is all that there is, and is there."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from roliascan.settings import FUNCTION_MARKERS, Settings
from roliascan.web import vocabulary

DOCS = Path(__file__).parents[2] / "docs"


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        if name == "JWT_SECRET":
            return "0123456789abcdef0123456789abcdef"
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _rows(page: str) -> list[str]:
    """The first cell of each row of its tables."""
    return re.findall(r"^\| (.*?) \|", (DOCS / page).read_text(), re.M)


def test_every_setting_is_documented_and_no_other() -> None:
    environ = Asked()
    Settings.from_environ(environ)
    documented = {name for row in _rows("configuration.md") for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}
    assert documented == environ.names - set(FUNCTION_MARKERS)


def test_for_every_503_there_is_something_to_do() -> None:
    rows = [row for row in _rows("operations.md") if "503" in row]
    named = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    assert named == {refusal.code for refusal in vocabulary.NOT_NOW}
