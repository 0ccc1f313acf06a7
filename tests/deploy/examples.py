"""Examples of templates that are wrong in one place each, and the check that has to see it: the files in broken/."""

import shutil
from pathlib import Path
from typing import NamedTuple

import yaml

FOLDER = Path(__file__).with_name("broken")


class Example(NamedTuple):
    """In `file` of deploy/ the text `right` becomes `wrong`; then `check` finds something that holds `says`."""

    check: str
    file: str
    right: str
    wrong: str
    says: str


EXAMPLES = {file.stem: Example(**yaml.safe_load(file.read_text())) for file in sorted(FOLDER.glob("*.yml"))}


def spoil(deploy: Path, example: Example, folder: Path) -> Path:
    """A copy of `deploy`, archives beside it, with that one mistake."""
    shutil.copytree(deploy.parent, folder, symlinks=True, ignore=shutil.ignore_patterns("site", "made-*", ".aws-sam"))
    file = folder / "deploy" / example.file
    text = file.read_text()
    assert example.right in text, f"{example.file} has no {example.right!r} any more"
    file.write_text(text.replace(example.right, example.wrong))
    return folder / "deploy"
