"""The Dockerfile and compose.yml in deploy/container: read, and judged by rules of our own and by hadolint."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.deploy import tree
from tests.servers import program

_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|DATABASE_URL", re.I)
_TAGGED = re.compile(r"[\w./-]+:(?!latest$)[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?\Z")
_BUILDING = re.compile(r"\b(apt-get|apt|gcc|curl|wget|pip install|uv)\b")
_SHOWN = re.compile(r"127\.0\.0\.1:\d+:\d+\Z")
PROGRAM = "roliascan"


class Stage(NamedTuple):
    """Its image, and its instructions: name and text, in order."""

    image: str
    steps: list[tuple[str, str]]

    def last(self, name: str) -> str:
        """The text of the last instruction of this name, which is the one that counts; empty where there is none."""
        return next((text for step, text in reversed(self.steps) if step == name), "")

    def words(self, name: str) -> list[str]:
        """What an ENTRYPOINT or a CMD runs, which has to be a list."""
        text = self.last(name)
        return [str(word) for word in json.loads(text[text.index("[") :])] if "[" in text else []

    def environment(self) -> dict[str, str]:
        pairs = (pair for step, text in self.steps if step == "ENV" for pair in shlex.split(text))
        return dict(pair.split("=", 1) for pair in pairs)


def stages(dockerfile: Path) -> list[Stage]:
    """Raises ValueError."""
    found: list[Stage] = []
    for line in _instructions(dockerfile.read_text()):
        name, _, text = line.partition(" ")
        if name == "FROM":
            found.append(Stage(text.split()[0], []))
        elif found:
            found[-1].steps.append((name, text.strip()))
        elif name != "ARG":
            raise ValueError(f"{name} before any FROM")
    if not found:
        raise ValueError("it has no FROM")
    return found


def _instructions(text: str) -> Iterator[str]:
    """Each on a line of its own."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    yield from re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def wrong(deploy: Path) -> list[str]:
    """What our own rules find in the Dockerfile."""
    try:
        found = stages(deploy / "container" / "Dockerfile")
        return [*_faults_of_all(found), *_faults_of_last(found[-1])]
    except ValueError as error:
        return [f"it cannot be read: {error}"]


def _faults_of_all(found: list[Stage]) -> Iterator[str]:
    if len(found) < 2:
        yield "what builds stays in the image: it needs a stage of its own"
    for stage in found:
        if not _TAGGED.match(stage.image):
            yield f"FROM {stage.image}: name a version"
        for name, text in stage.steps:
            if name == "ADD":
                yield f"ADD {text}: COPY takes from here alone, and unpacks nothing"
            if name in ("ENV", "ARG") and _SECRET.search(text):
                yield f"{name} {text.split('=')[0]}: a secret would be part of the image"
            if re.search(r"pip\b[^&|;]* install ", text) and not re.search(r"--no-index|--require-hashes", text):
                yield f"{name} {text}: installed without --require-hashes"


def _faults_of_last(last: Stage) -> Iterator[str]:
    user = last.last("USER")
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user):
        yield f"USER {user or 'is not there'}: a number that is not root's, which others can check"
    if "/health" not in last.last("HEALTHCHECK"):
        yield "no HEALTHCHECK asks /health"
    if last.words("ENTRYPOINT") != [PROGRAM] or not last.words("CMD"):
        yield "ENTRYPOINT and CMD have to be lists: a shell would keep SIGTERM to itself"
    for name, text in last.steps:
        if name == "COPY" and "--chown=0:0" not in text:
            yield f"COPY {text}: --chown=0:0, so that who serves cannot change the code"
        if name == "COPY" and "--from=" not in text:
            yield f"COPY {text}: only what was built"
        if name == "RUN" and (built := _BUILDING.search(text)):
            yield f"RUN {built.group()}: nothing is built or fetched in the last stage"


def ignores(deploy: Path) -> list[str]:
    """What a build may see is a list of what is needed."""
    lines = (deploy / "container" / "Dockerfile.dockerignore").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    if named[:1] != ["*"]:
        return ["Dockerfile.dockerignore does not begin with *: .env and data/ would go into a build"]
    needed = [line[1:] for line in named if line.startswith("!")]
    return [f"{one} is not there" for one in needed if not (program.PROJECT / one).exists()]


def composed(deploy: Path) -> list[str]:
    """What our own rules find in compose.yml."""
    try:
        document = yaml.safe_load((deploy / "container" / "compose.yml").read_text())
        services: Mapping[str, Any] = document["services"]
    except (yaml.YAMLError, KeyError) as error:
        return [f"it cannot be read: {error}"]
    told = [f"{name}: {fault}" for name, service in services.items() for fault in _faults_of_service(service)]
    for name in ("app", "sweep"):
        if services[name].get("depends_on", {}).get("migrate") != {"condition": "service_completed_successfully"}:
            told.append(f"{name}: it starts before the database is migrated")
    if services["migrate"].get("command") != ["migrate", "up"] or services["migrate"].get("restart") != "no":
        told.append("migrate: it has to run `migrate up`, once")
    given = set(document.get("secrets", {}))
    asked = {secret for service in services.values() for secret in service.get("secrets", [])}
    return told + [f"secret {name}: not there" for name in sorted(asked ^ given)]


def _faults_of_service(service: Mapping[str, Any]) -> Iterator[str]:
    if not service.get("read_only"):
        yield "its root file system can be written: read_only"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "it keeps rights that it does not need: cap_drop, security_opt"
    if service.get("privileged") or service.get("network_mode") == "host":
        yield "it is not confined: privileged, network_mode"
    if not re.match(r"roliascan:\$\{ROLIASCAN_VERSION:\?", image := service["image"]) and not _TAGGED.match(image):
        yield f"image {image}: name a version"
    for port in service.get("ports", []):
        if not _SHOWN.match(port):
            yield f"port {port}: open to the world, past the proxy"
    for name, value in service.get("environment", {}).items():
        if _SECRET.search(name) and not name.endswith("_FILE") and not str(value).startswith("${"):
            yield f"{name}: a secret is written here"


def hadolint() -> Path | None:
    return tree.installed("deploy/bin/hadolint")


def linted(deploy: Path) -> list[str]:
    return tree.findings([str(hadolint()), "--failure-threshold", "style", "Dockerfile"], deploy / "container")
