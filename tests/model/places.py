"""The same site on several databases at once: what is asked of one is asked of all, and all must answer as expected."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.front import Asker, Clock, Site, everything, opened, told
from tests.model.model import Address, Answer, Name
from tests.servers import databases, parts

NOTHING = Name("nothing")
"""An identifier of nothing."""

_NOWHERE = "01a20846-fe00-7ece-bc0b-f87796bb3294"


class Place:
    """A site on one database, with the identifiers that it gave to what the model has a name for."""

    def __init__(self, kind: str, site: Site) -> None:
        self.kind = kind
        self.site = site
        self.ids: dict[Name, str] = {}
        self.askers: dict[Name | None, Asker] = {}
        self._order = list(_children_first(site)) if kind == "sqlite" else []
        self.forget([])

    def forget(self, tables: Sequence[str]) -> None:
        """Empties it, children before what they refer to."""
        for table in tables:
            self.site.write(f"DELETE FROM {table}")
        self.site.write("UPDATE counters SET value = 0")
        self.ids = {NOTHING: _NOWHERE}
        self.askers = {None: self.site.stranger}

    @property
    def tables(self) -> Sequence[str]:
        """Those that are empty at first, in the order in which they can be emptied."""
        return self._order

    def sign_up(self, name: Name, role: str) -> None:
        asker = self.site.sign_up(role, username=name)
        self.askers[name], self.ids[name] = asker, asker.id

    def plain(self, value: Any) -> Any:
        """With identifiers for names."""
        if isinstance(value, Name):
            return self.ids.get(value, f"(no identifier for {value})")
        if isinstance(value, Address):
            found = self.site.values("storage_key", "files WHERE id = :id", id=self.ids.get(value.page, _NOWHERE))
            return f"/uploads/{found[0]}" if found else f"(no address for {value.page})"
        if isinstance(value, Mapping):
            return {key: self.plain(one) for key, one in value.items()}
        return [self.plain(one) for one in value] if isinstance(value, list | tuple) else value

    def learn(self, expected: Any, actual: Any) -> None:
        """The identifiers of what is new, where the model has its name."""
        if isinstance(expected, Name) and isinstance(actual, str):
            self.ids.setdefault(expected, actual)
        elif isinstance(expected, Mapping) and isinstance(actual, dict):
            for key, one in expected.items():
                self.learn(one, actual.get(key))
        elif isinstance(expected, list) and isinstance(actual, list):
            for one, other in zip(expected, actual, strict=False):
                self.learn(one, other)

    def address(self, path: Sequence[str]) -> str:
        return "/".join(self.plain(part) for part in path)


class Places:
    """All of them, at one time of one clock."""

    def __init__(self, sites: Mapping[str, Site], clock: Clock) -> None:
        self.clock = clock
        self.all = [Place(kind, site) for kind, site in sites.items()]
        self._tables = self.all[0].tables
        self._asked = self.all
        self._turns = count()

    def turn(self, *, all: bool = False) -> None:
        """From now on one place is asked, the next in its turn, or all of them again."""
        self._asked = self.all if all else [self.all[next(self._turns) % len(self.all)]]

    def forget(self) -> None:
        self._turns = count()
        self.turn(all=True)
        for place in self.all:
            place.forget(self._tables)

    def sign_up(self, name: Name, role: str) -> None:
        for place in self.all:
            place.sign_up(name, role)

    def write(self, sql: str, **values: Any) -> None:
        for place in self.all:
            place.site.write(sql, **place.plain(values))

    def expect(self, expected: Answer, who: Name | None, method: str, path: Sequence[str], /, **how: Any) -> None:
        """That every place answers so. `how`: json, params, headers."""
        for place in self._asked:
            sent = {name: place.plain(value) for name, value in how.items()}
            answer = place.askers[who].ask(method, place.address(path), **sent)
            self._compare(place, expected, answer)

    def expect_each(self, expected: Answer, act: Callable[[Place], Any]) -> None:
        """As `expect`, for what cannot be said in those words."""
        for place in self.all:
            self._compare(place, expected, act(place))

    def _compare(self, place: Place, expected: Answer, answer: Any) -> None:
        body: Any = answer.json if answer.content else None
        assert answer.status_code == expected.status, (place.kind, answer.status_code, expected, body)
        if expected.status >= 400:
            assert body["code"] == expected.body, (place.kind, body, expected)
        elif expected.body is not None:
            place.learn(expected.body, body)
            _same(place, place.plain(expected.body), body)

    def expect_list(
        self, expected: list[Any], total: int | None, who: Name | None, path: Sequence[str], asked: Mapping[str, Any]
    ) -> None:
        """That a list holds this, in this order, walked by its cursors, and counts it right."""
        for place in self._asked:
            asker, address, params = place.askers[who], place.address(path), place.plain(asked)
            first = told(asker.get(address, params=params))
            whole = first["page"]["next"] is None
            rows = first["data"] if whole else everything(asker, address, **params)
            _same(place, place.plain(expected), rows)
            assert first["page"]["total"] == total, (place.kind, first["page"], total)


def _same(place: Place, expected: Any, actual: Any) -> None:
    names = {id: name for name, id in place.ids.items()}
    assert expected == actual, f"{place.kind}\nexpected {_shown(expected, names)}\nanswered {_shown(actual, names)}"


def _shown(value: Any, names: Mapping[str, Name]) -> str:
    text = repr(value)
    for id, name in names.items():
        text = text.replace(id, name)
    return text


def _children_first(site: Site) -> Iterator[str]:
    """Empty tables, each before those that it refers to; SQLite tells of its own schema in SQL."""
    left = {
        table: set(site.values('"table"', "pragma_foreign_key_list(:name)", name=table)) - {table}
        for table in site.values("name", "sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        if not site.count(table)
    }
    while left:
        free = sorted(left.keys() - set().union(*left.values()))
        assert free, f"tables refer to each other in a circle: {left}"
        yield from free
        for table in free:
            del left[table]


@contextmanager
def opened_everywhere(directory: Path, run: Path) -> Iterator[Places]:
    """A place on SQLite, and on each server that this machine has."""
    clock = Clock()
    with ExitStack() as stack:
        urls = {"sqlite": stack.enter_context(databases.sqlite(run, directory, migrated=True))}
        for kind in ("postgresql", "mariadb"):
            if not parts.missing(kind):
                urls[kind] = stack.enter_context(databases.migrated(parts.require(kind)))
        sites = {
            kind: stack.enter_context(opened(url, clock=clock, RATE_LIMITS="off", DATABASE_POOL="1"))
            for kind, url in urls.items()
        }
        yield Places(sites, clock)
