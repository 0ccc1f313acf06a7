"""Every test here asks a site, very often."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.front import Site, opened

MEMORY = Path("/dev/shm")


@pytest.fixture
def site(site_url: str) -> Iterator[Site]:
    """An empty site, on SQLite in memory."""
    with _opened(site_url) as site:
        yield site


@pytest.fixture
def sqlite_site(sqlite_url: str) -> Iterator[Site]:
    """The same, on SQLite alone with TEST_ALL=1 too: for what the router and the readers of bodies refuse."""
    with _opened(sqlite_url) as site:
        yield site


@contextmanager
def _opened(url: str) -> Iterator[Site]:
    """SQLite's file lies in memory where there is a place for it, so that no commit waits for a disk."""
    kind, _, file = url.partition(":///")
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        if kind == "sqlite":
            url = f"sqlite:///{shutil.copy(file, directory)}"
        with opened(url) as site:
            yield site
