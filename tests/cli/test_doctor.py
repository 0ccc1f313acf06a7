"""`roliascan doctor`: what it finds out, what it calls wrong, and what it never prints."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import features

from roliascan import cli
from roliascan.database import schema
from roliascan.storage import open_storage
from tests.database.kinds import MARIADB, POSTGRESQL
from tests.servers import program
from tests.servers.uploadthing import App
from tests.storage import trouble
from tests.storage.raw import Raw
from tests.storage.test_s3_uploads import documented

SECRET = "a secret of tests, 0123456789 abcdefghij"
PASSWORD = "hush-hush"
Look = Callable[..., tuple[int, dict[str, list[str]]]]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Look:
    """Runs it with these settings: its exit status, and `state: detail` of each finding by part."""
    monkeypatch.chdir(tmp_path)

    def looked(*options: str, **settings: str) -> tuple[int, dict[str, list[str]]]:
        for name, value in {"JWT_SECRET": SECRET, **settings}.items():
            monkeypatch.setenv(name, value)
        status = cli.main(["doctor", "--json", *options])
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] == (status == 0)
        found: dict[str, list[str]] = {}
        for finding in told["findings"]:
            found.setdefault(finding["part"], []).append(f"{finding['state']}: {finding['detail']}")
        return status, found

    return looked


def test_a_healthy_site(look: Look, database_url: str, tmp_path: Path) -> None:
    status, found = look(DATABASE_URL=database_url)
    assert status == 0
    notes = [detail for details in found.values() for detail in details if not detail.startswith("ok: ")]
    assert [note for note in notes if "foreign keys" not in note] == []  # which a kind of `make test-all` has none of
    name = {"s": "SQLite", "p": "PostgreSQL", "m": "MariaDB"}[database_url[0]]
    assert found["database"][0].startswith(f"ok: {name} ")
    assert found["schema"][0] == f"ok: The database is at revision {schema.REVISION}, as this version needs."
    assert found["pool"][0].startswith("ok: DATABASE_POOL: 4 connections for each process")
    assert list((tmp_path / "data" / "uploads").glob("[!.]*")) == []  # the probe is gone
    if name != "SQLite":
        assert found["database"][1] == "ok: the connection is not encrypted (no TLS)"
        assert "that the server has for all" in found["pool"][0]
    if name == "MariaDB":
        assert "strict mode" in found["schema"][1]


def test_people_get_lines(sqlite_url: str, look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    look(DATABASE_URL=sqlite_url)
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "ok    settings   each can be read, and they fit together" in lines
    assert lines[-1] == "Nothing is wrong."


def test_pillow_is_told_with_its_formats_and_libraries(look: Look, sqlite_url: str) -> None:  # SC-10
    (told,) = look(DATABASE_URL=sqlite_url)[1]["images"]
    assert told.startswith(f"ok: Pillow {features.version('pil')} reads GIF, JPEG, PNG, WebP, AVIF; ")
    assert f"webp {features.version('webp')}" in told
    assert f"avif {features.version('avif')}" in told


def test_every_bad_setting_is_told_and_no_secret(look: Look, sqlite_url: str) -> None:
    status, found = look(DATABASE_URL=sqlite_url, JWT_SECRET=PASSWORD, MAX_FILE_SIZE="much", IMAGE_URL="images")
    assert status == 1
    *bad, note = found["settings"]
    assert [detail.split(": ")[1] for detail in bad] == ["MAX_FILE_SIZE", "IMAGE_URL", "JWT_SECRET"]
    assert note == "note: database and storage are not looked at until these are mended"
    assert PASSWORD not in str(found)


def test_a_bad_secret_does_not_hide_the_rest(look: Look, sqlite_url: str) -> None:
    status, found = look(DATABASE_URL=sqlite_url, JWT_SECRET="short")
    assert status == 1
    assert "secret" not in found
    assert found["database"][0].startswith("ok: SQLite")
    assert found["storage"][0] == "ok: file: a file was written, read back and deleted"


def test_a_secret_of_few_characters_is_worth_a_note(look: Look, sqlite_url: str) -> None:
    status, found = look(DATABASE_URL=sqlite_url, JWT_SECRET="abcdefgh" * 4)
    assert (status, found["secret"][0][:24]) == (0, "note: JWT_SECRET repeats")


def test_a_database_that_cannot_be_reached_is_told_without_its_password(look: Look) -> None:
    url = f"postgresql://me:{PASSWORD}@/name?host=/nowhere/{PASSWORD}"
    status, found = look(DATABASE_URL=url)
    assert status == 1
    (told,) = found["database"]
    assert told.startswith("wrong: DATABASE_URL: The database cannot be reached")
    assert "/nowhere/***/" in told  # what the driver said helps
    assert PASSWORD not in str(found)


def test_a_short_password_garbles_nothing(look: Look) -> None:
    _, found = look(DATABASE_URL="postgresql://me:e@/name?host=/nowhere/e/x")
    (told,) = found["database"]
    assert told.startswith("wrong: DATABASE_URL: The database cannot be reached")
    assert "/nowhere/***/x/" in told


def test_what_an_address_says_of_logins_and_references_is_told(look: Look, sqlite_url: str) -> None:
    amazons = "mysql://me@my.cluster-abc.eu-west-1.rds.amazonaws.com/name?auth=aws-iam&foreign_keys=off"
    _, found = look(DATABASE_URL=sqlite_url, DATABASE_DIRECT_URL=amazons)
    assert found["profile"][1] == (
        "ok: DATABASE_DIRECT_URL: migrations make tables without foreign keys (foreign_keys=off)"
    )
    local = "postgresql://me@/name?host=/nowhere/cloudsql&sslmode=disable&auth=google-iam&foreign_keys=off"
    _, found = look(DATABASE_URL=local, DATABASE_DIRECT_URL="")
    assert "one logs in by tokens instead of a password (auth=google-iam)" in found["profile"][0]
    assert found["profile"][1].startswith("ok: DATABASE_URL: migrations make tables without foreign keys")


def test_a_misspelt_parameter_is_told(look: Look) -> None:
    status, found = look(DATABASE_URL=f"postgresql://me:{PASSWORD}@127.0.0.1/name?ssl_mode=require")
    assert status == 1
    assert "parameters that are not known: ssl_mode; there are auth" in found["database"][0]


def test_an_empty_database_needs_to_be_migrated(look: Look, empty_database_url: str) -> None:
    status, found = look(DATABASE_URL=empty_database_url)
    assert status == 1
    assert found["schema"][0].startswith("wrong: ")
    assert found["schema"][0].endswith("roliascan migrate up")


_OF_A_MACHINE = re.compile(r"\d+(?:\.\d+)+|(?<= on )\w+ \w+$|(?<=, of )\d+(?= that )", re.M)
"""Versions, the free space, a system and its processor, connections that a server has: what differs elsewhere."""


@pytest.mark.parametrize("empty_database_url", [POSTGRESQL], indirect=True)
def test_what_docs_operations_shows_is_what_it_prints(
    look: Look, empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (program.PROJECT / "docs" / "operations.md").read_text()
    (shown,) = re.findall(r"^```console\n\$ roliascan doctor\n(.*?)^```$", page, re.M | re.S)
    settings = {"PUBLIC_URL": "http://comics.example", "JWT_SECRET": "0123456789abcdef" * 4}
    look(DATABASE_URL=empty_database_url, **settings)
    assert cli.main(["doctor"]) == 1
    printed = _OF_A_MACHINE.sub("~", capsys.readouterr().out)
    pattern = re.escape(_OF_A_MACHINE.sub("~", shown)).replace(r"\ \.\.\.", "( .*)?")
    assert re.fullmatch(pattern, printed), printed


def test_migrations_need_a_direct_address(look: Look, sqlite_url: str) -> None:
    direct = f"postgresql://me:{PASSWORD}@ep-1-pooler.example/name"
    status, found = look(DATABASE_URL=sqlite_url, DATABASE_DIRECT_URL=direct)
    assert status == 1
    assert found["database"][-1].startswith("wrong: DATABASE_DIRECT_URL: its host has -pooler")


def test_who_serves_behind_a_pooler_need_not_be_who_migrates(look: Look, pooled_url: str) -> None:
    status, found = look(DATABASE_URL=f"{pooled_url}?pooler=transaction")
    assert status == 0
    assert found["database"][-1] == "note: DATABASE_DIRECT_URL is not set: migrate where it is"


def test_an_address_that_is_wrong_is_told_once(look: Look) -> None:
    status, found = look(DATABASE_URL="postgresql://me@db.example/name?pooler=maybe")
    assert status == 1
    assert found["database"] == ["wrong: DATABASE_URL: its pooler is none of none, transaction, rds-proxy"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/name?host=/nowhere", "a server by a Unix socket"),
        (
            "/name?host=/nowhere&pooler=transaction&pauses=yes",
            "a server by a Unix socket, pooled by transaction, that pauses; migrations need the database itself"
            " (it says pooler=transaction); connecting is tried for 1 s while it wakes",
        ),
        (
            "/name?host=/nowhere&pooler=rds-proxy",
            "RDS Proxy; migrations need the database itself (it says pooler=rds-proxy);"
            " statements bring no time limits, which the role has to have",
        ),
    ],
)
def test_what_the_address_is_taken_for(look: Look, monkeypatch: pytest.MonkeyPatch, address: str, told: str) -> None:
    monkeypatch.setattr("roliascan.database.profiles.PAUSE_S", 1)
    found = look(DATABASE_URL=f"postgresql://me@{address}", DATABASE_DIRECT_URL="postgresql://me@db.example/name")[1]
    assert found["profile"] == [f"ok: DATABASE_URL is {told}"]


@pytest.mark.parametrize("database_url", [POSTGRESQL, MARIADB], indirect=True)
def test_connections_are_counted(look: Look, database_url: str) -> None:  # SC 71
    has = 247 if database_url.startswith("postgresql") else 250  # PostgreSQL keeps 3 for its administrator
    url = {"DATABASE_URL": database_url, "DATABASE_POOL": "2"}
    status, found = look("--instances", "100", **url)
    told = "DATABASE_POOL: 2 connections for each process, 200 for 100 of them"
    assert (status, found["pool"]) == (0, [f"ok: {told}, of {has} that the server has for all"])
    status, found = look("--instances", "125", **url)
    assert status == 1
    assert found["pool"][0].startswith(
        "wrong: DATABASE_POOL: 2 connections for each process, 250 for 125 of them, of 2"
    )
    assert found["pool"][0].endswith("put a pooler before it, or allow fewer instances")


def test_behind_a_pooler_its_limits_count(look: Look, pooled_url: str) -> None:
    url = {"DATABASE_URL": f"{pooled_url}?pooler=transaction", "DATABASE_DIRECT_URL": "postgresql://u@db.example/d"}
    status, found = look("--instances", "1000", **url, DATABASE_POOL="1")
    assert status == 0
    assert found["pool"][0].startswith("ok: DATABASE_POOL: 1 connections for each process, 1000 for 1000 of them; the")


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5"])
def test_instances_are_a_number(look: Look, count: str) -> None:
    with pytest.raises(SystemExit):
        look("--instances", count)


def test_a_server_that_nobody_checks_is_worth_a_note(look: Look) -> None:
    found = look(DATABASE_URL="postgresql://me@127.0.0.2:1/name?sslmode=require")[1]
    assert found["profile"][1].startswith("note: DATABASE_URL: sslmode=require does not check")


def test_a_storage_that_cannot_be_written(look: Look, sqlite_url: str) -> None:
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL="file:/proc/nowhere")
    assert status == 1
    assert found["storage"] == [
        "wrong: STORAGE_URL: the folder /proc/nowhere cannot be used: No such file or directory."
    ]


def test_an_object_storage(look: Look, sqlite_url: str, s3_url: str) -> None:  # ST-14
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL=s3_url)
    assert status == 0
    assert found["storage"] == [
        "ok: s3: a file was written, read back and deleted",
        "ok: strangers cannot list what is stored",
        "note: IMAGE_URL is not set: every page passes through this service",
        "note: STORAGE_URL: the endpoint is http: files go there unencrypted",
    ]
    raw = Raw(s3_url)
    raw.client.put_bucket_acl(Bucket=raw.bucket, ACL="public-read")
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL=s3_url, IMAGE_URL="https://images.example")
    raw.client.put_bucket_acl(Bucket=raw.bucket, ACL="private")
    assert status == 1
    assert found["storage"][1].startswith("wrong: anybody can list what is stored")


def test_files_at_uploadthing(look: Look, sqlite_url: str, uploadthing_app: App) -> None:
    app = uploadthing_app
    given = {"UPLOAD_METHOD": "cdn", "STORAGE_URL": app.url, "UPLOADTHING_TOKEN": app.token}
    status, found = look(DATABASE_URL=sqlite_url, **given)
    assert (status, app.files) == (0, {})
    assert found["storage"] == [
        "ok: uploadthing: a file was written, read back and deleted",
        "note: UploadThing does not say what becomes of a second file under one key",
        "note: PUBLIC_URL is not set: UploadThing is not asked to call back",
    ]
    status, found = look(DATABASE_URL=sqlite_url, PUBLIC_URL="https://comics.example")
    assert (status, len(found["storage"])) == (0, 2)
    status, found = look(DATABASE_URL=sqlite_url, UPLOADTHING_TOKEN=app.token[5:])
    assert (status, found["storage"][0].startswith("wrong: UPLOADTHING_TOKEN: it is not as")) == (1, True)
    assert app.api_key not in str(found)


def test_private_files(look: Look, sqlite_url: str, s3_url: str) -> None:  # ST-13, ST-14
    settings = {"DATABASE_URL": sqlite_url, "STORAGE_URL": s3_url, "FILES": "private"}
    status, found = look(**settings)
    assert status == 0
    assert found["storage"][2] == "ok: strangers read nothing; at an address that is signed for five minutes one does"
    assert not any("IMAGE_URL" in told for told in found["storage"])
    raw = Raw(s3_url)
    raw.client.put_bucket_policy(Bucket=raw.bucket, Policy=documented("Principal", raw))
    try:
        status, found = look(**settings)
    finally:
        raw.client.delete_bucket_policy(Bucket=raw.bucket)
    assert status == 1
    assert found["storage"][2].startswith("wrong: anybody can read what is stored")
    assert list(open_storage(s3_url).list()) == []


def test_an_object_storage_that_overwrites(look: Look, sqlite_url: str, s3_url: str) -> None:  # ST-03
    with trouble.before(Raw(s3_url).client.meta.endpoint_url) as front:
        front.troubles = ["", "", "yes"]  # as a server that stores whatever the conditions say
        status, found = look(
            DATABASE_URL=sqlite_url, STORAGE_URL=f"{s3_url.partition('&')[0]}&endpoint={front.address}"
        )
    assert status == 1
    assert found["storage"][0].startswith("wrong: s3: a file was overwritten")


def test_an_object_storage_that_cannot_be_used(
    look: Look, sqlite_url: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-21
    bucket = urlsplit(s3_url).netloc
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL=s3_url.replace(bucket, f"{bucket}-gone"))
    assert status == 1
    assert found["storage"] == ["wrong: The bucket of STORAGE_URL is not there: create it, or mend its name."]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL=s3_url)
    assert (status, len(found["storage"])) == (1, 1)
    assert "does not take these credentials" in found["storage"][0]
    assert "hush" not in str(found)
    status, found = look(DATABASE_URL=sqlite_url, STORAGE_URL="s3://comics?acl=public")
    assert (status, found["storage"][0].startswith("wrong: STORAGE_URL: s3: there is no parameter acl")) == (1, True)


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"PUBLIC_URL": "https://comics.example"}, "ok"),
        ({"PUBLIC_URL": "http://127.0.0.1:3000"}, "ok"),
        ({"PUBLIC_URL": "http://comics.example"}, "note"),
        ({"K_SERVICE": "site", "ALLOW_EPHEMERAL": "on"}, "wrong"),
        ({"PUBLIC_URL": "https://comics.example", "IMAGE_URL": "http://images.example"}, "wrong"),
    ],
)
def test_cookies_go_over_https_only(look: Look, sqlite_url: str, settings: dict[str, str], state: str) -> None:
    status, found = look(DATABASE_URL=sqlite_url, **settings)
    assert found["address"][-1].startswith(f"{state}: ")
    assert status == (1 if state == "wrong" else 0)
