"""What the tests of direct uploads begin with: announcing files, sending them as their tickets say, committing."""

import hashlib
from typing import Any

from falcon.testing import Result

from tests import drawings
from tests.front import Asker, Site, told

NOBODY = "01a20846-fe00-7ece-bc0b-f87796bb3294"
WIDE = drawings.page("png", 40, 30)
GENERIC = {"generic": True}


def announced(data: bytes, *, type: str = "image/png", **more: Any) -> dict[str, Any]:
    return {"name": "a.png", "size": len(data), "type": type, "sha256": hashlib.sha256(data).hexdigest(), **more}


def image(seed: int) -> bytes:
    return drawings.page("png", 20, 30, seed=seed)


def asks(asker: Asker, target: Any, *files: dict[str, Any]) -> Any:
    return told(asker.post("uploads", {"target": target, "files": list(files)}), 201)


def puts(site: Site, ticket: Any, data: bytes, *, url: str = "", by: Asker | None = None, **how: Any) -> Result:
    """Sends bytes as a ticket says, or almost."""
    how = {"headers": ticket["headers"], "body": data, **how}
    return (by or site.stranger).put(url or ticket["url"], **how)


def sends(asker: Asker, target: Any, *images: bytes, pages: tuple[int, ...] = ()) -> Any:
    """Announces, sends and completes; the session."""
    numbers: list[Any] = [{"page": page} for page in pages] or [{}] * len(images)
    files = [announced(data, **number) for data, number in zip(images, numbers, strict=True)]
    asked = asks(asker, target, *files)
    for ticket, data in zip(asked["tickets"], images, strict=True):
        told(puts(asker.site, ticket, data), 204)
        told(asker.post(f"uploads/{ticket['id']}/complete"))
    return told(asker.get(f"uploads/sessions/{asked['session']}"))


def commits(asker: Asker, session: Any, **body: Any) -> Any:
    return told(asker.post(f"uploads/sessions/{session['id']}/commit", body or None))


class Work:
    """An uploader and a chapter of theirs, without pages."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.uploader = site.sign_up("uploader")
        self.series = self.uploader.makes_series()
        self.chapter = self.uploader.makes_chapter(self.series)
        self.target = {"chapterId": self.chapter["id"]}

    def shown(self) -> Any:
        return told(self.uploader.get(f"chapters/{self.chapter['id']}"))

    def pages(self) -> list[tuple[int, bytes]]:
        return [(page["number"], self.uploader.get(page["url"]).content) for page in self.shown()["pages"]]
