"""Look at settings, database, storage and what is installed, and say what is wrong. Prints no secret."""

import argparse
import io
import itertools
import json
import math
import os
import platform
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from importlib import metadata
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from roliascan import __version__
from roliascan.app import storage_of
from roliascan.cli import surroundings
from roliascan.database import BadAddress, Database, Tx, faults, open_database, profiles, references, schema
from roliascan.errors import Refusal
from roliascan.ids import new_id
from roliascan.settings import BadSettings, Settings
from roliascan.storage import KeyTaken, NotStored, Storage, keys

STATES = {"ok": "ok", "note": "NOTE", "wrong": "WRONG"}
ENOUGH_BITS = 128
LITTLE_ROOM = 1 << 30  # bytes
SHOWN = 3
SHORTEST_ANYWHERE = 6  # characters of a secret


class Finding(NamedTuple):
    """What was found out about a part. A note is worth a look; only what is wrong counts as failed."""

    part: str
    state: Literal["ok", "note", "wrong"]
    detail: str


Findings = Iterator[Finding]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument(
        "--instances", type=_instances, metavar="N", help="also count the connections of so many processes"
    )
    parser.add_argument("--references", action="store_true", help="also look for rows that point to what is not there")


def _instances(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000):
        raise argparse.ArgumentTypeError("write a number of processes")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """0 when nothing is wrong, else 1."""
    findings = list(_findings(args))
    wrong = sum(finding.state == "wrong" for finding in findings)
    if args.json:
        told = [finding._asdict() for finding in findings]
        print(json.dumps({"version": __version__, "ok": not wrong, "findings": told}, indent=2))
    else:
        for finding in findings:
            print(f"{STATES[finding.state]:6}{finding.part:11}{finding.detail}")
        print(f"\n{wrong} of these are wrong." if wrong else "\nNothing is wrong.")
    return 1 if wrong else 0


def _findings(args: argparse.Namespace) -> Findings:
    yield from _runtime()
    yield from _packages()
    yield from _pillow()
    try:
        surroundings.load_environment()
    except BadSettings as bad:
        yield from (Finding("settings", "wrong", problem) for problem in bad.problems)
        return
    problems, found = _read(os.environ)
    yield from (Finding("settings", "wrong", problem) for problem in problems)
    if found is None:
        yield Finding("settings", "note", "database and storage are not looked at until these are mended")
        return
    if not problems:
        yield Finding("settings", "ok", "each can be read, and they fit together")
        yield _secret(found.jwt_secret)
    database = partial(_database, instances=args.instances or 1)
    for part in (_public_url, _profile, database, _storage):
        yield from _cleaned(part(found), found)
    if args.references:
        yield from _cleaned(_references(found), found)


def _read(environ: Mapping[str, str]) -> tuple[list[str], Settings | None]:
    """What is wrong with the settings, and the settings where it is only the secret."""
    try:
        return [], Settings.from_environ(environ)
    except BadSettings as bad:
        problems = bad.problems
    some_secret = {"JWT_SECRET": secrets.token_urlsafe(48), "JWT_SECRET_FILE": ""}
    try:
        return problems, Settings.from_environ({**environ, **some_secret})
    except BadSettings:
        return problems, None


def _cleaned(findings: Findings, found: Settings) -> Findings:
    """Without anything secret that a driver may have put into its words."""
    urls = (found.database_url, found.database_direct_url, found.storage_url)
    hidden = {found.jwt_secret, found.uploadthing_token}
    hidden |= {password for url in urls for raw in [_password(url)] for password in (raw, unquote(raw))}
    for finding in findings:
        detail = finding.detail
        for one in sorted(hidden - {""}, key=len, reverse=True):
            detail = _blanked(detail, one)
        yield finding._replace(detail=detail)


def _blanked(text: str, secret: str) -> str:
    """Anywhere; a short one, which is in other words too, only where one writes a value."""
    if len(secret) >= SHORTEST_ANYWHERE:
        return text.replace(secret, "***")
    return re.sub(rf"(?<=[:=/'\"]){re.escape(secret)}(?=[@/&;,'\"\s]|$)", "***", text)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


# What is installed


def _runtime() -> Findings:
    fits = sys.version_info >= (3, 11)
    told = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", "ok" if fits else "wrong", told if fits else f"{told}; 3.11 or newer is needed")


def _packages() -> Findings:
    """The packages that ours says it needs, without its extras."""
    needed = [one for one in metadata.requires("roliascan") or [] if "extra ==" not in one]
    versions = {name: _version(name) for name in (re.split(r"[^\w.-]", one)[0] for one in needed)}
    there = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield Finding("packages", "ok", f"roliascan {__version__}, {there}")
    for name, version in versions.items():
        if version is None:
            yield Finding("packages", "wrong", f"{name} is not installed")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


