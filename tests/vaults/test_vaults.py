"""Settings that refer to a secret kept elsewhere: read once when the app is built, readably refused, never told."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roliascan.platforms import start
from roliascan.settings import BadSettings, Settings
from roliascan.vaults import Unresolved, aws, google, resolved, resolved_address
from tests.platforms.test_start import run
from tests.servers import program
from tests.vaults import stores
from tests.vaults.stores import Stores

SECRET = "0123456789abcdef0123456789hunter2"
AWS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:comics/db-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-3:123456789012:parameter/comics/jwt"
VERSION = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"
GOOGLE = "projects/comics-123/secrets/jwt"
URL = "postgresql://reader:hunter2@db.example/comics"
PLAIN = {"STORAGE_URL": "memory:"}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    with stores.running() as found:
        for name, value in found.environ.items():
            monkeypatch.setenv(name, value)
        yield found


def read(**environ: str) -> Settings:
    return Settings.from_environ({"JWT_SECRET": SECRET, "DATABASE_URL": URL, **PLAIN, **environ})


def problems(**environ: str) -> list[str]:
    with pytest.raises(BadSettings) as refusal:
        read(**environ)
    assert "hunter2" not in str(refusal.value)
    return refusal.value.problems


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        (AWS, AWS),
        (PARAMETER, PARAMETER),
        (f"{PARAMETER}:3", f"{PARAMETER}:3"),
        (
            "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/jwt",
            "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/jwt",
        ),
        (GOOGLE, f"{GOOGLE}/versions/latest"),
        (f"{GOOGLE}/versions/7", f"{GOOGLE}/versions/7"),
    ],
)
def test_a_reference_is_as_its_value(reference: str, kept: str, store: Stores) -> None:  # SC 60
    store.kept[kept] = f"{SECRET}\n"
    assert read(JWT_SECRET=reference) == read()
    before = len(store.asked)
    assert read(UPLOADTHING_TOKEN=reference).uploadthing_token == SECRET
    assert len(store.asked) == 2 * before  # once each, and Google's once more for its token


def test_a_secret_of_many_has_a_key_a_stage_and_a_version(store: Stores) -> None:  # SC 60
    store.kept[AWS] = json.dumps({"jwt": SECRET, "number": 5})
    assert resolved(f"{AWS}:jwt::") == resolved(f"{AWS}:jwt") == SECRET
    assert resolved(f"{AWS}:number") == "5"
    assert resolved(f"{AWS}:jwt:AWSPREVIOUS:") == SECRET
    assert resolved(f"{AWS}:jwt::{VERSION}") == SECRET
    assert [json.loads(one.partition(" ")[2]) for one in store.asked[-2:]] == [
        {"SecretId": AWS, "VersionStage": "AWSPREVIOUS"},
        {"SecretId": AWS, "VersionId": VERSION},
    ]
    with pytest.raises(Unresolved, match="not JSON with other in it"):
        resolved(f"{AWS}:other::")


def test_an_address_may_be_a_secret_or_have_one_in_it(store: Stores) -> None:  # SC 60
    store.kept[AWS] = URL
    assert read(DATABASE_URL=AWS).database_url == URL
    store.kept[managed := AWS.replace("comics/db", "rds!db-1")] = URL  # an exclamation mark is RDS's own
    assert read(DATABASE_URL=managed).database_url == URL
    made = {"username": "a/dmin", "password": "p@ss:w/rd?&=%", "engine": "postgres", "host": "elsewhere.example"}
    store.kept[AWS] = json.dumps(made)  # as RDS writes it
    signed = "postgresql://a%2Fdmin:p%40ss%3Aw%2Frd%3F%26%3D%25@db.example:5432/comics"
    address = f"postgresql://db.example:5432/comics?secret={AWS}"
    assert read(DATABASE_URL=address).database_url == signed
    assert read(DATABASE_URL=f"{address}&sslmode=require").database_url == f"{signed}?sslmode=require"
    assert read(DATABASE_DIRECT_URL=address).database_direct_url == signed
    store.kept[AWS] = "pass word"
    named = f"mysql://somebody@db.example/comics?sslmode=require&secret={AWS}"
    assert resolved_address(named) == "mysql://somebody:pass%20word@db.example/comics?sslmode=require"
    assert resolved_address(f"postgresql://db.example/comics?secret={AWS}:::") == (
        "postgresql://:pass%20word@db.example/comics"
    )


def test_json_as_an_address_is_refused_with_what_to_write(store: Stores) -> None:
    store.kept[AWS] = '{"password": "hunter2"}'
    assert "write postgresql://HOST/NAME?secret=REFERENCE" in problems(DATABASE_URL=AWS)[0]
    for bad in ("{", '{"username": "hunter2"}', '{"password"'):
        store.kept[AWS] = bad
        assert "username and password" in problems(DATABASE_URL=f"postgresql://db.example/d?secret={AWS}")[0]


def test_a_secret_in_a_file(tmp_path: Path, store: Stores) -> None:  # SC 60
    """As Docker, Kubernetes and Cloud Run mount it."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert read(JWT_SECRET="", JWT_SECRET_FILE=str(file)) == read()
    file.write_text(GOOGLE)
    store.kept[f"{GOOGLE}/versions/latest"] = SECRET
    assert read(JWT_SECRET="", JWT_SECRET_FILE=str(file)) == read()
    assert problems(JWT_SECRET_FILE=str(file)) == ["JWT_SECRET: set either this or JWT_SECRET_FILE, not both"]
    (told,) = problems(JWT_SECRET="", JWT_SECRET_FILE=str(tmp_path / "none"))
    assert told == "JWT_SECRET: the file in JWT_SECRET_FILE cannot be read (FileNotFoundError)"
    file.write_bytes(b"\xff")
    assert "UnicodeDecodeError" in problems(JWT_SECRET="", JWT_SECRET_FILE=str(file))[0]
    file.write_text("hunter2")
    assert "too weak" in problems(JWT_SECRET="", JWT_SECRET_FILE=str(file))[0]
    file.write_text(URL)
    assert read(DATABASE_URL="", DATABASE_URL_FILE=str(file)).database_url == URL


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        (AWS, "ResourceNotFoundException"),
        (PARAMETER, "ResourceNotFoundException"),
        (GOOGLE, "Secret Manager answered 403"),
        ("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/hunter2)", "Azure did not resolve"),
        ("arn:aws:s3:::bucket/hunter2", "form that is not known"),
        ("arn:aws:secretsmanager:eu-central-1:1:secret:a:b:c:d:e", "form that is not known"),
        ("projects/a/hunter2", "form that is not known"),
        (f"{GOOGLE}/versions/1/2", "form that is not known"),
    ],
)
def test_what_cannot_be_read_stops_the_start_readably(reference: str, why: str, store: Stores) -> None:  # SC 59, SC 61
    """And nothing is taken for a secret that looks like a reference."""
    both = problems(JWT_SECRET=reference, DATABASE_URL=reference)
    assert [one.partition(":")[0] for one in both] == ["DATABASE_URL", "JWT_SECRET"]
    for one in both:
        assert why in one


