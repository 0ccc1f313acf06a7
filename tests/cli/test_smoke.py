"""`roliascan smoke` against real sites: one that is well, and ones that are not."""

import json
from pathlib import Path

import pytest

from tests.cli import fronts
from tests.cli.fronts import Heard, Said
from tests.cli.places import Place
from tests.cli.sending import Uploading

STEPS = [
    *("alive", "ready", "administrator's token", "sign up and sign in", "make them an uploader", "create a series"),
    *("create a chapter", "announce pages", "send pages by tickets", "commit", "publish", "a stranger reads it"),
    *("a stranger loads its pages", "delete the series", "ban the person"),
]


def test_a_site_that_is_well_is_left_as_it_was(uploading: Uploading, sender: Place) -> None:
    ran = sender.run("smoke", uploading.address)
    assert (ran.status, ran.err) == (0, "")
    assert [line[:28].rstrip() for line in ran.lines[:-2]] == STEPS
    assert all(line.endswith("  ok") for line in ran.lines[:-2])
    assert ran.lines[-1].startswith(f"{uploading.address} is well: {len(STEPS)} steps in ")
    assert not [one for one in uploading.ask("GET", "series?limit=100")["data"] if one["title"] == "Smoke test"]
    people = uploading.ask("GET", "admin/users?q=smoke-")["data"]
    assert people
    assert all(one["isBanned"] for one in people)
    left = [path for path in Path(uploading.home, "uploads").rglob("*") if path.is_file() and "pages" in path.parts]
    assert not left


def test_what_fails_is_named_and_the_rest_cleared_away(uploading: Uploading, sender: Place) -> None:
    """A storage that takes nothing: what was made before is gone, and the status says so."""
    with fronts.before(uploading.address) as front:
        front.answer = lambda heard, _: Said(403, {}, b"<no>") if heard.method == "PUT" else None
        ran = sender.run("smoke", front.url, "--json")
    assert ran.status == 1
    told = json.loads(ran.out)
    assert told["ok"] is False
    wrong = {one["step"]: one["wrong"] for one in told["steps"] if one["wrong"]}
    assert list(wrong) == ["send pages by tickets"]
    assert "403" in wrong["send pages by tickets"]
    assert [one["step"] for one in told["steps"][-2:]] == ["delete the series", "ban the person"]
    assert not [one for one in uploading.ask("GET", "series?limit=100")["data"] if one["title"] == "Smoke test"]


def test_pages_that_nobody_can_read_are_found(uploading: Uploading, sender: Place) -> None:
    """An IMAGE_URL that leads elsewhere is the most usual mistake."""
    with fronts.before(uploading.address) as front:
        front.answer = lambda heard, _: Said(403, {}, b"<no>") if heard.path.startswith("/uploads/") else None
        ran = sender.run("smoke", front.url)
    assert ran.status == 1
    [failed] = [line for line in ran.lines if "FAILED" in line]
    assert failed.startswith("a stranger loads its pages")
    assert "IMAGE_URL" in failed


def test_a_token_that_is_no_administrators(uploading: Uploading, sender: Place) -> None:
    named = {"email": "plain@example.org", "username": "plain-one", "password": "lantern keeper 13"}
    sender.environ["ROLIASCAN_TOKEN"] = uploading.ask("POST", "auth/register", named, token="")["token"]
    ran = sender.run("smoke", uploading.address)
    assert ran.status == 1
    assert ran.lines[2].endswith("FAILED: This token is a user's; give an administrator's.")
    sender.environ["ROLIASCAN_TOKEN"] = "no-token"
    assert "does not take this token" in sender.run("smoke", uploading.address).out


def test_what_is_no_site(uploading: Uploading, sender: Place) -> None:
    with fronts.before(uploading.address) as front:
        front.answer = lambda *_: Said(200, {"Content-Type": "application/json"}, b'{"status": "ok"}')
        ran = sender.run("smoke", front.url)
    assert ran.status == 1
    assert "What the site answers to GET auth/me cannot be used" in ran.out
    assert "FAILED: no answer" in sender.run("smoke", front.url).out
    for wrong in ("comics.example.org", "ftp://comics.example.org", "https://me@comics.example.org"):
        assert sender.run("smoke", wrong).status == 2


def test_states_that_are_no_texts(uploading: Uploading, sender: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not ready in words of its own is not ready, and no fault of ours."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    with fronts.before(uploading.address) as front:
        front.answer = lambda heard, _: Said(503, {}, b'{"database": [{}]}') if heard.path == "/ready" else None
        ran = sender.run("smoke", front.url)
    assert ran.status == 1
    assert "FAILED: /ready answers 503. database: [{}]" in ran.out


def test_half_a_character_is_no_state(uploading: Uploading, sender: Place) -> None:
    """JSON can have one, and what compares texts as UTF-8 cannot."""
    with fronts.before(uploading.address) as front:
        said = Said(200, {}, rb'{"id": "c", "state": "\ud800", "pageCount": 0, "pages": []}')
        front.answer = lambda heard, _: said if heard.path.endswith("/chapters") else None
        ran = sender.run("smoke", front.url)
    assert ran.status == 1
    [failed] = [line for line in ran.lines if "FAILED" in line]
    assert failed.startswith("create a chapter")
    assert "cannot be used" in failed


def test_a_revoked_right_that_still_holds_is_found(uploading: Uploading, sender: Place) -> None:
    """A cache that answers for people would hide a ban: the step fails."""
    with fronts.before(uploading.address) as front:
        known: list[str] = []
        front.answer = lambda heard, _: _as_once(heard, known)
        ran = sender.run("smoke", front.url)
    assert ran.status == 1
    assert [line.split("  ")[0] for line in ran.lines if "FAILED" in line] == [
        "make them an uploader",
        "ban the person",
    ]


def _as_once(heard: Heard, known: list[str]) -> Said | None:
    """What everybody was when they first asked: an administrator, the others users."""
    if heard.path != "/api/v1/auth/me":
        return None
    known.append(heard.headers["Authorization"])
    role = "admin" if known[-1] == known[0] else "user"
    return Said(200, {"Content-Type": "application/json"}, json.dumps({"role": role}).encode())