_DECODERS = {"JPEG": "jpg", "PNG": "zlib", "WebP": "webp", "AVIF": "avif"}
"""Formats that we take, and the library in Pillow that reads each; GIF needs none. Others are never opened."""


_LIBRARIES = ("libjpeg_turbo", "zlib_ng", "zlib", "webp", "avif")
"""Those whose faults would be ours: what they are depends on the wheel, not on our lock file."""


def _pillow() -> Findings:
    try:
        from PIL import features
    except ImportError as error:
        yield Finding("images", "wrong", f"Pillow cannot be loaded: {error}")
        return
    missing = [kind for kind, library in _DECODERS.items() if not features.check(library)]
    bundled = ", ".join(f"{name} {features.version(name)}" for name in _LIBRARIES if features.check(name))
    taken = ", ".join(["GIF", *(kind for kind in _DECODERS if kind not in missing)])
    yield Finding("images", "ok", f"Pillow {features.version('pil')} reads {taken}; its libraries: {bundled}")
    for kind in missing:
        yield Finding("images", "wrong", f"this Pillow cannot read {kind}; install the wheel from its makers")


# What is set


def _secret(secret: str) -> Finding:
    size, different = len(secret.encode()), len(set(secret))
    if size * math.log2(different) >= ENOUGH_BITS:
        return Finding("secret", "ok", f"{size} bytes")
    return Finding("secret", "note", "JWT_SECRET repeats a few characters; make one by: openssl rand -base64 48")


def _public_url(found: Settings) -> Findings:
    url = found.public_url
    if url.startswith("https:"):
        yield Finding("address", "ok", f"PUBLIC_URL is {url}; the cookie is sent over https only")
    elif found.on_function or urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
        given = f"PUBLIC_URL is {url}" if found.public_url_given else "PUBLIC_URL is not set"
        state: Literal["wrong", "note"] = "wrong" if found.on_function else "note"
        yield Finding("address", state, f"{given}: the cookie goes over plain http too; set it to the https address")
    else:
        yield Finding("address", "ok", f"{url}, on this machine; elsewhere set PUBLIC_URL to the https address")
    if url.startswith("https:") and found.image_url.startswith("http:"):
        yield Finding("address", "wrong", "IMAGE_URL is http: browsers show no such image on a page that is https")


# What is reached


class _Server(msgspec.Struct):
    version: str
    tls: str | None
    connections: int | None


class _Variable(msgspec.Struct):
    Variable_name: str
    Value: str


_SERVER = {
    "sqlite": "SELECT sqlite_version() AS version, NULL AS tls, NULL AS connections",
    "postgresql": "SELECT current_setting('server_version') AS version,"
    " (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()) AS tls,"
    " CAST(current_setting('max_connections') AS integer)"
    " - CAST(current_setting('superuser_reserved_connections') AS integer) AS connections",
    "mysql": "SELECT VERSION() AS version, NULL AS tls, @@max_connections AS connections",
}
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL"}


def _profile(found: Settings) -> Findings:
    """What the address is taken for, and what follows from that."""
    url = found.database_url
    try:
        known, unchecked = profiles.profile(url), profiles.unchecked_reason(url)
    except BadAddress:  # is told when it is used
        return
    told = [known.name]
    if known.pooled:
        told.append(f"migrations need the database itself ({known.pooled})")
    if not known.limits:
        told.append("statements bring no time limits, which the role has to have")
    if known.auth:
        told.append(f"one logs in by tokens instead of a password (auth={known.auth})")
    if known.wakes_s:
        told.append(f"connecting is tried for {known.wakes_s} s while it wakes")
    yield Finding("profile", "ok", f"DATABASE_URL is {'; '.join(told)}")
    if unchecked:
        yield Finding("profile", "note", f"DATABASE_URL: {unchecked}")


def _database(found: Settings, *, instances: int) -> Findings:
    try:
        with closing(open_database(found.database_url, pool_size=1)) as db:
            server = _looked_at(db)
            yield from _server(db, server, found.database_url)
            yield from _schema(db)
            yield from _foreign_keys(db)
            yield from _changes(db, switched_off=found.read_only)
            yield _pool(found, server, instances)
    except faults.Unmigrated:  # SQLite has no file yet
        yield Finding("schema", "wrong", faults.Unmigrated.detail)
    except (Refusal, BadAddress) as refusal:
        told = str(refusal.__cause__ or "").strip().replace("\n", "; ")
        yield Finding("database", "wrong", f"DATABASE_URL: {refusal}{f' ({told})' if told else ''}")
    yield from _direct(found)