def test_binary_secrets_are_refused(store: Stores) -> None:
    store.kept[AWS] = store.kept[f"{GOOGLE}/versions/latest"] = "binary"
    assert "keep it as text" in problems(JWT_SECRET=AWS)[0]
    assert "keep it as text" in problems(JWT_SECRET=GOOGLE)[0]


@pytest.mark.parametrize("reference", [AWS, GOOGLE])
def test_a_store_that_does_not_answer_is_not_waited_for_long(
    reference: str, store: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:  # SC 60
    monkeypatch.setattr(aws, "TIMEOUT_S", 0.1)
    monkeypatch.setattr(google, "TIMEOUT_S", 0.1)
    store.silent.set()
    start = time.monotonic()
    (told,) = problems(JWT_SECRET=reference)
    assert "ReadTimeoutError" in told or "cannot be reached" in told
    assert time.monotonic() - start < 20


def test_without_a_store_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"127.0.0.1:{program.free_port()}"
    monkeypatch.setenv("GCE_METADATA_HOST", nowhere)
    assert "the metadata server cannot be reached" in problems(JWT_SECRET=GOOGLE)[0]
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert "boto3 is not here" in problems(JWT_SECRET=AWS)[0]


def test_a_secret_is_fetched_once_for_all_requests(store: Stores) -> None:  # SC 45, SC 60
    store.kept[AWS] = SECRET
    environ = {"DATABASE_URL": URL, "JWT_SECRET": AWS, **PLAIN}
    get = start.Once(lambda: start.running(Settings.from_environ(environ)))
    assert store.asked == []
    for _ in range(3):
        get()
    assert len(store.asked) == 1


def test_a_store_that_comes_back_is_asked_at_the_next_request(store: Stores) -> None:  # SC 46
    environ = {"DATABASE_URL": URL, "JWT_SECRET": AWS, **PLAIN}
    get: Callable[[], object] = start.Once(lambda: start.running(Settings.from_environ(environ)))
    with pytest.raises(BadSettings, match="ResourceNotFoundException"):
        get()
    store.kept[AWS] = SECRET
    get()


LOADED = """
import os, sys
from roliascan.platforms import aws_lambda, start
start.settings()
rare = {"boto3", "botocore", "urllib.request", "pathlib", "roliascan.vaults.aws", "roliascan.vaults.google"}
print(sorted(rare & set(sys.modules)))
"""


def test_plain_values_load_nothing_of_this() -> None:
    plain = {"DATABASE_URL": URL, "JWT_SECRET": SECRET, "AWS_LAMBDA_FUNCTION_NAME": "f", "ALLOW_EPHEMERAL": "on"}
    assert run(LOADED, plain | PLAIN).stdout == "[]\n"


def test_lambda_reads_references_while_it_initializes(store: Stores) -> None:
    """By its own environment alone; what was read is in no line."""
    store.kept[AWS], store.kept[PARAMETER] = json.dumps({"username": "u", "password": "hunter2"}), SECRET
    address = f"postgresql://127.0.0.1:1/comics?secret={AWS}"
    environ = {"DATABASE_URL": address, "JWT_SECRET": PARAMETER, "AWS_LAMBDA_FUNCTION_NAME": "f"} | store.environ
    code = (
        "from roliascan.platforms.aws_lambda import handler; from tests.platforms.shapes import *; "
        "print(handler(http_api_event(Request('GET', '/api/v1/series')), None))"
    )
    done = run(code, environ | PLAIN | {"ALLOW_EPHEMERAL": "on", "PYTHONPATH": str(program.PROJECT)})
    assert "database_unreachable" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert len(store.asked) == 3  # and once more the address, which could not be connected to


def test_the_command_line_reads_them_too(tmp_path: Path, store: Stores) -> None:
    file = tmp_path / "url"
    file.write_text("sqlite:///there.db")
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL_FILE": str(file), "JWT_SECRET": GOOGLE, **store.environ}
    store.kept[f"{GOOGLE}/versions/latest"] = SECRET
    command = [str(Path(sys.executable).with_name("roliascan")), "migrate"]
    for action, said in (("up", "revision"), ("check", "as this version needs")):
        done = subprocess.run([*command, action], env=environ, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert (tmp_path / "there.db").exists()
