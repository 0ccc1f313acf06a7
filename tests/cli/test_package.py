"""Function packages: what is in them, what is not, and that two builds are one."""

import importlib.util
import json
import marshal
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from roliascan.cli.packaging import NotPackaged, filling, machines
from roliascan.cli.packaging.targets import Order
from roliascan.web import openapi
from tests.cli import packages
from tests.cli.packages import Package
from tests.cli.places import Place, Ran
from tests.servers import program

REQUIREMENTS = program.PROJECT / "requirements"
LOCKED = re.compile(r"^([a-z0-9.-]+)==\S+", re.M)
MOST = 10_000_000
MOST_ON_AZURE = 15_000_000  # Azure's runtime has no library for its own storage, as Amazon's has
"""Bytes of a package without Pillow."""

TWICE = [("google",), *([("aws",), ("aws", "--migrations"), ("azure",)] if packages.ALL else [])]
# Of other machines and Pythons than those of the tests.
ELSEWHERE = [("google",), *([("aws",), ("aws", "--arch", "x86_64"), ("azure",)] if packages.ALL else [])]


@pytest.fixture(scope="module")
def aws() -> Package:
    return packages.built("aws")


@pytest.fixture
def run(bare_place: Place) -> Callable[..., Ran]:
    bare_place.environ = dict(os.environ)  # which says how this machine reaches packages
    return lambda *words: bare_place.run("package", *words)


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(package.file) as archive:
        return archive.namelist()


def locked(*locks: str) -> set[str]:
    return {name for lock in locks for name in LOCKED.findall((REQUIREMENTS / f"{lock}.txt").read_text())}


def test_it_holds_what_is_locked_and_nothing_else(aws: Package) -> None:
    parts = {part["name"].lower().replace("_", "-") for part in aws.told["parts"]}
    assert parts == locked("runtime") | {"roliascan"}
    assert not {"alembic", "granian", "boto3", "tqdm", "python-dotenv", "uv"} & parts


def test_it_holds_nothing_that_a_function_has_no_use_for(aws: Package) -> None:
    """SC 58: no `.env`, no hidden file at all; no tests, no stubs, no command line, no other platform."""
    needless = re.compile(
        r"(^|/)\.|(^|/)(tests?|testing|bench)/|\.pyi$|\.c$|\.lock$|^bin/|RECORD$"
        r"|^roliascan/(cli|database/migrations)/|^roliascan/platforms/(google|azure|server|serving|migrating|aws_mig)"
    )
    assert [name for name in names(aws) if needless.search(name)] == []


