"""The server as the unit, and the image, confine it: as nobody, on file systems that cannot be written."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from roliascan.library.decoding import MOST_MEMORY
from tests import drawings
from tests.deploy import container, units
from tests.faults.wire import Wire
from tests.front import File, form
from tests.servers import program

PROGRAM = str(Path(sys.executable).with_name("roliascan"))
PASSWORD = "correct horse battery"
KINDS = ("png", "jpeg", "webp", "gif", "avif")
DEPLOY = program.PROJECT / "deploy"
UNIT = DEPLOY / "systemd" / "roliascan.service"


def _prefix(folder: Path, unit: Path | str) -> list[str]:
    return [sys.executable, "-m", "tests.deploy.confined", str(folder), str(unit)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for what can be written, with a short path."""
    place = program.server_directory("confined")
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def root() -> None:
    """Read-only file systems take root; so does becoming nobody."""
    if os.geteuid() or not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"]).returncode:
        pytest.skip("needs root, and a new mount namespace")


@pytest.fixture(scope="module")
def seccomp() -> None:
    if not units.found():
        pytest.skip("needs systemd-analyze")


@contextmanager
def served(folder: Path, unit: Path | str, command: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """With an administrator, made before."""
    port = program.free_port()
    address = f"http://127.0.0.1:{port}"
    words = ["admin", "create", "--email", "aiko@comics.example", "--username", "aiko", "--password", PASSWORD]
    script = f"{shlex.join([command[0], *words])} && exec {shlex.join(command)}"
    with program.running(
        [*_prefix(folder, unit), "/bin/sh", "-c", script],
        environ={**environ, "PORT": str(port), "DATA_DIR": f"{folder}/data"},
        ready=lambda: program.answers(f"{address}/health"),
    ):
        yield address


def uses(address: str) -> None:
    """Hashes a password, decodes images of each kind, and reads what was stored."""
    wire = Wire(address)
    token = wire.ask("POST", "auth/login", json={"login": "aiko", "password": PASSWORD}).json["token"]
    series = wire.ask("POST", "series", by=token, json={"title": "Yoru", "author": "Aiko"}).json
    chapter = wire.ask("POST", f"series/{series['id']}/chapters", by=token, json={"number": 1}).json
    files = [File("file", drawings.page(kind, 20, 30), f"a.{kind}") for kind in KINDS]
    sent = wire.ask("POST", f"chapters/{chapter['id']}/pages", by=token, form=form(*files))
    assert sent.status == 201, sent
    chapter = wire.ask("POST", f"chapters/{chapter['id']}/publish", by=token).json
    for page in chapter["pages"]:
        assert wire.ask("GET", page["url"]).status == 200
    wire.close()


def _decoders() -> list[str]:
    """The limits of each process that decodes, behind seccomp filters, and not where we are, as other tests' are."""
    found = []
    here = os.readlink("/proc/self/ns/mnt")
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            decodes = b"roliascan.library.decoding" in (place / "cmdline").read_bytes()
            decodes = decodes and os.readlink(place / "ns" / "mnt") != here
            if decodes and "Seccomp:\t2" in (place / "status").read_text():
                found.append((place / "limits").read_text())
    return found


def test_what_is_to_be_refused_is(root: None, seccomp: None, folder: Path) -> None:
    """Else the other tests prove nothing."""
    tries = {
        "write": "open('/usr/here', 'w')",
        "own": "import tempfile; tempfile.TemporaryFile()",
        "execute": "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "map": "import mmap; mmap.mmap(-1, 4096)",
        "packets": "import socket; socket.socket(17, socket.SOCK_RAW)",
        "chroot": "import os; os.chroot('/tmp')",
        "limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))",
    }
    code = "import json\ndone = {}\nfor name, one in " + repr(tries) + ".items():\n"
    code += "    try:\n        exec(one)\n        done[name] = ''\n"
    code += "    except OSError as error:\n        done[name] = type(error).__name__\nprint(json.dumps(done))"
    told = subprocess.run(
        [*_prefix(folder, UNIT), sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    done = json.loads(told.stdout)
    assert {name for name, refused in done.items() if not refused} == {"own", "map", "limit"}


def test_the_unit_lets_the_server_work_and_its_decoder_keep_its_limit(root: None, seccomp: None, folder: Path) -> None:
    service = units.read(UNIT)["Service"]
    (command,) = service["ExecStart"]
    with served(folder, UNIT, command.replace(units.PROGRAM, PROGRAM).split(), {"HOST": "127.0.0.1"}) as address:
        uses(address)
        limits = _decoders()
        assert limits
        assert all(re.search(rf"^Max address space +{MOST_MEMORY} ", one, re.M) for one in limits), limits


def test_the_unit_that_sweeps_lets_it(root: None, seccomp: None, folder: Path) -> None:
    unit = UNIT.with_name("roliascan-sweep.service")
    (line,) = units.read(unit)["Service"]["ExecStart"]
    command = [*_prefix(folder, unit), *line.replace(units.PROGRAM, PROGRAM).split()]
    environ = program.environment({"DATA_DIR": f"{folder}/data"})
    told = subprocess.run(command, env=environ, cwd=program.PROJECT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_the_command_of_the_image_runs_as_it_is_given(root: None, folder: Path) -> None:
    """With the image's environment and nothing else, but for the port and the place of its data."""
    image = container.stages(DEPLOY / "container" / "Dockerfile")[-1]
    environ = image.environment()
    environ["PATH"] = environ["PATH"].replace("/opt/roliascan/bin", str(Path(PROGRAM).parent))
    command = [*image.words("ENTRYPOINT"), *image.words("CMD")]
    with served(folder, "none", command, environ) as address:
        uses(address)
        asks = {**environ, "PORT": address.rpartition(":")[2]}
        health = image.words("HEALTHCHECK")
        assert subprocess.run(health, env=asks, capture_output=True, check=False).returncode == 0
    assert subprocess.run(health, env=asks, capture_output=True, check=False).returncode != 0
