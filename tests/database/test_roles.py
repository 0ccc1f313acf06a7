"""The two roles that docs/operations.md grants: one that migrates, one that serves."""

import re
from contextlib import closing
from pathlib import Path

from roliascan.database import migrations, open_database
from roliascan.database.schema import Gate
from tests.database import bare
from tests.database.expanding import on_top
from tests.database.test_connections import COUNT_ONE, teams
from tests.database.test_migrations import on_empty_servers
from tests.servers.program import PROJECT


def grants(kind: str) -> str:
    page = (PROJECT / "docs" / "operations.md").read_text().partition("### Two roles")[2]
    postgresql, mysql = re.findall(r"```sql\n(.*?)```", page, re.S)[:2]
    return str(postgresql if kind == "postgresql" else mysql)


@on_empty_servers
def test_one_migrates_and_the_other_serves(empty_database_url: str, tmp_path: Path) -> None:
    """SC 73"""
    kind, server, database = empty_database_url.partition(":")[0], *empty_database_url.rpartition("/")[::2]
    here = grants(kind).replace("rolia.*", f"{database}.*")
    here = re.sub(r"\brolia(_migrations)?\b", lambda found: f"r{database}{found[1] or ''}", here)
    as_role = re.sub(r"//\w+@", "//{}:{}@", server) + f"/{database}"
    migrating = as_role.format(f"r{database}_migrations", "one")
    serving = as_role.format(f"r{database}", "another")
    with bare.cursor(empty_database_url) as administrator:
        for statement in filter(str.strip, here.split(";\n")):
            administrator.execute(statement)
        try:
            with on_top(tmp_path):
                migrations.upgrade(migrating)
            with closing(open_database(serving)) as db:
                Gate(db).check(0.0)
                db.run(lambda tx: tx.write(COUNT_ONE))
                assert teams(db) == 1
        finally:
            if kind == "postgresql":  # roles are the server's, and last as long as something is theirs
                administrator.execute(f"DROP OWNED BY r{database}, r{database}_migrations")
            for role in (f"r{database}", f"r{database}_migrations"):
                administrator.execute(f"DROP {'ROLE' if kind == 'postgresql' else 'USER'} {role}")
