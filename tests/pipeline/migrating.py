"""Migrates to a revision: `python -m tests.pipeline.migrating URL [REVISION]`. The last is one of the tests' own.

Most releases change less than a migration may; the tests' own, of a table in use, has a column, a back-fill and an
index.
"""

import sys
import tempfile
from pathlib import Path

from roliascan.database import migrations
from tests.database.expanding import on_top


def main(url: str, revision: str = "head") -> None:
    with tempfile.TemporaryDirectory() as folder, on_top(Path(folder)):
        migrations.upgrade(url, to=revision, progress=lambda told: print(told, flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
