"""Requests that schemathesis generates from the OpenAPI document, each asked by people of every role.

schemathesis leads one asker, and checks the answers to them; the others ask the same of sites of their own, and every
answer is held against what the document promises (tests/web/promises.py). So that they find something, identifiers are
of things that exist, of each site its own.
"""

import io
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import msgspec
import schemathesis
from schemathesis import hooks
from schemathesis.engine import events, from_schema

from roliascan.web import openapi
from tests.front import FORM, File, form, opened
from tests.fuzz.ground import PIXEL, ROLES, Ground
from tests.fuzz.told import Finding, Outcome, Told
from tests.web.promises import Broken, Operation, Promises

CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
]
REFUSED = ["4xx", "5xx"]
"""What is no input is answered so. schemathesis leaves out 410, the answer at the slug of what was deleted: also where
an identifier is asked for, and the number 0 was made up, which reads as the slug `0`."""
EXAMPLES = 15  # for an operation in a round, beside those that cover its schema
TENDED_EVERY = 100  # requests
LEADERS = ("uploader", "admin", "moderator", "user", "")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def run(urls: Mapping[str, str], kind: str, *, requests: int, seed: int) -> Outcome:
    """Asks at least so many times on migrated databases, `urls` by role, in rounds that differ."""
    started = time.monotonic()
    with ExitStack() as stack:
        grounds = [Ground(stack.enter_context(opened(urls[role], RATE_LIMITS="off")), role) for role in ROLES]
        crowd = Crowd(grounds, kind)
        rounds = 0
        while crowd.requests < requests and not crowd.findings:
            crowd.led_by(LEADERS[(seed + rounds) % len(LEADERS)])
            with _hooked(crowd):
                _round(crowd, seed=seed + rounds)
            rounds += 1
    return Outcome(list(crowd.told.values()), list(crowd.findings.values()), time.monotonic() - started)


def _round(crowd: "Crowd", *, seed: int) -> None:
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "phases": {"stateful": {"enabled": True}},
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
            "suppress-health-check": ["all"],
        }
    )
    config.projects.default.checks.update(included_check_names=CHECKED)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", crowd.app, config=config)
    for event in from_schema(schema).execute():
        for finding in _findings(event):
            crowd.find(finding)


def _findings(event: Any) -> Iterator[Finding]:
    if isinstance(event, events.ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info:
                    failure = check.failure_info.failure
                    sample = f"{failure.message}\n{check.failure_info.code_sample}"
                    yield Finding(check.name, failure.operation, failure.title, sample)
    elif isinstance(event, events.NonFatalError):
        yield Finding("error", event.label, type(event.value).__name__, str(event.value))
    elif isinstance(event, events.FatalError):
        yield Finding("error", "", type(event.exception).__name__, str(event.exception))


class _Answer(NamedTuple):
    """An answer in the form that promises are checked in."""

    status: str
    headers: Mapping[str, str]
    content: bytes
    raw_headers: list[tuple[str, str]]

    @property
    def status_code(self) -> int:
        return int(self.status[:3])

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)


