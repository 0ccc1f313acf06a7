"""systemd's units in deploy/systemd, and what systemd-analyze and our own rules say of them."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.deploy import tree

Section = Mapping[str, list[str]]

PROGRAM = "/opt/roliascan/current/.venv/bin/roliascan"
MOST_EXPOSED = 15
"""Tenths, of what systemd-analyze(1) calls exposure: a service with no setting has 96."""

SAME = {
    "User": "roliascan",
    "EnvironmentFile": "/etc/roliascan.env",
    "StateDirectory": "roliascan",
    "UMask": "0077",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LimitCORE": "0",
}
"""What both services say."""
_LIMITS = ("@resources", "@process", "setrlimit", "prlimit64")


def found() -> Path | None:
    return tree.installed("systemd-analyze")


def read(file: Path) -> Mapping[str, Section]:
    """Sections, with all values of each name, as systemd.syntax(7) has them. Raises ValueError."""
    sections: dict[str, dict[str, list[str]]] = {}
    inside: dict[str, list[str]] | None = None
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            inside = sections.setdefault(line[1:-1], {})
            continue
        name, equals, value = line.partition("=")
        if inside is None or not equals:
            raise ValueError(f"{file.name}, line {number}: neither a section nor NAME=VALUE")
        inside.setdefault(name, []).append(value)
    return sections


def wrong(deploy: Path) -> list[str]:
    """What our own rules find."""
    folder = deploy / "systemd"
    try:
        units = {file.name: read(file) for file in sorted(folder.glob("*.service"))}
        services = {name: unit["Service"] for name, unit in units.items()}
        timer = read(folder / "roliascan-sweep.timer")
    except (ValueError, KeyError, OSError) as error:
        return [f"it cannot be read: {error}"]
    told = [f"{name}: {fault}" for name, service in services.items() for fault in _faults(service)]
    if services["roliascan.service"].get("KillMode") != ["mixed"]:
        told.append("roliascan.service: SIGTERM has to reach the first process alone: KillMode=mixed")
    if units["roliascan.service"]["Unit"].get("StartLimitIntervalSec") != ["0"]:
        told.append("roliascan.service: it gives up while a database starts: StartLimitIntervalSec=0")
    if not timer.get("Timer", {}).get("OnCalendar"):
        told.append("roliascan-sweep.timer: it never comes")
    return told


def _faults(service: Section) -> Iterator[str]:
    for name, value in SAME.items():
        if service.get(name) != [value]:
            yield f"{name} is {', '.join(service.get(name, ['not there']))}, and not {value or 'empty'}"
    filters = service.get("SystemCallFilter", [])
    if not filters or filters[0] != "@system-service":
        yield "SystemCallFilter does not begin with @system-service"
    for line in filters:
        if line.startswith("~") and any(name in line for name in _LIMITS):
            yield f"SystemCallFilter={line}: images would be decoded without limits of memory and time"
    if not all(line.startswith(f"{PROGRAM} ") for line in service.get("ExecStart", [""])):
        yield f"ExecStart does not begin with {PROGRAM}"


def verified(deploy: Path) -> list[str]:
    """By `systemd-analyze verify`, which wants the program to be there."""
    folder = deploy / "systemd" / "made-verify"
    folder.mkdir(exist_ok=True)
    for file in _units(deploy):
        (folder / file.name).write_text(file.read_text().replace(PROGRAM, sys.executable))
    files = sorted(folder.iterdir())
    status, told = tree.run([str(found()), "verify", "--man=no", *files], folder)
    return [told.strip()] if status or told.strip() else []


def exposed(deploy: Path) -> list[str]:
    """By `systemd-analyze security`."""
    limit = f"--threshold={MOST_EXPOSED}"
    services = [file for file in _units(deploy) if file.suffix == ".service"]
    return [
        one
        for file in services
        for one in tree.findings([str(found()), "security", "--offline=yes", "--no-pager", limit, file], deploy)
    ]


def _units(deploy: Path) -> list[Path]:
    return sorted(file for file in (deploy / "systemd").iterdir() if file.suffix in (".service", ".timer"))