def test_no_hidden_file_gets_into_it(
    bare_place: Place, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    """SC 58"""
    source = bare_place.home / "roliascan"
    shutil.copytree(filling.SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".env", "web/.env", "web/.git/config"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("JWT_SECRET=a")
    monkeypatch.setattr(filling, "SOURCE", source)
    built = json.loads(run("google", "--json").out)
    with zipfile.ZipFile(bare_place.home / built["archive"]) as archive:
        assert [name for name in archive.namelist() if "/." in name] == []
        assert "roliascan/web/routes.py" in archive.namelist()


def test_it_holds_a_licence_for_each_package(aws: Package) -> None:
    licensed = {name.split("-")[0].lower() for name in names(aws) if re.search(r"LICEN[CS]E|COPYING|AUTHORS", name)}
    assert licensed >= {name.replace("-", "_") for name in locked("runtime")}
    assert "roliascan/LICENSE" in names(aws)


def test_the_archive_says_nothing_of_when_and_where_it_was_made(aws: Package) -> None:
    with zipfile.ZipFile(aws.file) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {(info.date_time, info.external_attr >> 16) for info in infos} == {((1980, 1, 1, 0, 0, 0), 0o100644)}


@pytest.mark.parametrize("words", TWICE, ids=" ".join)
def test_two_builds_have_one_hash(words: tuple[str, ...], tmp_path: Path) -> None:
    first = packages.built(*words)
    again = packages.package(*words, *packages.here(words[0]), output=tmp_path)
    assert again["sha256"] == first.told["sha256"]
    assert [file.name for file in tmp_path.iterdir()] == [first.file.name]


def test_every_module_has_byte_code_that_nobody_checks(aws: Package) -> None:
    """PEP 552: magic number, flags (1: by hash, 2: to be checked), hash; then the code, which names its file there."""
    modules = [name for name in names(aws) if name.endswith(".py")]
    assert aws.told["byteCode"]
    assert len(modules) > 300
    for module in modules:
        source = aws.folder / module
        content = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert content[:8] == importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
        assert content[8:16] == importlib.util.source_hash(source.read_bytes())
        code: CodeType = marshal.loads(content[16:])
        assert code.co_filename == f"/var/task/{module}"


def test_sizes_are_told_by_part(aws: Package) -> None:
    told = aws.told
    assert (
        sum(part["zipped"] for part in told["parts"]) + len(b"PK\5\6") + 18 == told["bytes"] == aws.file.stat().st_size
    )
    assert sum(part["files"] for part in told["parts"]) == len(names(aws))
    pillow = next(part["zipped"] for part in told["parts"] if part["name"] == "pillow")
    assert told["bytesWithoutPillow"] == told["bytes"] - pillow <= MOST


@pytest.mark.parametrize("words", ELSEWHERE, ids=" ".join)
def test_it_is_small_on_each_platform(words: tuple[str, ...], tmp_path: Path) -> None:
    told = packages.package(*words, output=tmp_path)
    assert (told["compiledFiles"] > 30) == (words != ("google",))
    assert told["bytesWithoutPillow"] <= (MOST_ON_AZURE if words[0] == "azure" else MOST)


def test_the_openapi_document_is_frozen_in_it(aws: Package) -> None:
    assert (aws.folder / "roliascan/web/openapi.json").read_bytes() == openapi.document_bytes()
    source = """
import sys
from roliascan.web import documents
document = documents.document_bytes()
print(len(document), "roliascan.web.openapi" in sys.modules)"""
    assert packages.alone(source, aws.folder).split() == [str(len(openapi.document_bytes())), "False"]


@pytest.mark.parametrize("words", [("aws",), *([("aws", "--migrations")] if packages.ALL else [])], ids=" ".join)
def test_every_module_in_it_finds_what_it_imports(words: tuple[str, ...]) -> None:
    source = """
import os, pkgutil, sys, roliascan
os.environ["JWT_SECRET"] = "0123456789abcdef0123456789abcdef"
names = [one.name for one in pkgutil.walk_packages(roliascan.__path__, "roliascan.") if ".migrations." not in one.name]
names = [name for name in names if ".tracing" not in name]  # their library is a layer
for name in names:
    __import__(name)
print(*names)"""
    found = packages.alone(source, packages.built(*words).folder).split()
    own = "aws_migrations" if "--migrations" in words else "aws_lambda"
    assert f"roliascan.platforms.{own}" in found


def test_images_are_decoded_within_it(aws: Package) -> None:
    source = """
from PIL import features
print(*(features.check(name) for name in ("jpg", "zlib", "webp", "avif")))"""
    assert packages.alone(source, aws.folder).split() == ["True"] * 4


# What is refused


def _elf(machine: int, order: int = 1) -> bytes:
    return b"\x7fELF" + bytes([2, order]) + bytes(12) + machine.to_bytes(2, "little") + bytes(40)


@pytest.mark.parametrize(
    ("arch", "content", "refused"),
    [
        ("arm64", _elf(183), ""),
        ("x86_64", _elf(62), ""),
        ("arm64", _elf(62), "not compiled for arm64"),
        ("x86_64", _elf(183), "not compiled for x86_64"),
        ("arm64", _elf(183, order=2), "not compiled for arm64"),
        ("arm64", b"\x7fELF", "no such file"),
        ("arm64", b"MZ", "no such file"),
    ],
    ids=["arm64", "x86_64", "x86_64 for arm64", "arm64 for x86_64", "big-endian", "cut short", "another system's"],
)
def test_what_is_compiled_for_another_machine_is_refused(
    arch: str, content: bytes, refused: str, tmp_path: Path
) -> None:
    (tmp_path / "a.so").write_bytes(content)
    order = Order("aws", arch, "3.13", migrations=False)
    if not refused:
        assert machines.check(tmp_path, order) == 1
        return
    with pytest.raises(NotPackaged, match=rf"a\.so .*{refused}"):
        machines.check(tmp_path, order)


@pytest.mark.parametrize(
    ("written", "instead"), [(r"(?<=sha256:)[0-9a-f]{64}", "0" * 64), (r" \\\n +--hash=\S+", "")], ids=["wrong", "none"]
)
def test_what_no_hash_vouches_for_is_refused(
    written: str, instead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    shutil.copytree(REQUIREMENTS, tmp_path / "requirements")
    lock = tmp_path / "requirements" / "runtime.txt"
    lock.write_text(re.sub(written, instead, lock.read_text()))
    monkeypatch.setattr(filling, "PROJECT", tmp_path)
    done = run("aws", *packages.here("aws"), "--output", tmp_path / "out")
    packages.skip_out_of_reach(done.err)
    assert done.status == 1
    assert "uv could not install them" in done.err
    assert "hash" in done.err.lower()
    assert list((tmp_path / "out").iterdir()) == []


def test_it_works_from_a_clone_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]) -> None:
    monkeypatch.setattr(filling, "PROJECT", tmp_path)
    done = run("google")
    assert (done.status, done.out) == (1, "")
    assert "from a clone" in done.err


@pytest.mark.parametrize(
    "words", [(), ("heroku",), ("aws", "--python", "3.9"), ("azure", "--arch", "arm64")], ids=" ".join
)
def test_wrong_use(words: tuple[str, ...], run: Callable[..., Ran]) -> None:
    assert run(*words).status == 2


# Others


def test_without_the_platforms_python_there_is_no_byte_code_and_that_is_told(run: Callable[..., Ran]) -> None:
    done = run("google", "--python", "3.19", "--json")
    assert not json.loads(done.out)["byteCode"]
    assert "There is no Python 3.19 here" in done.err


def test_the_table(run: Callable[..., Ran], bare_place: Place) -> None:
    done = run("google", "--output", "packages")
    assert done.lines[0].split() == ["part", "files", "KB", "zipped", "KB"]
    assert [line.split()[0] for line in done.lines[1:4]] == ["roliascan", "(entry)", "together"]
    assert (bare_place.home / done.lines[-1]).is_file()


@pytest.mark.parametrize(("words", "lock"), [(("google",), "runtime"), (("google", "--migrations"), "migrations")])
def test_google_installs_what_is_locked(words: tuple[str, ...], lock: str) -> None:
    package = packages.built(*words)
    told = (package.folder / "requirements.txt").read_text()
    assert set(LOCKED.findall(told)) == locked(lock, "google")
    assert len(LOCKED.findall(told)) == len(set(LOCKED.findall(told)))
    assert "functions-framework==" in told
    assert set(re.findall(r"sha256:\w+", told)) <= {
        found
        for one in (lock, "google")
        for found in re.findall(r"sha256:\w+", (REQUIREMENTS / f"{one}.txt").read_text())
    }
    assert {name.partition("/")[0] for name in names(package)} - {"__pycache__"} == {
        "main.py",
        "requirements.txt",
        "roliascan",
    }
