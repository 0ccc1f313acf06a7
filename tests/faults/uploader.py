"""Somebody who uploads to a site that may end at any point, goes on where it ended, and remembers what it was told."""

import hashlib
import http.client
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests import drawings
from tests.faults.mortal import Host
from tests.faults.wire import Answer

_THERE = {403, 409, 412}  # what storages answer where the bytes came before: a ticket is for creating only


class Uploader:
    """Works on one chapter and its upload session, by `host`; each verb may be begun again, and goes on."""

    def __init__(self, token: str, chapter: str, images: Sequence[bytes]) -> None:
        self.host: Host
        self._token = token
        self._chapter = chapter
        self._images = images
        self._session = ""
        self._completed: set[str] = set()
        self._is_committed = self._is_published = self._is_abandoned = False

    def ask(self, method: str, path: str, *, well: set[int] | None = None, **how: Any) -> Answer:
        """Raises Cut; AssertionError for another answer."""
        answer = self.host.ask(method, path, by=self._token, **how)
        assert answer.status < 300 or answer.status in (well or ()), f"{method} {path}: {answer}"
        return answer

    # What it does.

    def publish(self) -> None:
        """Announces, sends, completes and commits pages, and shows the chapter, as far as it is not done yet."""
        chapter = self.ask("GET", f"chapters/{self._chapter}").json
        if not chapter["pages"]:
            self._send(most=len(self._images))
            self.ask("POST", f"uploads/sessions/{self._session}/commit")
            self._is_committed = True
        if chapter["state"] != "published":
            self.ask("POST", f"chapters/{self._chapter}/publish")
            self._is_published = True

    def abandon(self) -> None:
        """Does not want what was sent."""
        self._completed = set()  # whether the answer arrives or not
        self.ask("DELETE", f"uploads/sessions/{self._session}", well={404, 409})
        self._is_abandoned = True

    def leave(self) -> None:
        """Sends, completes all but the last (of several), and never comes back."""
        self._send(most=max(1, len(self._images) - 1))

    def sweep(self) -> None:
        self._completed = set()  # it is a day later
        assert self.ask("POST", "/sweep").json == {"finished": True}

    def _send(self, *, most: int) -> None:
        files = [
            {"name": "a.png", "size": len(one), "type": "image/png", "sha256": hashlib.sha256(one).hexdigest()}
            for one in self._images
        ]
        asked = self.ask("POST", "uploads", json={"target": {"chapterId": self._chapter}, "files": files}).json
        for number, (ticket, data) in enumerate(zip(asked["tickets"], self._images, strict=True)):
            if not ticket.get("done"):
                self._put(ticket, data)
                if number < most:
                    self.ask("POST", f"uploads/{ticket['id']}/complete")
                    self._completed.add(ticket["id"])
        self._session = asked["session"]

    def _put(self, ticket: Any, data: bytes) -> None:
        url = ticket["url"]
        if url.startswith("/"):
            self.ask("PUT", url, form=data, type=ticket["headers"]["Content-Type"])
            return
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        connection.request(ticket["method"], f"{parts.path}?{parts.query}", data, ticket["headers"])
        status = connection.getresponse().status
        connection.close()
        assert status < 300 or status in _THERE, f"the storage answers {status}"

    # What it was told, and has to be there.

    def wrong(self) -> list[str]:
        """What was acknowledged and is not so (I1), what others see of it and should not (I7), or not whole (I2)."""
        wrong = [
            f"a completed upload is not: {one}"
            for one in self._completed
            if self.ask("GET", f"uploads/{one}", well={404}).json.get("state") != "complete"
        ]
        if self._is_abandoned:
            told = self.ask("GET", f"uploads/sessions/{self._session}", well={404})
            if told.status != 404 and told.json["state"] != "abandoned":
                wrong.append("an abandoned session is open")
        mine = self.ask("GET", f"chapters/{self._chapter}").json
        if self._is_committed and not mine["pages"]:
            wrong.append("what was committed is not there")
        if self._is_published and mine["state"] != "published":
            wrong.append("what was published is not shown")
        return wrong + self._not_whole(mine) + self._seen(mine)

    def _not_whole(self, chapter: Any) -> list[str]:
        """All pages of the session in their order, or none."""
        if not chapter["pages"]:
            return []
        shown = [self.ask("GET", self._path(page)).content for page in chapter["pages"]]
        return (
            [] if shown == [*self._images] else [f"{len(shown)} pages are not those {len(self._images)} that were sent"]
        )

    def _seen(self, mine: Any) -> list[str]:
        answer = self.host.ask("GET", f"chapters/{self._chapter}")
        return [] if (answer.status == 200) == (mine["state"] == "published") else [f"strangers get {answer.status}"]

    @staticmethod
    def _path(page: Any) -> str:
        return str(page["url"][page["url"].index("/uploads/") :])


def images(number: int) -> list[bytes]:
    return [drawings.page("png", 20, 30, seed=seed) for seed in range(number)]
