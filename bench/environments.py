"""Clean environments that hold what is deployed and nothing else: one of ours, one of the reference."""

import json
import platform
import shutil
import subprocess
import sys
import venv
import zipfile
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PROGRAMS = Path(__file__).with_name("programs")
HOME = PROJECT / ".tools" / "bench"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def settings(url: str) -> dict[str, str]:
    """The environment variables of a process that reads the database at `url`."""
    return {
        "DATABASE_URL": url,
        "JWT_SECRET": "an example that is long enough to be one",
        "STORAGE_URL": "memory:",
        "LANG": "C.UTF-8",
    }


@cache
def package() -> Path:
    """The archive of the function for Lambda, as this machine and this Python would run it."""
    command = [str(Path(sys.executable).with_name("roliascan")), "package", "aws", "--json", "--output", str(HOME)]
    arch = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    done = subprocess.run([*command, "--arch", arch, "--python", VERSION], check=True, stdout=subprocess.PIPE)
    return Path(json.loads(done.stdout)["archive"])


@cache
def ours() -> Path:
    """The Python of an environment with the unpacked package, and our programs."""
    python, site = _place("ours")
    venv.create(HOME / "ours", clear=True, symlinks=True)
    unpack(site)
    _put(PROGRAMS / "floor", site)
    shutil.copy(PROGRAMS / "answering.py", site)
    return python


def unpack(folder: Path) -> Path:
    """Puts the package into a folder."""
    with zipfile.ZipFile(package()) as archive:
        archive.extractall(folder)
    return folder


@cache
def reference() -> Path:
    """The Python of an environment with bench/requirements/reference.txt and the reference."""
    python, site = _filled("reference", Path(__file__).parent / "requirements" / "reference.txt")
    _put(PROGRAMS / "reference", site)
    return python


def reference_packages() -> Path:
    """All that the reference imports, itself included."""
    reference()
    return _place("reference")[1]


def _place(name: str) -> tuple[Path, Path]:
    return HOME / name / "bin" / "python", HOME / name / "lib" / f"python{VERSION}" / "site-packages"


def _filled(name: str, lock: Path) -> tuple[Path, Path]:
    """The Python and the site-packages of an environment; it is made anew when its lock file has changed."""
    home = HOME / name
    python, site = _place(name)
    kept = home / "lock.txt"
    if not (site.exists() and kept.exists() and kept.read_text() == lock.read_text()):
        print(f"Filling {home.relative_to(PROJECT)} from {lock.relative_to(PROJECT)}", file=sys.stderr)
        venv.create(home, clear=True, symlinks=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--quiet", "--no-input", "--python", str(python)]
        locked = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
        subprocess.run([*pip, "install", *locked], check=True)
        shutil.copyfile(lock, kept)
    return python, site


def _put(package: Path, site: Path) -> None:
    """A package as a deployment has it: with its byte code."""
    shutil.rmtree(site / package.name, ignore_errors=True)
    shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    compile_all = [sys.executable, "-m", "compileall", "-q", str(site / package.name)]
    subprocess.run(compile_all, check=True)
