"""For tests that do not run on every kind of database."""

import pytest

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
MARIADB = pytest.param("mariadb", marks=pytest.mark.mariadb)

on_servers = pytest.mark.parametrize("database_url", [POSTGRESQL, MARIADB], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
on_mariadb = pytest.mark.parametrize("database_url", [MARIADB], indirect=True)
with_foreign_keys = pytest.mark.parametrize("database_url", ["sqlite", POSTGRESQL, MARIADB], indirect=True)
