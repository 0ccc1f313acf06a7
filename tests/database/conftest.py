"""Databases opened as the app opens them."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from roliascan.database import Database, open_database


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A migrated, empty database of each kind."""
    with closing(open_database(database_url)) as database:
        yield database
