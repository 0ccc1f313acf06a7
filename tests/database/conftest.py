"""Databases opened as the app opens them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from roliascan.database import Database, open_database
from tests.database import fronts


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A migrated, empty database of each kind."""
    with closing(open_database(database_url)) as database:
        yield database


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `fronts.REMOTE` that signed itself, with its key in the same file."""
    return fronts.certify(tmp_path_factory.mktemp("tls") / "both.pem")
