"""GitHub's workflows in deploy/github-actions: our own rules on them, and zizmor."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy import tree

CLOUDS = ("aws", "google", "azure")
ORDER = ("Log in", "Expand", "Deploy", "Smoke", "Roll back")
_RIGHTS = {"contents": "read", "deployments": "read", "id-token": "write"}
_PINNED = re.compile(r"uses: (\./[\w./-]+( # zizmor: .*)?|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
_SECRETS = {"SMOKE_PASSWORD"}
"""What GitHub keeps: clouds get its word instead, and databases' addresses are in their stores."""
_SCRIPT = re.compile(r"deploy/github-actions/([\w-]+\.sh)")


def read(deploy: Path) -> dict[str, Any]:
    """Each workflow by its name. Raises yaml.YAMLError."""
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted(_folder(deploy).glob("*.yml"))}


def _folder(deploy: Path) -> Path:
    return deploy / "github-actions"


def wrong(deploy: Path) -> list[str]:
    """What our own rules find."""
    try:
        found = read(deploy)
        told = [f"{name}: {fault}" for name in found for fault in _faults(found[name])]
        told += [f"{name}: {fault}" for name in CLOUDS for fault in _disorder(found[name]["jobs"])]
        told += [f"package: {fault}" for fault in _untested(found["package"]["jobs"])]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        return [f"it cannot be read: {error!r}"]
    for file in sorted(_folder(deploy).glob("*.yml")):
        told += [f"{file.stem}: {fault}" for fault in _written_badly(file.read_text(), _folder(deploy))]
    return told


def _faults(workflow: Mapping[Any, Any]) -> Iterator[str]:
    if workflow.get("permissions") != {}:
        yield "begin with permissions: {}"
    if "pull_request_target" in workflow[True]:  # YAML's word for `on`
        yield "pull_request_target runs what strangers wrote, with our rights"
    for name, job in workflow["jobs"].items():
        for right, kind in job.get("permissions", {"all": "write"}).items():
            if _RIGHTS.get(right) != kind:
                yield f"{name}: permissions: {right}: {kind} is not needed"
        if "id-token" in job.get("permissions", {}) and "environment" not in job:
            yield f"{name}: id-token without an environment, whose rules a cloud can ask for"
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"{name}: timeout-minutes"
        for step in job.get("steps", []):
            if "checkout@" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
                yield f"{name}: persist-credentials: false, as nothing is pushed"
            if "${{" in step.get("run", ""):
                yield f"{name}: ${{{{ }}}} within run is read as a part of the script: pass it by env"


def _disorder(jobs: Mapping[str, Any]) -> Iterator[str]:
    """Expand, deploy, and take nothing back from the database."""
    release = jobs["release"]
    if release.get("needs") != "package" or not str(jobs["package"].get("uses")).endswith("/package.yml"):
        yield "what is released has to come from package.yml, which tests it"
    names = [str(step.get("name", "")) for step in release["steps"]]
    places = [next((at for at, name in enumerate(names) if name.startswith(one)), -1) for one in ORDER]
    if -1 in places or places != sorted(places):
        yield f"release: the steps have to be {', '.join(ORDER)}, in this order"
        return
    back = release["steps"][places[-1]]
    if "failure()" not in back.get("if", "") or "steps.deploy." not in back["if"]:
        yield "Roll back: it is for a failure after Deploy began"
    if "migrat" in back["run"]:
        yield "Roll back: the database is never migrated down"


def _untested(jobs: Mapping[str, Any]) -> Iterator[str]:
    if jobs["package"].get("needs") != "test" or ".ci/run" not in str(jobs["test"]["steps"]):
        yield "what is packed has to be tested first, by .ci/run"
    scripts = [str(step.get("run", "")) for step in jobs["package"]["steps"]]
    guards = [at for at, script in enumerate(scripts) if "one-release.sh" in script]
    if not guards or any("roliascan package" in script for script in scripts[: guards[0]]):
        yield "one-release.sh has to refuse before anything is packed"


def _written_badly(text: str, folder: Path) -> Iterator[str]:
    for line in text.splitlines():
        if "uses: " in line and not _PINNED.search(line):
            yield f"{line.strip()}: name the commit, and the version behind it"
    for secret in sorted(set(re.findall(r"secrets\.(\w+)", text)) - _SECRETS):
        yield f"secrets.{secret}: a key that lasts; a cloud takes GitHub's word instead"
    for script in sorted(set(_SCRIPT.findall(text))):
        if not (folder / script).is_file():
            yield f"{script} is not there"


def scripts(deploy: Path) -> list[str]:
    """Whether a shell can read each script."""
    folders = (_folder(deploy), deploy / "container")
    files = [file for folder in folders for file in sorted(folder.glob("*.sh"))]
    return [told for file in files for told in tree.findings([_shell(file), "-n", file], file.parent)]


def _shell(file: Path) -> str:
    return file.read_text().partition("\n")[0].removeprefix("#!")


def zizmor() -> Path | None:
    return tree.installed("deploy/bin/zizmor")


def linted(deploy: Path) -> list[str]:
    """By zizmor, where GitHub wants the files to be."""
    place = _folder(deploy) / "made-repository"
    (place / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
    for file in _folder(deploy).glob("*.yml"):
        shutil.copy(file, place / ".github" / "workflows")
    return tree.findings([str(zizmor()), "--offline", "--no-progress", "--persona", "pedantic", place], place)


def yamllint() -> Path | None:
    return tree.installed("deploy/bin/yamllint")


_STYLE = (
    "{extends: default, rules: {line-length: {max: 120}, truthy: {check-keys: false}, document-start: disable, "
    "comments: {min-spaces-from-content: 1}, braces: disable}}"
)


def styled(deploy: Path) -> list[str]:
    """Workflows and compose.yml, by yamllint."""
    files = [*_folder(deploy).glob("*.yml"), deploy / "container" / "compose.yml"]
    return tree.findings([str(yamllint()), "--strict", "-d", _STYLE, *files], deploy)
