"""`roliascan import` that is interrupted, killed, watched on a terminal, or run twice at once."""

import os
import pty
import re
import resource
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roliascan.database.sqlite import SqliteDriver
from tests.archives import cbz, picture
from tests.cli.places import Place
from tests.drawings import page, save

CHAPTERS = 12


def comics(root: Path, chapters: int = CHAPTERS) -> dict[str, list[bytes]]:
    """Two series; chapters take some 20 ms each, so that there is a middle to be killed in."""
    for series in ("Sun", "Moon"):
        for number in range(1, chapters // 2 + 1):
            cbz(root / series / f"{number}.cbz", files(series, number))
    return {
        f"{series} {number}": list(files(series, number).values())
        for series in ("Sun", "Moon")
        for number in range(1, chapters // 2 + 1)
    }


@cache
def files(series: str, number: int) -> dict[str, bytes]:
    seed = number + 100 * len(series)
    return {f"{at}.png": page("png", 100, 150, seed=seed * 10 + at) for at in (1, 2, 3)}


def found(place: Place) -> dict[str, list[bytes]]:
    """Every chapter that readers see, with its pages. That there are no twins, `Place` asserts."""
    return {
        f"{title} {chapter['number']}": place.files(chapter)
        for title in place.series()
        for chapter in place.chapters(title)
    }


def after(lines: int, process: "subprocess.Popen[str]") -> None:
    """Returns when the import has told this many new chapters."""
    assert process.stdout is not None
    while lines:
        line = process.stdout.readline()
        assert line
        lines -= line.startswith("added: ")


def unowned(place: Place) -> set[str]:
    """Stored files that no row points to."""
    rows = {key for (key,) in place.select("SELECT storage_key FROM files")}
    assert rows <= set(place.stored())
    return set(place.stored()) - rows


def test_killed_at_any_moment_and_run_again_it_is_complete(place: Place) -> None:  # SL-01
    wanted = comics(place.home / "comics")
    for lines, seconds in ((1, 0.0), (3, 0.01)):
        with place.start("import", "comics") as process:
            after(lines, process)
            time.sleep(seconds)
            process.kill()
        # What readers see is whole, and only bytes of the chapter under way, or of a cover, were left behind.
        assert found(place).items() <= wanted.items()
        assert place.count("chapters") == len(found(place))
        assert place.count("pages") == 3 * place.count("chapters")
    assert len(unowned(place)) <= 2 * 4
    assert len(found(place)) < len(wanted)
    ran = place.run("import", "comics")
    assert ran.status == 0
    assert found(place) == wanted
    assert {title: len(place.chapters(title)) for title in place.series()} == {"Sun": 6, "Moon": 6}
    assert all(one["cover"] for one in place.series().values())


def test_interrupted_it_says_how_far_it_came_and_leaves_nothing_half(simple_place: Place) -> None:
    wanted = comics(simple_place.home / "comics")
    with simple_place.start("import", "comics") as process:
        after(2, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err == "roliascan: interrupted; what was done until now stays\n"
    added = int(re.fullmatch(r"(\d+) chapters added, 0 unchanged, 0 refused\.", out.splitlines()[-1])[1])  # type: ignore[index]
    assert 2 <= added < CHAPTERS
    assert added <= len(found(simple_place)) <= added + 1  # it may have been interrupted between a commit and its line
    assert simple_place.run("import", "comics").status == 0
    assert found(simple_place) == wanted


def test_interrupted_while_committing_the_pages_stay(
    sqlite_url: str, new_place: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is heard when the commit is done: what was stored for it belongs to a published chapter now."""
    place = new_place(sqlite_url)
    commit = SqliteDriver.commit

    def commit_and_hear(driver: SqliteDriver, raw: Any) -> None:
        commit(driver, raw)
        signal.raise_signal(signal.SIGINT)

    wanted = comics(place.home / "comics")
    with monkeypatch.context() as patch:
        patch.setattr(SqliteDriver, "commit", commit_and_hear)
        ran = place.run("import", "comics")
    assert (ran.status, ran.err) == (1, "roliascan: interrupted; what was done until now stays\n")
    assert found(place) == {"Moon 1": wanted["Moon 1"]}
    assert place.run("import", "comics").lines[-1] == "11 chapters added, 1 unchanged, 0 refused."


def test_two_at_once_make_one_library(place: Place) -> None:
    wanted = comics(place.home / "comics", 8)
    both = [place.start("import", "comics") for _ in range(2)]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    counts = [re.match(r"(\d+) chapters added, (\d+) unchanged, 0 refused", out.splitlines()[-1]) for out, _ in told]
    assert sum(int(count[1]) for count in counts if count) == len(wanted)
    assert sum(int(count[2]) for count in counts if count) == len(wanted)
    assert found(place) == wanted
    assert unowned(place) == set()
    assert place.count("series") == 2
    assert place.count("files") == 3 * len(wanted) + 2


def test_a_full_disk_stops_it_with_a_reason_and_what_is_in_stays(simple_place: Place) -> None:
    """Every further chapter would be refused for what is not its fault."""
    root = simple_place.home / "Series"
    large = save(Image.frombytes("RGB", (560, 560), os.urandom(3 * 560 * 560)), "png")
    for number, last in {1: picture(1), 2: large, 3: picture(3)}.items():
        cbz(root / f"{number}.cbz", {"1.png": picture(10 + number), "2.png": last})

    def limit() -> None:  # a file that outgrows it fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))

    ran = simple_place.ran("import", root, preexec_fn=limit)
    assert ran.status == 1
    assert ran.err.splitlines()[0] == "roliascan: There is no room left to store files; please try again later."
    assert ran.lines == [
        "added: Series 1 (2 pages)",
        f"refused: {root}/2.cbz: chapter 2: There is no room left to store files; please try again later.",
        "1 chapters added, 0 unchanged, 1 refused.",
    ]
    assert unowned(simple_place) == set()
    assert simple_place.run("import", root).lines[-1] == "2 chapters added, 1 unchanged, 0 refused."


# --- a terminal


def on_terminal(place: Place, *words: str) -> tuple[int, str]:
    """Exit status, and what a terminal of 100 columns would get."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    process = place.start(*words, stdout=theirs, stderr=theirs)
    os.close(theirs)
    received = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a terminal says that nobody writes to it any more
            break
        received += piece
    os.close(ours)
    return process.wait(10), received.decode()


def test_on_a_terminal_a_bar_shows_how_far_it_is(simple_place: Place) -> None:
    comics(simple_place.home / "comics", 4)
    status, shown = on_terminal(simple_place, "import", "comics")
    assert status == 0
    assert re.search(r"\r\s*100%\|█+\| 4/4 ", shown)
    lines = [line.rpartition("\r")[2] for line in re.split(r"\r?\n", shown)]
    assert "added: Moon 2 (3 pages)" in lines
    assert "4 chapters added, 0 unchanged, 0 refused." in lines


def test_without_one_there_are_plain_lines_as_they_happen(simple_place: Place) -> None:
    comics(simple_place.home / "comics")
    with simple_place.start("import", "comics", environ={"PYTHONUNBUFFERED": ""}) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert simple_place.count("chapters") < CHAPTERS
        rest, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert (first + rest).splitlines() == [
        *(f"added: {series} {number} (3 pages)" for series in ("Moon", "Sun") for number in range(1, 7)),
        "12 chapters added, 0 unchanged, 0 refused.",
    ]


def test_a_reader_that_leaves_ends_it_quietly(simple_place: Place) -> None:
    comics(simple_place.home / "comics")
    with simple_place.start("import", "comics") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == ""
