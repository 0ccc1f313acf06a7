"""A mistake on a page is seen by who follows it; that none is there, the check `pages` says."""

import shutil
from pathlib import Path

import pytest

from tests.deploy import pages, tree
from tests.servers import program
from tests.servers.parts import TEST_ALL

MISTAKES = [
    ("aws, Serverless", "--function migrations\n", "--function migrate\n", "there is no function migrate"),
    ("aws, Serverless", "--param network=", "--param net=", "there is no parameter net"),
    ("aws, SAM", "cd deploy/sam\n", "", "there is no template here"),
    ("aws, SAM", "dist/roliascan-migrations-", "dist/migrations-", "there is no ../../dist/migrations-"),
    (
        "aws, Terraform",
        "aws_lambda_function.sweep",
        "aws_lambda_function.swept",
        "there is no aws_lambda_function.swept",
    ),
    ("aws, Terraform", "roles.sql", "rights.sql", "rights.sql: No such file"),
    ("google", "-var migrations_release=", "-var migration_release=", "there is no variable migration_release"),
    ("google", "export TF_VAR_project=PROJECT ", "export ", "it asks for project"),
    ("google", "dist/*-google-*.zip", "dist/*-gcp-*.zip", "unzip:  cannot find"),
    ("google", 'PATH="$PWD/.venv/bin:$PATH"', "", "roliascan: command not found"),
    ("azure", "output -json vaults", "output -json vault", "there is no output vault"),
    ("azure", " --build-remote false", "", "say --build-remote false"),
    ("azure", "vault() {", "safe() {", "vault: command not found"),
    ("server, systemd", "FROM=server", "FROM=servers", "there is no requirements/servers.txt"),
    ("server, systemd", ".fill FROM", ".full FROM", "there is no target .full"),
    ("server, systemd", "as_site migrate up", "as_site migrates up", "there is no roliascan migrates"),
    ("server, containers", "run --rm migrate", "run --rm migrations", "there is no service migrations"),
    ("server, containers", "-T app admin create", "-T app admin make", "invalid choice: 'make'"),
    ("server, containers", "secrets.sh", "secret.sh", "secret.sh: No such file"),
    ("packaging", "package aws --arch x86_64", "package aws --arch x86", "invalid choice: 'x86'"),
    ("../operations", "roliascan backup /backups", "roliascan backups /backups", "there is no roliascan backups"),
    ("storages", "requirements/azure.txt", "requirements/blob.txt", "there is no requirements/blob.txt"),
]


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not pages.found():
        pytest.skip("needs unzip and openssl")
    return tree.lay(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize(("route", "right", "wrong", "says"), MISTAKES if TEST_ALL else MISTAKES[::3])
def test_a_mistake_is_seen(deploy: Path, tmp_path: Path, route: str, right: str, wrong: str, says: str) -> None:
    shutil.copytree(deploy.parent, tmp_path / "wrong")
    page = tmp_path / "wrong" / "docs" / "deploy" / f"{pages.ROUTES[route][0]}.md"
    assert right in page.read_text()
    page.write_text(page.read_text().replace(right, wrong))
    told = list(pages.follow(tmp_path / "wrong" / "deploy", route, pages.PLAYED))
    assert any(says in one for one in told), told


def test_every_command_is_marked_as_such() -> None:
    """What people copy is followed: a block without a word for what it is would be passed over."""
    docs = program.PROJECT / "docs"
    for file in [*sorted((docs / "deploy").glob("*.md")), docs / "operations.md"]:
        begins = [line for line in file.read_text().splitlines() if line.startswith("```")][::2]
        assert "```" not in begins, f"{file.name}: say sh, ini, text or what it is behind each ```"
