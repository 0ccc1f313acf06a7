"""What became of each page, for people while it happens, and for programs at the end."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from roliascan.cli.uploading.folder import Page, Wrong
from roliascan.cli.uploading.sending import Event, Outcome


class Report:
    """`quiet`: nothing but one JSON document at the end."""

    def __init__(self, url: str, *, quiet: bool) -> None:
        self._url = url
        self._quiet = quiet
        self._there: list[Page] = []
        self._kept: list[Page] = []
        self._outcomes: list[Outcome] = []
        self._bytes = 0
        self._step: Callable[[int], None] = _ignore
        self._count: Callable[[int], None] = _ignore
        self.say: Callable[[str], None] = _ignore if quiet else _print
        self._pages = 0

    # While it happens.

    def begin(self, chapter: Any, there: list[Page]) -> None:
        self._there = there
        self.say(f"to {self._address(chapter)}")
        if there:
            self.say(f"{_pages(len(there))} of these the chapter has already")

    def done(self, pages: Iterable[Page]) -> None:
        """These an earlier try has sent."""
        self._kept = list(pages)
        if self._kept:
            self.say(f"{_pages(len(self._kept))} of these were sent before")

    def show(
        self, step: Callable[[int], None], count: Callable[[int], None], say: Callable[[str], None], *, pages: int
    ) -> None:
        """Where to show from now on how far it is, of so many pages."""
        self._step, self._count, self.say, self._pages = step, count, say, pages

    def take(self, event: Event) -> None:
        if isinstance(event, int):
            self._bytes += max(event, 0)
            self._step(event)
        elif isinstance(event, str):
            self.say(event)
        elif isinstance(event, Outcome):
            self._take(event)

    def _take(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        done = len(self._kept) + len(self._of("sent"))
        self._count(done)
        if outcome.result == "sent":
            self.say(f"sent: {outcome.page.name} ({done} of {self._pages})")
        else:
            self.say(f"{outcome.result}: {outcome.page.name}: {outcome.detail}")

    # At the end.

    @property
    def is_lacking(self) -> bool:
        return bool(self._of("refused") or self._of("failed"))

    @property
    def how_to_go_on(self) -> str:
        done = len(self._kept) + len(self._of("sent"))
        kept = f"The site keeps {_pages(done)} for 24 hours. " if done else ""
        return f"{kept}Run the same command again: it goes on from here."

    def refused(self, wrong: list[Wrong], what_to_do: str) -> int:
        """Before anything was sent."""
        if self._quiet:
            self._print_json(None, refused=[{"name": one.name, "reason": one.reason} for one in wrong])
        else:
            self.say("\n".join([*(f"refused: {one.name}: {one.reason}" for one in wrong), what_to_do]))
        return 1

    def end(self, chapter: Any) -> int:
        if self._quiet:
            self._print_json(chapter, refused=self._plain("refused"))
        elif self.is_lacking:
            self.say = _print
            self.say(f"Nothing of it is shown yet; {_pages(len(self._outcomes) - len(self._of('sent')))} missing.")
            self.say(("Mend what is refused. " if self._of("refused") else "") + self.how_to_go_on)
        else:
            sent = len(self._of("sent"))
            _print(f"{_pages(sent)} sent, {len(self._kept) + len(self._there)} were there already.")
            _print(f"{self._address(chapter)} has {_pages(chapter['pageCount'])}, and is {_STATES[chapter['state']]}.")
        return 1 if self.is_lacking else 0

    def _of(self, result: str) -> list[Outcome]:
        return [one for one in self._outcomes if one.result == result]

    def _plain(self, result: str) -> list[dict[str, str]]:
        return [{"name": one.page.name, "reason": one.detail} for one in self._of(result)]

    def _address(self, chapter: Any) -> str:
        return f"{self._url}/api/v1/chapters/{chapter['id']}"

    def _print_json(self, chapter: Any, *, refused: list[dict[str, str]]) -> None:
        told = {
            "chapter": chapter and self._address(chapter),
            "state": chapter and chapter["state"],
            "pages": chapter and chapter["pageCount"],
            "sent": sorted_names(one.page for one in self._of("sent")),
            "there": [page.name for page in [*self._there, *self._kept]],
            "refused": refused,
            "failed": self._plain("failed"),
            "bytes": self._bytes,
        }
        print(json.dumps(told, indent=2, ensure_ascii=False))


_STATES = {"draft": "a draft", "scheduled": "scheduled", "published": "published", "hidden": "hidden"}


def sorted_names(pages: Iterable[Page]) -> list[str]:
    from roliascan.cli.importing.names import natural_key

    return sorted((page.name for page in pages), key=lambda name: natural_key((name,)))


def _pages(number: int) -> str:
    return "1 page" if number == 1 else f"{number} pages"


def _print(line: str) -> None:
    print(line, flush=True)


def _ignore(_: object) -> None:
    """Nobody reads it."""
