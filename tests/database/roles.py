"""A role that reads and writes rows and may do nothing else: what the site needs, as docs/operations.md grants it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.database import bare
from tests.servers import databases

_GRANTS = {
    "postgresql": [
        "CREATE ROLE {role} LOGIN",
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    ],
    "mysql": ["CREATE USER {role}", "GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {role}"],
}
_DROP = {"postgresql": "DROP OWNED BY {role}; DROP ROLE {role}", "mysql": "DROP USER {role}"}


@contextmanager
def site_role(url: str) -> Iterator[str]:
    """The address of a migrated database, for a role that may write rows."""
    kind, database = url.partition(":")[0], url.rpartition("/")[2]
    role = f"app_{database}"
    with bare.cursor(url) as administrator:
        for grant in _GRANTS[kind]:
            administrator.execute(grant.format(role=role, database=database))
        try:
            yield databases.as_user(role, url)
        finally:
            administrator.execute(_DROP[kind].format(role=role))
