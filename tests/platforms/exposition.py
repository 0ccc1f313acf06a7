"""A strict reader of Prometheus' text format: each family has its type, in one place, and each series is once."""

import re
from collections import defaultdict

Series = tuple[str, frozenset[tuple[str, str]]]

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\Z", re.ASCII)
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|\Z)', re.ASCII)


def read(text: str) -> dict[Series, float]:
    """The value of each series. Raises AssertionError where Prometheus would not take it, or might misread it."""
    assert text.endswith("\n"), "the last line has no end"
    found: dict[Series, float] = {}
    types: dict[str, str] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family, type_ = line[7:].split(" ")
            assert family not in types, f"{family} is there twice"
            assert type_ in {"counter", "gauge", "histogram"}, line
            assert (type_ == "counter") == family.endswith("_total"), line
            types[family] = type_
        elif not line.startswith("# HELP "):
            name, labels, value = _series(line)
            of = re.sub("_(bucket|sum|count)$", "", name) if types.get(family) == "histogram" else name
            assert of == family, f"{name} is not beside its type"
            assert (name, labels) not in found, f"{line} is there twice"
            found[name, labels] = value
    _histograms(found, {name for name, type_ in types.items() if type_ == "histogram"})
    return found


def _series(line: str) -> tuple[str, frozenset[tuple[str, str]], float]:
    match = _LINE.match(line)
    assert match, line
    labels = _LABEL.findall(match[2] or "")
    assert "".join(f'{name}="{value}",' for name, value in labels).rstrip(",") == (match[2] or ""), line
    assert len({name for name, _ in labels}) == len(labels), line
    return match[1], frozenset(labels), float(match[3])


def _histograms(found: dict[Series, float], names: set[str]) -> None:
    """Buckets grow, the last has no bound, and is the count."""
    buckets: dict[Series, list[tuple[float, float]]] = defaultdict(list)
    for (name, labels), value in found.items():
        if name.removesuffix("_bucket") in names and name.endswith("_bucket"):
            bound = dict(labels)["le"]
            buckets[name.removesuffix("_bucket"), labels - {("le", bound)}].append((float(bound), value))
    for (name, labels), values in buckets.items():
        assert values == sorted(values), name
        assert [value for _, value in values] == sorted(value for _, value in values), name
        assert values[-1] == (float("inf"), found[f"{name}_count", labels]), name
        assert (f"{name}_sum", labels) in found, name
