"""A copy of deploy/ in which checks may write, and the programs that they run there."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

from roliascan import __version__
from tests.servers import program

TOOLS = program.PROJECT / ".tools"
ARCHIVES = (
    f"dist/roliascan-{__version__}-aws-arm64-python3.13.zip",
    f"dist/roliascan-migrations-{__version__}-aws-arm64-python3.13.zip",
    "deploy/terraform/aws/rds-roots.zip",
    *(
        f"dist/{what}-{__version__}-{cloud}-x86_64-python3.13.zip"
        for what in ("roliascan", "roliascan-migrations")
        for cloud in ("google", "azure")
    ),
)
QUIET = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SLS_TELEMETRY_DISABLED": "1",
    "SLS_NOTIFICATIONS_MODE": "off",
    "SAM_CLI_TELEMETRY": "0",
    "CHECKPOINT_DISABLE": "1",
    "BC_SKIP_MAPPING": "TRUE",
}
"""Nobody is called, and nobody is told."""


MADE = shutil.ignore_patterns(
    *("node_modules", ".serverless", ".aws-sam", ".terraform*", "*.tfstate*", ".env", "secrets", "made-*"),
    *("package-lock.json", "out.json"),
)
"""What tools, checks and people leave in deploy/."""


def lay(folder: Path) -> Path:
    """Copies deploy/ and its pages, with archives that stand for those of `roliascan package` and Amazon's."""
    shutil.copytree(program.PROJECT / "deploy", folder / "deploy", ignore=MADE)
    shutil.copytree(program.PROJECT / "docs" / "deploy", folder / "docs" / "deploy")
    shutil.copy(program.PROJECT / "docs" / "operations.md", folder / "docs")
    (folder / "dist").mkdir()
    for name in ARCHIVES:
        with ZipFile(folder / name, "w") as archive:
            archive.writestr("roliascan/__init__.py", "")
    return folder / "deploy"


def run(command: Sequence[str | Path], folder: Path, extra: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The status with which a program ends, and what it printed."""
    told = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=program.environment({**QUIET, **(extra or {})}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return told.returncode, told.stdout


def findings(command: Sequence[str | Path], folder: Path, extra: Mapping[str, str] | None = None) -> list[str]:
    """Nothing where a program ends with 0; else what it printed."""
    status, told = run(command, folder, extra)
    return [] if status == 0 else [told.strip() or f"{command[0]} ended with {status}"]


def installed(*names: str) -> Path | None:
    """The first of these programs that is there: a path below .tools, or a name for the PATH."""
    for name in names:
        found = TOOLS / name if os.sep in name else program.find(name)
        if found and Path(found).exists():
            return Path(found)
    return None
