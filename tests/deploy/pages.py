"""The pages in docs/deploy as people follow them: their commands, in order, in a copy, with every program played.

What is marked as `sh` on a page, or stands after a `$` in a `console`, is run by bash as it is; each command that a
sentence names after it, in a shell of its own. A program does nothing but write down how it was called. How it was
called is judged afterwards: by our own parser, by what the templates have, by what lies in the copy.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.deploy import sam, terraform, tree
from tests.deploy.calls import JUDGES, Call
from tests.servers import program, serverless_offline

ROUTES = {
    "aws, Serverless": ("aws", ("What all need", "Serverless Framework", "What it costs when it is read")),
    "aws, SAM": ("aws", ("What all need", "SAM")),
    "aws, Terraform": ("aws", ("What all need", "Terraform", "Back up, and restore")),
    "google": ("google", ("From nothing", "Watch", "Afterwards")),
    "azure": ("azure", ("From nothing", "Watch", "What it costs", "Afterwards")),
    "server, systemd": ("server", ("With systemd", "Watch")),
    "server, containers": ("server", ("With containers",)),
    **{page: (page, ()) for page in ("pipeline", "packaging", "databases", "storages", "../operations")},
}
"""From nothing to a running site: a page, and those of its sections that lie on the way; where none is named, all."""

REAL = (
    *(
        "basename",
        "bash",
        "cat",
        "chmod",
        "cp",
        "dirname",
        "env",
        "grep",
        "head",
        "ln",
        "mkdir",
        "mktemp",
        "openssl",
        "rm",
    ),
    *("sed", "sh", "tr", "unzip"),
)
PLAYED = {
    "terraform": 'case "$*" in *-json*) echo \'{"site":"site","migrations":"migrations"}\';; output*) echo told;; esac',
    "git": 'case "$*" in *worktree*) ln -sfn "$CLONE" "$6";; clone*) ln -s "$CLONE" "$3";; *) echo abc1234;; esac',
    "python3": f'exec {sys.executable} "$@"',
    "aws": 'case "$*" in *invoke*) echo {} >out.json;; *stdin*) cat >/dev/null;; esac',
    "gcloud": 'case "$*" in *data-file*) cat >/dev/null;; *) echo told;; esac',
    "az": "echo told",
    "curl": """echo '{"token":"told"}'""",
    "tee": "cat",
    "install": "",
    "systemd-run": "cat >/dev/null",
    "journalctl": """echo '"level":"error"'""",
    "docker": 'case "$*" in *create*) cat >/dev/null;; esac',
    **dict.fromkeys(("apt", "certbot", "nginx", "npm", "npx", "sam", "systemctl", "useradd", "zip"), ""),
    **dict.fromkeys(("make", "pip", "roliascan"), ""),
}
"""What each prints; first it writes down how it was called."""
_STRICTLY = "set -Eeuo pipefail\ntrap 'echo at: $BASH_COMMAND >&2' ERR"
ELSEWHERE = re.compile(r"(?<![\w.:/$}])/(?=(?:etc|opt|var|srv|backups|dev/tty)\b)")
SPOKEN = (*PLAYED, "as_site", "release", "./build.sh", "build.sh", ".venv/bin/roliascan", ".venv/bin/pip")
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=(?:\$\([^)]*\)|[^ ]*) )+")
_PROMPTED = re.compile(r"^\$ (.*)$", re.M)
_PART = re.compile(
    r"^```(?P<kind>\w*)\n(?P<block>.*?)^```$|^#+ (?P<title>[^\n]*)$|(?<!`)`(?P<span>[^`\n]+)`", re.M | re.S
)


class Part(NamedTuple):
    """A block of commands, or one command that a sentence names."""

    text: str
    is_block: bool


def found() -> bool:
    return all(map(shutil.which, REAL))


def wrong(deploy: Path) -> list[str]:
    """What a reader would stumble over, on each way."""
    with ThreadPoolExecutor(2) as pool:
        told = pool.map(lambda route: list(follow(deploy, route, PLAYED)), ROUTES)
        return [f"{route}: {one}" for route, found in zip(ROUTES, told, strict=True) for one in found]


def follow(deploy: Path, route: str, programs: Mapping[str, str]) -> Iterator[str]:
    page, sections = ROUTES[route]
    parts = read((deploy.parent / "docs" / "deploy" / f"{page}.md").read_text(), sections)
    with tempfile.TemporaryDirectory(prefix="roliascan-pages-") as place:
        clone, calls = _copy(deploy.parent, Path(place)), Path(place, "calls")
        path = _programs(Path(place), clone, calls, programs)
        if not sections:
            path += f":{clone}/.venv/bin"
        is_played = programs is PLAYED
        script = "".join(_written(part, Path(place, "root")) for part in parts if part.is_block or is_played)
        command = [shutil.which("bash") or "bash", "-c", f"{_STRICTLY}\n{script}"]
        done = subprocess.run(
            command,
            cwd=clone,
            env={"PATH": path, "HOME": place, "CLONE": str(clone), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or (is_played and done.stderr):  # within $( ) a failure stops nothing
            yield done.stderr.replace(place, "").strip()[-2000:] or f"it ended with {done.returncode}"
        for call in _made(calls):
            judge = JUDGES.get(call.words[0], _nothing)
            yield from (f"{' '.join(call.words)}: {told}" for told in judge(call, clone))


def _nothing(_call: Call, _clone: Path) -> Iterator[str]:
    yield from ()


def read(text: str, sections: tuple[str, ...]) -> Iterator[Part]:
    """The commands of a page, in order; of the sections named, or of all."""
    title = ""
    for part in _PART.finditer(text.partition("\n")[2]):
        if part["title"]:
            title = part["title"]
        elif not sections or title in sections:
            if part["kind"] == "sh":
                yield Part(part["block"], True)
            elif part["kind"] == "console":
                yield Part("".join(f"{line}\n" for line in _PROMPTED.findall(part["block"])), True)
            elif part["span"] and _is_command(part["span"]):
                yield Part(part["span"], False)


def _is_command(span: str) -> bool:
    words = _ASSIGNED.sub("", span).split()
    return len(words) > 2 and words[0] in SPOKEN


def _written(part: Part, root: Path) -> str:
    """As it stands, but for folders of the machine."""
    text = ELSEWHERE.sub(f"{root}/", part.text)
    return text if part.is_block else f"( {text}\n)\n"


def _copy(project: Path, place: Path) -> Path:
    clone = place / "clone"
    shutil.copytree(project / "deploy", clone / "deploy", ignore=tree.MADE)
    shutil.copytree(project / "dist", clone / "dist")
    for name in ("Makefile", "requirements"):
        (clone / name).symlink_to(program.PROJECT / name)
    for folder in ("etc/systemd/system", "etc/nginx/conf.d", "etc/prometheus", "opt/roliascan", "dev"):
        (place / "root" / folder).mkdir(parents=True)
    return clone


def _programs(place: Path, clone: Path, calls: Path, programs: Mapping[str, str]) -> str:
    """A folder with what a page may call, and nothing else."""
    folder = place / "bin"
    folder.mkdir()
    calls.mkdir()
    for name in REAL:
        (folder / name).symlink_to(shutil.which(name) or name)
    for name, code in programs.items():
        there = clone / ".venv" / "bin" if name in ("roliascan", "pip") else folder
        there.mkdir(parents=True, exist_ok=True)
        note = f"""printf '%s\\0' "$PWD" "$(env | grep -o '^TF_VAR_[a-z_]*' | tr '\\n' ' ')" {name} "$@" >{calls}/$$"""
        (there / name).write_text(f"#!/bin/sh\n{note}\n{code}\n")
        (there / name).chmod(0o755)
    return str(folder)


def _made(calls: Path) -> Iterator[Call]:
    """A file for each, because those on both sides of a pipe are made at once."""
    for file in sorted(calls.iterdir(), key=lambda file: file.stat().st_mtime_ns):
        folder, given, *words = file.read_text().removesuffix("\0").split("\0")
        yield Call(Path(folder), tuple(given.split()), tuple(words))


def tried(deploy: Path) -> list[str]:
    """The ways to AWS with its tools as they are: they do all up to where they ask who one is, and ask just that."""
    for route in ("aws, SAM", "aws, Terraform", "aws, Serverless"):
        if told := [f"{route}: {one}" for one in follow(deploy, route, _real())]:
            return told
    return []


def _real() -> Mapping[str, str]:
    modules = serverless_offline.INSTALLED
    osls = shlex.join([shutil.which("node") or "node", f"{modules}/serverless/bin/serverless.js"])
    sam_, terraform_ = shlex.join([str(sam.found())]), shlex.join(map(str, terraform.found() or []))
    quiet = "".join(f"export {name}={value}\n" for name, value in tree.QUIET.items() if "KEY" not in name)
    providers = f'provider_installation {{ filesystem_mirror {{ path = "{terraform.providers("aws")}" }} }}'
    mirror = f"export TF_CLI_CONFIG_FILE=$HOME/mirror; echo '{providers}' >$HOME/mirror"
    head = f'{quiet}export PATH="$PATH:{os.defpath}"\n{_WITHOUT_ACCOUNT}'
    return {
        **PLAYED,
        "npm": f'[ "$1" = install ] && ln -s {modules} node_modules',
        "npx": f'{head}shift\ncase "$1" in deploy) fails {osls} "$@";; esac',
        "sam": f'{head}case "$1" in deploy) yes "" | fails {sam_} "$@";; *) {sam_} "$@" >&2;; esac',
        "terraform": f'{head}{mirror}\ncase "$1" in init) {terraform_} "$@" >&2;; apply) fails {terraform_} "$@";; '
        f"*) {PLAYED['terraform']};; esac",
    }


_WITHOUT_ACCOUNT = """fails() {
    told="$("$@" 2>&1)" && { echo "$* needs no account" >&2; exit 1; }
    case "$told" in *redential*) ;; *) echo "$told" >&2; exit 1 ;; esac
}
"""
