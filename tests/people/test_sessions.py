"""One's own sessions: listing them, and ending one from another place."""

import pytest

from roliascan.people import sessions, tokens
from tests.front import SECRET, Asker, Site, everything, ids, refused, told


def signs_in_again(asker: Asker, lasts_s: int = 86400) -> Asker:
    """The same person somewhere else, a minute later."""
    site = asker.site
    site.clock.forward(minutes=1)
    started = site.db.run(sessions.start, user_id=asker.id, lasts_s=lasts_s, now=site.clock())
    token = tokens.issue(started[0], secret=SECRET, now=site.clock(), expires_at=started[1])
    return Asker(site, asker.id, asker.username, token)


def current(asker: Asker) -> str:
    (found,) = (one["id"] for one in told(asker.get("auth/sessions"))["data"] if one["isCurrent"])
    return str(found)


def test_a_person_sees_their_own_sessions(any_site: Site) -> None:
    asker = any_site.sign_up()
    any_site.sign_up()
    other = signs_in_again(asker)
    page = told(other.get("auth/sessions"))
    assert page["page"] == {"limit": 20, "number": 1, "total": None, "next": None}
    newest, first = page["data"]
    assert newest == {
        "id": newest["id"],
        "createdAt": "2026-11-23T12:01:00.000000Z",
        "expiresAt": "2026-11-24T12:01:00.000000Z",
        "isCurrent": True,
    }
    assert (first["isCurrent"], first["createdAt"]) == (False, "2026-11-23T12:00:00.000000Z")
    assert current(asker) == first["id"]
    assert [one["id"] for one in everything(asker, "auth/sessions", limit=1)] == ids(page)
    any_site.clock.forward(hours=24)
    assert ids(told(asker.get("auth/sessions"))) == [first["id"]]  # the other is over


def test_a_session_is_ended_from_another_place(any_site: Site) -> None:  # AU-11
    asker = any_site.sign_up()
    lost, third = signs_in_again(asker), signs_in_again(asker)
    ended = current(lost)
    told(asker.delete(f"auth/sessions/{ended}"), 204)
    refused(lost.get("auth/me"), 401, "not_signed_in")
    refused(asker.delete(f"auth/sessions/{ended}"), 404)
    told(third.get("auth/me"))
    assert len(told(asker.get("auth/sessions"))["data"]) == 2


def test_ending_the_current_one_is_signing_out(any_site: Site) -> None:
    asker = any_site.sign_up()
    other = signs_in_again(asker)
    assert not asker.delete(f"auth/sessions/{current(other)}").cookies
    answer = asker.delete(f"auth/sessions/{current(asker)}")
    assert (answer.status_code, answer.content, answer.cookies["token"].value) == (204, b"", "")
    refused(asker.get("auth/me"), 401)


def test_nobody_ends_a_session_of_others(any_site: Site) -> None:  # AZ-04
    asker, victim = any_site.sign_up("admin"), any_site.sign_up()
    of_others = current(victim)
    for wrong in (of_others, of_others.upper(), f"{of_others}%20", "1", "'", "01a20846-fe00-7ece-bc0b-f87796bb3294"):
        refused(asker.delete(f"auth/sessions/{wrong}"), 404)  # AZ-05
    told(victim.get("auth/me"))
    over = current(signs_in_again(victim, lasts_s=10))
    any_site.clock.forward(seconds=10)
    refused(victim.delete(f"auth/sessions/{over}"), 404)


@pytest.mark.parametrize("path", ["auth/sessions", "auth/sessions/01a20846-fe00-7ece-bc0b-f87796bb3294"])
def test_a_stranger_has_no_sessions(site: Site, path: str) -> None:
    refused(site.stranger.ask("DELETE" if path.count("/") == 2 else "GET", path), 401, "not_signed_in")


def test_sessions_are_nobody_elses_to_keep(site: Site) -> None:  # AZ-16
    asker, other = site.sign_up(), site.sign_up()
    answer = asker.get("auth/sessions")
    assert answer.headers["cache-control"] == "private, no-store"
    tag = {"If-None-Match": answer.headers["etag"]}
    assert asker.get("auth/sessions", headers=tag).status_code == 304
    told(other.get("auth/sessions", headers=tag))
    signs_in_again(asker)
    cursor = told(asker.get("auth/sessions?limit=1"))["page"]["next"]
    assert ids(told(other.get(f"auth/sessions?cursor={cursor}"))) == [current(other)]  # a cursor carries no rights
