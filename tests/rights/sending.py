"""Files and uploads by SQL: those too that somebody began who may not any more."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

from roliascan.ids import new_id
from roliascan.library import tickets
from roliascan.library.tickets import incoming_key
from roliascan.library.uploads import APPENDED
from roliascan.storage.memory import MemoryStorage
from tests.front import PAGE, SECRET, Site

FOLDERS = {"page": "pages", "cover": "covers", "file": "files"}
DIGEST = sha256(PAGE).hexdigest()


class Sending:
    """What was sent to a site; each file is PAGE."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def file(self, owner: str | None, purpose: str, *, state: str = "ready") -> tuple[str, str]:
        """Its identifier and its key."""
        file_id = new_id(self.site.clock.now)
        key = f"{FOLDERS[purpose]}/{file_id}.png"
        row = {"id": file_id, "storage_key": key, "sha256": DIGEST, "bytes": len(PAGE), "type": "image/png"}
        row |= {"width": 20, "height": 30, "owner_id": owner, "purpose": purpose, "state": state}
        self._insert("files", row | {"created_at": self.site.clock.now})
        self.site.storage.put(key, BytesIO(PAGE), type="image/png")
        return file_id, key

    def upload(self, owner: str, purpose: str, target: str | None, *, state: str) -> dict[str, str]:
        """An open session with one upload, as `session` and `upload`.

        `state`: announced; sent, when its bytes are there; or complete.
        """
        now = self.site.clock.now
        session = {"id": new_id(now), "user_id": owner, "state": "open", "target_id": target, "created_at": now}
        kind = {"page": "chapter", "cover": "series", "file": "generic"}[purpose]
        self._insert("upload_sessions", session | {"target_kind": kind, "expires_at": now + timedelta(days=1)})
        is_complete = state == "complete"
        upload = {"id": new_id(now), "session_id": session["id"], "position": APPENDED, "name": "a.png"}
        upload |= {"bytes": len(PAGE), "type": "image/png", "sha256": DIGEST}
        upload |= {"state": "complete" if is_complete else "waiting"}
        upload |= {"file_id": self.file(owner, purpose, state="pending")[0] if is_complete else None}
        self._insert("upload_files", upload)
        if state == "sent":
            self.site.storage.put(incoming_key(str(upload["id"])), BytesIO(PAGE), type="application/octet-stream")
        return {"session": str(session["id"]), "upload": str(upload["id"])}

    def abandon(self, session: str) -> None:
        self.site.write("UPDATE upload_sessions SET state = 'abandoned' WHERE id = :id", id=session)

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        self.site.db.run(lambda tx: tx.insert_many(table, [dict(row)]))


def ticket(upload: str, now: datetime) -> dict[str, str]:
    """The query of a ticket that is good for PAGE as this upload."""
    issue = tickets.issuer(MemoryStorage(), secret=SECRET, uploads_at="")
    url = issue(tickets.Bound(upload, len(PAGE), "image/png", DIGEST), now + timedelta(hours=1)).url
    return dict(one.split("=") for one in url.partition("?")[2].split("&"))
