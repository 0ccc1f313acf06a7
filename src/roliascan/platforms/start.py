"""Building the app: once for each process, at its first request, and again at the next one when that failed."""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from roliascan.app import create_app, opened, traces_of
from roliascan.database import BadAddress, Database
from roliascan.platforms import lines, requests
from roliascan.platforms.gateway.problems import problem
from roliascan.platforms.gateway.wsgi import Environ, line
from roliascan.settings import BadSettings, Settings
from roliascan.storage import UnknownStorage
from roliascan.web import logs

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from roliascan.tracing import Traces

Around: TypeAlias = "Callable[[WSGIApplication], WSGIApplication]"

RETRY_AFTER = 5
NOT_STARTED = "not_started"


def settings() -> Settings:
    """The settings that this process was started with; from here on its log is as they want it. Raises BadSettings."""
    logs.tell(lines.wanted(os.environ))
    return Settings.from_environ(os.environ)


def trusted_hops() -> int:
    """TRUSTED_HOPS while a module is imported, where nothing may be raised: with what is no number no app starts."""
    text = os.environ.get("TRUSTED_HOPS", "").strip()
    return int(text) if text.isdecimal() and len(text) < 3 else 0


class Running(NamedTuple):
    """An app, what closes the connections that it keeps between requests, and what traces others as it is traced."""

    app: "WSGIApplication"
    close: Callable[[], None]
    around: Around = lambda app: app


def build() -> Running:
    """RoliaScan as the environment of this process wants it. Raises what its parts raise when they cannot be used."""
    return running(settings())


def running(found: Settings) -> Running:
    """RoliaScan with these settings. Raises what its parts raise when they cannot be used."""
    with ExitStack() as undone:
        traces = traces_of(found)
        if traces:
            undone.callback(traces.close)  # they have a thread, and each request tries again
        db = opened(found, traces)
        app = create_app(found, database=db, traces=traces)
        undone.pop_all()
    made = Running(requests.within(app, found.request_timeout), closing(db, traces))
    return made._replace(around=traces.answering) if traces else made


def closing(db: Database, traces: "Traces | None") -> Callable[[], None]:
    """What closes both, where there are both."""

    def close() -> None:
        db.close()
        if traces:
            traces.close()

    return close


class Once:
    """The app that `build` gave the first time that it did not raise; who asks for it meanwhile waits for it."""

    def __init__(self, build: Callable[[], Running]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._running: Running | None = None

    def __call__(self) -> "WSGIApplication":
        running = self._running
        if running is None:
            with self._lock:
                running = self._running = self._running or self._build()
        return running.app

    def forget(self) -> None:
        """Closes the app; the next request gets one with the settings, secrets and connections of its time."""
        running, self._running = self._running, None
        if running is not None:
            running.close()


def or_unavailable(get: "Callable[[], WSGIApplication]") -> "WSGIApplication":
    """The app that `get` gives; 503 to a request for which it raises. Why is in the log, not in the answer."""

    def app(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        try:
            built = get()
        except Exception as error:
            request_id = requests.known_id(environ)
            log_failure(error, request_id)
            return _unavailable(request_id, start_response)
        return built(environ, start_response)

    return app


def log_failure(error: Exception, request_id: str) -> None:
    """One line that says what to mend."""
    problems = problems_of(error)
    if problems:
        logs.log("error", "not started", requestId=request_id, code=NOT_STARTED, problems=problems)
    else:
        logs.log_crash(error, request_id=request_id, status=503, code=NOT_STARTED)


def problems_of(error: Exception) -> list[str]:
    """What the operator has to mend, one sentence each and without secrets; nothing for any other error."""
    if isinstance(error, BadSettings):
        return error.problems
    if isinstance(error, BadAddress):
        return [f"DATABASE_URL: {error}"]
    return [error.detail] if isinstance(error, UnknownStorage) else []


def _unavailable(request_id: str, start_response: "StartResponse") -> Iterable[bytes]:
    detail = "The service could not start; its log says what is missing."
    told = problem(503, NOT_STARTED, detail, request_id, (("retry-after", str(RETRY_AFTER)),))
    start_response(line(told.status), told.headers)
    return [told.body]
