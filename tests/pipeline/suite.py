"""Runs the tests of the release before on the schema of this one: `python -m tests.pipeline.suite [PYTEST OPTION...]`.

Its code and its tests, our migrations (SL-15, MG-05). Ends with pytest's status; a checkout that lacks that release
is told so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from roliascan.database import schema
from tests.pipeline import previous
from tests.servers.program import PROJECT

PLUGIN = Path(__file__).with_name("on_new_schema.py")
FOLDERS = ("tests/community", "tests/library", "tests/people", "tests/web")
WHAT = (*FOLDERS, "-m", "postgresql or mariadb", "-k", "not processes")
"""What asks the site, on the databases that are migrated while they are in use."""


def main(options: list[str]) -> int:
    commit, revision = previous.release()
    with tempfile.TemporaryDirectory(prefix="roliascan-previous-") as folder:
        try:
            tree = previous.unpack(Path(folder))
        except previous.NotHere as error:
            print(f"Skipped: {error}", file=sys.stderr)
            return 0
        newest = f"revision {schema.REVISION} and one of the tests' own on top"
        print(f"The tests of {commit[:7]} (revision {revision}) on {newest}", flush=True)
        shutil.copy(PLUGIN, tree)
        environ = {**os.environ, "PYTHONPATH": f"{tree}:{tree}/src", "NEW_TREE": str(PROJECT)}
        environ.pop("CI", None)  # its tree has none of the tools in which other suites run
        command = [sys.executable, "-m", "pytest", "-q", "-p", "on_new_schema", "-n", "3", *WHAT, *options]
        return subprocess.run(command, cwd=tree, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
