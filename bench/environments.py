"""Clean environments that hold what is deployed and nothing else: one of ours, one of the reference."""

import shutil
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PROGRAMS = Path(__file__).with_name("programs")
HOME = PROJECT / ".tools" / "bench"
# Only migrations and the command line need them; no function's package has them.
NOT_DEPLOYED = shutil.ignore_patterns("__pycache__", "cli", "migrations")


def settings(url: str) -> dict[str, str]:
    """The environment variables of a process that reads the database at `url`."""
    return {
        "DATABASE_URL": url,
        "JWT_SECRET": "an example that is long enough to be one",
        "STORAGE_URL": "memory:",
        "LANG": "C.UTF-8",
    }


@cache
def ours() -> Path:
    """The Python of an environment with requirements/runtime.txt, the package, and our programs."""
    python, site = _filled("ours", PROJECT / "requirements" / "runtime.txt")
    _put(PROJECT / "src" / "roliascan", site)
    _put(PROGRAMS / "floor", site)
    shutil.copy(PROGRAMS / "answering.py", site)
    shutil.copy(PROGRAMS / "invoking.py", site)
    return python


@cache
def reference() -> Path:
    """The Python of an environment with bench/requirements/reference.txt and the reference."""
    python, site = _filled("reference", Path(__file__).parent / "requirements" / "reference.txt")
    _put(PROGRAMS / "reference", site)
    shutil.copy(PROGRAMS / "invoking.py", site)
    return python


def _filled(name: str, lock: Path) -> tuple[Path, Path]:
    """The Python and the site-packages of an environment; it is made anew when its lock file has changed."""
    home = HOME / name
    python = home / "bin" / "python"
    site = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
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
    shutil.copytree(package, site / package.name, ignore=NOT_DEPLOYED)
    compile_all = [sys.executable, "-m", "compileall", "-q", str(site / package.name)]
    subprocess.run(compile_all, check=True)
