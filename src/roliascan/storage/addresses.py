"""What STORAGE_URL says of an object storage: scheme://host/path?name=value, with nothing in it that nobody reads."""

import os
import re
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from roliascan.storage import BadKey, UnknownStorage
from roliascan.storage.keys import check_prefix

ENDPOINT = (r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", "https://storage.example.org")


class Address(NamedTuple):
    """`names` are the host and the first segments of the path, as many as were asked for.

    `prefix` is the rest of the path, which is empty or ends with a slash; `options` has "" for what was not given.
    """

    names: tuple[str, ...]
    prefix: str
    options: dict[str, str]


def parsed(url: str, *, form: str, names: Mapping[str, str], options: Mapping[str, tuple[str, str]]) -> Address:
    """`form`: how it is written. `names`, in their order, by regular expressions; `options` with an example each.

    Raises UnknownStorage, which quotes no value.
    """
    if "@" in url.partition("?")[0]:
        raise wrong(url, "no credentials belong into it; see docs/deploy/storages.md for where they do")
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise wrong(url, f"write {form}") from None
    _check(url, given, options)
    segments = [parts.netloc, *filter(None, [parts.path.strip("/")])]
    segments = "/".join(segments).split("/")
    found = [*segments, *[""] * len(names)][: len(names)]
    for (name, allowed), value in zip(names.items(), found, strict=True):
        if not re.fullmatch(allowed, value) or parts.fragment:
            raise wrong(url, f"there is no such {name}; write {form}")
    prefix = "".join(f"{segment}/" for segment in segments[len(names) :])
    return Address(tuple(found), _prefix(url, prefix), {**dict.fromkeys(options, ""), **dict(given)})


def wrong(url: str, why: str) -> UnknownStorage:
    return UnknownStorage(f"STORAGE_URL: {url.partition(':')[0]}: {why}.")


def _check(url: str, given: list[tuple[str, str]], options: Mapping[str, tuple[str, str]]) -> None:
    if unknown := sorted({name for name, _ in given} - set(options)):
        raise wrong(url, f"there is no parameter {', '.join(unknown)}; there is {', '.join(options)}")
    if len(dict(given)) < len(given):
        raise wrong(url, "a parameter is here twice")
    for name, value in given:
        form, example = options[name]
        if not re.fullmatch(form, value):
            raise wrong(url, f"{name} is written as in {name}={example}")


def _prefix(url: str, prefix: str) -> str:
    try:
        return check_prefix(prefix)
    except BadKey:
        raise wrong(url, "the prefix has letters, digits, dots, dashes and slashes, none of them a dot first") from None


def installed(url: str, *, library: str, lock: str) -> None:
    """Raises UnknownStorage where the library that speaks with this storage is not here. Nothing of it is loaded.

    `importlib.util.find_spec` would load the packages that it is in.
    """
    place = library.replace(".", os.sep)
    if not any(os.path.isdir(os.path.join(folder, place)) for folder in sys.path):
        how = f".venv/bin/pip install --require-hashes -r requirements/{lock}.txt"
        raise wrong(url, f"its library is not installed here; install it, in the clone's folder, with: {how}")
