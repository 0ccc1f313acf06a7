"""Signing in and out, one's own account, and what ends a session."""

from typing import Any

import pytest
from falcon.testing import Result

from roliascan.people import passwords
from tests.front import NOW, Asker, Site, fields, opened, refused, told

PASSWORD = "correct horse 漫画"


@pytest.fixture
def reader(site: Site) -> Asker:
    return register(site)


def register(site: Site, username: str = "Reader", email: str = "Reader@tests.example") -> Asker:
    body = {"email": email, "username": username, "password": PASSWORD}
    made = told(site.stranger.post("auth/register", body), 201)
    return Asker(site, made["user"]["id"], username, made["token"])


def login(site: Site, name: str = "Reader", password: str = PASSWORD) -> Result:
    return site.stranger.post("auth/login", {"login": name, "password": password})


def signed_in(site: Site, password: str = PASSWORD) -> Asker:
    return Asker(site, token=told(login(site, password=password))["token"])


NAMES = ["Reader", "reader", " READER ", "reader@tests.example", "READER@TESTS.EXAMPLE", "ｒeader"]


def test_either_name_signs_in(any_site: Site) -> None:
    reader = register(any_site)
    for name in NAMES:
        answer = login(any_site, name)
        told_of = told(answer)
        assert told_of.keys() == {"token", "user"}
        assert told_of["user"]["id"] == reader.id
        assert answer.cookies["token"].value == told_of["token"] != reader.token


def test_an_address_is_not_a_username(site: Site) -> None:
    register(site, "a.b", "x@tests.example")
    refused(login(site, "x"), 401, "invalid_credentials")
    refused(login(site, "a.b@tests.example"), 401, "invalid_credentials")


def ban(site: Site, until: Any = None) -> None:
    site.write("UPDATE users SET is_banned = :yes, banned_until = :until", yes=True, until=until)


def test_every_failure_is_answered_alike(site: Site, reader: Asker) -> None:  # AU-15
    long = "x" * 254
    answers = [
        login(site, *how) for how in (("nobody",), ("no@b.cd",), ("Reader", "wrong password"), (long,), ("'--",))
    ]
    answers += [login(site, "Reader", ""), login(site, "\ufdfa" * 254)]
    ban(site)
    answers += [login(site), login(site, "reader@tests.example")]
    first = answers[0]
    refused(first, 401, "invalid_credentials")
    for answer in answers:
        told_of = answer.json | {"requestId": ""}
        assert told_of == first.json | {"requestId": ""}
        assert {**answer.headers, "x-request-id": ""} == {**first.headers, "x-request-id": ""}
        assert not answer.cookies


def test_nothing_of_a_failure_is_kept(site: Site, reader: Asker) -> None:
    login(site, "Reader", "wrong password")
    assert site.count("sessions") == 1


