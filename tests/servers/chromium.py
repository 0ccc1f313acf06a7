"""Chromium, without a window, spoken to over a pipe in its own words: chromedevtools.github.io/devtools-protocol.

It reaches nothing but 127.0.0.1, and ends with the process that started it, which holds the pipe.
"""

import json
import os
import select
import signal
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from tests.servers import program

PATIENCE = 180  # seconds for an answer, with other things to do for the machine
OPTIONS = (
    "--headless",
    "--no-sandbox",  # which needs rights that few machines for tests give; it sees pages of the tests only
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Thrown(Exception):
    """What a page threw, in its words."""


def found() -> str | None:
    return program.find("chromium")


class Chromium:
    """Commands go in and answers come out as JSON with a NUL behind; events go to the page whose they are."""

    def __init__(self, sends: int, hears: int) -> None:
        self._sends, self._hears = sends, hears
        self._buffer = b""
        self._numbers = count(1)
        self._listeners: dict[str, Callable[[str, Any], None]] = {}

    def tell(self, method: str, session: str = "", **params: Any) -> int:
        """Without waiting for the answer, whose number this is."""
        number = next(self._numbers)
        said = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._sends, json.dumps(said).encode() + b"\0")
        return number

    def ask(self, method: str, session: str = "", **params: Any) -> Any:
        number = self.tell(method, session, **params)
        while (message := self._next(method)).get("id") != number:
            if listener := self._listeners.get(message.get("sessionId", "")):
                listener(message.get("method", ""), message.get("params"))
        assert "error" not in message, (method, message)
        return message["result"]

    def _next(self, waiting_for: str) -> Any:
        while b"\0" not in self._buffer:
            if not select.select([self._hears], [], [], PATIENCE)[0]:
                raise TimeoutError(f"Chromium does not answer {waiting_for}")
            if not (more := os.read(self._hears, 1 << 16)):
                raise ConnectionError("Chromium has ended")
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    @contextmanager
    def page(self, url: str) -> Iterator["Page"]:
        """A page in a browser of its own, as far as it can know: no cookies, nothing cached."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self._listeners[session] = page.hear
        page.goes_to(url)
        yield page
        del self._listeners[session]
        self.ask("Target.disposeBrowserContext", browserContextId=context)


class Page:
    def __init__(self, chromium: Chromium, session: str) -> None:
        self._chromium, self._session = chromium, session
        self._on_paused: Callable[[Any], bool] = lambda _: False

    def ask(self, method: str, **params: Any) -> Any:
        return self._chromium.ask(method, self._session, **params)

    def goes_to(self, url: str) -> None:
        assert "errorText" not in self.ask("Page.navigate", url=url)
        self.run("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def run(self, script: str) -> Any:
        """What an expression comes to, or what the promise keeps. Raises Thrown."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if thrown := told.get("exceptionDetails"):
            raise Thrown(thrown.get("exception", {}).get("description") or str(thrown))
        return told["result"].get("value")

    def chooses(self, *files: Path) -> None:
        """In the one file field of the page."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        field = self.ask("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=field, files=[str(file) for file in files])

    def shot(self) -> bytes:
        """What is to be seen, as a PNG."""
        return b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    @contextmanager
    def cuts(self, which: Callable[[Any], bool], *, stage: str) -> Iterator[None]:
        """Of the requests meanwhile, breaks the connection of those: before they go ("Request"), or, when they were
        answered, before anybody hears of it ("Response")."""
        self._on_paused = which
        self.ask("Fetch.enable", patterns=[{"urlPattern": "*", "requestStage": stage}])
        yield
        self.ask("Fetch.disable")

    def hear(self, event: str, params: Any) -> None:
        if event == "Fetch.requestPaused":
            how: dict[str, str] = {"requestId": params["requestId"]}
            if self._on_paused(params["request"]):
                self._chromium.tell("Fetch.failRequest", self._session, **how, errorReason="ConnectionReset")
            else:
                self._chromium.tell("Fetch.continueRequest", self._session, **how)


@contextmanager
def running() -> Iterator[Chromium]:
    path = found()
    assert path is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            # It reads from descriptor 3 and writes to 4.
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}',
                "bash",
                path,
                *OPTIONS,
                f"--user-data-dir={home}",
            ],
            env=program.environment({"HOME": home}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Chromium(ours_out, ours_in)
        finally:
            os.close(ours_out)
            os.close(ours_in)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
