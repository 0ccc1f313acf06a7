"""Writes names/google.json or names/azurerm.json anew, for the resources that the templates use.

    python -m tests.deploy.bindings google WHEEL

The wheels are cdktf-cdktf-provider-google 16.12.1 and -azurerm 14.23.1 (PyPI), whose classes were made from the schemas
of the providers google 6.50.0 and azurerm 4.55.0. azapi.json is by hand, from that provider's documentation.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.deploy import hcl, names
from tests.servers.program import PROJECT

_ALL = {"count", "for_each", "depends_on", "provider", "lifecycle", "connection", "provisioners", "alias"}
"""What every resource takes."""

_ARGUMENT = re.compile(r":param (\w+): .*?#(\w+) \w+#")
_KINDS = {"builtins.str": "string", "builtins.bool": "bool", "jsii.Number": "number"}

Classes = Mapping[str, ast.ClassDef]


def read(wheel: Path, provider: str, types: list[str]) -> dict[str, Any]:
    """By type, and of the provider itself, as names.py says."""
    with ZipFile(wheel) as bindings:
        return {type_: _schema(bindings, provider, type_) for type_ in ["provider", *types]}


def _schema(bindings: ZipFile, provider: str, type_: str) -> dict[str, Any]:
    place = f"data_{type_[5:]}" if type_.startswith("data.") else type_.removeprefix(f"{provider}_")
    source = bindings.read(f"cdktf_cdktf_provider_{provider}/{place}/__init__.py").decode()
    classes = {one.name: one for one in ast.parse(source).body if isinstance(one, ast.ClassDef)}
    main = next(iter(classes.values()))
    arguments = dict(sorted(_arguments(main, classes)))
    results = {
        one.name: _type(one.returns) for one in main.body if isinstance(one, ast.FunctionDef) and _is_result(one)
    }
    told = {name: type_ for name, type_ in sorted(results.items()) if name not in arguments}
    return {"arguments": arguments, "results": told}


def _is_result(one: ast.FunctionDef) -> bool:
    return not one.name.endswith("_input") and any("builtins.property" in ast.unparse(by) for by in one.decorator_list)


def _arguments(of: ast.ClassDef, classes: Classes) -> Iterator[tuple[str, list[Any]]]:
    made = next(one for one in of.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    called = dict(_ARGUMENT.findall(ast.get_docstring(made) or ""))
    for argument, default in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True):
        if argument.arg in _ALL:
            continue
        text = ast.unparse(argument.annotation or ast.Name("None"))
        within = next((name for name in re.findall(r"\w+", text) if name in classes), None)
        about: Any = dict(sorted(_arguments(classes[within], classes))) if within else _type(argument.annotation)
        many = [True] if within and "Sequence" in text else []
        yield called.get(argument.arg, argument.arg), [default is None, about, *many]


def _type(annotation: ast.expr | None) -> Any:
    """As Terraform writes types in JSON; what is not plain is left open."""
    text = ast.unparse(annotation) if annotation else ""
    kind = next((kind for name, kind in _KINDS.items() if re.search(rf"{re.escape(name)}\b(?!,)", text)), "dynamic")
    if "bool" in text:
        kind = "bool"
    of = ["map", kind] if "Mapping[" in text else kind
    return ["list", of] if "Sequence[" in text or "List[" in text else of


if __name__ == "__main__":
    cloud, wheel = sys.argv[1:]
    provider = names.PROVIDERS[cloud][0]
    module = hcl.Module(PROJECT / "deploy" / "terraform" / cloud)
    types = sorted({type_ for type_, _, _ in names.blocks(module) if f"{provider}_" in type_})
    told = read(Path(wheel), provider, types)
    lines = (f"{json.dumps(type_)}: {json.dumps(about)}" for type_, about in told.items())
    (names.FOLDER / f"{provider}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
