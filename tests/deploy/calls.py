"""How programs may be called by who follows a page: each judge says what is wrong with a call."""

import argparse
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from roliascan import cli
from tests.deploy.hcl import Module

Findings = Iterator[str]


class Call(NamedTuple):
    """Where a program was called, the variables of Terraform that the shell had, and the words, the program's first."""

    folder: Path
    variables: tuple[str, ...]
    words: tuple[str, ...]


def roliascan(call: Call, _clone: Path) -> Findings:
    yield from _parsed(call.words[1:])


def _parsed(words: Sequence[str]) -> Findings:
    """By the real parser."""
    name, *rest = words or ("",)
    if name not in cli.COMMANDS:
        yield f"there is no roliascan {name}"
        return
    module = import_module(f"roliascan.cli.{cli.MODULES.get(name, name)}")
    parser = argparse.ArgumentParser(prog=f"roliascan {name}")
    module.arguments(parser)
    told = io.StringIO()
    with redirect_stderr(told):
        try:
            parser.parse_args(rest)
        except SystemExit:
            yield told.getvalue().strip().rpartition("\n")[2]


def systemd_run(call: Call, clone: Path) -> Findings:
    at = next((at for at, word in enumerate(call.words) if word.endswith("/bin/roliascan")), None)
    if at is None:
        yield "it runs something else"
    else:
        yield from _parsed(call.words[at + 1 :])


def docker(call: Call, clone: Path) -> Findings:
    """`docker compose`, beside its file: services are there, and what they run is a command of ours."""
    file = call.folder / "compose.yml"
    if call.words[1] != "compose" or not file.is_file():
        yield "no compose.yml is here"
        return
    services = yaml.safe_load(file.read_text())["services"]
    verb, *rest = call.words[2:]
    words = [word for at, word in enumerate(rest) if not word.startswith("-") and (at == 0 or rest[at - 1] != "-v")]
    for name in words[:1] if verb == "run" else words:
        if name not in services:
            yield f"there is no service {name}"
    if verb == "run" and words[0] == "app":
        yield from _parsed(rest[rest.index("app") + 1 :])


def make(call: Call, clone: Path) -> Findings:
    for word in call.words[1:]:
        if name := re.fullmatch(r"FROM=(\w+)", word):
            if not (clone / "requirements" / f"{name[1]}.txt").is_file():
                yield f"there is no requirements/{name[1]}.txt"
        elif re.fullmatch(r"[\w.][\w.-]*", word) and word not in _targets(clone):
            yield f"there is no target {word}"


def _targets(clone: Path) -> list[str]:
    return re.findall(r"^([\w.-]+):", (clone / "Makefile").read_text(), re.M)


@cache
def _module(folder: Path, _changed: float) -> Module:
    return Module(folder)


def terraform(call: Call, _clone: Path) -> Findings:
    if not (call.folder / "versions.tf").is_file():
        yield "there is nothing of Terraform's here"
        return
    module = _module(call.folder, max(file.stat().st_mtime for file in call.folder.glob("*.tf")))
    verb, *words = call.words[1:]
    if verb == "output":
        names = [word for word in words if not word.startswith("-")]
        yield from (f"there is no output {name}" for name in names if name not in module.outputs)
        return
    given = {name.removeprefix("TF_VAR_") for name in call.variables}
    for option, value in pairwise(words):
        if option == "-target":
            kind, _, name = value.partition(".")
            if name not in module.resource[kind]:
                yield f"there is no {value}"
        elif option == "-var":
            given.add(value.partition("=")[0])
    yield from (f"there is no variable {name}" for name in sorted(given) if name not in module.variables)
    if verb in ("apply", "destroy"):
        needed = {name for name, one in module.variables.items() if "default" not in one}
        yield from (f"it asks for {name}" for name in sorted(needed - given))


def npx(call: Call, _clone: Path) -> Findings:
    """Of Serverless: parameters and functions are in its file."""
    file = call.folder / "serverless.yml"
    if call.words[1] != "serverless" or not file.is_file():
        yield "there is nothing of Serverless's here"
        return
    text = file.read_text()
    for option, value in pairwise(call.words):
        name = value.partition("=")[0]
        if option == "--param" and not re.search(rf"^    {name}: ", text, re.M):
            yield f"there is no parameter {name}"
        if option == "--function" and not re.search(rf"^  {name}:$", text, re.M):
            yield f"there is no function {name}"


def sam(call: Call, _clone: Path) -> Findings:
    if not (call.folder / "template.yaml").is_file():
        yield "there is no template here"


_FILE = re.compile(r"(?:fileb://|file://)?((?:\.\./|dist/).*)")


def cloud(call: Call, _clone: Path) -> Findings:
    """Files that are sent are there."""
    for word in call.words:
        if (found := _FILE.fullmatch(word)) and not any(call.folder.glob(found[1].replace("...", "*"))):
            yield f"there is no {found[1]}"


def az(call: Call, clone: Path) -> Findings:
    yield from cloud(call, clone)
    if "config-zip" in call.words and "--build-remote false" not in " ".join(call.words):
        yield "az has what is Python's built anew: say --build-remote false"


def pip(call: Call, clone: Path) -> Findings:
    for word in call.words[2:]:
        if word.endswith(".txt") and not (clone / word).is_file():
            yield f"there is no {word}"
        elif "roliascan" in word:
            yield "RoliaScan is in no registry"


JUDGES: Mapping[str, Callable[[Call, Path], Findings]] = {
    "roliascan": roliascan,
    "systemd-run": systemd_run,
    "docker": docker,
    "make": make,
    "terraform": terraform,
    "npx": npx,
    "sam": sam,
    "aws": cloud,
    "az": az,
    "pip": pip,
}
