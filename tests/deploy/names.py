"""What a provider of Terraform calls things, where the provider itself cannot be had: resources, arguments, results.

    python -m tests.deploy.names google WHEEL     writes names/google.json anew, for the resources in use

The names were read from the bindings cdktf-cdktf-provider-google 16.12.1 and -azurerm 14.23.1 (PyPI), which were made
from the schemas of the providers google 6.50.0 and azurerm 4.55.0.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from roliascan import __file__ as ours
from tests.deploy import hcl

FOLDER = Path(__file__).with_name("names")
PROVIDERS = {"google": "google", "azure": "azurerm"}
OTHERS: dict[str, Any] = {
    "azapi_resource": {
        "arguments": {
            "type": True,
            "name": False,
            "parent_id": False,
            "location": False,
            "tags": False,
            "identity": [False, {"type": True, "identity_ids": False}],
            "body": False,
        },
        "results": ["id", "name", "output", "identity"],
    }
}
"""What no bindings tell: of azapi, by hand from its documentation; what stands in `body` only Azure knows."""
META = {"count", "for_each", "depends_on", "provider", "lifecycle", "dynamic"}
_NOT_ARGUMENTS = META | {"connection", "provisioners"}
_ARGUMENT = re.compile(r":param (\w+): .*?#(\w+) \w+#")
_REFERENCE = re.compile(
    r"(?<![\w.])(data\.)?(var|local|(?:google|azurerm|azapi)_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?"
)

Names = Mapping[str, Any]
"""Arguments of a block: whether each is needed; of a block within, a pair of that and its own names."""


def wrong(cloud: str, deploy: Path) -> list[str]:
    """Arguments that the provider does not know, or that are missing; references to what is not there."""
    module = hcl.Module(deploy / "terraform" / cloud)
    known = OTHERS | json.loads((FOLDER / f"{PROVIDERS[cloud]}.json").read_text())
    return [*_unknown(module, known), *_astray(module, known)]


def _blocks(module: hcl.Module) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind, places in (("", module.resource), ("data.", module.data)):
        for type_, named in places.items():
            yield from ((kind + type_, name, one) for name, one in named.items())


def _unknown(module: hcl.Module, known: Names) -> Iterator[str]:
    for type_, name, one in _blocks(module):
        if type_ in known:
            yield from _differences(f"{type_}.{name}", one, known[type_]["arguments"])
        else:
            yield f"there is no resource {type_}"


def _differences(where: str, block: Mapping[str, Any], names: Names) -> Iterator[str]:
    dynamic = {name: one["content"] for part in block.get("dynamic", []) for name, one in part.items()}
    given = {**{name: value for name, value in block.items() if name not in META}, **dynamic}
    for name, about in names.items():
        if (about[0] if isinstance(about, list) else about) and name not in given:
            yield f"{where}: {name} is missing"
    for name, value in given.items():
        if name not in names:
            yield f"{where}: there is no {name}"
        elif isinstance(about := names[name], list) and isinstance(value, list):
            for one in (one for one in value if isinstance(one, dict)):
                yield from _differences(f"{where}.{name}", one, about[1])


def _astray(module: hcl.Module, known: Names) -> Iterator[str]:
    for text in _texts([module.resource, module.data, module.names, module.outputs]):
        for found in _REFERENCE.finditer(text):
            data, type_, name, result = found.groups()
            places = module.data if data else module.resource
            results = known.get(f"{data or ''}{type_}", {}).get("results", [])
            if type_ in {"var", "local"}:
                if f"{type_}.{name}" not in module.names:
                    yield f"there is no {found[0]}"
            elif name not in places.get(type_, {}) or (result and result not in results):
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


def read(wheel: Path, cloud: str, types: list[str]) -> dict[str, Any]:
    """Of each type `arguments`, as above, and `results`: all that can be asked of it."""
    provider = PROVIDERS[cloud]
    told: dict[str, Any] = {}
    with ZipFile(wheel) as bindings:
        for type_ in types:
            place = f"data_{type_[5:]}" if type_.startswith("data.") else type_.removeprefix(f"{provider}_")
            source = bindings.read(f"cdktf_cdktf_provider_{provider}/{place}/__init__.py").decode()
            classes = {one.name: one for one in ast.parse(source).body if isinstance(one, ast.ClassDef)}
            main = next(iter(classes.values()))
            told[type_] = {"arguments": _arguments(main, classes), "results": _results(main)}
    return told


def _results(of: ast.ClassDef) -> list[str]:
    found = {
        one.name
        for one in of.body
        if isinstance(one, ast.FunctionDef)
        for by in one.decorator_list
        if "builtins.property" in ast.unparse(by)
    }
    return sorted(name for name in found if not name.endswith("_input"))


def _arguments(of: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> dict[str, Any]:
    made = next(one for one in of.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    called = dict(_ARGUMENT.findall(ast.get_docstring(made) or ""))
    told: dict[str, Any] = {}
    for argument, default in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True):
        if argument.arg in _NOT_ARGUMENTS:
            continue
        within = next(
            (
                name
                for name in re.findall(r"\w+", ast.unparse(argument.annotation or ast.Name("None")))
                if name in classes
            ),
            None,
        )
        name, needed = called.get(argument.arg, argument.arg), default is None
        told[name] = [needed, _arguments(classes[within], classes)] if within else needed
    return dict(sorted(told.items()))


if __name__ == "__main__":
    cloud, wheel = sys.argv[1:]
    module = hcl.Module(Path(ours).parents[2] / "deploy" / "terraform" / cloud)
    types = sorted({type_ for type_, _, _ in _blocks(module)} - set(OTHERS))
    FOLDER.mkdir(exist_ok=True)
    names = read(Path(wheel), cloud, types)
    lines = (f"{json.dumps(type_)}: {json.dumps(about)}" for type_, about in names.items())
    (FOLDER / f"{PROVIDERS[cloud]}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
