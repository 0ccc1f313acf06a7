"""Unpacked packages run with nothing else to import: nothing of the clone, no package but Lambda's own client."""

import json
import re
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli import packages
from tests.database import bare, revisions
from tests.platforms import clients, shapes
from tests.platforms.shapes import Request, http_api_event
from tests.servers import aws_lambda, databases, parts, program

LONG = pytest.mark.skipif(not packages.ALL, reason="packages that take long to build (TEST_ALL=1 builds them)")
ON_X86_64 = pytest.mark.skipif(packages.ARCH != "x86_64", reason="Azure's functions run on x86_64")
ROLES = re.search(r"```sql\n(.*?)```", (program.PROJECT / "docs/deploy/packaging.md").read_text(), re.S)
AIKO = {"email": "aiko@example.org", "username": "aiko", "password": "a long password"}
WATCHED = """
import sys
from roliascan.platforms.aws_lambda import handler as site

def handler(event, context):
    return site(event, context), sorted({getattr(module, "__file__", None) or "" for module in sys.modules.values()})
"""


class Empty(NamedTuple):
    """A database without tables, as its administrator, as who migrates it, and as the site sees it."""

    url: str
    migrating: str
    site: str


@pytest.fixture(scope="module")
def empty() -> Iterator[Empty]:
    """On PostgreSQL, with the roles of docs/deploy/packaging.md under names of this database's own."""
    with databases.new(parts.require("postgresql")) as url, bare.cursor(url) as administrator:
        name = url.rpartition("/")[2]
        migrating, site = f"{name}_migrations", f"{name}_site"
        assert ROLES
        sql = ROLES[1].replace("rolia_migrations", migrating)
        administrator.execute(re.sub(r"\brolia\b", site, sql))
        try:
            yield Empty(url, *(url.replace("postgres@", f"{role}:one@") for role in (migrating, site)))
        finally:
            administrator.execute(f"DROP OWNED BY {migrating}; DROP OWNED BY {site}; DROP ROLE {migrating}, {site}")


Invoke = Callable[[Any], Any]


@pytest.fixture
def start(start_lambda: Callable[..., str], tmp_path: Path) -> Callable[..., Invoke]:
    """Start a package under the emulator, where `watched.py` lies beside Lambda's client."""
    runtime = aws_lambda.client(tmp_path / "runtime")
    (runtime / "watched.py").write_text(WATCHED)

    def started(folder: Path, handler: str, environ: Mapping[str, str]) -> Invoke:
        address = start_lambda(handler, environ, cwd=folder, alone=runtime)
        return lambda event: clients.invoke(address, event)

    return started


def site_environ(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "STORAGE_URL": "memory:",
        "ALLOW_EPHEMERAL": "on",
    }


@pytest.mark.postgresql
def test_on_lambda_one_function_migrates_and_the_other_answers(start: Callable[..., Invoke], empty: Empty) -> None:
    """The packages for Lambda: an empty PostgreSQL database is migrated by the one role, and read by the other."""
    migrations, site = packages.built("aws", "--migrations"), packages.built("aws")
    migrate = start(
        migrations.folder, "roliascan.platforms.aws_migrations.handler", {"DATABASE_DIRECT_URL": empty.migrating}
    )
    assert migrate({}) == {"before": 0, "after": revisions.NEWEST, "ran": revisions.TOLD}
    assert migrate({}) == {"before": revisions.NEWEST, "after": revisions.NEWEST, "ran": []}

    ask = start(site.folder, "watched.handler", site_environ(empty.site))
    registered = answered(ask, post("auth/register", AIKO), status=201)  # hashed, signed and written
    with bare.cursor(empty.url) as administrator:
        administrator.execute("UPDATE users SET role = 'uploader'")
    series = {"title": "The Lighthouse", "author": "Aiko", "state": "published"}
    answered(ask, post("series", series, registered["token"]), status=201)
    listed = answered(ask, Request("GET", "/api/v1/series?limit=2"))
    assert [one["title"] for one in listed["data"]] == ["The Lighthouse"]
    assert answered(ask, Request("GET", "/health"))["status"] == "ok"

    _, files = ask(http_api_event(Request("GET", "/docs")))
    ours = {file for file in files if "roliascan" in file}
    assert len(ours) > 30
    assert {file for file in ours if not file.startswith(f"{site.folder}/")} == set()
    assert not [file for file in files if "site-packages" in file]


def post(path: str, body: dict[str, str], token: str = "") -> Request:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return Request("POST", f"/api/v1/{path}", headers, json.dumps(body).encode())


