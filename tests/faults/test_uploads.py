"""Ended at any point of an upload, a site goes on with it. The whole, with real kills, is `make faults`."""

from pathlib import Path

import pytest

from tests.faults import mortal, uploads
from tests.faults.mortal import Place
from tests.faults.points import STEPS
from tests.faults.uploader import Uploader
from tests.servers import azurite, parts

AZURITE = pytest.param("azure_url", marks=pytest.mark.azurite)


def test_each_point_of_an_upload_is_survived(site_url: str, tmp_path: Path) -> None:
    rows = survived(Place(site_url, f"file:{tmp_path}/uploads", {}), every=1)
    assert set(STEPS.values()) <= rows.keys()
    assert {"complete: after put pages", "commit: after COMMIT", "sweep: before delete pages"} <= {
        point for row in rows.values() for point in row.points
    }


@parts.LONG
@pytest.mark.parametrize("fixture", [pytest.param("s3_url", marks=pytest.mark.radosgw), AZURITE])
def test_each_point_is_survived_with_an_object_storage(
    fixture: str, sqlite_url: str, request: pytest.FixtureRequest
) -> None:
    survived(Place(sqlite_url, request.getfixturevalue(fixture), {"AZURE_STORAGE_KEY": azurite.KEY}), every=7)


def survived(place: Place, *, every: int) -> uploads.Rows:
    with mortal.decoders_kept():
        rows = uploads.run(place, mortal.Within, pages=1, every=every, told=print)
    assert [one for row in rows.values() for one in row.violations] == []
    assert sum(row.kills for row in rows.values()) == sum(row.resumed for row in rows.values()) > 80 // every
    return rows


@parts.LONG
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
