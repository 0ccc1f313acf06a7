"""The kinds of database that tests run on, and marks for tests that do not run on every one.

With TEST_ALL=1 there are more, on which not every test runs (`is_wanted`).
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.servers.parts import TEST_ALL

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
POSTGRESQL16 = pytest.param("postgresql16", marks=pytest.mark.postgresql16)
# Behind pgbouncer in transaction mode: many clients on two connections.
POOLED = pytest.param("postgresql pooled", marks=[pytest.mark.postgresql, pytest.mark.pgbouncer])
MARIADB = pytest.param("mariadb", marks=pytest.mark.mariadb)
# As at PlanetScale, whose MySQL allows none.
WITHOUT_FOREIGN_KEYS = pytest.param("mariadb without foreign keys", marks=pytest.mark.mariadb)

POSTGRESQLS = [POSTGRESQL, POSTGRESQL16] if TEST_ALL else [POSTGRESQL]
"""Where an address is the server's own: who migrates has no other."""
WITH_POOLER = [*POSTGRESQLS, POOLED] if TEST_ALL else [POSTGRESQL]
EACH = ["sqlite", *WITH_POOLER, MARIADB]
EVERY = [*EACH, WITHOUT_FOREIGN_KEYS] if TEST_ALL else EACH

direct_to_servers = pytest.mark.parametrize("database_url", [*POSTGRESQLS, MARIADB], indirect=True)
"""For what is between a client and its server: connections, logins, and who may what."""
direct_to_postgresql = pytest.mark.parametrize("database_url", POSTGRESQLS, indirect=True)
on_servers = pytest.mark.parametrize("database_url", [*WITH_POOLER, MARIADB], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", WITH_POOLER, indirect=True)
on_mariadb = pytest.mark.parametrize("database_url", [MARIADB], indirect=True)
with_foreign_keys = pytest.mark.parametrize("database_url", EACH, indirect=True)

_FURTHER = {"postgresql16": {"database", "servers"}, "postgresql pooled": {"database", "library", "servers"}}
_FIXTURES = ("database_url", "empty_database_url", "site_url")


def is_wanted(file: Path, params: Mapping[str, object]) -> bool:
    """Whether a test in this file runs with these parameters: on the further kinds only where our SQL is tested."""
    kinds = [str(params.get(name)) for name in _FIXTURES]
    return all(file.parent.name in _FURTHER[kind] for kind in kinds if kind in _FURTHER)