def answered(ask: Invoke, request: Request, status: int = 200) -> Any:
    """The document that a watched function answers with."""
    told, _ = ask(http_api_event(request))
    answer = shapes.of_lambda(told)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "bad_settings: DATABASE_DIRECT_URL: set it to the address of the database itself"),
        ({"DATABASE_DIRECT_URL": "sqlite:////tmp/a.db"}, "bad_settings: DATABASE_DIRECT_URL: sqlite: does not last"),
        ({"DATABASE_DIRECT_URL": "postgresql://u:secret@db.example:6432/a"}, "bad_address: "),
        ({"DATABASE_DIRECT_URL": "postgresql://u:secret@127.0.0.1:9/a"}, "database_unreachable: "),
    ],
)
def test_a_migration_that_cannot_run_is_a_failed_invocation(
    environ: dict[str, str], message: str, start: Callable[..., Invoke]
) -> None:
    """SC 75; and never with a secret."""
    folder = packages.built("aws", "--migrations").folder
    failed = start(folder, "roliascan.platforms.aws_migrations.handler", environ)({})
    assert failed["errorType"] == "MigrationFailed"
    assert failed["errorMessage"].startswith(message)
    assert "secret" not in json.dumps(failed)


def test_on_google(start_google: Callable[..., str], site_url: str) -> None:
    main = packages.built("google").folder / "main.py"
    address = start_google(main, "web", site_environ(site_url), alone=True)
    assert json.loads(clients.send(address, Request("GET", "/api/v1/series")).body)["data"] == []
    assert clients.send(address, Request("GET", "/docs")).status == 200  # from the frozen document


def test_on_google_a_function_migrates(start_google: Callable[..., str], tmp_path: Path) -> None:
    main = packages.built("google", "--migrations").folder / "main.py"
    environ = {"DATABASE_DIRECT_URL": f"sqlite:///{tmp_path}/a.db", "ALLOW_EPHEMERAL": "on"}
    address = start_google(main, "migrate", environ, alone=True)
    assert clients.send(address, Request("GET", "/")).status == 405
    with urllib.request.urlopen(f"{address}/", b"") as answer:
        assert json.load(answer) == {"before": 0, "after": revisions.NEWEST, "ran": revisions.TOLD}


def test_on_google_a_failed_migration_says_why(start_google: Callable[..., str]) -> None:
    main = packages.built("google", "--migrations").folder / "main.py"
    address = start_google(main, "migrate", {}, alone=True)
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(f"{address}/", b"")
    with failed.value as answer:
        assert (answer.status, json.load(answer)["code"]) == (500, "bad_settings")


AZURE = """
import azure.functions as func, json, os, sys
from function_app import app
one = {function.get_function_name(): function for function in app.get_functions()}
class Context:
    invocation_id = "a"
"""


@LONG
@ON_X86_64
def test_on_azure(site_url: str) -> None:
    source = f"""
{AZURE}
os.environ.update({site_environ(site_url)!r})
path = "api/v1/series"
request = func.HttpRequest("GET", f"https://comics.example/{{path}}", route_params={{"path": path}}, body=b"")
answer = one["web"].get_user_function()(request, Context())
print(answer.status_code, sorted(one), answer.get_body().decode())"""
    told = _on_azure(source, packages.built("azure").folder)
    assert told.splitlines()[-1].startswith("200 ['sweep', 'web'] {\"data\":[]")


@LONG
@ON_X86_64
def test_on_azure_a_function_migrates(tmp_path: Path) -> None:
    source = f"""
{AZURE}
os.environ.update({{"DATABASE_DIRECT_URL": "sqlite:///{tmp_path}/a.db"}})
request = func.HttpRequest("POST", "https://comics.example/migrate", body=b"")
for environ in ({{}}, {{"FUNCTIONS_WORKER_RUNTIME": "python"}}):
    os.environ.update(environ)
    answer = one["migrate"].get_user_function()(request)
    print(answer.status_code, answer.get_body().decode())
print(app.auth_level, *(trigger.get_dict_repr() for trigger in [one["migrate"].get_trigger()]))"""
    done, failed, function = [
        line
        for line in _on_azure(source, packages.built("azure", "--migrations").folder).splitlines()
        if not line.startswith('{"time"')
    ]
    assert json.loads(done.removeprefix("200 ")) == {"before": 0, "after": revisions.NEWEST, "ran": revisions.TOLD}
    assert failed.startswith('500 {"code":"bad_settings"')
    assert "FUNCTION" in function  # a key is needed


def _on_azure(source: str, folder: Path) -> str:
    host = json.loads((folder / "host.json").read_text())
    assert host["extensions"]["http"]["routePrefix"] == ""  # SC 9
    return packages.alone(source, folder, folder / ".python_packages" / "lib" / "site-packages")


def test_nothing_of_the_clone_is_there_to_import(tmp_path: Path) -> None:
    """What the tests above rest on."""
    source = "import importlib.util; print(importlib.util.find_spec('roliascan'), importlib.util.find_spec('falcon'))"
    assert packages.alone(source, tmp_path).split() == ["None", "None"]
    assert Path(sysconfig.get_path("purelib"), "falcon").is_dir()
