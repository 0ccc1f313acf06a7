"""What files in deploy/ have to be, whoever reads them: YAML, JSON and TOML are whole, and no line has loose ends."""

import json
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml


class _Strict(yaml.SafeLoader):
    """Takes any tag, and each key once."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> None:
    keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    if twice := {key for key in keys if isinstance(key, str) and keys.count(key) > 1}:
        raise yaml.constructor.ConstructorError(
            None, None, f"{', '.join(sorted(twice))} is there twice", node.start_mark
        )
    loader.construct_mapping(node, deep=True)


def _other(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Strict.add_constructor("tag:yaml.org,2002:map", _mapping)
_Strict.add_multi_constructor("!", _other)

_READERS: dict[str, Callable[[str], object]] = {
    ".yml": lambda text: list(yaml.load_all(text, _Strict)),
    ".yaml": lambda text: list(yaml.load_all(text, _Strict)),
    ".json": json.loads,
    ".toml": tomllib.loads,
}


_MADE = ("made-*", "node_modules", ".[!.]*", "*.zip")
"""By checks and by the tools; nobody writes it."""


def wrong(deploy: Path) -> list[str]:
    return [told for file in _files(deploy) for told in _faults(file, str(file.relative_to(deploy)))]


def _files(folder: Path) -> Iterator[Path]:
    for one in sorted(folder.iterdir()):
        if any(fnmatch(one.name, made) for made in _MADE):
            continue
        if one.is_dir():
            yield from _files(one)
        else:
            yield one


def _faults(file: Path, name: str) -> Iterator[str]:
    text = file.read_text()
    try:
        _READERS.get(file.suffix, len)(text)
    except (ValueError, yaml.YAMLError) as error:
        yield f"{name}: {error}"
    loose = [str(number) for number, line in enumerate(text.split("\n"), 1) if line != line.rstrip() or "\t" in line]
    if loose or not text.endswith("\n") or text.endswith("\n\n"):
        yield f"{name}: tabs or spaces at the end, line {', '.join(loose) or 'last'}"
