"""Files that go straight to a storage, whichever: the whole way into a chapter, and who refuses what is misused.

What concerns one of them is in test_s3_uploads.py and test_cloud_uploads.py.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import botocore.auth
import pytest

from roliascan.library import sweep
from tests.front import PAGE, refused, told
from tests.library.uploading import GENERIC, Work, announced, asks, commits, image
from tests.servers import program, radosgw
from tests.storage.raw import Raw as S3Raw
from tests.storage.test_clouds import CLOUDS, SECRETS, opened
from tests.storage.test_clouds import Raw as CloudRaw
from tests.storage.test_s3_uploads import LIKE_PAGE, Answer, at_work, puts, send, with_

PLACES = [pytest.param("s3", marks=pytest.mark.radosgw), *CLOUDS]
HTML = b"<script>alert(1)</script>".ljust(len(PAGE))

Misuse = Callable[[Work, Any], Answer]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def work(place: str, request: pytest.FixtureRequest, site_url: str) -> Iterator[Work]:
    with at_work(site_url, opened(request.getfixturevalue(f"{place}_url"))) as site:
        yield Work(site)


@pytest.fixture
def raw(place: str, request: pytest.FixtureRequest) -> Any:
    """What its owner sees, who needs no ticket."""
    url = request.getfixturevalue(f"{place}_url")
    return S3Raw(url) if place == "s3" else CloudRaw(url)


def test_pages_go_past_the_app_and_come_back_by_it(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    images = [image(seed) for seed in range(3)]
    asked = asks(work.uploader, work.target, *[announced(data, page=n) for n, data in enumerate(images, 1)])
    for ticket, data in zip(asked["tickets"], images, strict=True):
        assert set(ticket) == {"id", "page", "method", "url", "headers", "expiresAt"}
        refused(work.uploader.post(f"uploads/{ticket['id']}/complete"), 409, "not_uploaded")
        assert puts(ticket, data).status in {200, 201}
        for _ in range(2):
            told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    assert [key for key in work.site.stored if key.startswith("incoming/")] == []
    commits(work.uploader, {"id": asked["session"]})
    told(work.uploader.post(f"chapters/{work.chapter['id']}/publish"))
    assert work.pages() == list(enumerate(images, 1))
    url = work.shown()["pages"][0]["url"]
    part = work.site.stranger.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, images[0][10:20])
    said = capsys.readouterr()
    assert not re.search(rf"{SECRETS}|Signature|{radosgw.SECRET_KEY}|botocore", said.out + said.err)  # ST-21


def test_a_ticket_that_is_used_again_changes_nothing(work: Work) -> None:  # ST-03
    asked = asks(work.uploader, work.target, announced(PAGE))
    (ticket,) = asked["tickets"]
    assert puts(ticket, PAGE).status in {200, 201}
    told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    assert puts(ticket, LIKE_PAGE).status < 500  # to where nobody reads, if at all
    commits(work.uploader, {"id": asked["session"]})
    told(work.uploader.post(f"chapters/{work.chapter['id']}/publish"))
    assert work.pages() == [(1, PAGE)]
    refused(work.site.stranger.get(f"/uploads/incoming/{ticket['id']}.bin"), 404)
    sweep.run(work.site.db, work.site.storage, now=work.site.clock.now + timedelta(days=3))
    assert len(work.site.stored) == 1
    assert work.pages() == [(1, PAGE)]


def test_bytes_that_are_swapped_after_the_look_are_not_kept(
    work: Work, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # ST-05
    """Whoever opens a file has it overwritten by its owner."""
    kind = type(work.site.storage)
    opens = kind.open

    def swapped(self: Any, key: str, *, start: int = 0) -> BinaryIO:
        source = opens(self, key, start=start)
        if key.startswith("incoming/"):
            raw.put(key, LIKE_PAGE)
        return source

    monkeypatch.setattr(kind, "open", swapped)
    asked = asks(work.uploader, work.target, announced(PAGE))
    assert puts(asked["tickets"][0], PAGE).status in {200, 201}
    told(work.uploader.post(f"uploads/{asked['tickets'][0]['id']}/complete"))
    commits(work.uploader, {"id": asked["session"]})
    assert work.pages() == [(1, PAGE)]
    assert len(work.site.stored) == 1


# Six misuses, in some forms.


def _sends(data: bytes, **headers: str) -> Misuse:
    return lambda _, ticket: send(ticket["url"], ticket["method"], with_(ticket, **headers), data)


def _alters(pattern: str, new: str) -> Misuse:
    def misuse(_: Work, ticket: Any) -> Answer:
        url = re.sub(pattern, new, ticket["url"])
        assert url != ticket["url"]
        return puts({**ticket, "url": url}, PAGE)

    return misuse


def _late(work: Work, ticket: Any) -> Answer:
    """With a ticket for the same that was made an hour ago."""
    bound = {"type": "image/png", "bytes": len(PAGE), "sha256": announced(PAGE)["sha256"]}
    ago = timedelta(minutes=61)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: (datetime.now(UTC) - ago).replace(tzinfo=None))
        ends = datetime.now(UTC) - timedelta(minutes=1)
        made = work.site.storage.ticket(f"incoming/{ticket['id']}.bin", expires_at=ends, **bound)
    assert made is not None
    return puts(made._asdict(), PAGE)


def _twice(_: Work, ticket: Any) -> Answer:
    assert puts(ticket, PAGE).status in {200, 201}
    return puts(ticket, LIKE_PAGE)


def _afterwards(work: Work, ticket: Any) -> Answer:
    assert puts(ticket, PAGE).status in {200, 201}
    told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
    return puts(ticket, LIKE_PAGE)


MISUSES: dict[str, Misuse] = {
    "a larger file": _sends(PAGE + b"x"),
    "a smaller file": _sends(PAGE[:-1]),
    "other bytes, as many": _sends(LIKE_PAGE),
    "HTML, as `text/html`": _sends(HTML, Content_Type="text/html"),
    "another key": _alters(r"incoming/[^.?]*", "pages/evil"),
    "the same, after its end": _late,
    "the same, with a later end written in": _alters(r"(Expires=|se=)[0-9]{4}", r"\g<1>2099"),
    "the same, with another signature": _alters(r"(sig|Signature)=..", r"\1=00"),
    "a second file over the first": _twice,
    "a second file, when the first is complete": _afterwards,
}


def documented(place: str) -> dict[str, str]:
    """Who refuses what, as the table there says."""
    page = (program.PROJECT / "docs/deploy/storages.md").read_text()
    table = page.partition("| a ticket is used for |")[2].partition("\n\n")[0]
    names, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    at = names.index({"s3": "S3", "azure": "Azure", "gcs": "Google"}[place]) + 1
    return {row[0]: row[at] for row in rows}


def test_a_misuse_is_refused_by_whom_the_docs_say_and_leaves_nothing(work: Work, place: str) -> None:  # ST-01 to ST-03
    asked = asks(work.uploader, GENERIC, *[announced(PAGE)] * len(MISUSES))
    found = {
        name: _refused_by(work, ticket, misuse(work, ticket))
        for ticket, (name, misuse) in zip(asked["tickets"], MISUSES.items(), strict=True)
    }
    assert found == documented(place)
    (kept,) = [key for key in work.site.stored if not key.startswith("incoming/")]
    with work.site.storage.open(kept) as source:
        assert source.read() == PAGE
    assert sweep.run(work.site.db, work.site.storage, now=work.site.clock.now + timedelta(days=3)).finished
    assert work.site.stored == []
    assert [work.site.count(table) for table in ("upload_files", "files")] == [0, 0]


def _refused_by(work: Work, ticket: Any, answer: Answer) -> str:
    if answer.status >= 300:
        assert answer.status < 500
        return "storage"
    completed = work.uploader.post(f"uploads/{ticket['id']}/complete")
    assert completed.status_code in {200, 400, 413, 415}, completed.text
    return "nobody: it is not read" if completed.status_code == 200 else "completing"
