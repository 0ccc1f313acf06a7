"""Try a site from outside, as people would: sign up, upload by ticket, publish, read, and clear it all away.

It needs an administrator's token, as ROLIASCAN_TOKEN or --token, which others on this machine can see. What it makes is
called "Smoke test": a person, who is banned in the end, and a series, which is deleted. docs/operations.md tells more.
"""

import argparse
import json
import os
import secrets
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from roliascan.cli import surroundings
from roliascan.cli.importing.names import shown
from roliascan.cli.uploading import folder, sending, session, told, wire
from roliascan.cli.uploading.session import Announced
from roliascan.cli.uploading.site import Site, SiteRefused, TokenRefused, address, is_token
from roliascan.cli.uploading.wire import Lost
from roliascan.errors import Refusal

TRIES = 4  # of a request: a site that sleeps may need some of them
PAGES = 2


class _Me(TypedDict):
    role: str


class _User(TypedDict):
    id: told.Id


class _SignedIn(TypedDict):
    token: str
    user: _User


class Failed(Refusal):
    """What came is not what had to come; `detail` says both."""

    code = "smoke_failed"


class Step(NamedTuple):
    """What was tried, how long it took in milliseconds, and what went wrong, if anything did."""

    step: str
    ms: int
    wrong: str


class Visit:
    """What is known by now: three who ask, and what was made. A step that needs what is not there fails by itself."""

    def __init__(self, url: str, token: str, where: Path) -> None:
        self.url = url
        self.folder = where
        self.admin = _site(url, token)
        self.stranger = _site(url, "")
        self.person = self.stranger
        self.user = self.series = self.chapter = self.session = ""
        self.announced: list[Announced] = []
        self.pages: list[Any] = []


def _site(url: str, token: str) -> Site:
    return Site(url, token, tries=TRIES, rest=lambda seconds, _why: time.sleep(seconds))


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("site", metavar="URL", help="such as https://comics.example.org")
    parser.add_argument("--token", help="an administrator's; default: ROLIASCAN_TOKEN, which others cannot see")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(wrong_use=parser.error)


def run(args: argparse.Namespace) -> int:
    """0 when all of it went as it should, 1 when something did not; what was made is cleared away either way."""
    surroundings.load_environment(signs=False)
    token = (args.token or os.environ.get("ROLIASCAN_TOKEN", "")).strip()
    url = address(args.site)
    if url is None:
        args.wrong_use("name the site by its address, such as https://comics.example.org")
    if not is_token(token):
        args.wrong_use("give an administrator's token as ROLIASCAN_TOKEN, or with --token")
    with tempfile.TemporaryDirectory() as where:
        visit = Visit(str(url), token, Path(where))
        steps = []
        for step in _steps(visit):
            steps.append(step)
            if not args.json:
                print(f"{step.step:28}{step.ms:7} ms  {f'FAILED: {step.wrong}' if step.wrong else 'ok'}", flush=True)
    return _tell(visit.url, steps, as_json=args.json)


def _tell(url: str, steps: list[Step], *, as_json: bool) -> int:
    failed = sum(bool(step.wrong) for step in steps)
    if as_json:
        print(json.dumps({"site": url, "ok": not failed, "steps": [step._asdict() for step in steps]}, indent=2))
    elif failed:
        print(f"\n{url} is not well: {failed} of {len(steps)} steps failed.", file=sys.stderr)
    else:
        print(f"\n{url} is well: {len(steps)} steps in {sum(step.ms for step in steps) / 1000:.1f} s.")
    return 1 if failed else 0


def _steps(visit: Visit) -> Iterator[Step]:
    """The trials until one fails, then what clears away whatever was made."""
    for name, trial in TRIALS:
        step = _tried(name, trial, visit)
        yield step
        if step.wrong:
            break
    for name, trial in CLEARING:
        yield _tried(name, trial, visit)


def _tried(name: str, trial: Callable[[Visit], None], visit: Visit) -> Step:
    began = time.perf_counter()
    try:
        trial(visit)
        wrong = ""
    except Refusal as refusal:
        wrong = shown(refusal.detail, 500)
    except Lost as lost:
        wrong = shown(f"no answer: {lost}", 500)
    return Step(name, round((time.perf_counter() - began) * 1000), wrong)


# Is it there, and what is it?


def _alive(visit: Visit) -> None:
    answer = wire.send("GET", f"{visit.url}/health", headers={})
    if answer.json != {"status": "ok"}:
        raise Failed(f"/health answers {answer.status}, not that it is ok.")


def _ready(visit: Visit) -> None:
    """Asked for half a minute, as what sleeps wakes up."""
    said = ""
    for pause in (0, 2, 5, 10, 10):
        time.sleep(pause)
        answer = wire.send("GET", f"{visit.url}/ready", headers={})
        if answer.status == 200:
            return
        parts = answer.json if isinstance(answer.json, dict) else {}
        wrong = "; ".join(f"{part}: {state}" for part, state in parts.items() if state not in ("ok", "unavailable"))
        said = f"/ready answers {answer.status}. {wrong}"
    raise Failed(said)


def _token(visit: Visit) -> None:
    role = visit.admin.ask("GET", "auth/me", into=_Me)["role"]
    if role != "admin":
        raise Failed(f"This token is a {role}'s; give an administrator's.")


# Somebody new publishes.


