"""The cold path is a budget: what a fresh process loads and touches until it has answered its first read."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest

DRIVERS = {"sqlite": set[str](), "postgresql": {"psycopg2"}, "mysql": {"pymysql"}}
# Each would cost a cold start from 5 to 600 ms of CPU time.
RARE = {
    *("PIL", "argon2", "jwt", "alembic", "sqlalchemy", "anyascii", "confusable_homoglyphs", "tqdm", "dotenv"),
    *("asyncio", "argparse", "http.client", "http.cookiejar", "concurrent.futures", "xml.etree.ElementTree"),
    *("email", "hashlib", "tempfile", "json.tool", "unittest"),
}
ANSWER = """
import io, json, os, sys
sys.modules["typing_extensions"] = None  # msgspec takes it where it is; it is not deployed
before, touched = set(sys.modules), []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def hook(event, args):
    if event == "open" and args[2] & WRITES:
        touched.append([event, str(args[0])])
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "_thread.start", "os.fork", "os.exec")):
        touched.append([event])
sys.addaudithook(hook)

from roliascan.app import create_app
from roliascan.settings import Settings
app = create_app(Settings.from_environ(os.environ))

def answer(path):
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.multithread": False,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
    }
    begun = []
    body = b"".join(app(environ, lambda *told: begun.append(told)))
    return {"status": begun[0][0], "body": json.loads(body)}

answers = [answer(path) for path in sys.argv[1:]]
print(json.dumps({"loaded": sorted(set(sys.modules) - before), "touched": touched, "answers": answers}))
"""


def told(url: str, *paths: str, storage: str = "memory:", **environ: str) -> dict[str, Any]:
    """What a process that answers these paths, one after the other, loads, touches, and answers."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {"DATABASE_URL": url, "JWT_SECRET": "0123456789abcdef0123456789abcdef", "STORAGE_URL": storage}
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", ANSWER, *paths],
        env=kept | settings | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def others(loaded: list[str]) -> set[str]:
    """The packages that are neither of the standard library, nor ours, nor what Cython compiles into others."""
    found = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names - {"roliascan", "cython_runtime"}
    return {name for name in found if not name.startswith("_cython_")}


def test_the_first_list_loads_one_driver_and_no_framework(database_url: str) -> None:
    found = told(database_url, "/api/v1/series")
    assert found["answers"][0]["status"].startswith("200")
    assert found["answers"][0]["body"]["data"] == []
    driver = DRIVERS[database_url.partition(":")[0]]
    assert others(found["loaded"]) == {"msgspec"} | driver
    not_ours = {"hashlib"} if driver == {"pymysql"} else set()  # its ways to sign in
    assert not RARE.intersection(found["loaded"]) - not_ours


@pytest.mark.parametrize("storage", ["s3://comics/site?region=eu-central-1", "gs://comics/site", "az://comics/files"])
@pytest.mark.parametrize("files", ["public", "private"])
def test_an_object_storage_costs_no_reader_its_sdk(sqlite_url: str, storage: str, files: str) -> None:
    found = told(sqlite_url, "/api/v1/series", storage=storage, FILES=files)
    assert found["answers"][0]["status"].startswith("200")
    assert others(found["loaded"]) == {"msgspec"}
    assert not RARE.intersection(found["loaded"])
    assert found["touched"] == [["sqlite3.connect"], ["sqlite3.connect/handle"]]


def test_files_at_uploadthing_cost_no_reader_their_way(sqlite_url: str) -> None:
    token = base64.b64encode(b'{"apiKey": "sk_live_0123456789", "appId": "comics1234", "regions": ["sea1"]}').decode()
    given = {"UPLOAD_METHOD": "cdn", "UPLOADTHING_TOKEN": token}
    found = told(sqlite_url, "/api/v1/series", storage="", **given)
    assert found["answers"][0]["status"].startswith("200")
    assert others(found["loaded"]) == {"msgspec"}
    assert not RARE.intersection(found["loaded"])
    assert found["touched"] == [["sqlite3.connect"], ["sqlite3.connect/handle"]]


