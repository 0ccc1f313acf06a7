"""Migrates to this release and one revision further, which changes a table in use: its argument is an address.

Most releases change less than a migration may; the tests' own on top has a column, a back-fill and an index.
"""

import sys
import tempfile
from pathlib import Path

from roliascan.database import migrations
from tests.database.expanding import on_top

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, on_top(Path(folder)):
        migrations.upgrade(sys.argv[1], progress=lambda told: print(told, flush=True))
