"""Ended at any point of an upload, a site goes on with it. The whole, with real kills, is `make faults`."""

from pathlib import Path

from tests.faults import mortal, uploads
from tests.faults.mortal import Place
from tests.faults.points import STEPS
from tests.faults.uploader import Uploader


def test_each_point_of_an_upload_is_survived(sqlite_url: str, tmp_path: Path) -> None:
    place = Place(sqlite_url, f"file:{tmp_path}/uploads", {})
    with mortal.decoders_kept():
        rows = uploads.run(place, mortal.Within, pages=1, told=print)
    assert [one for row in rows.values() for one in row.violations] == []
    assert sum(row.kills for row in rows.values()) == sum(row.resumed for row in rows.values()) > 100
    assert set(STEPS.values()) <= rows.keys()
    assert {"complete: after put pages", "commit: after COMMIT", "sweep: before delete pages"} <= {
        point for row in rows.values() for point in row.points
    }


def test_a_killed_process_is_gone_on_from(sqlite_url: str, tmp_path: Path) -> None:
    """A real one, once within what its storage does."""
    place = Place(sqlite_url, f"file:{tmp_path}/uploads", {})
    rows = uploads.run(place, mortal.Process, acts={"abandon": uploads.ACTS["abandon"]}, pages=1, told=print)
    assert [one for row in rows.values() for one in row.violations] == []
    assert "abandon: before os.remove" in rows["abandon"].points


def test_what_is_wrong_is_seen(sqlite_url: str, tmp_path: Path) -> None:
    """Bytes that a sweep does not find: each kill is told."""
    place = Place(sqlite_url, f"file:{tmp_path}/uploads", {})
    act = uploads.Act(_look, before=lambda _: _spoil(tmp_path))
    rows = uploads.run(place, mortal.Within, acts={"look": act}, told=print)
    assert rows["look"].kills > 1
    assert len(rows["look"].violations) >= rows["look"].kills
    assert "a file without a row after the sweep: pages/nobodys.png" in rows["look"].violations[0]


def _look(uploader: Uploader) -> None:
    uploader.ask("GET", "series")


def _spoil(home: Path) -> None:
    (home / "uploads" / "pages").mkdir(parents=True, exist_ok=True)
    (home / "uploads" / "pages" / "nobodys.png").write_bytes(b"x")