def test_a_list_loads_what_lists_need(sqlite_url: str) -> None:
    found = told(sqlite_url, "/api/v1/series")
    handlers = {name for name in found["loaded"] if name.startswith("roliascan.web.")}
    assert "roliascan.web.series" in handlers
    assert not handlers & {f"roliascan.web.{rare}" for rare in ("accounts", "chapters", "pages", "teams", "openapi")}
    assert "roliascan.library.images" not in found["loaded"]


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/roliascan.db", "postgresql://u@192.0.2.1/comics", "mysql://u@192.0.2.1/comics"],
    ids=["sqlite", "postgresql", "mysql"],
)
def test_being_alive_takes_no_more_than_the_app(url: str) -> None:  # SC 55, SC 57
    app, alive = told(url), told(url, "/health")
    assert alive["answers"][0]["body"] == {"status": "ok"}
    driver = DRIVERS[url.partition(":")[0]]
    assert others(app["loaded"]) == {"msgspec"} | driver
    assert others(alive["loaded"]) == {"falcon", "msgspec"} | driver
    ours = {name for name in set(alive["loaded"]) - set(app["loaded"]) if name.startswith("roliascan.")}
    assert {name for name in ours if not name.startswith("roliascan.web.")} == set()
    assert app["touched"] == alive["touched"] == []


def test_reading_touches_the_database_alone(sqlite_url: str) -> None:  # SC 55
    found = told(sqlite_url, "/api/v1/series", "/api/v1/series", "/api/v1/chapters")
    assert found["touched"] == [["sqlite3.connect"], ["sqlite3.connect/handle"]]  # once


# The entry points. What a platform's own library loads is the platform's.

BY_PLATFORM = {
    "aws": (
        "",
        """
from roliascan.platforms.aws_lambda import handler
http = {"method": "GET", "path": "/api/v1/series", "sourceIp": "192.0.2.1"}
told = handler({"version": "2.0", "rawPath": "/api/v1/series", "requestContext": {"http": http}}, None)
status, body = told["statusCode"], told["body"]
""",
    ),
    "google": (
        "import flask",
        """
from roliascan.platforms.google_functions import web
environ = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/api/v1/series", "QUERY_STRING": "", "SERVER_PORT": "80",
    "SERVER_NAME": "localhost", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
}
begun = []
body = b"".join(web(None)(environ, lambda *told: begun.append(told)))
status = int(begun[0][0][:3])
""",
    ),
    "azure": (
        "import azure.functions",
        """
from roliascan.platforms.azure_functions import app
request = azure.functions.HttpRequest(
    "GET", "https://comics.example/api/v1/series", route_params={"path": "api/v1/series"}, body=b""
)
class Context:
    invocation_id = "a"
web = next(one for one in app.get_functions() if one.get_function_name() == "web")
told = web.get_user_function()(request, Context())
status, body = told.status_code, told.get_body()
""",
    ),
}


@pytest.mark.parametrize("platform", BY_PLATFORM)
def test_an_entry_point_loads_one_driver_and_no_framework(platform: str, sqlite_url: str) -> None:
    """From its import to its first list; SC 55: it touches the database alone."""
    library, entry = BY_PLATFORM[platform]
    source = ANSWER.partition("from roliascan.app")[0].replace("import io,", f"{library}\nimport io,", 1)
    settings = {"JWT_SECRET": "0123456789abcdef0123456789abcdef", "STORAGE_URL": "memory:", "LANG": "C.UTF-8"}
    tell = "print(json.dumps([status, len(body), sorted(set(sys.modules) - before), touched]))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", source + entry + tell],
        env={"DATABASE_URL": sqlite_url, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    status, length, loaded, touched = json.loads(done.stdout.splitlines()[-1])
    assert (status, length > 50) == (200, True)
    assert others(loaded) == {"msgspec"}
    assert not RARE.intersection(loaded)
    assert not {name for name in loaded if name.startswith("falcon")}
    assert touched == [["sqlite3.connect"], ["sqlite3.connect/handle"]]