class Crowd:
    """People of every role, each on a site of their own, who all ask what one of them asks."""

    def __init__(self, grounds: Sequence[Ground], kind: str) -> None:
        self.grounds = list(grounds)
        self.told = {ground.role: Told(kind, ground.role) for ground in grounds}
        self.findings: dict[tuple[str, str, str], Finding] = {}
        self.draws = False
        self.operation: Operation | None = None
        """Which operation is asked for; None: one that the document does not have."""
        self._promises = Promises(openapi.document())
        self._by_name = {one.name: one for one in self._promises.operations}
        self._same: dict[str, dict[bytes, bytes]] = {ground.role: {} for ground in grounds}

    @property
    def leader(self) -> Ground:
        return self.grounds[0]

    @property
    def requests(self) -> int:
        return sum(told.requests for told in self.told.values())

    def led_by(self, role: str) -> None:
        self.grounds.sort(key=lambda ground: ground.role != role)
        self.operation = None  # the document is asked for first
        self._tend()

    def find(self, finding: Finding) -> None:
        self.findings.setdefault(finding[:3], finding)

    def asks(self, case: Any) -> None:
        """What comes next is a request for the operation of this case."""
        described = self._by_name[case.operation.definition.raw["operationId"]]
        self.operation = described if case.method.upper() == described.method else None

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """The WSGI app that schemathesis asks. It gets what the leader gets."""
        if self.told[self.leader.role].requests % TENDED_EVERY == 0:
            self._tend()
        if self.draws and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
            body = form(File("pages", PIXEL))  # in the place of bytes that are none: schemathesis makes up texts only
            environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": FORM}
        else:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.draws = False
        first, *others = [self._ask(ground, environ, body) for ground in self.grounds]
        for ground, answer in zip(self.grounds[1:], others, strict=True):
            self._pair(ground, first, answer)
        start_response(first.status, first.raw_headers)
        return [first.content]

    def _ask(self, ground: Ground, environ: dict[str, Any], body: bytes) -> _Answer:
        same = self._same[ground.role]

        def own(text: bytes) -> bytes:
            return _UUID.sub(lambda found: same.get(found[0], found[0]), text)

        asked = {
            **environ,
            "wsgi.input": io.BytesIO(own(body)),
            "PATH_INFO": own(environ["PATH_INFO"].encode("latin-1")).decode("latin-1"),
            "QUERY_STRING": own(environ.get("QUERY_STRING", "").encode("latin-1")).decode("latin-1"),
            "HTTP_AUTHORIZATION": f"Bearer {ground.asker.token}",
        }
        asked.pop("HTTP_COOKIE", None)
        if not ground.role:
            del asked["HTTP_AUTHORIZATION"]
        answer = _answer(ground.site.app, asked)
        self._note(ground, asked, answer)
        if ground.role and asked["PATH_INFO"].rstrip("/").endswith(("/logout", "/sessions", "/auth/me")):
            ground.revive()
        return answer

    def _note(self, ground: Ground, asked: Mapping[str, Any], answer: _Answer) -> None:
        told = self.told[ground.role]
        told.statuses[answer.status_code] += 1
        if self.operation is None:
            return
        told.operations.setdefault(self.operation.name, Counter())[answer.status_code] += 1
        try:
            self._promises.check_of(self.operation, answer)
        except (AssertionError, Broken) as broken:
            who = f"{ground.role or 'stranger'} on {told.kind}"
            sample = (
                f"{who}: {asked['REQUEST_METHOD']} {asked['PATH_INFO']}?{asked['QUERY_STRING']}: {answer.text[:500]}"
            )
            self.find(Finding("as promised", self.operation.name, str(broken)[:300], sample))

    def _pair(self, ground: Ground, first: _Answer, answer: _Answer) -> None:
        """What both just made is the same to them."""
        if first.status_code == answer.status_code == 201:
            made = [one.json.get("id") for one in (first, answer)]
            if all(isinstance(one, str) for one in made):
                self._same[ground.role][made[0].encode()] = made[1].encode()

    def _tend(self) -> None:
        for ground in self.grounds:
            ground.tend()
        for ground in self.grounds:
            self._same[ground.role] |= _alike(self.leader, ground) if ground is not self.leader else {}
        self._same[self.leader.role] = {}


def _alike(leader: Ground, other: Ground) -> dict[bytes, bytes]:
    """Things of the one and of the other, by the places that they have among their kind."""
    return {
        one: two
        for name, known in leader.named.items()
        for first, second in zip(known, other.named[name], strict=False)
        for one, two in zip(_UUID.findall(first.encode()), _UUID.findall(second.encode()), strict=True)
    }


def _answer(app: Callable[..., Any], environ: dict[str, Any]) -> _Answer:
    begun: list[Any] = []
    body = app(environ, lambda status, headers, exc_info=None: begun.extend([status, headers]))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    status, headers = begun
    return _Answer(status, {name.lower(): value for name, value in headers}, content, headers)


@contextmanager
def _hooked(crowd: Crowd) -> Iterator[None]:
    """schemathesis keeps hooks for the whole process."""

    def before_call(_context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        if kwargs.get("session") is None:  # what only requests over a network take
            for name in ("max_redirects", "verify", "cert", "proxies"):
                kwargs.pop(name, None)
        crowd.asks(case)
        if crowd.operation is None or case.meta is None or not case.meta.generation.mode.is_positive:
            return
        case.path_parameters = crowd.leader.path(case.path_parameters or {})
        if case.media_type == "multipart/form-data":
            crowd.draws = isinstance(case.body, dict) and len(case.body) % 2 == 1
        elif isinstance(case.body, dict):  # any other is left alone: what is set is taken for another case
            case.body = crowd.leader.body(case.body)

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        hooks.unregister(before_call)
