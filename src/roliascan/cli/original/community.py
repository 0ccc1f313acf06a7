"""The original's comments and ratings. Counters are made anew from the rows, in the transaction that adds them."""

from datetime import datetime
from typing import Any

import msgspec

from roliascan.cli.original import reading
from roliascan.cli.original.report import Report
from roliascan.cli.original.rows import insert_new, present
from roliascan.database import Database, Tx
from roliascan.text import tidy


class _Id(msgspec.Struct):
    id: str


def take_comments(db: Database, original: Tx, report: Report) -> None:
    for comments in reading.comments(original):
        known = present(db, "chapters", [comment.chapter_id for comment in comments])
        kept = [comment for comment in comments if comment.chapter_id in known and tidy(comment.body)]
        added = db.run(insert_new, "comments", [_comment(comment) for comment in kept])
        report.count("comments", "added", added)
        report.count("comments", "unchanged", len(kept) - added)
        for comment in comments:
            if comment.chapter_id not in known:
                report.count("comments", "unchanged")  # with its chapter, which was removed here
            elif not tidy(comment.body):
                report.tell("comments", "warning", comment.id, "is blank; it was left out", id=comment.id)
        report.step(len(comments))


def _comment(comment: reading.Comment) -> dict[str, Any]:
    created = datetime.fromisoformat(comment.created_at)
    return {
        "id": dated_id(comment.id, created),
        "chapter_id": comment.chapter_id,
        "user_id": comment.user_id,
        "body": tidy(comment.body),
        "created_at": created,
        "updated_at": datetime.fromisoformat(comment.updated_at),
    }


def dated_id(random_id: str, created: datetime) -> str:
    """The random UUID (version 4) as one of version 7 that sorts by the microsecond, and is always the same.

    Comments are listed by their identifiers (RFC 9562, section 6.2, method 3).
    """
    milliseconds = int(created.timestamp()) * 1000 + created.microsecond // 1000
    fraction = created.microsecond % 1000 * 4096 // 1000
    digits = f"{milliseconds:012x}7{fraction:03x}{random_id.replace('-', '')[16:]}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# Ratings.


def take_ratings(db: Database, original: Tx, report: Report) -> None:
    """Of five stars each becomes two of ten points."""
    for of, work in (("content", "series"), ("chapter", "chapters")):
        for ratings in reading.ratings(original, of):
            known = present(db, work, [rating.rated_id for rating in ratings])
            kept = [rating for rating in ratings if rating.rated_id in known and 1 <= rating.rating <= 5]
            added = db.run(_add_to_series if work == "series" else _add_to_chapters, kept)
            report.count("ratings", "added", added)
            report.count("ratings", "unchanged", len(ratings) - added)
            for rating in ratings:
                if not 1 <= rating.rating <= 5:
                    report.count("ratings", "unchanged", -1)
                    what = f"{rating.user_id} of {rating.rated_id}"
                    report.tell("ratings", "refused", what, f"{rating.rating} is not 1 to 5", id=rating.rated_id)
            report.step(len(ratings))


def _rating(rating: reading.Rating, rated: str) -> dict[str, Any]:
    return {
        rated: rating.rated_id,
        "user_id": rating.user_id,
        "rating": 2 * rating.rating,
        "created_at": datetime.fromisoformat(rating.created_at),
        "updated_at": datetime.fromisoformat(rating.updated_at),
    }


_OF_SERIES = "SELECT {} FROM series_ratings r WHERE r.series_id = series_stats.series_id"
_OF_CHAPTER = "SELECT {} FROM chapter_ratings r WHERE r.chapter_id = chapter_stats.chapter_id"
_SUM, _COUNT, _MEAN = "COALESCE(SUM(r.rating), 0)", "COUNT(*)", "COALESCE(ROUND(1000.0 * SUM(r.rating) / COUNT(*)), 0)"
_COUNT_SERIES = f"""
UPDATE series_stats SET rating_sum = ({_OF_SERIES.format(_SUM)}), rating_count = ({_OF_SERIES.format(_COUNT)}),
    rating_milli = ({_OF_SERIES.format(_MEAN)})
WHERE series_id = :id
"""
_COUNT_CHAPTER = f"""
UPDATE chapter_stats SET rating_sum = ({_OF_CHAPTER.format(_SUM)}), rating_count = ({_OF_CHAPTER.format(_COUNT)})
WHERE chapter_id = :id
"""


def _add_to_series(tx: Tx, ratings: list[reading.Rating]) -> int:
    rated = _hold(tx, "series", ratings)
    added = insert_new(tx, "series_ratings", [_rating(rating, "series_id") for rating in ratings])
    for series_id in rated if added else ():
        tx.write(_COUNT_SERIES, id=series_id)
    return added


def _add_to_chapters(tx: Tx, ratings: list[reading.Rating]) -> int:
    rated = _hold(tx, "chapters", ratings)
    added = insert_new(tx, "chapter_ratings", [_rating(rating, "chapter_id") for rating in ratings])
    insert_new(tx, "chapter_stats", [{"chapter_id": id, "rating_sum": 0, "rating_count": 0} for id in rated])
    for chapter_id in rated if added else ():
        tx.write(_COUNT_CHAPTER, id=chapter_id)
    return added


def _hold(tx: Tx, table: str, ratings: list[reading.Rating]) -> list[str]:
    """Locks what is rated: whoever rates it meanwhile waits, and counts after us."""
    ids = sorted({rating.rated_id for rating in ratings})
    return [
        row.id for row in tx.read(f"SELECT id FROM {table} WHERE id IN (:ids) ORDER BY id FOR UPDATE", _Id, ids=ids)
    ]
