"""What people do when, drawn by chance."""

from collections.abc import Callable

from tests.faults import of_chapters, of_readers, of_series
from tests.faults.lanes import Lane
from tests.faults.model import Change

MOST_CHAPTERS = 7
OFTEN: dict[Callable[[Lane], Change | None], int] = {
    of_chapters.add: 4,
    of_chapters.add_pages: 8,
    of_chapters.send_pages: 3,
    of_chapters.arrange: 4,
    of_chapters.publish: 6,
    of_chapters.hide: 3,
    of_chapters.remove: 2,
    of_readers.rate_or_not: 3,
    of_readers.comment_or_not: 4,
    of_series.file_or_cover: 3,
    of_series.turn: 1,
    of_series.remove: 1,
}
"""How often, among all."""


def step(lane: Lane) -> None:
    """One change of whatever is possible now. Raises Cut."""
    if lane.series is None:
        lane.do(of_series.start(lane))
    elif len(lane.chapters) < 2:
        lane.do(of_chapters.add(lane))
    else:
        possible = [verb for verb in OFTEN if verb is not of_chapters.add or len(lane.chapters) < MOST_CHAPTERS]
        (verb,) = lane.draw.choices(possible, [OFTEN[verb] for verb in possible])
        if change := verb(lane):
            lane.do(change)