def _direct(found: Settings) -> Findings:
    """Where migrations connect. Who serves need not know: others may migrate, as another role."""
    is_set = found.database_direct_url != found.database_url
    try:
        direct = profiles.profile(found.database_direct_url)
    except BadAddress as bad:
        if is_set:
            yield Finding("database", "wrong", f"DATABASE_DIRECT_URL: {bad}")
        return
    if not direct.foreign_keys:
        name = "DATABASE_DIRECT_URL" if is_set else "DATABASE_URL"
        yield Finding("profile", "ok", f"{name}: migrations make tables without foreign keys (foreign_keys=off)")
    if direct.pooled and is_set:
        yield Finding("database", "wrong", f"DATABASE_DIRECT_URL: {direct.pooled}; migrations need the direct one")
    elif direct.pooled:
        yield Finding("database", "note", "DATABASE_DIRECT_URL is not set: migrate where it is")


def _changes(db: Database, *, switched_off: bool) -> Findings:
    if switched_off:
        yield Finding("changes", "note", "READ_ONLY is on: every change is refused, reading works")
    if schema.read(db).read_only:
        yield Finding(
            "changes", "note", "the database takes no changes: it is read-only, as a replica or in a fail-over"
        )


def _looked_at(db: Database) -> _Server:
    with db.begin() as tx:
        server = tx.read(_SERVER[db.kind], _Server)[0]
        return msgspec.structs.replace(server, tls=_mysql_tls(tx)) if db.kind == "mysql" else server


def _mysql_tls(tx: Tx) -> str:
    """MySQL and MariaDB keep it in different tables, and show it alike."""
    return tx.read("SHOW SESSION STATUS LIKE 'Ssl_version'", _Variable)[0].Value


def _server(db: Database, server: _Server, url: str) -> Findings:
    name = "MariaDB" if "MariaDB" in server.version else _NAMES[db.kind]
    yield Finding("database", "ok", f"{name} {server.version}")
    if server.tls:
        yield Finding("database", "ok", f"the connection is encrypted ({server.tls})")
    elif db.kind != "sqlite":
        is_near = urlsplit(url).hostname in {None, "localhost", "127.0.0.1", "::1"}
        yield Finding("database", "ok" if is_near else "note", "the connection is not encrypted (no TLS)")


def _schema(db: Database) -> Findings:
    read = schema.read(db)
    state = schema.state(read)
    yield Finding("schema", "ok" if state.fits else "wrong", state.detail)
    if read.sql_mode is not None and state.fits:
        yield Finding("schema", "ok", "the server refuses values that do not fit (strict mode)")


class _Count(msgspec.Struct):
    count: int


_FOREIGN_KEYS = (
    "SELECT COUNT(*) AS count FROM information_schema.table_constraints"
    " WHERE constraint_type = 'FOREIGN KEY' AND table_schema = "
)


def _foreign_keys(db: Database) -> Findings:
    """Providers such as PlanetScale allow none."""
    if db.kind == "sqlite":
        return
    here = "CURRENT_SCHEMA()" if db.kind == "postgresql" else "DATABASE()"
    if db.read(f"{_FOREIGN_KEYS}{here}", _Count)[0].count == 0 and schema.state(schema.read(db)).fits:
        yield Finding("schema", "note", "there are no foreign keys; now and then run: roliascan doctor --references")


def _references(found: Settings) -> Findings:
    try:
        with closing(open_database(found.database_url, pool_size=1)) as db:
            everything = references.all_()
            wrong = [told for one in everything if (told := _dangling(db, one))]
    except (Refusal, BadAddress) as refusal:
        yield Finding("references", "wrong", str(refusal))
        return
    yield from (Finding("references", "wrong", told) for told in wrong)
    if not wrong:
        yield Finding("references", "ok", f"each of the {len(everything)} columns that point to a row finds it")


def _dangling(db: Database, one: references.Reference) -> str:
    """What is wrong with a column, or nothing."""
    lost = references.dangling(db, one)
    shown = list(itertools.islice(lost, SHOWN))
    more = sum(1 for _ in lost)
    told = f"{one.table}.{one.column}: {len(shown) + more} values have no row in {one.to_table}: {', '.join(shown)}"
    return f"{told}{', ...' if more else ''}" if shown else ""


def _pool(found: Settings, server: _Server, instances: int) -> Finding:
    """Connections of all processes together, beside what the server, or a pooler before it, can have."""
    told, wanted = f"DATABASE_POOL: {found.database_pool} connections for each process", found.database_pool
    if instances > 1:
        wanted *= instances
        told += f", {wanted} for {instances} of them"
    if server.connections is None:
        return Finding("pool", "ok", told)
    if profiles.profile(found.database_url).pooled:
        told += (
            f"; the pooler shares {server.connections} of the server among them, and has a limit of its own for them"
        )
        return Finding("pool", "ok", told)
    told += f", of {server.connections} that the server has for all"
    if wanted < server.connections:
        return Finding("pool", "ok", told)
    return Finding("pool", "wrong", f"{told}: put a pooler before it, or allow fewer instances")


