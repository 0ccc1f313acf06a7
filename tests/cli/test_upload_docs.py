"""What docs/uploads.md shows works as it is written there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.sending import Uploading, are_equal
from tests.drawings import page
from tests.servers import program

DOC = program.PROJECT / "docs" / "uploads.md"
NEEDED = ("curl", "jq", "file", "sha256sum")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOC.read_text(), re.M | re.S)
    return str(found)


def test_the_shell_script_sends_pages_in_order_and_goes_on(uploading: Uploading, tmp_path: Path) -> None:
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking:
        pytest.skip(f"{', '.join(lacking)} (not here)")
    script = tmp_path / "upload.sh"
    script.write_text(block("sh"))
    files = [tmp_path / f"page {number}.png" for number in range(1, 4)]
    for number, path in enumerate(files):
        path.write_bytes(page("png", seed=number))
    chapter = uploading.chapter()
    files[2].write_bytes(page("png")[:200])  # refused when it is completed
    environ = program.environment({"SITE": uploading.address, "TOKEN": uploading.token, "CHAPTER": chapter})

    def sent() -> tuple[bool, list[str]]:
        ran = subprocess.run(["sh", script, *files], env=environ, capture_output=True, text=True)
        return ran.returncode == 0, ran.stdout.splitlines()

    assert sent() == (False, [f"sent: {path}" for path in files[:2]])
    assert uploading.pages(chapter) == []
    files[2].write_bytes(page("png", seed=2))
    assert sent() == (True, [f"sent: {files[2]}"])
    assert are_equal(uploading.pages(chapter), [path.read_bytes() for path in files])


def test_the_code_for_browsers_can_be_parsed(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node (not here)")
    code = tmp_path / "upload.mjs"
    code.write_text(block("js"))
    checked = subprocess.run([node, "--check", code], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
