"""What files tell of their makers is gone from everything that is kept, whichever way it came in (UP-20)."""

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from tests import drawings
from tests.front import File, Site, told
from tests.library.uploading import GENERIC, Work, announced, asks, commits, puts

CANARY = b"CANARY-48.8584N-2.2945E"


def telling(kind: str) -> bytes:
    """A page that tells where it was made, and when, by which camera."""
    exif = Image.Exif()
    exif[0x0110] = CANARY.decode()  # the camera's model
    exif.get_ifd(0x8769)[0xA431] = CANARY.decode()  # its serial number
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.24), 29: CANARY.decode()})  # GPS
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    if kind == "gif":
        return drawings.save(drawings.draw(20, 30, mode="P"), kind, comment=CANARY)
    return drawings.save(drawings.draw(20, 30), kind, exif=exif.tobytes(), xmp=xmp)


KINDS = ["jpeg", "png", "webp", "gif", "avif"]


def assert_gone(site: Site, sent: bytes) -> None:
    """From all that is kept, the pixels of which are those that were sent."""
    assert CANARY in sent
    assert site.stored
    for key in site.stored:
        with site.storage.open(key) as file:
            kept = file.read()
        assert CANARY not in kept
        assert pixels(kept) == pixels(sent)
        assert site.values("sha256", "files WHERE storage_key = :key", key=key) == [hashlib.sha256(kept).hexdigest()]
        assert site.values("bytes", "files WHERE storage_key = :key", key=key) == [len(kept)]
        assert site.values("sent_sha256", "files WHERE storage_key = :key", key=key) == [
            hashlib.sha256(sent).hexdigest()
        ]


def pixels(content: bytes) -> tuple[Any, bytes]:
    with Image.open(io.BytesIO(content)) as image:
        return image.size, image.convert("RGBA").tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_from_pages_and_single_files(site: Site, kind: str) -> None:  # UP-20
    uploader, sent = site.sign_up("uploader"), telling(kind)
    chapter = uploader.publishes(uploader.makes_series(), pages=1)
    for key in site.stored:
        site.storage.delete(key)
    told(uploader.send(f"chapters/{chapter['id']}/pages", File("a", sent), File("b", sent)), 201)
    single = uploader.files(sent)
    *_, page = told(uploader.get(f"chapters/{chapter['id']}"))["pages"]
    assert len(site.stored) == 3
    assert_gone(site, sent)
    for shown in (page, single):
        served = site.stranger.get(shown["url"])
        assert len(served.content) == shown["bytes"] == int(served.headers["content-length"])
        assert CANARY not in served.content


@pytest.mark.parametrize("kind", KINDS)
def test_from_what_came_by_tickets(site: Site, kind: str) -> None:  # UP-20
    """Announced is what is sent, and compared with what came; what is kept is less."""
    work, sent = Work(site), telling(kind)
    for target in (work.target, {"seriesId": work.series["id"]}, GENERIC):
        asked = asks(work.uploader, target, announced(sent, type=f"image/{kind}"))
        (ticket,) = asked["tickets"]
        told(puts(site, ticket, sent), 204)
        done = told(work.uploader.post(f"uploads/{ticket['id']}/complete"))
        assert (done["sha256"], done["size"]) == (hashlib.sha256(sent).hexdigest(), len(sent))
        (again,) = asks(work.uploader, target, announced(sent, type=f"image/{kind}"))["tickets"]
        assert again == {"id": ticket["id"], "done": True}
        commits(work.uploader, {"id": asked["session"]})
    assert len(site.stored) == 3
    assert_gone(site, sent)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_page_is_still_shown_turned(site: Site, kind: str, orientation: int) -> None:  # UP-21
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = orientation, CANARY.decode()
    sent = drawings.save(drawings.draw(20, 30), kind, exif=exif.tobytes())
    uploader = site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())
    (page,) = uploader.adds_pages(chapter, image=sent)["pages"]
    assert_gone(site, sent)
    with Image.open(io.BytesIO(uploader.get(page["url"]).content)) as kept:
        assert kept.getexif().get(0x0112, 1) == orientation
    assert (page["width"], page["height"]) == ((30, 20) if orientation > 4 else (20, 30))
