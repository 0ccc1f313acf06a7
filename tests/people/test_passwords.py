"""How passwords are kept, and that checking them cannot take the site down."""

import json
from collections.abc import Iterator

import pytest

from roliascan.people import passwords
from tests.front import Site, at_once, refused, told

PASSWORD = "correct horse battery"
NEW = {"email": "a@b.cd", "username": "reader", "password": PASSWORD}
LOGIN = {"login": "reader", "password": PASSWORD}


def test_a_password_is_kept_as_owasp_says(site: Site) -> None:
    told(site.stranger.post("auth/register", NEW), 201)
    (kept,) = site.values("password_hash", "users")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in kept


def test_equal_passwords_are_kept_differently() -> None:
    assert passwords.hashed(PASSWORD) != passwords.hashed(PASSWORD)


def test_a_weaker_hash_is_made_anew_at_a_login(site: Site) -> None:  # AU-30
    from argon2 import PasswordHasher

    told(site.stranger.post("auth/register", NEW), 201)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    site.write("UPDATE users SET password_hash = :weak", weak=weak)
    refused(site.stranger.post("auth/login", {**LOGIN, "password": "wrong password"}), 401)
    assert site.values("password_hash", "users") == [weak]
    told(site.stranger.post("auth/login", LOGIN))
    (kept,) = site.values("password_hash", "users")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    told(site.stranger.post("auth/login", LOGIN))
    assert site.values("password_hash", "users") == [kept]


@pytest.mark.parametrize("broken", ["", "!", "$argon2id$", "plain text", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_hash_that_is_none_lets_nobody_in(site: Site, broken: str) -> None:
    told(site.stranger.post("auth/register", NEW), 201)
    site.write("UPDATE users SET password_hash = :broken", broken=broken)
    for password in (PASSWORD, broken):
        refused(site.stranger.post("auth/login", {**LOGIN, "password": password}), 401, "invalid_credentials")


def test_unknown_people_cost_what_known_ones_cost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-16
    """One check each, of a hash of the same parameters; `python -m bench login` compares the time."""
    checked: list[str] = []
    really = passwords._fits

    def noted(password: str, password_hash: str) -> bool:
        checked.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return really(password, password_hash)

    told(site.stranger.post("auth/register", NEW), 201)
    told(site.stranger.post("auth/register", {**NEW, "email": "x@b.cd", "username": "banned"}), 201)
    site.write("UPDATE users SET is_banned = :yes WHERE username = 'banned'", yes=True)
    monkeypatch.setattr(passwords, "_fits", noted)
    for login in (LOGIN["login"], "nobody", "nobody@tests.example", "banned"):
        refused(site.stranger.post("auth/login", {"login": login, "password": "wrong password"}), 401)
    assert checked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 4


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Others are checking passwords in every slot."""
    monkeypatch.setattr(passwords, "WAIT_S", 0.01)
    for _ in range(passwords.SLOTS):
        passwords._slots.acquire()
    yield
    for _ in range(passwords.SLOTS):
        passwords._slots.release()


def test_there_are_few_slots() -> None:
    assert 1 <= passwords.SLOTS <= 4


def test_a_flood_is_turned_away_and_reading_goes_on(
    site: Site, taken: None, capsys: pytest.CaptureFixture[str]
) -> None:  # AU-28
    site.sign_up("uploader").makes_series()
    for path, body in (("auth/login", LOGIN), ("auth/register", NEW)):
        answer = site.stranger.post(path, body)
        refused(answer, 503, "too_many_logins_at_once")
        assert answer.headers["retry-after"] == "1"
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["level"] == "warning"
    assert len(told(site.stranger.get("series"))["data"]) == 1
    assert site.count("users") == 1


def test_slots_come_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # AU-28
    monkeypatch.setattr(passwords, "WAIT_S", 30)
    answers = at_once(8, lambda turn: site.stranger.post("auth/login", {"login": f"x{turn}", "password": "y"}))
    assert {answer.status_code for answer in answers} == {401}
    for _ in range(passwords.SLOTS):
        assert passwords._slots.acquire(timeout=0)
    for _ in range(passwords.SLOTS):
        passwords._slots.release()


def test_what_is_not_worth_checking_takes_no_slot(site: Site, taken: None) -> None:
    refused(site.stranger.post("auth/register", {**NEW, "password": "x" * 1025}), 400)
    refused(site.stranger.post("auth/login", {**LOGIN, "password": "x" * 5000}), 400)
