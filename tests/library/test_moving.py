"""What is copied of uploads under way."""

import io

from roliascan.library import moving, stocktaking
from roliascan.library.stocktaking import Finding
from roliascan.storage import open_storage
from tests.front import Site, told
from tests.library.uploading import WIDE, Work, announced, asks, image, puts


def test_uploads_under_way_come_along(any_site: Site) -> None:
    work = Work(any_site)
    asked = asks(work.uploader, work.target, announced(WIDE), announced(image(1)))
    for ticket, data in zip(asked["tickets"], (WIDE, image(1)), strict=True):
        told(puts(any_site, ticket, data), 204)
    first, second = (file.key for file in any_site.storage.list("incoming/"))
    any_site.storage.delete(second)
    any_site.storage.put(second, io.BytesIO(b"x"), type="image/png")
    found: list[Finding] = []
    other = open_storage("memory:")
    total = moving.copy(any_site.db, any_site.storage, other, report=found.append)
    assert (total.copied, [(one.key, one.wrong) for one in found]) == (1, [(second, "damaged")])
    assert [file.key for file in other.list()] == [first]
    counts = stocktaking.compare(any_site.db, any_site.storage, now=any_site.clock.now, report=found.append)
    assert (counts.on_their_way, counts.findings) == (2, 0)
    assert moving.copy(any_site.db, any_site.storage, other, report=found.append).passed_over == 1
