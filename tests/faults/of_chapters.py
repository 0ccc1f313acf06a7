"""What owners do to chapters and their pages; and now and then a moderator or an admin."""

import hashlib
from collections.abc import Callable
from itertools import count
from typing import Any

from tests import drawings
from tests.faults.invariants import Act
from tests.faults.lanes import Lane
from tests.faults.model import Change, Chapter
from tests.front import File, form

MOST_PAGES = 12
KINDS = ("png", "jpeg", "webp")

_seeds = count(1)


def add(lane: Lane) -> Change:
    series, number = lane.its_series, next(lane.numbers)

    def apply(told: Any) -> None:
        lane.chapters[told["id"]] = Chapter(number, "draft")

    path = f"series/{series.id}/chapters"
    return Change(
        "POST",
        path,
        lane.people.owner,
        apply,
        lambda: lane.listed(f"{path}?state=draft", "number", number),
        json={"number": number},
    )


def add_pages(lane: Lane) -> Change | None:
    """One to four new images: appended, or numbered and sent in another order."""
    chapter_id = _some(lane, lambda one: len(one.pages) < MOST_PAGES)
    if chapter_id is None:
        return None
    before = lane.chapters[chapter_id]
    images = [drawings.page(KINDS[seed % 3], seed=seed) for seed in _new_seeds(lane)]
    first = len(before.pages) + 1
    files = [File("file", image) for image in images]
    if lane.draw.random() < 0.5:
        files = [File(f"page_{number}", image) for number, image in enumerate(images, first)][::-1]
    hashes = tuple(hashlib.sha256(image).hexdigest() for image in images)
    after = before._replace(pages=before.pages + hashes)
    return _turn(lane, "POST", f"chapters/{chapter_id}/pages", chapter_id, after, form=form(*files))


def send_pages(lane: Lane) -> None:
    """Announces one to four images, sends each with its ticket, completes it, then commits all of them."""
    if chapter_id := _some(lane, lambda one: len(one.pages) < MOST_PAGES):
        images = {drawings.page(KINDS[seed % 3], seed=seed): f"image/{KINDS[seed % 3]}" for seed in _new_seeds(lane)}
        lane.under_way = lambda: _send(lane, chapter_id, images)
        _send(lane, chapter_id, images)


def _send(lane: Lane, chapter_id: str, images: dict[bytes, str]) -> None:
    """Begins, or goes on after a kill: what is complete is not sent again."""
    hashes = [hashlib.sha256(image).hexdigest() for image in images]
    files = [
        {"name": "page", "size": len(image), "type": type, "sha256": hash}
        for (image, type), hash in zip(images.items(), hashes, strict=True)
    ]
    owner = lane.people.owner
    asked = lane.sure("POST", "uploads", by=owner, json={"target": {"chapterId": chapter_id}, "files": files})
    for ticket, (image, type) in zip(asked["tickets"], images.items(), strict=True):
        if not ticket.get("done"):
            lane.sure(ticket["method"], ticket["url"], form=image, type=type)
            lane.sure("POST", f"uploads/{ticket['id']}/complete", by=owner)
    before = lane.chapters[chapter_id]
    after = before._replace(pages=before.pages + tuple(hashes))
    change = _turn(lane, "POST", f"uploads/sessions/{asked['session']}/commit", chapter_id, after)

    def apply(told: Any) -> None:
        change.apply(told)
        lane.under_way = None

    while lane.under_way:
        lane.do(change._replace(apply=apply))


def arrange(lane: Lane) -> Change | None:
    """In another order, and sometimes without some of them."""
    chapter_id = _some(lane, lambda one: len(one.pages) > 1)
    if chapter_id is None:
        return None
    before = lane.chapters[chapter_id]
    ids = [page["id"] for page in lane.get(f"chapters/{chapter_id}", by=lane.people.owner).json["pages"]]
    kept = lane.draw.sample(range(len(ids)), lane.draw.randint(len(ids) // 2, len(ids)))
    after = before._replace(pages=tuple(before.pages[place] for place in kept))
    body = {"ids": [ids[place] for place in kept]}
    return _turn(lane, "PUT", f"chapters/{chapter_id}/pages", chapter_id, after, json=body)


def publish(lane: Lane) -> Change | None:
    """By its owner; what was hidden is sometimes shown again by the moderator."""
    chapter_id = _some(lane, lambda one: one.state != "published" and bool(one.pages))
    if chapter_id is None:
        return None
    before = lane.chapters[chapter_id]
    how: dict[str, Any] = {}
    if before.state == "hidden" and lane.draw.random() < 0.5:
        how = {"by": lane.people.moderator, "act": Act("show", "chapter", chapter_id)}
    after = before._replace(state="published")
    return _turn(lane, "POST", f"chapters/{chapter_id}/publish", chapter_id, after, **how)


def hide(lane: Lane) -> Change | None:
    """By its owner or by the moderator, who tells why."""
    chapter_id = _some(lane, lambda one: one.state == "published")
    if chapter_id is None:
        return None
    how: dict[str, Any] = {}
    if lane.draw.random() < 0.5:
        reason = f"{lane.name} {next(lane.numbers)}"
        act = Act("hide", "chapter", chapter_id, reason)
        how = {"by": lane.people.moderator, "json": {"reason": reason}, "act": act}
    after = lane.chapters[chapter_id]._replace(state="hidden")
    return _turn(lane, "POST", f"chapters/{chapter_id}/hide", chapter_id, after, **how)


def remove(lane: Lane) -> Change | None:
    """By its owner or by the admin."""
    chapter_id = _some(lane)
    if chapter_id is None:
        return None
    how: dict[str, Any] = {}
    if lane.draw.random() < 0.5:
        how = {"by": lane.people.admin, "act": Act("delete", "chapter", chapter_id)}
    return _turn(lane, "DELETE", f"chapters/{chapter_id}", chapter_id, None, **how)


def _turn(lane: Lane, method: str, path: str, chapter_id: str, after: Chapter | None, **how: Any) -> Change:
    """A change from what the chapter is to `after`."""
    before = lane.chapters[chapter_id]

    def apply(_: Any) -> None:
        if after is None:
            lane.forget(chapter_id)
        else:
            lane.chapters[chapter_id] = after

    def found() -> bool | None:
        seen = lane.look(chapter_id)
        if seen not in (before, after):
            lane.wrong(f"{method} {path} was done by half: from {before} to {seen} instead of {after}")
        return seen == after or None

    how.setdefault("by", lane.people.owner)
    return Change(method, path, apply=apply, found=found, **how)


def _some(lane: Lane, fits: Callable[[Chapter], bool] = lambda _: True) -> str | None:
    found = [id for id, chapter in lane.chapters.items() if fits(chapter)]
    return lane.draw.choice(found) if found else None


def _new_seeds(lane: Lane) -> list[int]:
    return [next(_seeds) for _ in range(lane.draw.randint(1, 4))]
