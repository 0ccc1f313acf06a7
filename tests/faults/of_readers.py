"""What readers do: rating and commenting; and the moderator, who deletes comments."""

from typing import Any

from tests.faults.invariants import Act
from tests.faults.lanes import GONE, Lane
from tests.faults.model import Change, Comment


def rate_or_not(lane: Lane) -> Change:
    thing = _target(lane)
    mine = lane.ratings.get(thing)
    rating = None if mine and lane.draw.random() < 0.3 else lane.draw.choice([n for n in range(1, 11) if n != mine])

    def apply(_: Any) -> None:
        if rating is None:
            del lane.ratings[thing]
        else:
            lane.ratings[thing] = rating

    def found() -> bool | None:
        now = lane.get(f"{thing}/rating", by=lane.people.owner).json["rating"]
        if now not in (mine, rating):
            lane.wrong(f"the rating of {thing} went from {mine} to {now} instead of {rating}")
        return now == rating or None

    body = None if rating is None else {"rating": rating}
    method = "DELETE" if rating is None else "PUT"
    return Change(method, f"{thing}/rating", lane.people.owner, apply, found, json=body)


def _target(lane: Lane) -> str:
    own = [f"series/{lane.its_series.id}", *(f"chapters/{id}" for id in lane.chapters)]
    return lane.draw.choice([*own, f"series/{lane.commons.series}", f"chapters/{lane.commons.chapter}"])


def comment_or_not(lane: Lane) -> Change:
    """Says something new, or says it otherwise, or takes it back; or the moderator does."""
    turn = lane.draw.random()
    if not lane.comments or turn < 0.5:
        return _comment(lane)
    comment_id, comment = lane.draw.choice(list(lane.comments.items()))
    if turn < 0.7:
        return _comment_on(lane, comment_id, comment, "PATCH", f"{lane.name} {next(lane.numbers)}")
    return _comment_on(lane, comment_id, comment, "DELETE", None, moderated=turn < 0.85)


def _comment(lane: Lane) -> Change:
    chapter_id = lane.draw.choice([*lane.chapters, lane.commons.chapter])
    body = f"{lane.name} {next(lane.numbers)}"

    def apply(told: Any) -> None:
        lane.comments[told["id"]] = Comment(chapter_id, body)

    path = f"chapters/{chapter_id}/comments"
    return Change(
        "POST",
        path,
        lane.people.owner,
        apply,
        lambda: lane.listed(path, "body", body),
        json={"body": body},
    )


def _comment_on(
    lane: Lane, comment_id: str, before: Comment, method: str, body: str | None, *, moderated: bool = False
) -> Change:
    def apply(_: Any) -> None:
        if body is None:
            del lane.comments[comment_id]
        else:
            lane.comments[comment_id] = before._replace(body=body)

    def found() -> bool | None:
        answer = lane.get(f"comments/{comment_id}", by=lane.people.admin)
        now = None if answer.status in GONE else answer.json["body"]
        if now not in (before.body, body):
            lane.wrong(f"a comment went from {before.body} to {now} instead of {body}")
        return now == body or None

    return Change(
        method,
        f"comments/{comment_id}",
        lane.people.moderator if moderated else lane.people.owner,
        apply,
        found,
        json=None if body is None else {"body": body},
        act=Act("delete", "comment", comment_id) if moderated else None,
    )