def test_no_session_starts_with_a_password_that_was_changed_meanwhile(
    any_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(any_site)
    really = passwords.matches

    def slowly(password: str, password_hash: str | None, **how: Any) -> bool:
        found = really(password, password_hash, **how)
        any_site.write("UPDATE users SET password_hash = :other", other=passwords.hashed("another password"))
        return found

    monkeypatch.setattr(passwords, "matches", slowly)
    refused(login(any_site), 401, "invalid_credentials")
    assert any_site.count("sessions") == 1


def test_who_is_banned_is_a_stranger_at_the_next_request(any_site: Site) -> None:  # AU-11
    reader = register(any_site)
    draft_owner = any_site.sign_up("uploader")
    draft = draft_owner.makes_series(state="draft")
    ban(any_site)
    refused(reader.get("auth/me"), 401, "not_signed_in")
    refused(draft_owner.get(f"series/{draft['id']}"), 404)
    refused(draft_owner.post("series", {"title": "A", "author": "B"}), 401)
    told(draft_owner.get("series"))


def test_a_ban_ends_at_its_time(any_site: Site) -> None:
    reader = register(any_site)
    ban(any_site, until=NOW.replace(hour=13))
    any_site.clock.forward(minutes=59, seconds=59)
    refused(reader.get("auth/me"), 401)
    refused(login(any_site), 401, "invalid_credentials")
    any_site.clock.forward(seconds=1)
    told(reader.get("auth/me"))
    told(login(any_site))


def test_who_is_demoted_is_so_at_once(any_site: Site) -> None:  # AU-11, AZ-15
    asker = any_site.sign_up("admin")
    told(asker.post("series", {"title": "A", "author": "B"}), 201)
    any_site.write("UPDATE users SET role = 'user' WHERE id = :id", id=asker.id)
    refused(asker.post("series", {"title": "A", "author": "B"}), 403, "not_allowed")
    assert told(asker.get("auth/me"))["role"] == "user"
    any_site.write("UPDATE users SET role = 'uploader' WHERE id = :id", id=asker.id)
    told(asker.post("series", {"title": "A", "author": "B"}), 201)


def test_a_session_ends_with_its_time(any_site: Site) -> None:
    reader = register(any_site)
    any_site.clock.forward(days=7, seconds=-1)
    told(reader.get("auth/me"))
    any_site.clock.forward(seconds=1)
    refused(reader.get("auth/me"), 401, "not_signed_in")


def test_signing_out_ends_this_session_only(any_site: Site) -> None:
    reader = register(any_site)
    other = signed_in(any_site)
    answer = reader.post("auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.cookies["token"].value == ""
    refused(reader.get("auth/me"), 401)
    refused(reader.post("auth/logout"), 401)
    told(other.get("auth/me"))


def test_who_is_deleted_is_a_stranger(site: Site, reader: Asker) -> None:  # AU-11
    site.write("DELETE FROM sessions")
    site.write("DELETE FROM users")
    refused(reader.get("auth/me"), 401)


# One's own account.


def test_a_name_changes_without_a_password(any_site: Site) -> None:
    reader = register(any_site)
    assert told(reader.patch("auth/me", {"username": " New.Name "}))["username"] == "New.Name"
    refused(login(any_site, "Reader"), 401)
    told(login(any_site, "new.name"))
    assert told(any_site.stranger.get(f"users/{reader.id}"))["username"] == "New.Name"


def test_one_may_keep_looking_alike_to_oneself(site: Site, reader: Asker) -> None:
    assert told(reader.patch("auth/me", {"username": "READER"}))["username"] == "READER"
    changed = {"email": "READER@tests.example", "currentPassword": PASSWORD}
    assert told(reader.patch("auth/me", changed))["email"] == "READER@tests.example"


def test_what_others_have_is_taken(any_site: Site) -> None:
    reader = register(any_site)
    register(any_site, "Other", "other@tests.example")
    refused(reader.patch("auth/me", {"username": "0THER"}), 409, "username_taken")
    taken = {"email": "OTHER@tests.example", "currentPassword": PASSWORD}
    refused(reader.patch("auth/me", taken), 409, "email_taken")
    assert told(reader.get("auth/me"))["username"] == "Reader"


@pytest.mark.parametrize("change", [{"email": "new@tests.example"}, {"password": "another password"}])
def test_address_and_password_need_the_current_password(  # AU-23
    site: Site, reader: Asker, change: dict[str, str]
) -> None:
    for proof in ({}, {"currentPassword": ""}, {"currentPassword": "wrong"}, {"currentPassword": f" {PASSWORD}"}):
        refused(reader.patch("auth/me", {**change, **proof, "username": "Sneaked"}), 403, "wrong_password")
    me = told(reader.get("auth/me"))
    assert (me["username"], me["email"]) == ("Reader", "Reader@tests.example")
    told(reader.patch("auth/me", {**change, "currentPassword": PASSWORD}))


def test_a_new_password_ends_the_other_sessions(any_site: Site) -> None:  # AU-11
    reader = register(any_site)
    somebody = any_site.sign_up()
    other = signed_in(any_site)
    told(reader.patch("auth/me", {"password": "another password", "currentPassword": PASSWORD}))
    told(reader.get("auth/me"))
    refused(other.get("auth/me"), 401)
    told(somebody.get("auth/me"))
    refused(login(any_site), 401, "invalid_credentials")
    told(login(any_site, password="another password"))


def test_of_two_new_passwords_at_once_one_counts(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-11
    first, second = register(any_site), signed_in(any_site)
    really = passwords.hashed

    def slowly(password: str) -> str:
        monkeypatch.setattr(passwords, "hashed", really)
        told(second.patch("auth/me", {"password": "of the second", "currentPassword": PASSWORD}))
        return really(password)

    monkeypatch.setattr(passwords, "hashed", slowly)
    refused(first.patch("auth/me", {"password": "of the first", "currentPassword": PASSWORD}), 401)
    refused(login(any_site, password="of the first"), 401, "invalid_credentials")
    told(login(any_site, password="of the second"))


def test_no_password_costs_no_check_of_one(site: Site, reader: Asker, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-28
    monkeypatch.setattr(passwords, "matches", None)
    refused(reader.patch("auth/me", {"email": "new@tests.example"}), 403, "wrong_password")


def test_a_new_address_or_name_ends_no_session(site: Site, reader: Asker) -> None:
    other = signed_in(site)
    told(reader.patch("auth/me", {"email": "new@tests.example", "username": "Other", "currentPassword": PASSWORD}))
    told(other.get("auth/me"))
    told(login(site, "new@tests.example"))


@pytest.mark.parametrize(
    "field", ["role", "id", "isMuted", "isBanned", "is_banned", "permissions", "password_hash", "createdAt", "version"]
)
def test_nobody_makes_more_of_themselves(site: Site, reader: Asker, field: str) -> None:  # AZ-06
    before = told(reader.get("auth/me"))
    assert fields(reader.patch("auth/me", {"username": "Other", field: "admin"})) == [field]
    assert told(reader.get("auth/me")) == before


def test_the_same_rules_hold_for_a_change(site: Site, reader: Asker) -> None:
    change = {"username": "a b", "email": "nowhere", "password": "short", "currentPassword": PASSWORD}
    assert fields(reader.patch("auth/me", change)) == ["email", "password", "username"]
    assert fields(reader.patch("auth/me", {"username": None, "email": None})) == ["email", "username"]


def test_an_empty_change_changes_nothing(site: Site, reader: Asker) -> None:
    assert told(reader.patch("auth/me", {})) == told(reader.get("auth/me"))


def test_the_cookie_is_secure_where_the_site_is(site_url: str) -> None:
    with opened(site_url, PUBLIC_URL="https://comics.example", JWT_EXPIRES_IN="30m") as site:
        register(site)
        cookie = login(site).cookies["token"]
        assert (cookie.secure, cookie.http_only, cookie.max_age, cookie.same_site) == (True, True, 1800, "Lax")


def test_an_account_tells_its_teams_and_permissions(any_site: Site) -> None:
    asker = any_site.sign_up("uploader", grants=("mute:user",))
    team = asker.makes_team("B")
    other = any_site.sign_up("uploader").makes_team("A")
    told(any_site.sign_up("admin").put(f"teams/{other['id']}/members/{asker.id}", {"role": "member"}))
    me = told(asker.get("auth/me"))
    assert me["teams"] == [
        {"id": other["id"], "name": "A", "role": "member"},
        {"id": team["id"], "name": "B", "role": "leader"},
    ]
    assert "mute:user" in me["permissions"]
    assert me["permissions"] == sorted({*me["permissions"]})
