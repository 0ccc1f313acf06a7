"""A plugin for pytest, in the tree of the release before: databases are migrated by the release that NEW_TREE names."""

import os
import subprocess
import sys
from pathlib import Path

import roliascan
from tests.servers import databases

HERE = Path(__file__).parent
assert Path(roliascan.__file__).is_relative_to(HERE), "the code is not that of the release before"


def _upgrade(url: str) -> None:
    new = os.environ["NEW_TREE"]
    environ = {**os.environ, "PYTHONPATH": f"{new}/src"}
    command = [sys.executable, "-m", "tests.pipeline.migrating", url]
    done = subprocess.run(command, cwd=new, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


databases._upgrade = _upgrade
