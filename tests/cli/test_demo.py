"""`roliascan demo`: where it draws and where it does not. That it is whole in the end, `test_serve` shows."""

import json
import select
import stat
from collections.abc import Callable

import pytest

from roliascan.cli.demo.story import PEOPLE, SERIES, TEAMS
from tests.archives import cbz
from tests.cli.places import Place, account
from tests.database.kinds import EACH
from tests.servers.parts import TEST_ALL


def wait_for(place: Place, words: str) -> str:
    """What it says on standard error until these words; then it is killed."""
    with place.start("demo") as process:
        assert process.stderr is not None
        said = ""
        while words not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.kill()
    return said


@pytest.mark.parametrize("database_url", EACH if TEST_ALL else ["sqlite"], indirect=True)
def test_what_is_there_of_it_is_whole_at_any_moment(place: Place) -> None:
    said = wait_for(place, SERIES[0].title)
    assert said == f"Drawing the demo library.\n  {SERIES[0].title}\n"
    (title,) = place.series()
    series = place.series()[title]
    assert (series["author"], series["language"], series["direction"], series["type"]) == (
        SERIES[0].author,
        SERIES[0].language,
        SERIES[0].direction,
        SERIES[0].type,
    )
    assert [(one["language"], one["title"]) for one in series["titles"]] == [*SERIES[0].titles]
    assert [one["name"] for one in series["teams"]] == [SERIES[0].team]
    assert place.file(series["cover"]).startswith(b"\xff\xd8")
    chapters = place.chapters(title)
    assert chapters
    for chapter in chapters:
        assert len(place.files(chapter)) == chapter["pageCount"] > 0
    assert (place.count("users"), place.count("teams")) == (len(PEOPLE), len(TEAMS))
    assert stat.S_IMODE((place.data / "demo.json").stat().st_mode) == 0o600

    before = place.count("chapters")
    wait_for(place, SERIES[0].title)  # goes on: what is there is not drawn again, nor anybody made twice
    assert (place.count("users"), place.count("teams"), place.count("series")) == (len(PEOPLE), len(TEAMS), 1)
    assert place.count("chapters") >= before
    assert {one["id"] for one in chapters} <= {one["id"] for one in place.chapters(title)}


def comics(place: Place) -> None:
    place.run("import", cbz(place.home / "Series 1.cbz"))


def people(place: Place) -> None:
    place.run("admin", "create", *account("first"))


@pytest.mark.parametrize("fill", [comics, people])
@pytest.mark.parametrize("note", [None, False, True])
def test_somebodys_own_library_is_left_alone(
    fill: Callable[[Place], None], note: bool | None, simple_place: Place
) -> None:
    """Also where the data folder knows of a demo in another database."""
    if note is not None:
        simple_place.data.mkdir()
        (simple_place.data / "demo.json").write_text(json.dumps({"password": "secret", "is_whole": note}))
    fill(simple_place)
    before = simple_place.rows()
    ran = simple_place.run("demo")
    assert ran == (0, "The library is not empty; nothing was added.\n", "")
    assert simple_place.run("demo", "--json").out == "[]\n"
    assert simple_place.rows() == before


def test_a_library_that_was_emptied_is_filled_again(simple_place: Place) -> None:
    simple_place.data.mkdir()
    (simple_place.data / "demo.json").write_text('{"password": "lantern keeper 12", "is_whole": true}')
    wait_for(simple_place, "Drawing the demo library.")
    assert json.loads((simple_place.data / "demo.json").read_text())["password"] == "lantern keeper 12"


def test_the_second_of_two_waits_for_the_first(simple_place: Place) -> None:
    with simple_place.start("demo") as first:
        assert first.stderr is not None
        assert first.stderr.readline() == "Drawing the demo library.\n"
        with simple_place.start("demo") as second:
            assert second.stderr is not None
            assert not select.select([second.stderr], [], [], 1)[0]
            assert second.poll() is None
            first.kill()
            assert second.stderr.readline() == "Drawing the demo library.\n"
            second.kill()
