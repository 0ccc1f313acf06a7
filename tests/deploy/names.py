"""What a provider of Terraform calls things, where the provider itself cannot be had: resources, arguments, results.

names/PROVIDER.json has them by type. `arguments` are lists of whether one is needed, and its type, or of a block what
is in it, and True where there may be several; `results` are types. bindings.py writes the files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.deploy import hcl

FOLDER = Path(__file__).with_name("names")
PROVIDERS = {"google": ["google"], "azure": ["azurerm", "azapi"]}
META = {"count", "for_each", "depends_on", "provider", "lifecycle", "dynamic"}
_REFERENCE = re.compile(
    r"(?<![\w.])(data\.)?(var|local|(?:google|azurerm|azapi)_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?"
)

Names = Mapping[str, Any]


def known(cloud: str) -> dict[str, Any]:
    files = [FOLDER / f"{provider}.json" for provider in PROVIDERS[cloud]]
    return {type_: about for file in files for type_, about in json.loads(file.read_text()).items()}


def wrong(cloud: str, deploy: Path) -> list[str]:
    """Arguments that the provider does not know, or that are missing; references to what is not there."""
    module, names = hcl.Module(deploy / "terraform" / cloud), known(cloud)
    return [*_unknown(module, names), *_astray(module, names)]


def blocks(module: hcl.Module) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind, places in (("", module.resource), ("data.", module.data)):
        for type_, named in places.items():
            yield from ((kind + type_, name, one) for name, one in named.items())


def _unknown(module: hcl.Module, names: Names) -> Iterator[str]:
    for type_, name, one in blocks(module):
        if type_ in names:
            yield from _differences(f"{type_}.{name}", one, names[type_]["arguments"])
        else:
            yield f"there is no resource {type_}"


def _differences(where: str, block: Mapping[str, Any], arguments: Names) -> Iterator[str]:
    dynamic = {name: one["content"] for part in block.get("dynamic", []) for name, one in part.items()}
    given = {**{name: value for name, value in block.items() if name not in META}, **dynamic}
    for name, about in arguments.items():
        if about[0] and name not in given:
            yield f"{where}: {name} is missing"
    for name, value in given.items():
        if name not in arguments:
            yield f"{where}: there is no {name}"
        elif isinstance(within := arguments[name][1], dict) and isinstance(value, list):
            for one in (one for one in value if isinstance(one, dict)):
                yield from _differences(f"{where}.{name}", one, within)


def _astray(module: hcl.Module, names: Names) -> Iterator[str]:
    for text in _texts([module.resource, module.data, module.names, module.outputs]):
        for found in _REFERENCE.finditer(text):
            data, type_, name, result = found.groups()
            places, about = module.data if data else module.resource, names.get(f"{data or ''}{type_}", {})
            if type_ in {"var", "local"}:
                if f"{type_}.{name}" not in module.names:
                    yield f"there is no {found[0]}"
            elif name not in places.get(type_, {}) or (result and not any(result in part for part in about.values())):
                yield f"there is no {found[0]}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from (str(key), *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
