"""The scripts of compose.yml: the secrets that are made, and the two roles that get by with them."""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import parts, postgresql, program

CONTAINER = program.PROJECT / "deploy" / "container"
PROGRAM = str(Path(sys.executable).with_name("roliascan"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where secrets.sh was run."""
    for name in ("secrets.sh", "roles.sh"):
        shutil.copy(CONTAINER / name, tmp_path)
    subprocess.run(["sh", tmp_path / "secrets.sh"], check=True)
    return tmp_path


def _secrets(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in [*(folder / "secrets").iterdir(), folder / ".env"]}


def test_secrets_are_made_once_and_are_not_open_to_all(folder: Path) -> None:
    made = _secrets(folder)
    again = subprocess.run(["sh", folder / "secrets.sh"], check=True, capture_output=True, text=True)
    assert (again.stdout, again.stderr, _secrets(folder)) == ("", "", made)
    assert len(set(made.values())) == len(made) == 5
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    assert (folder / "secrets").stat().st_mode & 0o077 == 0


@pytest.mark.postgresql
def test_the_two_roles_migrate_and_serve(folder: Path) -> None:
    """As PostgreSQL's image runs roles.sh in a new database, and compose.yml then the commands."""
    parts.require("postgresql")
    secrets = folder / "secrets"
    script = folder / "roles.sh"
    script.write_text(script.read_text().replace("/run/secrets", str(secrets)))
    with postgresql.running() as server:
        place = urlsplit(server).netloc.rpartition("@")[2]
        host, _, port = place.partition(":")
        environ = program.environment({"PGHOST": host, "PGPORT": port, "POSTGRES_DB": "roliascan"})
        subprocess.run(["createdb", "--username=postgres", "roliascan"], env=environ, check=True)
        subprocess.run(["bash", script], env=environ, check=True, capture_output=True)
        for name in ("database-url", "migrations-url"):
            (secrets / name).write_text((secrets / name).read_text().replace("@database/", f"@{place}/"))

        def done(*command: str, **secret: str) -> str:
            files = {name: str(secrets / file) for name, file in secret.items()}
            files |= {"STORAGE_URL": f"file:{folder / 'uploads'}"}
            told = subprocess.run([PROGRAM, *command], env=program.environment(files), capture_output=True, text=True)
            return f"{told.returncode} {told.stdout}{told.stderr}"

        assert done("migrate", "up", DATABASE_DIRECT_URL_FILE="database-url").startswith("1")  # who serves may not
        assert done("migrate", "up", DATABASE_DIRECT_URL_FILE="migrations-url").startswith("0")
        swept = done("sweep", DATABASE_URL_FILE="database-url", JWT_SECRET_FILE="jwt-secret")
        assert swept.startswith("0"), swept