def _sign_up(visit: Visit) -> None:
    name = f"smoke-{secrets.token_hex(6)}"
    password = secrets.token_urlsafe(24)
    sent = {"email": f"{name}@smoke.invalid", "username": name, "password": password}
    user = visit.stranger.ask("POST", "auth/register", sent, into=_SignedIn)["user"]
    visit.user = user["id"]
    signed_in = visit.stranger.ask("POST", "auth/login", {"login": name, "password": password}, into=_SignedIn)
    visit.person = _site(visit.url, signed_in["token"])


def _make_uploader(visit: Visit) -> None:
    visit.admin.ask("PATCH", f"admin/users/{visit.user}", {"role": "uploader"})
    if visit.person.ask("GET", "auth/me", into=_Me)["role"] != "uploader":
        raise Failed("The new role does not hold at once.")


def _create_series(visit: Visit) -> None:
    sent = {"title": "Smoke test", "author": "roliascan smoke", "description": "Deleted within a minute."}
    visit.series = visit.person.ask("POST", "series", sent, into=told.Series, key=secrets.token_hex(16))["id"]


def _create_chapter(visit: Visit) -> None:
    path = f"series/{visit.series}/chapters"
    visit.chapter = visit.person.ask("POST", path, {"number": 1}, into=told.Chapter, key=secrets.token_hex(16))["id"]


def _announce(visit: Visit) -> None:
    for number in range(1, PAGES + 1):
        (visit.folder / f"{number}.png").write_bytes(_png(240, 340))
    pages, wrong = folder.read(visit.folder)
    if wrong:
        raise Failed(wrong[0].reason)
    visit.session, visit.announced = session.announce(visit.person, visit.chapter, pages)


def _send(visit: Visit) -> None:
    sender = sending.Sender(
        visit.person, visit.chapter, visit.announced, tries=TRIES, rest=lambda s, _: time.sleep(s), tell=lambda _: None
    )
    for one in visit.announced:
        outcome = sender.send(one)
        if outcome.result != "sent":
            raise Failed(f"A page {outcome.result}: {outcome.detail}")


def _commit(visit: Visit) -> None:
    session.commit(visit.person, visit.session, visit.announced)
    sent = visit.person.ask("GET", f"chapters/{visit.chapter}/pages", into=told.SentPages)["pages"]
    if [page["sha256"] for page in sent] != [one.page.sha256 for one in visit.announced]:
        raise Failed("The chapter's pages are not those that were sent, in their order.")


def _publish(visit: Visit) -> None:
    visit.person.ask("POST", f"chapters/{visit.chapter}/publish")


# Everybody reads.


def _read_chapter(visit: Visit) -> None:
    visit.pages = visit.stranger.ask("GET", f"chapters/{visit.chapter}", into=told.Chapter)["pages"]
    if len(visit.pages) != PAGES:
        raise Failed(f"The chapter has {len(visit.pages)} pages for a stranger, not {PAGES}.")


def _read_pages(visit: Visit) -> None:
    """From wherever they are; a redirect is followed, as browsers do."""
    for page in visit.pages:
        answer = _fetch(visit.stranger.absolute(page["url"]))
        kind = answer.headers.get("Content-Type", "")
        if (answer.status, kind, len(answer.body)) != (200, page["type"], page["bytes"]):
            raise Failed(
                f"{page['url']} answers {answer.status} with {len(answer.body)} bytes of {kind or 'no type'},"
                f" not 200 with {page['bytes']} bytes of {page['type']}: look at IMAGE_URL and at who may read there."
            )


def _fetch(url: str) -> wire.Answer:
    answer = wire.send("GET", url, headers={})
    where = answer.headers.get("Location", "")
    if answer.status in {302, 303, 307} and where.startswith(("https://", "http://")):
        return wire.send("GET", where, headers={})
    return answer


# Clearing away.


def _delete_series(visit: Visit) -> None:
    if not visit.series:
        return
    visit.admin.ask("DELETE", f"series/{visit.series}")
    try:
        visit.stranger.ask("GET", f"series/{visit.series}")
    except SiteRefused as refusal:
        if refusal.status == 410:
            return
    raise Failed("The series is still there.")


def _ban(visit: Visit) -> None:
    if not visit.user:
        return
    visit.admin.ask("PATCH", f"admin/users/{visit.user}", {"isBanned": True, "banReason": "a smoke test's account"})
    try:
        visit.person.ask("GET", "auth/me")
    except TokenRefused:
        return
    raise Failed("Whoever is banned still gets in.")


Trial = tuple[str, Callable[[Visit], None]]
TRIALS: Sequence[Trial] = (
    ("alive", _alive),
    ("ready", _ready),
    ("administrator's token", _token),
    ("sign up and sign in", _sign_up),
    ("make them an uploader", _make_uploader),
    ("create a series", _create_series),
    ("create a chapter", _create_chapter),
    ("announce pages", _announce),
    ("send pages by tickets", _send),
    ("commit", _commit),
    ("publish", _publish),
    ("a stranger reads it", _read_chapter),
    ("a stranger loads its pages", _read_pages),
)
CLEARING: Sequence[Trial] = (("delete the series", _delete_series), ("ban the person", _ban))


def _png(width: int, height: int) -> bytes:
    """A page of a colour of its own, with noise below; as PNG has it, so that no library is needed where this runs."""
    colour = secrets.token_bytes(3)
    plain = (b"\0" + colour * width) * (height - 20)
    noise = b"".join(b"\0" + secrets.token_bytes(3 * width) for _ in range(20))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(plain + noise)), _chunk(b"IEND", b""))
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