def _storage(found: Settings) -> Findings:
    kind = found.storage_url.partition(":")[0]
    try:
        storage = storage_of(found)
        problem = _probed(storage)
    except Refusal as refusal:
        told = str(getattr(refusal.__cause__, "strerror", None) or "")
        yield Finding("storage", "wrong", f"{refusal}{f' ({told})' if told not in str(refusal) else ''}")
        return
    if problem:
        yield Finding("storage", "wrong", f"{kind}: {problem}")
    else:
        yield Finding("storage", "ok", f"{kind}: a file was written, read back and deleted")
    if kind == "memory":
        yield Finding("storage", "note", "nothing that is stored in memory: lasts")
    if kind == "uploadthing":
        yield from _uploadthing(found)
    elif found.in_object_storage:
        yield from _object_storage(found, storage)
    if kind == "file":
        yield _room(found.storage_url.removeprefix("file:").removeprefix("//"))


def _probed(storage: Storage) -> str:
    """What is wrong, or nothing."""
    key, content = f"probe-{secrets.token_hex(16)}.txt", secrets.token_bytes(1000)
    storage.put(key, io.BytesIO(content), type="text/plain")
    try:
        with storage.open(key) as file:
            if file.read() != content:
                return "a file came back as another"
        if not _keeps(storage, key):
            return "a file was overwritten: this server takes no If-None-Match, and cannot be used"
    finally:
        storage.delete(key)
    try:
        storage.open(key).close()
    except NotStored:
        return ""
    return "a file that was deleted is still there"


def _object_storage(found: Settings, storage: Storage) -> Findings:
    """What strangers see of it, and how they come to it."""
    from roliascan.storage.azure import AzureStorage
    from roliascan.storage.gcs import GoogleStorage
    from roliascan.storage.s3 import S3Storage

    if isinstance(storage, S3Storage | AzureStorage | GoogleStorage):
        if storage.is_listed_to_strangers():
            yield Finding(
                "storage", "wrong", "anybody can list what is stored, drafts too: allow strangers to read, not to list"
            )
        else:
            yield Finding("storage", "ok", "strangers cannot list what is stored")
    if found.files == "private":
        yield _private(storage)
    elif not found.image_url:
        yield Finding("storage", "note", "IMAGE_URL is not set: every page passes through this service")
    if "endpoint=http:" in found.storage_url:
        yield Finding("storage", "note", "STORAGE_URL: the endpoint is http: files go there unencrypted")


def _uploadthing(found: Settings) -> Findings:
    yield Finding("storage", "note", "UploadThing does not say what becomes of a second file under one key")
    if not found.public_url_given:
        yield Finding("storage", "note", "PUBLIC_URL is not set: UploadThing is not asked to call back")


def _private(storage: Storage) -> Finding:
    """Strangers read nothing, and who has an address that the storage signed reads that one file."""
    key, content = keys.new_key("pages", new_id(surroundings.now()), "png"), secrets.token_bytes(1000)
    how = {"method": "GET", "type": "image/png", "disposition": "inline"}
    storage.put(key, io.BytesIO(content), type="image/png")
    try:
        address = storage.address(key, **how, expires_at=surroundings.now() + timedelta(minutes=5)) or ""
        signed, bare = _fetched(address), _fetched(address.partition("?")[0])
    finally:
        storage.delete(key)
    if bare == content:
        told = "anybody can read what is stored: with FILES=private allow strangers neither to read nor to list"
        return Finding("storage", "wrong", told)
    if signed != content:
        told = "at an address that the storage signed, a file was not read: clients must reach it, and clocks be right"
        return Finding("storage", "wrong", told)
    return Finding("storage", "ok", "strangers read nothing; at an address that is signed for five minutes one does")


def _fetched(address: str) -> bytes:
    """What is there for anybody; nothing where that is refused."""
    from urllib.request import urlopen

    with suppress(OSError), urlopen(address, timeout=10) as answer:  # noqa: S310 - the storage's own address
        content: bytes = answer.read()
        return content
    return b""


def _keeps(storage: Storage, key: str) -> bool:
    """Whether what is stored is never overwritten."""
    try:
        storage.put(key, io.BytesIO(b"another"), type="text/plain")
    except KeyTaken:
        return True
    return False


def _room(folder: str) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding("storage", "ok" if free > LITTLE_ROOM else "note", f"{free / 1e9:,.1f} GB are free")
