"""A folder with what a function needs: packages by their hashes, our code, the platform's files; nothing else."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePath

import roliascan
from roliascan.cli.packaging import NotPackaged
from roliascan.cli.packaging.targets import TARGETS, Order

SOURCE = Path(roliascan.__file__).parent
PROJECT = SOURCE.parents[1]
LINUX = "manylinux_2_28"
"""The oldest C library that wheels may be made for: that of Amazon Linux 2023 and of what Azure runs is newer."""

NEEDLESS_FOLDERS = {"__pycache__", "bin", "test", "tests", "testing", "bench"}
NEEDLESS_ENDINGS = {".pyi", ".pyx", ".pxd", ".pyc", ".c", ".h"}
NEEDLESS_RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "entry_points.txt", "top_level.txt", "uv_cache.json"}
"""What an installer keeps for itself. METADATA, licences and the lists of bundled libraries stay, for who audits."""

MIGRATING = {"__init__.py", "database", "errors.py", "settings.py", "vaults"}
_WITH_LIBRARIES = {"storage/gcs_access.py": "google"}
"""Modules that cannot be imported without what only one platform's lock file has."""
MIGRATING_TOO = {
    *("platforms/__init__.py", "platforms/migrating.py", "platforms/lines.py", "platforms/cloud_logging.py"),
    *("web/__init__.py", "web/logs.py"),
}
"""What of our code a function needs that only migrates."""

Parts = Mapping[str, str]
"""The package that a file of the archive belongs to, by its path."""


def fill(folder: Path, order: Order, tell: Callable[[str], None]) -> Parts:
    """Fills an empty folder; files that are in no part are the platform's. Raises NotPackaged."""
    if not (PROJECT / "requirements").is_dir():
        raise NotPackaged("the lock files are not here: run this from a clone of the project, after make setup")
    locks = [PROJECT / "requirements" / f"{name}.txt" for name in order.locks]
    parts: dict[str, str] = {}
    if order.target.packages is None:
        (folder / "requirements.txt").write_text(_joined(locks), encoding="utf-8")
    else:
        tell(f"Installing {', '.join(order.locks)} for {order.arch} and Python {order.python}")
        packages = folder / order.target.packages
        _install(packages, locks, order)
        parts |= {_under(order.target.packages, path): name for path, name in _installed(packages)}
        _drop_needless(packages)
    for path, text in order.files.items():
        (folder / path).write_text(text, encoding="utf-8")
    _put_ours(folder / order.target.own / "roliascan", order)
    return parts


def _under(folder: str, path: PurePath) -> str:
    return (PurePath(folder) / path).as_posix()


def _install(packages: Path, locks: list[Path], order: Order) -> None:
    asked = ["--python-platform", f"{order.machine}-{LINUX}", "--python-version", order.python]
    command = [uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
    listed = [word for lock in locks for word in ("--requirement", str(lock))]
    environ = {"UV_SYSTEM_CERTS": "1", **os.environ}  # trusts whom pip trusts
    done = subprocess.run(
        [*command, *asked, "--target", str(packages), *listed], env=environ, capture_output=True, text=True
    )
    if done.returncode:
        raise NotPackaged(f"uv could not install them:\n{done.stderr.strip()}")


def uv() -> str:
    """The path of uv's program. Raises NotPackaged."""
    try:
        from uv import find_uv_bin
    except ModuleNotFoundError:
        raise NotPackaged("uv is missing: make setup installs it") from None
    return find_uv_bin()


def _installed(packages: Path) -> Iterator[tuple[PurePath, str]]:
    for distribution in metadata.distributions(path=[str(packages)]):
        yield from ((PurePath(file), distribution.name) for file in distribution.files or ())


def _drop_needless(packages: Path) -> None:
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in NEEDLESS_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and _is_needless(path):
            path.unlink()


def _is_needless(file: Path) -> bool:
    in_record = file.parent.suffix == ".dist-info" and file.name in NEEDLESS_RECORDS
    return in_record or file.suffix in NEEDLESS_ENDINGS or file.name in {".lock", "py.typed"}


def _put_ours(package: Path, order: Order) -> None:
    for file in sorted(SOURCE.rglob("*")):
        path = file.relative_to(SOURCE)
        if file.is_file() and _is_wanted(path, order):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, package / path)
    shutil.copyfile(PROJECT / "LICENSE", package / "LICENSE")
    if not order.migrations:
        from roliascan.web import documents, openapi

        (package / "web" / documents.FROZEN).write_bytes(openapi.document_bytes())


def _is_wanted(path: PurePath, order: Order) -> bool:
    """Whether a file of our code, by its path in it, is for this function."""
    if any(part.startswith(".") or part == "__pycache__" for part in path.parts):
        return False
    if order.migrations:
        own = f"platforms/{order.platform}_migrations.py"
        return path.parts[0] in MIGRATING or path.as_posix() in {*MIGRATING_TOO, own}
    if path.parts[0] in {"cli", "__main__.py"} or "migrations" in path.parts:
        return False
    if path.as_posix() in _WITH_LIBRARIES:
        return _WITH_LIBRARIES[path.as_posix()] == order.platform
    return path.parts[0] != "platforms" or not _is_elsewhere(path.stem, order.platform)


def _is_elsewhere(module: str, platform: str) -> bool:
    """Whether it is of another platform, of a server, or migrates."""
    others = tuple(f"{name}_" for name in TARGETS if name != platform)
    of_a_server = {"server", "serving", "meters", "scraping"}
    return module.startswith(others) or module.endswith("_migrations") or module in {"migrating", *of_a_server}


def _joined(locks: list[Path]) -> str:
    """Lock files as one, which names each package once; without their comments."""
    entries: dict[str, list[str]] = {}
    for lock in locks:
        lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
        starts = [number for number, line in enumerate(lines) if not line.startswith(" ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            entries.setdefault(lines[start].split(" ")[0], lines[start:end])
    return "".join(f"{line}\n" for name in sorted(entries) for line in entries[name])
