"""Something to back up, its backup, and another place to restore it to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.archives import cbz
from tests.cli.places import Place, account


def filled(place: Place) -> None:
    """Two chapters of a series with a cover, a person, entries of the log; in a name a character of four bytes."""
    assert place.run("admin", "create", *account("owner")).status == 0
    for number in (1, 2):
        assert place.run("import", cbz(place.home / "Sœur 🦊" / f"{number}.cbz"), "--as", "owner").status == 0


def elsewhere(place: Place, url: str) -> Place:
    """Another database and another storage, for the same commands."""
    other = Place(url, place.home / "other", place._monkeypatch, place._capsys)
    other.home.mkdir()
    return other


@pytest.fixture
def kept(simple_place: Place) -> Path:
    filled(simple_place)
    assert simple_place.run("backup", simple_place.home / "kept").status == 0
    return simple_place.home / "kept"


@pytest.fixture
def other(simple_place: Place) -> Iterator[Place]:
    with closing(elsewhere(simple_place, f"sqlite:///{simple_place.home}/other/new.db")) as place:
        yield place
