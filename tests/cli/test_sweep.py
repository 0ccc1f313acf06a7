"""The command that a timer calls."""

import json
from contextlib import closing
from datetime import UTC, datetime

from roliascan.database import open_database
from tests.archives import cbz
from tests.cli.places import Place

LINES = [
    "0 chapters published",
    "0 series published",
    "0 sessions ended",
    "0 uploads ended",
    "0 limits forgotten",
    "0 idempotency keys forgotten",
    "0 hidden files got new addresses",
    "0 files deleted that nothing shows",
    "0 stored files deleted that no row names",
]
FILES = 4  # three pages and a cover
PAST = datetime(2024, 7, 1, tzinfo=UTC)
STRAY = "01900000-0000-7000-8000-{:012x}.png"  # of June 2024


def write(place: Place, sql: str) -> None:
    with closing(open_database(place.url)) as db:
        db.run(lambda tx: tx.write(sql, past=PAST))


def leave_strays(place: Place, number: int) -> None:
    for one in range(number):
        (place.home / "uploads" / "pages" / STRAY.format(one)).write_bytes(b"x")


def fill(place: Place) -> None:
    """A site with a chapter whose time has come, and bytes that no row names."""
    assert place.run("import", cbz(place.home / "A Series" / "1.cbz")).status == 0
    write(place, "UPDATE chapters SET state = 'scheduled', publish_at = :past, published_at = NULL")
    write(place, "UPDATE series_stats SET chapter_count = 0, last_chapter_at = NULL, active_at = :past")
    write(place, "UPDATE counters SET value = 0 WHERE name = 'chapters'")
    leave_strays(place, 2)


def test_it_says_what_it_did(place: Place) -> None:
    fill(place)
    ran = place.run("sweep")
    assert (ran.status, ran.err) == (0, "")
    assert ran.lines == ["1 chapters published", *LINES[1:-1], "2 stored files deleted that no row names"]
    assert len(place.stored()) == FILES
    assert place.get("chapters")["page"]["total"] == 1
    assert place.get("series")["data"][0]["chapterCount"] == 1
    assert place.run("sweep").lines == LINES


def test_what_is_read_here_alone_keeps_its_keys(place: Place) -> None:
    """With an object storage and IMAGE_URL it gets others: tests/storage/test_s3_uploads.py."""
    assert place.run("import", cbz(place.home / "A Series" / "1.cbz")).status == 0
    write(place, "UPDATE chapters SET state = 'hidden'")
    sql = "INSERT INTO concealments (id, kind, at, reached) SELECT id, 'chapter', :past, id FROM chapters"
    write(place, sql)
    before = place.stored()
    assert place.run("sweep").lines == LINES
    assert place.stored() == before
    assert place.select("SELECT id FROM concealments") == []


def test_as_json(simple_place: Place) -> None:
    fill(simple_place)
    ran = simple_place.run("sweep", "--json")
    told = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert [name for name in told if name != "finished"] == [
        *("chaptersPublished", "seriesPublished", "sessionsEnded", "uploadsEnded", "limitsForgotten", "keysForgotten"),
        *("filesConcealed", "filesDeleted", "straysDeleted"),
    ]
    assert {name: count for name, count in told.items() if count} == {
        "chaptersPublished": 1,
        "straysDeleted": 2,
        "finished": True,
    }


def test_the_grace_is_a_day_or_as_it_is_told(simple_place: Place) -> None:
    fill(simple_place)
    assert simple_place.run("sweep", "--grace", "9999d").lines == ["1 chapters published", *LINES[1:]]
    assert len(simple_place.stored()) == FILES + 2
    for wrong in ("soon", "-1h", "0m"):
        assert simple_place.run("sweep", f"--grace={wrong}").status == 2
    assert simple_place.run("sweep", "--grace", "1h").lines[-1].startswith("2 ")


def test_strays_of_another_site_are_kept_until_it_is_said(simple_place: Place) -> None:
    fill(simple_place)
    leave_strays(simple_place, 101)
    ran = simple_place.run("sweep")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("roliascan: Most stored files have no row in this database")
    assert len(simple_place.stored()) == FILES + 101
    assert simple_place.run("sweep", "--strays").lines[-1].startswith("101 ")
    assert len(simple_place.stored()) == FILES
