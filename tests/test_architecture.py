"""Who may import whom: the arrow of ARCHITECTURE.md, in the code and not only on paper."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "roliascan"
MODULES = sorted(PACKAGE.rglob("*.py"))
LAYERS = [
    {"errors", "ids", "paging", "settings", "text", "vaults", "worker", ""},  # "" is the package itself: its version
    {"database", "storage"},
    {"library", "people", "community"},
    {"web", "tracing"},
    {"app"},
    {"platforms"},
    {"cli", "__main__"},
]
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}


def _imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions, as absolute dotted names."""
    here = ("roliascan", *file.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) + 1 - node.level] if node.level else ()
            yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)


def _ours(file: Path) -> set[str]:
    return {name for name in _imports(file) if name.split(".")[0] == "roliascan"}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    own = file.relative_to(PACKAGE).with_suffix("").parts[0].replace("__init__", "")
    assert own in HEIGHT, f"give {own} a place in the arrow"
    assert not {name for name in _ours(file) if HEIGHT.get(f"{name}.".split(".")[1], 0) > HEIGHT[own]}


def test_the_gateway_stands_alone() -> None:
    gateway = [file for file in MODULES if "gateway" in file.relative_to(PACKAGE).parts]
    assert not {
        name for file in gateway for name in _ours(file) if not f"{name}.".startswith("roliascan.platforms.gateway.")
    }


@pytest.mark.parametrize(("driver", "home"), [("psycopg2", "postgresql"), ("pymysql", "mysql")])
def test_one_module_knows_each_driver(driver: str, home: str) -> None:
    users = {
        str(file.relative_to(PACKAGE)) for file in MODULES for name in _imports(file) if name.split(".")[0] == driver
    }
    assert users == {f"database/{home}.py"}


@pytest.mark.parametrize("library", ["alembic", "sqlalchemy"])
def test_only_migrations_and_backups_know(library: str) -> None:
    users = {file.relative_to(PACKAGE) for file in MODULES for name in _imports(file) if name.split(".")[0] == library}
    assert {user.parts[:2] for user in users} <= {("database", "migrations"), ("cli", "backups")}


def test_only_traces_know_opentelemetry() -> None:
    users = {file.relative_to(PACKAGE) for file in MODULES for name in _imports(file) if name.startswith("opentelem")}
    assert {user.parts[0] for user in users} == {"tracing"}


# What comes with a platform, and is in no other platform's package.
BROUGHT = {
    "azure.py": {"azure-core", "azure-identity", "azure-storage-blob"},
    "sandbox.py": {"snapshot-restore-py"},
    "aws.py": {"boto3", "botocore"},
    "azure_functions.py": {"azure-functions"},
    "azure_migrations.py": {"azure-functions"},
    "filling.py": {"uv"},
    "gcs.py": {"google-api-core", "google-auth", "google-cloud-core", "google-cloud-storage", "urllib3"},
    "gcs_access.py": {"google-auth", "google-cloud-storage"},
    "google_functions.py": {"flask", "functions-framework"},
    "google_migrations.py": {"flask", "functions-framework"},
    "invoke.py": {"azure-functions", "functions-framework"},
    "s3.py": {"boto3", "botocore"},
    "s3_refusals.py": {"boto3", "botocore"},
    "serving.py": {"granian"},
}
TRACING = {"opentelemetry-api", "opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk"}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_what_is_imported_is_locked(file: Path) -> None:
    on_a_server_only = {"cli", "migrations"} & set(file.relative_to(PACKAGE).parts)
    lock = PACKAGE.parents[1] / "requirements" / ("server.txt" if on_a_server_only else "runtime.txt")
    locked = set(re.findall(r"^([a-z0-9.-]+)==", lock.read_text(), re.MULTILINE)) | BROUGHT.get(file.name, set())
    locked |= TRACING if file.parent == PACKAGE / "tracing" else set()
    others = {name.split(".")[0] for name in _imports(file)} - sys.stdlib_module_names - {"roliascan"}
    # Several may be of one name: Google's libraries share `google`, Microsoft's share `azure`.
    brought_by = {name: {_normal(one) for one in _brought().get(name, [name])} for name in others}
    assert [name for name in others if not brought_by[name] & locked] == []


@cache
def _brought() -> Mapping[str, list[str]]:
    """The distributions that bring each top-level name; looking through them all takes a while."""
    return packages_distributions()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
