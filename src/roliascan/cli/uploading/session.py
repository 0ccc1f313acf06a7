"""An upload session of a chapter: what is announced, what is left over from before, and showing it all at once."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from roliascan.cli.importing.names import shown
from roliascan.cli.uploading import told
from roliascan.cli.uploading.folder import Page, Wrong
from roliascan.cli.uploading.site import Site, SiteRefused
from roliascan.errors import Invalid, Problem

MOST_FILES = 100  # that one request announces


class Announced(NamedTuple):
    """A page with its ticket, which says `done` where its bytes are complete at the site."""

    page: Page
    ticket: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.ticket["id"])

    @property
    def is_done(self) -> bool:
        return bool(self.ticket.get("done"))


class Refused(Exception):
    """`wrong` are the files that the site does not take."""

    def __init__(self, wrong: list[Wrong]) -> None:
        self.wrong = wrong
        super().__init__(f"{len(wrong)} files are refused")


def announce(site: Site, chapter_id: str, pages: Sequence[Page]) -> tuple[str, list[Announced]]:
    """The session's identifier, and a ticket for each page, in their order. Raises Refused."""
    session = ""
    tickets: dict[Path, Any] = {}
    for batch in _batches(pages):
        asked = told.tickets(ask(site, chapter_id, batch), len(batch), asked="POST uploads")
        session = asked["session"]
        tickets.update(zip((page.path for page in batch), asked["tickets"], strict=True))
    if len({ticket["id"] for ticket in tickets.values()}) < len(pages):
        raise Invalid(Problem("pages", f"more than {MOST_FILES} of them are the same image; leave some out"))
    return session, [Announced(page, tickets[page.path]) for page in pages]


def _batches(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """Equal files go into one request: in two, one would be taken for the other."""
    batch: list[Page] = []
    for _, equal in groupby(sorted(pages, key=lambda page: page.sha256), key=lambda page: page.sha256):
        together = list(equal)
        if batch and len(batch) + len(together) > MOST_FILES:
            yield batch
            batch = []
        batch += together
        while len(batch) > MOST_FILES:
            yield batch[:MOST_FILES]
            batch = batch[MOST_FILES:]
    if batch:
        yield batch


def ask(site: Site, chapter_id: str, pages: Sequence[Page]) -> Any:
    """Tickets for these, of the session that is open, or a new one. Raises Refused for files that are too large."""
    files = [{"name": one.name, "size": one.bytes, "type": one.type, "sha256": one.sha256} for one in pages]
    try:
        return site.ask("POST", "uploads", {"target": {"chapterId": chapter_id}, "files": files}, into=told.Tickets)
    except SiteRefused as refusal:
        wrong = [
            Wrong(page.name, shown(f"{field.partition('.')[2]} {message}", 1000))
            for place, page in enumerate(pages)
            for field, message in refusal.errors.items()
            if field.startswith(f"files[{place}]")
        ]
        if wrong:
            raise Refused(wrong) from None
        raise


def leave_out(site: Site, session: str, announced: Sequence[Announced]) -> list[str]:
    """Takes out of the session what an earlier try announced, and is not in the folder any more; their names."""
    ours = {one.id for one in announced}
    opened = site.ask("GET", f"uploads/sessions/{session}", into=told.Session)
    others = [one for one in opened["files"] if one["id"] not in ours]
    for one in others:
        try:
            site.ask("DELETE", f"uploads/{one['id']}")
        except SiteRefused as refusal:
            if refusal.status != 404:  # else it is gone already, and the answer was lost
                raise
    return [str(one["name"]) for one in others]


def commit(site: Site, session: str, announced: Sequence[Announced]) -> None:
    """Shows all of it, in this order, behind what the chapter has. Where that was refused, the session tells."""
    where = f"uploads/sessions/{session}"
    try:
        site.ask("POST", f"{where}/commit", {"order": [one.id for one in announced]})
    except SiteRefused:
        if site.ask("GET", where, into=told.Session)["state"] != "committed":
            raise
