"""What owners do to their series."""

import hashlib
from itertools import count
from typing import Any

from tests import drawings
from tests.faults.invariants import Act
from tests.faults.lanes import Lane
from tests.faults.model import Change, Filed, Series
from tests.front import File, form

_seeds = count(1_000_000)  # images of their own


def start(lane: Lane) -> Change:
    title = f"{lane.name} {next(lane.numbers)}"

    def apply(told: Any) -> None:
        lane.series = Series(told["id"], title)

    return Change(
        "POST",
        "series",
        lane.people.owner,
        apply,
        lambda: lane.listed("series", "title", title),
        json={"title": title, "author": "Somebody"},
    )


def turn(lane: Lane) -> Change:
    """Hidden or shown again, by its owner or by the moderator."""
    series = lane.its_series
    state = "hidden" if series.state == "published" else "published"
    moderated = lane.draw.random() < 0.5
    act = Act("hide" if state == "hidden" else "show", "series", series.id) if moderated else None

    def apply(_: Any) -> None:
        series.state = state

    return Change(
        "PATCH",
        f"series/{series.id}",
        lane.people.moderator if moderated else lane.people.owner,
        apply,
        lambda: lane.state_of(series) == state or None,
        json={"state": state},
        act=act,
    )


def file_or_cover(lane: Lane) -> Change:
    """Uploads a file, or makes one the cover, which ends the cover before it."""
    return _cover(lane, lane.files[-1]) if len(lane.files) > 2 else _file(lane)


def _file(lane: Lane) -> Change:
    image = drawings.page(seed=next(_seeds))

    def apply(told: Any) -> None:
        lane.files.append(Filed(told["id"], told["url"], hashlib.sha256(image).hexdigest()))

    # one whose answer never came is there or not, and nobody has its address
    return Change("POST", "files", lane.people.owner, apply, lambda: None, form=form(File("file", image)))


def _cover(lane: Lane, filed: Filed) -> Change:
    series = lane.its_series
    before = series.cover

    def apply(_: Any) -> None:
        lane.files.remove(filed)
        series.cover = filed.sha256

    def found() -> bool | None:
        now = lane.cover_of(series)
        if now not in (before, filed.sha256):
            lane.wrong(f"the cover went from {before} to {now} instead of {filed.sha256}")
        return now == filed.sha256 or None

    path = f"series/{series.id}"
    return Change("PATCH", path, lane.people.owner, apply, found, json={"coverId": filed.id})


def remove(lane: Lane) -> Change:
    """With all of its chapters, in steps: cut short it is hidden, and each of its chapters is whole or gone."""
    series = lane.its_series

    def apply(_: Any) -> None:
        lane.series = None
        for chapter_id in list(lane.chapters):
            lane.forget(chapter_id)
        lane.ratings.pop(f"series/{series.id}", None)

    return Change("DELETE", f"series/{series.id}", lane.people.owner, apply, lambda: _removed(lane, series))


def _removed(lane: Lane, series: Series) -> bool | None:
    state = lane.state_of(series)
    if state is None:
        return True
    if state == "hidden":
        series.state = state
        for chapter_id in list(lane.chapters):
            if lane.look(chapter_id) is None:
                lane.forget(chapter_id)
        lane.do(remove(lane) if lane.draw.random() < 0.5 else turn(lane))
    return None
