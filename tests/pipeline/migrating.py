"""Migrates as a deployment of this release does: `python -m tests.pipeline.migrating URL`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roliascan.database import migrations, schema
from tests.database.expanding import on_top
from tests.pipeline import previous


@contextmanager
def this_release() -> Iterator[None]:
    """Its migrations; where it has none that the release before lacks, one of the tests' own is on top of them."""
    if previous.release().revision < schema.REVISION:
        yield
        return
    with tempfile.TemporaryDirectory() as folder, on_top(Path(folder)):
        yield


if __name__ == "__main__":
    with this_release():
        migrations.upgrade(sys.argv[1], progress=lambda told: print(told, flush=True))
