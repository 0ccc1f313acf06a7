"""Sending files as their tickets say, several at a time, each until the site says that it is complete."""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

from roliascan.cli.importing.folders import NotAFile, Unreadable
from roliascan.cli.importing.names import shown
from roliascan.cli.uploading import form, patience, session, told, wire
from roliascan.cli.uploading.folder import Changed, Page
from roliascan.cli.uploading.session import Announced
from roliascan.cli.uploading.site import NoAnswer, Site, SiteRefused
from roliascan.cli.uploading.wire import Answer, Lost

_GONE = {400, 404, 413, 415}  # after these the site has taken the file out of the session


class Outcome(NamedTuple):
    """`result` is `sent`, `refused` (the file has to be mended) or `failed` (again is worth a try)."""

    page: Page
    result: str
    detail: str = ""


Event: TypeAlias = int | str | Outcome | Exception
"""Bytes that went out (or in vain, below zero), a line to show, what became of a file, or what ends it all."""


class Stopped(Exception):
    """Nobody waits for this thread any more."""


class Sender:
    """Sends one file at a time, in whichever thread; `tell` is called with events."""

    def __init__(
        self,
        site: Site,
        chapter_id: str,
        announced: Sequence[Announced],
        *,
        tries: int,
        rest: patience.Rest,
        tell: Callable[[Event], None],
    ) -> None:
        self._site = site
        self._chapter_id = chapter_id
        self._tries = tries
        self._rest = rest
        self._tell = tell
        self._equal: dict[str, list[Page]] = defaultdict(list)
        for one in announced:
            self._equal[one.page.sha256].append(one.page)

    def send(self, one: Announced) -> Outcome:
        """Raises what concerns all files alike, such as TokenRefused."""
        try:
            return self._send(one)
        except SiteRefused as refusal:
            result = "refused" if refusal.status in _GONE else "failed"
            return Outcome(one.page, result, refusal.detail)
        except NoAnswer as refusal:
            return Outcome(one.page, "failed", refusal.detail)
        except (Changed, NotAFile, Unreadable) as refusal:
            return Outcome(one.page, "refused", refusal.detail)

    def _send(self, one: Announced) -> Outcome:
        answer: Answer | None = None
        why = ""
        for pause in patience.pauses(self._tries):
            self._rest(max(pause, patience.asked_for(answer)), why)
            answer, why = self._put(one)
            if answer is not None and patience.is_not_now(answer):
                continue
            if self._complete(one):
                return Outcome(one.page, "sent")
            if answer is not None and answer.status >= 300:
                one = self._anew(one)
        return Outcome(one.page, "failed", f"was not taken in {self._tries} tries ({why})")

    def _put(self, one: Announced) -> tuple[Answer | None, str]:
        """What the storage answers, None where that was lost; and in words. No token is sent along."""
        went = 0

        def count(size: int) -> None:
            nonlocal went
            went += size
            self._tell(size)

        try:
            answer = self._ask(one, count)
        except Lost as lost:
            self._tell(-went)
            return None, shown(str(lost))
        if answer.status >= 300:
            self._tell(-went)
        return answer, shown(str(answer.problem.get("detail", "")) or f"the storage answers {answer.status}")

    def _ask(self, one: Announced, count: Callable[[int], None]) -> Answer:
        ticket, page = one.ticket, one.page
        url = self._site.absolute(ticket["url"])
        if not url.startswith(("https://", "http://")):
            raise Lost("its ticket names no address of the web")
        with page.open() as file:
            if ticket.get("fields") is not None:
                headers, body = form.form(ticket["fields"], page, file, count)
            else:
                headers, body = form.plain(page, file, count)
            return wire.send(ticket["method"], url, headers={**ticket.get("headers", {}), **headers}, body=body)

    def _complete(self, one: Announced) -> bool:
        """Whether the bytes are there: they may be, though the answer was lost."""
        try:
            self._site.ask("POST", f"uploads/{one.id}/complete")
        except SiteRefused as refusal:
            if refusal.said != "not_uploaded":
                raise
            return False
        return True

    def _anew(self, one: Announced) -> Announced:
        """Another ticket for the same file: the old one may have expired. Asked for with those that equal it."""
        equal = self._equal[one.page.sha256]
        asked = told.tickets(session.ask(self._site, self._chapter_id, equal), len(equal), asked="POST uploads")
        tickets = {ticket["id"]: ticket for ticket in asked["tickets"]}
        again = tickets.get(one.id)
        return one if again is None or again.get("done") else Announced(one.page, again)


def all_of(
    announced: Sequence[Announced], start: Callable[[Callable[[Event], None], patience.Rest], Sender], *, parallel: int
) -> Iterator[Event]:
    """Sends all of them with so many threads, and yields what happens, until it is known what became of each.

    Raises what concerns all files alike. Whoever stops listening stops the threads, at the latest when what they are
    sending has gone out; they do not keep the process from ending.
    """
    events: SimpleQueue[Event] = queue.SimpleQueue()
    waiting: SimpleQueue[Announced] = queue.SimpleQueue()
    stopped = threading.Event()
    for one in announced:
        waiting.put(one)

    def tell(event: Event) -> None:
        if stopped.is_set():
            raise Stopped
        events.put(event)

    def rest(seconds: float, why: str) -> None:
        if seconds >= patience.WORTH_A_WORD_S:
            tell(f"waiting {seconds:.0f} s: {why}")
        if stopped.wait(seconds):
            raise Stopped

    sender = start(tell, rest)
    for _ in range(min(parallel, len(announced))):
        threading.Thread(target=_work, args=(sender, waiting, tell), daemon=True).start()
    try:
        yield from _until_all_is_known(events, len(announced))
    finally:
        stopped.set()


def _until_all_is_known(events: "SimpleQueue[Event]", left: int) -> Iterator[Event]:
    while left:
        event = events.get()
        if isinstance(event, Exception):
            raise event
        left -= isinstance(event, Outcome)
        yield event


def _work(sender: Sender, waiting: "SimpleQueue[Announced]", tell: Callable[[Event], None]) -> None:
    try:
        while True:
            tell(sender.send(waiting.get_nowait()))
    except (queue.Empty, Stopped):
        return
    except Exception as error:  # whoever listens is to hear of it, mistakes of ours included
        with suppress(Stopped):
            tell(error)
